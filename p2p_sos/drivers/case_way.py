"""By which way a case speaks: chosen once, kept in its file, and never weakened in silence.

Decides which way a resumed case takes, and which relays of its list it listens to and which it pushes to. In come what the
person asks for and what the file remembers; out goes a `Route` and the mesh that walks it. Must not know messages.

The relays are the case's own list: what `--bootstrap` named, else what the settings named, kept with the case. Nobody is
asked for relays while the case speaks: a list that somebody handed out now could be handed out to this caller alone.
"""

import json
import random
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import frozen

from p2p_sos.core.origin.way import Way
from p2p_sos.drivers.addresses import Address, bootstrap_address, draw
from p2p_sos.drivers.casefile import CaseFile
from p2p_sos.drivers.keyfile import SEED_BYTES
from p2p_sos.drivers.socks import ENVIRONMENT, SocksAddress, parse_socks
from p2p_sos.drivers.store import StoreError, StoreUnusable
from p2p_sos.wire.registry import PUSH_RELAYS

if TYPE_CHECKING:
    from p2p_sos.drivers.p2p.mesh import Libp2pMesh

ROUTE_NOTE = "route"
LISTENED_NOTE = "listened"  # addresses: whom a case by push listens to
GIVEN_NOTE = "given"  # peers: whom a case by push may have pushed to
SHOWN_NOTE = "shown"  # addresses: whom a case by stem dialled, the best first
BY_STRENGTH = (Way.DIRECT, Way.STEM, Way.PUSH)
JOINED_MAX = 16  # guess: of a list with half its relays gone, surely one is there
STEM_DIALS = 3  # one takes the cell, one bears witness, one to spare for when it does not come back
STEM_SHOWN_MAX = 16  # guess: of a list with half its relays gone, surely two are there
LISTENED_MAX = 3  # guess: one of them is there


class WayRefused(Exception):
    """The case will not be served by this way; the sentence says why and what to do."""


@frozen
class Route:
    """A way, and the proxy that it needs."""

    way: Way = Way.DIRECT
    socks: SocksAddress | None = None

    def __str__(self) -> str:
        return self.way.value


def keep_route(file: CaseFile, route: Route) -> None:
    """Remember it in the case file. Raises `StoreError`."""
    kept = {"way": route.way.value, "socks": None if route.socks is None else str(route.socks)}
    file.write_note(ROUTE_NOTE, json.dumps(kept).encode())


def route_of(file: CaseFile) -> Route:
    """What the case file remembers; the direct way when it is older than ways. Raises `StoreUnusable`."""
    note = file.note(ROUTE_NOTE)
    if note is None:
        return Route()
    try:
        kept = json.loads(note)
        socks = None if kept["socks"] is None else parse_socks(kept["socks"])
        way = Way(kept["way"])
    except (ValueError, KeyError, TypeError) as error:
        raise StoreUnusable("The case file names a way that this program does not know: renew it.") from error
    if isinstance(socks, str):
        raise StoreUnusable(f"The case file names a proxy that cannot be: {socks}")
    return Route(way, socks)


def settle(file: CaseFile, way: Way | None, socks: tuple[str, int] | None, *, weaker: bool) -> Route:
    """The route to take now, kept in the file if it is new. Raises `WayRefused`, `StoreError`, `StoreUnusable`.

    Nothing asked for: the remembered one. A weaker way only where `weaker` says that the person consented.
    """
    kept = route_of(file)
    route = Route(way or kept.way, kept.socks if socks is None else SocksAddress(*socks))
    if not weaker and BY_STRENGTH.index(route.way) < BY_STRENGTH.index(kept.way):
        raise WayRefused(
            f"This case has spoken by the way {kept} and would show more by the way {route}: "
            f"resume it by {kept}, or consent to the weaker way."
        )
    checked(route)
    if route != kept:
        keep_route(file, route)
    return route


def checked(route: Route) -> Route:
    """The route, if it can be taken. Raises `WayRefused` for a push without a proxy, or a proxy that is not in digits."""
    if route.way is Way.PUSH and route.socks is None:
        raise WayRefused(
            f"The way push needs a SOCKS port and none is known: start Tor, or name its port with {ENVIRONMENT}."
        )
    if route.socks is not None and isinstance(wrong := parse_socks(str(route.socks)), str):
        raise WayRefused(wrong)
    return route


def mesh_of(route: Route, file: CaseFile, bootstrap: Sequence[str], *, loopback_apart: bool) -> "Libp2pMesh":
    """The mesh for this route, under a fresh host key; a laboratory's tells loopback peers apart. Raises ValueError about a wrong address, `StoreError`."""
    seed = secrets.token_bytes(SEED_BYTES)
    source = random.SystemRandom()
    if route.way is Way.PUSH:
        return _hidden(seed, route, file, bootstrap, source)
    if route.way is Way.STEM:
        return _guarded(seed, file, bootstrap, source, loopback_apart=loopback_apart)
    from p2p_sos.drivers.p2p.mesh import Libp2pMesh  # half a second and 85 MB

    return Libp2pMesh(seed, (), joined(bootstrap, source), loopback_apart=loopback_apart)


def _guarded(
    seed: bytes, file: CaseFile, bootstrap: Sequence[str], source: random.Random, *, loopback_apart: bool
) -> "Libp2pMesh":
    """By stem: `STEM_DIALS` relays at once, of different networks where there are such, and `STEM_SHOWN_MAX` of one list in all.

    Each that is dialled can learn where the caller stands. Whom the case dialled before it dials first, through restarts; one
    more learns it for each that fails. Relays that a person names anew are a list of their own.
    """
    from p2p_sos.drivers.p2p.guarded import GuardedMesh
    from p2p_sos.drivers.p2p.rota import RotaLimits

    return GuardedMesh(
        seed,
        bootstrap,
        RotaLimits(STEM_DIALS, STEM_SHOWN_MAX),
        shown=[bootstrap_address(text) for text in _noted(file, SHOWN_NOTE)],
        noted=lambda shown: _note(file, SHOWN_NOTE, map(str, shown)),
        source=source,
        loopback_apart=loopback_apart,
    )


def _hidden(
    seed: bytes, route: Route, file: CaseFile, bootstrap: Sequence[str], source: random.Random
) -> "Libp2pMesh":
    """By push: whom it listens to stays so, and whom it may have pushed to bears no witness, through restarts."""
    from p2p_sos.drivers.p2p.hidden import HiddenMesh

    assert route.socks is not None
    before, given = _noted(file, LISTENED_NOTE), _noted(file, GIVEN_NOTE)
    relays = [bootstrap_address(text) for text in bootstrap]
    listened, pushed = divide(relays, [bootstrap_address(text) for text in before], given, source)
    _note(file, LISTENED_NOTE, map(str, listened))
    _note(file, GIVEN_NOTE, [*given, *(one.peer for one in pushed)])
    return HiddenMesh(
        seed,
        listened,
        pushed,
        route.socks,
        given=given,
        turned=lambda one: _note(file, GIVEN_NOTE, [*_noted(file, GIVEN_NOTE), one.peer]),
        source=source,
    )


def _noted(file: CaseFile, name: str) -> tuple[str, ...]:
    return tuple(json.loads(file.note(name) or b"[]"))


def _note(file: CaseFile, name: str, texts: Iterable[str]) -> None:
    """Keep these, each once; a call does not stay here because a disk is full."""
    kept = tuple(dict.fromkeys(texts))
    if kept != _noted(file, name):
        with suppress(StoreError):
            file.write_note(name, json.dumps(kept).encode())


def joined(bootstrap: Sequence[str], source: random.Random) -> tuple[str, ...]:
    """Whom a case in the open dials, all at once: all, or so many of a long list; each sees where it stands. Raises ValueError."""
    if len(bootstrap) <= JOINED_MAX:
        return tuple(bootstrap)
    return tuple(map(str, draw([bootstrap_address(text) for text in bootstrap], JOINED_MAX, source)))


def divide(
    relays: Sequence[Address], before: Sequence[Address], given: Sequence[str], source: random.Random
) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """Whom to listen to and whom to push to: others, where two are known.

    Those listened to before stay so. `given`: peers that were pushed to before; they are listened to only where nobody else is
    left, and bear no witness then. All addresses of one peer have one part.
    """
    known, heard = tuple(dict.fromkeys(relays)), {one.peer for one in before}
    peers = {one.peer: one for one in reversed(known)}  # the first address of each
    count = min(LISTENED_MAX, max(1, len(peers) - PUSH_RELAYS))
    free = [one for one in known if peers[one.peer] == one and one.peer not in given]
    kept = [one for one in free if one.peer in heard][:count]
    fresh = [one for one in free if one.peer not in heard]
    chosen = [*kept, *draw(fresh, count - len(kept), source)] or draw(list(peers.values()), count, source)
    listeners = {one.peer for one in chosen}
    pushed = tuple(one for one in known if one.peer not in listeners)
    return tuple(one for one in known if one.peer in listeners), pushed or known

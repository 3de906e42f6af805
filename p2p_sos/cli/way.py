"""By which way a call goes: through a SOCKS port when one answers, else what a person accepts instead.

Comes in: `--via`, `SOS_SOCKS`, the relays known. Goes out: a way, and one sentence that says what it hides and from whom; or
a `Stop` that names the command to go on with. Greets SOCKS ports, of this machine unless `SOS_SOCKS` names another one; a call
by hand greets none. Dials nobody else.
"""

import os
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop

if TYPE_CHECKING:
    from p2p_sos.core.origin.way import Way
    from p2p_sos.drivers.casefile import CaseFile
    from p2p_sos.drivers.socks import SocksAddress

SOCKS, STEM, DIRECT = "socks", "stem", "direct"
VIAS = (SOCKS, STEM, DIRECT)
WORDS = {"push": SOCKS, "stem": STEM, "direct": DIRECT}  # the protocol's word -> the person's
VIA_OPTION = click.option(
    "--via",
    type=click.Choice(VIAS),
    help="By which way: through Tor's SOCKS port, relay by relay, or in the open. [socks, when a port answers]",
)
HIDES = {
    SOCKS: "By SOCKS port {socks}: no relay and no spy in the mesh sees your address, only where that proxy comes out; your "
    "provider sees that you use it, and who watches all lines at once can still find you.",
    STEM: "By the stem: whoever only hears the call does not see where it came from, but since this process came just now and "
    "relays for nobody, a spy among the relays that it joins can guess you, and as its first relay names you with certainty.",
    DIRECT: "Direct: nothing hides who calls; each relay that your call enters through sees your network address.",
}

SHARED = (
    "Its relays are those that this home knows for its node: whoever knows them may guess where a call through them comes "
    "from; sos relays fetch and call.relays in settings.toml keep others, --bootstrap ADDRESS names them."
)
BEYOND = (
    "That port stands on another machine: whoever runs it, or hears the line to it, sees your address and which relays you go to, "
    "so it must be a gateway of your own, as in Whonix."
)
LATER = "It goes by no way yet: when it goes, through a SOCKS port, and by nothing that hides less unless you name it then."


class Chosen(NamedTuple):
    """A way; `consented` says that a person named it, or that nothing hides more. `later`: nothing goes by it yet."""

    via: str
    socks: "SocksAddress | None" = None
    consented: bool = True
    later: bool = False

    @property
    def hides(self) -> str:
        """What it hides and from whom, in one sentence."""
        if self.later:
            return LATER
        said = HIDES[self.via].format(socks=self.socks)
        beyond = self.via == SOCKS and self.socks is not None and not self.socks.is_here
        return f"{said} {BEYOND}" if beyond else said

    @property
    def way(self) -> "Way":
        """The same for the case service."""
        return way_of(self.via)


def way_of(via: str) -> "Way":
    """The protocol's way of a person's word."""
    from p2p_sos.core.origin.way import Way

    return next(way for way in Way if WORDS[way.value] == via)


# ------------------------------------------------------------------------- a call


def choose(via: str | None, relays: Sequence[str], profile: str) -> Chosen:
    """The way that was named, if it can be gone; else the strongest there is. `Stop` 77 where the named one cannot be."""
    if via == DIRECT:
        return Chosen(DIRECT)
    if via == STEM:
        if relays and (fault := stem_fault(relays, profile)) is not None:
            raise Stop(
                f"{fault} Nothing was sent; to go on in the open: {again(DIRECT)}",
                exits.REFUSED,
                "stem-refused",
            )
        return Chosen(STEM)
    socks = answering()
    if socks is not None:
        return Chosen(SOCKS, socks)
    weaker = STEM if stem_fault(relays, profile) is None else DIRECT
    if via == SOCKS:
        raise Stop(
            f"{no_socks()} Nothing was sent; start Tor and try again, or accept less: {again(weaker)}",
            exits.REFUSED,
            "no-socks",
        )
    return Chosen(weaker, consented=False)


def not_silently(chosen: Chosen) -> Stop:
    """Nobody is there who could accept a weaker way than was asked for by saying nothing."""
    return Stop(
        f"{no_socks()} Nothing was sent. Start Tor and repeat; or accept less ({chosen.hides.rstrip('.')}), and go on with: "
        f"{again(chosen.via)}",
        exits.REFUSED,
        "way-weaker",
    )


def strongest() -> Chosen:
    """The way of a case that is kept for later: the strongest, by whichever port then answers. Asks none. `Stop` 2."""
    return Chosen(SOCKS, _ports(None)[0], later=True)


def by_hand(via: str | None) -> Chosen:
    """The way of a call that leaves by hand, for when its case goes on: the one named, else the strongest. Asks no port."""
    from p2p_sos.drivers.socks import ENVIRONMENT, USUAL, SocksAddress, parse_socks

    if via in {STEM, DIRECT}:
        return Chosen(str(via), later=True)
    named = parse_socks(os.environ.get(ENVIRONMENT, ""))
    return Chosen(SOCKS, named if isinstance(named, SocksAddress) else USUAL[0], later=True)


def stem_fault(relays: Sequence[str], profile: str) -> str | None:
    """Why the stem cannot begin at these relays, in one sentence; None if it can."""
    from p2p_sos.drivers.addresses import Address, network_of_peer, parse_bootstrap
    from p2p_sos.wire.profiles import LABORATORY

    known = [found for found in map(parse_bootstrap, relays) if isinstance(found, Address)]
    apart = profile == LABORATORY
    networks = {one.peer: network_of_peer(one.host, one.peer, loopback_apart=apart) for one in known}
    if len(networks) < 2:
        there = "one is" if networks else "none is"
        return f"The stem needs two relays of different networks, and {there} known: name others with --bootstrap ADDRESS."
    if len(set(networks.values())) < 2:
        return (
            "The stem needs relays of two networks, and all that are known stand in one, whose owner would see every hop: "
            "name one elsewhere with --bootstrap ADDRESS."
        )
    return None


def again(via: str) -> str:
    """The very command that was typed, with a way in it."""
    typed, kept = iter(sys.argv[1:]), list[str]()
    for word in typed:
        if word == "--via":
            next(typed, None)
        elif not word.startswith("--via="):
            kept.append(word)
    return shlex.join(["sos", *kept, "--via", via])


# ------------------------------------------------------------------------- SOCKS ports


def answering(first: "SocksAddress | None" = None) -> "SocksAddress | None":
    """The SOCKS port that answers: the one that SOS_SOCKS names and no other, else `first` or a usual one. `Stop` 2."""
    from p2p_sos.drivers.socks import socks_answers

    return next((port for port in _ports(first) if socks_answers(port)), None)


def no_socks(first: "SocksAddress | None" = None) -> str:
    """That none answers, and which were asked."""
    asked = " or ".join(map(str, _ports(first)))
    return f"No SOCKS port answers at {asked} (SOS_SOCKS=127.0.0.1:PORT names another)."


def _ports(first: "SocksAddress | None") -> "tuple[SocksAddress, ...]":
    from p2p_sos.drivers.socks import ENVIRONMENT, candidates

    found = candidates(os.environ)
    if isinstance(found, str):
        raise Stop(found, exits.USAGE)
    if first is None or os.environ.get(ENVIRONMENT, "").strip():
        return found
    return tuple(dict.fromkeys((first, *found)))


# ------------------------------------------------------------------------- a case that goes on


def route_for(file: "CaseFile", via: str | None, relays: Sequence[str], profile: str) -> dict[str, Any]:
    """What `serve_case` is told: the way of the case, or the one that a person named. `Stop` 77 where it cannot be gone.

    `profile` is that of files that name none.
    """
    from p2p_sos.core.origin.way import Way
    from p2p_sos.drivers.case_service import PROFILE_NOTE
    from p2p_sos.drivers.case_way import route_of

    kept = route_of(file)
    way = None if via is None else way_of(via)
    network = (file.note(PROFILE_NOTE) or profile.encode()).decode()
    # Before anybody is dialled: a single relay would see who calls, and the call would go nowhere.
    if (way or kept.way) is Way.STEM and (fault := stem_fault(relays, network)) is not None:
        raise Stop(f"{fault} Nothing was started.", exits.REFUSED, "stem-refused")
    if (way or kept.way) is not Way.PUSH:
        return {"way": way, "socks": None, "weaker": way is not None}
    socks = answering(kept.socks)
    if socks is None:
        raise Stop(
            f"{no_socks(kept.socks)} The case goes through one, and nothing was started.",
            exits.REFUSED,
            "no-socks",
        )
    return {"way": way, "socks": socks, "weaker": False}


def kept_way(file: "CaseFile") -> Chosen:
    """The way that a case file remembers."""
    from p2p_sos.drivers.case_way import route_of

    route = route_of(file)
    return Chosen(WORDS[route.way.value], route.socks)

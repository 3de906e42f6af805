"""Which relays a call may enter through, and which network it belongs to.

Comes in: `--bootstrap`, the home's settings, a running local node. Goes out: addresses and the name of a profile.
Dials nobody.
"""

from collections.abc import Sequence
from typing import Any

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.grammar import Session
from p2p_sos.cli.reach import node_line

ANY_HOSTS = {"/ip4/0.0.0.0/": "/ip4/127.0.0.1/", "/ip6/::/": "/ip6/::1/"}
LABORATORY = "laboratory"


def known_relays(session: Session, given: Sequence[str]) -> tuple[str, ...]:
    """The addresses named on the command line; else those kept for a call; else those that the node uses."""
    return tuple(dict.fromkeys(given)) or kept_apart(session) or of_the_node(session)


def kept_apart(session: Session) -> tuple[str, ...]:
    """The relays that the settings keep for a call, and the node does not use."""
    settings = _settings(session)
    return () if settings is None else tuple(dict.fromkeys(map(str, settings.call.relays)))


def of_the_node(session: Session) -> tuple[str, ...]:
    """Those that the node of this home joins through, itself, and those that it keeps."""
    return tuple(dict.fromkeys([*_of_settings(session), *_of_local_node(session)]))


def beyond_here(session: Session, relays: Sequence[str]) -> tuple[str, ...]:
    """Those that a call through a proxy may be given to: none that means this machine, and not the node that runs here.

    A call that came out of a proxy to this very node would enter the mesh at the caller's own address.
    """
    loopback = ("/ip4/127.", "/ip6/::1/", "/dns/localhost/", "/dns4/localhost/", "/dns6/localhost/")
    own = {_peer_of(address) for address in _addresses_here(_status(session))}
    return tuple(one for one in relays if not one.startswith(loopback) and _peer_of(one) not in own)


def profile_of(session: Session, given: str | None) -> str:
    """The network that a call goes to. `Stop` 77 for the public one, 2 for one that does not exist."""
    from p2p_sos.cli.grammar import no_such
    from p2p_sos.wire.registry import PROFILE_TABLES

    settings = _settings(session)
    name = given or (str(settings.node.profile) if settings is not None else LABORATORY)
    if name not in PROFILE_TABLES:
        raise Stop(no_such("profile", name, list(PROFILE_TABLES)), exits.USAGE)
    if name == "public":
        raise Stop(
            "Calls on the public network are refused for now: it has little yet against floods; "
            "use --profile laboratory with relays that you know.",
            exits.REFUSED,
            "public-profile",
        )
    return name


def _settings(session: Session) -> Any:
    path = session.home / "settings.toml"
    if not path.exists():
        return None
    from p2p_sos.cli.homes import wrong_settings
    from p2p_sos.drivers.settings import SettingsWrong
    from p2p_sos.drivers.settings_file import load_settings

    try:
        return load_settings(path)
    except SettingsWrong as wrong:
        raise wrong_settings(wrong) from wrong


def _of_settings(session: Session) -> list[str]:
    settings = _settings(session)
    return [] if settings is None else [str(address) for address in settings.node.bootstrap]


def _of_local_node(session: Session) -> list[str]:
    """The node itself, then the relays that it keeps: one more makes it possible to hear the call come back."""
    status = _status(session)
    found = []
    for address in _addresses_here(status):
        reachable = address
        for anyone, here in ANY_HOSTS.items():
            reachable = reachable.replace(anyone, here)
        found.append(reachable)
    return [*found, *map(str, status.get("relays") or [])]


def _status(session: Session) -> dict[str, Any]:
    """What the node of this home says of itself; nothing where none runs."""
    try:
        return node_line(session).get("/status")
    except Stop:
        return {}


def _addresses_here(status: dict[str, Any]) -> list[str]:
    return [str(address) for address in status.get("addresses") or []]


def _peer_of(address: str) -> str:
    return address.rpartition("/p2p/")[2]

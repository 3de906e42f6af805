"""Which relays a call may enter through, and which network it belongs to.

Comes in: `--bootstrap`, the home's settings and fetched lists, a running local node. Goes out: addresses and the name of a
profile. Dials nobody.
"""

from collections.abc import Iterable, Sequence
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
    """The relays kept for a call, that the node does not use: those of the settings, then those of the fetched lists."""
    settings = settings_here(session)
    chosen = () if settings is None else tuple(map(str, settings.call.relays))
    return tuple(dict.fromkeys([*chosen, *_fetched(session)]))


def _fetched(session: Session) -> list[str]:
    """What was fetched, without whom the node of this home joins through by now, and without that node."""
    from p2p_sos.drivers.home import Home
    from p2p_sos.drivers.relay_lists import ListsDamaged, load_lists

    try:
        lists = load_lists(Home(session.home).relays_path)
    except ListsDamaged as damaged:  # a call for help does not wait until a list is mended
        session.screen.line((f"{damaged} The relays that were fetched for calls are left out.", "yellow"))
        return []
    shared = set(peers_of(_of_settings(session))) | set(own_peer(session)) if lists else set[str]()
    return [str(address) for one in lists for address in one.addresses if address.peer not in shared]


def own_peer(session: Session) -> tuple[str, ...]:
    """The peer id of this home's node, by its key: it may run or not; none where there is no key."""
    from p2p_sos.drivers.addresses import peer_id_of
    from p2p_sos.drivers.home import Home
    from p2p_sos.drivers.identity import host_public

    public = host_public(Home(session.home))
    return () if public is None else (peer_id_of(public),)


def peers_of(addresses: Iterable[str]) -> tuple[str, ...]:
    """The peer ids at the end of full addresses."""
    return tuple(dict.fromkeys(map(_peer_of, addresses)))


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

    settings = settings_here(session)
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


def settings_here(session: Session) -> Any:
    """The settings of this home; None without. `Stop` 78 with every fault of the file."""
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
    settings = settings_here(session)
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

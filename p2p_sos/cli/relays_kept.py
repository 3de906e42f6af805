"""`sos relays`: through whom a call of one's own may enter, from where each address comes, and what these lists lack.

Comes in: the home's settings, its fetched lists, what its node uses. Goes out: a table with warnings; a list forgotten.
Dials nobody.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.grammar import LazyGroup, Order, Place, Session, no_such, pass_session
from p2p_sos.cli.screen import count, harmless

if TYPE_CHECKING:
    from p2p_sos.drivers.relay_lists import KeptList

ENOUGH_RELAYS = 6  # `drivers.case_way.APART_MIN`, which is not loaded for this
ENOUGH_NETWORKS = 3  # the registry's push_relays
SETTINGS = "settings.toml"
STANDARD_INPUT = "-"

PLACES = (
    Place("fetch", "p2p_sos.cli.relays_fetch:fetch", "Take in a published list, through the SOCKS port."),
    Place("forget", "p2p_sos.cli.relays_kept:forget", "Forget what was fetched from one source, or all."),
)


@click.command(cls=LazyGroup, places=PLACES, invoke_without_command=True)
@click.pass_context
def relays(context: click.Context) -> None:
    """The relays kept for calls of your own: each address, and where it comes from.

    When there are any, sos call uses these alone: best six or more, in three networks, and none that a node of yours
    uses. Nothing is fetched while you call; sos relays fetch does it before.
    """
    if context.invoked_subcommand is None:
        show(context.ensure_object(Session))


def show(session: Session) -> None:
    """Every address that is kept, with its source, and what is wrong with them as a whole."""
    from p2p_sos.cli.relays import of_the_node, own_peer, peers_of, settings_here
    from p2p_sos.drivers.addresses import bootstrap_address

    settings, lists = settings_here(session), kept_lists(session)
    from_where: dict[str, list[str]] = {}
    for address in () if settings is None else settings.call.relays:
        from_where.setdefault(str(address), []).append(SETTINGS)
    for one in lists:
        for address in one.addresses:
            from_where.setdefault(str(address), []).append(one.source)
    used = {*peers_of(of_the_node(session)), *own_peer(session)}
    kept = [bootstrap_address(text) for text in from_where]
    shared = [str(one) for one in kept if one.peer in used]
    peers, networks = len({one.peer for one in kept}), _networks(session, kept)
    warnings = _lacks(peers, networks, shared) + _old(lists)
    session.screen.object(
        {
            "relays": [
                {"address": address, "from": sources, "used_by_node": address in shared}
                for address, sources in from_where.items()
            ],
            "lists": [_told(one) for one in lists],
            "peers": peers,
            "networks": networks,
            "warnings": warnings,
        }
    )
    if kept:
        sizes = f"{addresses(len(kept))}, {count(peers, 'relay')} in {count(networks, 'network')}"
        session.screen.line(f"For calls of your own: {sizes}")
        _draw(session, from_where, lists, shared)
    for warning in warnings:
        session.screen.line((warning, "yellow"))
    if warnings:
        session.screen.next(
            f"{session.named('relays fetch')} SOURCE takes in a list that a federation or a CERT publishes"
        )
    else:
        session.screen.next(f"nothing to do; {session.named('call')} uses them")


def _networks(session: Session, kept: Sequence[Any]) -> int:
    from p2p_sos.cli.relays import LABORATORY, settings_here
    from p2p_sos.drivers.addresses import network_of_peer

    settings = settings_here(session)
    apart = settings is None or settings.node.profile == LABORATORY
    # A relay of several addresses has one owner, and counts once.
    networks = {one.peer: network_of_peer(one.host, one.peer, loopback_apart=apart) for one in kept}
    return len(set(networks.values()))


def _lacks(peers: int, networks: int, shared: Sequence[str]) -> list[str]:
    """What a call would miss, a sentence each."""
    if not peers:
        return [
            "No relay is kept for calls of your own: a call goes through those that this home's node uses, if any."
        ]
    found = []
    if peers < ENOUGH_RELAYS:
        found.append(
            "Fewer than six relays: from six on, a case listens to three and pushes to three others."
        )
    if networks < ENOUGH_NETWORKS:
        found.append("Fewer than three networks: whoever owns one of them sees more of a call than need be.")
    if shared:
        found.append(
            f"{addresses(len(shared))} of relays that this home's node uses: whoever knows through whom "
            "it joins may guess where a call through them comes from. Take them out here, or there."
        )
    return found


def _old(lists: "Sequence[KeptList]") -> list[str]:
    now = time.time()
    return [
        f"What {shown(one.source)} gave is {int((now - one.fetched_unix_s) // 86400)} days old: fetch it again."
        for one in lists
        if one.is_old(now)
    ]


def _told(one: "KeptList") -> dict[str, Any]:
    return {
        "source": one.source,
        "fetched_unix_s": one.fetched_unix_s,
        "relays": len(one.addresses),
        "old": one.is_old(time.time()),
    }


def _draw(
    session: Session, from_where: dict[str, list[str]], lists: "Sequence[KeptList]", shared: Sequence[str]
) -> None:
    """Every source with its addresses."""
    heads = {SETTINGS: SETTINGS} | {
        one.source: f"{shown(one.source)}, fetched {day(one.fetched_unix_s)}" for one in lists
    }
    for source, head in heads.items():
        here = [address for address, sources in from_where.items() if source in sources]
        if here:
            session.screen.line((f"from {head}", "dim"))
        for address in here:
            session.screen.line(
                f"  {address}", ("  this home's node uses it" if address in shared else "", "yellow")
            )


# ------------------------------------------------------------------------- forgetting


@click.command(cls=Order)
@click.argument("source", required=False)
@click.option("--all", "everything", is_flag=True, help="What every source gave.")
@pass_session
def forget(session: Session, source: str | None, everything: bool) -> None:
    """Forget what was fetched from SOURCE; without SOURCE, the one list that is kept. Settings stay as they are."""
    from p2p_sos.cli.relays_fetch import holding
    from p2p_sos.drivers.relay_lists import keep_lists

    if source is not None and everything:
        raise Stop("--all and SOURCE contradict each other; give one of them.", exits.USAGE)
    with holding(session, make=False) as home:
        lists = kept_lists(session)
        gone = lists if everything else (_meant(session, lists, source),)
        if not gone:
            raise _none_kept(session)
        keep_lists(home.relays_path, [one for one in lists if one not in gone])
    session.screen.object({"forgotten": [_told(one) for one in gone]})
    for one in gone:
        session.screen.line(f"Forgotten: {addresses(len(one.addresses))} from {shown(one.source)}.")
    session.screen.next(f"{session.named('relays')} shows what is left")


def _meant(session: Session, lists: "Sequence[KeptList]", source: str | None) -> "KeptList":
    from p2p_sos.cli.relays_fetch import source_of

    known = [one.source for one in lists]
    if not lists:
        raise _none_kept(session)
    if source is None:
        if len(lists) == 1:
            return lists[0]
        raise Stop(
            f"Several lists are kept; name one, or say --all: {', '.join(map(shown, known))}.",
            exits.USAGE,
            "which-source",
        )
    wanted = next((one for one in lists if one.source in (source, str(source_of(source)))), None)
    if wanted is None:
        raise Stop(no_such("list from", source, known), exits.NO_SUCH, "no-source")
    return wanted


def _none_kept(session: Session) -> Stop:
    return Stop(
        f"No list is kept in {session.home}; {session.named('relays fetch')} SOURCE takes one in.",
        exits.NO_SUCH,
        "no-source",
    )


# ------------------------------------------------------------------------- lists


def kept_lists(session: Session) -> "tuple[KeptList, ...]":
    """The lists of this home. `Stop` 74 when their file is damaged."""
    from p2p_sos.drivers.home import Home
    from p2p_sos.drivers.relay_lists import ListsDamaged, load_lists

    try:
        return load_lists(Home(session.home).relays_path)
    except ListsDamaged as damaged:
        raise Stop(
            f"{damaged} {session.named('relays fetch')} SOURCE sets it aside and begins anew.", exits.DISK
        ) from damaged


def addresses(number: int) -> str:
    """`1 address`, `3 addresses`."""
    return count(number, "address", "addresses")


def shown(source: str) -> str:
    """A source for people."""
    return "standard input" if source == STANDARD_INPUT else harmless(source)


def day(unix_s: float) -> str:
    """The day on which something was fetched, on this machine."""
    return time.strftime("%Y-%m-%d", time.localtime(unix_s))

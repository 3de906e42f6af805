"""`sos status`: how the node is doing."""

from typing import Any

import click

from p2p_sos.cli.grammar import Order, Session, pass_session
from p2p_sos.cli.reach import node_line
from p2p_sos.cli.screen import Piece, Screen, count, harmless, short, span


@click.command(cls=Order)
@pass_session
def status(session: Session) -> None:
    """How the node is doing: its peers, its calls, whether it accepts more."""
    said = node_line(session).get("/status")
    screen = session.screen
    screen.object(said)
    screen.rows(_rows(said))
    _next(session, screen, said)


def _rows(said: dict[str, Any]) -> list[tuple[str, Piece]]:
    peers = said.get("peers") or []
    dialled = sum(1 for peer in peers if peer.get("outbound"))
    responder = str(said.get("responder") or "")
    accepting: Piece = ("yes", "green")
    if not said.get("accepting", True):
        accepting = (f"NO: {harmless(str(said.get('why') or ''))}", "bold red")
    rows: list[tuple[str, Piece]] = [
        ("node", (f"running, process {said.get('pid')}, up {span(float(said.get('uptime_s', 0)))}", "green")),
        ("network", f"{said.get('profile')} ({short(str(said.get('network', '')))})"),
        ("duty", f"answers calls as {short(responder)}" if responder else "relays only: it answers no calls"),
        ("accepting", accepting),
        *_paging(said.get("paging") or {}),
        ("calls", f"{said.get('calls_open', 0)} open"),
        ("peers", f"{len(peers)} ({dialled} dialled by us)" if peers else ("none", "yellow")),
    ]
    rows.extend(("", _peer(peer)) for peer in peers[:12])
    if len(peers) > 12:
        rows.append(("", f"and {len(peers) - 12} more (--json shows all)"))
    rows.extend(("address" if i == 0 else "", str(a)) for i, a in enumerate(said.get("addresses") or []))
    return rows


def _paging(paging: dict[str, Any]) -> list[tuple[str, Piece]]:
    """Whether the operator's program works; nothing where there is none."""
    if not paging.get("hook"):
        return []
    if paging.get("fault"):
        return [("paging", (harmless(str(paging["fault"])), "bold red"))]
    done = f"{count(int(paging.get('paged') or 0), 'page')} since the start"
    under_way = int(paging.get("running") or 0) + int(paging.get("waiting") or 0)
    return [("paging", done + (f", {under_way} under way" if under_way else ""))]


def _peer(peer: dict[str, Any]) -> str:
    trip = peer.get("round_trip_s")
    away = f"{1000 * float(trip):.0f} ms" if trip is not None else "?"
    mesh = "mesh" if peer.get("in_mesh") else "lazy"
    return f"{str(peer.get('peer', ''))[-8:]}  {away:>7}  {mesh}  score {float(peer.get('score') or 0):.1f}"


def _next(session: Session, screen: Screen, said: dict[str, Any]) -> None:
    if not said.get("accepting", True):
        screen.next(
            f"make room for {session.home}, or raise store.size_max_mib there; the node goes on by itself then"
        )
    elif not said.get("peers"):
        screen.next(
            f"no peer yet; name one under [node] bootstrap in {session.home / 'settings.toml'}, or start with "
            f"{session.named('up')} --bootstrap ADDRESS"
        )
    elif said.get("calls_open"):
        screen.next(f"{session.named('calls')} lists the {count(int(said['calls_open']), 'open call')}")
    else:
        screen.next(f"{session.named('watch')} follows what happens")

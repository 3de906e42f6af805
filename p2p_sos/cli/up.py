"""`sos up`: the node, in the foreground as services run, or in the background with `--detach`.

Comes in: a prepared home. Goes out: a running node. One line (or JSON object) says when it is up; with `--wait` that is
when it has a peer, or listens and knows of nobody to dial.
"""

from collections.abc import Sequence

import click

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.grammar import Order, Session, pass_session
from p2p_sos.cli.screen import count
from p2p_sos.cli.words import Relay

WAIT_S = 60.0


@click.command(cls=Order)
@click.option("--wait", is_flag=True, help="Say that it is up only once it has a peer.")
@click.option("--bootstrap", type=Relay(), multiple=True, help="Join through this node too; repeatable.")
@click.option("--detach", is_flag=True, help="Start it in the background and return.")
@pass_session
def up(session: Session, *, wait: bool, bootstrap: tuple[str, ...], detach: bool) -> None:
    """Start the node and go on duty; Ctrl-C stops it and keeps its claims (sos down gives them back)."""
    from p2p_sos.cli.homes import settings_of

    settings = settings_of(session)
    dials = bool(bootstrap or settings.node.bootstrap)
    if wait and dials:
        session.screen.line((f"Starting; it says so once it has a peer, or after {WAIT_S:.0f} s.", "dim"))
    if detach:
        _in_background(session, bootstrap, wait=wait and dials)
        return
    from p2p_sos.cli.nodeprocess import serve

    serve(session, settings, bootstrap, wait=wait and dials)


def _in_background(session: Session, bootstrap: Sequence[str], *, wait: bool) -> None:
    from p2p_sos.cli.launch import start

    said = {"home": str(session.home), "bootstrap": list(bootstrap), "wait": wait}
    answer = start("p2p_sos.cli.nodeprocess", [str(session.home)], said, session.home / "node.log")
    announce(session, answer, detached=True)


def announce(session: Session, said: dict[str, object], *, detached: bool) -> None:
    """Say that the node is up, and what to do next."""
    screen = session.screen
    screen.object(said)
    remarks = said.get("remarks")
    for remark in remarks if isinstance(remarks, list) else []:
        screen.line((str(remark), "yellow"))
    screen.line(
        ("The node is up", "bold green"),
        f", process {said['pid']}, {count(int(str(said['peers'])), 'peer')}.",
    )
    addresses = said.get("addresses")
    for address in addresses if isinstance(addresses, list) else []:
        screen.line(("address  ", "dim"), str(address))
    if any(anyone in str(addresses) for anyone in ("/ip4/0.0.0.0/", "/ip6/::/")):
        screen.line(("Others put this machine's own address where 0.0.0.0 or :: stands.", "dim"))
    duty = said.get("responder")
    screen.line(
        f"It answers calls as {str(duty)[:8]}."
        if duty
        else "It relays only: no skills are set, so it answers no calls."
    )
    if not detached:
        screen.line(("Ctrl-C stops it and keeps its claims.", "dim"))
    screen.next(
        f"{session.named('watch')} follows what happens, {session.named('down')} gives claims back and stops it"
    )


def not_joined(session: Session) -> Stop:
    """When nobody could be reached within the wait."""
    return Stop(
        f"The node listens, but it reached no peer within {WAIT_S:.0f} s; it goes on trying. Check the addresses under "
        f"[node] bootstrap, then see {session.named('status')}",
        exits.NOT_DONE,
        "no-peer",
    )

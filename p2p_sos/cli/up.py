"""`sos up`: the node, in the foreground as services run, or in the background with `--detach`.

Comes in: a prepared home. Goes out: a running node. One line (or JSON object) says when it is up; with `--wait` that is
when it has a peer, or listens and knows of nobody to dial.
"""

from collections.abc import Sequence

import click

from p2p_sos.cli.grammar import Order, Session, pass_session
from p2p_sos.cli.started import WAIT_S, announce
from p2p_sos.cli.words import Relay


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

"""`sos watch`: what happens at this node, as it happens."""

import time

import click

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.grammar import Order, Session, pass_session
from p2p_sos.cli.reach import node_line
from p2p_sos.cli.screen import count
from p2p_sos.cli.timeline import News, tell


@click.command(cls=Order)
@pass_session
def watch(session: Session) -> None:
    """Follow calls, claims and letters as they happen, until Ctrl-C."""
    line, screen = node_line(session), session.screen
    said = line.get("/status")
    number = int(said.get("calls_open") or 0)
    news = News()

    def opened() -> None:
        screen.object({"notice": "watching", "at_unix_s": time.time(), "calls_open": number})
        screen.line(
            (f"Watching, {count(number, 'open call')}; Ctrl-C stops watching, the node goes on.", "dim")
        )

    try:
        for notice in line.events(opened):
            tell(screen, notice, call_shown=True, news=news)
    except KeyboardInterrupt:
        screen.line("")
        return
    raise Stop(f"The node ended. Start it again with: {session.named('up')}", exits.NO_NODE)

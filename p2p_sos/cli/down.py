"""`sos down`: give every claim back, then stop the node."""

import time

import click

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.grammar import Order, Session, pass_session
from p2p_sos.cli.reach import node_line
from p2p_sos.cli.screen import count

END_WAIT_S = 30.0
LOOK_EVERY_S = 0.05


@click.command(cls=Order)
@pass_session
def down(session: Session) -> None:
    """Give every claim back, tell the mesh, then stop the node."""
    line = node_line(session)
    running = line.get("/status")
    said = line.post("/down")
    deadline = time.monotonic() + END_WAIT_S
    while not _ended(session):
        if time.monotonic() > deadline:
            raise Stop(
                f"The node (process {running.get('pid')}) gave its claims back but did not end within {END_WAIT_S:.0f} s; "
                f"see {session.named('status')}",
                exits.NOT_DONE,
            )
        time.sleep(LOOK_EVERY_S)
    released = said.get("released")
    number = len(released) if isinstance(released, list) else int(released or 0)
    session.screen.object({"down": True, "pid": running.get("pid"), **said})
    session.screen.line(
        f"The node is down; {count(number, 'claim')} given back." if number else "The node is down."
    )
    session.screen.next(f"{session.named('up')} starts it again")


def _ended(session: Session) -> bool:
    try:
        node_line(session).get("/status")
    except Stop as stop:
        if stop.exit_code == exits.NO_NODE:
            return True
        raise
    return False

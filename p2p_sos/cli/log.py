"""`sos log`: the watch log, every link verified."""

import click

from p2p_sos.cli.grammar import Order, Session, pass_session


@click.command(cls=Order)
@pass_session
def log(session: Session) -> None:
    """The watch log."""
    raise NotImplementedError

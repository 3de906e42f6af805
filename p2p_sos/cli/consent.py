"""The yes of a person, before anything that cannot be taken back.

Comes in: a question, whether `--yes` stood on the command line. Goes out: nothing, or a `Stop` 77: no answer is no.
"""

import sys

import click

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.screen import Screen


def ask_consent(screen: Screen, question: str, *, yes: bool, otherwise: str) -> None:
    """Go on only after a yes; `otherwise` says what then was not done. A program that nobody watches gives `--yes`."""
    if yes:
        return
    if not (screen.terminal and sys.stdin.isatty()):
        raise Stop(f"{otherwise}: nobody is there to say yes; add --yes.", exits.REFUSED, "consent-missing")
    if not click.confirm(question, default=True):
        raise Stop(f"{otherwise}.", exits.REFUSED, "consent-missing")

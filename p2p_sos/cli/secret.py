"""The passphrase or recovery code of a case: from the environment or a prompt, never from the command line.

Comes in: SOS_PASSPHRASE, SOS_RECOVERY_CODE, or what is typed unseen. Goes out: the secret, or a `Stop` that says how
to give one. Keeps nothing.
"""

import os
import sys
from collections.abc import Callable
from typing import TypeVar

import click

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop

T = TypeVar("T")
PASSPHRASE = "SOS_PASSPHRASE"  # noqa: S105 - the name of a variable
RECOVERY_CODE = "SOS_RECOVERY_CODE"
WRONG_SECRET = "wrong-secret"  # noqa: S105 - the code of a `Stop`
TRIES = 3  # guess: fingers that tremble hit it by then; whoever guesses is stopped by Argon2, not by us


def new_passphrase(*, ask: bool) -> str | None:
    """The passphrase for a new case; None means that a recovery code is to be made and shown."""
    given = os.environ.get(PASSPHRASE)
    if given:
        return given
    if not ask:
        return None
    click.echo("Your case is kept in an encrypted file: no crash and no reboot loses it.")
    while True:
        first: str = click.prompt(
            "Passphrase for it [none: a recovery code is shown instead]",
            default="",
            show_default=False,
            hide_input=True,
        )
        if not first:
            return None
        again: str = click.prompt("The same once more", default="", show_default=False, hide_input=True)
        if first == again:
            return first
        click.echo("The two differ; once more, please.")


def opened(attempt: Callable[[str], T]) -> T:
    """What `attempt` gives with the secret of an existing case; a wrong one is asked for again where somebody types it.

    `attempt` raises `Stop` with the code `wrong-secret`. `Stop` 77 when there is nobody to ask, or after three tries.
    """
    for left in reversed(range(TRIES)):
        try:
            return attempt(known_secret())
        except Stop as stop:
            if stop.code != WRONG_SECRET or _given() or not left:
                raise
            click.echo(stop.sentence)
    raise AssertionError("the last try returns or raises")


def _given() -> str:
    return os.environ.get(PASSPHRASE) or os.environ.get(RECOVERY_CODE) or ""


def known_secret() -> str:
    """The secret of an existing case; `Stop` 77 when there is nobody to ask."""
    if given := _given():
        return given
    if not sys.stdin.isatty():
        raise Stop(
            f"The case is encrypted: set {PASSPHRASE} or {RECOVERY_CODE}, or run this in a terminal.",
            exits.REFUSED,
            "secret-missing",
        )
    typed: str = click.prompt("Passphrase or recovery code", hide_input=True)
    return typed

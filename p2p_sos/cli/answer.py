"""`sos claim`, `decline`, `release`, `letter`: what the person on duty does about a call."""

from typing import Any

import click

from p2p_sos.cli.grammar import Order, Session, pass_session
from p2p_sos.cli.reach import call_path, node_line
from p2p_sos.cli.screen import readable, standard_input
from p2p_sos.cli.words import Word

REASON_HELP = "Why: unable, unreasonable or unnecessary."
DETAIL_HELP = "More exactly: busy, queue, barred, no-operator, equipment."


def _about(session: Session, call: str, what: str, body: dict[str, Any]) -> dict[str, Any]:
    said = node_line(session).post(f"{call_path(session, call)}/{what}", body)
    session.screen.object(said)
    return said


def _name(said: dict[str, Any], call: str) -> str:
    return str(said.get("short") or call)


@click.command(cls=Order)
@click.argument("call")
@pass_session
def claim(session: Session, call: str) -> None:
    """Answer a call: you come. Your introduction goes to the victim, under seal."""
    said = _about(session, call, "claim", {})
    name = _name(said, call)
    session.screen.line(("You answer call ", ""), (name, "bold green"), ".")
    session.screen.next(
        f"{session.named('watch')} tells whether the victim accepts you; {session.named('letter')} {name} 'TEXT'"
    )


@click.command(cls=Order)
@click.argument("call")
@click.option("--reason", type=Word("Reason"), required=True, help=REASON_HELP)
@click.option("--detail", type=Word("Detail"), default="unspecified", show_default=True, help=DETAIL_HELP)
@pass_session
def decline(session: Session, call: str, reason: str, detail: str) -> None:
    """Do not answer a call. The watch log keeps the reason."""
    said = _about(session, call, "decline", {"reason": reason, "detail": detail})
    session.screen.line(f"You do not answer call {_name(said, call)} ({reason}, {detail}); the log has it.")
    session.screen.next(f"{session.named('calls')} lists the others")


@click.command(cls=Order)
@click.argument("call")
@click.option("--reason", type=Word("Reason"), default="unable", show_default=True, help=REASON_HELP)
@click.option("--detail", type=Word("Detail"), default="unspecified", show_default=True, help=DETAIL_HELP)
@pass_session
def release(session: Session, call: str, reason: str, detail: str) -> None:
    """Give a claim back: you come no longer."""
    said = _about(session, call, "release", {"reason": reason, "detail": detail})
    session.screen.line(f"You gave call {_name(said, call)} back ({reason}, {detail}); others can take it.")
    session.screen.next(f"{session.named('calls')} lists what is open")


@click.command(cls=Order)
@click.argument("call")
@click.argument("text")
@pass_session
def letter(session: Session, call: str, text: str) -> None:
    """Write, under seal, to the victim of a call that you answer. TEXT - reads standard input."""
    written = standard_input() if text == "-" else readable(text)
    said = _about(session, call, "letter", {"text": written})
    session.screen.line(
        f"Written to the victim of call {_name(said, call)}; it is repeated until it is received."
    )
    session.screen.next(f"{session.named('show')} {_name(said, call)} says whether it was delivered")

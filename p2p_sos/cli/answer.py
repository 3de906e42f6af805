"""`sos claim`, `decline`, `release`, `sitrep`, `stand-down`, `letter`: what the person on duty does about a call."""

from typing import Any

import click

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
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
@click.argument("reason", type=Word("Reason"), required=False)
@click.argument("detail", type=Word("Detail"), required=False)
@click.option("--reason", "reason_too", type=Word("Reason"), help=REASON_HELP)
@click.option("--detail", "detail_too", type=Word("Detail"), help=DETAIL_HELP + " [unspecified]")
@pass_session
def decline(session: Session, call: str, **words: str | None) -> None:
    """Do not answer a call. The watch log keeps the reason.

    REASON is unable, unreasonable or unnecessary; DETAIL, more exactly: busy, queue, barred, no-operator, equipment.
    """
    reason = _one(words["reason"], words["reason_too"], "REASON")
    detail = _one(words["detail"], words["detail_too"], "DETAIL") or "unspecified"
    if reason is None:
        raise Stop("sos decline needs a REASON: unable, unreasonable or unnecessary.", exits.USAGE)
    said = _about(session, call, "decline", {"reason": reason, "detail": detail})
    session.screen.line(f"You do not answer call {_name(said, call)} ({reason}, {detail}); the log has it.")
    session.screen.next(f"{session.named('calls')} lists the others")


def _one(word: str | None, flag: str | None, what: str) -> str | None:
    """A word that may stand as an argument or behind its flag, not as two different ones."""
    if word and flag and word != flag:
        raise Stop(f"{what} is given twice, as {word} and as {flag}; give it once.", exits.USAGE)
    return word or flag


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
@click.argument("status", type=Word("SitrepStatus"))
@click.option(
    "--phase", type=Word("Phase"), help="incerfa, alerfa or detresfa. [as last told, else detresfa]"
)
@pass_session
def sitrep(session: Session, call: str, status: str, phase: str | None) -> None:
    """Tell how far the help is, as the lead of it: everybody can read it.

    STATUS: setting-up, mitigating, attack-stopped, exceeds-capability, active-terminating, terminated, withdrawn.
    It goes out with the lead's next report and all after it, until you say otherwise.
    """
    said = _about(session, call, "sitrep", {"status": status, **({"phase": phase} if phase else {})})
    name = _name(said, call)
    session.screen.line(f"You report {status} for call {name}; it goes out with your next report.")
    session.screen.next(f"{session.named('show')} {name} shows what others read")


@click.command("stand-down", cls=Order)
@click.argument("call")
@pass_session
def stand_down(session: Session, call: str) -> None:
    """Say that you believe it is over: your claim ends, and your slot is free.

    It closes the call only where the victim is silent and enough others say the same; the victim closes it itself.
    """
    said = _about(session, call, "stand-down", {})
    session.screen.line(f"You stand down from call {_name(said, call)}; your claim on it is given back.")
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

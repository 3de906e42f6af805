"""`sos case accept`, `refuse`, `letter`, `requisition`: what a victim decides about its helpers."""

from typing import Any

import click

from p2p_sos.cli.case_look import CASE_OPTION
from p2p_sos.cli.consent import ask_consent
from p2p_sos.cli.grammar import Order, Session, pass_session
from p2p_sos.cli.reach import Line, case_directory, case_line
from p2p_sos.cli.responder import find_helper, name_of
from p2p_sos.cli.screen import readable, short, standard_input

UNVERIFIED = (
    "Nobody vouches for this helper: call back on a number that you know before you grant any access."
)


def _case(session: Session, named: str | None) -> tuple[Line, list[dict[str, Any]]]:
    line = case_line(session, case_directory(session, named))
    claims: list[dict[str, Any]] = line.get("/case").get("claims") or []
    return line, claims


def _shown(claims: list[dict[str, Any]], key: str) -> str:
    return next((name_of(claim) for claim in claims if claim["responder"] == key), short(key))


@click.command(cls=Order)
@click.argument("helper")
@click.argument("text", default="")
@click.option("--yes", is_flag=True, help="Without asking.")
@CASE_OPTION
@pass_session
def accept(session: Session, helper: str, text: str, yes: bool, named: str | None) -> None:
    """Accept a helper: what you sealed goes to it, and you can write to each other.

    HELPER is its number, the first digits of its key, or a word of its introduction; TEXT goes along.
    """
    line, claims = _case(session, named)
    key = find_helper(claims, helper)
    screen = session.screen
    screen.line(("Helper  ", "dim"), (_shown(claims, key), "bold"))
    screen.line((UNVERIFIED, "yellow"))
    ask_consent(screen, "Accept it?", yes=yes, otherwise="Nothing was decided")
    said = line.post("/case/accept", {"responder": key, "text": readable(text)})
    screen.object({"accepted": key, **said})
    screen.line(("Accepted. ", "bold green"), "What you sealed is on its way.")
    screen.next(
        f"{session.named('case letter')} 'TEXT' writes to it; {session.named('case watch')} shows its answers"
    )


@click.command(cls=Order)
@click.argument("helper")
@click.argument("text", default="")
@CASE_OPTION
@pass_session
def refuse(session: Session, helper: str, text: str, named: str | None) -> None:
    """Refuse a helper. HELPER is a number, the first digits of a key, or a word; TEXT goes along."""
    line, claims = _case(session, named)
    key = find_helper(claims, helper)
    said = line.post("/case/refuse", {"responder": key, "text": readable(text)})
    session.screen.object({"refused": key, **said})
    session.screen.line(f"{_shown(claims, key)} is refused, and told so under seal.")
    session.screen.next(f"{session.named('case status')} shows the others")


@click.command(cls=Order)
@click.argument("text")
@click.option(
    "--to", "helper", metavar="HELPER", help="To one helper alone: number, key or word. [all accepted]"
)
@CASE_OPTION
@pass_session
def letter(session: Session, text: str, helper: str | None, named: str | None) -> None:
    """Write, under seal, to the helpers that you accepted. TEXT - reads standard input."""
    line, claims = _case(session, named)
    key = None if helper is None else find_helper(claims, helper)
    written = standard_input() if text == "-" else readable(text)
    said = line.post("/case/letter", {"responder": key, "text": written})
    session.screen.object(said)
    whom = "all accepted helpers" if key is None else _shown(claims, key)
    session.screen.line(f"Written to {whom}; it is repeated until it is received.")
    session.screen.next(f"{session.named('case status')} says whether it was delivered")


@click.command(cls=Order)
@click.argument("lead")
@click.argument("members", nargs=-1)
@CASE_OPTION
@pass_session
def requisition(session: Session, lead: str, members: tuple[str, ...], named: str | None) -> None:
    """Name who leads and who helps besides; all others are released. Numbers, keys or words."""
    line, claims = _case(session, named)
    leading = find_helper(claims, lead)
    helping = [find_helper(claims, member) for member in members]
    helping = [key for key in dict.fromkeys(helping) if key != leading]
    said = line.post("/case/requisition", {"lead": leading, "members": helping})
    session.screen.object({"lead": leading, "members": helping, **said})
    beside = ", ".join(_shown(claims, key) for key in helping) or "nobody else"
    session.screen.line(
        f"You named {_shown(claims, leading)} to lead, with {beside}; the others are released."
    )
    session.screen.next(f"{session.named('case watch')} tells who complies")

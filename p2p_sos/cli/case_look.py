"""`sos case status` and `sos case watch`: where a victim's call stands."""

from pathlib import Path
from typing import Any

import click

from p2p_sos.cli import describe
from p2p_sos.cli.follow import UNTIL, follow
from p2p_sos.cli.grammar import Order, Session, pass_session
from p2p_sos.cli.reach import about, case_directory, case_line, too_old
from p2p_sos.cli.screen import Piece, harmless
from p2p_sos.cli.way import WORDS

CASE_OPTION = click.option("--case", "named", metavar="ID", help="Which case, by its first digits.")
PHASES: dict[str, Piece] = {
    "queued": ("queued: no relay has it yet", "bold yellow"),
    "sent": ("sent, not yet heard", "yellow"),
    "heard": ("HEARD: it is in the mesh", "bold green"),
    "closed": ("closed", "bold"),
    "too-old": ("not heard, and too old to be sent from here", "bold yellow"),
}


@click.command(cls=Order)
@CASE_OPTION
@pass_session
def status(session: Session, named: str | None) -> None:
    """Where the call stands, and who comes, by number."""
    directory = case_directory(session, named)
    said = case_line(session, directory).get("/case")
    screen = session.screen
    screen.object(said)
    stale = bool(said.get("too_old"))
    phase = "too-old" if stale else str(said.get("phase"))
    closed, taken = str(said.get("closed") or ""), int(said.get("relays") or 0)
    screen.rows(
        [
            ("case", (directory.name, "bold")),
            ("call", (f"closed: {closed}", "bold") if closed else PHASES.get(phase, phase)),
            # What a proxy's circuits or another's hands brought in, no relay took from here.
            *([("relays", describe.relays(taken))] if not stale and (taken or not said.get("heard")) else []),
            *([("way", WORDS[str(said["way"])])] if said.get("way") else []),
            *(describe.lead_rows(said["standing"]) if claims_in(said) else []),
        ]
    )
    for why in ([said["way_fault"]] if said.get("way_fault") else []) + list(
        (said.get("faults") or {}).values()
    ):
        screen.line((f"        {harmless(str(why))}", "yellow"))
    if stale:
        screen.line("")
        screen.line((f"{too_old(session, directory)}.", "yellow"))
    screen.line("")
    claims: list[dict[str, Any]] = said.get("claims") or []
    if claims:
        screen.line("Who comes:")
        describe.helper_table(screen, claims, said.get("standing") or {})
    else:
        screen.line("Nobody has claimed it yet. Receipt is not rescue: go on protecting yourself.")
    written = [one for one in said.get("letters") or [] if one.get("kind") != "introduction"]
    if written:
        screen.line("")
        screen.line("Letters:")
        describe.letters(screen, written)
    screen.line("")
    _next(session, directory, said, claims)


def claims_in(said: dict[str, Any]) -> bool:
    """Whether anybody could lead: a call that nobody answers shows no lead."""
    return bool((said.get("standing") or {}).get("claims"))


def _next(session: Session, directory: Path, said: dict[str, Any], claims: list[dict[str, Any]]) -> None:
    screen = session.screen
    accepted = any(claim.get("decision") == "accepted" for claim in claims)
    if said.get("closed"):
        screen.next("nothing more to do; the case is over")
    elif accepted:
        screen.next(
            f"{about(session, directory, 'case letter')} 'TEXT' writes to them; "
            f"{about(session, directory, 'case clear')} when it is over"
        )
    elif claims:
        screen.next(
            f"{about(session, directory, 'case accept')} NUMBER, or {about(session, directory, 'case refuse')} NUMBER"
        )
    else:
        screen.next(f"{about(session, directory, 'case watch')} tells when somebody comes")


@click.command(cls=Order)
@CASE_OPTION
@click.option(
    "--until", type=click.Choice(UNTIL), default="closed", help="No longer than until this happened."
)
@pass_session
def watch(session: Session, named: str | None, until: str) -> None:
    """Follow the call as it happens; Ctrl-C stops only the watching."""
    follow(session, case_directory(session, named), until=until)

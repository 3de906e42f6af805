"""`sos calls` and `sos show`: what this node heard."""

import time
from typing import Any

import click

from p2p_sos.cli import describe
from p2p_sos.cli.grammar import Order, Session, pass_session
from p2p_sos.cli.reach import call_path, node_line
from p2p_sos.cli.screen import Piece, Screen, short, span


@click.command(cls=Order)
@click.option("--closed", is_flag=True, help="The closed ones too.")
@pass_session
def calls(session: Session, closed: bool) -> None:
    """The calls that this node heard, the open ones first."""
    said = node_line(session).get("/calls?closed=1" if closed else "/calls")
    screen = session.screen
    screen.object(said)
    heard: list[dict[str, Any]] = said.get("calls") or []
    if not heard:
        screen.line("No open call is known here." if not closed else "No call is known here.")
        screen.next(f"{session.named('watch')} tells when one comes")
        return
    now = time.time()
    rows: list[list[Piece]] = [
        [
            str(call["short"]),
            span(now - float(call.get("heard_unix_s") or now)),
            describe.severity(call),
            str(call["nature"]).rpartition("/")[2],
            describe.listed(call.get("needs")),
            f"{call.get('claims', 0)} ({call.get('attested', 0)} in contact)",
            "you" if call.get("leading") else short(str(call.get("lead") or "-")),
            _state(call),
        ]
        for call in heard
    ]
    screen.table(["call", "age", "severity", "nature", "needs", "claims", "lead", "you"], rows)
    name = heard[0]["short"]
    answer = f", then {session.named('claim')} {name}, or {session.named('decline')} {name} unable"
    screen.next(f"{session.named('show')} {name}" + (answer if heard[0].get("state") == "open" else ""))


def _state(call: dict[str, Any]) -> Piece:
    if call.get("state") != "open":
        return (str(call.get("state")), "dim")
    waits = call.get("mine") == "asked"
    drill = "" if call.get("status") == "actual" else f" [{call.get('status')}]"
    return (describe.mine(call) + drill, "bold yellow" if waits else "")


@click.command(cls=Order)
@click.argument("call")
@pass_session
def show(session: Session, call: str) -> None:
    """One call in full: what is asked, who answers, what was written. CALL is its first few digits."""
    said = node_line(session).get(call_path(session, call))
    screen = session.screen
    screen.object(said)
    screen.rows(describe.call_rows(said, time.time()))
    standing: dict[str, Any] = said.get("standing") or {}
    screen.line("")
    if standing.get("claims"):
        screen.rows(describe.lead_rows(standing))
        screen.line("")
    describe.claim_table(screen, standing)
    for word, what in (("declines", "does not come"), ("releases", "comes no longer")):
        for entry in standing.get(word) or []:
            why = f"{entry.get('reason')}, {entry.get('detail')}" if isinstance(entry, dict) else ""
            who = short(str(entry.get("responder") if isinstance(entry, dict) else entry))
            screen.line((f"{who} {what}" + (f" ({why})" if why else ""), "yellow"))
    letters = standing.get("letters") or said.get("letters") or []
    if letters:
        screen.line("")
        screen.line("Letters:")
        describe.letters(screen, letters)
    screen.line("")
    _next(session, screen, said)


def _next(session: Session, screen: Screen, said: dict[str, Any]) -> None:
    name, mine = said["short"], said.get("mine")
    if said.get("state") != "open":
        screen.next(f"the call is over; {session.named('log')} shows what this node did")
    elif mine == "claimed" and said.get("leading"):
        screen.next(
            f"{session.named('sitrep')} {name} STATUS tells everybody how far you are; {session.named('letter')} {name} 'TEXT'"
        )
    elif mine == "claimed":
        screen.next(
            f"{session.named('letter')} {name} 'TEXT' writes to the victim; {session.named('release')} {name}"
        )
    else:
        screen.next(f"{session.named('claim')} {name}, or {session.named('decline')} {name} unable")

"""`sos case update`, `cancel`, `clear`: how a victim refines or ends its call."""

from typing import Any

import click

from p2p_sos.cli import exits
from p2p_sos.cli.case_look import CASE_OPTION
from p2p_sos.cli.consent import ask_consent
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.grammar import Order, Session, pass_session
from p2p_sos.cli.reach import case_directory, case_line
from p2p_sos.cli.words import Cell, Language, Word


@click.command(cls=Order)
@click.option(
    "--need", "needs", type=Word("Need"), multiple=True, help="What would help now; replaces all before."
)
@click.option("--nature", type=Word("Nature"), help="What happens, now that you know more.")
@click.option("--severity", type=Word("Severity"), help="emergency, severe, high, medium, low, baseline.")
@click.option("--urgency", type=Word("Urgency"), help="immediate, expected, future, past, unknown.")
@click.option("--certainty", type=Word("Certainty"), help="observed, likely, possible, unlikely, unknown.")
@click.option("--sector", type=Word("Sector"), help="Your sector (NIS2).")
@click.option(
    "--language", "languages", type=Language(), multiple=True, help="One you speak; replaces all before."
)
@click.option("--cell", type=Cell(), help="Roughly where you are: an H3 index of resolution 2 at most.")
@CASE_OPTION
@pass_session
def update(session: Session, named: str | None, **flags: Any) -> None:
    """Make the call more exact. All of it is public, as the call is."""
    changes: dict[str, Any] = {name: value for name, value in flags.items() if value not in (None, ())}
    if not changes:
        raise Stop("Nothing to change was named; see sos case update --help.", exits.USAGE)
    if "cell" in changes:
        from p2p_sos.drivers.cells import show_cell

        changes["cell"] = show_cell(changes["cell"])
    for name in ("needs", "languages"):
        if name in changes:
            changes[name] = list(changes[name])
    said = case_line(session, case_directory(session, named)).post("/case/update", changes)
    session.screen.object({"updated": changes, **said})
    told = ", ".join(f"{name} {_plain(value)}" for name, value in changes.items())
    session.screen.line(f"Everyone is told: {told}.")
    session.screen.next(f"{session.named('case status')}")


def _plain(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


@click.command(cls=Order)
@CASE_OPTION
@click.option("--yes", is_flag=True, help="Without asking.")
@pass_session
def cancel(session: Session, named: str | None, yes: bool) -> None:
    """Withdraw the call. A false alarm is nobody's fault."""
    _close(
        session, named, yes=yes, word="cancel", question="Withdraw your call", done="withdrawn, without blame"
    )


@click.command(cls=Order)
@CASE_OPTION
@click.option("--yes", is_flag=True, help="Without asking.")
@pass_session
def clear(session: Session, named: str | None, yes: bool) -> None:
    """All clear: it is over, and every helper is released with thanks."""
    _close(
        session,
        named,
        yes=yes,
        word="clear",
        question="Say that all is clear and end your call",
        done="over: all is clear",
    )


def _close(session: Session, named: str | None, *, yes: bool, word: str, question: str, done: str) -> None:
    directory = case_directory(session, named)
    line, screen = case_line(session, directory), session.screen
    before = line.get("/case")
    ask_consent(screen, f"{question}?", yes=yes, otherwise="Nothing was decided, your call stands")
    said = line.post(f"/case/{word}")
    screen.object({"closed": word, "case": directory.name, **said})
    screen.line("Your call is ", (done, "bold green"), ".")
    if int(before.get("relays") or 0) or before.get("heard"):
        screen.line(
            "The background process tells the mesh, destroys the keys and ends by itself within minutes."
        )
    screen.next("nothing more to do")

"""Following a case from the terminal: taken, HEARD, then each CLAIM, apart; until it closes or Ctrl-C.

Comes in: the case's local API. Goes out: the timeline, and a `Stop` when nothing more can come. Decides nothing about
the case: ending the watch never ends the case.
"""

import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.grammar import Session
from p2p_sos.cli.reach import Line, about, case_line, too_old
from p2p_sos.cli.screen import Screen, harmless, short
from p2p_sos.cli.story import Story
from p2p_sos.cli.timeline import News, tell
from p2p_sos.cli.way import SOCKS

LOOK_EVERY_S = 1.0
PATIENCE_S = 20.0
CIRCUITS_PATIENCE_S = 90.0  # guess: a Tor that has just started builds its first circuits in less
PATIENCE_OPTION = click.option(
    "--patience",
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    help=f"How long to wait for the first relay. [{PATIENCE_S:.0f}; {CIRCUITS_PATIENCE_S:.0f} through a SOCKS port]",
)
UNHEARD_S = 15.0  # taken, and still not heard: say what it takes
UNTIL = ("taken", "heard", "claimed", "closed")


def patience_of(given: float | None, via: str) -> float:
    """How long to wait for the first relay, unless a person said otherwise."""
    return given if given is not None else CIRCUITS_PATIENCE_S if via == SOCKS else PATIENCE_S


def follow(
    session: Session, directory: Path, *, until: str = "closed", patience_s: float | None = None
) -> None:
    """Tell what happens to a case. `Stop` 75 when within `patience_s` no relay took it, or none takes it any more."""
    story, screen, line = Story(), session.screen, case_line(session, directory)
    started, hinted, shown = time.monotonic(), False, News()
    try:
        for look, news in enumerate(_news(story, line)):
            for notice in news:
                tell(screen, notice, news=shown)
                _hint(session, directory, story, notice)
            if _reached(story, until):
                return
            waited = time.monotonic() - started
            if look == 0 and not story.relays and not story.heard and not story.too_old:
                _say_waiting(screen, patience_s)
            if not hinted and (story.too_old or (story.relays and not story.heard and waited > UNHEARD_S)):
                hinted = True
                _say_unheard(session, directory, stale=story.too_old, patience_s=patience_s)
            if patience_s is not None and waited > patience_s and not story.is_taken:
                raise _queued(session, directory, line.get("/case"))
    except KeyboardInterrupt:
        screen.line("")
        screen.line("You stopped watching; your case goes on in the background.")
        ways_back(session, directory)
        return
    if not story.closed:
        raise Stop(
            f"The process of case {directory.name} ended; the case is kept. Go on with: {about(session, directory, 'case resume')}",
            exits.NO_NODE,
        )


def _say_waiting(screen: Screen, patience_s: float | None) -> None:
    within = f", for {patience_s:.0f} s" if patience_s is not None else "; it goes on trying"
    screen.line((f"No relay has it yet: reaching for one{within} ...", "dim"))


def _say_unheard(session: Session, directory: Path, *, stale: bool, patience_s: float | None) -> None:
    if stale:
        within = f", for {patience_s:.0f} s" if patience_s is not None else ""
        session.screen.line((f"{too_old(session, directory)}.", "yellow"))
        session.screen.line((f"Looking whether somebody brought it in already{within} ...", "dim"))
        return
    session.screen.next(
        "wait. HEARD takes a second relay, or a helper's answer; through other relays: "
        f"{about(session, directory, 'case resume')} --bootstrap ADDRESS --bootstrap ANOTHER; by somebody else's "
        f"hand: {about(session, directory, 'case stop')}, then {about(session, directory, 'case offline')}"
    )


def _news(story: Story, line: Line) -> Iterator[list[dict[str, Any]]]:
    inbox: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(line, inbox), daemon=True).start()
    yield story.see(line.get("/case"))
    while True:
        try:
            notice = inbox.get(timeout=LOOK_EVERY_S)
        except queue.Empty:
            try:
                yield story.see(line.get("/case"))
            except Stop:
                return  # the process ended between two looks
            continue
        if notice is None:
            return
        yield story.hear(notice)


def _listen(line: Line, inbox: "queue.SimpleQueue[dict[str, Any] | None]") -> None:
    try:
        for notice in line.events():
            inbox.put(notice)
    except Stop:
        pass  # told by the end of the stream: the watcher says what to do
    inbox.put(None)


def _reached(story: Story, until: str) -> bool:
    if story.closed:
        return True
    match until:
        case "taken":
            return story.is_taken
        case "heard":
            return story.heard
        case "claimed":
            return bool(story.claims)
    return False


def _hint(session: Session, directory: Path, story: Story, notice: dict[str, Any]) -> None:
    match notice.get("notice"), notice.get("kind"):
        case "call-returned", _ if not story.claims:
            session.screen.next("wait for a CLAIM; Ctrl-C stops only this watching")
        case "letter-arrived", "introduction":
            who = short(str(notice.get("correspondent")))
            session.screen.next(
                f"{about(session, directory, 'case accept')} {who}  (in another terminal, or after Ctrl-C)"
            )


def ways_back(session: Session, directory: Path) -> None:
    """How to come back to a case that goes on in the background."""
    session.screen.rows(
        [
            (about(session, directory, "case watch"), "follow it again"),
            (about(session, directory, "case status"), "who comes, by number"),
            (about(session, directory, "case accept 1"), "accept the first helper"),
            (about(session, directory, "case resume"), "go on after a crash or a reboot"),
        ],
        indent="  ",
    )


def _queued(session: Session, directory: Path, said: dict[str, Any]) -> Stop:
    if said.get("too_old"):
        sentence = f"{too_old(session, directory)}. It goes on listening in the background ({about(session, directory, 'case watch')})"
        return Stop(sentence, exits.QUEUED, "too-old")
    faults: dict[str, str] = said.get("faults") or {}
    why = "; ".join(harmless(reason).rstrip(".") for reason in faults.values())  # each names its address
    return Stop(
        f"No relay could be reached{': ' + why if why else ''}. Call {directory.name} is kept and waits, nobody has it yet. It goes on trying in the "
        f"background ({about(session, directory, 'case watch')}); to name another relay, or after a reboot: "
        f"{about(session, directory, 'case resume')} --bootstrap ADDRESS",
        exits.QUEUED,
    )

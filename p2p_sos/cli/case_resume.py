"""`sos case resume` and `stop`: the process that carries a case, started again or stopped."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from p2p_sos.cli import exits
from p2p_sos.cli.case_carry import ask_whether_here, goes_on_here
from p2p_sos.cli.case_look import CASE_OPTION
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.follow import PATIENCE_OPTION, UNTIL, follow, patience_of
from p2p_sos.cli.grammar import Order, Session, pass_session
from p2p_sos.cli.reach import OVER, about, case_directory, case_line, is_served, over
from p2p_sos.cli.way import DIRECT, STEM, VIAS, WORDS, stem_fault
from p2p_sos.cli.words import Relay

END_WAIT_S = 20.0
LOOK_EVERY_S = 0.05


@click.command(cls=Order)
@CASE_OPTION
@click.option(
    "--bootstrap", type=Relay(), multiple=True, help="Enter through these relays from now on; repeatable."
)
@click.option(
    "--via",
    type=click.Choice(VIAS),
    help="From now on by this way; one that shows more is taken because you name it.",
)
@click.option("--profile", metavar="NAME", help="The network. [the home's, else laboratory]")
@click.option("--foreground", is_flag=True, help="Serve the case in this process; it ends with the terminal.")
@click.option(
    "--until", type=click.Choice(UNTIL), default="closed", help="Watch no longer than until this happened."
)
@PATIENCE_OPTION
@click.option("--yes", is_flag=True, help="Go on here though a copy was exported, without asking.")
@pass_session
def resume(
    session: Session,
    *,
    named: str | None,
    bootstrap: tuple[str, ...],
    via: str | None,
    profile: str | None,
    foreground: bool,
    until: str,
    patience: float | None,
    yes: bool,
) -> None:
    """Go on with a case after a crash or a reboot, with other relays or by another way; then follow it.

    SOS_PASSPHRASE or SOS_RECOVERY_CODE opens the case file; else you are asked.
    """
    directory = case_directory(session, named)
    if (directory / OVER).exists():
        raise over(session, directory)
    served, secret = is_served(directory), None
    if served and (bootstrap or foreground or via):
        _check_way(session, directory, bootstrap, profile, via)
        secret = _proven_secret(
            directory
        )  # before the process that runs is stopped: a typing slip must not end it
        _stop_process(session, directory)
        served = False
    if served:
        session.screen.line(f"Case {directory.name} is being carried already; following it.")
        follow(session, directory, until=until, patience_s=patience_of(patience, ""))
        return
    ask_whether_here(session, directory, yes=yes)
    _start(
        session,
        directory,
        bootstrap,
        profile,
        secret,
        via=via,
        foreground=foreground,
        until=until,
        patience_s=patience,
    )


def _proven_secret(directory: Path) -> str:
    """The secret of a case, which opens it. `Stop` 77 when it is not the right one."""
    from p2p_sos.cli.caseprocess import open_file
    from p2p_sos.cli.secret import opened

    def prove(secret: str) -> str:
        open_file(directory, secret).close()
        return secret

    return opened(prove)


def _check_way(
    session: Session, directory: Path, bootstrap: Sequence[str], profile: str | None, via: str | None
) -> None:
    """Whether a case that runs can go by the stem as it is asked to. `Stop` 77 before its process is stopped."""
    from p2p_sos.cli.relays import profile_of

    network = profile_of(session, profile)
    way = via or WORDS.get(str(case_line(session, directory).get("/case").get("way")))
    relays = _relays(session, directory, bootstrap, way)
    if way == STEM and relays and (fault := stem_fault(relays, network)) is not None:
        refused = Stop(f"{fault} The case is carried on as before.", exits.REFUSED, "stem-refused")
        raise _with_ways(session, directory, refused, relays, network)


def _relays(session: Session, directory: Path, bootstrap: Sequence[str], via: str | None) -> tuple[str, ...]:
    """The relays that are named, else those of the case and those that are known here."""
    from p2p_sos.cli.relays import beyond_here, known_relays
    from p2p_sos.drivers.home import CaseHome

    lent = known_relays(session, ())
    # Whether it goes through a proxy stands in the file, which is not open yet.
    lent = lent if via in {DIRECT, STEM} else beyond_here(session, lent)
    return tuple(bootstrap) or tuple(dict.fromkeys([*CaseHome(directory).bootstrap(), *lent]))


def _start(
    session: Session,
    directory: Path,
    bootstrap: Sequence[str],
    profile: str | None,
    proven: str | None,
    *,
    via: str | None,
    foreground: bool,
    until: str,
    patience_s: float | None,
) -> None:
    from p2p_sos.cli.keeping import serve_here, serve_in_background
    from p2p_sos.cli.relays import profile_of
    from p2p_sos.drivers.home import CaseHome

    network = profile_of(session, profile)
    relays = _relays(session, directory, bootstrap, via)
    if not relays:
        raise Stop(
            f"No relay is known, so case {directory.name} stays queued; name one: "
            f"{about(session, directory, 'case resume')} --bootstrap ADDRESS",
            exits.QUEUED,
        )
    secret = _proven_secret(directory) if proven is None else proven
    if bootstrap:
        CaseHome(directory).write_hints(relays)
    try:
        if foreground:
            patience = patience_of(patience_s, via or "")
            how: dict[str, Any] = {"until": until, "patience_s": patience, "via": via, "says_way": True}
            serve_here(session, directory, secret, relays, network, **how)
            goes_on_here(directory)
            return
        answer = serve_in_background(session, directory, secret, relays, network, via=via)
    except Stop as stop:
        raise _with_ways(session, directory, stop, relays, network) from stop
    goes_on_here(directory)
    if answer.get("over"):
        raise over(session, directory)
    session.screen.line(str(answer.get("hides") or ""))
    follow(session, directory, until=until, patience_s=patience_of(patience_s, str(answer.get("via"))))


def _with_ways(session: Session, directory: Path, stop: Stop, relays: Sequence[str], profile: str) -> Stop:
    """What to do about a way that cannot be gone: the process that found out does not know how it was called."""
    if stop.code not in {"no-socks", "way-refused", "stem-refused"}:
        return stop
    less = about(session, directory, "case resume")
    by_stem = f"{less} --via {STEM}, or " if stem_fault(relays, profile) is None else f"{less} "
    repeat = "Or" if stop.code == "stem-refused" else "Start Tor and repeat; or"
    sentence = f"{stop.sentence} {repeat} accept less, and go on with: {by_stem}--via {DIRECT}"
    return Stop(sentence, stop.exit_code, stop.code)


@click.command(cls=Order)
@CASE_OPTION
@pass_session
def stop(session: Session, named: str | None) -> None:
    """Stop the process that carries a case. The call stays open and the case is kept."""
    directory = case_directory(session, named)
    closed = case_line(session, directory).get("/case").get("closed")
    _stop_process(session, directory)
    session.screen.object({"stopped": True, "case": directory.name})
    if closed:
        session.screen.line(f"Case {directory.name} is {closed}; nothing tells the mesh of it any more.")
        session.screen.next(
            f"{about(session, directory, 'case resume')} tells it, destroys the keys and ends"
        )
        return
    session.screen.line(
        f"Nothing carries case {directory.name} now; the call stays open, and helpers cannot reach you."
    )
    session.screen.next(f"{about(session, directory, 'case resume')} goes on with it")


def _stop_process(session: Session, directory: Path) -> None:
    case_line(session, directory).post("/case/stop")
    deadline = time.monotonic() + END_WAIT_S
    while is_served(directory):
        if time.monotonic() > deadline:
            raise Stop(
                f"The process of case {directory.name} did not end within {END_WAIT_S:.0f} s.", exits.NOT_DONE
            )
        time.sleep(LOOK_EVERY_S)

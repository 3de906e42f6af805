"""`sos case export` and `import`: a case that goes to another machine, as one encrypted file.

Comes in: a case of this home, or a file. Goes out: the other of the two. A case is to be carried in one place: the one that
was exported says so before it goes on here.
"""

import errno
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from p2p_sos.cli import exits
from p2p_sos.cli.case_look import CASE_OPTION
from p2p_sos.cli.consent import ask_consent
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.grammar import Order, Session, pass_session
from p2p_sos.cli.offline import held
from p2p_sos.cli.reach import OVER, about, case_directory, is_served, over
from p2p_sos.cli.stops import kept_or_told
from p2p_sos.cli.words import Relay

if TYPE_CHECKING:
    from p2p_sos.drivers.home import CaseHome

PRIVATE = "case-{name}.private"
EXPORTED = "exported"  # a file in a case's directory: where a copy went, and when


@click.command("export", cls=Order)
@click.argument("file")
@CASE_OPTION
@pass_session
def export_case(session: Session, file: str, named: str | None) -> None:
    """Write the case as one encrypted file, to go on with it on another machine. FILE may be a directory.

    It opens with its passphrase or recovery code alone. The case stays here too; go on with it in one place only.
    """
    from p2p_sos.drivers.carrying import take_out
    from p2p_sos.drivers.home import CaseHome

    directory = case_directory(session, named)
    if (directory / OVER).exists():
        raise over(session, directory)
    if is_served(directory):
        raise held(session, directory)
    target = Path(file).expanduser().absolute()
    target = target / PRIVATE.format(name=directory.name) if target.is_dir() else target
    try:
        with kept_or_told():
            size = take_out(CaseHome(directory), target)
    except FileExistsError as there:
        raise Stop(
            f"{target} exists already: name another file, nothing is overwritten.", exits.EXISTS
        ) from there
    except OSError as error:
        raise Stop(
            f"{error.filename or f'{target}, or something in {directory},'} cannot be written: {error.strerror}. Nothing was "
            "exported: name another place, or make room.",
            exits.DISK,
        ) from error
    _mark(directory, target)
    session.screen.object({"exported": str(target), "bytes": size, "case": directory.name})
    session.screen.line(
        f"Case {directory.name} stands in {target}, encrypted; it opens with its secret alone."
    )
    session.screen.line("Go on with it in one place only: two that speak for one call contradict each other.")
    session.screen.next("on the other machine: sos case import FILE, then sos case resume")


@click.command("import", cls=Order)
@click.argument("file")
@click.option("--bootstrap", type=Relay(), multiple=True, help="A relay to go on through; repeatable.")
@pass_session
def import_case(session: Session, file: str, bootstrap: tuple[str, ...]) -> None:
    """Take in a case that another machine wrote, to go on with it here. FILE stays as it is.

    SOS_PASSPHRASE or SOS_RECOVERY_CODE opens it; else you are asked. What does not open is not taken in.
    """
    from p2p_sos.cli.secret import opened
    from p2p_sos.drivers.carrying import NoCase, look_at

    source = _source(Path(file).expanduser().absolute())
    try:
        look_at(source)  # before anybody is asked for a secret
        case = opened(lambda secret: _taken(session, source, secret))
    except NoCase as foreign:
        raise Stop(str(foreign), exits.NOT_DONE, "no-case-file") from foreign
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}  # the error of a copy names what it read
        where = session.home if full else error.filename or source
        raise Stop(f"{where}: {error.strerror}. Nothing was taken in.", exits.DISK) from error
    if bootstrap:
        case.write_hints(bootstrap)
    relays = list(case.bootstrap())
    session.screen.object({"imported": str(source), "case": case.name, "relays": relays})
    session.screen.line("Case ", (case.name, "bold"), " is here now, and opens. The file stays as it was.")
    session.screen.line(
        "Do not go on with it where it came from: two that speak for one call contradict each other."
    )
    resume = about(session, case.root, "case resume")
    session.screen.next(
        f"{resume} fetches the answers" + ("" if relays else "; --bootstrap ADDRESS names a relay")
    )


def _mark(directory: Path, target: Path) -> None:
    """Remember where a copy went, so that nobody goes on here without thinking of it."""
    told = f"{target} {time.strftime('%Y-%m-%d %H:%M')}\n"
    try:
        (directory / EXPORTED).write_text(told, encoding="utf-8")
    except OSError as error:
        raise Stop(
            f"The case stands in {target}; that it does could not be noted in {directory}: {error.strerror}. Go on with it in "
            "one place only.",
            exits.DISK,
        ) from error


def _source(named: Path) -> Path:
    """The file that is meant: of a directory the case in it, if there is one."""
    if named.is_dir():
        found = (
            [named / "case.db"]
            if (named / "case.db").exists()
            else sorted(named.glob(PRIVATE.format(name="*")))
        )
        if len(found) > 1:
            names = ", ".join(path.name for path in found)
            raise Stop(
                f"There are {len(found)} cases in {named}: {names}; name one.", exits.USAGE, "which-case"
            )
        if not found:
            raise Stop(
                f"There is no case in {named}: name the file that `sos case export` wrote.", exits.NO_SUCH
            )
        return found[0]
    if not named.exists():
        raise Stop(f"There is no file {named}: name the one that `sos case export` wrote.", exits.NO_SUCH)
    return named


def _taken(session: Session, source: Path, secret: str) -> "CaseHome":
    """The case, kept here. `Stop` 77 when the secret does not open it, 73 when it is here already."""
    from p2p_sos.cli.secret import WRONG_SECRET
    from p2p_sos.drivers.carrying import take_in
    from p2p_sos.drivers.casefile import WrongSecret
    from p2p_sos.drivers.home import Exists, Home

    with kept_or_told():
        try:
            return take_in(Home(session.home), source, secret)
        except WrongSecret as wrong:
            raise Stop(
                f"This does not open {source.name}: nothing was taken in, try again. {wrong.slip}".rstrip(),
                exits.REFUSED,
                WRONG_SECRET,
            ) from wrong
        except Exists as there:
            raise Stop(f"{there} Go on with it: {session.named('case resume')}", exits.EXISTS) from there


def ask_whether_here(session: Session, directory: Path, *, yes: bool) -> None:
    """A case that was exported goes on here only after a yes: the copy may be carried elsewhere."""
    mark = directory / EXPORTED
    if not mark.exists():
        return
    where = mark.read_text(encoding="utf-8", errors="replace").strip()
    session.screen.line(
        (
            f"A copy of case {directory.name} was written to {where}. Carried in two places it contradicts itself.",
            "yellow",
        )
    )
    ask_consent(
        session.screen,
        "Is this the only place that goes on with it?",
        yes=yes,
        otherwise="Nothing was started",
    )


def goes_on_here(directory: Path) -> None:
    """It did go on here: the question was answered."""
    (directory / EXPORTED).unlink(missing_ok=True)

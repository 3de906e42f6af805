"""A call that leaves by hand: written as a text file and a QR code, for anybody to bring to the network.

Comes in: a case that is kept, its secret, a directory. Goes out: two files, the code in the terminal, and what to do with
each: the call goes to anybody, the case to nobody but its owner. Sends nothing.
"""

import time
from pathlib import Path

import click

from p2p_sos.cli import exits
from p2p_sos.cli.case_look import CASE_OPTION
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.grammar import Order, Session, pass_session
from p2p_sos.cli.reach import OVER, about, case_directory, is_served, over
from p2p_sos.cli.stops import kept_or_told

OFFLINE = (
    "Nothing leaves this machine now. The file names nobody; whoever brings it to the network is seen bringing it, and "
    "knows from whom it came."
)
FOR_ANYBODY = 0o644  # the mode of files that others are to read
OUT_OPTION = click.option(
    "--out", metavar="DIR", help="Where the files of a call by hand go, such as a USB stick. [here]"
)


def out_directory(named: str | None) -> Path:
    """The directory that the files go to, looked at before anything is signed. `Stop` 74 when it takes none."""
    import tempfile

    out = Path(named or ".").expanduser().absolute()
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise Stop(
            f"Nothing can be written to {out}: {error.strerror}. Name another directory with --out DIR.",
            exits.DISK,
        ) from error
    return out


def hand_out(session: Session, directory: Path, secret: str, out: Path, relays: tuple[str, ...] = ()) -> None:
    """Write the call of a case for others to carry, and say how that and the case travel."""
    from p2p_sos.cli.caseprocess import open_file
    from p2p_sos.core.calls.calls import call_of, ends_unix_s
    from p2p_sos.drivers.calltext import code_of
    from p2p_sos.drivers.home import CaseHome, Lock
    from p2p_sos.drivers.offline import RELAYS_NOTE, CaseOver, fix_call, network_of_case

    file = open_file(directory, secret)
    try:
        with kept_or_told(), Lock(CaseHome(directory).lock_path, f"The case {directory.name}"):
            frame, network = fix_call(file), network_of_case(file).network
            if relays:
                file.write_note(RELAYS_NOTE, "\n".join(relays).encode())
    except CaseOver as gone:
        raise over(session, directory) from gone
    finally:
        file.close()
    code, ends = code_of(frame.cell, network), float(ends_unix_s(call_of(frame)))
    again = f"{about(session, directory, 'case offline')} --out DIR"
    text, picture = _write(out, directory.name, code, again)
    session.screen.object(
        {
            "notice": "call-written",
            "at_unix_s": time.time(),
            "case": directory.name,
            "call": frame.id.hex(),
            "code": code,
            "file": str(text),
            "picture": str(picture),
            "case_file": str(directory / "case.db"),
            "ends_unix_s": ends,
        }
    )
    _tell(session, directory, code, (text, picture), ends)


def _write(out: Path, name: str, code: str, again: str) -> tuple[Path, Path]:
    from p2p_sos.cli.picture import png
    from p2p_sos.drivers.calltext import text_of
    from p2p_sos.drivers.carrying import write_new

    text, picture = out / f"call-{name}.txt", out / f"call-{name}.png"
    for path, content in ((text, text_of(code).encode()), (picture, png(code))):
        try:
            if not (path.exists() and path.read_bytes() == content):
                write_new(path, content, FOR_ANYBODY)
        except FileExistsError as there:
            raise Stop(
                f"{path} exists already and holds something else; nothing is overwritten. The case is kept: write the "
                f"call elsewhere with: {again}",
                exits.EXISTS,
            ) from there
        except OSError as error:
            enough = f" {text} is written, and is enough to bring the call in." if path == picture else ""
            raise Stop(
                f"{path} cannot be written: {error.strerror}.{enough} The case is kept: write the call elsewhere with: {again}",
                exits.DISK,
            ) from error
    return text, picture


def _tell(session: Session, directory: Path, code: str, files: tuple[Path, Path], ends: float) -> None:
    from p2p_sos.cli.picture import show

    screen, (text, picture) = session.screen, files
    screen.line("")
    if unseen := show(screen, code):
        screen.line((unseen, "yellow"))
    until = time.strftime("%Y-%m-%d %H:%M", time.localtime(ends))
    screen.line(
        ("FOR ANYBODY", "bold red"),
        f"   your call, signed; the network takes it until {until}, the sooner the better",
    )
    screen.rows([("text", str(text)), ("QR code", str(picture))], indent="  ")
    screen.line(f"  Whoever has a network brings it in: sos relay {text.name}")
    screen.line("  or scans the code, types sos relay - and pastes what the scanner read.")
    screen.line(
        ("FOR YOU ALONE", "bold green"),
        "   your case, encrypted: answers open with it and its secret, and nothing else",
    )
    screen.rows([("case", str(directory / "case.db"))], indent="  ")
    screen.line("  It can stay here until this machine has a network again, or go to another machine:")
    screen.rows(
        [
            ("here", f"{about(session, directory, 'case export')} FILE, on a stick that you keep yourself"),
            ("there", "sos case import FILE, then sos case resume"),
        ],
        indent="  ",
    )
    screen.next(
        f"hand {text.name} or the code to somebody with a network; then {about(session, directory, 'case resume')}, here or there"
    )


@click.command("offline", cls=Order)
@CASE_OPTION
@OUT_OPTION
@pass_session
def offline(session: Session, named: str | None, out: str | None) -> None:
    """Write the call as a text file and a QR code, for somebody with a network to bring in with sos relay.

    For a call that no relay could be reached for, or whose files got lost. SOS_PASSPHRASE or SOS_RECOVERY_CODE opens
    the case file; else you are asked.
    """
    from p2p_sos.cli.secret import opened

    directory = case_directory(session, named)
    if (directory / OVER).exists():
        raise over(session, directory)
    if is_served(directory):
        raise held(session, directory)
    target = out_directory(out)
    opened(lambda secret: hand_out(session, directory, secret, target))


def held(session: Session, directory: Path) -> Stop:
    """When a process still carries the case that is to be read whole."""
    return Stop(
        f"A process carries case {directory.name} at the moment. Stop it first, nothing is lost by that: "
        f"{about(session, directory, 'case stop')}",
        exits.EXISTS,
        "held",
    )

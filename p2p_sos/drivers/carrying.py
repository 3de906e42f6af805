"""A case that moves to another machine: out as one file, in as a case of another home.

In come a case's directory, or a file and its secret. Out goes the other of the two. The file is the case file itself, sealed
as it lies on disk. Neither way changes or removes what it reads; taking in looks at a copy and keeps it only once it opened.
"""

import errno
import os
import secrets
import shutil
import tempfile
from pathlib import Path

from p2p_sos.drivers.casefile import CASE_FORMAT, CaseFile
from p2p_sos.drivers.database import Database
from p2p_sos.drivers.home import FILE_MODE, CaseHome, Exists, Home, Lock, make_private, sync_directory
from p2p_sos.drivers.offline import RELAYS_NOTE, CaseOver, call_of_case
from p2p_sos.drivers.store import StoreError, StoreUnusable

CASE_BYTES_MAX = 256 * 2**20  # guess: a case with every letter of a week has a few
SQLITE = b"SQLite format 3\x00"
APPLICATION_AT = 68  # where SQLite keeps the application id
LOG = "-wal"


class NoCase(Exception):
    """A file is no case that can be taken in; the sentence says why. It was left as it is."""


def take_out(case: CaseHome, target: Path) -> int:
    """Write a case that nobody serves as one file; how many bytes.

    Raises `Held` while it is served, `FileExistsError`, `OSError`, `StoreError`, `StoreUnusable`.
    """
    with Lock(case.lock_path, f"The case {case.name}"):
        # Opened and closed, the file holds what its log held.
        Database.open(case.file_path, CASE_FORMAT).close()
        log = case.file_path.with_name(case.file_path.name + LOG)
        if log.exists() and log.stat().st_size:
            raise StoreError(
                f"{case.file_path} could not be made whole: make room on its disk and try again."
            )
        content = case.file_path.read_bytes()
        write_new(target, content)
        if target.read_bytes() != content:
            raise StoreError(f"{target} reads back otherwise than it was written: use another disk.")
    return len(content)


def write_new(target: Path, content: bytes, mode: int = FILE_MODE) -> None:
    """Write a file that is not there yet, durable on return; nothing half-written ever bears its name. Raises `OSError`."""
    if target.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    draft = target.with_name(f".{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        _rename_new(draft, target)
    except OSError as error:
        if error.filename == str(draft):
            error.filename = str(target)
        raise
    finally:
        draft.unlink(missing_ok=True)


def _rename_new(draft: Path, target: Path) -> None:
    """Give a file its name, unless another has it. Raises `FileExistsError`, `OSError`."""
    try:
        os.link(draft, target)
    except FileExistsError:
        raise
    except OSError:  # a stick knows no links, and there nobody writes beside us
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        draft.rename(target)


def take_in(home: Home, source: Path, secret: str) -> CaseHome:
    """Keep a case that another machine wrote as a case of this home.

    Raises `NoCase`, `Exists` for a call whose case is here, `WrongSecret`, `CaseOver`, `HomeError`, `OSError`,
    `StoreError`, `StoreUnusable`. Slow on purpose.
    """
    look_at(source)
    for directory in (home.root, home.cases_path):
        make_private(directory)
    draft = Path(tempfile.mkdtemp(prefix="import-", dir=home.root))
    try:
        # What was not yet folded into the file lies beside it when it comes from a machine that crashed.
        for ending in ("", LOG):
            if (piece := source.with_name(source.name + ending)).exists():
                shutil.copyfile(piece, copy := draft / ("case.db" + ending))
                copy.chmod(FILE_MODE)
        call, relays = _opened(draft / "case.db", source, secret)
        case = home.case(call.hex()[:8])
        if case.root.exists():
            raise Exists(f"The case {case.name} is in {home.root} already, and stays as it is.")
        CaseHome(draft).write_hints(relays)
        sync_directory(draft)
        draft.rename(case.root)
        sync_directory(home.cases_path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return case


def look_at(source: Path) -> None:
    """Refuse at once what is plainly something else: the copy is looked at with care. Raises `NoCase`, `OSError`."""
    with source.open("rb") as file:
        head = file.read(100)
        size = os.fstat(file.fileno()).st_size
    application = int.from_bytes(head[APPLICATION_AT : APPLICATION_AT + 4], "big")
    # A log beside it may hold all of it, its first page too.
    alone = not source.with_name(source.name + LOG).exists()
    if not head.startswith(SQLITE) or (alone and application != CASE_FORMAT.application):
        raise NoCase(
            f"{source} is no case: give the file that `sos case export` wrote, or the case.db of a case's directory."
        )
    if size > CASE_BYTES_MAX:
        raise NoCase(f"{source} has {size} bytes; no case of ours grows beyond {CASE_BYTES_MAX}.")


def _opened(path: Path, source: Path, secret: str) -> tuple[bytes, tuple[str, ...]]:
    """The call and the relays of a case file, which opens with this secret."""
    try:
        file = CaseFile.open(path, secret)
    except StoreUnusable as wrong:
        newer = "version" in str(wrong)
        why = (
            "it was written by another version of this program"
            if newer
            else "it is damaged, or not the whole of it"
        )
        raise NoCase(f"{source} cannot be used: {why}. It was left as it is: bring another copy.") from wrong
    try:
        call = call_of_case(file).id
        relays = (file.note(RELAYS_NOTE) or b"").decode("utf-8", "replace").split()
    except CaseOver as over:
        raise NoCase(
            f"The case in {source} is over and its keys are gone: there is nothing to go on with."
        ) from over
    finally:
        file.close()
    return call, tuple(relays)

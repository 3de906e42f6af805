"""Where a node and its cases keep their files, and who holds them.

In comes a directory. Out go paths, created with mode 0700, a lock that names its holder, and socket paths
that the kernel accepts. Knows nothing of what the files say.
"""

import errno
import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from attrs import define, field, frozen

SOCKET_PATH_BYTES_MAX = 107  # sockaddr_un holds 108 bytes on Linux, the last one zero
DIRECTORY_MODE = 0o700
DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
FILE_MODE = 0o600
CASE_NAME_DIGITS = 8


class HomeError(Exception):
    """A directory cannot serve as a home; the sentence says why and what to do."""


class Held(HomeError):
    """Another process holds this home or case."""

    def __init__(self, sentence: str, pid: int | None) -> None:
        super().__init__(sentence)
        self.pid = pid


class Exists(HomeError):
    """What should be created is there already."""


@frozen
class Home:
    """One node's directory."""

    root: Path

    @classmethod
    def at(cls, directory: str | None, environment: Mapping[str, str]) -> "Home":
        """The home that `--home`, `SOS_HOME` or, failing both, `~/.sos` names. Touches no disk."""
        chosen = directory or environment.get("SOS_HOME") or str(Path.home() / ".sos")
        return cls(Path(chosen).expanduser().absolute())

    @property
    def settings_path(self) -> Path:
        """The settings, TOML."""
        return self.root / "settings.toml"

    @property
    def host_key_path(self) -> Path:
        """The seed of the libp2p host."""
        return self.root / "keys" / "host.key"

    @property
    def responder_key_path(self) -> Path:
        """The seeds of the responder: signing and exchange."""
        return self.root / "keys" / "responder.key"

    @property
    def relays_path(self) -> Path:
        """The lists of relays that were fetched for calls, JSON."""
        return self.root / "relays.json"

    @property
    def relays_lock_path(self) -> Path:
        """Held while one of these lists is fetched or forgotten."""
        return self.root / "relays.lock"

    @property
    def store_path(self) -> Path:
        """The node's store, SQLite."""
        return self.root / "node.db"

    @property
    def lock_path(self) -> Path:
        """Held by the running node; its text is the process id."""
        return self.root / "node.lock"

    @property
    def cases_path(self) -> Path:
        """One directory for each case of a victim."""
        return self.root / "cases"

    @property
    def socket_path(self) -> Path:
        """The local API's socket: `api.sock` here, or a short path when this one is too long."""
        return socket_path_for(self.root / "api.sock", os.environ)

    def is_made(self) -> bool:
        """Whether `create` was here, or a person who wrote settings."""
        return self.settings_path.exists() or self.host_key_path.exists()

    def create(self) -> None:
        """Make the directories, mode 0700. Raises `HomeError`."""
        for directory in (self.root, self.root / "keys", self.cases_path):
            make_private(directory)

    def case(self, name: str) -> "CaseHome":
        """The case of that name (8 hexadecimal digits)."""
        return CaseHome(self.cases_path / name)

    def cases(self, prefix: str = "") -> tuple["CaseHome", ...]:
        """Every case whose name begins with `prefix`, sorted by name."""
        if not self.cases_path.is_dir():
            return ()
        found = sorted(p for p in self.cases_path.iterdir() if p.name.startswith(prefix))
        return tuple(CaseHome(p) for p in found if (p / "case.db").exists())


@frozen
class CaseHome:
    """One case's directory."""

    root: Path

    @property
    def name(self) -> str:
        """The first 8 hexadecimal digits of the call's id."""
        return self.root.name

    @property
    def file_path(self) -> Path:
        """The sealed case file."""
        return self.root / "case.db"

    @property
    def lock_path(self) -> Path:
        """Held by the process that serves the case."""
        return self.root / "case.lock"

    @property
    def hints_path(self) -> Path:
        """What a resume needs and everyone may read: the bootstrap list. Nothing secret."""
        return self.root / "case.json"

    @property
    def socket_path(self) -> Path:
        """The case API's socket."""
        return socket_path_for(self.root / "case.sock", os.environ)

    def create(self) -> None:
        """Make the directory, mode 0700. Raises `Exists` when there is a case already, and `HomeError`."""
        if self.file_path.exists():
            raise Exists(f"There is a case in {self.root} already: resume it, or clear it first.")
        for directory in (self.root.parent.parent, self.root.parent, self.root):
            make_private(directory)

    def write_hints(self, bootstrap: Sequence[str]) -> None:
        """Remember the relays for a resume."""
        text = json.dumps({"bootstrap": list(bootstrap)}, indent=2) + "\n"
        write_private(self.hints_path, text.encode())

    def bootstrap(self) -> tuple[str, ...]:
        """The relays remembered; empty when the hints are missing or unreadable."""
        try:
            hints: Any = json.loads(self.hints_path.read_bytes())
            return tuple(str(address) for address in hints["bootstrap"])
        except (OSError, ValueError, KeyError, TypeError):
            return ()


def make_private(directory: Path) -> None:
    """Make a directory that its owner alone may enter. Raises `HomeError`."""
    try:
        directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        if directory.stat().st_mode & 0o077:
            directory.chmod(DIRECTORY_MODE)
    except FileExistsError as error:
        raise HomeError(f"{directory} is a file: choose another --home, or move it away.") from error
    except OSError as error:
        raise HomeError(
            f"{directory} cannot be made private: {error.strerror}. Choose another --home."
        ) from error


def write_private(path: Path, content: bytes) -> None:
    """Write a file, mode 0600, whole or not at all, and durable on return. Raises `OSError`."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, FILE_MODE)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make names created, renamed or removed in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def set_aside(path: Path, word: str = "damaged", companions: Sequence[str] = ()) -> Path:
    """Rename a file so that nothing overwrites it: `node.db` becomes `node.db.damaged-1`.

    `companions` are endings of files that go with it (`-wal`). Returns the new path. Raises `OSError`.
    """
    number = 1
    while _any_exists(aside := path.with_name(f"{path.name}.{word}-{number}"), companions):
        number += 1
    for ending in ("", *companions):
        old = path.with_name(path.name + ending)
        if old.exists():
            old.rename(aside.with_name(aside.name + ending))
    sync_directory(path.parent)
    return aside


def _any_exists(path: Path, companions: Sequence[str]) -> bool:
    return any(path.with_name(path.name + ending).exists() for ending in ("", *companions))


def socket_path_for(wanted: Path, environment: Mapping[str, str]) -> Path:
    """`wanted`, or, when the kernel takes no path that long, the same file under a short private directory.

    The short one depends on `wanted` and the environment alone; whoever listens records it in
    `<wanted>.path`, and that record comes first, so that a client with another environment finds it.
    """
    if len(os.fsencode(wanted)) <= SOCKET_PATH_BYTES_MAX:
        return wanted
    record = wanted.with_name(wanted.name + ".path")
    try:
        return Path(record.read_text().strip())
    except OSError:
        pass
    runtime = environment.get("XDG_RUNTIME_DIR")
    base = Path(runtime) / "sos" if runtime else Path(tempfile.gettempdir()) / f"sos-{os.getuid()}"
    short = base / hashlib.blake2b(os.fsencode(wanted), digest_size=8).hexdigest() / wanted.name
    if len(os.fsencode(short)) > SOCKET_PATH_BYTES_MAX:
        raise HomeError(
            f"No socket can be made: {wanted} and {short} are longer than {SOCKET_PATH_BYTES_MAX} bytes. "
            "Choose a shorter --home."
        )
    return short


def prepare_socket(wanted: Path, environment: Mapping[str, str]) -> Path:
    """Where to listen: its directory private, an old socket removed, a short path recorded. Hold the lock first."""
    path = socket_path_for(wanted, environment)
    if path != wanted:
        make_private(path.parent.parent)
        make_private(path.parent)
        owner = path.parent.stat().st_uid
        if owner != os.getuid():
            raise HomeError(f"{path.parent} belongs to another user (uid {owner}): choose a shorter --home.")
        write_private(wanted.with_name(wanted.name + ".path"), f"{path}\n".encode())
    path.unlink(missing_ok=True)
    return path


@define
class Lock:
    """A file that one process at a time may hold; a crash gives it back.

    Use as a context manager. Raises `Held` with the holder's process id.
    """

    _path: Path
    _what: str  # what is held, for the sentence: "this home"
    _descriptor: int | None = field(default=None, init=False)

    def __enter__(self) -> "Lock":
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            text = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise self._held(int(text) if text.isdigit() else None) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._descriptor is not None
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
        self._descriptor = None

    def _held(self, pid: int | None) -> Held:
        by = "another process" if pid is None else f"process {pid}{_command_of(pid)}"
        return Held(f"{self._what} is held by {by}: stop that one first, or choose another --home.", pid)


def _command_of(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    shown = b" ".join(words).decode("utf-8", "replace").strip()
    return f" ({shown[:80]})" if shown else ""

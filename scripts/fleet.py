"""Runs the real `sos` command: nodes as processes of their own, and single commands.

Comes in: homes and command lines. Goes out: the JSON objects that `sos` prints. Whatever it started is stopped
and whatever it wrote is removed when the `Fleet` closes, on any way out. Knows nothing of what the nodes do.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

Json = dict[str, Any]
PROGRAM = (sys.executable, "-m", "p2p_sos.cli.main")
PATIENCE_S = 60.0
LOOK_EVERY_S = 0.2
END_S = 10.0
NO_NODE = 69


class Failed(Exception):
    """Something that had to happen did not; the sentence says what."""


class Fleet:
    """A folder of homes, and every process that was started in it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sos-demo-"))
        self._processes: list[subprocess.Popen[str]] = []
        outside = {k: v for k, v in os.environ.items() if not k.startswith("SOS_")}
        # One folder holds everything, the short-named sockets too.
        self.environment = {**outside, "XDG_RUNTIME_DIR": str(self.folder), "TMPDIR": str(self.folder)}

    def __enter__(self) -> "Fleet":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        detached = list(self._detached())
        for process in self._processes:
            process.terminate()
        for pid in detached:
            kill(pid, signal.SIGKILL)
        for process in self._processes:
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder)

    def left(self) -> list[int]:
        """The processes, of all that were started, that still run; call it at the end."""
        return [process.pid for process in self._processes if process.poll() is None]

    def _detached(self) -> Iterator[int]:
        """The processes that carry cases: `sos call` leaves them behind on purpose."""
        for lock in self.folder.glob("*/cases/*/case.lock"):
            if (pid := holder(lock)) is not None:
                yield pid

    def home(self, name: str) -> "Sos":
        """A home of that name, not prepared yet."""
        return Sos(self, self.folder / name)

    def start(self, arguments: Sequence[str], log: Path, **extra: str) -> subprocess.Popen[str]:
        """Start a long-lived command; its errors go to a file."""
        with log.open("a") as errors:
            process = subprocess.Popen(
                [*PROGRAM, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**self.environment, **extra},
            )
        self._processes.append(process)
        return process


class Sos:
    """The command `sos` on one home."""

    def __init__(self, fleet: Fleet, path: Path) -> None:
        self.fleet = fleet
        self.path = path
        self.secrets: dict[str, str] = {}

    def _words(self, words: Sequence[str]) -> list[str]:
        return ["--home", str(self.path), "--json", *words]

    @property
    def log(self) -> Path:
        """Where the errors of this home's processes go."""
        self.path.mkdir(mode=0o700, exist_ok=True)
        return self.path / "errors.log"

    def run(self, *words: str) -> Json:
        """Run one command; the last object it printed. Raises `Failed` with its own sentence."""
        done = subprocess.run(
            [*PROGRAM, *self._words(words)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
            env={**self.fleet.environment, **self.secrets},
        )
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        if done.returncode:
            said = (lines[-1:] or [""])[0] or done.stderr.strip()
            raise Failed(f"sos {' '.join(words)}: exit {done.returncode}: {said}")
        last: Json = json.loads(lines[-1]) if lines else {}
        return last

    def up(self, bootstrap: Sequence[str]) -> Json:
        """Start the node as a process; return what it says when it is up."""
        words = ["up", *(["--wait"] if bootstrap else [])]
        for address in bootstrap:
            words += ["--bootstrap", address]
        process = self.fleet.start(self._words(words), self.log)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise Failed(f"a node did not come up: {self.log.read_text().strip()[-500:]}")
        said: Json = json.loads(line)
        return said

    def stream(self, tell: Callable[[Json], None], *words: str) -> "Stream":
        """Start a command that streams; each object goes to `tell`, from a thread."""
        return Stream(self.fleet.start(self._words(words), self.log, **self.secrets), tell)


class Stream:
    """A command that prints one object a line while it runs."""

    def __init__(self, process: subprocess.Popen[str], tell: Callable[[Json], None]) -> None:
        self.process = process
        self._tell = tell
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._tell(json.loads(line))

    def wait(self) -> int:
        """The exit code, once the command ended and all it said was told."""
        code = self.process.wait(PATIENCE_S)
        self._thread.join(END_S)
        return code


def holder(lock: Path) -> int | None:
    """The process that holds a home or a case; None when nobody does."""
    with contextlib.suppress(OSError, ValueError):
        return int(lock.read_text().strip())
    return None


def until(what: str, look: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    """Look again and again until it is so. Raises `Failed` when it takes too long."""
    deadline = time.monotonic() + patience_s
    while not look():
        if time.monotonic() > deadline:
            raise Failed(f"within {patience_s:.0f} s it did not come to pass that {what}")
        time.sleep(LOOK_EVERY_S)


def kill(pid: int, how: signal.Signals) -> None:
    """Send a signal, and return once the process is no more."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, how)
    until(f"process {pid} ends", lambda: not is_alive(pid))


def is_alive(pid: int) -> bool:
    """Whether a process of that number runs; one that only waits to be reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True

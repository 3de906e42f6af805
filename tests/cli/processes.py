"""Real `sos` processes: run to the end, or read line by line, each within a time that only a hang exceeds."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cli.conftest import Said

HANG_S = 240.0
SOS = [sys.executable, "-m", "p2p_sos.cli.main"]
SECRETS = ("SOS_HOME", "SOS_PASSPHRASE", "SOS_RECOVERY_CODE")
PASSPHRASE = "seven words that nobody would ever guess"
ANYWHERE = "/ip4/127.0.0.1/tcp/0"
NO_TOR = "127.0.0.1:9"  # nothing answers there, whatever runs on the machine


def surroundings(given: Mapping[str, str]) -> dict[str, str]:
    """Our own environment without what would steer `sos`, and with what is given."""
    kept = {k: v for k, v in os.environ.items() if k not in SECRETS}
    return kept | {"SOS_SOCKS": NO_TOR} | dict(given)


def sos(home: Path, *words: str, **environment: str) -> Said:
    """Run one command to its end, with nobody at the keyboard."""
    done = subprocess.run(
        [*SOS, "--home", str(home), *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANG_S,
        env=surroundings(environment),
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


class Node:
    """A running node."""

    def __init__(self, home: Path, addresses: list[str], responder: str) -> None:
        self.home = home
        self.address = addresses[0]
        self.responder = responder


def relays_of(nodes: Sequence[Node]) -> list[str]:
    """The words that name every node as a relay."""
    return [word for node in nodes for word in ("--bootstrap", node.address)]


@contextmanager
def running(root: Path, *inits: Sequence[str]) -> Iterator[list[Node]]:
    """A node for each line of words of `sos init`, each joined to those before it; taken down at the end of the context."""
    nodes = list[Node]()
    try:
        for number, words in enumerate(inits):
            home = root / f"n{number}"
            made = sos(home, "init", "--json", "--listen", ANYWHERE, *words)
            assert made.exit == 0, made
            up = sos(home, "up", "--detach", "--wait", "--json", *relays_of(nodes))
            assert up.exit == 0, up
            (told,) = up.objects
            assert told["responder"] == made.objects[0]["responder"]
            nodes.append(Node(home, told["addresses"], told["responder"]))
        yield nodes
    finally:
        for node in nodes:
            sos(node.home, "down")


class Stream:
    """The lines of a running command, as JSON."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.seen: list[dict[str, Any]] = []
        self.exit: int | None = None

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first object that is wanted, read already or still to come."""
        for told in self.seen:
            if wanted(told):
                return told
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            self.seen.append(told)
            if wanted(told):
                return told
        raise AssertionError(f"the stream ended without it: {self.seen}")

    def notice(self, name: str, **fields: Any) -> dict[str, Any]:
        """The first notice of that name with these fields."""
        return self.until(lambda told: told.get("notice") == name and fields.items() <= told.items())


def heed_interrupts() -> None:
    """Let a child be stopped by Ctrl-C although the tests run in the background of a shell, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def streaming(home: Path, *words: str, **environment: str) -> Iterator[Stream]:
    """A command that streams JSON lines, stopped at the end of the context."""
    process = subprocess.Popen(
        [*SOS, "--home", str(home), "--json", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env=surroundings(environment),
        preexec_fn=heed_interrupts,  # noqa: PLW1509 - nothing of ours runs threads before it
    )
    hang = threading.Timer(HANG_S, process.kill)
    hang.start()
    stream = Stream(process)
    try:
        yield stream
    finally:
        hang.cancel()
        hang.join()
        process.send_signal(signal.SIGINT)
        process.communicate()
        stream.exit = process.returncode


class Terminal:
    """A command at a terminal of its own, with a person who answers what it asks."""

    def __init__(self, home: Path, *words: str, **environment: str) -> None:
        self._master, slave = pty.openpty()
        self.text = ""
        self._process = subprocess.Popen(
            [*SOS, "--home", str(home), *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=surroundings({"TERM": "xterm-256color", "COLUMNS": "100", **environment}),
            start_new_session=True,
        )
        os.close(slave)
        self._hang = threading.Timer(HANG_S, self._process.kill)
        self._hang.start()

    def shows(self, wanted: str) -> None:
        """Read on until this stands on the screen."""
        start = len(self.text)
        while wanted not in self.text[start:]:
            read = self._read()
            assert read, f"it ended without {wanted!r}: {self.text}"

    def types(self, line: str) -> None:
        """Type a line and the Enter key."""
        os.write(self._master, line.encode() + b"\n")

    def ends(self) -> int:
        """Read to the end; the exit code."""
        while self._read():
            pass
        code = self._process.wait()
        self._hang.cancel()
        self._hang.join()
        os.close(self._master)
        return code

    def _read(self) -> bool:
        try:
            read = os.read(self._master, 4096)
        except OSError:  # the other side is closed
            return False
        self.text += read.decode("utf-8", "replace")
        return bool(read)

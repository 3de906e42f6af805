"""The page: a program of the operator's own that is told, on its standard input, that somebody is wanted.

Decides when that program runs, with what, for how long, and what is said when it fails. In come calls that wait for the
person on duty, as JSON objects. Out go processes, lines of the log, and a sentence when paging does not work. Nothing
here decides about a call: whatever the program does, the person answers by `sos claim` or `sos decline`.
"""

import contextlib
import json
import logging
import math
import os
import signal
import stat
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import trio
from attrs import define, field, frozen

_log = logging.getLogger(__name__)

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KEPT = (
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TZ",
)  # of our own environment; no secret of ours is among them
CHUNK_BYTES = 4096

Json = dict[str, Any]


@frozen
class PagerLimits:
    """How much a program that pages may take."""

    time_s: float = 30.0  # guess: a mail server that thinks
    grace_s: float = 2.0  # between asking it to end and ending it
    at_once: int = 4  # guess
    waiting_max: int = 64  # guess: pages that wait for one of these
    output_bytes: int = 4096  # what is kept of what it says; the rest is read and thrown away


@frozen
class Page:
    """One call that waits for a person; `wanted` says whether it still does when its turn comes."""

    told: Json
    wanted: Callable[[], bool]


@define(eq=False)
class Pager:
    """Pages for one node. `hook` is the program and its arguments; empty: nobody is paged."""

    hook: tuple[str, ...]
    folder: Path
    limits: PagerLimits = field(factory=PagerLimits)
    _waiting: deque[Page] = field(init=False, factory=deque)
    _wake: trio.Event = field(init=False, factory=trio.Event)
    _running: int = field(init=False, default=0)
    _paged: int = field(init=False, default=0)
    _failed: int = field(init=False, default=0)
    _fault: str = field(init=False, default="")

    def page(self, page: Page) -> None:
        """Have somebody paged, in its turn; returns at once."""
        if not self.hook:
            return
        if len(self._waiting) >= self.limits.waiting_max:
            self._fail(f"{self.limits.waiting_max} pages wait already, so one was dropped")
            return
        self._waiting.append(page)
        self._wake.set()

    @property
    def fault(self) -> str:
        """What is wrong with paging, in one sentence; empty while nothing is."""
        return self._fault

    def view(self) -> Json:
        """For `sos status`."""
        return {
            "hook": list(self.hook),
            "paged": self._paged,
            "failed": self._failed,
            "running": self._running,
            "waiting": len(self._waiting),
            "fault": self._fault,
        }

    async def run(self) -> None:
        """Page whoever is wanted, until cancelled; a program that runs then is ended."""
        fault = hook_fault(self.hook)
        if fault is not None:
            self._fail(fault)
        async with trio.open_nursery() as nursery:
            while True:
                while self._waiting and self._running < self.limits.at_once:
                    page = self._waiting.popleft()
                    if page.wanted():
                        self._running += 1
                        nursery.start_soon(self._run_one, page)
                self._wake = trio.Event()
                await self._wake.wait()

    async def _run_one(self, page: Page) -> None:
        try:
            await self._call(page)
        finally:
            self._running -= 1
            self._wake.set()

    async def _call(self, page: Page) -> None:
        try:
            process = await trio.lowlevel.open_process(
                list(self.hook),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=surroundings(os.environ, self.folder),
                close_fds=True,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            self._fail(hook_fault(self.hook) or f"{self.hook[0]} cannot be started: {error}")
            return
        said = bytearray()
        ended = False
        try:
            with trio.move_on_after(self.limits.time_s):
                await self._converse(process, json.dumps(page.told).encode() + b"\n", said)
                ended = True
        finally:
            with trio.CancelScope(shield=True):
                await self._put_away(process)
        self._judge(process.returncode, ended, _shown(said))

    async def _converse(self, process: trio.Process, told: bytes, said: bytearray) -> None:
        """Hand it the call and read what it says; what it says beyond the bound is thrown away."""

        async def write() -> None:
            assert process.stdin is not None
            try:
                async with process.stdin:
                    await process.stdin.send_all(told)
            except trio.BrokenResourceError:
                pass  # it does not want to know, which is its own affair

        async def read() -> None:
            assert process.stdout is not None
            async for chunk in process.stdout:
                said.extend(chunk[: max(0, self.limits.output_bytes - len(said))])

        async with trio.open_nursery() as nursery:
            nursery.start_soon(write)
            nursery.start_soon(read)
            await process.wait()
            # What it left running in the background may keep the pipe open.
            nursery.cancel_scope.deadline = trio.current_time() + self.limits.grace_s

    async def _put_away(self, process: trio.Process) -> None:
        """End a program that still runs, with all of its process group."""
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)  # it is the leader of its group, and not reaped yet
            with trio.move_on_after(self.limits.grace_s):
                await process.wait()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # whoever of the group did not listen
            await process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                await trio.aclose_forcefully(pipe)

    def _judge(self, code: int | None, ended: bool, said: str) -> None:
        program = self.hook[0]
        if ended and code == 0:
            self._paged += 1
            if self._fault:
                _log.warning("paging works again")
            self._fault = ""
            _log.info("the person on duty was paged", extra={"said": said} if said else {})
            return
        with_words = f": {said}" if said else ""
        if not ended:
            self._fail(f"{program} was ended after {self.limits.time_s:g} s{with_words}")
        elif code is not None and code < 0:
            self._fail(f"{program} was ended by signal {-code}{with_words}")
        else:
            self._fail(f"{program} ended with exit code {code}{with_words}")

    def _fail(self, why: str) -> None:
        """Say it once, until something else is wrong or paging works again."""
        self._failed += 1
        sentence = (
            f"Paging does not work: {why}. See duty.hook in settings.toml; `sos watch` still shows who waits."
        )
        if sentence != self._fault:
            _log.warning(sentence)
        self._fault = sentence


def surroundings(own: Mapping[str, str], folder: Path) -> dict[str, str]:
    """A clean environment: a fixed PATH, who and where we are, and the home, so that `sos` inside finds this node."""
    kept = {name: own[name] for name in KEPT if name in own}
    ours = str(Path(sys.executable).parent)  # where `sos` itself lies, in most installations
    return {"PATH": f"{ours}:{PATH}", "LANG": "C.UTF-8", **kept, "SOS_HOME": str(folder)}


def hook_fault(hook: Sequence[str]) -> str | None:
    """Why this program could not be run, as far as can be seen from outside; None if it could, or there is none."""
    if not hook:
        return None
    program = Path(hook[0])
    try:
        mode = program.stat().st_mode
    except OSError as error:
        return f"{program} cannot be run: {error.strerror}"
    if not stat.S_ISREG(mode):
        return f"{program} is no file"
    if not os.access(program, os.X_OK):
        return f"{program} is not executable (chmod +x)"
    return None


def page_told(call: Json, deadline_s: float, now_unix_s: float) -> Json:
    """What the program reads: the call as the API's list shows it, and until when an answer counts."""
    answers = {"claim": f"sos claim {call['short']}", "decline": f"sos decline {call['short']} unable"}
    deadline = {"deadline_s": deadline_s, "deadline_unix_s": math.floor(now_unix_s + deadline_s)}
    return {"notice": "decision-wanted", **call, **deadline, "answers": answers}


def _shown(said: bytes | bytearray) -> str:
    """Its words in one line that steers no terminal."""
    text = bytes(said).decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())

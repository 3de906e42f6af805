"""The other end of a calling process: starts it, gives it jobs, hears how they ended.

Comes in: jobs. Goes out: what `caller` says.
"""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import trio

from tests.drivers.p2p.caller import PROGRAM
from tests.drivers.p2p.nodes import PATIENCE_S
from tests.house.sources import ROOT


class Caller:
    """The process that calls."""

    def __init__(self, process: trio.Process) -> None:
        self.pid = process.pid
        self._process = process
        self._said = b""

    async def do(self, **job: Any) -> dict[str, Any]:
        """One job: how it ended, and what was touched."""
        await self.tell(json.dumps(job))
        return await self.hear()

    async def end(self) -> dict[str, Any]:
        """End it: how it ended, and what was touched."""
        await self.tell("")
        return await self.hear()

    async def tell(self, line: str) -> None:
        """One line."""
        assert self._process.stdin is not None
        await self._process.stdin.send_all(line.encode() + b"\n")

    async def hear(self) -> dict[str, Any]:
        """One object."""
        assert self._process.stdout is not None
        while b"\n" not in self._said:
            more = await self._process.stdout.receive_some()
            assert more, "the caller ended"
            self._said += more
        line, _, self._said = self._said.partition(b"\n")
        said: dict[str, Any] = json.loads(line)
        return said


@asynccontextmanager
async def caller(*before: str, within_s: float = PATIENCE_S, program: str = PROGRAM) -> AsyncIterator[Caller]:
    """A calling process; `before` is what it is started by, `program` what reads its jobs."""
    command = [*before, sys.executable, "-c", program]
    with trio.fail_after(within_s):
        async with trio.open_nursery() as nursery:
            pipe = subprocess.PIPE
            run = partial(trio.run_process, command, stdin=pipe, stdout=pipe, cwd=ROOT)
            process: trio.Process = await nursery.start(run)
            yield Caller(process)
            assert process.stdin is not None
            await process.stdin.aclose()

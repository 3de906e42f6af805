"""A mesh for a victim behind a proxy: it listens through the proxy, and what it says of its case leaves by errands.

Decides whom it listens to and whom it pushes to, and how many errands go at once. In come cells to push, and all that a
mesh takes; out go `Pushed` and `PushFailed` beside the events of a mesh. Must not hold any way beside the proxy.
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import trio

from p2p_sos.core.events import Pushed, PushFailed
from p2p_sos.drivers.addresses import Address, bootstrap_address, draw
from p2p_sos.drivers.mesh import Deliver
from p2p_sos.drivers.p2p.dial import Circuits
from p2p_sos.drivers.p2p.mesh import Libp2pMesh
from p2p_sos.drivers.p2p.push import Errand, PushLimits
from p2p_sos.drivers.socks import SocksAddress
from p2p_sos.wire.registry import PUSH_RELAYS

if TYPE_CHECKING:
    from trio_typing import TaskStatus


class HiddenMesh(Libp2pMesh):
    """Listens to some relays, each over a circuit of its own, and pushes to others, each time over fresh ones."""

    def __init__(  # noqa: PLR0913 - whom it listens to, whom it pushes to, and how
        self,
        host_seed: bytes,
        listened: Sequence[Address],
        pushed: Sequence[Address],
        socks: SocksAddress,
        *,
        limits: PushLimits | None = None,
        source: random.Random | None = None,
    ) -> None:
        self._pushing = limits or PushLimits()
        self._circuits = Circuits(socks)
        self._source = source or random.SystemRandom()
        self._pushed = list(pushed)
        self._waiting, self._taken = trio.open_memory_channel[bytes](self._pushing.waiting_max)
        self._queued: dict[bytes, None] = {}
        self._refused_early: list[PushFailed] = []
        self._running = False
        self._under_way = 0
        self._idle = trio.Event()
        super().__init__(
            host_seed,
            (),
            [str(one) for one in listened],
            limits=self._pushing.listening,
            dial=self._circuits,
        )

    def connect(self, addresses: Sequence[str]) -> None:
        """Listen to these too, and push to them while there are few others."""
        super().connect(addresses)
        for address in map(bootstrap_address, addresses):
            if len(self._pushed) < PUSH_RELAYS and address not in self._pushed:
                self._pushed.append(address)

    def push(self, cell: bytes) -> None:
        """Send an errand with this cell; `Pushed` or `PushFailed` follows. What waits to go already goes once."""
        if cell in self._queued:
            return
        try:
            self._waiting.send_nowait(cell)
        except trio.WouldBlock:
            refused = PushFailed(cell, "Too many messages wait to be pushed.")
            self._deliver(refused) if self._running else self._refused_early.append(refused)
            return
        self._queued[cell] = None
        self._under_way += 1

    async def flush(self, within_s: float) -> None:
        """Wait until what is queued has left and the errands are back, or that long."""
        with trio.move_on_after(within_s):
            await super().flush(within_s)
            while self._under_way:
                self._idle = trio.Event()
                await self._idle.wait()

    async def run(
        self,
        deliver: Deliver,
        *,
        room: Callable[[], Awaitable[None]] | None = None,
        task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Keep the relays that are listened to, deliver events, send errands."""
        self._running = True
        for refused in self._refused_early:
            deliver(refused)
        async with trio.open_nursery() as nursery:
            for _ in range(self._pushing.at_once):
                nursery.start_soon(self._send_errands, deliver)
            await super().run(deliver, room=room, task_status=task_status)

    async def _send_errands(self, deliver: Deliver) -> None:
        async for cell in self._taken.clone():
            self._queued.pop(cell, None)
            deliver(await self._errand(cell))
            self._under_way -= 1
            self._idle.set()

    async def _errand(self, cell: bytes) -> Pushed | PushFailed:
        relays = draw(self._pushed, PUSH_RELAYS, self._source)
        return await Errand(relays, self._circuits, self._pushing).carry(cell)

"""A mesh for a victim behind a proxy: it listens through the proxy, and what it says of its case leaves by errands.

Decides whom it listens to and whom it pushes to, and how many errands go at once. In come cells to push, and all that a
mesh takes; out go `Pushed` and `PushFailed` beside the events of a mesh. Must not hold any way beside the proxy.

Whoever may have been pushed to is no witness: it joins as if it had dialled us, so that its word makes nothing heard.
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import trio
from attrs import evolve

from p2p_sos.core.events import Event, PeerJoined, Pushed, PushFailed, RpcReceived, SyncReceived
from p2p_sos.core.gossip.rpc import PeerId
from p2p_sos.drivers.addresses import Address, bootstrap_address, draw
from p2p_sos.drivers.mesh import Deliver
from p2p_sos.drivers.p2p.dial import Circuits
from p2p_sos.drivers.p2p.mesh import Libp2pMesh
from p2p_sos.drivers.p2p.push import Errand, PushLimits
from p2p_sos.drivers.socks import SocksAddress
from p2p_sos.wire import sync
from p2p_sos.wire.registry import PUSH_RELAYS

if TYPE_CHECKING:
    from trio_typing import TaskStatus


def _nobody(_turned: Address) -> None:
    pass


class HiddenMesh(Libp2pMesh):
    """Listens to some relays, each over a circuit of its own, and pushes to others, each time over fresh ones.

    `given`: peers beside `pushed` that an earlier run may have pushed to. `turned` is told of each that is pushed to from now on.
    """

    def __init__(  # noqa: PLR0913 - whom it listens to, whom it pushes to, and how
        self,
        host_seed: bytes,
        listened: Sequence[Address],
        pushed: Sequence[Address],
        socks: SocksAddress,
        *,
        given: Sequence[PeerId] = (),
        turned: Callable[[Address], None] = _nobody,
        limits: PushLimits | None = None,
        source: random.Random | None = None,
    ) -> None:
        self._pushing = limits or PushLimits()
        self._circuits = Circuits(socks)
        self._source = source or random.SystemRandom()
        self._pushed = list(pushed)
        self._listened = list(listened)
        self._given = dict.fromkeys([*given, *(one.peer for one in pushed)])
        self._turned = turned
        self._waiting, self._taken = trio.open_memory_channel[bytes](self._pushing.waiting_max)
        self._queued: dict[bytes, None] = {}
        self._carried: dict[bytes, None] = {}
        self._refused_early: list[PushFailed] = []
        self._running = False
        self._under_way = 0
        self._idle = trio.Event()
        super().__init__(host_seed, limits=self._pushing.listening, dial=self._circuits)
        super().connect([str(one) for one in listened])

    def connect(self, addresses: Sequence[str]) -> None:
        """Know these too: one that was never pushed to is listened to, some are pushed to, the rest are listened to."""
        for address in map(bootstrap_address, addresses):
            if address in self._pushed or address in self._listened:
                continue
            alone = not self._pushed
            witnessed = any(one.peer not in self._given for one in self._listened)
            pushed = alone or (witnessed and len(self._pushed) < PUSH_RELAYS)
            if pushed:
                self._push_to(address)
            if alone or not pushed:
                self._listened.append(address)
                super().connect([str(address)])

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

        def hear(event: Event) -> None:
            # "On a hidden way it came back as soon as a peer that the node dialled, and that the victim gave it to by no way, brings
            # it, or shows that it holds it after it was brought." (11-origin §7)
            if isinstance(event, PeerJoined) and event.peer in self._given:
                event = evolve(event, outbound=False)
            for cell in self._brought(event):
                # Somebody has it, so it was taken; told first, since what comes back is awaited no more.
                deliver(Pushed(cell, 1))
            deliver(event)

        async with trio.open_nursery() as nursery:
            for _ in range(self._pushing.at_once):
                nursery.start_soon(self._send_errands, deliver)
            await super().run(hear, room=room, task_status=task_status)

    async def _send_errands(self, deliver: Deliver) -> None:
        async for cell in self._taken.clone():
            self._queued.pop(cell, None)
            deliver(await self._errand(cell))
            self._under_way -= 1
            self._idle.set()

    async def _errand(self, cell: bytes) -> Pushed | PushFailed:
        known = tuple(self._pushed)
        self._carried[cell] = None
        try:
            outcome = await self._carry(cell)
            if isinstance(outcome, Pushed) or (known == tuple(self._pushed) and not await self._turn()):
                return outcome
            return await self._carry(cell)
        finally:
            self._carried.pop(cell, None)

    def _brought(self, event: Event) -> tuple[bytes, ...]:
        """The cells under way by errand that an event of the mesh brings."""
        if not self._carried:
            return ()
        match event:
            case RpcReceived(rpc=rpc):
                brought = [one.data for one in rpc.messages]
            case SyncReceived(frame=frame):
                brought = list(getattr(sync.decode(frame), "cells", ()))
            case _:
                return ()
        return tuple(cell for cell in brought if cell in self._carried)

    async def _carry(self, cell: bytes) -> Pushed | PushFailed:
        relays = draw(self._pushed, PUSH_RELAYS, self._source)
        return await Errand(relays, self._circuits, self._pushing).carry(cell)

    async def _turn(self) -> bool:
        """Nobody took a cell: one that is listened to, and there, is pushed to from now on, and its word counts no more."""
        # "Where the list has `push_relays` more relays than it listens to, those that it listens to are never pushed to."
        # (11-origin §8)
        if len(self._pushed) >= PUSH_RELAYS:
            return False
        for address in self._listened:
            link = self._links.get(address.peer)
            if link is not None and link.served and address not in self._pushed:
                self._push_to(address)
                link.scope.cancel()  # it joins anew, as no witness
                await link.gone.wait()
                return True
        return False

    def _push_to(self, address: Address) -> None:
        self._pushed.append(address)
        self._given[address.peer] = None
        self._turned(address)

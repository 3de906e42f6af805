"""Running meshes on loopback, and ears that hear what they deliver.

A test waits for what it wants to hear; the only clock is a generous guard against waiting for ever.
"""

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import trio

from p2p_sos.core.actions import Action
from p2p_sos.core.events import Event, PeerJoined, Started
from p2p_sos.core.gossip.router import Router
from p2p_sos.core.gossip.rpc import GossipId
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.internal import Broadcast, Echoed, Examine, Judged, Sent, Verdict
from p2p_sos.core.notices import Notice, PeerDropped
from p2p_sos.core.tables import Table
from p2p_sos.drivers.p2p.keeper import KeeperLimits
from p2p_sos.drivers.p2p.mesh import Libp2pMesh, MeshLimits
from p2p_sos.drivers.runner import Runner
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.registry import CELL_BYTES

PATIENCE_S = 120.0  # a guard against hanging, no measure of anything
LOOPBACK = ("/ip4/127.0.0.1/tcp/0",)
QUICK = MeshLimits(handshake_s=20.0, keeper=KeeperLimits(dial_s=20.0, first_wait_s=0.05, last_wait_s=0.2))

_Heard = TypeVar("_Heard")


class Ears:
    """Every event a mesh delivered, in order; lets a test wait for one."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = trio.Event()

    def __call__(self, event: Event) -> None:
        """Hear one."""
        self.events.append(event)
        self._news.set()

    def of(self, kind: type[_Heard]) -> list[_Heard]:
        """All of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    async def hear(self, kind: type[_Heard], times: int = 1) -> _Heard:
        """Wait until that many of a kind were heard; returns the last of them."""
        await self.until(lambda: len(self.of(kind)) >= times)
        return self.of(kind)[times - 1]

    async def until(self, satisfied: Callable[[], bool]) -> None:
        """Wait until what was heard satisfies."""
        while not satisfied():
            self._news = trio.Event()
            await self._news.wait()


def mesh(seed: int, bootstrap: Sequence[str] = (), **named: Any) -> Libp2pMesh:
    """A mesh under a key of its own, quick to dial again."""
    return Libp2pMesh(
        bytes([seed]) * 32, **{"listen": LOOPBACK, "bootstrap": bootstrap, "limits": QUICK, **named}
    )


@asynccontextmanager
async def running(*meshes: Libp2pMesh) -> AsyncIterator[list[Ears]]:
    """Run the meshes; each with its ears."""
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            ears = [Ears() for _ in meshes]
            for one, heard in zip(meshes, ears, strict=True):
                await nursery.start(one.run, heard)
            yield ears
            nursery.cancel_scope.cancel()


class NoStore:
    """Keeps nothing."""

    def load(self, table: Table) -> tuple[tuple[bytes, bytes], ...]:
        """Nothing."""
        return ()

    async def commit(self, changes: Sequence[Any]) -> None:
        """Nothing."""


class Relay:
    """The real router, and a gate that lets everything in but what begins with `!`."""

    def __init__(self, seed: int) -> None:
        self.cells: dict[GossipId, bytes] = {}
        self.dropped: list[PeerDropped] = []
        self.router = Router(GossipSettings(), random.Random(seed), self.cells.get)
        self.news = trio.Event()

    def handle(self, event: Event, now: float) -> list[Action]:
        """One event of the driver's."""
        if not isinstance(event, Started) and type(event).__name__ in {"Restored", "ClockRead", "Verified"}:
            return []
        return self._sift(self.router.handle(event, now), now)

    def publish(self, cell: bytes, now: float) -> list[Action]:
        """Say something of our own."""
        name = gossip_id(cell, canonical=True)
        self.cells[name] = cell
        return self._sift(self.router.handle(Broadcast(name, cell), now), now)

    def tell(self, notice: Notice) -> None:
        """Remember who was dropped."""
        if isinstance(notice, PeerDropped):
            self.dropped.append(notice)
        self.news.set()

    def _sift(self, actions: Sequence[Any], now: float) -> list[Action]:
        out: list[Action] = []
        for action in actions:
            if isinstance(action, Examine):
                carried = action.carried
                good = len(carried.data) == CELL_BYTES and not carried.data.startswith(b"!")
                if good:
                    self.cells[carried.id] = carried.data
                    self.news.set()
                verdict = Verdict.ACCEPT if good else Verdict.REJECT
                out += self._sift(self.router.handle(Judged(carried.id, verdict), now), now)
            elif not isinstance(action, Sent | Echoed):
                out.append(action)
        return out

    async def until(self, satisfied: Callable[[], bool]) -> None:
        """Wait until what this relay holds or dropped satisfies."""
        while not satisfied():
            self.news = trio.Event()
            await self.news.wait()


class Say:
    """An event for a `Speaker`: publish this cell."""

    def __init__(self, cell: bytes) -> None:
        self.cell = cell


class Speaker(Relay):
    """A relay that can be told, through its runner, to say something."""

    def handle(self, event: Any, now: float) -> list[Action]:
        """One event of the driver's or the test's."""
        if isinstance(event, Say):
            return self.publish(event.cell, now)
        return super().handle(event, now)


async def meet(listener: Libp2pMesh, caller: Libp2pMesh, *ears: Ears) -> None:
    """Connect the second to the first; both have joined."""
    caller.connect(listener.addresses)
    for heard in ears:
        await heard.hear(PeerJoined)


@asynccontextmanager
async def relays(*meshes: Libp2pMesh) -> AsyncIterator[list[tuple[Speaker, Runner]]]:
    """Run a relay on each mesh."""
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            made = []
            for number, one in enumerate(meshes):
                speaker = Speaker(number)
                runner = Runner(speaker, one, NoStore(), speaker.tell, check=lambda _: None)
                await nursery.start(runner.run)
                made.append((speaker, runner))
            yield made
            nursery.cancel_scope.cancel()
        assert [runner.faults for _, runner in made] == [0] * len(made)


def cell(number: int) -> bytes:
    """A cell unlike all others."""
    return number.to_bytes(4, "big") + bytes(CELL_BYTES - 4)

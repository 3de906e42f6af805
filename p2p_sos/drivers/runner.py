"""The one place where a node meets the world: events in, actions performed, in the promised order.

Decides in which order things become durable and visible. In come events of the mesh, of worker threads, of
people and of time; out go actions to the mesh, the store, the threads and the people. It must not know what any
of them mean.

Events that wait together are handled together, and what they change is written in one commit; only then is what
they say to anybody else performed, in order. So nothing is ever seen that a crash could take back.
"""

import heapq
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import trio

from p2p_sos.core.actions import (
    Action,
    Disconnect,
    Forget,
    Keep,
    Push,
    SendRpc,
    SendStem,
    SendSync,
    SetTimer,
    Solve,
    Tell,
    Verify,
)
from p2p_sos.core.events import ClockRead, Event, Restored, Started, StoreFailed, StoreRecovered, TimerFired
from p2p_sos.core.events import TimerKey as Key
from p2p_sos.core.notices import Notice
from p2p_sos.core.tables import Table
from p2p_sos.drivers.mesh import Mesh
from p2p_sos.drivers.store import StoreError
from p2p_sos.drivers.verifier import Check, Verifier

if TYPE_CHECKING:
    from trio_typing import TaskStatus

_log = logging.getLogger(__name__)

CLOCK_EVERY_S = 60.0  # the node counts epochs of ten minutes; a minute is fine enough
QUEUE_MAX = 1024  # guess: events that may wait before the mesh reads on
BATCH_MAX = 256  # guess: events that are handled before anything is performed
RETRY_S = 5.0  # guess: how long a full disk is left alone
FLUSH_S = 2.0  # how long a stop waits for what is queued to peers


class Machine(Protocol):
    """A node, seen from its driver."""

    def handle(self, event: Event, now: float) -> list[Action]:
        """Take an event at a monotonic time and say what is to be done."""
        ...


class Keeper(Protocol):
    """A store, seen from its driver."""

    def load(self, table: Table) -> tuple[tuple[bytes, bytes], ...]:
        """All rows of a table."""
        ...

    async def commit(self, changes: Sequence[Keep | Forget]) -> None:
        """Write them all or none; durable on return. Raises `StoreError`."""
        ...


class Runner:
    """Drives one node. `tell` is called for each notice, in order, on the trio thread."""

    def __init__(
        self, node: Machine, mesh: Mesh, store: Keeper, tell: Callable[[Notice], None], *, check: Check
    ) -> None:
        self._node = node
        self._mesh = mesh
        self._store = store
        self._tell = tell
        self._verifier = Verifier(check, self.submit)
        self._queue: deque[tuple[Event, trio.Event | None]] = deque()
        self._timers: list[tuple[float, int, Key]] = []
        self._timers_set = 0
        self._wake = trio.Event()
        self._emptied = trio.Event()
        self._stopping = False
        self._ended = trio.Event()
        self._unkept: list[Keep | Forget] = []
        self._retry_at: float | None = None
        self._faults = 0

    # --------------------------------------------------------------------- the face

    @property
    def faults(self) -> int:
        """How many events the node failed to handle; each is a bug, and in the log."""
        return self._faults

    def submit(self, event: Event) -> None:
        """Queue an event."""
        self._queue.append((event, None))
        self._wake.set()

    async def ask(self, event: Event) -> None:
        """Queue an event and return when it is handled, durable and performed."""
        done = trio.Event()
        self._queue.append((event, done))
        self._wake.set()
        await done.wait()

    async def room(self) -> None:
        """Wait while too many events wait: what reads from peers calls it before it reads on."""
        while len(self._queue) >= QUEUE_MAX:
            await self._emptied.wait()

    async def stop(self) -> None:
        """Handle what is queued, send what waits for peers, and end `run`."""
        self._stopping = True
        self._wake.set()
        await self._ended.wait()

    async def run(self, *, task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED) -> None:
        """Restore, start, and serve until stopped or cancelled; `task_status` once the mesh listens."""
        try:
            for table in Table:
                self.submit(Restored(table, self._store.load(table)))
            self.submit(ClockRead(time.time()))
            self.submit(Started())
            while self._queue:
                await self._turn()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._verifier.run)
                nursery.start_soon(self._read_clock)
                await nursery.start(self._run_mesh)
                task_status.started()
                await self._serve()
                await self._mesh.flush(FLUSH_S)
                nursery.cancel_scope.cancel()
        finally:
            self._ended.set()
            for _, done in self._queue:
                if done is not None:
                    done.set()

    # --------------------------------------------------------------------- the loop

    async def _run_mesh(self, *, task_status: "TaskStatus[None]") -> None:
        await self._mesh.run(self.submit, room=self.room, task_status=task_status)

    async def _read_clock(self) -> None:
        while True:
            await trio.sleep(CLOCK_EVERY_S)
            self.submit(ClockRead(time.time()))

    async def _serve(self) -> None:
        while self._queue or not self._stopping:
            if not self._queue:
                self._wake = trio.Event()
                with trio.move_on_at(self._due()):
                    await self._wake.wait()
            await self._turn()

    def _due(self) -> float:
        due = self._timers[0][0] if self._timers else float("inf")
        return due if self._retry_at is None else min(due, self._retry_at)

    async def _turn(self) -> None:
        """Handle what waits and what is due; commit; perform."""
        now = trio.current_time()
        asked: list[trio.Event] = []
        lists: list[list[Action]] = []
        while self._timers and self._timers[0][0] <= now:
            lists.append(self._handle(TimerFired(heapq.heappop(self._timers)[2]), now))
        for _ in range(min(len(self._queue), BATCH_MAX)):
            event, done = self._queue.popleft()
            lists.append(self._handle(event, now))
            if done is not None:
                asked.append(done)
        if len(self._queue) < QUEUE_MAX:
            self._emptied.set()
            self._emptied = trio.Event()
        kept = await self._keep(lists, now)
        for actions in lists:
            self._perform(actions, kept)
        self._verifier.dispatch()
        for done in asked:
            done.set()

    def _handle(self, event: Event, now: float) -> list[Action]:
        try:
            return self._node.handle(event, now)
        except Exception:  # noqa: BLE001 - a bug that one message provokes must not silence the node
            self._faults += 1
            _log.exception("the node failed to handle %s", type(event).__name__)
            return []

    async def _keep(self, lists: list[list[Action]], now: float) -> bool:
        """Commit every change of these lists, after those that an earlier commit owes. Whether all is durable."""
        changes = [a for actions in lists for a in actions if isinstance(a, Keep | Forget)]
        if self._retry_at is None and not changes:
            return True
        self._unkept += changes
        if self._retry_at is not None and now < self._retry_at:
            return not changes
        try:
            await self._store.commit(self._unkept)
        except StoreError as fault:
            if self._retry_at is None:
                self.submit(StoreFailed(str(fault)))
            self._retry_at = now + RETRY_S
            return not changes
        self._unkept = []
        if self._retry_at is not None:
            self._retry_at = None
            self.submit(StoreRecovered())
        return True

    def _perform(self, actions: list[Action], kept: bool) -> None:
        """Perform one event's actions in order; what stands behind a change that is not durable stays unsaid."""
        silent = False
        for action in actions:
            match action:
                case Keep() | Forget():
                    silent = not kept
                case SetTimer(key=key, at=at):
                    self._timers_set += 1
                    heapq.heappush(self._timers, (at, self._timers_set, key))
                case Verify() | Solve():
                    self._verifier.submit(action)
                case Disconnect(peer=peer, why=why):
                    self._mesh.disconnect(peer, why)
                case SendRpc(peer=peer, rpc=rpc) if not silent:
                    self._mesh.send(peer, rpc)
                case SendSync(peer=peer, frame=frame) if not silent:
                    self._mesh.send_sync(peer, frame)
                case SendStem(peer=peer, cell=cell) if not silent:
                    self._mesh.send_stem(peer, cell)
                case Push(cell=cell) if not silent:
                    self._mesh.push(cell)
                case Tell(notice=notice) if not silent:
                    self._tell(notice)

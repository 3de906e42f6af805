"""Weather between real nodes of one process: latency, loss and partitions, laid over their real connections.

Comes in: what a node sends, and who can reach whom. Goes out: the same, later, or never. Stands between a runner and its
mesh, so that everything below it (TCP, Noise, Yamux) and above it is what runs in production; what it holds back is whole
frames, as a network does that still carries the connection's keep-alives.
"""

import heapq
import itertools
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import trio
from attrs import define, field, frozen

from p2p_sos.core.events import Event, RoundTripMeasured
from p2p_sos.core.gossip.rpc import PeerId, Rpc
from p2p_sos.drivers.mesh import Deliver, Mesh


@frozen
class Quality:
    """What every link is like: its latency is drawn once for each pair, its losses for each frame."""

    latency_min_s: float = 0.010
    latency_max_s: float = 0.180  # the simulator's links (p2p_sos/sim/scenarios/city.py)
    loss: float = 0.0


@define(eq=False)
class Weather:
    """Who reaches whom, and how fast. One for all nodes of a run."""

    quality: Quality
    draws: random.Random
    _latency_s: dict[tuple[PeerId, PeerId], float] = field(factory=dict)
    _sides: dict[PeerId, int] = field(factory=dict)
    _gone: dict[PeerId, None] = field(factory=dict)

    def latency_s(self, one: PeerId, other: PeerId) -> float:
        """One way, the same in both directions."""
        pair = (one, other) if one < other else (other, one)
        if pair not in self._latency_s:
            drawn = self.draws.uniform(self.quality.latency_min_s, self.quality.latency_max_s)
            self._latency_s[pair] = drawn
        return self._latency_s[pair]

    def split(self, sides: Mapping[PeerId, int]) -> None:
        """Cut every link between peers of different sides; whoever is named nowhere is on side 0."""
        self._sides = dict(sides)

    def heal(self) -> None:
        """Let everybody reach everybody again, but for those who are gone."""
        self._sides = {}

    def take_out(self, peer: PeerId) -> None:
        """Let nothing of this peer arrive any more, nor anything reach it."""
        self._gone[peer] = None

    def bring_back(self, peer: PeerId) -> None:
        """The contrary."""
        self._gone.pop(peer, None)

    def reaches(self, one: PeerId, other: PeerId) -> bool:
        """Whether a frame gets through at all."""
        if one in self._gone or other in self._gone:
            return False
        return self._sides.get(one, 0) == self._sides.get(other, 0)

    def loses(self) -> bool:
        """Whether this frame is lost."""
        return self.quality.loss > 0 and self.draws.random() < self.quality.loss


class ShapedMesh:
    """A mesh behind the weather: whatever goes out waits its latency, in order, and is dropped where a link is cut."""

    def __init__(self, inner: Mesh, weather: Weather) -> None:
        self._inner = inner
        self._weather = weather
        self._under_way: list[tuple[float, int, PeerId, Callable[[], None]]] = []
        self._last_due: dict[PeerId, float] = {}
        self._numbers = itertools.count()
        self._wake = trio.Event()

    # ------------------------------------------------------------------ what passes unchanged

    @property
    def peer_id(self) -> str:
        """Who we are to our peers."""
        return self._inner.peer_id

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where we listen."""
        return self._inner.addresses

    @property
    def faults(self) -> Mapping[str, str]:
        """Whom we cannot reach."""
        return self._inner.faults

    def disconnect(self, peer: PeerId, why: str) -> None:
        """Close every connection to a peer."""
        self._inner.disconnect(peer, why)

    def connect(self, addresses: Sequence[str]) -> None:
        """Keep these peers too."""
        self._inner.connect(addresses)

    async def flush(self, within_s: float) -> None:
        """Wait until what is queued has left, or that long."""
        with trio.move_on_after(within_s):
            while self._under_way:  # noqa: ASYNC110 (nobody is told when a frame leaves)
                await trio.sleep(0.01)
            await self._inner.flush(within_s)

    # ------------------------------------------------------------------ what is shaped

    def send(self, peer: PeerId, rpc: Rpc) -> None:
        """Queue an RPC to a peer."""
        self._put(peer, partial(self._inner.send, peer, rpc))

    def send_sync(self, peer: PeerId, frame: bytes) -> None:
        """Queue a frame of sync."""
        self._put(peer, partial(self._inner.send_sync, peer, frame))

    def send_stem(self, peer: PeerId, cell: bytes) -> None:
        """Queue a cell on the stem stream."""
        self._put(peer, partial(self._inner.send_stem, peer, cell))

    def push(self, cell: bytes) -> None:
        """Hand a cell to relays over fresh circuits; those are no connections of this mesh, so nothing is shaped."""
        self._inner.push(cell)

    def _put(self, peer: PeerId, go: Callable[[], None]) -> None:
        if not self._weather.reaches(self.peer_id, peer) or self._weather.loses():
            return
        due = trio.current_time() + self._weather.latency_s(self.peer_id, peer)
        due = self._last_due[peer] = max(due, self._last_due.get(peer, 0.0))  # a connection keeps its order
        heapq.heappush(self._under_way, (due, next(self._numbers), peer, go))
        if self._under_way[0][3] is go:
            self._wake.set()

    async def _carry(self) -> None:
        while True:
            while self._under_way and self._under_way[0][0] <= trio.current_time():
                _, _, peer, go = heapq.heappop(self._under_way)
                if self._weather.reaches(self.peer_id, peer):  # what is under way when a link is cut is lost
                    go()
            self._wake = trio.Event()
            with trio.move_on_at(self._under_way[0][0] if self._under_way else float("inf")):
                await self._wake.wait()

    async def run(
        self,
        deliver: Deliver,
        *,
        room: Callable[[], Awaitable[None]] | None = None,
        task_status: "trio.TaskStatus[None]" = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Run the mesh, and carry what it is given."""

        def deliver_later(event: Event) -> None:
            match event:
                case RoundTripMeasured(peer=peer) if not self._weather.reaches(self.peer_id, peer):
                    pass  # the ping below us knows of no weather
                case RoundTripMeasured(peer=peer, round_trip_s=measured):
                    away = 2 * self._weather.latency_s(self.peer_id, peer)
                    deliver(RoundTripMeasured(peer, measured + away))
                case _:
                    deliver(event)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._carry)
            await self._inner.run(deliver_later, room=room, task_status=task_status)
            nursery.cancel_scope.cancel()

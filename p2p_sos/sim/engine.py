"""The engine: one heap of plain tuples, and what becomes of the actions that a node asks for.

Decides what happens next. Comes in: events at times, actions of nodes. Goes out: events to nodes, records to the trace.
Must not know scenarios, faults or what a message means.

The heap holds `(time, number, index of the place, life, event)`; the number is unique, so that events are never
compared. What belongs to an earlier life of a place is passed over; what belongs to a paused one waits there.
"""

import heapq
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from p2p_sos.core.actions import (
    Action,
    Disconnect,
    Forget,
    Keep,
    SendRpc,
    SendSync,
    SetTimer,
    Solve,
    Tell,
    Verify,
)
from p2p_sos.core.events import (
    ClockRead,
    Event,
    PeerLeft,
    RpcReceived,
    Solved,
    SyncReceived,
    TimerFired,
    Verified,
)
from p2p_sos.core.gossip.rpc import Carried, Rpc
from p2p_sos.sim.observer import Observer
from p2p_sos.sim.places import Place
from p2p_sos.sim.shared import Shared
from p2p_sos.wire.frames import Stamp

WORLD = -1  # the index of what happens to no place
START_UNIX_S = 1_790_000_000.0  # an afternoon: no card's day ends within any run
BOOTED_S = 10_000.0  # what every monotonic clock shows at 0; none of them ever shows less than 0
CLOCK_EVERY_S = 60.0
FRAME_BYTES = 4  # of an RPC that says nothing
MESSAGE_BYTES = 16  # of a message beside its data
ID_BYTES = 22


def size_of(rpc: Rpc) -> int:
    """About what a frame weighs on the wire."""
    size = FRAME_BYTES
    for carried in rpc.messages:
        size += len(carried.data) + MESSAGE_BYTES
    for _, ids in rpc.ihave:
        size += 12 + ID_BYTES * len(ids)
    return size + ID_BYTES * (len(rpc.iwant) + len(rpc.idontwant)) + 12 * (len(rpc.graft) + len(rpc.prune))


class Engine:
    """Time, places, and what travels between them."""

    def __init__(self, shared: Shared, observer: Observer, draws: Random, *, verdict_s: float) -> None:
        self.now = 0.0
        self.events = 0
        self.places: list[Place] = []
        self.shared = shared
        self.observer = observer
        self.verdict_s = verdict_s
        self.sync = True
        self.link_draws = draws
        self._heap: list[tuple[float, int, int, int, Any]] = []
        self._number = 0
        self._sized = (Rpc(), 0)

    # ------------------------------------------------------------------ time

    def push(self, at_s: float, index: int, life: int, event: Any) -> None:
        """Let something happen at a time."""
        self._number += 1
        heapq.heappush(self._heap, (at_s, self._number, index, life, event))

    def later(self, place: Place, after_s: float, event: Event) -> None:
        """Let something happen to whoever sits at a place now."""
        self.push(self.now + after_s, place.index, place.life, event)

    def at(self, at_s: float, function: Callable[[], None]) -> None:
        """Call a function at a time."""
        self.push(max(at_s, self.now), WORLD, 0, function)

    def run(self, until_s: float) -> None:
        """Let time pass."""
        heap, places, pop = self._heap, self.places, heapq.heappop
        while heap and heap[0][0] <= until_s:
            at_s, _, index, life, event = pop(heap)
            self.now = at_s
            self.events += 1
            if index == WORLD:
                event()
                continue
            place = places[index]
            if place.life != life or place.sitter is None:
                continue
            if place.backlog is not None:
                place.backlog.append(event)
                continue
            self.tell(place, event)
        self.now = until_s

    def tell(self, place: Place, event: Event) -> None:
        """Let an event happen to a place now."""
        assert place.sitter is not None, f"{place.name} is down"
        clocks = place.clocks
        local_s = clocks.base_s + (self.now - clocks.since_s) * clocks.rate
        if type(event) is ClockRead:
            event = self.reading(place)
            self.push(clocks.true(local_s + CLOCK_EVERY_S), place.index, place.life, event)
        actions = place.sitter.handle(event, local_s)
        if actions:
            self._perform(place, actions)
            self.observer.after(self.now, place, event, actions)
        elif type(event) is TimerFired:
            self.observer.after(self.now, place, event, actions)

    def reading(self, place: Place) -> ClockRead:
        """What the wall clock of a place shows."""
        clocks = place.clocks
        return ClockRead(START_UNIX_S - BOOTED_S + clocks.local(self.now) + clocks.wall_offset_s)

    # ------------------------------------------------------------------ actions

    def _perform(self, place: Place, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case SendRpc(peer=peer, rpc=rpc):
                    self._send(place, peer, rpc)
                case SetTimer(key=key, at=at):
                    at_s = max(self.now, place.clocks.true(at))
                    self.push(at_s, place.index, place.life, TimerFired(key))
                case Keep() | Forget():
                    place.store.write(action)
                case Verify(gossip_id=gossip_id, frame=frame):
                    verified = Verified(gossip_id, frame, self.shared.check(frame))
                    self.push(self.now + self.verdict_s, place.index, place.life, verified)
                case Tell():
                    pass  # the observer reads them
                case SendSync(peer=peer, frame=data):
                    self._send_sync(place, peer, data)
                case Solve(message=message, effort=effort, start=start):
                    self.push(self.now, place.index, place.life, Solved(message, Stamp(start, effort)))
                case Disconnect(peer=peer, why=why):
                    self.disconnect(place, peer, why)

    def index_of(self, name: str) -> int | None:
        """Where a peer sits; None for a stranger."""
        raise NotImplementedError

    def disconnect(self, place: Place, peer: str, why: str) -> None:
        """A node closes a link."""
        raise NotImplementedError

    def _send(self, place: Place, peer: str, rpc: Rpc) -> None:
        index = self.index_of(peer)
        direction = None if index is None else place.links.get(index)
        if index is None or direction is None:
            return
        other = self.places[index]
        if other.sitter is None:
            return
        if rpc.messages:
            if not place.is_honest:
                rpc = self._named_anew(rpc)
            for carried in rpc.messages:
                self.observer.carried(self.now, place, carried.data)
        if rpc is not self._sized[0]:  # one object often goes to many peers
            self._sized = rpc, size_of(rpc)
        size = self._sized[1]
        for at_s in direction.arrivals(size, self.now, self.link_draws, spared=bool(rpc.subscriptions)):
            self.push(at_s, index, other.life, RpcReceived(place.name, rpc, size))

    def _named_anew(self, rpc: Rpc) -> Rpc:
        """A driver names what it receives itself; so nobody can lie about an id."""
        name = self.shared.gossip_id
        if all(carried.id == name(carried.data) for carried in rpc.messages):
            return rpc
        carried = tuple(Carried(name(c.data), c.data, c.topic) for c in rpc.messages)
        return Rpc(rpc.subscriptions, carried, rpc.ihave, rpc.iwant, rpc.graft, rpc.prune, rpc.idontwant)

    def _send_sync(self, place: Place, peer: str, data: bytes) -> None:
        index = self.index_of(peer) if self.sync else None
        direction = None if index is None else place.links.get(index)
        if index is None or direction is None:
            return
        other = self.places[index]
        if other.sitter is None:
            return
        for at_s in direction.arrivals(len(data), self.now, self.link_draws, spared=False):
            self.push(at_s, index, other.life, SyncReceived(place.name, data))

    def left(self, place: Place, other: Place) -> None:
        """`place` learns that its link to `other` is gone."""
        if place.sitter is not None:
            self.later(place, 0.0, PeerLeft(other.name))

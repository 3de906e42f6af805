"""The engine: one heap of plain tuples, and what becomes of the actions that a node asks for.

Decides what happens next. Comes in: events at times, actions of nodes. Goes out: events to nodes, records to the trace.
Must not know scenarios, faults or what a message means.

The heap holds `(time, number, index of the place, life, event)`; the number is unique, so that events are never
compared. What belongs to an earlier life of a place is passed over; what belongs to a paused one waits there.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

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
from p2p_sos.core.events import (
    ClockRead,
    Event,
    PeerLeft,
    RpcReceived,
    Solved,
    StemReceived,
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
STEM_BYTES = 2  # of the length before a cell
NOTED = (Tell, Keep)  # what the observer reads


def size_of(rpc: Rpc) -> int:
    """About what a frame weighs on the wire."""
    size = FRAME_BYTES
    for carried in rpc.messages:
        size += len(carried.data) + MESSAGE_BYTES
    for _, ids in rpc.ihave:
        size += 12 + ID_BYTES * len(ids)
    return size + ID_BYTES * (len(rpc.iwant) + len(rpc.idontwant)) + 12 * (len(rpc.graft) + len(rpc.prune))


def _write(place: Place, action: Keep | Forget) -> None:
    place.store.write(action)


def _pass(_place: Place, _action: Tell) -> None:
    pass


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
        self.overhear: Callable[[Place, Sequence[Action]], None] | None = (
            None  # shown all actions before they happen
        )
        self._by_name: dict[str, int] = {}
        self._heap: list[tuple[float, int, int, int, Any]] = []
        self._number = 0
        self._sized = (-1, Rpc(), RpcReceived("", Rpc(), 0))  # who sent what last, and what arrives of it
        self._steps: Mapping[type, Callable[[Place, Any], None]] = {
            SendRpc: self._send,
            SetTimer: self._set_timer,
            Keep: _write,
            Forget: _write,
            Verify: self._verify,
            Tell: _pass,  # the observer reads them
            SendSync: self._send_sync,
            SendStem: self._send_stem,
            Push: self._push,
            Solve: self._solve,
            Disconnect: self._disconnect,
        }

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
        heap, places, pop, tell = self._heap, self.places, heapq.heappop, self.tell
        while heap and heap[0][0] <= until_s:
            self.now, _, index, life, event = pop(heap)
            self.events += 1
            if index == WORLD:
                event()
                continue
            place = places[index]
            sitter = place.sitter
            if place.life != life or sitter is None:
                continue
            if place.backlog is not None:
                place.backlog.append(event)
            elif type(event) is RpcReceived:  # as most are, and few of them have consequences
                clocks = place.clocks
                actions = sitter.handle(event, clocks.base_s + (self.now - clocks.since_s) * clocks.rate)
                if actions:
                    self._perform(place, event, actions)
            else:
                tell(place, event)
        self.now = until_s

    def tell(self, place: Place, event: Event) -> None:
        """Let an event happen to a place now."""
        sitter, clocks = place.sitter, place.clocks
        assert sitter is not None, f"{place.name} is down"
        local_s = clocks.base_s + (self.now - clocks.since_s) * clocks.rate
        if type(event) is ClockRead:
            event = self.reading(place)
            self.push(clocks.true(local_s + CLOCK_EVERY_S), place.index, place.life, event)
        self._perform(place, event, sitter.handle(event, local_s))

    def _perform(self, place: Place, event: Event, actions: Sequence[Action]) -> None:
        steps, send = self._steps, self._send
        if self.overhear is not None:
            self.overhear(place, actions)
        noted = type(event) is TimerFired and getattr(event.key, "call", None) is not None
        for action in actions:
            kind = type(action)
            if kind is SendRpc:  # as nearly all are
                send(place, action)  # type: ignore[arg-type]
                continue
            steps[kind](place, action)
            noted = noted or kind in NOTED
        if noted:
            self.observer.after(self.now, place, event, actions)

    def reading(self, place: Place) -> ClockRead:
        """What the wall clock of a place shows."""
        clocks = place.clocks
        return ClockRead(START_UNIX_S - BOOTED_S + clocks.local(self.now) + clocks.wall_offset_s)

    # ------------------------------------------------------------------ actions

    def _set_timer(self, place: Place, action: SetTimer) -> None:
        at_s = max(self.now, place.clocks.true(action.at))
        self.push(at_s, place.index, place.life, TimerFired(action.key))

    def _verify(self, place: Place, action: Verify) -> None:
        verified = Verified(action.gossip_id, action.frame, self.shared.check(action.frame))
        self.push(self.now + self.verdict_s, place.index, place.life, verified)

    def _solve(self, place: Place, action: Solve) -> None:
        solved = Solved(action.message, Stamp(action.start, action.effort))
        self.push(self.now, place.index, place.life, solved)

    def _disconnect(self, place: Place, action: Disconnect) -> None:
        self.disconnect(place, action.peer, action.why)

    def disconnect(self, place: Place, peer: str, why: str) -> None:
        """A node closes a link."""
        raise NotImplementedError

    def _send(self, place: Place, action: SendRpc) -> None:
        rpc, direction = action.rpc, place.ways.get(action.peer)
        if direction is None:
            return
        other = direction.to
        if other.sitter is None:
            return
        if rpc.messages:
            if not place.is_honest:
                rpc = self._named_anew(rpc)
            seen = self.observer.seen
            for carried in rpc.messages:
                if carried.data not in seen:
                    self.observer.carried(self.now, place, carried.data)
        sender, sent, received = self._sized
        if rpc is not sent or sender != place.index:  # one object often goes to many peers
            received = RpcReceived(place.name, rpc, size_of(rpc))
            self._sized = place.index, rpc, received
        if direction.plain_s is not None and direction.open and direction.joined:  # as nearly always
            self._number += 1
            at_s = self.now + direction.plain_s
            heapq.heappush(self._heap, (at_s, self._number, other.index, other.life, received))
            return
        spared = bool(rpc.subscriptions)
        for at_s in direction.arrivals(received.size_bytes, self.now, self.link_draws, spared=spared):
            self.push(at_s, other.index, other.life, received)

    def _named_anew(self, rpc: Rpc) -> Rpc:
        """A driver names what it receives itself; so nobody can lie about an id."""
        name = self.shared.gossip_id
        if all(carried.id == name(carried.data) for carried in rpc.messages):
            return rpc
        carried = tuple(Carried(name(c.data), c.data, c.topic) for c in rpc.messages)
        return Rpc(rpc.subscriptions, carried, rpc.ihave, rpc.iwant, rpc.graft, rpc.prune, rpc.idontwant)

    def _send_sync(self, place: Place, action: SendSync) -> None:
        direction, data = place.ways.get(action.peer) if self.sync else None, action.frame
        if direction is None or direction.to.sitter is None:
            return
        other = direction.to
        for at_s in direction.arrivals(len(data), self.now, self.link_draws, spared=False):
            self.push(at_s, other.index, other.life, SyncReceived(place.name, data))

    def _send_stem(self, place: Place, action: SendStem) -> None:
        direction, cell = place.ways.get(action.peer), action.cell
        if direction is None or direction.to.sitter is None:
            return
        other = direction.to
        size_bytes = len(cell) + STEM_BYTES
        for at_s in direction.arrivals(size_bytes, self.now, self.link_draws, spared=False):
            self.push(at_s, other.index, other.life, StemReceived(place.name, cell))

    def _push(self, place: Place, action: Push) -> None:
        self.push_cell(place, action.cell)

    def push_cell(self, place: Place, cell: bytes) -> None:
        """A victim hands a cell to relays over circuits."""
        raise NotImplementedError

    def left(self, place: Place, other: Place) -> None:
        """`place` learns that its link to `other` is gone."""
        if place.sitter is not None:
            self.later(place, 0.0, PeerLeft(other.name))

"""A place where the gossip router sits alone: it takes every message for good, and keeps count.

Decides nothing about messages. Comes in: what a router hears, and words to speak. Goes out: what a router does; counts in
a `Ledger` that the whole world shares. For scenarios about gossip alone, with a thousand nodes and more.
"""

from collections.abc import Sequence
from heapq import heappop, heappush

from attrs import define, field, frozen

from p2p_sos.core.actions import Action, SendRpc, SetTimer
from p2p_sos.core.events import Event, RpcReceived, TimerFired
from p2p_sos.core.gossip.router import Router
from p2p_sos.core.gossip.rpc import GossipId, PeerId, Rpc
from p2p_sos.core.internal import Broadcast, Echoed, Examine, Judged, Sent, Verdict
from p2p_sos.sim.behaviour import Seat
from p2p_sos.sim.engine import Engine
from p2p_sos.sim.places import Place
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.hashing import gossip_id

CELL_BYTES = 2048


@frozen
class Speak:
    """An event for a relay: a message of its own."""

    text: str


@frozen
class VerdictDue:
    """A timer: the message was looked at for long enough."""

    gossip_id: GossipId


@define(eq=False)
class Ledger:
    """What became of each message, and who keeps silent."""

    trace: Trace
    said: dict[GossipId, tuple[PeerId, float]] = field(factory=dict)
    copies: dict[tuple[PeerId, GossipId], int] = field(factory=dict)
    arrived: dict[tuple[PeerId, GossipId], float] = field(factory=dict)
    turncoats: dict[PeerId, None] = field(factory=dict)  # they keep their links and pass nothing on
    verdict_s: float = 0.002

    def seat(self, seat: Seat) -> "Relay":
        """A relay for one place."""
        return Relay(self, seat)

    def copies_mean(self) -> float:
        """How often a message came, on average, where it came."""
        return sum(self.copies.values()) / max(1, len(self.copies))

    def delivered(self, alive: Sequence[PeerId]) -> float:
        """Messages that arrived, of those that should have, at nodes that live."""
        wanted = [(name, i) for i, (origin, _) in self.said.items() for name in alive if name != origin]
        return sum(key in self.arrived for key in wanted) / max(1, len(wanted))

    def delays_s(self) -> list[float]:
        """From word to first arrival, sorted."""
        return sorted(
            at - self.said[i][1] for (name, i), at in self.arrived.items() if name != self.said[i][0]
        )


class Relay:
    """One router."""

    def __init__(self, ledger: Ledger, seat: Seat) -> None:
        self.name = seat.name
        self.router = Router(seat.gossip, seat.random, lambda _: None)
        self._ledger = ledger

    def handle(self, event: Event, now: float) -> list[Action]:
        """One event."""
        ledger = self._ledger
        steps: Sequence[object]
        match event:
            case RpcReceived(rpc=rpc):
                for carried in rpc.messages:
                    key = (self.name, carried.id)
                    ledger.copies[key] = ledger.copies.get(key, 0) + 1
                    if key not in ledger.arrived:
                        ledger.arrived[key] = now
                        ledger.trace.add(now, self.name, "arrived", carried.id)
                steps = self.router.handle(event, now)
            case TimerFired(key=VerdictDue(gossip_id=identity)):
                steps = self.router.handle(Judged(identity, Verdict.ACCEPT), now)
            case TimerFired(key=Speak(text=text)):
                data = text.encode().ljust(CELL_BYTES, b"\x00")
                identity = gossip_id(data, canonical=True)
                ledger.said[identity] = (self.name, now)
                steps = self.router.handle(Broadcast(identity, data), now)
            case _:
                steps = self.router.handle(event, now)  # type: ignore[arg-type]
        return self._driven(steps, now)

    def _driven(self, steps: Sequence[object], now: float) -> list[Action]:
        out: list[Action] = []
        mute = self.name in self._ledger.turncoats
        for step in steps:
            match step:
                case Examine(carried=carried):
                    out.append(SetTimer(VerdictDue(carried.id), now + self._ledger.verdict_s))
                case SendRpc(rpc=Rpc(messages=messages, ihave=ihave)) if mute and (messages or ihave):
                    pass
                case Sent() | Echoed():
                    pass
                case _:
                    out.append(step)  # type: ignore[arg-type]
        return out


def shortest_s(world: Engine, origins: Sequence[str], passing: Sequence[str], hop_s: float) -> list[float]:
    """The delays that no protocol can beat, sorted: shortest paths over nodes that pass messages on (Dijkstra)."""
    taking = dict.fromkeys(passing)
    delays: list[float] = []
    for origin in origins:
        place = next(p for p in world.places if p.name == origin)
        best = {place.index: 0.0}
        heap = [(0.0, place.index)]
        while heap:
            at_s, index = heappop(heap)
            if at_s > best[index]:
                continue
            for other, direction in world.places[index].links.items():
                reached_s = at_s + direction.quality.latency_s + hop_s
                if world.places[other].name in taking and reached_s < best.get(other, 1e9):
                    best[other] = reached_s
                    heappush(heap, (reached_s, other))
        delays += [at_s - hop_s for index, at_s in best.items() if index != place.index]
    return sorted(delays)


def running(places: Sequence[Place]) -> list[str]:
    """The names of all that run."""
    return [place.name for place in places if place.runs]

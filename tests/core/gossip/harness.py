"""A small deterministic world of routers: an event heap, links with latencies, loss and crashes.

Verdicts are synthetic: everything is accepted after `verdict_s`. Nothing of a message is ever opened.
"""

import hashlib
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from itertools import count
from random import Random

from p2p_sos.core.actions import Disconnect, SendRpc, SetTimer
from p2p_sos.core.events import (
    PeerJoined,
    PeerLeft,
    RoundTripMeasured,
    RpcReceived,
    Started,
    TimerFired,
)
from p2p_sos.core.gossip.router import Router
from p2p_sos.core.gossip.rpc import GossipId, Rpc
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.internal import Broadcast, Echoed, Examine, Judged, Sent, Verdict

CELL_BYTES = 2048


def gossip_id(data: bytes) -> GossipId:
    return hashlib.sha256(b"\x01" + data).digest()[:20]


def size_of(rpc: Rpc) -> int:
    """About what the frame weighs on the wire."""
    size = 4 + sum(len(m.data) + 16 for m in rpc.messages)
    size += sum(len(topic) + 22 * len(ids) for topic, ids in rpc.ihave)
    return size + 22 * (len(rpc.iwant) + len(rpc.idontwant)) + 12 * (len(rpc.graft) + len(rpc.prune))


def random_graph(nodes: int, mean_degree: float, random: Random) -> list[tuple[int, int]]:
    """A connected random graph: a ring in random order, and edges at random."""
    order = list(range(nodes))
    random.shuffle(order)
    edges = {tuple(sorted((order[i - 1], order[i]))): None for i in range(nodes)}
    while len(edges) < nodes * mean_degree / 2:
        a, b = sorted(random.sample(range(nodes), 2))
        edges[a, b] = None
    return [(a, b) for a, b in edges]


class World:
    """Nodes "0", "1", ... and what happened to them."""

    def __init__(
        self,
        nodes: int,
        edges: Iterable[tuple[int, int]],
        seed: int,
        *,
        latency_s: Callable[[int, int], float] = lambda a, b: 0.02,
        settings: GossipSettings | None = None,
        loss: float = 0.0,
        verdict_s: float = 0.002,
        traced: bool = False,
    ) -> None:
        self.random = Random(seed)
        self.settings = settings or GossipSettings()
        self.now = 0.0
        self.loss = loss
        self.verdict_s = verdict_s
        self.latency = {}
        for a, b in edges:
            self.latency[str(a), str(b)] = self.latency[str(b), str(a)] = latency_s(a, b)
        self.names = [str(i) for i in range(nodes)]
        self.crashed: dict[str, None] = {}  # they take everything and say nothing
        self.mute: dict[str, None] = {}  # they speak of links, and never pass a message on
        self.copies: dict[tuple[str, GossipId], int] = {}
        self.arrived: dict[tuple[str, GossipId], float] = {}
        self.published: dict[GossipId, tuple[str, float]] = {}
        self.sent: list[tuple[str, GossipId, tuple[str, ...]]] = []
        self.echoed: list[tuple[str, GossipId, str]] = []
        self.disconnected: list[tuple[str, str, str]] = []
        self.rpc_bytes = 0
        self.frames: dict[str, int] = {"messages": 0, "ihave": 0, "iwant": 0, "graft": 0, "prune": 0}
        self.traced = traced
        self.trace = hashlib.sha256()
        self._heap: list[tuple[float, int, str, object]] = []
        self._sequence = count()
        self.routers = {n: Router(self.settings, Random(f"{seed}/{n}"), lambda _: None) for n in self.names}
        for name in self.names:
            self.later(0.0, name, Started())
        for place, (a, b) in enumerate(self.latency):
            outbound = (int(a) + int(b)) % 2 == (int(a) < int(b))
            joined_s = 0.01 + 0.001 * (place % 500)
            self.later(joined_s, a, PeerJoined(b, outbound, "/meshsub/1.2.0"))
            self.later(joined_s + 0.2, a, RoundTripMeasured(b, 2 * self.latency[a, b]))

    def later(self, after_s: float, name: str, event: object) -> None:
        heappush(self._heap, (self.now + after_s, next(self._sequence), name, event))

    def publish(self, name: str, text: str, avoid: tuple[str, ...] = ()) -> GossipId:
        data = text.encode().ljust(CELL_BYTES, b"\x00")
        identity = gossip_id(data)
        self.published[identity] = (name, self.now)
        self.take(name, Broadcast(identity, data, avoid))
        return identity

    def run(self, until_s: float) -> None:
        while self._heap and self._heap[0][0] <= until_s:
            self.now, _, name, event = heappop(self._heap)
            self.take(name, event)
        self.now = until_s

    def take(self, name: str, event: object) -> None:
        if name in self.crashed:
            return
        if isinstance(event, RpcReceived):
            for carried in event.rpc.messages:
                key = (name, carried.id)
                self.copies[key] = self.copies.get(key, 0) + 1
                self.arrived.setdefault(key, self.now)
        for action in self.routers[name].handle(event, self.now):  # type: ignore[arg-type]
            self._perform(name, action)

    def _perform(self, name: str, action: object) -> None:
        if self.traced:
            self.trace.update(f"{self.now:.6f} {name} {action!r}\n".encode())
        match action:
            case SendRpc(peer=peer, rpc=rpc):
                self._send(name, peer, rpc)
            case SetTimer(key=key, at=at):
                heappush(self._heap, (max(at, self.now), next(self._sequence), name, TimerFired(key)))
            case Examine(carried=carried):
                self.later(self.verdict_s, name, Judged(carried.id, Verdict.ACCEPT))
            case Sent(gossip_id=identity, peers=peers):
                self.sent.append((name, identity, peers))
            case Echoed(gossip_id=identity, peer=peer):
                self.echoed.append((name, identity, peer))
            case Disconnect(peer=peer, why=why):
                self.disconnected.append((name, peer, why))
                self.later(0.0, name, PeerLeft(peer))
                self.later(0.0, peer, PeerLeft(name))

    def _send(self, name: str, peer: str, rpc: Rpc) -> None:
        if name in self.mute and (rpc.messages or rpc.ihave):
            return
        for part in self.frames:
            self.frames[part] += bool(getattr(rpc, part))
        size = size_of(rpc)
        self.rpc_bytes += size
        if not rpc.subscriptions and self.loss and self.random.random() < self.loss:
            return
        self.later(self.latency[name, peer], peer, RpcReceived(name, rpc, size))

    @property
    def alive(self) -> list[str]:
        return [n for n in self.names if n not in self.crashed]

    @property
    def speaking(self) -> list[str]:
        return [n for n in self.alive if n not in self.mute]

    def delivered_share(self) -> float:
        """Messages that arrived, of those that should have, at nodes that live."""
        wanted = [(n, i) for i, (origin, _) in self.published.items() for n in self.alive if n != origin]
        return sum(key in self.arrived for key in wanted) / len(wanted)

    def copies_per_delivery(self) -> float:
        """How often a message arrived, on average, at a node where it arrived."""
        return sum(self.copies.values()) / len(self.copies)

    def delays_s(self) -> list[float]:
        """From publication to first arrival, sorted."""
        return sorted(
            at - self.published[i][1]
            for (name, i), at in self.arrived.items()
            if name != self.published[i][0]
        )

    def shortest_s(self) -> list[float]:
        """The delays that no protocol can beat: shortest paths between living nodes that speak, sorted."""
        links: dict[str, list[tuple[str, float]]] = {n: [] for n in self.speaking}
        for (a, b), latency_s in self.latency.items():
            if a in links and b in links:
                links[a].append((b, latency_s))
        delays = []
        for origin in {name: None for name, _ in self.published.values()}:
            best = {origin: 0.0}
            heap = [(0.0, origin)]
            while heap:
                at, name = heappop(heap)
                if at > best[name]:
                    continue
                for peer, latency_s in links[name]:
                    if at + latency_s + self.verdict_s < best.get(peer, 1e9):
                        best[peer] = at + latency_s + self.verdict_s
                        heappush(heap, (best[peer], peer))
            delays.extend(at - self.verdict_s for name, at in best.items() if name != origin)
        return sorted(delays)

    def mesh_degree(self) -> float:
        """The mean number of eager links of nodes that live."""
        return sum(p.in_mesh for n in self.alive for p in self.routers[n].peers) / len(self.alive)


def spread(world: World, messages: int, every_s: float, settle_s: float = 10.0, rest_s: float = 10.0) -> None:
    """Let the mesh settle, then let random living nodes publish."""
    world.run(settle_s)
    for number in range(messages):
        world.publish(world.random.choice(world.speaking), f"message {number}")
        world.run(world.now + every_s)
    world.run(world.now + rest_s)

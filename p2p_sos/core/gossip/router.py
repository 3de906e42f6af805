"""The gossip router: GossipSub v1.2 and v1.1 for one topic, without signatures, as a pure machine.

Comes in: peers, their RPCs, round trips, backlogs, timers; verdicts and our own messages. Goes out: RPCs, timers,
disconnections; messages to examine, and what became of our own. Must not know what a message says: its verdict
comes from the node (`Examine` -> `Judged`).
"""

from collections.abc import Callable
from random import Random

from p2p_sos.core.actions import Disconnect, SendRpc
from p2p_sos.core.events import (
    BacklogChanged,
    PeerJoined,
    PeerLeft,
    RoundTripMeasured,
    RpcReceived,
    RpcUnreadable,
    Started,
    TimerFired,
)
from p2p_sos.core.gossip import beat, control, traffic
from p2p_sos.core.gossip.history import History
from p2p_sos.core.gossip.memory import Memory, RouterAction
from p2p_sos.core.gossip.neighbour import Neighbour, PeerView
from p2p_sos.core.gossip.pulls import Pulls
from p2p_sos.core.gossip.rpc import GossipId, PeerId, Rpc, Subscription
from p2p_sos.core.gossip.seen import Seen
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.gossip.timers import AnnounceDue, HeartbeatDue, WantDue
from p2p_sos.core.internal import Announce, Blame, Broadcast, Follow, Judged, Release

RouterEvent = (
    Started | PeerJoined | PeerLeft | RpcReceived | RpcUnreadable | RoundTripMeasured | BacklogChanged
    | TimerFired | Judged | Broadcast | Announce | Release | Follow | Blame
)  # fmt: skip

ROUND_TRIP_NEW_SHARE = 0.25  # guess: what a new measurement counts against the old ones


class Router:
    """GossipSub for one topic."""

    def __init__(
        self, settings: GossipSettings, random: Random, lookup: Callable[[GossipId], bytes | None]
    ) -> None:
        self._memory = Memory(settings, random, lookup, Seen(settings), History(settings), Pulls(settings))

    @property
    def peers(self) -> tuple[PeerView, ...]:
        """Every peer that is here, in the order of joining."""
        return tuple(n.view() for n in self._memory.neighbours.values() if not n.dropped)

    def seen(self, gossip_id: GossipId) -> bool:
        """Whether this message came, or is our own, and is not forgotten."""
        return self._memory.seen.came(gossip_id)

    def handle(self, event: RouterEvent, now: float) -> list[RouterAction]:
        """Take one event, and say what is to be done, in order."""
        memory = self._memory
        match event:
            case RpcReceived():
                return self.receive(event, now)
            case Judged():
                return traffic.judged(memory, event, now)
            case TimerFired(key=key):
                return self._on_timer(key, now)
            case Broadcast():
                return traffic.published(memory, event, now)
            case Announce(peer=peer, ids=ids):
                return self._on_announce(peer, ids, now)
            case RpcUnreadable(peer=peer):
                return self._on_unreadable(peer, now)
            case PeerJoined():
                return self._on_joined(event, now)
            case PeerLeft(peer=peer):
                return self._on_left(peer, now)
            case RoundTripMeasured(peer=peer, round_trip_s=round_trip_s):
                return self._on_round_trip(peer, round_trip_s)
            case BacklogChanged(peer=peer, waiting_bytes=waiting_bytes):
                return self._on_backlog(peer, waiting_bytes)
            case Started():
                return beat.started(memory, now)
            case Release():
                return traffic.released(memory, event, now)
            case Follow(gossip_id=gossip_id):
                memory.follow(gossip_id)
                return []
            case Blame(peer=peer, why=why):
                return self._on_blame(peer, why, now)
            case _:
                return []

    def receive(self, event: RpcReceived, now: float) -> list[RouterAction]:
        """As `handle`, for what nearly every event is."""
        memory, rpc = self._memory, event.rpc
        neighbour = memory.neighbours.get(event.peer)
        if neighbour is None or neighbour.dropped:
            return []
        # "A reader MUST count a frame's bytes against its sender's budget before anything else, and drop it when they
        # exceed it." (04-gossip §8)
        if not neighbour.take(event.size_bytes, memory.settings, now):
            memory.pulls.forgive(neighbour.peer)
            return []
        actions: list[RouterAction] = []
        if rpc.subscriptions:
            actions.extend(control.subscriptions(memory, neighbour, rpc.subscriptions, now))
        if rpc.graft:
            actions.extend(control.graft(memory, neighbour, rpc.graft, now))
        if rpc.prune:
            control.prune(memory, neighbour, rpc.prune, now)
        if rpc.idontwant:
            actions.extend(control.idontwant(memory, neighbour, rpc.idontwant, now))
        for carried in rpc.messages:
            if neighbour.dropped:
                return actions
            actions.extend(traffic.arrived(memory, neighbour, carried, now))
        if rpc.ihave and not neighbour.dropped:
            actions.extend(control.ihave(memory, neighbour, rpc.ihave, now))
        if rpc.iwant and not neighbour.dropped:
            actions.extend(control.iwant(memory, neighbour, rpc.iwant))
        return actions

    def _on_timer(self, key: object, now: float) -> list[RouterAction]:
        memory = self._memory
        match key:
            case HeartbeatDue(number=number) if number == memory.beat:
                return beat.heartbeat(memory, now)
            case AnnounceDue(at=at) if at == memory.announce_at:
                return beat.announce(memory, now)
            case WantDue(at=at) if at == memory.want_at:
                return beat.ask(memory, now)
            case _:
                return []

    def _on_announce(self, peer: PeerId, ids: tuple[GossipId, ...], now: float) -> list[RouterAction]:
        memory = self._memory
        neighbour = memory.neighbours.get(peer)
        if neighbour is None or neighbour.dropped:
            return []
        for gossip_id in ids:
            if not memory.avoids(gossip_id, peer):
                memory.enqueue(neighbour, gossip_id)
        return memory.announce_soon(now)

    def _on_unreadable(self, peer: PeerId, now: float) -> list[RouterAction]:
        neighbour = self._memory.neighbours.get(peer)
        if neighbour is None or neighbour.dropped:
            return []
        # "A frame that is no RPC MUST be counted against its sender." (04-gossip §9)
        penalty = self._memory.settings.unreadable_penalty
        return self._memory.punish(neighbour, now, "unreadable frames", behaviour=penalty)

    def _on_blame(self, peer: PeerId, why: str, now: float) -> list[RouterAction]:
        neighbour = self._memory.neighbours.get(peer)
        if neighbour is None or neighbour.dropped:
            return []
        return self._memory.punish(neighbour, now, why, invalid=1.0)

    def _on_joined(self, event: PeerJoined, now: float) -> list[RouterAction]:
        memory, settings = self._memory, self._memory.settings
        hello = SendRpc(event.peer, Rpc(subscriptions=(Subscription(settings.topic, True),)))
        known = memory.neighbours.get(event.peer)
        if known is not None and known.dropped:
            return [Disconnect(event.peer, "it was dropped, and is not gone yet")]
        if known is not None:
            known.protocol, known.outbound = event.protocol, known.outbound or event.outbound
            return [hello]
        if len(memory.neighbours) >= settings.peers_max:
            return [Disconnect(event.peer, "no room for another peer")]
        burst = float(settings.budget_burst_bytes)
        neighbour = Neighbour(event.peer, event.outbound, event.protocol, burst, now)
        memory.neighbours[event.peer] = neighbour
        if (record := memory.records.pop(event.peer, None)) is not None:
            neighbour.resume(record, settings, now)
            if dropped := memory.judge(neighbour, now, "its record of an hour"):
                return dropped
        return [hello]

    def _on_left(self, peer: PeerId, now: float) -> list[RouterAction]:
        memory = self._memory
        neighbour = memory.neighbours.pop(peer, None)
        if neighbour is None:
            return []
        memory.waiting_bytes -= neighbour.waiting_bytes
        memory.pulls.forgive(peer)
        memory.forget_peer(peer)
        # "A peer's faults MUST outlive its connection." (04-gossip §9)
        if (record := neighbour.record(now)) is not None:
            memory.records[peer] = record
            if len(memory.records) > memory.settings.score_memory_max:
                del memory.records[next(iter(memory.records))]
        return []

    def _on_round_trip(self, peer: PeerId, round_trip_s: float) -> list[RouterAction]:
        neighbour = self._memory.neighbours.get(peer)
        if neighbour is not None:
            before = neighbour.round_trip_s
            change_s = 0.0 if before is None else (round_trip_s - before) * ROUND_TRIP_NEW_SHARE
            neighbour.round_trip_s = round_trip_s if before is None else before + change_s
        return []

    def _on_backlog(self, peer: PeerId, waiting_bytes: int) -> list[RouterAction]:
        neighbour = self._memory.neighbours.get(peer)
        if neighbour is not None:
            self._memory.waiting_bytes += waiting_bytes - neighbour.waiting_bytes
            neighbour.waiting_bytes = waiting_bytes
        return []

"""A router and its peers, told as a conversation: say something, look at the answer."""

from random import Random

from p2p_sos.core.actions import Disconnect, SendRpc, SetTimer, Tell
from p2p_sos.core.events import (
    PeerJoined,
    PeerLeft,
    RoundTripMeasured,
    RpcReceived,
    RpcUnreadable,
    Started,
    TimerFired,
)
from p2p_sos.core.gossip.router import Router
from p2p_sos.core.gossip.rpc import Carried, GossipId, Prune, Rpc, Subscription
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.gossip.timers import AnnounceDue, HeartbeatDue, WantDue
from p2p_sos.core.internal import Announce, Broadcast, Examine, Judged, Verdict
from p2p_sos.wire.refusals import Reason, Refusal
from tests.core.gossip.harness import gossip_id

TOPIC = GossipSettings().topic
V12 = "/meshsub/1.2.0"


def cell(text: str) -> Carried:
    data = text.encode().ljust(2048, b"\x00")
    return Carried(gossip_id(data), data, TOPIC)


class Talk:
    """One router; `do` feeds an event and remembers the timers it set."""

    def __init__(self, settings: GossipSettings | None = None, held: dict[GossipId, bytes] | None = None):
        self.settings = settings or GossipSettings()
        self.held = {} if held is None else held
        self.router = Router(self.settings, Random(7), self.held.get)
        self.now = 100.0
        self.timers: list[SetTimer] = []
        self.do(Started())

    def do(self, event: object) -> list[object]:
        actions = self.router.handle(event, self.now)  # type: ignore[arg-type]
        self.timers.extend(a for a in actions if isinstance(a, SetTimer))
        return [a for a in actions if not isinstance(a, SetTimer)]

    def wait(self, seconds: float) -> list[object]:
        """Let time pass, timers firing on the way; everything that was done meanwhile."""
        until, done = self.now + seconds, []
        while due := [t for t in self.timers if t.at <= until]:
            first = min(due, key=lambda t: t.at)
            self.timers.remove(first)
            self.now = max(self.now, first.at)
            done.extend(self.do(TimerFired(first.key)))
        self.now = until
        return done

    def beat(self) -> list[object]:
        """Wait until just after the next heartbeat."""
        return self.wait(next(t.at for t in self.timers if isinstance(t.key, HeartbeatDue)) - self.now)

    def join(
        self,
        *peers: str,
        outbound: bool = False,
        round_trip_s: float | None = None,
        subscribe: bool = True,
        protocol: str = V12,
    ) -> list[object]:
        done = []
        for peer in peers:
            done += self.do(PeerJoined(peer, outbound, protocol))
            if round_trip_s is not None:
                done += self.do(RoundTripMeasured(peer, round_trip_s))
            if subscribe:
                done += self.say(peer, subscriptions=(Subscription(TOPIC, True),))
        return done

    def say(self, peer: str, size_bytes: int = 100, **parts: object) -> list[object]:
        return self.do(RpcReceived(peer, Rpc(**parts), size_bytes))  # type: ignore[arg-type]

    def graft(self, *peers: str) -> list[object]:
        return [a for p in peers for a in self.say(p, graft=(TOPIC,))]

    def prune(self, peer: str, backoff_s: int = 60) -> list[object]:
        return self.say(peer, prune=(Prune(TOPIC, backoff_s),))

    def bring(self, peer: str, *messages: Carried) -> list[object]:
        return self.say(peer, messages=messages)

    def ihave(self, peer: str, *ids: GossipId) -> list[object]:
        return self.say(peer, ihave=((TOPIC, ids),))

    def judge(self, message: Carried, verdict: Verdict, reason: Reason | None = None) -> list[object]:
        return self.do(Judged(message.id, verdict, None if reason is None else Refusal(reason)))

    def accept(self, peer: str, message: Carried) -> list[object]:
        return [*self.bring(peer, message), *self.judge(message, Verdict.ACCEPT)]

    def broadcast(self, message: Carried, *avoid: str) -> list[object]:
        return self.do(Broadcast(message.id, message.data, avoid))

    def announce(self, peer: str, *ids: GossipId) -> list[object]:
        return self.do(Announce(peer, ids))

    def unreadable(self, peer: str, size_bytes: int = 100) -> list[object]:
        return self.do(RpcUnreadable(peer, size_bytes))

    def leave(self, peer: str) -> list[object]:
        return self.do(PeerLeft(peer))

    def view(self, peer: str):
        return next(p for p in self.router.peers if p.peer == peer)

    @property
    def mesh(self) -> list[str]:
        return [p.peer for p in self.router.peers if p.in_mesh]


def rpcs(actions: list[object], part: str) -> list[tuple[str, object]]:
    """Who was told what: (peer, that part of the RPC), in order."""
    return [
        (a.peer, getattr(a.rpc, part)) for a in actions if isinstance(a, SendRpc) and getattr(a.rpc, part)
    ]


def told(actions: list[object], part: str) -> list[str]:
    return [peer for peer, _ in rpcs(actions, part)]


def examined(actions: list[object]) -> list[GossipId]:
    return [a.carried.id for a in actions if isinstance(a, Examine)]


def dropped(actions: list[object]) -> list[str]:
    both = [a.peer for a in actions if isinstance(a, Disconnect)]
    assert both == [a.notice.peer for a in actions if isinstance(a, Tell)]  # type: ignore[union-attr]
    return both


__all__ = [
    "TOPIC", "V12", "AnnounceDue", "HeartbeatDue", "Talk", "WantDue", "cell", "dropped", "examined", "rpcs", "told",
]  # fmt: skip

"""One whole node, and everything that leaves it: on the stem, by gossip and sync, by push, to its people."""

from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

from p2p_sos.core.actions import Forget, Keep, Push, SendRpc, SendStem, SendSync, SetTimer, Tell, Verify
from p2p_sos.core.case.case import VictimSecrets, case_rows
from p2p_sos.core.events import (
    ClockRead,
    Event,
    PeerJoined,
    Restored,
    RpcReceived,
    Started,
    StemReceived,
    TimerFired,
    Verified,
)
from p2p_sos.core.gossip.rpc import Carried, Rpc, Subscription
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.internal import Publish
from p2p_sos.core.node import Node
from p2p_sos.core.origin.way import Way
from p2p_sos.core.sync.sync import SyncSettings
from p2p_sos.core.tables import Table
from p2p_sos.wire.checks import check
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.registry import TOPIC
from p2p_sos.wire.sync import Cells, Fetch, Give, Newest, decode
from tests.core.world import PROFILE, START_UNIX_S, Store

PROTOCOL = "/meshsub/1.2.0"


def named(cell: bytes) -> bytes:
    """How gossip names a cell."""
    return gossip_id(cell, canonical=True)


class Aboard:
    """A node whose checks are done at once and are real; time passes when the test says so."""

    def __init__(
        self,
        seed: int = 0,
        *,
        way: Way = Way.DIRECT,
        victim: VictimSecrets | None = None,
        store: Store | None = None,
        now: float = 0.0,
    ) -> None:
        self.now = now
        self.store = store or Store()
        self.stemmed: list[tuple[float, str, bytes]] = []
        self.pushed: list[tuple[float, bytes]] = []
        self.said: list[tuple[str, Rpc]] = []
        self.synced: list[tuple[str, Any]] = []
        self.notices: list[Any] = []
        self._timers: list[tuple[float, int, Any]] = []
        self._count = count()
        draws = Random(seed)
        self.node = Node(
            profile=PROFILE, gossip=GossipSettings(), random=draws, entropy=draws.randbytes,
            rings=lambda a, b: 0, victim=victim, way=way, sync=SyncSettings(period_s=None),
        )  # fmt: skip
        if victim is not None and store is None:
            for key, value in case_rows(victim):
                self.store.write(Keep(Table.CASE, key, value))
        for table in Table:
            self.tell(Restored(table, tuple(sorted(self.store.rows[table].items()))))
        self.tell(ClockRead(START_UNIX_S + now))
        self.tell(Started())

    # ------------------------------------------------------------------ happening

    def tell(self, event: Event) -> None:
        """One event, and what follows from it at once."""
        self._perform(self.node.handle(event, self.now))

    def say(self, frame: Frame) -> None:
        """The node's own case says this."""
        actions: list[Any] = []
        self.node._publish(Publish(frame), actions, self.now)
        self._perform(actions)

    def _perform(self, actions: list[Any]) -> None:
        for action in actions:
            match action:
                case SendStem(peer=peer, cell=cell):
                    self.stemmed.append((self.now, peer, cell))
                case Push(cell=cell):
                    self.pushed.append((self.now, cell))
                case SendRpc(peer=peer, rpc=rpc):
                    self.said.append((peer, rpc))
                case SendSync(peer=peer, frame=frame):
                    self.synced.append((peer, decode(frame)))
                case SetTimer(key=key, at=at):
                    heappush(self._timers, (at, next(self._count), key))
                case Keep() | Forget():
                    self.store.write(action)
                case Tell(notice=notice):
                    self.notices.append(notice)
                case Verify(gossip_id=identity, frame=frame):
                    self.tell(Verified(identity, frame, check(frame, PROFILE)))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while self._timers and self._timers[0][0] <= until:
            at, _, key = heappop(self._timers)
            self.now = max(self.now, at)
            self.tell(TimerFired(key))
        self.now = until

    def join(self, *peers: str, outbound: bool = True, network: str | None = None) -> None:
        """Peers join and subscribe, each of a network of its own unless one is named."""
        for peer in peers:
            self.tell(PeerJoined(peer, outbound, PROTOCOL, peer if network is None else network))
            self.tell(RpcReceived(peer, Rpc(subscriptions=(Subscription(TOPIC, True),)), 20))

    def stem(self, peer: str, *frames: Frame | bytes) -> None:
        """A peer sends cells on the stem."""
        for frame in frames:
            self.tell(StemReceived(peer, frame if isinstance(frame, bytes) else frame.cell))

    def gossip(self, peer: str, *frames: Frame) -> None:
        """A peer brings messages by gossip."""
        for frame in frames:
            carried = Carried(named(frame.cell), frame.cell, TOPIC)
            self.tell(RpcReceived(peer, Rpc(messages=(carried,)), 2100))

    def ask(self, peer: str, *frames: Frame) -> list[bytes]:
        """A peer asks for messages by name, in gossip; what it gets."""
        before = len(self.said)
        self.tell(RpcReceived(peer, Rpc(iwant=tuple(named(f.cell) for f in frames)), 100))
        return [c.data for to, rpc in self.said[before:] if to == peer for c in rpc.messages]

    # ------------------------------------------------------------------ what left

    def hops(self, frame: Frame) -> list[str]:
        """To whom this went on the stem, in order."""
        return [peer for _, peer, cell in self.stemmed if cell == frame.cell]

    def shows(self, frame: Frame) -> bool:
        """Whether gossip or sync ever said here that this exists, by its bytes or its name."""
        name = named(frame.cell)
        for _, rpc in self.said:
            if any(c.data == frame.cell for c in rpc.messages) or any(name in ids for _, ids in rpc.ihave):
                return True
        for _, told in self.synced:
            if isinstance(told, Cells | Give | Newest) and frame.cell in told.cells:
                return True
            if not isinstance(told, Fetch) and frame.id in repr(told).encode():
                return True
        return False

    def told(self, kind: type[Any]) -> list[Any]:
        """The notices of one class."""
        return [notice for notice in self.notices if isinstance(notice, kind)]

    def score(self, peer: str) -> float:
        """What gossip thinks of a peer; minus infinity once it was dropped."""
        return next((p.score for p in self.node.peers if p.peer == peer), float("-inf"))

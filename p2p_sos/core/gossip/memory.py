"""All that the router remembers, in one place, with the few steps that every part of it takes.

Comes in and goes out: whatever `traffic`, `control`, `mesh` and `router` do with it. Decides alone when a peer's
score ends the acquaintance.
"""

from collections.abc import Callable
from random import Random

from attrs import define, field

from p2p_sos.core.actions import Disconnect, SendRpc, SetTimer, Tell
from p2p_sos.core.gossip.history import History
from p2p_sos.core.gossip.neighbour import Neighbour, Record
from p2p_sos.core.gossip.pulls import NEVER, Pulls
from p2p_sos.core.gossip.rpc import GossipId, PeerId
from p2p_sos.core.gossip.seen import Seen
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.gossip.states import LinkStep
from p2p_sos.core.gossip.timers import AnnounceDue, WantDue
from p2p_sos.core.internal import Echoed, Examine, Sent
from p2p_sos.core.notices import PeerDropped

RouterAction = SendRpc | Disconnect | SetTimer | Tell | Examine | Sent | Echoed


@define
class Own:
    """A message of our own: whom it must never reach from us, and who let us know that it has it.

    `followed`: it came into the mesh elsewhere, and from there to us, who pass it on like anybody's.
    """

    followed: bool = False
    avoid: dict[PeerId, None] = field(factory=dict)
    echoed: dict[PeerId, None] = field(factory=dict)


@define
class Memory:
    """What the router remembers."""

    settings: GossipSettings
    random: Random
    lookup: Callable[[GossipId], bytes | None]
    seen: Seen
    history: History
    pulls: Pulls
    neighbours: dict[PeerId, Neighbour] = field(factory=dict)  # in the order of joining
    records: dict[PeerId, Record] = field(factory=dict)  # of those who left, oldest first
    own: dict[GossipId, Own] = field(factory=dict)  # oldest first
    waiting_bytes: int = 0  # to all peers together
    announce_at: float = NEVER
    want_at: float = NEVER
    beat: int = 0
    beat_at: float = 0.0

    def avoids(self, gossip_id: GossipId, peer: PeerId) -> bool:
        """Whether this message must never reach this peer from us."""
        own = self.own.get(gossip_id)
        return own is not None and peer in own.avoid

    def follow(self, gossip_id: GossipId) -> None:
        """Tell of every peer that shows that it holds this message."""
        self.own.setdefault(gossip_id, Own(followed=True))
        if len(self.own) > self.settings.own_max:
            del self.own[next(iter(self.own))]

    def forget_peer(self, peer: PeerId) -> None:
        """A peer left: of what it holds nothing stays."""
        self.history.forget_peer(peer)
        for own in self.own.values():
            own.echoed.pop(peer, None)

    def mesh_size(self) -> int:
        """How many links are eager."""
        return sum(n.eager for n in self.neighbours.values())

    def echo(self, gossip_id: GossipId, neighbour: Neighbour) -> list[RouterAction]:
        """A peer lets us know that it holds a message; if it is ours, the case wants to know, once."""
        own = self.own.get(gossip_id)
        if own is None or neighbour.peer in own.echoed:
            return []
        if own.followed and not self.seen.came(gossip_id):
            return []  # whoever was told its name may say it
        if (
            own.followed
            and (entry := self.history.get(gossip_id)) is not None
            and neighbour.peer in entry.sent
        ):
            return []  # it may have it from us alone
        own.echoed[neighbour.peer] = None
        return [Echoed(gossip_id, neighbour.peer)]

    def punish(
        self, neighbour: Neighbour, now: float, why: str, *, invalid: float = 0.0, behaviour: float = 0.0
    ) -> list[RouterAction]:
        """Count a fault, and end the acquaintance when it was one too many."""
        neighbour.invalid += invalid
        neighbour.behaviour += behaviour
        neighbour.weigh(self.settings, now)
        return self.judge(neighbour, now, why)

    def judge(self, neighbour: Neighbour, now: float, why: str) -> list[RouterAction]:
        """Drop a peer whose score lies below the graylist threshold."""
        if neighbour.dropped or neighbour.score >= self.settings.graylist_threshold:
            return []
        # "A node MUST disconnect from a peer whose score falls below the graylist threshold." (04-gossip §9)
        neighbour.dropped = True
        neighbour.step(LinkStep.DROP, now)
        neighbour.queue.clear()
        return [Disconnect(neighbour.peer, why), Tell(PeerDropped(neighbour.peer, why))]

    def announce_soon(self, now: float) -> list[RouterAction]:
        """Set the batch timer for announcements, unless it runs."""
        if self.announce_at != NEVER:
            return []
        settings = self.settings
        delay_s = self.random.uniform(settings.announce_delay_min_s, settings.announce_delay_max_s)
        self.announce_at = now + delay_s
        return [SetTimer(AnnounceDue(self.announce_at), self.announce_at)]

    def want_soon(self) -> list[RouterAction]:
        """Set the timer for the next IWANT, unless an earlier one runs."""
        due = self.pulls.next_due
        if due >= self.want_at:
            return []
        self.want_at = due
        return [SetTimer(WantDue(due), due)]

    def enqueue(self, neighbour: Neighbour, gossip_id: GossipId) -> None:
        """Let an id wait for the peer's next IHAVE."""
        neighbour.queue[gossip_id] = None
        if len(neighbour.queue) > self.settings.announce_queue_max:
            self.shorten(neighbour)

    @staticmethod
    def shorten(neighbour: Neighbour) -> None:
        """Too many ids wait for a peer: the oldest goes."""
        del neighbour.queue[next(iter(neighbour.queue))]

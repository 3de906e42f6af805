"""What the victim said and nobody in the mesh holds yet, as far as this node knows; and, after a restart, all about its call.

Decides what is hidden from gossip and sync, and what came back. Comes in: own messages, and copies of them that peers
bring. Goes out: yes or no. Must not know by which way they leave.

A copy that comes back goes through the gate like a stranger's before it counts, epochs, budgets and the wait for its CALL
included: so this node passes it on when any other would.
"""

from collections.abc import Callable

from attrs import define, field

from p2p_sos.core.gossip.rpc import GossipId, PeerId
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import MessageId

PRUNE_FROM = (
    1024  # guess: own messages veiled at once, from which on those that are kept no longer are looked for
)
BACK_MAX = 4096  # guess: own messages that came back; of one that was forgotten it is waited for again
COPIES_MAX = 8  # copies of one message that wait for one verdict; more say nothing new


@define(eq=False)
class Veil:
    """Own messages, and others' about the own call, until they come back. `changes` counts what becomes hidden or visible."""

    changes: int = 0
    _frames: dict[GossipId, Frame] = field(factory=dict)
    _names: dict[MessageId, GossipId] = field(factory=dict)
    _bringers: dict[GossipId, list[PeerId]] = field(factory=dict)
    _back: dict[GossipId, None] = field(factory=dict)  # the oldest first

    @property
    def is_empty(self) -> bool:
        """Whether nothing is hidden."""
        return not self._frames

    def hides(self, gossip_id: GossipId) -> bool:
        """Whether the mesh must not learn here that this exists."""
        return gossip_id in self._frames

    def veils(self, message: MessageId) -> bool:
        """The same by the id of the message."""
        return message in self._names

    def hide(self, frame: Frame, gossip_id: GossipId) -> None:
        """Something was said here; what came back once is known to the mesh, whether it is still kept here or not."""
        # "What came back is from then on a message like any other" (11-origin §7)
        if gossip_id not in self._frames and gossip_id not in self._back:
            self._frames[gossip_id] = frame
            self._names[frame.id] = gossip_id
            self.changes += 1

    def prune(self, is_kept: Callable[[MessageId], bool]) -> None:
        """Let go of what this node keeps no longer: of that there is nothing to hide."""
        if len(self._frames) < PRUNE_FROM:
            return
        for gossip_id, frame in tuple(self._frames.items()):
            if not is_kept(frame.id):
                self._lift(gossip_id)

    def came(self, gossip_id: GossipId, peer: PeerId) -> None:
        """A peer brought a copy by gossip or sync, which the gate looks at next."""
        bringers = self._bringers.setdefault(gossip_id, [])
        if len(bringers) < COPIES_MAX and peer not in bringers:
            bringers.append(peer)

    def lift(self, gossip_id: GossipId) -> tuple[PeerId, ...]:
        """A copy was found good: gossip and sync may know the message from now on. Who brought it."""
        bringers = tuple(self._bringers.get(gossip_id, ()))
        self._lift(gossip_id)
        self._back[gossip_id] = None
        if len(self._back) > BACK_MAX:
            del self._back[next(iter(self._back))]
        return bringers

    def _lift(self, gossip_id: GossipId) -> None:
        frame = self._frames.pop(gossip_id)
        del self._names[frame.id]
        self._bringers.pop(gossip_id, None)
        self.changes += 1

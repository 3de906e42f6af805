"""What the victim said and nobody in the mesh holds yet, as far as this node knows.

Decides what is hidden from gossip and sync, and what came back. Comes in: own messages, and copies of them that peers
bring. Goes out: yes or no. Must not know by which way they leave.

A copy that comes back is verified like a stranger's before it counts: so this node passes it on no sooner than any other.
"""

from collections.abc import Callable
from enum import Enum

from attrs import define, field, frozen

from p2p_sos.core.actions import Verify
from p2p_sos.core.gossip.rpc import GossipId, PeerId
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import MessageId

PRUNE_FROM = (
    1024  # guess: own messages veiled at once, from which on those that are kept no longer are looked for
)
COPIES_MAX = 8  # copies of one message that wait for one verification; more say nothing new


class Path(Enum):
    """How a copy came."""

    GOSSIP = "gossip"
    SYNC = "sync"
    STEM = "stem"


@frozen
class Copy:
    """One copy of an own message, from a peer."""

    peer: PeerId
    path: Path


@define(eq=False)
class Veil:
    """Own messages until they come back. `changes` counts what becomes hidden or visible."""

    changes: int = 0
    _frames: dict[GossipId, Frame] = field(factory=dict)
    _names: dict[MessageId, GossipId] = field(factory=dict)
    _copies: dict[GossipId, list[Copy]] = field(factory=dict)

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
        """Something was said here."""
        if gossip_id not in self._frames:
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

    def came(self, gossip_id: GossipId, copy: Copy) -> list[Verify]:
        """A copy came; verified once, however many come meanwhile."""
        waiting = self._copies.setdefault(gossip_id, [])
        if len(waiting) < COPIES_MAX:
            waiting.append(copy)
        return [Verify(gossip_id, self._frames[gossip_id])] if len(waiting) == 1 else []

    def verified(self, gossip_id: GossipId) -> tuple[Frame, tuple[Copy, ...]] | None:
        """The copies that count now, and their message, which gossip and sync make visible; None: none were waiting."""
        copies = tuple(self._copies.pop(gossip_id, ()))
        if not copies:
            return None
        frame = self._frames[gossip_id]
        if any(copy.path is not Path.STEM for copy in copies):
            self._lift(gossip_id)
        return frame, copies

    def _lift(self, gossip_id: GossipId) -> None:
        frame = self._frames.pop(gossip_id)
        del self._names[frame.id]
        self._copies.pop(gossip_id, None)
        self.changes += 1

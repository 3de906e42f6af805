"""What waits for its verdict: messages whose CALL is not here yet, and CALLs for which there is no token yet.

Decides how long each waits and which goes when there are too many. Comes in: verified frames, local times.
Goes out: those that may go on, and those that waited in vain. Must not know why they are wanted.
"""

from attrs import define, field, frozen

from p2p_sos.core.gossip.rpc import GossipId
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import CallId, MessageId
from p2p_sos.wire.registry import ORPHAN_WAIT_S, ORPHANS_MAX


@frozen
class Waiting:
    """A verified frame without a verdict."""

    frame: Frame
    gossip_id: GossipId
    until: float
    synced: bool = False


@define
class Orphans:
    """Messages that came before their CALL; the call with most of them gives way first."""

    most: int = ORPHANS_MAX
    wait_s: float = ORPHAN_WAIT_S
    _by_call: dict[CallId, list[Waiting]] = field(factory=dict)
    _count: int = 0

    def hold(self, frame: Frame, gossip_id: GossipId, now: float, *, synced: bool) -> tuple[Waiting, ...]:
        """Let a frame wait; the ones returned wait no longer."""
        call: CallId = frame.message.call  # type: ignore[union-attr]
        self._by_call.setdefault(call, []).append(Waiting(frame, gossip_id, now + self.wait_s, synced))
        self._count += 1
        if self._count <= self.most:
            return ()
        fullest = max(self._by_call, key=lambda c: len(self._by_call[c]))
        self._count -= 1
        gone = self._by_call[fullest].pop(0)
        if not self._by_call[fullest]:
            del self._by_call[fullest]
        return (gone,)

    def adopt(self, call: CallId) -> tuple[Waiting, ...]:
        """The CALL came: all that waited for it, in the order of arrival."""
        waiting = tuple(self._by_call.pop(call, ()))
        self._count -= len(waiting)
        return waiting

    def overdue(self, now: float) -> tuple[Waiting, ...]:
        """What waited in vain."""
        gone: list[Waiting] = []
        for call in tuple(self._by_call):
            gone += [w for w in self._by_call[call] if w.until <= now]
            self._by_call[call] = [w for w in self._by_call[call] if w.until > now]
            if not self._by_call[call]:
                del self._by_call[call]
        self._count -= len(gone)
        return tuple(gone)

    @property
    def next_at(self) -> float | None:
        """When the next one will have waited in vain."""
        return min((w.until for waiting in self._by_call.values() for w in waiting), default=None)


@define
class CallQueue:
    """Verified CALLs that wait for a token; those of highest effort go first, and stay."""

    most: int
    _waiting: dict[GossipId, Waiting] = field(factory=dict)

    def hold(self, frame: Frame, gossip_id: GossipId, now: float) -> tuple[Waiting, ...]:
        """Let a CALL wait; the ones returned wait no longer."""
        self._waiting[gossip_id] = Waiting(frame, gossip_id, now + ORPHAN_WAIT_S)
        if len(self._waiting) <= self.most:
            return ()
        return (self._waiting.pop(max(self._waiting, key=self._order)),)

    def _order(self, gossip_id: GossipId) -> tuple[int, MessageId, GossipId]:
        frame = self._waiting[gossip_id].frame
        return -(frame.stamp.effort if frame.stamp else 0), frame.id, gossip_id

    def first(self) -> Waiting | None:
        """The one to admit next, taken out."""
        if not self._waiting:
            return None
        return self._waiting.pop(min(self._waiting, key=self._order))

    def overdue(self, now: float) -> tuple[Waiting, ...]:
        """What waited in vain."""
        gone = tuple(w for w in self._waiting.values() if w.until <= now)
        for waiting in gone:
            del self._waiting[waiting.gossip_id]
        return gone

    def __len__(self) -> int:
        return len(self._waiting)

"""The cells that pass through this node out of gossip's sight, and those that wait for their CALL.

Decides what stays when there are too many. Comes in: vetted frames. Goes out: the same. Must not know peers' roles or time
but as numbers that it keeps. Nothing here is ever announced, served, compared or kept on disk.
"""

from attrs import define, field

from p2p_sos.core.gossip.rpc import GossipId, PeerId
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import CallId, Key
from p2p_sos.wire.registry import STEM_ORPHANS_MAX, STEM_POOL_MAX, STEM_POOL_PER_CALL_MAX, Kind


def call_of(frame: Frame) -> CallId:
    """The call that a cell of the stem is about; its own id if it is one."""
    if frame.message.KIND is Kind.CALL:
        return frame.id
    call: CallId = frame.message.call  # type: ignore[union-attr]  # nothing else gets past the gate
    return call


@define(eq=False)
class Stemmed:
    """One cell on its way. `due_at`: when the timer that counts fires; `fluffs`: the cell leaves the stem then."""

    frame: Frame
    gossip_id: GossipId
    effort: int
    came_from: list[PeerId]
    went_to: list[PeerId] = field(factory=list)
    due_at: float = 0.0
    fluffs: bool = False

    def rank(self) -> tuple[int, GossipId]:
        """Ascending from the cell that stays longest."""
        return -self.effort, self.gossip_id


@define(eq=False)
class Stempool:
    """Bounded by the worth of what it holds, never by the order of coming."""

    pool_max: int = STEM_POOL_MAX
    per_call_max: int = STEM_POOL_PER_CALL_MAX
    orphans_max: int = STEM_ORPHANS_MAX
    _cells: dict[GossipId, Stemmed] = field(factory=dict)
    _by_call: dict[CallId, dict[GossipId, None]] = field(factory=dict)
    _orphans: dict[GossipId, tuple[Frame, PeerId, float]] = field(factory=dict)  # oldest first

    def __len__(self) -> int:
        return len(self._cells)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is here, on its way or waiting."""
        return not self._cells and not self._orphans

    def get(self, gossip_id: GossipId) -> Stemmed | None:
        """A cell on its way."""
        return self._cells.get(gossip_id)

    def put(self, stemmed: Stemmed) -> bool:
        """Take a cell in; False if there is no room for it, since others stay longer."""
        call = self._by_call.setdefault(call_of(stemmed.frame), {})
        self._cells[stemmed.gossip_id] = stemmed
        call[stemmed.gossip_id] = None
        # "Of more cells than `stem_pool_max`, those stay whose call has the higher effort, of equal effort those of lower
        # gossip id" (11-origin §5)
        if len(call) > self.per_call_max:
            self.drop(max(call, key=lambda one: (self._cells[one].frame.message.KIND is not Kind.CALL, one)))
        if len(self._cells) > self.pool_max:
            self.drop(max(self._cells.values(), key=Stemmed.rank).gossip_id)
        return stemmed.gossip_id in self._cells

    def drop(self, gossip_id: GossipId) -> None:
        """A cell is on its way no longer."""
        self._orphans.pop(gossip_id, None)
        stemmed = self._cells.pop(gossip_id, None)
        if stemmed is not None:
            call = call_of(stemmed.frame)
            del self._by_call[call][gossip_id]
            if not self._by_call[call]:
                del self._by_call[call]

    def call(self, call: CallId) -> tuple[Key, int] | None:
        """The signer and the effort of a CALL that is on its way."""
        for gossip_id in self._by_call.get(call, ()):
            frame = self._cells[gossip_id].frame
            if frame.message.KIND is Kind.CALL:
                return frame.message.signer, frame.stamp.effort if frame.stamp else 0
        return None

    def handed_to(self, peer: PeerId) -> tuple[Stemmed, ...]:
        """The cells whose newest hop was to this peer."""
        return tuple(one for one in self._cells.values() if one.went_to and one.went_to[-1] == peer)

    # ------------------------------------------------------------------ orphans

    def wait(self, gossip_id: GossipId, frame: Frame, peer: PeerId, until: float) -> None:
        """A cell waits for its CALL; of too many those of the call with most of them go first."""
        self._orphans[gossip_id] = frame, peer, until
        if len(self._orphans) <= self.orphans_max:
            return
        counts: dict[CallId, int] = {}
        for one, _, _ in self._orphans.values():
            counts[call_of(one)] = counts.get(call_of(one), 0) + 1
        fullest = max(counts, key=lambda call: (counts[call], call))
        del self._orphans[next(i for i, (one, _, _) in self._orphans.items() if call_of(one) == fullest)]

    def waits(self, gossip_id: GossipId) -> bool:
        """Whether a cell waits for its CALL."""
        return gossip_id in self._orphans

    def adopt(self, call: CallId, now: float) -> tuple[tuple[GossipId, Frame, PeerId], ...]:
        """The CALL is known: what waited for it, and did not wait too long."""
        self._orphans = {i: orphan for i, orphan in self._orphans.items() if orphan[2] > now}
        found = tuple((i, one, peer) for i, (one, peer, _) in self._orphans.items() if call_of(one) == call)
        for gossip_id, _, _ in found:
            del self._orphans[gossip_id]
        return found

"""What really happened to the cells of callers: the truth that guesses are held against.

Decides nothing. Comes in: every event and action of every place. Goes out: who let a cell out into the mesh, along which
relays it went before, who heard the call and when. Must not know what spies think, nor change anything.
"""

from collections.abc import Sequence

from attrs import define, field, frozen

from p2p_sos.core.actions import Action, SendRpc, SendStem, SendSync, Tell
from p2p_sos.core.events import Event
from p2p_sos.core.gossip.rpc import GossipId, PeerId
from p2p_sos.core.notices import CallHeard
from p2p_sos.sim.behaviour import Behaviour, Make
from p2p_sos.sim.shared import Shared
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import CallId
from p2p_sos.wire.registry import CELL_BYTES, Kind


@frozen
class Hop:
    """One cell went from one place to another by stem, at `at` by the places' clocks."""

    at: float
    sender: PeerId
    to: PeerId


@frozen
class Outing:
    """A cell was in the mesh for the first time: `who` sent, announced or synced it, at `at`."""

    at: float
    who: PeerId


@define(eq=False)
class Watch:
    """All that is known of the cells of one world."""

    shared: Shared
    cases: dict[CallId, dict[GossipId, None]] = field(factory=dict)  # the cells of the victim of each call
    hops: dict[GossipId, list[Hop]] = field(factory=dict)
    outings: dict[GossipId, Outing] = field(factory=dict)
    heard: dict[CallId, dict[PeerId, float]] = field(factory=dict)  # the moment at every place that heard it
    _hidden: dict[bytes, GossipId] = field(factory=dict)  # on the stem, and not in the mesh yet

    def around(self, make: Make) -> Make:
        """The same behaviour, watched."""
        return lambda seat: Watched(self, seat.name, make(seat))

    def by_stem(self, at: float, sender: PeerId, to: PeerId, cell: bytes) -> None:
        """A cell is sent along a stem."""
        gossip_id = self.shared.gossip_id(cell)
        self._attribute(gossip_id, cell)
        self.hops.setdefault(gossip_id, []).append(Hop(at, sender, to))
        if gossip_id not in self.outings:
            self._hidden[cell] = gossip_id

    def by_gossip(self, at: float, sender: PeerId, gossip_id: GossipId, cell: bytes | None) -> None:
        """A cell is sent in full, or announced (`cell` None), to the mesh."""
        if gossip_id not in self.outings:
            self.outings[gossip_id] = Outing(at, sender)
            self._hidden = {cell: i for cell, i in self._hidden.items() if i != gossip_id}
        if cell is not None:
            self._attribute(gossip_id, cell)

    def by_sync(self, at: float, sender: PeerId, frame: bytes) -> None:
        """A frame of sync is sent: a cell within it that was hidden is in the mesh from now on."""
        for cell, gossip_id in list(self._hidden.items()):
            if cell in frame:
                self.by_gossip(at, sender, gossip_id, cell)

    def _attribute(self, gossip_id: GossipId, cell: bytes) -> None:
        frame = self.shared.decode(cell)
        if not isinstance(frame, Frame):
            return
        if frame.message.KIND is Kind.CALL:
            self.cases.setdefault(frame.id, {})[gossip_id] = None
        elif (call := getattr(frame.message, "call", None)) is not None:
            self.cases.setdefault(call, {})[gossip_id] = None


class Watched:
    """One place under watch."""

    def __init__(self, watch: Watch, name: PeerId, sitter: Behaviour) -> None:
        self._watch, self._name, self._sitter = watch, name, sitter

    def handle(self, event: Event, now: float) -> Sequence[Action]:
        """One event; what follows from it is noted and passed on."""
        actions = self._sitter.handle(event, now)
        if actions:
            self._note(actions, now)
        return actions

    def _note(self, actions: Sequence[Action], now: float) -> None:
        watch, name, outings = self._watch, self._name, self._watch.outings
        for action in actions:
            kind = type(action)
            if kind is SendRpc:  # as nearly all are
                rpc = action.rpc  # type: ignore[union-attr]
                for carried in rpc.messages:
                    if carried.id not in outings:
                        watch.by_gossip(now, name, carried.id, carried.data)
                for _, ids in rpc.ihave:
                    for gossip_id in ids:
                        if gossip_id not in outings:
                            watch.by_gossip(now, name, gossip_id, None)
            elif isinstance(action, SendStem):
                watch.by_stem(now, name, action.peer, action.cell)
            elif isinstance(action, SendSync):
                if len(action.frame) > CELL_BYTES:
                    watch.by_sync(now, name, action.frame)
            elif isinstance(action, Tell) and isinstance(action.notice, CallHeard):
                watch.heard.setdefault(action.notice.call, {}).setdefault(name, now)

"""What really happened to the cells of callers: the truth that guesses are held against.

Decides nothing. Comes in: every event and action of every place. Goes out: who let a cell out into the mesh, along which
relays it went before, who heard the call and when, and which callers showed the mesh a cell of their own before the mesh had
shown it to them. Must not know what spies think, nor change anything.
"""

from collections.abc import Sequence

from attrs import define, field, frozen

from p2p_sos.core.actions import Action, SendRpc, SendStem, SendSync, Tell
from p2p_sos.core.events import Event, RpcReceived, StemReceived, SyncReceived
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
class Own:
    """What one caller said itself: cells that it sent and that never came to it before, and which of them came back."""

    said: dict[GossipId, bytes | None] = field(factory=dict)  # the cell, where it was seen whole
    others: dict[GossipId, None] = field(factory=dict)  # what came to it before it sent it
    back: dict[GossipId, None] = field(factory=dict)  # of what it said: by gossip or by sync
    let_out: dict[GossipId, None] = field(factory=dict)  # shown to the mesh before it came back

    def came(self, gossip_id: GossipId, *, hidden: bool) -> None:
        """A cell came from a peer; `hidden`: by stem, where nobody else sees it."""
        if gossip_id not in self.said:
            self.others[gossip_id] = None
        elif not hidden:
            self.back[gossip_id] = None

    def synced(self, frame: bytes) -> None:
        """A frame of sync came."""
        self.back.update(dict.fromkeys(self._within(frame)))

    def says(self, gossip_id: GossipId, cell: bytes | None, *, hidden: bool) -> None:
        """A cell is sent, or announced (`cell` None)."""
        if gossip_id in self.others:
            return
        self.said[gossip_id] = cell or self.said.get(gossip_id)
        if not hidden and gossip_id not in self.back:
            self.let_out[gossip_id] = None

    def gives(self, frame: bytes) -> None:
        """A frame of sync is sent."""
        for gossip_id in self._within(frame):
            self.says(gossip_id, None, hidden=False)

    def _within(self, frame: bytes) -> list[GossipId]:
        return [gossip_id for gossip_id, cell in self.said.items() if cell is not None and cell in frame]


@define(eq=False)
class Watch:
    """All that is known of the cells of one world."""

    shared: Shared
    cases: dict[CallId, dict[GossipId, None]] = field(factory=dict)  # the cells of the victim of each call
    hops: dict[GossipId, list[Hop]] = field(factory=dict)
    outings: dict[GossipId, Outing] = field(factory=dict)
    heard: dict[CallId, dict[PeerId, float]] = field(factory=dict)  # the moment at every place that heard it
    own: dict[PeerId, Own] = field(factory=dict)  # of the callers, as far as they are named here
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
        own = self._watch.own.get(self._name)
        if own is not None:
            self._came(own, event)
        actions = self._sitter.handle(event, now)
        if actions:
            if own is not None:
                self._said(own, actions)
            self._note(actions, now)
        return actions

    def _came(self, own: Own, event: Event) -> None:
        if isinstance(event, RpcReceived):
            for carried in event.rpc.messages:
                own.came(carried.id, hidden=False)
        elif isinstance(event, StemReceived):
            own.came(self._watch.shared.gossip_id(event.cell), hidden=True)
        elif isinstance(event, SyncReceived):
            own.synced(event.frame)

    def _said(self, own: Own, actions: Sequence[Action]) -> None:
        for action in actions:
            if isinstance(action, SendRpc):
                for carried in action.rpc.messages:
                    own.says(carried.id, carried.data, hidden=False)
                for _, ids in action.rpc.ihave:
                    for gossip_id in ids:
                        own.says(gossip_id, None, hidden=False)
            elif isinstance(action, SendStem):
                own.says(self._watch.shared.gossip_id(action.cell), action.cell, hidden=True)
            elif isinstance(action, SendSync):
                own.gives(action.frame)

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

"""Where a victim's words come out of the stem: overheard from all that nodes send, with no trust in what any node thinks.

Decides what counts as a fluff of the source. Comes in: the actions of all places. Goes out: figures of one run. Must not know
the machines of the stem.
"""

from collections.abc import Sequence

from attrs import define, field

from p2p_sos.core.actions import Action, SendRpc, SendStem, SendSync
from p2p_sos.sim.places import Place
from p2p_sos.sim.world import World
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import CallId
from p2p_sos.wire.registry import Kind
from p2p_sos.wire.sync import Cells, Give, Newest, decode


@define(eq=False)
class Emergence:
    """One world's victims. A source fluffs when of all places its own is the first to show gossip or sync a cell of its case."""

    world: World
    shown_by: dict[bytes, str] = field(factory=dict)  # gossip id of a victim's cell -> who showed it first
    fluffs: dict[bytes, None] = field(factory=dict)
    hops: int = 0  # of CALLs
    relays: dict[str, None] = field(factory=dict)  # to whom a source gave anything of its case

    def __attrs_post_init__(self) -> None:
        self.world.overhear = self.overhear

    def overhear(self, place: Place, actions: Sequence[Action]) -> None:
        """What one place does now."""
        for action in actions:
            match action:
                case SendStem(peer=peer, cell=cell):
                    self._on_stem(place, peer, cell)
                case SendRpc(rpc=rpc) if rpc.messages or rpc.ihave:
                    for carried in rpc.messages:
                        self._on_shown(place, carried.id, carried.data)
                    for _, ids in rpc.ihave:
                        for one in ids:
                            self._on_shown(place, one)
                case SendSync(frame=frame) if place.victim is not None:
                    told = decode(frame)
                    for cell in told.cells if isinstance(told, Cells | Give | Newest) else ():
                        self._on_shown(place, self.world.shared.gossip_id(cell), cell)

    def _victim_of(self, cell: bytes) -> Place | None:
        frame = self.world.shared.decode(cell)
        owner = self.world.observer.owners.get(frame.message.signer) if isinstance(frame, Frame) else None
        return owner if owner is not None and owner.victim is not None else None

    def _on_stem(self, place: Place, peer: str, cell: bytes) -> None:
        frame = self.world.shared.decode(cell)
        self.hops += isinstance(frame, Frame) and frame.message.KIND is Kind.CALL
        if self._victim_of(cell) is place:
            self.relays[peer] = None

    def _on_shown(self, place: Place, gossip_id: bytes, cell: bytes | None = None) -> None:
        if gossip_id in self.shown_by:
            return
        if place.victim is None:
            self.shown_by[gossip_id] = place.name  # whatever it is: it is out
            return
        own = self._own_cell(place, gossip_id) if cell is None else cell
        if own is not None and self._victim_of(own) is place:
            self.fluffs[gossip_id] = None
        self.shown_by[gossip_id] = place.name

    def _own_cell(self, place: Place, gossip_id: bytes) -> bytes | None:
        node = place.node
        frame = None if node is None else node.archive.memory.named(gossip_id)
        return None if frame is None else frame.cell

    def figures(self, call: CallId) -> dict[str, float]:
        """What the world should know of one call at the end of the run."""
        there = [p.name for p in self.world.places if p.is_honest and p.responder is not None]
        heard = {r[1]: r[0] for r in self.world.trace.of("heard") if r[3] == call and r[1] in there}
        start_s = self.world.call_facts[call].start_s
        told = {
            "delivered": len(heard) / max(1, len(there)),
            "source_fluffs": float(len(self.fluffs)),
            "stem_hops": float(self.hops),
            "source_relays": float(len(self.relays)),
        }
        # A call that did not come to everybody has no time at which it did.
        everybody = there and len(heard) == len(there)
        return told | ({"delivered_s": max(heard.values()) - start_s} if everybody else {})

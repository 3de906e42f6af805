"""What hides the origin of messages at one node: the stem of others, and the way of this node's own case.

Decides which of the two hears what. Comes in: events of the driver, verdicts, own messages and their copies. Goes out: steps
for the node. Must not know what a message means.
"""

from collections.abc import Callable
from typing import Any

from attrs import define, evolve, field

from p2p_sos.core.events import (
    Event,
    PeerJoined,
    PeerLeft,
    Pushed,
    PushFailed,
    Restored,
    StemReceived,
    StemRefused,
    TimerFired,
)
from p2p_sos.core.gossip.rpc import GossipId
from p2p_sos.core.internal import Looped, Publish, Returned, Surfaced, Utter, Vetted
from p2p_sos.core.origin.draws import Draws
from p2p_sos.core.origin.pusher import PushDue, Pusher
from p2p_sos.core.origin.relays import Relays
from p2p_sos.core.origin.source import ReturnDue, Source
from p2p_sos.core.origin.stem import Stem, StemDue
from p2p_sos.core.origin.veil import Veil
from p2p_sos.core.origin.way import Way
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.hashing import gossip_id as gossip_id_of
from p2p_sos.wire.messages import CallId, Key
from p2p_sos.wire.refusals import Reason, Refusal

ORIGIN_TIMERS = StemDue | ReturnDue | PushDue


@define(eq=False)
class Origin:
    """Every node relays; a victim whose way is not DIRECT has a `veil` and a machine of its own besides."""

    way: Way
    _entropy: Callable[[int], bytes] = field(repr=False)
    _effort_of: Callable[[CallId], int]
    veil: Veil
    _victim: Key | None = None  # who signs the own case
    relays: Relays = field(init=False)
    stem: Stem = field(init=False)
    _own: Source | Pusher | None = field(init=False)
    _earlier: dict[GossipId, None] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        draws = Draws(self._entropy)
        self.relays = Relays(draws)
        self.stem = Stem(self.relays, draws, self._effort_of)
        self._own = None
        if self.way is not Way.DIRECT:
            self._own = Source(self.relays, draws) if self.way is Way.STEM else Pusher()

    @property
    def is_hidden(self) -> bool:
        """Whether the own case goes beside gossip."""
        return self._own is not None

    @property
    def fault(self) -> str | None:
        """Why the way of the case can carry nothing at the moment; None if it can, as far as this node knows."""
        return self.relays.fault if self.way is Way.STEM else None

    def handle(self, event: Event | Vetted | Surfaced | Utter | Returned | Looped, now: float) -> list[Any]:
        """One event."""
        match event:
            case StemReceived(peer=peer, cell=cell):
                gossip_id = gossip_id_of(cell, canonical=True)
                # "Its own cell on the stem it treats as any node that relays does" (11-origin §8)
                if isinstance(self._own, Source) and self.veil.hides(gossip_id):
                    # At once, as at a relay that passed it on: neither looks at it a second time.
                    counts = self.stem.takes(peer, now)
                    return self._own_on(Looped(gossip_id, peer), now) if counts else []
                return [*self.stem.handle(event, now)]
            case Vetted(frame=frame, refusal=None) if frame is not None and self._is_source_of(frame):
                # "What its own key signed is its own, whether it remembers it or not" (11-origin §6)
                dropped = self.stem.handle(evolve(event, refusal=Refusal(Reason.KNOWN)), now)
                return [*dropped, *self._own_on(Looped(event.gossip_id, event.peer), now)]
            case PeerJoined(peer=peer, outbound=outbound, network=network):
                self.relays.joined(peer, network, outbound=outbound)
            case PeerLeft(peer=peer):
                self.relays.left(peer)
            case StemRefused(peer=peer):
                self.relays.refused(peer)
        return [*self._stem_on(event, now), *self._own_on(event, now)]

    def _is_source_of(self, frame: Frame) -> bool:
        return isinstance(self._own, Source) and frame.message.signer == self._victim

    def _stem_on(self, event: Any, now: float) -> list[Any]:
        heard = PeerJoined | PeerLeft | StemRefused | Vetted | Surfaced | TimerFired
        return [*self.stem.handle(event, now)] if isinstance(event, heard) else []

    def _own_on(self, event: Any, now: float) -> list[Any]:
        match self._own:
            case Source() as source:
                heard = (
                    Utter | Returned | Looped | PeerJoined | PeerLeft | StemRefused | Restored | TimerFired
                )
                return [*source.handle(event, now)] if isinstance(event, heard) else []
            case Pusher() as pusher:
                told = Utter | Returned | Pushed | PushFailed | TimerFired
                return [*pusher.handle(event, now)] if isinstance(event, told) else []
        return []

    # ------------------------------------------------------------------ the own case

    def recall(self, frame: Frame, gossip_id: GossipId) -> None:
        """An own message of an earlier run: whether it ever came back is not known any more."""
        if self.is_hidden:
            self._earlier[gossip_id] = None
            self.veil.hide(frame, gossip_id)

    def utter(self, publish: Publish, gossip_id: GossipId, now: float, *, known: bool) -> list[Any]:
        """The case says something, for the first time or (`known`) again; what came back is said by all the mesh."""
        if not known:
            self.veil.hide(publish.frame, gossip_id)
        if not self.veil.hides(gossip_id):
            return []
        earlier = gossip_id in self._earlier
        return self._own_on(Utter(publish.frame, gossip_id, publish.avoid, earlier), now)

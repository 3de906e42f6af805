"""The stem at a relay: cells of others, passed on out of sight until they are let out (document 11).

Decides where a cell of the stem goes, and when it leaves it. Comes in: cells of peers, verdicts, time, what surfaced in
gossip. Goes out: `SendStem`, timers, `Vet`, `Release`, `Blame`. Must not know whose cells they are: those of a
source never come here, those of a victim that pushes are as anybody's.
"""

from collections.abc import Callable

from attrs import define, field, frozen

from p2p_sos.core.actions import SendStem, SetTimer
from p2p_sos.core.calls.admission import verdict_of
from p2p_sos.core.calls.budgets import Bucket
from p2p_sos.core.events import PeerJoined, PeerLeft, StemReceived, StemRefused, TimerFired
from p2p_sos.core.gossip.rpc import GossipId, PeerId
from p2p_sos.core.internal import Blame, Release, Surfaced, Verdict, Vet, Vetted
from p2p_sos.core.origin.draws import Draws
from p2p_sos.core.origin.relays import Relays
from p2p_sos.core.origin.stempool import Stemmed, Stempool, call_of
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.hashing import gossip_id as gossip_id_of
from p2p_sos.wire.messages import CallId
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import (
    ORPHAN_WAIT_S,
    STEM_CELLS_BURST,
    STEM_CELLS_PER_S,
    STEM_EMBARGO_S,
    STEM_FLUFF_DELAY_S,
    Kind,
)

StemEvent = PeerJoined | PeerLeft | StemReceived | StemRefused | Vetted | Surfaced | TimerFired
StemStep = SendStem | SetTimer | Vet | Release | Blame


@frozen
class StemDue:
    """A timer: the embargo of a cell, or its delay before it is let out, is over."""

    gossip_id: GossipId
    at: float


@define(eq=False)
class Stem:
    """One relay. `effort_of`: the effort of a call that gossip brought, 0 if it brought none."""

    _relays: Relays
    _draws: Draws
    _effort_of: Callable[[CallId], int]
    _pool: Stempool = field(factory=Stempool)
    _buckets: dict[PeerId, Bucket] = field(factory=dict)
    _vetting: dict[GossipId, None] = field(factory=dict)

    def __len__(self) -> int:
        return len(self._pool)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way here, nor waits."""
        return self._pool.is_empty

    def handle(self, event: StemEvent, now: float) -> list[StemStep]:
        """One event."""
        match event:
            case StemReceived(peer=peer, cell=cell):
                return self._on_received(peer, cell, now)
            case Vetted():
                return self._on_vetted(event, now)
            case Surfaced(frame=frame, gossip_id=gossip_id):
                return self._on_surfaced(frame, gossip_id, now)
            case TimerFired(key=StemDue() as due):
                return self._on_due(due, now)
            case StemRefused(peer=peer):
                return self._on_refused(peer, now)
            case PeerJoined(peer=peer):
                self._buckets.setdefault(peer, Bucket(STEM_CELLS_PER_S, STEM_CELLS_BURST))
            case PeerLeft(peer=peer):
                self._buckets.pop(peer, None)
        return []

    # ------------------------------------------------------------------ coming

    def takes(self, peer: PeerId, now: float) -> bool:
        """Whether one more cell of this peer is looked at; it is counted."""
        # "A reader takes `stem_cells_per_s` cells of one peer, `stem_cells_burst` at once, and drops the others at nobody's
        # cost." (11-origin §5)
        bucket = self._buckets.get(peer)
        return bucket is not None and bucket.take(now)

    def _on_received(self, peer: PeerId, cell: bytes, now: float) -> list[StemStep]:
        if not self.takes(peer, now):
            return []
        gossip_id = gossip_id_of(cell, canonical=True)
        if (stemmed := self._pool.get(gossip_id)) is not None:
            return self._on_loop(stemmed, peer, now)
        if gossip_id in self._vetting or self._pool.waits(gossip_id):
            return []
        self._vetting[gossip_id] = None
        return [Vet(gossip_id, cell, peer)]

    def _on_vetted(self, event: Vetted, now: float) -> list[StemStep]:
        self._vetting.pop(event.gossip_id, None)
        frame, refusal = event.frame, event.refusal
        if refusal is not None or frame is None:
            return self._judge(event.peer, refusal)
        if not event.orphan:
            return self._take(frame, event.gossip_id, event.peer, now)
        # "A cell whose CALL the relay knows neither from gossip nor from the stem waits for it, as an orphan of gossip does"
        # (11-origin §5)
        if self._pool.call(call_of(frame)) is None:
            self._pool.wait(event.gossip_id, frame, event.peer, now + ORPHAN_WAIT_S)
            return []
        return self._follow(frame, event.gossip_id, event.peer, now)

    def _judge(self, peer: PeerId, refusal: Refusal | None) -> list[StemStep]:
        # "A cell that gossip would reject MUST be counted against the peer that sent it, and MUST NOT be remembered."
        # (11-origin §5)
        bad = verdict_of(refusal) is Verdict.REJECT
        return [Blame(peer, "invalid cells on the stem")] if bad else []

    def _follow(self, frame: Frame, gossip_id: GossipId, peer: PeerId, now: float) -> list[StemStep]:
        """What belongs to a CALL that is itself on its way through here."""
        known = self._pool.call(call_of(frame))
        assert known is not None, "its CALL is in the stempool"
        if known[0] != frame.message.signer:
            return self._judge(peer, Refusal(Reason.SIGNER, "not the victim's key"))
        return self._take(frame, gossip_id, peer, now)

    def _take(self, frame: Frame, gossip_id: GossipId, peer: PeerId, now: float) -> list[StemStep]:
        stemmed = Stemmed(frame, gossip_id, self._effort(frame), [peer])
        if not self._pool.put(stemmed):
            return []
        steps = self._pass_on(stemmed, peer, now)
        if frame.message.KIND is Kind.CALL:
            for orphan_id, orphan, sender in self._pool.adopt(frame.id, now):
                steps += self._follow(orphan, orphan_id, sender, now)
        return steps

    def _effort(self, frame: Frame) -> int:
        if frame.stamp is not None:
            return frame.stamp.effort
        known = self._pool.call(call_of(frame))
        return self._effort_of(call_of(frame)) if known is None else known[1]

    # ------------------------------------------------------------------ going

    def _pass_on(self, stemmed: Stemmed, predecessor: PeerId, now: float) -> list[StemStep]:
        relay = None if self._relays.is_diffuser(now) else self._relays.route(predecessor, now)
        # "A diffuser, and a node without a relay to pass a cell to, lets it out" (11-origin §4)
        return self._fluff_soon(stemmed, now) if relay is None else self._send(stemmed, relay, now)

    def _send(self, stemmed: Stemmed, relay: PeerId, now: float) -> list[StemStep]:
        stemmed.went_to.append(relay)
        steps: list[StemStep] = [SendStem(relay, stemmed.frame.cell)]
        if len(stemmed.went_to) == 1:
            # "When a relay passes a cell on for the first time, it draws an embargo, exponential with the mean
            # `stem_embargo_s`." (11-origin §4)
            steps.append(self._wait(stemmed, float(STEM_EMBARGO_S), now))
        return steps

    def _wait(self, stemmed: Stemmed, mean_s: float, now: float) -> SetTimer:
        stemmed.due_at = now + self._draws.exponential(mean_s)
        return SetTimer(StemDue(stemmed.gossip_id, stemmed.due_at), stemmed.due_at)

    def _fluff_soon(self, stemmed: Stemmed, now: float) -> list[StemStep]:
        # "It waits before it does, exponential with the mean `stem_fluff_delay_s`" (11-origin §4)
        stemmed.fluffs = True
        return [self._wait(stemmed, float(STEM_FLUFF_DELAY_S), now)]

    def _on_loop(self, stemmed: Stemmed, peer: PeerId, now: float) -> list[StemStep]:
        """A cell comes again: whoever sent it will not have it back, nor whoever had it from here."""
        if peer not in stemmed.came_from:
            stemmed.came_from.append(peer)
        if stemmed.fluffs:
            return []
        # "A cell that comes again while it is under way takes the other relay, if that neither sent nor was sent it; else
        # nothing is done." (11-origin §4)
        others = self._relays.others((*stemmed.came_from, *stemmed.went_to), now)
        return self._send(stemmed, others[0], now) if others else []

    def _on_due(self, due: StemDue, now: float) -> list[StemStep]:
        stemmed = self._pool.get(due.gossip_id)
        if stemmed is None or stemmed.due_at != due.at:
            return []
        if not stemmed.fluffs:
            # "When it ends and the cell was not seen in gossip, the relay lets it out." (11-origin §4)
            return self._fluff_soon(stemmed, now)
        self._pool.drop(due.gossip_id)
        return [Release(due.gossip_id, stemmed.frame.cell)]

    def _on_refused(self, peer: PeerId, now: float) -> list[StemStep]:
        """A peer got nothing of what was sent to it: another one gets it."""
        steps: list[StemStep] = []
        for stemmed in self._pool.handed_to(peer):
            if not stemmed.fluffs:
                others = self._relays.others((*stemmed.came_from, *stemmed.went_to), now)
                steps += self._send(stemmed, others[0], now) if others else self._fluff_soon(stemmed, now)
        return steps

    def _on_surfaced(self, frame: Frame, gossip_id: GossipId, now: float) -> list[StemStep]:
        # "A cell that the relay admits from gossip or sync leaves its stempool." (11-origin §5)
        self._pool.drop(gossip_id)
        if frame.message.KIND is not Kind.CALL:
            return []
        steps: list[StemStep] = []
        for orphan_id, orphan, peer in self._pool.adopt(frame.id, now):
            if orphan_id not in self._vetting:
                self._vetting[orphan_id] = None
                steps.append(Vet(orphan_id, orphan.cell, peer))
        return steps

"""The gate: every message of others waits here until it has a verdict.

Decides the order of the checks, the cheapest first, and who waits for what. Comes in: what the router wants
examined, what was verified, timers. Goes out: `Verify`, `Judged`, `Welcomed`, PROOFs. Must not know what becomes of a
message inside, nor who sent it.
"""

from collections.abc import Callable

from attrs import define, field, frozen

from p2p_sos.core.actions import SetTimer, Verify
from p2p_sos.core.calls.admission import Admission, verdict_of
from p2p_sos.core.calls.budgets import Lane
from p2p_sos.core.calls.waiting import CallQueue, Orphans, Waiting
from p2p_sos.core.events import TimerFired, Verified
from p2p_sos.core.gossip.rpc import GossipId, PeerId
from p2p_sos.core.internal import Examine, Judged, Offered, Publish, Vet, Vetted
from p2p_sos.wire.frames import Frame, decode
from p2p_sos.wire.hashing import NetworkId
from p2p_sos.wire.hashing import gossip_id as gossip_id_of
from p2p_sos.wire.messages import CallId
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import Kind

Decode = Callable[[bytes, NetworkId], Frame | Refusal]
CALLS_WAITING_MAX = 256  # guess: half a megabyte of CALLs that wait for a token


@frozen
class Welcomed:
    """An action of the gate: this message may be kept, if the bounds have room for it."""

    frame: Frame
    gossip_id: GossipId
    synced: bool = False


@frozen
class OrphansDue:
    """Some messages may have waited for their CALL in vain."""

    at: float


@frozen
class CallDue:
    """There may be a token for a CALL that waits."""

    at: float


Step = Verify | Judged | Welcomed | Publish | SetTimer | Vetted


def judged(gossip_id: GossipId, refusal: Refusal | None) -> Judged:
    """The verdict that a reason means."""
    return Judged(gossip_id, verdict_of(refusal), refusal)


@define(eq=False)
class Gate:
    """Messages on their way in. `closed` holds why nothing new is accepted, or is empty."""

    admission: Admission
    decode: Decode = field(default=decode, repr=False)
    closed: str = ""
    _orphans: Orphans = field(factory=Orphans)
    _queue: CallQueue = field(factory=lambda: CallQueue(CALLS_WAITING_MAX))
    _verifying: dict[GossipId, tuple[Lane, bool]] = field(factory=dict)  # and whether sync brought it
    _vetting: dict[GossipId, tuple[Lane, PeerId]] = field(factory=dict)
    _call_due_at: float | None = None
    _orphans_due_at: float | None = None

    def examine(self, examine: Examine, now: float) -> list[Step]:
        """Look at bytes for the first time."""
        carried = examine.carried
        # "Order: size, canonical form, what is known, epoch and signer, budget, signature and stamp." (05-calls §3)
        if not carried.canonical:
            return [judged(carried.id, Refusal(Reason.NOT_CANONICAL, "the carrying message"))]
        return self._look(carried.data, carried.id, now, synced=False)

    def offered(self, offered: Offered, now: float) -> list[Step]:
        """Look at bytes that sync brought. A verdict means nothing to gossip, unless it waits for the same one."""
        return self._look(offered.cell, gossip_id_of(offered.cell, canonical=True), now, synced=True)

    def _look(self, cell: bytes, gossip_id: GossipId, now: float, *, synced: bool) -> list[Step]:
        frame = self.decode(cell, self.admission.profile.network)
        if isinstance(frame, Refusal):
            return [judged(gossip_id, frame)]
        refusal = self.admission.welcome(frame, now, synced=synced) or self._shut()
        # "What conflicts with a message that is held is verified all the same" (06-board §12)
        if refusal is not None and self.admission.conviction(frame, refusal) is None:
            return [judged(gossip_id, refusal)]
        if gossip_id in self._verifying:
            return []  # forgotten meanwhile, or it came both ways: the verdict of the first time is on its way
        lane = self.admission.lane(frame)
        # "What a stranger says SHOULD NOT be verified while its lane has no room." (05-calls §8)
        if self.admission.is_full(lane, now) or not self.admission.gauge.enter(lane):
            return [judged(gossip_id, Refusal(Reason.BUDGET, f"too many of lane {lane.value} at once"))]
        self._verifying[gossip_id] = lane, synced
        return [Verify(gossip_id, frame)]

    def _shut(self) -> Refusal | None:
        return Refusal(Reason.BUDGET, self.closed) if self.closed else None

    def verified(self, event: Verified, now: float) -> list[Step]:
        """Signature and stamp were looked at."""
        vetted: list[Step] = [*self._vetted(event, now)]
        verifying = self._verifying.pop(event.gossip_id, None)
        if verifying is None:
            return vetted  # not asked for, or answered twice
        lane, synced = verifying
        self.admission.gauge.leave(lane)
        if event.refusal is not None:
            return [*vetted, judged(event.gossip_id, event.refusal)]
        return [*vetted, *self._consider(event.frame, event.gossip_id, now, synced)]

    def _consider(self, frame: Frame, gossip_id: GossipId, now: float, synced: bool) -> list[Step]:
        """A true message; while it was verified, or waited, things may have changed."""
        refusal = self.admission.welcome(frame, now, synced=synced) or self._shut()
        if refusal is not None:
            proof = self.admission.conviction(frame, refusal)
            return [judged(gossip_id, refusal), *([] if proof is None else [Publish(proof)])]
        if frame.message.KIND is Kind.CALL:
            # "A CALL that comes by sync obeys this bound, and waits for no token." (05-calls §5)
            return [Welcomed(frame, gossip_id, True)] if synced else self._on_call(frame, gossip_id, now)
        if self.admission.is_orphan(frame):
            return self._on_orphan(frame, gossip_id, now, synced)
        if (refusal := self.admission.afford(frame, now, synced=synced)) is not None:
            return [judged(gossip_id, refusal)]
        return [Welcomed(frame, gossip_id, synced)]

    # ------------------------------------------------------------------ the stem

    def vet(self, vet: Vet, now: float) -> list[Step]:
        """Look at a cell of the stem: every check of gossip, and nothing is counted, kept or remembered."""
        frame = self.decode(vet.cell, self.admission.profile.network)
        if isinstance(frame, Refusal):
            return [Vetted(vet.gossip_id, vet.peer, None, frame)]
        lane = self.admission.lane(frame)
        # "A relay MUST admit a cell before it passes it on, by every rule of 05-calls but its budgets." (11-origin §5)
        refusal = self.admission.vet(frame, now) or self._shut()
        if refusal is None and (self.admission.is_full(lane, now) or not self.admission.gauge.enter(lane)):
            refusal = Refusal(Reason.BUDGET, f"too many of lane {lane.value} at once")
        if refusal is not None:
            return [Vetted(vet.gossip_id, vet.peer, frame, refusal)]
        assert vet.gossip_id not in self._vetting, "the stem asks once"
        self._vetting[vet.gossip_id] = lane, vet.peer
        return [Verify(vet.gossip_id, frame)]

    def _vetted(self, event: Verified, now: float) -> list[Vetted]:
        vetting = self._vetting.pop(event.gossip_id, None)
        if vetting is None:
            return []
        lane, peer = vetting
        self.admission.gauge.leave(lane)
        refusal = event.refusal or self.admission.vet(event.frame, now) or self._shut()
        orphan = refusal is None and self.admission.is_orphan(event.frame)
        return [Vetted(event.gossip_id, peer, event.frame, refusal, orphan)]

    # ------------------------------------------------------------------ CALLs wait for tokens

    def _on_call(self, frame: Frame, gossip_id: GossipId, now: float) -> list[Step]:
        # "CALLs are admitted at the profile's rate, those of highest effort first." (05-calls §5)
        if not len(self._queue) and self.admission.call_bucket.take(now):
            return [Welcomed(frame, gossip_id)]
        overdue = self._queue.hold(frame, gossip_id, now)
        return [*_in_vain(overdue, Reason.BUDGET), *self._wait_for_token(now)]

    def _wait_for_token(self, now: float) -> list[Step]:
        if self._call_due_at is not None or not len(self._queue):
            return []
        self._call_due_at = now + self.admission.call_bucket.due_s()
        return [SetTimer(CallDue(self._call_due_at), self._call_due_at)]

    def _on_call_due(self, due: CallDue, now: float) -> list[Step]:
        if due.at != self._call_due_at:
            return []
        self._call_due_at = None
        steps: list[Step] = [*_in_vain(self._queue.overdue(now), Reason.BUDGET)]
        while len(self._queue) and self.admission.call_bucket.take(now):
            waiting = self._queue.first()
            assert waiting is not None, "the queue is not empty"
            refusal = self.admission.welcome(waiting.frame, now) or self._shut()
            good: Step = Welcomed(waiting.frame, waiting.gossip_id)
            steps.append(good if refusal is None else judged(waiting.gossip_id, refusal))
        return steps + self._wait_for_token(now)

    # ------------------------------------------------------------------ orphans wait for CALLs

    def _on_orphan(self, frame: Frame, gossip_id: GossipId, now: float, synced: bool) -> list[Step]:
        # "A message whose CALL is unknown waits, bounded in number and time, and is nobody's fault." (05-calls §3)
        overdue = self._orphans.hold(frame, gossip_id, now, synced=synced)
        return [*_in_vain(overdue, Reason.ORPHAN), *self._wait_for_calls()]

    def _wait_for_calls(self) -> list[Step]:
        due_at = self._orphans.next_at
        if self._orphans_due_at is not None or due_at is None:
            return []
        self._orphans_due_at = due_at
        return [SetTimer(OrphansDue(due_at), due_at)]

    def adopt(self, call: CallId, now: float) -> list[Step]:
        """A CALL was admitted: what waited for it is looked at."""
        steps: list[Step] = []
        for waiting in self._orphans.adopt(call):
            steps += self._consider(waiting.frame, waiting.gossip_id, now, waiting.synced)
        return steps

    def fire(self, event: TimerFired, now: float) -> list[Step]:
        """A timer of the gate."""
        match event.key:
            case OrphansDue(at=at) if at == self._orphans_due_at:
                self._orphans_due_at = None
                return [*_in_vain(self._orphans.overdue(now), Reason.ORPHAN), *self._wait_for_calls()]
            case CallDue() as due:
                return self._on_call_due(due, now)
            case _:
                return []


def _in_vain(waiting: tuple[Waiting, ...], reason: Reason) -> list[Judged]:
    return [judged(w.gossip_id, Refusal(reason, "waited in vain")) for w in waiting]

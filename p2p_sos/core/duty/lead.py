"""The lead of a call: who says what so that the help for it has one head.

Decides when this node names a roster, reports, hands over, yields, and falls silent as a lead that stood still or hears
nobody. Comes in: what boards say, timers, the word of the person on duty. Goes out: ROSTER, SITREP, HANDOVER, timers, a
probe. Must not know policies, slots, cards or sealed letters.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from attrs import define, field

from p2p_sos.core.actions import SetTimer
from p2p_sos.core.board.board import LOG_KEPT
from p2p_sos.core.board.standing import View
from p2p_sos.core.calls.calls import Calls, CallState
from p2p_sos.core.duty import succession
from p2p_sos.core.duty.author import Author
from p2p_sos.core.duty.post import HoldEnds, Post, SitrepDue, Unrest
from p2p_sos.core.duty.replies import Step
from p2p_sos.core.events import Event, OperatorReports, Started, TimerFired
from p2p_sos.core.internal import Admitted, CallEnded, CallReopened, Probe, Publish, ViewChanged
from p2p_sos.wire.messages import (
    NOTHING,
    CallId,
    Claim,
    Handover,
    Key,
    MessageId,
    Roster,
    Sitrep,
)
from p2p_sos.wire.registry import (
    LEASE_SLOW_FACTOR,
    SITREPS_FAST,
    Cause,
    Phase,
    Severity,
    SitrepStatus,
    Timing,
)

JITTER = 0.1  # guess: a report may come a little early, never late
FENCE_SHARE = 2 / 3  # brief: section 8, of its lease a lead may hear nobody
PROBE_SHARE = 1 / 3  # guess: of its lease; then there is as much time again for an answer
LATE_SHARE = 1 / 3  # guess: of its lease a report may be late before the process must have stood still
REWRITES_FREE = 4  # guess: changes of a roster at full pace; then ever more rarely, for every log is bounded
YIELDED_MAX = 8  # guess: rosters that one node yields to in one call
WORDS_MAX = LOG_KEPT // 2  # guess: entries after a CLAIM, beyond which a lead only says what it must
PHASES = {Severity.EMERGENCY: Phase.DETRESFA, Severity.SEVERE: Phase.DETRESFA, Severity.HIGH: Phase.ALERFA}


@define(eq=False)
class Lead:
    """What one responder says as the lead of the calls that it claimed.

    `heard()`: the local time at which any peer was heard last.
    """

    author: Author
    calls: Calls
    random: Random = field(repr=False)
    heard: Callable[[], float] = field(repr=False)
    _posts: dict[CallId, Post] = field(init=False, factory=dict)
    _unrest: dict[CallId, Unrest] = field(init=False, factory=dict)

    def handle(
        self, event: Event | Admitted | CallEnded | CallReopened | ViewChanged, now: float
    ) -> Sequence[Step]:
        """One event."""
        match event:
            case ViewChanged(call=call):
                if self.calls.is_open(call):
                    self.unrest_of(call).note(self.calls[call].view.lead, now)
                return self._attend(call, now) if call in self._posts else []
            case Admitted(own=True, restored=False, frame=frame) if isinstance(frame.message, Claim):
                self._posts.setdefault(frame.message.call, Post())
            case Admitted(restored=False, frame=frame) if isinstance(frame.message, Handover):
                return self._on_handover(frame.message, now)
            case Admitted(restored=False, frame=frame) if isinstance(frame.message, Roster):
                call = frame.message.call
                post = self._posts.get(call)  # it may be what a HANDOVER waits for, and change no view
                return self._take_up(call, post, self.calls[call].view, now) if post and post.offered else []
            case TimerFired(key=HoldEnds() as key):
                post = self._posts.get(key.call)
                return self._on_hold_ends(key.call, post, now) if post and post.hold_at == key.at else []
            case TimerFired(key=SitrepDue() as key):
                post = self._posts.get(key.call)
                return self._on_sitrep_due(key.call, post, now) if post and post.sitrep_at == key.at else []
            case CallEnded(call=call):
                self._posts.pop(call, None)
                self._unrest.pop(call, None)
            case CallReopened(call=call):
                return self._resume(call, now)
            case Started():
                return self._on_started(now)
        return []

    def leads(self, call: CallId) -> bool:
        """Whether this node leads the help for a call, as far as it knows."""
        post = self._posts.get(call)
        return post is not None and post.fenced_at is None and self.calls[call].view.lead == self._own

    def unrest_of(self, call: CallId) -> Unrest:
        """How often the lead of an open call changed lately, as this node saw it."""
        return self._unrest.setdefault(call, Unrest())

    @property
    def _own(self) -> Key:
        return self.author.key.public

    def _on_started(self, now: float) -> list[Step]:
        """A lead of the last run acts again once it knows that nobody took over: it hears a peer first."""
        return [step for call in self.calls.in_state(CallState.OPEN) for step in self._resume(call, now)]

    def _resume(self, call: CallId, now: float) -> list[Step]:
        view = self.calls[call].view
        if view.claim_of(self._own) is None:
            return []
        post = self._posts[call] = Post(fenced_at=now)
        return [Probe(), self._hold(call, post, now, view.description.timing.hold_s)]

    # ------------------------------------------------------------------ each time the view changes

    def _attend(self, call: CallId, now: float) -> list[Step]:
        post = self._posts[call]
        view = self.calls[call].view if self.calls.is_open(call) else None
        if view is None or view.claim_of(self._own) is None:
            del self._posts[call]
            return []
        if self._stood_still(post, view, now):
            return self._fence(call, post, view, now)
        if post.fenced_at is not None:
            return []
        if view.roster is not None:
            post.followed = view.roster.roster
        if post.waits_for is not None and post.waits_for not in self.calls.board(call):
            return []
        post.waits_for = None
        if post.offered and (steps := self._take_up(call, post, view, now)):
            return steps
        if view.lead == self._own:
            return self._act(call, post, view, now)
        post.stop()
        return self._cede(call, view) or self._await_turn(call, post, view, now)

    def _await_turn(self, call: CallId, post: Post, view: View, now: float) -> list[Step]:
        """Nobody leads: the first in the line names a roster after HOLD, each one behind it W later than the one before."""
        place = self._place(view)
        if place is None:
            post.hold_at = post.place = None
            return []
        post.stand(place, len(view.claims), view, now)
        at = post.placed_at + self._turn_s(view, post)
        if post.hold_at is not None and post.hold_at <= at:
            return []  # looked at again when that is due
        return [self._hold(call, post, now, max(0.0, at - now))]

    def _turn_s(self, view: View, post: Post) -> float:
        """How long this node waits at its place: longer where a lead comes and goes."""
        lease_s = view.description.timing.lease_s
        patience_s = self.unrest_of(view.call).patience_s(lease_s, post.placed_at)
        return max(patience_s, succession.hold_s(view)) + succession.queue_s(view, post.place or 0)

    def _place(self, view: View) -> int | None:
        """Where this node stands in the line of those that could lead; None while somebody leads, or if it cannot."""
        effective = view.requisition is not None and view.requisition.effective
        if effective or view.lead is not None or view.closed is not None:
            return None
        line = succession.line(view, self.calls.board(view.call), self.calls.expired_of(view.call))
        return line.index(self._own) if self._own in line else None

    def _next_lead(self, view: View, but: Key | None = None) -> Key:
        expired = self.calls.expired_of(view.call)
        return succession.next_lead(view, self.calls.board(view.call), expired, but=but)

    def _hold(self, call: CallId, post: Post, now: float, wait_s: float) -> SetTimer:
        post.hold_at = now + wait_s
        return SetTimer(HoldEnds(call, post.hold_at), post.hold_at)

    def _on_hold_ends(self, call: CallId, post: Post, now: float) -> list[Step]:
        due, post.hold_at, post.waits_for = post.hold_at, None, None
        view = self.calls[call].view if self.calls.is_open(call) else None
        if view is None or view.claim_of(self._own) is None or due is None:
            return []
        timing = view.description.timing
        if post.fenced_at is not None:
            return self._try_the_fence(call, post, view, now)
        if now > due + timing.lease_s * LATE_SHARE:
            return self._fence(call, post, view, now)  # what this node knows is old
        steps = self._await_turn(call, post, view, now)
        if post.place is None or post.placed_at + self._turn_s(view, post) > now:
            return steps
        post.hold_at = post.place = None
        if succession.passes(self.calls, view, self._own, now):
            return []
        replaces = post.followed if post.followed != NOTHING else view.newest_roster
        cause = succession.cause_of(self.calls.board(call), view, replaces)
        return self._name_roster(call, post, view, (cause, replaces), now)

    # ------------------------------------------------------------------ leading

    def _act(self, call: CallId, post: Post, view: View, now: float) -> list[Step]:
        """Yield, name the members anew, or report: this node leads."""
        post.hold_at = None
        if view.roster is not None:
            fresh = self.calls.fresh_view(call)
            rival, under = fresh.lead, fresh.token[1]
            if rival is not None and rival != self._own and self._may_yield(post, view, under, now):
                # "If then another one leads, it MUST send a HANDOVER of its roster to that one." (06-board §11.2)
                post.stop()
                post.yielded[under] = None
                return self._say(Handover, call, view, roster=view.roster.roster, successor=rival)
            if self._may_rewrite(post, view, now):
                post.rewrites += 1
                cause = Cause.INITIAL if view.roster.cause is Cause.INITIAL else Cause.HANDOVER
                return self._name_roster(call, post, view, (cause, view.roster.roster), now)
        return self._report(call, post, view, now) if post.reported != view.token else []

    def _may_yield(self, post: Post, view: View, under: MessageId, now: float) -> bool:
        # "It yields to one roster once." (06-board §11.2)
        if under in post.yielded or len(post.yielded) >= YIELDED_MAX:
            return False
        return not self.unrest_of(view.call).lasts(view.description.timing.lease_s, now)

    def _may_rewrite(self, post: Post, view: View, now: float) -> bool:
        assert view.roster is not None, "a roster to be rewritten"
        # "at most once in a LEASE, and after the fourth time each time half as often" (06-board §11.2)
        rarely = 2 ** max(0, min(post.rewrites - REWRITES_FREE, 8))
        if now < post.wrote_at + view.description.timing.lease_s * rarely:
            return False
        # What may wait leaves room for what may not: a CLAIM that many words bury is off the board.
        if succession.words_since_claim(self.calls.board(view.call), self._own) >= WORDS_MAX:
            return False
        return succession.members(view, self._own) != view.roster.members

    def _name_roster(
        self, call: CallId, post: Post, view: View, why: tuple[Cause, MessageId], now: float
    ) -> list[Step]:
        post.wrote_at = now
        cause, replaces = why
        return self._say(
            Roster,
            call,
            view,
            epoch=succession.next_epoch(view),
            cause=cause,
            replaces=replaces,
            members=succession.members(view, self._own),
        )

    def _say(self, kind: type[Any], call: CallId, view: View, **fields: Any) -> list[Step]:
        assert view.call == call, "the view of this call"
        row, frame = self.author.sign(kind, call, self.calls.board(call).heads(), **fields)
        self._posts[call].waits_for = frame.id
        return [row, Publish(frame)]

    def _report(self, call: CallId, post: Post, view: View, now: float) -> list[Step]:
        """One SITREP, and the timer of the next."""
        status, phase = post.said or (
            SitrepStatus.MITIGATING if view.attested else SitrepStatus.SETTING_UP,
            PHASES.get(view.description.severity, Phase.INCERFA),
        )
        requisition, roster = view.token
        rows, frame = self.author.sign_register(
            Sitrep,
            call,
            requisition=requisition,
            roster=roster,
            status=status,
            phase=phase,
            alive=succession.alive(view, self._own),
        )
        assert isinstance(frame.message, Sitrep), "a report"
        post.reported, post.slow = view.token, frame.message.sequence >= SITREPS_FAST
        return [*rows, Publish(frame), self._next(call, post, view.description.timing, now)]

    def _on_sitrep_due(self, call: CallId, post: Post, now: float) -> list[Step]:
        view = self.calls[call].view if self.calls.is_open(call) else None
        if view is None or view.claim_of(self._own) is None or view.lead != self._own:
            post.stop()
            return []
        lease_s, quiet_s = self._lease_s(post, view.description.timing), now - self.heard()
        if self._stood_still(post, view, now) or quiet_s > lease_s * FENCE_SHARE:
            return self._fence(call, post, view, now)
        post.waits_for = None
        steps: list[Step] = [Probe()] if quiet_s > lease_s * PROBE_SHARE else []
        acts = self._act(call, post, view, now)
        if not acts:
            return [*steps, *self._report(call, post, view, now)]
        if post.sitrep_at is not None and post.sitrep_at <= now:
            # A roster was named just now: the report goes out under it, or a little later under the old one.
            acts.append(self._next(call, post, view.description.timing, now))
        return steps + acts

    def _next(self, call: CallId, post: Post, timing: Timing, now: float) -> SetTimer:
        pace_s = timing.sitrep_s * (LEASE_SLOW_FACTOR if post.slow else 1)
        post.sitrep_at = now + pace_s * (1 - JITTER * self.random.random())
        return SetTimer(SitrepDue(call, post.sitrep_at), post.sitrep_at)

    # ------------------------------------------------------------------ fencing

    @staticmethod
    def _lease_s(post: Post, timing: Timing) -> float:
        return float(timing.lease_s * (LEASE_SLOW_FACTOR if post.slow else 1))

    def _stood_still(self, post: Post, view: View, now: float) -> bool:
        """Whether a report is so late that this process must have been asleep."""
        late_s = self._lease_s(post, view.description.timing) * LATE_SHARE
        return post.sitrep_at is not None and now > post.sitrep_at + late_s

    def _fence(self, call: CallId, post: Post, view: View, now: float) -> list[Step]:
        """Others may have taken over: what this node led is over, and it starts as one that claims."""
        post.stop()
        post.fenced_at = now
        if view.roster is not None and view.roster.lead == self._own:
            self.calls.supersede(call, view.roster.roster)
        return [Probe(), self._hold(call, post, now, view.description.timing.hold_s)]

    def _try_the_fence(self, call: CallId, post: Post, view: View, now: float) -> list[Step]:
        """Whoever hears a peer again takes part again."""
        assert post.fenced_at is not None, "a fence"
        if self.heard() <= post.fenced_at:
            return [Probe(), self._hold(call, post, now, view.description.timing.sitrep_s)]
        post.fenced_at = None
        own = None if view.roster is None or view.roster.lead != self._own else view.roster.roster
        if own is not None and succession.is_overtaken(self.calls.board(call), own):
            self.calls.supersede(call, own)
            return []  # the view is about to change
        return self._attend(call, now)

    # ------------------------------------------------------------------ handing over

    def hand_over(self, call: CallId, now: float) -> list[Step]:  # noqa: ARG002 (the face of a machine)
        """Before this node gives its claim back: whoever leads names a successor."""
        post = self._posts.get(call)
        view = self.calls[call].view
        if post is None or view.roster is None or view.lead != self._own:
            return []
        post.stop()
        return self._say(
            Handover,
            call,
            view,
            roster=view.roster.roster,
            successor=self._next_lead(view, self._own),
        )

    def _cede(self, call: CallId, view: View) -> list[Step]:
        """What this node named before it followed another, it takes back: no late reader is to follow it."""
        own = self.calls.board(call).said(self._own).roster
        if own is None or view.roster is None:
            return []
        # "MUST hand that over at once, to that lead" (06-board §11.2)
        return self._say(Handover, call, view, roster=own.id, successor=view.roster.lead)

    def _on_handover(self, handover: Handover, now: float) -> list[Step]:
        """A lead that goes, or yields, names this node: it leads at once, under a new roster."""
        post = self._posts.get(handover.call)
        if handover.successor != self._own or post is None or handover.roster in post.inherited:
            return []
        post.offer(handover, now)
        return self._take_up(handover.call, post, self.calls[handover.call].view, now)

    def _take_up(self, call: CallId, post: Post, view: View, now: float) -> list[Step]:
        """Lead on for the first that asked for it, and is known to be somebody who may."""
        claim, board = view.claim_of(self._own), self.calls.board(call)
        if claim is None or not (claim.live and claim.fit) or post.fenced_at is not None:
            return []
        effective = view.requisition is not None and view.requisition.effective
        for handover in post.offers(now):
            lawful = succession.is_givers_own(board, handover)
            if lawful is None:
                continue
            del post.offered[handover.roster]
            # "at once, unless somebody else leads" (06-board §11.2)
            if not lawful or effective or view.lead not in (None, self._own):
                continue
            # "or nobody does, and the board holds a ROSTER of a higher epoch than the one handed over" (06-board §11.2)
            if view.lead is None and succession.is_old_news(board, view, handover.roster):
                continue
            if not post.may_inherit(handover):
                continue
            post.inherited[handover.roster] = handover.signer
            # "which replaces its own if it leads already, else the one handed over" (06-board §11.2)
            replaced = handover.roster if view.roster is None else view.roster.roster
            return self._name_roster(call, post, view, (Cause.HANDOVER, replaced), now)
        return []

    # ------------------------------------------------------------------ the person on duty

    def report(self, event: OperatorReports, now: float) -> list[Step]:
        """The person on duty says how far it is: everybody learns of it at once."""
        post = self._posts.get(event.call)
        if post is None or not self.leads(event.call):
            return []
        post.said = event.status, event.phase
        return self._report(event.call, post, self.calls[event.call].view, now)

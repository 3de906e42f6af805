"""The duty machine: whoever hears and is able, helps; whoever does not, writes down why.

Decides CLAIM, DECLINE, RELEASE, COMPLY, STAND_DOWN or silence for each call. Comes in: admitted messages, changed views,
the people's word, timers, rows of the last run. Goes out: what `Replies` makes of the decision, and what `Lead` and
`Member` say once a call is claimed. Must not know peers, nor what the sealed letters say.
"""

from attrs import define, field, frozen

from p2p_sos.core.actions import SetTimer, Tell
from p2p_sos.core.board.standing import View
from p2p_sos.core.calls.calls import Calls, CallState
from p2p_sos.core.clock import Clock
from p2p_sos.core.duty.bands import BandOpens, Bands, GuardLooks
from p2p_sos.core.duty.lead import Lead
from p2p_sos.core.duty.member import Member
from p2p_sos.core.duty.policy import Opinion, Policy, Responder, on_duty, opinion
from p2p_sos.core.duty.replies import Replies, Step
from p2p_sos.core.duty.turns import UNDECIDED, Turns, TurnsDue
from p2p_sos.core.events import (
    Event,
    OperatorClaims,
    OperatorDeclines,
    OperatorReleases,
    OperatorReports,
    OperatorStandsDown,
    Restored,
    Started,
    TimerFired,
)
from p2p_sos.core.internal import Admitted, CallEnded, CallReopened, ViewChanged
from p2p_sos.core.notices import DecisionWanted
from p2p_sos.wire.messages import Call, CallId, LogMessage, MessageId, Register, Requisition, Update
from p2p_sos.wire.registry import Detail, Manner, Reason, Status

__all__ = ["AnswerDue", "Duty", "Opinion", "Policy", "Responder", "on_duty", "opinion"]

FOR_GOOD = ("cancelled", "cleared", "expired")  # nothing can be said in such a call any more
OPERATOR = OperatorClaims | OperatorDeclines | OperatorReleases | OperatorStandsDown | OperatorReports
NOT_NAMED = "the victim requisitioned others"
ENOUGH = "enough others help"
BY_HAND = "the person on duty decided"


@frozen
class AnswerDue:
    """The person on duty was asked about a call at local time `asked_at`, and should have answered by now."""

    call: CallId
    asked_at: float


@define(eq=False)
class Duty:
    """The policy of one responder at work."""

    responder: Responder
    calls: Calls
    clock: Clock
    replies: Replies
    bands: Bands
    turns: Turns
    member: Member
    lead: Lead
    _asked: dict[CallId, float] = field(init=False, factory=dict)
    _busy: dict[CallId, None] = field(init=False, factory=dict)
    _heeded: dict[CallId, MessageId] = field(init=False, factory=dict)
    _spare: dict[CallId, None] = field(init=False, factory=dict)

    def handle(
        self, event: Event | Admitted | CallEnded | CallReopened | ViewChanged, now: float
    ) -> list[Step]:
        """One event. A message is on its board before it comes here."""
        steps: list[Step] = [*self.turns.observe(event, now)]
        steps += self._decide(event, now)
        steps += self.member.handle(event, now)
        steps += self.lead.handle(event, now)
        return steps

    def _decide(
        self, event: Event | Admitted | CallEnded | CallReopened | ViewChanged, now: float
    ) -> list[Step]:
        match event:
            case Admitted(own=True, frame=frame) if isinstance(frame.message, LogMessage | Register):
                return self.replies.observe(event, now)
            case Admitted(restored=True):
                return []  # what the messages mean together is looked at when all are there
            case Admitted(frame=frame) if isinstance(frame.message, Call):
                return self._consider(frame.id, now)
            case Admitted(frame=frame) if isinstance(frame.message, Update):
                return self._on_update(frame.message.call, now)
            case Admitted(frame=frame) if isinstance(frame.message, Requisition):
                return self._on_requisition(frame.message.call, now)
            case ViewChanged(call=call):
                return self._on_view(call, now)
            case TimerFired(key=BandOpens() | GuardLooks() as key):
                return self._look(key.call, now) if self.bands.is_due(key) else []
            case TimerFired(key=TurnsDue() as due):
                return self._on_turns_due(due, now)
            case CallEnded(call=call, how=how):
                return self._on_ended(call, how, now)
            case CallReopened(call=call):
                return self._on_reopened(call, now)
            case TimerFired(key=AnswerDue() as due):
                return self._on_answer_due(due, now)
            case Restored(table=table, rows=rows):
                self.replies.restore(table, rows)
                return []
            case Started():
                return self._on_started(now)
            case OperatorClaims() | OperatorDeclines() | OperatorReleases() | OperatorStandsDown():
                return self._on_operator(event, now)
            case OperatorReports() if self.refusal(event) is None:
                return self.lead.report(event, now)
            case _:
                return []

    def _on_started(self, now: float) -> list[Step]:
        """Everything of the last run is there: go on where it stopped, and decide what it left undecided."""
        self._busy = dict.fromkeys(self.replies.recall())
        steps: list[Step] = []
        for call in self.replies.author.calls():
            if self.calls.is_buried(call):
                steps += self.replies.author.forget(call)
        for call in self._by_severity(self.calls.in_state(CallState.OPEN)):
            steps += self._consider(call, now, restored=True)
            self._recall_answer(call)
            steps += self._on_requisition(call, now)
        return steps

    def _recall_answer(self, call: CallId) -> None:
        """A requisition that an earlier run answered by DECLINE or RELEASE is not answered again."""
        record, own = self.calls[call], self.responder.key.public
        declined = any(decline.responder == own for decline in record.view.declines)
        if record.view.requisition is not None and (declined or record.mine == "released"):
            self._heeded[call] = record.view.requisition.requisition

    def _by_severity(self, calls: tuple[CallId, ...]) -> list[CallId]:
        # "Severity orders a responder's slots, never admission." (05-calls §9)
        return sorted(
            calls, key=lambda c: (-self.calls[c].view.description.severity, self.calls[c].heard_unix_s)
        )

    # ------------------------------------------------------------------ deciding

    def _consider(self, call: CallId, now: float, *, restored: bool = False) -> list[Step]:
        """A call was heard, or is described anew: whether it concerns this node, and when its turn comes."""
        if not self.calls.is_open(call) or self.calls[call].mine not in UNDECIDED or call in self._asked:
            return []
        thought = opinion(self.responder.policy, self.calls[call].view.description)
        if not thought.concerned:
            return self.replies.keep_silent(call, thought.why, now)
        self.bands.watch(call, now, self.calls.heard_at(call) if restored else None)
        return self._look(call, now)

    def _look(self, call: CallId, now: float) -> list[Step]:
        """Answer a call that lacks helpers when the turn of this node has come."""
        if not self.calls.is_open(call) or call not in self.bands or call in self._asked:
            return []
        mine = self.calls[call].mine
        if mine not in UNDECIDED and not (mine == "released" and call in self._spare):
            return []
        look = self.bands.look(call, now)
        if look.wanted and self.turns.holds_back(call, self.replies.slots.free):
            return [*look.timers]
        if look.wanted:
            return [*self._answer(call, now), *look.timers]
        if look.stands_by and mine == "":
            return [self.replies.stand_by(call, ENOUGH, now), *look.timers]
        return [*look.timers]

    def _on_turns_due(self, due: TurnsDue, now: float) -> list[Step]:
        """Others' hands became full or free, or a graver call has its help: whose turn it is may have come, the gravest first."""
        if not self.turns.is_due(due) or not self.replies.slots.free:
            return []
        steps: list[Step] = []
        for call in self._by_severity(tuple(c for c in self.bands.waiting if self.calls.is_open(c))):
            steps += self._look(call, now)
        return steps

    def _answer(self, call: CallId, now: float) -> list[Step]:
        """It is this node's turn, or the victim named it."""
        policy, view = self.responder.policy, self.calls[call].view
        self._spare.pop(call, None)
        if policy.manner is Manner.PERSON and not on_duty(policy, self.clock.unix_s(now)):
            why = "nobody is on duty at this hour"
            return self._decline(call, Reason.UNABLE, Detail.NO_OPERATOR, why, now)
        if not self.replies.slots.free:
            self._busy[call] = None
            # "Who has no free slot declines as `unable`/`busy`, and publishes that only if a requisition names it"
            # (06-board §6)
            return self.replies.decline(call, Reason.UNABLE, Detail.BUSY, "every slot is taken", now)
        if policy.manner is Manner.PERSON:
            return self._ask(call, view, now)
        return self.replies.claim(call, Manner.AUTOMATIC, "able", now)

    def _decline(self, call: CallId, reason: Reason, detail: Detail, why: str, now: float) -> list[Step]:
        return self.replies.decline(call, reason, detail, why, now, offered=self.bands.has_opened(call))

    def _ask(self, call: CallId, view: View, now: float) -> list[Step]:
        within_s = self.responder.policy.answer_within_s
        self._asked[call] = now
        # "An exercise or a test MUST NOT page anybody." (05-calls §9)
        page = view.description.status is Status.ACTUAL
        due = SetTimer(AnswerDue(call, now), now + within_s)
        return [self.replies.note_question(call, now), Tell(DecisionWanted(call, within_s, page)), due]

    def _withdraw(self, call: CallId, now: float) -> list[Step]:
        """Enough others came before the person on duty answered: whoever was asked in turn may sleep on."""
        if call not in self._asked or not self.bands.is_needless(call):
            return []
        del self._asked[call]
        return [*self.replies.withdraw_question(call, ENOUGH, now), *self.bands.look(call, now).timers]

    def _on_answer_due(self, due: AnswerDue, now: float) -> list[Step]:
        if self._asked.get(due.call) != due.asked_at:
            return []
        del self._asked[due.call]
        return self._decline(due.call, Reason.UNABLE, Detail.NO_OPERATOR, "nobody answered in time", now)

    def _on_update(self, call: CallId, now: float) -> list[Step]:
        """A refined call may concern a node that it did not concern before; whom it concerns it ranks anew."""
        record = self.calls[call]
        concerned = opinion(self.responder.policy, record.view.description).concerned
        if record.mine == "silent" and concerned:
            self.calls.mark(call, "")
            return self._consider(call, now)
        if call in self.bands and record.mine in UNDECIDED and self.calls.is_open(call):
            return self._consider(call, now)
        return []

    def _on_view(self, call: CallId, now: float) -> list[Step]:
        """What the board says has changed, or time has changed what it means."""
        if not self.calls.is_open(call):
            return []
        mine = self.calls[call].mine
        if mine != "claimed" and call not in self._asked:
            return self._look(call, now) if call in self.bands else []
        steps = [*self._on_requisition(call, now), *self._withdraw(call, now)]
        if self.calls[call].mine == "claimed" and self._is_excess(call, now):
            self._spare[call] = None
            self.bands.rest(call, now + self.calls[call].view.description.timing.lease_s)
            steps += self._release(call, Reason.UNNECESSARY, Detail.UNSPECIFIED, ENOUGH, now)
            steps += self._on_slot_free(now)
        return steps

    def _is_excess(self, call: CallId, now: float) -> bool:
        """Whether a full roster, whose writer knew of this node's claim, does without it."""
        view, own = self.calls[call].view, self.responder.key.public
        roster, claim = view.roster, view.claim_of(own)
        if roster is None or claim is None or own in roster.members:
            return False
        full = len(roster.members) >= 2 * view.description.timing.k
        if not full or not self.bands.spares(call, now):
            return False
        return self.calls.board(call).had_seen(roster.roster, claim.claim)

    # ------------------------------------------------------------------ the victim's word

    def _on_requisition(self, call: CallId, now: float) -> list[Step]:
        if not self.calls.is_open(call):
            return []
        record, own = self.calls[call], self.responder.key.public
        standing = record.view.requisition
        if standing is None or record.mine == "own":
            return []
        if not standing.names(own):
            # "When the requisition is effective, and not before: A responder that claimed and is not named MUST release
            # its claim." (06-board §9)
            return self._on_not_named(call, now) if standing.effective else []
        if own in standing.complied or self._heeded.get(call) == standing.requisition:
            return []
        self._heeded[call] = standing.requisition
        if record.mine == "claimed":
            return self.replies.comply(call, standing.requisition, now)
        if call in self._asked:
            return []  # the person on duty decides, and complies by claiming
        # "A named responder that holds no claim MUST answer: CLAIM and COMPLY, or DECLINE." (06-board §9)
        self.calls.mark(call, "")
        thought = opinion(self.responder.policy, record.view.description)
        if not thought.concerned:
            why = "named, but not able"
            return self._decline(call, Reason.UNABLE, Detail.EQUIPMENT, why, now)
        return self._answer(call, now)

    def _on_not_named(self, call: CallId, now: float) -> list[Step]:
        if self._asked.pop(call, None) is not None:
            return self._decline(call, Reason.UNNECESSARY, Detail.UNSPECIFIED, NOT_NAMED, now)
        if self.calls[call].mine == "claimed":
            self._spare[call] = None
            steps = self._release(call, Reason.UNNECESSARY, Detail.UNSPECIFIED, NOT_NAMED, now)
            return steps + self._on_slot_free(now)
        return []

    def _release(self, call: CallId, reason: Reason, detail: Detail, why: str, now: float) -> list[Step]:
        """Give a claim back; whoever leads hands over first."""
        return [*self.lead.hand_over(call, now), *self.replies.release(call, reason, detail, why, now)]

    def _on_ended(self, call: CallId, how: str, now: float) -> list[Step]:
        for of_call in (self._asked, self._heeded, self._busy, self._spare):
            of_call.pop(call, None)
        self.bands.leave(call)
        freed = self._on_slot_free(now) if self.replies.slots.leave(call) else []
        # Who was crowded out may be back, and a sequence must not be used again then.
        return [*self.replies.author.forget(call), *freed] if how in FOR_GOOD else freed

    def _on_reopened(self, call: CallId, now: float) -> list[Step]:
        """Its victim spoke again: whoever claimed goes on, whoever stood down or was being asked thinks again."""
        steps: list[Step] = []
        if not self.replies.resume(call):
            steps = self._release(call, Reason.UNABLE, Detail.BUSY, "its slot was given away", now)
            if self.replies.slots.free:  # it has other hands, and may answer again
                self.calls.mark(call, "")
                self._spare[call] = None
        self._recall_answer(call)
        return [*steps, *self._consider(call, now, restored=True), *self._on_requisition(call, now)]

    def _on_slot_free(self, now: float) -> list[Step]:
        """Calls that were declined because every slot was taken are looked at again, the gravest first."""
        steps: list[Step] = []
        for call in self._by_severity(tuple(c for c in self._busy if self.calls.is_open(c))):
            if not self.replies.slots.free:
                break
            del self._busy[call]
            if self.calls[call].mine != "declined":
                continue
            self.calls.mark(call, "")
            standing = self.calls[call].view.requisition
            if standing is not None and standing.names(self.responder.key.public):
                steps += self._answer(call, now)
            else:
                steps += self._consider(call, now)
        return steps

    # ------------------------------------------------------------------ the person on duty

    def refusal(self, event: Event) -> str | None:
        """Why an operator's event would do nothing, in one sentence that names the next step."""
        if not isinstance(event, OPERATOR) or event.call is None:
            return None
        call = event.call
        if call not in self.calls:
            return "This node knows no such call; `sos calls` lists those it knows."
        record = self.calls[call]
        if not self.calls.is_open(call):
            return f"The call is {record.state.value}; there is nothing to answer any more."
        claimed = record.mine == "claimed"
        match event:
            case OperatorClaims() if claimed:
                return "This node has claimed the call already; `sos release` gives it back."
            case OperatorClaims() if not self.replies.slots.free:
                return "Every slot is taken; `sos release` one of your calls first."
            case OperatorDeclines() if claimed:
                return "This node has claimed the call; `sos release` gives it back."
            case OperatorDeclines() if record.mine == "declined" and call not in self._busy:
                return "This node has declined the call already; `sos claim` answers it all the same."
            case OperatorReleases() if not claimed:
                return "This node has not claimed the call; there is nothing to give back."
            case OperatorStandsDown() if not claimed:
                return "Only who helps can stand down, and this node has not claimed the call."
            case OperatorReports() if self.calls[call].view.lead != self.responder.key.public:
                return "This node does not lead the help for the call; `sos show` names who does."
            case _:
                return None

    def _on_operator(
        self,
        event: OperatorClaims | OperatorDeclines | OperatorReleases | OperatorStandsDown,
        now: float,
    ) -> list[Step]:
        if isinstance(event, OperatorReleases):
            return self._on_releases(event, now)
        if self.refusal(event) is not None:
            return []
        call = event.call
        self._asked.pop(call, None)
        self._busy.pop(call, None)
        match event:
            case OperatorClaims():
                return self.replies.claim(call, Manner.PERSON, BY_HAND, now)
            case OperatorDeclines(reason=reason, detail=detail):
                return self._decline(call, reason, detail, BY_HAND, now)
            case OperatorStandsDown():
                steps = [*self.lead.hand_over(call, now), *self.replies.stand_down(call, BY_HAND, now)]
                return steps + self._on_slot_free(now)

    def _on_releases(self, event: OperatorReleases, now: float) -> list[Step]:
        """Giving everything back ends the node's duty, so nothing is claimed in its place."""
        steps: list[Step] = []
        every = event.call is None
        for call in self.calls.in_state(CallState.OPEN) if event.call is None else (event.call,):
            if call not in self.calls or not self.calls.is_open(call):
                continue
            if self.calls[call].mine == "claimed":
                steps += self._release(call, event.reason, event.detail, BY_HAND, now)
            elif every:
                if self._asked.pop(call, None) is not None:
                    steps += self._decline(call, event.reason, event.detail, "the node goes off duty", now)
                self.bands.leave(call)
        return steps if every else steps + self._on_slot_free(now)

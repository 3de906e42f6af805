"""The duty machine: whoever hears and is able, helps; whoever does not, writes down why.

Decides CLAIM, DECLINE, RELEASE, COMPLY or silence for each call. Comes in: admitted messages, the people's
word, timers, rows of the last run. Goes out: what `Replies` makes of the decision. Must not know peers, nor
what the sealed letters say.
"""

from attrs import define, field, frozen

from p2p_sos.core.actions import SetTimer, Tell
from p2p_sos.core.board.resolve import View
from p2p_sos.core.calls.calls import Calls, CallState
from p2p_sos.core.clock import Clock
from p2p_sos.core.duty.policy import Opinion, Policy, Responder, on_duty, opinion
from p2p_sos.core.duty.replies import Replies, Step
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
from p2p_sos.core.internal import Admitted, CallEnded, ViewChanged
from p2p_sos.core.notices import DecisionWanted
from p2p_sos.wire.messages import (
    Call,
    CallId,
    Claim,
    Comply,
    Decline,
    MessageId,
    Release,
    Requisition,
    StandDown,
    Update,
)
from p2p_sos.wire.registry import Detail, Manner, Reason, Status

__all__ = ["AnswerDue", "Duty", "Opinion", "Policy", "Responder", "on_duty", "opinion"]

DECIDED = ("claimed", "declined", "released", "silent", "own")
OPERATOR = OperatorClaims | OperatorDeclines | OperatorReleases | OperatorStandsDown | OperatorReports
NOT_NAMED = "the victim requisitioned others"
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
    _asked: dict[CallId, float] = field(init=False, factory=dict)
    _busy: dict[CallId, None] = field(init=False, factory=dict)
    _heeded: dict[CallId, MessageId] = field(init=False, factory=dict)

    def handle(self, event: Event | Admitted | CallEnded | ViewChanged, now: float) -> list[Step]:
        """One event. A message is on its board before it comes here."""
        match event:
            case Admitted(own=True, frame=frame) if isinstance(
                frame.message, Claim | Release | Decline | Comply | StandDown
            ):
                return self.replies.observe(event, now)
            case Admitted(restored=True):
                return []  # what the messages mean together is looked at when all are there
            case Admitted(frame=frame) if isinstance(frame.message, Call):
                return self._consider(frame.id, now)
            case Admitted(frame=frame) if isinstance(frame.message, Update):
                return self._on_update(frame.message.call, now)
            case Admitted(frame=frame) if isinstance(frame.message, Requisition):
                return self._on_requisition(frame.message.call, now)
            case CallEnded(call=call):
                return self._on_ended(call, now)
            case TimerFired(key=AnswerDue() as due):
                return self._on_answer_due(due, now)
            case OperatorClaims(call=call):
                return self._on_claims(call, now)
            case OperatorDeclines(call=call, reason=reason, detail=detail):
                return self._on_declines(call, reason, detail, now)
            case OperatorReleases():
                return self._on_releases(event, now)
            case OperatorStandsDown(call=call):
                return self._on_stands_down(call, now)
            case Restored(table=table, rows=rows):
                self.replies.restore(table, rows)
                return []
            case Started():
                return self._on_started(now)
            case _:
                return []

    def _on_started(self, now: float) -> list[Step]:
        """Everything of the last run is there: go on where it stopped, and decide what it left undecided."""
        self._busy = dict.fromkeys(self.replies.recall())
        steps: list[Step] = []
        for call in self._by_severity(self.calls.in_state(CallState.OPEN)):
            steps += self._consider(call, now)
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
        return sorted(calls, key=lambda call: -self.calls[call].view.description.severity)

    # ------------------------------------------------------------------ deciding

    def _consider(self, call: CallId, now: float) -> list[Step]:
        if not self.calls.is_open(call) or self.calls[call].mine in DECIDED or call in self._asked:
            return []
        policy, view = self.responder.policy, self.calls[call].view
        thought = opinion(policy, view.description)
        if not thought.concerned:
            return self.replies.keep_silent(call, thought.why, now)
        if policy.manner is Manner.PERSON and not on_duty(policy, self.clock.unix_s(now)):
            why = "nobody is on duty at this hour"
            return self.replies.decline(call, Reason.UNABLE, Detail.NO_OPERATOR, why, now)
        if not self.replies.slots.free:
            self._busy[call] = None
            return self.replies.decline(call, Reason.UNABLE, Detail.BUSY, "every slot is taken", now)
        if policy.manner is Manner.PERSON:
            return self._ask(call, view, now)
        return self.replies.claim(call, Manner.AUTOMATIC, thought.why, now)

    def _ask(self, call: CallId, view: View, now: float) -> list[Step]:
        within_s = self.responder.policy.answer_within_s
        self._asked[call] = now
        # "An exercise or a test MUST NOT page anybody." (05-calls §9)
        page = view.description.status is Status.ACTUAL
        return [
            self.replies.note_question(call, now),
            Tell(DecisionWanted(call, within_s, page)),
            SetTimer(AnswerDue(call, now), now + within_s),
        ]

    def _on_answer_due(self, due: AnswerDue, now: float) -> list[Step]:
        if self._asked.get(due.call) != due.asked_at:
            return []
        del self._asked[due.call]
        return self.replies.decline(
            due.call, Reason.UNABLE, Detail.NO_OPERATOR, "nobody answered in time", now
        )

    def _on_update(self, call: CallId, now: float) -> list[Step]:
        """A refined call may concern a node that it did not concern before."""
        record = self.calls[call]
        if record.mine != "silent" or not opinion(self.responder.policy, record.view.description).concerned:
            return []
        self.calls.mark(call, "")
        return self._consider(call, now)

    def _on_requisition(self, call: CallId, now: float) -> list[Step]:
        if not self.calls.is_open(call):
            return []
        record, own = self.calls[call], self.responder.key.public
        standing = record.view.requisition
        if standing is None or record.mine == "own":
            return []
        if not standing.names(own):
            return self._on_not_named(call, now)
        if own in standing.complied or self._heeded.get(call) == standing.requisition:
            return []
        self._heeded[call] = standing.requisition
        if record.mine == "claimed":
            return self.replies.comply(call, standing.requisition, now)
        if call in self._asked:
            return []  # the person on duty decides, and complies by claiming
        # "A named responder that holds no claim MUST answer: CLAIM and COMPLY, or DECLINE." (06-board §9)
        self.calls.mark(call, "")
        steps = self._consider(call, now)
        if self.calls[call].mine == "silent":
            steps += self.replies.decline(call, Reason.UNABLE, Detail.EQUIPMENT, "named, but not able", now)
        return steps

    def _on_not_named(self, call: CallId, now: float) -> list[Step]:
        if call in self._asked:
            del self._asked[call]
            return self.replies.decline(call, Reason.UNNECESSARY, Detail.UNSPECIFIED, NOT_NAMED, now)
        # "A responder that claimed and is not named MUST release its claim." (06-board §9)
        if self.calls[call].mine == "claimed":
            steps = self.replies.release(call, Reason.UNNECESSARY, Detail.UNSPECIFIED, NOT_NAMED, now)
            return steps + self._on_slot_free(now)
        return []

    def _on_ended(self, call: CallId, now: float) -> list[Step]:
        self._asked.pop(call, None)
        self._heeded.pop(call, None)
        self._busy.pop(call, None)
        return self._on_slot_free(now) if self.replies.slots.leave(call) else []

    def _on_slot_free(self, now: float) -> list[Step]:
        """Calls that were declined because every slot was taken are looked at again, the gravest first."""
        steps: list[Step] = []
        for call in self._by_severity(tuple(c for c in self._busy if self.calls.is_open(c))):
            if not self.replies.slots.free:
                break
            del self._busy[call]
            standing = self.calls[call].view.requisition
            named = standing is None or standing.names(self.responder.key.public)
            if self.calls[call].mine == "declined" and named:
                self.calls.mark(call, "")
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
            case OperatorReleases() if not claimed:
                return "This node has not claimed the call; there is nothing to give back."
            case OperatorStandsDown() if not claimed:
                return "Only who helps can stand down, and this node has not claimed the call."
            case OperatorReports() if self.calls[call].view.lead != self.responder.key.public:
                return "This node does not lead the help for the call; `sos show` names who does."
            case _:
                return None

    def _on_claims(self, call: CallId, now: float) -> list[Step]:
        if self.refusal(OperatorClaims(call)) is not None:
            return []
        self._asked.pop(call, None)
        self._busy.pop(call, None)
        return self.replies.claim(call, Manner.PERSON, BY_HAND, now)

    def _on_declines(self, call: CallId, reason: Reason, detail: Detail, now: float) -> list[Step]:
        if self.refusal(OperatorDeclines(call, reason, detail)) is not None:
            return []
        self._asked.pop(call, None)
        self._busy.pop(call, None)
        return self.replies.decline(call, reason, detail, BY_HAND, now)

    def _on_stands_down(self, call: CallId, now: float) -> list[Step]:
        """It is over, as far as this node can see; its slot is free for others."""
        if self.refusal(OperatorStandsDown(call)) is not None:
            return []
        return [*self.replies.stand_down(call, BY_HAND, now), *self._on_slot_free(now)]

    def _on_releases(self, event: OperatorReleases, now: float) -> list[Step]:
        """Giving everything back ends the node's duty, so nothing is claimed in its place."""
        steps: list[Step] = []
        every = event.call is None
        for call in self.calls.in_state(CallState.OPEN) if event.call is None else (event.call,):
            if call not in self.calls or not self.calls.is_open(call):
                continue
            if self.calls[call].mine == "claimed":
                steps += self.replies.release(call, event.reason, event.detail, BY_HAND, now)
            elif every and self._asked.pop(call, None) is not None:
                steps += self.replies.decline(call, event.reason, event.detail, "the node goes off duty", now)
        return steps if every else steps + self._on_slot_free(now)

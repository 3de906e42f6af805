"""The victim's case: one call from the first relay that takes it to its closing.

Decides what the victim signs, with which sequence, to whom it writes, and when it may say HEARD. Comes in:
the victim's decisions, admitted messages, peers, what the router sent or saw return, rows of the last run.
Goes out: rows, messages to publish, what to tell. Must not know how the call was stamped or relayed.
"""

from collections.abc import Callable, Sequence
from random import Random

from attrs import define, field, frozen

from p2p_sos.core.actions import Action, SetTimer, Tell
from p2p_sos.core.case import orders
from p2p_sos.core.case.appeal import CLOSINGS, Appeal, SignDue, Unheard, compose_call
from p2p_sos.core.case.case_rows import (
    CALL,
    CaseState,
    Rows,
    VictimSecrets,
    case_rows,
    closed_case,
    forget_secrets,
    secrets_of,
    state_of,
)
from p2p_sos.core.case.case_view import TRANSITIONS, CasePhase, CaseView, Helper
from p2p_sos.core.case.command import Command
from p2p_sos.core.case.listening import Listening
from p2p_sos.core.case.rescuers import ACCEPTED, REFUSED, Rescuers
from p2p_sos.core.events import (
    ClockRead,
    Event,
    PeerJoined,
    PeerLeft,
    Restored,
    Started,
    TimerFired,
    VictimCalls,
    VictimCancels,
    VictimClears,
    VictimDecides,
    VictimRequisitions,
    VictimUpdates,
    VictimWrites,
)
from p2p_sos.core.gossip.rpc import PeerId
from p2p_sos.core.internal import Admitted, CallEnded, Echoed, Publish, Sent
from p2p_sos.core.letters.conversation import Conversation, is_empty
from p2p_sos.core.letters.dialogue import LINGER_S, LingerEnds
from p2p_sos.core.letters.letterbook import LetterRecord, Words
from p2p_sos.core.letters.post_office import LettersDue, Opened, PostOffice, Step
from p2p_sos.core.letters.sealing import Sealing
from p2p_sos.core.notices import LetterArrived
from p2p_sos.core.tables import Table
from p2p_sos.wire.frames import Frame, decode
from p2p_sos.wire.hashing import NetworkId
from p2p_sos.wire.keys import ExchangeKey
from p2p_sos.wire.messages import (
    NOTHING,
    AllClear,
    Attest,
    Call,
    CallId,
    Cancel,
    Key,
    Letter,
    Requisition,
    Update,
)
from p2p_sos.wire.registry import ATTESTED_MAX, CALL_EPOCH_S, LetterKind

__all__ = [
    "TRANSITIONS", "Case", "CasePhase", "CaseView", "Helper", "LetterRecord", "VictimSecrets",
    "case_rows", "closed_case", "compose_call", "secrets_of",
]  # fmt: skip

DECISIONS = {LetterKind.ACCEPT: ACCEPTED, LetterKind.REFUSE: REFUSED}


@frozen
class AttestDue:
    """A timer: whoever made contact is attested."""

    call: CallId
    at: float


@define
class Case:
    """The victim's machine; one per process, one call per case."""

    secrets: VictimSecrets = field(repr=False)
    network: NetworkId
    entropy: Callable[[int], bytes] = field(repr=False)
    random: Random = field(repr=False)
    _office: PostOffice = field(init=False, repr=False)
    _command: Command = field(init=False, repr=False)
    _listening: Listening = field(factory=Listening)
    _appeal: Appeal | None = field(default=None, init=False, repr=False)
    _rescuers: Rescuers = field(init=False, repr=False)
    _early: list[Admitted] = field(factory=list, init=False, repr=False)
    _started: bool = field(default=False, init=False)
    _now: float = field(default=0.0, init=False)
    _attest_at: float | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        exchange = ExchangeKey(self.secrets.exchange_seed)
        sealing = Sealing(self.network, self.secrets.call_key, self.entropy, exchange)
        self._office = PostOffice(sealing, self.random)
        self._command = Command(self.secrets.call_key, self.network)
        self._rescuers = Rescuers(NOTHING, self.secrets.call_key.public, self.network)

    def handle(
        self, event: Event | Admitted | CallEnded | Sent | Echoed, now: float
    ) -> list[Action | Publish]:
        """One event; Keep always stands before the Publish that depends on it.

        Admitted messages of the last run may come before `Started`, in any order. The node must not announce
        anything of the case's own call to `listener`.
        """
        self._now = now
        match event:
            case Restored():
                self._on_restored(event)
                return []
            case ClockRead():
                self._office.read_clock(event.unix_s, now)
                return []
            case Admitted() if not self._started:
                self._early.append(event)
                return []
            case Started():
                self._started = True
                return self._out(self._on_started(now))
            case VictimCalls() if self._appeal is None:
                return self._out(self._on_calls(event.frame))
        if self._appeal is None:
            self._listening.notice(event)
            return []
        return self._out(self._in_case(event, self._appeal, now))

    def _in_case(
        self, event: Event | Admitted | CallEnded | Sent | Echoed, appeal: Appeal, now: float
    ) -> list[Step]:
        match event:
            case PeerJoined() | PeerLeft() | Sent() | Echoed():
                return [*appeal.on_mesh(event)]
            case Admitted():
                return self._on_admitted(event, appeal, now)
            case CallEnded(call=call, how=how) if call == appeal.state.call:
                return self._close(how, appeal, now)
            case TimerFired(key=LettersDue() as key):
                return self._office.handle_timer(key, now)
            case TimerFired(key=AttestDue(at=at)) if at == self._attest_at:
                return self._on_attest_due(appeal, now)
            case TimerFired(key=Unheard() | SignDue() as due):
                return [*appeal.on_due(due, self._epoch(now), now)]
            case TimerFired(key=LingerEnds(call=call)) if call == appeal.state.call:
                return self._on_linger_ends(appeal)
            case (
                VictimDecides()
                | VictimWrites()
                | VictimRequisitions()
                | VictimUpdates()
                | VictimCancels()
                | VictimClears()
            ):
                return [] if self.refusal(event) is not None else self._on_order(event, appeal, now)
        return []

    def _out(self, steps: Sequence[Step]) -> list[Action | Publish]:
        """Nothing of the case goes to the listener; what was opened is told."""
        actions: list[Action | Publish] = []
        for step in steps:
            match step:
                case Publish():
                    assert self._appeal is not None, "nothing is said without a call"
                    actions.append(self._appeal.away_from_listener(step))
                case Opened(call=call, correspondent=who, letter=letter):
                    if not is_empty(letter.kind, letter.text):
                        actions.append(Tell(LetterArrived(call, who, letter.kind, letter.text)))
                case _:
                    actions.append(step)
        return actions

    # ------------------------------------------------------------------ what is to be seen

    @property
    def call(self) -> CallId | None:
        """The id of the call, once it was made."""
        return None if self._appeal is None else self._appeal.state.call

    @property
    def listener(self) -> PeerId | None:
        """The peer to which nothing of the case is ever sent, so that its echo means HEARD."""
        return self._listening.listener

    @property
    def view(self) -> CaseView | None:
        """The case as the people see it; None before the call was made."""
        if self._appeal is None:
            return None
        state = self._appeal.state
        return CaseView(
            state.call, state.phase, len(state.relays), state.heard, self.listener is not None,
            self._rescuers.helpers(), self._office.records(state.call), state.closed_how, state.keys_gone,
        )  # fmt: skip

    def refusal(self, event: Event) -> str | None:
        """Why a victim's event would do nothing, in one sentence that names the next step; else None."""
        if isinstance(event, VictimCalls):
            used = "This case has its call already: start another case for another call."
            return None if self._appeal is None else used
        if not isinstance(event, orders.ORDERS):
            return None
        if self._appeal is None:
            return "No call was made yet: make one first."
        closed = orders.closed_fault(self._appeal.state.phase, self._appeal.state.closed_how)
        stand = orders.Standing(self._appeal.told, self._rescuers, self._conversation, self.secrets.situation)
        return closed or stand.fault(event) or self._busy(event)

    def _busy(self, event: Event) -> str | None:
        counted = isinstance(event, VictimRequisitions | VictimUpdates)
        return self._command.refusal(self._epoch(self._now)) if counted else None

    def _conversation(self, who: Key) -> Conversation | None:
        return None if self.call is None else self._office.conversation(self.call, who)

    def _epoch(self, now: float) -> int:
        return max(0, int(self._office.unix_s(now))) // CALL_EPOCH_S

    # ------------------------------------------------------------------ beginning, and beginning again

    def _on_calls(self, frame: Frame) -> list[Step]:
        self._begin(frame, CaseState(frame.id))
        assert self._appeal is not None
        return [*self._appeal.begin(), *self._appeal.attend(self._now)]

    def _begin(self, frame: Frame, state: CaseState) -> None:
        self._listening.told(tuple(state.relays))
        self._appeal = Appeal(frame, state, self._command, self._listening)
        self._rescuers = Rescuers(frame.id, self.secrets.call_key.public, self.network)

    def _on_restored(self, event: Restored) -> None:
        self._office.restore(event.table, event.rows) if event.table in (
            Table.SESSION,
            Table.COUNTER,
        ) else None
        if event.table is Table.COUNTER:
            self._command.restore(event.rows)
        elif event.table is Table.CASE:
            self._resume(event.rows)

    def _resume(self, rows: Rows) -> None:
        state, frame = state_of(rows), decode(dict(rows).get(CALL, b""), self.network)
        if isinstance(frame, Frame) and isinstance(frame.message, Call):
            self._begin(frame, state if state is not None and state.call == frame.id else CaseState(frame.id))
            self._rescuers.arrivals.restore(rows)

    def _on_started(self, now: float) -> list[Step]:
        early, self._early = self._early, []
        if self._appeal is None:
            return []
        appeal, steps = self._appeal, list[Step]()
        for conversation in self._office.conversations(appeal.state.call):
            self._recall(conversation)
        for admitted in early:
            steps += self._on_admitted(admitted, appeal, now)
        steps += self._resume_closing(appeal, now)
        # "A victim that comes back MUST repeat its CALL in the same cell." (07-dialogue §12)
        return [*steps, *appeal.repeat(), *appeal.attend(now), *self._office.start(now)]

    def _recall(self, conversation: Conversation) -> None:
        """What the letters of the last run say about one responder: one row is one decision."""
        for letter in sorted(conversation.incoming.values(), key=lambda i: i.number):
            self._rescuers.opened(conversation.correspondent, letter)
        decisions = [o.kind for o in conversation.outgoing.values() if o.kind in DECISIONS]
        if decisions:
            self._rescuers.decide(conversation.correspondent, DECISIONS[decisions[-1]])
            conversation.trusted = decisions[-1] is LetterKind.ACCEPT

    def _resume_closing(self, appeal: Appeal, now: float) -> list[Step]:
        state, said = appeal.state, appeal.said_closing()
        if state.phase is not CasePhase.CLOSED:
            return [] if said is None else self._close(said, appeal, now)
        steps: list[Step] = [] if state.keys_gone else [self._linger(appeal, now)]
        # A crash fell between the row that closes the case and the message that says so.
        for kind, how in CLOSINGS.items():
            if how == state.closed_how and said is None and not state.keys_gone:
                steps += appeal.say(kind, self._epoch(now))
        return steps

    # ------------------------------------------------------------------ the mesh

    def _on_admitted(self, event: Admitted, appeal: Appeal, now: float) -> list[Step]:
        message = event.frame.message
        if isinstance(message, Call) or getattr(message, "call", None) != appeal.state.call:
            return []
        own = message.signer == self.secrets.call_key.public
        if own:
            appeal.observe(event.frame)
        steps: list[Step] = [] if own else [*appeal.heard()]
        if isinstance(message, Letter):
            steps += self._office.receive(message, now, restored=event.restored)
            for step in steps:
                if isinstance(step, Opened):
                    self._rescuers.opened(step.correspondent, step.letter)
        else:
            self._rescuers.admit(event.frame)
        return [*steps, *self._rescuers.arrivals.keep(), *self._plan_attest(appeal, now)]

    def _made_contact(self) -> list[Key]:
        """Who is to be attested: it claims, and its letter 1 arrived, which the ATTEST acknowledges."""
        known = [(who, self._conversation(who)) for who in self._rescuers.made_contact()]
        return [who for who, conversation in known if conversation is not None and conversation.contiguous]

    def _plan_attest(self, appeal: Appeal, now: float) -> list[Step]:
        if self._attest_at is not None or appeal.state.phase is CasePhase.CLOSED or not self._made_contact():
            return []
        self._attest_at = now + self._command.attest_after_s(now)
        return [SetTimer(AttestDue(appeal.state.call, self._attest_at), self._attest_at)]

    def _on_attest_due(self, appeal: Appeal, now: float) -> list[Step]:
        self._attest_at = None
        if appeal.state.phase is CasePhase.CLOSED:
            return []
        return [*self._attest(self._made_contact(), appeal, now), *self._plan_attest(appeal, now)]

    def _attest(self, responders: Sequence[Key], appeal: Appeal, now: float) -> list[Step]:
        # "The victim's machine attests by itself every responder that claims and whose letter 1 it opened."
        # (07-dialogue §7)
        named = tuple(sorted(responders[:ATTESTED_MAX]))
        if not named:
            return []
        self._command.attested(now)
        steps = appeal.say(Attest, self._epoch(now), previous=NOTHING, heads=(), responders=named)
        for step in steps:
            if isinstance(step, Publish):
                self._rescuers.admit(step.frame)
        return [*steps]

    # ------------------------------------------------------------------ the victim's orders

    def _on_order(self, event: Event, appeal: Appeal, now: float) -> list[Step]:
        match event:
            case VictimDecides():
                return self._on_decides(event, appeal, now)
            case VictimWrites(responder=who, text=text):
                words = Words(LetterKind.TEXT, text)
                to = self._rescuers.accepted() if who is None else [who]
                return [s for key in to for s in self._office.write(appeal.state.call, key, words, now)]
            case VictimRequisitions(lead=lead, members=members):
                others = tuple(sorted({key: None for key in members if key != lead}))
                return [*appeal.say(Requisition, self._epoch(now), lead=lead, members=others)]
            case VictimUpdates(changes=changes):
                return [*appeal.say(Update, self._epoch(now), **orders.refined(appeal.told, changes))]
            case VictimCancels():
                return self._on_closes(Cancel, appeal, now)
            case VictimClears():
                return self._on_closes(AllClear, appeal, now)
        return []

    def _on_decides(self, event: VictimDecides, appeal: Appeal, now: float) -> list[Step]:
        call, who, steps = appeal.state.call, event.responder, list[Step]()
        if event.kind is LetterKind.REFUSE:
            # "A victim that refuses a responder MUST empty every letter to it that was not acknowledged." (07-dialogue §10)
            steps += self._office.withdraw(call, who)
        elif who in self._made_contact():
            others = [key for key in self._made_contact() if key != who]
            steps += self._attest([who, *others], appeal, now)
        self._rescuers.decide(who, DECISIONS[event.kind])
        self._office.trust(call, who, event.kind is LetterKind.ACCEPT)
        words = Words(event.kind, orders.decision_text(event, self.secrets.situation))
        return [*steps, *self._office.write(call, who, words, now)]

    # ------------------------------------------------------------------ closing

    def _on_closes(self, kind: type[Cancel | AllClear], appeal: Appeal, now: float) -> list[Step]:
        closed = self._close(CLOSINGS[kind], appeal, now)
        return [*closed, *appeal.say(kind, self._epoch(now))]

    def _close(self, how: str, appeal: Appeal, now: float) -> list[Step]:
        if appeal.state.phase is CasePhase.CLOSED:
            return []
        return [*appeal.close(how, self._office.unix_s(now)), self._linger(appeal, now)]

    def _linger(self, appeal: Appeal, now: float) -> SetTimer:
        left_s = appeal.state.closed_unix_s + LINGER_S - self._office.unix_s(now)
        at = now + min(max(left_s, 0.0), LINGER_S)
        return SetTimer(LingerEnds(appeal.state.call, at), at)

    def _on_linger_ends(self, appeal: Appeal) -> list[Step]:
        if appeal.state.keys_gone or appeal.state.phase is not CasePhase.CLOSED:
            return []
        # "When the linger is over, both sides MUST destroy the keys of the call." (07-dialogue §9)
        appeal.state.keys_gone = True
        gone = self._office.close(appeal.state.call, texts_too=False)
        return [appeal.state.keep(), forget_secrets(), self._command.forget(), *gone]

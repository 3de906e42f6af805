"""The responder's side of the sealed dialogue: one conversation with the victim of each call it claimed.

Decides when the first letter goes and which letters it can read. Comes in: own CLAIMs, LETTERs, the
operator's words, timers, the rows of the last run. Goes out: rows, LETTERs to publish, what to tell.
Must not know why the node claimed, nor who forwards its cells.
"""

from collections.abc import Callable, Sequence
from random import Random

from attrs import define, field, frozen

from p2p_sos.core.actions import Action, Forget, SetTimer, Tell
from p2p_sos.core.events import ClockRead, Event, OperatorWrites, Restored, Started, TimerFired
from p2p_sos.core.internal import Admitted, CallEnded, CallReopened, Publish
from p2p_sos.core.letters import letterbook as book
from p2p_sos.core.letters.conversation import LETTERS_MAX, Conversation, is_empty
from p2p_sos.core.letters.length import letter_fault, text_fault
from p2p_sos.core.letters.letterbook import ClosedRow, LetterRecord, Words
from p2p_sos.core.letters.post_office import LettersDue, Opened, PostOffice, Step
from p2p_sos.core.letters.sealing import Sealing
from p2p_sos.core.notices import LetterArrived
from p2p_sos.core.tables import Table
from p2p_sos.wire.frames import LENGTH_BYTES, Frame
from p2p_sos.wire.hashing import NetworkId
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import AllClear, Attest, Call, CallId, Cancel, Claim, Key, Letter
from p2p_sos.wire.refusals import Reason
from p2p_sos.wire.registry import Kind, LetterKind

LINGER_S = 60.0  # guess: letters that were under way when the call closed still arrive within it
CLOSED_REMEMBERED_MAX = 64  # guess: closed calls whose letters memory still shows
CALLS_REMEMBERED_MAX = 4096  # guess: calls whose exchange key is remembered, open or not
INTRODUCTION_BYTES_MAX = 8_000  # with a CLAIM beside it, this stays within the parts of one letter


@frozen
class LingerEnds:
    """A timer: the call closed a while ago; its keys are destroyed now."""

    call: CallId
    at: float


def trimmed(frame: Frame) -> bytes:
    """A cell without the zeros after its frame: what a letter encloses."""
    return frame.cell[: LENGTH_BYTES + int.from_bytes(frame.cell[:LENGTH_BYTES], "big")]


@define
class Dialogue:
    """A responder's letters, of all its calls. `introduction` is sealed into each first letter."""

    network: NetworkId
    key: SigningKey = field(repr=False)
    introduction: str
    entropy: Callable[[int], bytes] = field(repr=False)
    random: Random = field(repr=False)
    _office: PostOffice = field(init=False, repr=False)
    _calls: dict[CallId, Call] = field(factory=dict, init=False, repr=False)
    _early: list[Admitted] = field(factory=list, init=False, repr=False)
    _started: bool = field(default=False, init=False)
    _closing: dict[CallId, float] = field(factory=dict, init=False)  # unix time of closing
    _ended: dict[CallId, None] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._office = PostOffice(Sealing(self.network, self.key, self.entropy), self.random)

    def handle(
        self, event: Event | Admitted | CallEnded | CallReopened, now: float
    ) -> list[Action | Publish]:
        """One event; Keep always stands before the Publish that depends on it.

        Admitted messages of the last run may come before `Started`, in any order.
        """
        match event:
            case Admitted() if not self._started:
                self._early.append(event)
                return []
            case Admitted():
                return self._told(self._on_admitted(event, now))
            case TimerFired(key=LettersDue() as key):
                return self._told(self._office.handle_timer(key, now))
            case TimerFired(key=LingerEnds() as key):
                return self._told(self._on_linger_ends(key))
            case OperatorWrites() if self.refusal(event) is None:
                return self._told(self._on_operator_writes(event, now))
            case CallEnded():
                return self._told(self._on_ended(event.call, now))
            case CallReopened():
                return self._on_reopened(event.call)
            case Restored(table=Table.SESSION | Table.COUNTER):
                self._on_restored(event)
            case ClockRead():
                self._office.read_clock(event.unix_s, now)
            case Started():
                return self._told(self._on_started(now))
        return []

    def _told(self, steps: Sequence[Step]) -> list[Action | Publish]:
        """What was opened is told; it is kept already."""
        actions: list[Action | Publish] = []
        for step in steps:
            if not isinstance(step, Opened):
                actions.append(step)
            elif not is_empty(step.letter.kind, step.letter.text):
                letter = step.letter
                actions.append(Tell(LetterArrived(step.call, step.correspondent, letter.kind, letter.text)))
        return actions

    # ------------------------------------------------------------------ the people

    def refusal(self, event: Event) -> str | None:
        """Why an operator's event would do nothing, in one sentence; None if it would."""
        if not isinstance(event, OperatorWrites):
            return None
        if event.call in self._closing or event.call in self._ended:
            return "The call is over and its keys go: nothing can be written to its victim any more."
        conversation = self._conversation(event.call)
        if conversation is None:
            return "This node has not claimed that call: claim it first, then write."
        if conversation.keys is None:
            return "The call names an exchange key to which nothing can be sealed: its victim cannot be written to."
        if conversation.next_number > LETTERS_MAX:
            return (
                f"{LETTERS_MAX} letters were written in this call, and no more are kept: use another channel."
            )
        return text_fault(event.text) or letter_fault(event.text)

    def letters(self, call: CallId) -> tuple[LetterRecord, ...]:
        """Every letter of one call, both directions, as far as this process remembers."""
        return self._office.records(call)

    @property
    def refusals(self) -> dict[Reason, int]:
        """How many letters were not for us or not acceptable, by reason."""
        return dict(self._office.refusals)

    def _on_operator_writes(self, event: OperatorWrites, now: float) -> list[Step]:
        victim = self._victim(event.call)
        assert victim is not None, "a refusal stands before every order"
        return self._office.write(event.call, victim, Words(LetterKind.TEXT, event.text), now)

    # ------------------------------------------------------------------ the last run

    def _on_restored(self, event: Restored) -> None:
        self._office.restore(event.table, event.rows)
        if event.table is Table.SESSION:
            for row in sorted(event.rows):
                match book.read_row(*row):
                    case (call, _, ClosedRow(unix_s=unix_s)):
                        self._closing[call] = float(unix_s)

    def _on_started(self, now: float) -> list[Step]:
        self._started = True
        early, self._early = self._early, []
        # A closing decides about everything else that was said, so it is looked at first.
        order = {Kind.CALL: 0, Kind.CANCEL: 1, Kind.ALL_CLEAR: 1}
        early.sort(key=lambda admitted: order.get(admitted.frame.message.KIND, 2))
        steps: list[Step] = [self._linger(call, now) for call in self._closing]
        for admitted in early:
            steps += self._on_admitted(admitted, now)
        return [*steps, *self._office.start(now)]

    # ------------------------------------------------------------------ the mesh

    def _conversation(self, call: CallId) -> Conversation | None:
        found = self._office.conversations(call)
        return found[0] if found else None

    def _victim(self, call: CallId) -> Key | None:
        """Who signs as the victim of a call, as far as this machine knows."""
        if (conversation := self._conversation(call)) is not None:
            return conversation.correspondent
        return self._calls[call].signer if call in self._calls else None

    def _on_admitted(self, event: Admitted, now: float) -> list[Step]:
        message = event.frame.message
        match message:
            case Call():
                self._calls[event.frame.id] = message
                # It was crowded out, and came back: others have gone meanwhile.
                self._ended.pop(event.frame.id, None)
                if len(self._calls) > CALLS_REMEMBERED_MAX:
                    del self._calls[next(iter(self._calls))]
            case Claim() if message.signer == self.key.public:
                return self._on_own_claim(event.frame, message, now)
            case Letter() if self._conversation(message.call) is not None:
                if message.signer in (self._victim(message.call), self.key.public):
                    return self._office.receive(message, now, restored=event.restored)
            case Attest() if message.signer == self._victim(message.call):
                return self._on_attest(message, now)
            case Cancel() | AllClear() if message.signer == self._victim(message.call):
                return self._on_ended(message.call, now)
        return []

    def _on_own_claim(self, frame: Frame, claim: Claim, now: float) -> list[Step]:
        call = self._calls.get(claim.call)
        if call is None or claim.call in self._closing or claim.call in self._ended:
            return []
        steps: list[Step] = []
        conversation = self._conversation(claim.call)
        if conversation is None:
            steps += self._office.begin(claim.call, call.signer, call.exchange_key)
            conversation = self._conversation(claim.call)
        assert conversation is not None
        if conversation.keys is None:
            return steps
        text = self.introduction.encode()[:INTRODUCTION_BYTES_MAX].decode(errors="ignore")
        words = Words(LetterKind.INTRODUCTION, text, trimmed(frame))
        return [*steps, *self._introduce(conversation, words, now)]

    def _introduce(self, conversation: Conversation, words: Words, now: float) -> list[Step]:
        """Say who this is, with the claim beside it; nobody is told the same twice."""
        said = conversation.introduction
        # "A responder that claims again and has nothing else to say of itself writes no second INTRODUCTION."
        # (07-dialogue §4)
        if said is None or said.text != words.text:
            # "A responder MUST write a letter of the kind INTRODUCTION with its CLAIM, and enclose the CLAIM." (07-dialogue §4)
            return self._office.write(conversation.call, conversation.correspondent, words, now)
        if said.delivered or said.enclosure == words.enclosure:
            return []
        return self._office.enclose(
            conversation.call, conversation.correspondent, said.number, words.enclosure
        )

    def _on_attest(self, attest: Attest, now: float) -> list[Step]:
        # "An ATTEST of the victim that names R acknowledges R's letter 1." (07-dialogue §7)
        if self.key.public not in attest.responders or self._conversation(attest.call) is None:
            return []
        return self._office.acknowledge(attest.call, attest.signer, 1, now)

    # ------------------------------------------------------------------ closing

    def _linger(self, call: CallId, now: float) -> SetTimer:
        left_s = self._closing[call] + LINGER_S - self._office.unix_s(now)
        at = now + min(max(left_s, 0.0), LINGER_S)
        return SetTimer(LingerEnds(call, at), at)

    def _on_ended(self, call: CallId, now: float) -> list[Step]:
        if call in self._closing or call in self._ended:
            return []
        conversation = self._conversation(call)
        if conversation is None:
            self._end(call)
            return []
        unix_s = max(0, int(self._office.unix_s(now)))
        self._closing[call] = float(unix_s)
        kept = book.keep_closed(call, conversation.correspondent, ClosedRow(unix_s))
        return [kept, self._linger(call, now)]

    def _on_reopened(self, call: CallId) -> list[Action | Publish]:
        """Its victim spoke again: keys that are still there stay; where they went, a new claim makes new ones."""
        self._ended.pop(call, None)
        conversation = self._conversation(call)
        if self._closing.pop(call, None) is None or conversation is None:
            return []
        kept = book.keep_closed(call, conversation.correspondent, ClosedRow(0))
        return [Forget(kept.table, kept.key)]

    def _on_linger_ends(self, key: LingerEnds) -> list[Step]:
        if self._closing.pop(key.call, None) is None:
            return []
        # "When the linger is over, both sides MUST destroy the keys of the call." (07-dialogue §9)
        steps = self._office.close(key.call, texts_too=True)
        self._end(key.call)
        return steps

    def _end(self, call: CallId) -> None:
        self._ended[call] = None
        if len(self._ended) > CALLS_REMEMBERED_MAX:
            del self._ended[next(iter(self._ended))]
        closed = [known for known in self._office.calls() if known in self._ended]
        for known in closed[: max(0, len(closed) - CLOSED_REMEMBERED_MAX)]:
            self._office.drop(known)

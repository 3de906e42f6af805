"""All letters between one own key and its correspondents, in every call: sealing, repeating, opening, acknowledging.

Decides when a cell leaves and which letters are new. Comes in: letters to write, LETTERs that were admitted, timers,
rows of the last run. Goes out: rows, LETTERs to publish, `Opened`. Must not know why a letter is written, nor whom
the victim accepts: `dialogue` and `case` tell it.
"""

from random import Random

from attrs import define, field, frozen

from p2p_sos.core.actions import Action, SetTimer, Tell
from p2p_sos.core.clock import Clock
from p2p_sos.core.internal import Publish
from p2p_sos.core.letters import letterbook as book
from p2p_sos.core.letters.assembly import Assembly
from p2p_sos.core.letters.conversation import Conversation, is_empty
from p2p_sos.core.letters.letterbook import Incoming, LetterRecord, Outgoing, SessionRow, Words
from p2p_sos.core.letters.postage import ACKNOWLEDGEMENT_RESERVE, STRANGER_RESERVE, Postage, read_postage
from p2p_sos.core.letters.sealing import Sealing
from p2p_sos.core.notices import LetterDelivered
from p2p_sos.core.tables import Table
from p2p_sos.wire import letters
from p2p_sos.wire.hashing import responder_key_hash
from p2p_sos.wire.letters import Content, FirstLetter
from p2p_sos.wire.messages import CallId, Key, Letter
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import BOARD_RESPONDERS_MAX, LetterKind

CORRESPONDENTS_MAX = BOARD_RESPONDERS_MAX  # of one call
REPEAT_FIRST_S = 6.0  # guess: two gossip delays and the other side's acknowledgement delay
REPEAT_LAST_S = 240.0  # guess: backoff doubles up to here
JITTER = (0.75, 1.25)  # guess
ACKNOWLEDGE_AFTER_S = (0.4, 1.2)  # guess: an answer within it carries the acknowledgement for nothing
HALVES_MAX = 256  # guess: signers whose letters lack parts; 4 MB at the very worst
QUIET_AFTER_START_S = (2.0, 4.0)  # guess: peers are still joining
SOONEST_S = 0.05

_ACKNOWLEDGEMENT = Outgoing(0, LetterKind.ACKNOWLEDGEMENT, "", b"")


@frozen
class LettersDue:
    """A timer: something of this signer is to be sent, repeated or acknowledged at `at`."""

    signer: Key
    at: float


@frozen
class Opened:
    """An action for the machine around: a letter was opened, for the first time, and is kept."""

    call: CallId
    correspondent: Key
    letter: Incoming


Step = Action | Publish | Opened


@define
class PostOffice:
    """The letters of one own key."""

    sealing: Sealing
    random: Random = field(repr=False)
    refusals: dict[Reason, int] = field(factory=dict)
    _calls: dict[CallId, dict[Key, Conversation]] = field(factory=dict)
    _postage: dict[CallId, Postage] = field(factory=dict)
    _halves: dict[tuple[CallId, Key], Assembly] = field(factory=dict)
    _clock: Clock = field(factory=Clock)
    _wake_at: float | None = None
    _quiet_until: float = 0.0

    @property
    def _me(self) -> Key:
        return self.sealing.key.public

    # ------------------------------------------------------------------ what is there

    def conversation(self, call: CallId, correspondent: Key) -> Conversation | None:
        """The conversation with one correspondent, if there is one."""
        return self._calls.get(call, {}).get(correspondent)

    def conversations(self, call: CallId) -> list[Conversation]:
        """Every conversation of one call, in the order in which they began."""
        return list(self._calls.get(call, {}).values())

    def calls(self) -> list[CallId]:
        """Every call in which there is a conversation."""
        return list(self._calls)

    def records(self, call: CallId) -> tuple[LetterRecord, ...]:
        """Every letter of one call, correspondent by correspondent."""
        ordered = sorted(self.conversations(call), key=lambda c: c.correspondent)
        return tuple(record for c in ordered for record in c.records())

    def unix_s(self, now: float) -> float:
        """The wall clock at `now`."""
        return self._clock.unix_s(now)

    def read_clock(self, unix_s: float, now: float) -> None:
        """The wall clock was read."""
        self._clock.read(unix_s, now)

    # ------------------------------------------------------------------ the last run

    def restore(self, table: Table, rows: tuple[tuple[bytes, bytes], ...]) -> None:
        """Take back what an earlier run kept; the order of the rows does not matter."""
        if table is Table.COUNTER:
            for key, value in rows:
                if (postage := read_postage(key, value, self._me)) is not None:
                    self._postage[postage.call] = postage
        if table is not Table.SESSION:
            return
        entries = [found for row in sorted(rows) if (found := book.read_row(*row)) is not None]
        for call, correspondent, entry in entries:
            if isinstance(entry, SessionRow):
                self._enter(self.sealing.agree(call, correspondent, entry.secret, entry.exchange_key))
        for call, correspondent, entry in entries:
            conversation = self.conversation(call, correspondent)
            if conversation is None:
                continue
            if isinstance(entry, Outgoing):
                conversation.outgoing[entry.number] = entry
            elif isinstance(entry, Incoming):
                conversation.remember(entry)

    def start(self, now: float) -> list[Step]:
        """Everything is restored: what nobody acknowledged goes out again."""
        self._quiet_until = now + self.random.uniform(*QUIET_AFTER_START_S)
        return self._pump(now)

    # ------------------------------------------------------------------ conversations

    def _enter(self, conversation: Conversation) -> None:
        self._calls.setdefault(conversation.call, {})[conversation.correspondent] = conversation
        self._postage.setdefault(conversation.call, Postage(conversation.call, self._me))

    def begin(self, call: CallId, victim: Key, exchange_key: Key) -> list[Step]:
        """A responder begins its conversation with the victim of a call, under an exchange key of its own."""
        # "A responder MUST make a fresh exchange key for each call." (07-dialogue §3)
        secret = self.sealing.entropy(32)
        self._enter(self.sealing.agree(call, victim, secret, exchange_key))
        return [book.keep_session(call, victim, SessionRow(secret, exchange_key))]

    def trust(self, call: CallId, correspondent: Key, trusted: bool) -> None:
        """The victim accepted a correspondent, or does no longer."""
        if (conversation := self.conversation(call, correspondent)) is not None:
            conversation.trusted = trusted

    def close(self, call: CallId, *, texts_too: bool) -> list[Step]:
        """Destroy the keys of a call, and on disk what was said if `texts_too`; memory still shows it."""
        steps: list[Step] = []
        for conversation in self.conversations(call):
            steps += book.forget_session(call, conversation.correspondent)
            if texts_too:
                outgoing, incoming = list(conversation.outgoing), list(conversation.incoming)
                steps += book.forget_letters(call, conversation.correspondent, outgoing, incoming)
            conversation.keys, conversation.secret = None, b""
            conversation.repeat_at = conversation.acknowledge_at = None
            self._halves.pop((call, conversation.correspondent), None)
        if (postage := self._postage.pop(call, None)) is not None:
            steps.append(postage.forget())
        return steps

    def drop(self, call: CallId) -> None:
        """Memory need not show a closed call any more."""
        self._calls.pop(call, None)

    # ------------------------------------------------------------------ writing

    def write(self, call: CallId, correspondent: Key, words: Words, now: float) -> list[Step]:
        """A new letter to a correspondent of ours: kept first, then sent as soon as the budget allows."""
        conversation = self._calls[call][correspondent]
        letter = Outgoing(conversation.next_number, words.kind, words.text, words.enclosure)
        conversation.outgoing[letter.number] = letter
        # "A writer MUST have the letter and its number on disk before any cell of it leaves." (07-dialogue §6)
        return [book.keep_outgoing(call, correspondent, letter), *self._pump(now)]

    def enclose(self, call: CallId, correspondent: Key, number: int, enclosure: bytes) -> list[Step]:
        """A letter that nobody acknowledged encloses something newer from its next sending on."""
        letter = self._calls[call][correspondent].outgoing[number]
        letter.enclosure = enclosure
        return [book.keep_outgoing(call, correspondent, letter)]

    def withdraw(self, call: CallId, correspondent: Key) -> list[Step]:
        """Empty what a correspondent has not acknowledged."""
        conversation = self._calls[call][correspondent]
        return [book.keep_outgoing(call, correspondent, letter) for letter in conversation.withdraw()]

    def _send(
        self, conversation: Conversation, letter: Outgoing, reserve: int, now: float
    ) -> list[Step] | float:
        """The cells of one letter; or when there will be room for them, in seconds since 1970."""
        call, unix_s = conversation.call, self.unix_s(now)
        content = Content(letter.number, conversation.contiguous, letter.kind, letter.text, letter.enclosure)
        count = letters.parts_needed(content, first=conversation.introduces_itself)
        postage = self._postage[call]
        # "A signer MUST NOT send more than 20 LETTER cells in one call within 600 s." (07-dialogue §8)
        if postage.free(unix_s, reserve) < count:
            return postage.free_at_unix_s(unix_s, count, reserve)
        number, keep = postage.take(count, unix_s)
        cells = self.sealing.cells(conversation, content, number)
        if not cells:
            conversation.keys = None  # the call's exchange key is worth nothing: nobody can be answered
            return []
        conversation.acknowledge_at = None
        return [keep, *(Publish(cell) for cell in cells)]

    # ------------------------------------------------------------------ when cells leave

    def handle_timer(self, key: LettersDue, now: float) -> list[Step]:
        """A timer of ours is due, unless another took its place."""
        if key.signer != self._me or key.at != self._wake_at:
            return []
        self._wake_at = None
        return self._pump(now)

    def _pump(self, now: float) -> list[Step]:
        """Send whatever is due in every call, then set the timer for what is due next."""
        steps: list[Step] = []
        wakes: list[float] = []
        if now < self._quiet_until:
            wakes.append(self._quiet_until)
        else:
            for call in self._calls:
                steps += self._pump_call(call, now, wakes)
        if wakes:
            at = max(min(wakes), now + SOONEST_S)
            if self._wake_at is None or at < self._wake_at or self._wake_at <= now:
                self._wake_at = at
                steps.append(SetTimer(LettersDue(self._me, at), at))
        return steps

    def _pump_call(self, call: CallId, now: float, wakes: list[float]) -> list[Step]:
        steps: list[Step] = []
        live = [c for c in self._calls[call].values() if c.keys is not None]
        # New letters first, then the repeats that were tried least: one silent helper starves nobody.
        due = [(0, letter.number, c.correspondent, c, letter) for c in live for letter in c.unposted()]
        for c in live:
            waiting = c.waiting()
            if waiting and waiting[0].posted and c.repeat_at is not None and c.repeat_at <= now:
                due.append((1 + c.attempt, waiting[0].number, c.correspondent, c, waiting[0]))
        for *_, conversation, letter in sorted(due, key=lambda entry: entry[:3]):
            sent = self._send(conversation, letter, ACKNOWLEDGEMENT_RESERVE, now)
            if isinstance(sent, float):
                wakes.append(self._clock.local(sent))
                break
            steps += sent
            self._plan_repeat(conversation, letter, now)
        for conversation in sorted(live, key=lambda c: (not c.trusted, c.acknowledge_at or 0.0)):
            if conversation.acknowledge_at is None or conversation.acknowledge_at > now:
                continue
            sent = self._send(conversation, _ACKNOWLEDGEMENT, self._reserve(conversation), now)
            if isinstance(sent, float):
                wakes.append(self._clock.local(sent))
            else:
                steps += sent
        for c in live:
            wakes += [at for at in (c.repeat_at, c.acknowledge_at) if at is not None and at > now]
        return steps

    def _reserve(self, conversation: Conversation) -> int:
        return 0 if conversation.trusted else STRANGER_RESERVE

    def _plan_repeat(self, conversation: Conversation, letter: Outgoing, now: float) -> None:
        """After a sending: new letters do not hurry the repeats of a silent correspondent."""
        if letter.posted:
            conversation.attempt += 1
        elif conversation.repeat_at is not None and conversation.repeat_at > now:
            letter.posted = True
            return
        letter.posted = True
        self._rearm(conversation, now)

    def _rearm(self, conversation: Conversation, now: float) -> None:
        wait_s = min(REPEAT_FIRST_S * 2.0**conversation.attempt, REPEAT_LAST_S)
        conversation.repeat_at = now + wait_s * self.random.uniform(*JITTER)

    # ------------------------------------------------------------------ reading

    def _refuse(self, refusal: Refusal) -> list[Step]:
        self.refusals[refusal.reason] = self.refusals.get(refusal.reason, 0) + 1
        return []

    def receive(self, letter: Letter, now: float, *, restored: bool = False) -> list[Step]:
        """A LETTER of a correspondent, or of who may become one; what is not for us is counted and dropped."""
        call, signer = letter.call, letter.signer
        if signer == self._me:
            if call in self._postage:
                self._postage[call].seen(letter.number)
            return []
        sealed = self._assemble(letter)
        if sealed is None:
            return []
        steps: list[Step] = []
        conversation = self.conversation(call, signer)
        content = self.sealing.read(conversation, sealed, call, signer, letter.number - letter.part)
        if isinstance(content, FirstLetter):
            conversation = self.sealing.agree(call, signer, b"", content.exchange_key)
            content = self._meet(conversation, steps) or content.content
        if isinstance(content, Refusal):
            return self._refuse(content)
        assert conversation is not None
        steps += self.acknowledge(call, signer, content.acknowledged, now)
        steps += self._take_in(conversation, content, now, restored=restored)
        return [*steps, *self._pump(now)]

    def _assemble(self, letter: Letter) -> bytes | None:
        """The whole sealed letter, once its last part is here; of too many that lack parts, strangers' go first."""
        if letter.parts == 1:
            return letter.sealed
        place = (letter.call, letter.signer)
        sealed = self._halves.setdefault(place, Assembly()).add(letter)
        if not self._halves[place].waiting:
            del self._halves[place]
        if len(self._halves) > HALVES_MAX:
            strangers = (place for place in self._halves if self.conversation(*place) is None)
            del self._halves[next(strangers, next(iter(self._halves)))]
        return sealed

    def _meet(self, conversation: Conversation, steps: list[Step]) -> Refusal | None:
        """A responder writes to the victim for the first time."""
        call, signer = conversation.call, conversation.correspondent
        if conversation.keys is None:
            return Refusal(Reason.KEY, "no secret can be agreed with the exchange key")
        if len(self._calls.get(call, {})) >= CORRESPONDENTS_MAX:
            worst = self._worst_stranger(call)
            if worst is None or responder_key_hash(call, worst) < responder_key_hash(call, signer):
                return Refusal(Reason.BOUND, f"{CORRESPONDENTS_MAX} correspondents already")
            steps += self._drop(call, worst)
        self._enter(conversation)
        steps.append(book.keep_session(call, signer, SessionRow(b"", conversation.exchange_key)))
        return None

    def _worst_stranger(self, call: CallId) -> Key | None:
        strangers = [c.correspondent for c in self.conversations(call) if not c.trusted]
        return max(strangers, key=lambda responder: responder_key_hash(call, responder), default=None)

    def _drop(self, call: CallId, correspondent: Key) -> list[Step]:
        gone = self._calls[call].pop(correspondent)
        self._halves.pop((call, correspondent), None)
        steps: list[Step] = [*book.forget_session(call, correspondent)]
        steps += book.forget_letters(call, correspondent, list(gone.outgoing), list(gone.incoming))
        return steps

    def acknowledge(self, call: CallId, correspondent: Key, number: int, now: float) -> list[Step]:
        """The correspondent has every letter of ours up to `number`."""
        conversation = self._calls[call][correspondent]
        steps: list[Step] = []
        for letter in conversation.acknowledge(number):
            steps.append(book.keep_outgoing(call, correspondent, letter))
            if not is_empty(letter.kind, letter.text):
                steps.append(Tell(LetterDelivered(call, correspondent, letter.number)))
        if not conversation.waiting():
            conversation.repeat_at = None
        elif steps or conversation.attempt:
            conversation.attempt = 0
            self._rearm(conversation, now)
        if not conversation.waiting():
            conversation.attempt = 0
        return steps

    def _take_in(
        self, conversation: Conversation, content: Content, now: float, *, restored: bool
    ) -> list[Step]:
        if content.number == 0:
            return []
        known = content.number in conversation.incoming
        if not known and not conversation.has_room_for(content.number):
            return self._refuse(Refusal(Reason.BOUND, "too many letters of one correspondent"))
        # "An ATTEST of the victim that names R acknowledges R's letter 1." (07-dialogue §7)
        attested = not conversation.initiator and not conversation.trusted and content.number == 1
        if not restored and (known or not attested) and conversation.acknowledge_at is None:
            conversation.acknowledge_at = now + self.random.uniform(*ACKNOWLEDGE_AFTER_S)
        if known:
            return []
        letter = Incoming(content.number, content.kind, content.text, content.enclosure)
        conversation.remember(letter)
        kept: list[Step] = [book.keep_incoming(conversation.call, conversation.correspondent, letter)]
        return [*kept, Opened(conversation.call, conversation.correspondent, letter)]

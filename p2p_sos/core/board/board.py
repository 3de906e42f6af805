"""A board: the grow-only set of signed messages about one call, within deterministic bounds.

Decides which messages one call may keep. Comes in: verified frames of one call, in any order, any number
of times. Goes out: what was kept and what had to go. Must not know clocks, peers, or what the messages
mean together (`resolve` says that).

Every bound keeps the best N by a key that stands in the messages themselves, group by group; so what a
board holds is a function of the set of messages that were ever offered to it, never of their order.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, field, frozen

from p2p_sos.core.board.judge import Judge
from p2p_sos.core.board.standing import CardStanding, Description
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.hashing import responder_key_hash
from p2p_sos.wire.messages import NOTHING, CallId, Key, MessageId
from p2p_sos.wire.registry import (
    BOARD_LETTERS_MAX,
    BOARD_LETTERS_PER_RESPONDER_MAX,
    BOARD_MESSAGES_PER_RESPONDER_MAX,
    BOARD_RESPONDERS_MAX,
    BOARD_VICTIM_MESSAGES_MAX,
    HEADS_MAX,
    Kind,
)

# The newest words of the victim, kind by kind, so that no kind can push out another.
VICTIM_KEPT = {Kind.CANCEL: 1, Kind.ALL_CLEAR: 1, Kind.REQUISITION: 8, Kind.UPDATE: 6, Kind.ATTEST: 48}
assert sum(VICTIM_KEPT.values()) == BOARD_VICTIM_MESSAGES_MAX, "the registry holds the sum"
REGISTERS = (Kind.RENEW, Kind.SITREP)
LOG_KEPT = BOARD_MESSAGES_PER_RESPONDER_MAX - len(REGISTERS)
LETTERS_OF_VICTIM = BOARD_LETTERS_MAX // 2
LETTER_RESPONDERS = (BOARD_LETTERS_MAX - LETTERS_OF_VICTIM) // BOARD_LETTERS_PER_RESPONDER_MAX

Rank = tuple[bytes, bytes]


def sequence_of(frame: Frame) -> int:
    """A message's place in its signer's own order; a LETTER's number."""
    message: Any = frame.message
    return int(message.number if message.KIND is Kind.LETTER else message.sequence)


def newness(frame: Frame) -> tuple[int, MessageId]:
    """Ascending from the word that counts most: the highest sequence, of two alike the lower id."""
    # "Of two messages of one signer the higher sequence counts; of two alike, the lower id." (06-board §4)
    return -sequence_of(frame), frame.id


def rank(call: CallId, responder: Key) -> Rank:
    """A responder's place among all that answer one call; nobody chooses it before the call exists."""
    return responder_key_hash(call, responder), responder


@frozen
class Offer:
    """What became of a frame: whether it stays, and which others went for it."""

    kept: bool
    dropped: tuple[Frame, ...] = ()


@define(eq=False)
class _Shelf:
    """The newest `most` frames of one kind of one signer."""

    most: int
    frames: list[Frame] = field(factory=list)

    def offer(self, frame: Frame) -> Offer:
        self.frames.append(frame)
        self.frames.sort(key=newness)
        if len(self.frames) <= self.most:
            return Offer(True)
        last = self.frames.pop()
        return Offer(False) if last is frame else Offer(True, (last,))


@define(eq=False)
class _Seats:
    """The best `most` responders by rank, each with shelves of its own."""

    call: CallId
    most: int
    seated: dict[Key, dict[Kind | None, _Shelf]] = field(factory=dict)
    ranks: dict[Key, Rank] = field(factory=dict)

    def offer(self, frame: Frame, shelf: Kind | None, most: int) -> Offer:
        signer = frame.message.signer
        dropped: tuple[Frame, ...] = ()
        if signer not in self.seated:
            # "A board keeps the responders of lowest rank, whoever came first." (06-board §3)
            if len(self.seated) >= self.most:
                if not self.has_room_for(signer):
                    return Offer(False)
                dropped = self.unseat()
            self.seated[signer], self.ranks[signer] = {}, rank(self.call, signer)
        offer = self.seated[signer].setdefault(shelf, _Shelf(most)).offer(frame)
        return Offer(offer.kept, dropped + offer.dropped)

    def has_room_for(self, responder: Key) -> bool:
        """Whether a message of this responder may stay."""
        if responder in self.seated or len(self.seated) < self.most:
            return True
        return rank(self.call, responder) < max(self.ranks.values())

    def unseat(self) -> tuple[Frame, ...]:
        """The responder of the highest rank goes, with all its messages."""
        worst = max(self.seated, key=self.ranks.__getitem__)
        gone = self.frames_of(worst)
        del self.seated[worst], self.ranks[worst]
        return gone

    def frames_of(self, responder: Key) -> tuple[Frame, ...]:
        shelves = self.seated.get(responder, {})
        return tuple(frame for shelf in shelves.values() for frame in shelf.frames)

    def frames(self) -> Iterable[Frame]:
        return (frame for responder in self.seated for frame in self.frames_of(responder))


class Board:
    """All that is remembered of one call. Two boards that were offered the same messages are equal."""

    def __init__(self, call: Frame, judge: Judge | None = None) -> None:
        assert call.message.KIND is Kind.CALL, "a board is about a CALL"
        self._call = call
        self._judge = Judge() if judge is None else judge
        self._cards: dict[Key, Frame] = {}
        self._convicted: dict[Key, None] = {}
        self._held: dict[MessageId, Frame] = {}
        self._victim = {kind: _Shelf(most) for kind, most in VICTIM_KEPT.items()}
        self._victim_letters = _Shelf(LETTERS_OF_VICTIM)
        self._responders = _Seats(call.id, BOARD_RESPONDERS_MAX)
        self._correspondents = _Seats(call.id, LETTER_RESPONDERS)

    @property
    def call(self) -> Frame:
        """The CALL; of two cells with its id, the one of higher effort."""
        return self._call

    def replace_call(self, call: Frame) -> None:
        """Take a cell of the same CALL that carries more work."""
        assert call.id == self._call.id, "another call"
        self._call = call

    def offer(self, frame: Frame, card: Frame | None = None) -> Offer:  # noqa: ARG002 (comes next)
        """Take a verified message of this call; offering it again changes nothing.

        `card`: of a CLAIM, the CARD that it names, where it is known: it decides who stays on a full board.
        """
        if frame.id in self._held:
            return Offer(False)
        offer = self._place(frame)
        if offer.kept:
            self._held[frame.id] = frame
        for gone in offer.dropped:
            self._held.pop(gone.id, None)
        return offer

    def _place(self, frame: Frame) -> Offer:
        kind = frame.message.KIND
        by_victim = frame.message.signer == self._call.message.signer
        if kind is Kind.LETTER:
            if by_victim:
                return self._victim_letters.offer(frame)
            return self._correspondents.offer(frame, Kind.LETTER, BOARD_LETTERS_PER_RESPONDER_MAX)
        if by_victim:
            shelf = self._victim.get(kind)
            return Offer(False) if shelf is None else shelf.offer(frame)
        if kind in REGISTERS:
            return self._responders.offer(frame, kind, 1)
        return self._responders.offer(frame, None, LOG_KEPT)

    def has_room_for(self, frame: Frame, card: Frame | None = None) -> bool:  # noqa: ARG002 (comes next)
        """Whether the signer of a message may stay at all; False saves the work of verifying it."""
        if frame.message.KIND is Kind.LETTER or frame.message.signer == self._call.message.signer:
            return True
        return self._responders.has_room_for(frame.message.signer)

    def seats(self, *, letters: bool) -> int:
        """How many responders it remembers: those who wrote letters, or those who said anything else."""
        return len((self._correspondents if letters else self._responders).seated)

    def unseat(self, *, letters: bool) -> tuple[Frame, ...]:
        """Let the responder of the highest rank go; all its messages of that sort."""
        gone = (self._correspondents if letters else self._responders).unseat()
        for frame in gone:
            del self._held[frame.id]
        return gone

    # ------------------------------------------------------------------ cards and convictions

    def adopt(self, card: Frame) -> bool:
        """Take a CARD that the newest CLAIM of its signer names; any other is none of this board's business."""
        claim = self._claim_of(card.message.signer)
        if claim is None or claim.message.card != card.id:  # type: ignore[union-attr]
            return False
        self._cards[card.message.signer] = card
        return True

    def convict(self, key: Key) -> None:
        """A PROOF shows that a key lied: nothing that it says counts any more."""
        self._convicted[key] = None

    def is_convicted(self, key: Key) -> bool:
        """Whether this board was told of a PROOF against a key."""
        return key in self._convicted

    @property
    def convicted(self) -> tuple[Key, ...]:
        """The convicted keys that this board was told of, ascending."""
        return tuple(sorted(self._convicted))

    @property
    def cards(self) -> Mapping[MessageId, Frame]:
        """The cards that the newest claims name, as far as they are known."""
        return {frame.id: frame for frame in self._cards.values()}

    @property
    def wanted_cards(self) -> tuple[MessageId, ...]:
        """The cards that the newest claims name and that are missing, ascending."""
        claims = [claim for who in self._responders.seated if (claim := self._claim_of(who)) is not None]
        named = {c.message.card: None for c in claims if c.message.signer not in self._cards}  # type: ignore[union-attr]
        return tuple(sorted(named))

    def _claim_of(self, responder: Key) -> Frame | None:
        return next((f for f in self.of(responder) if f.message.KIND is Kind.CLAIM), None)

    def standing_of(self, responder: Key, asked: Description) -> CardStanding:
        """What the card is worth that the newest CLAIM of a responder names."""
        call: Any = self._call.message
        return self._judge.standing(
            self._cards.get(responder), asked, call, responder in self._convicted, responder
        )

    def merge(self, other: "Board") -> None:
        """Take all that another board of the same call holds."""
        for frame in other.frames():
            self.offer(frame)

    def __contains__(self, message: MessageId) -> bool:
        return message in self._held

    def __len__(self) -> int:
        return len(self._held)

    @property
    def ids(self) -> tuple[MessageId, ...]:
        """The ids of everything held, ascending: equal ids, equal boards."""
        return tuple(sorted(self._held))

    def frames(self) -> tuple[Frame, ...]:
        """Everything held but the CALL, in the order of arrival."""
        return tuple(self._held.values())

    def words(self, kind: Kind) -> tuple[Frame, ...]:
        """What the victim said of one kind, the word that counts first."""
        return tuple(self._victim[kind].frames)

    def responders(self) -> tuple[Key, ...]:
        """Who said anything but letters, in the order of their ranks."""
        return tuple(sorted(self._responders.seated, key=self._responders.ranks.__getitem__))

    def of(self, responder: Key) -> tuple[Frame, ...]:
        """What one responder said, letters aside, the newest first."""
        return tuple(sorted(self._responders.frames_of(responder), key=newness))

    def heads(self) -> tuple[MessageId, ...]:
        """At most 8 messages that nothing held refers to yet, ascending: what a log entry says it saw."""
        logged = [f for f in self._held.values() if getattr(f.message, "previous", None) is not None]
        referred: dict[MessageId, None] = {NOTHING: None}
        for frame in logged:
            message: Any = frame.message
            referred.update(dict.fromkeys((message.previous, *message.heads)))
        return tuple(sorted(frame.id for frame in logged if frame.id not in referred)[:HEADS_MAX])

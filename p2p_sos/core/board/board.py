"""A board: the grow-only set of signed messages about one call, within deterministic bounds.

Decides which messages one call may keep. Comes in: verified frames of one call, in any order, any number
of times; the cards that its claims name; the keys that a PROOF convicts. Goes out: what was kept and what had to go. Must
not know clocks, peers, or what the messages mean together (`resolve` says that).

Every bound keeps the best N by a key that stands in the messages themselves, group by group; so what a
board holds is a function of the set of messages that were ever offered to it, never of their order.
"""

from collections.abc import Callable, Container, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from p2p_sos.core.board.fitness import fitness
from p2p_sos.core.board.judge import Judge
from p2p_sos.core.board.past import Past, had_seen, references
from p2p_sos.core.board.said import SILENT, Said, heed
from p2p_sos.core.board.seats import Offer, Place, Seats, Shelf, newness, sequence_of
from p2p_sos.core.board.speaker import Speaker
from p2p_sos.core.board.standing import CardStanding, Description, Fitness
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.hashing import responder_key_hash
from p2p_sos.wire.messages import NOTHING, Call, CallId, Claim, Key, LogMessage, MessageId, Update
from p2p_sos.wire.registry import (
    BOARD_LETTERS_MAX,
    BOARD_LETTERS_PER_RESPONDER_MAX,
    BOARD_MESSAGES_PER_RESPONDER_MAX,
    BOARD_RESPONDERS_MAX,
    BOARD_STRANGERS_MAX,
    BOARD_VICTIM_MESSAGES_MAX,
    HEADS_MAX,
    PROOFS_MAX,
    Kind,
)

__all__ = ["REGISTERS", "VICTIM_KEPT", "Board", "Offer", "newness", "rank", "sequence_of"]

# The newest words of the victim, kind by kind, so that no kind can push out another.
VICTIM_KEPT = {Kind.CANCEL: 1, Kind.ALL_CLEAR: 1, Kind.REQUISITION: 8, Kind.UPDATE: 6, Kind.ATTEST: 48}
assert sum(VICTIM_KEPT.values()) == BOARD_VICTIM_MESSAGES_MAX, "the registry holds the sum"
REGISTERS = (Kind.RENEW, Kind.SITREP)
PASSING = (*REGISTERS, Kind.LETTER)  # no view depends on these
LOG_KEPT = BOARD_MESSAGES_PER_RESPONDER_MAX - len(REGISTERS)
# Of each sort the newest log entry stays, whatever came after it: where a responder stands, whom it obeys, what it leads.
LASTING = {
    Kind.CLAIM: "claim",
    **dict.fromkeys((Kind.DECLINE, Kind.RELEASE, Kind.STAND_DOWN), "taken back"),
    Kind.COMPLY: "comply",
    Kind.ROSTER: "roster",
    Kind.HANDOVER: "handover",
}
LETTERS_OF_VICTIM = BOARD_LETTERS_MAX // 2
LETTER_RESPONDERS = (BOARD_LETTERS_MAX - LETTERS_OF_VICTIM) // BOARD_LETTERS_PER_RESPONDER_MAX

Derived = TypeVar("Derived")


def rank(call: CallId, responder: Key) -> tuple[bytes, bytes]:
    """A responder's place among all of its tier; nobody chooses it before the call exists."""
    return responder_key_hash(call, responder), responder


class Board:
    """All that is remembered of one call. Two boards that were offered the same messages are equal."""

    def __init__(self, call: Frame, judge: Judge | None = None) -> None:
        assert isinstance(call.message, Call), "a board is about a CALL"
        self._call = call
        self._asked = Description.of(call.message)
        self._judge = Judge() if judge is None else judge
        self._held: dict[MessageId, Frame] = {}
        self._victim = {kind: Shelf(most) for kind, most in VICTIM_KEPT.items()}
        self._victim_letters = Shelf(LETTERS_OF_VICTIM)
        self._responders = Seats(BOARD_RESPONDERS_MAX, BOARD_STRANGERS_MAX)
        self._correspondents = Seats(LETTER_RESPONDERS, LETTER_RESPONDERS)
        self._cards: dict[Key, Frame] = {}
        self._convicted: dict[Key, None] = {}
        # What follows from all this, and is found again when it changes.
        self._said: dict[Key, Said] = {}
        self._speakers: dict[Key, Speaker] = {}
        self._derived: dict[Callable[[Board], Any], Any] = {}
        self._past = Past(self._held)

    @property
    def call(self) -> Frame:
        """The CALL; of two cells with its id, the one of higher effort."""
        return self._call

    def replace_call(self, call: Frame) -> None:
        """Take a cell of the same CALL that carries more work."""
        assert call.id == self._call.id, "another call"
        self._call = call

    # ------------------------------------------------------------------ taking

    def offer(self, frame: Frame, card: Frame | None = None) -> Offer:
        """Take a verified message of this call; offering it again changes nothing.

        `card`: of a CLAIM, the CARD that it names, where it is known: it decides who stays on a full board.
        """
        if frame.id in self._held:
            if card is not None:
                self.adopt(card)
            return Offer(False)
        offer = self._place(frame, card)
        if offer.kept:
            self._held[frame.id] = frame
        for gone in offer.dropped:
            self._held.pop(gone.id, None)
        if offer.kept or offer.dropped:
            self._note(frame, offer)
        if card is not None:
            self.adopt(card)
        return self._shed(frame, offer)

    def _shed(self, frame: Frame, offer: Offer) -> Offer:
        """A claim that names another card may have made a stranger of its signer, and that one too many."""
        gone = self._responders.shed()
        if not gone:
            return offer
        for one in gone:
            self._held.pop(one.id, None)
        self._note(gone[0], Offer(False, gone))
        return Offer(offer.kept and frame not in gone, (*offer.dropped, *(f for f in gone if f is not frame)))

    def _place(self, frame: Frame, card: Frame | None) -> Offer:
        kind, signer = frame.message.KIND, frame.message.signer
        if signer == self._call.message.signer:
            if kind is Kind.LETTER:
                return self._victim_letters.offer(frame)
            shelf = self._victim.get(kind)
            return Offer(False) if shelf is None else shelf.offer(frame)
        if kind is Kind.LETTER:
            place = self._correspondents.places.get(signer) or self._place_of(signer)
            return self._correspondents.offer(frame, place, kind, BOARD_LETTERS_PER_RESPONDER_MAX)
        named = _named(frame, card)
        place = self._responders.places.get(signer) or self._place_of(signer, named)
        stranger = named is None and signer not in self._cards
        if kind in REGISTERS:
            return self._responders.offer(frame, place, kind, 1, stranger=stranger)
        return self._responders.offer(frame, place, None, LOG_KEPT, LASTING, stranger=stranger)

    def _place_of(self, responder: Key, card: Frame | None = None) -> Place:
        """Where a responder ranks when not all can stay: by what the CALL itself asks for, since UPDATEs may change."""
        call = self._call.message
        assert isinstance(call, Call), "a board is about a CALL"
        known = card or self._cards.get(responder)
        standing = self._judge.standing(known, self._asked, call, responder in self._convicted, responder)
        return (*fitness(self._call.id, responder, standing.tier), responder)

    def _note(self, frame: Frame, offer: Offer) -> None:
        """Forget what followed from the board as it was."""
        for gone in offer.dropped:
            self._speakers.pop(gone.message.signer, None)
        if all(changed.message.KIND in PASSING for changed in (frame, *offer.dropped)):
            return
        self._past.note(frame, offer.dropped)
        self._derived.clear()
        if frame.message.KIND is Kind.UPDATE:
            self._speakers.clear()
        for signer in {f.message.signer: None for f in (frame, *offer.dropped)}:
            self._said.pop(signer, None)
            self._regard(signer)

    def _regard(self, responder: Key) -> None:
        """A responder's newest CLAIM, its card or its good name may have changed: and with it the place it has."""
        claim, card = self.said(responder).claim, self._cards.get(responder)
        if card is not None and (claim is None or _card_of(claim) != card.id):
            del self._cards[responder]
        self._speakers.pop(responder, None)
        for seats in (self._responders, self._correspondents):
            if responder in seats:
                seats.seat(self._place_of(responder), stranger=responder not in self._cards)

    def has_room_for(self, frame: Frame, card: Frame | None = None) -> bool:
        """Whether the signer of a message may stay at all; False saves the work of verifying it. `card` as in `offer`."""
        signer = frame.message.signer
        if frame.message.KIND is Kind.LETTER or signer == self._call.message.signer:
            return True
        if signer in self._responders:
            return True
        named = _named(frame, card)
        stranger = named is None and signer not in self._cards
        return self._responders.has_room_for(self._place_of(signer, named), stranger=stranger)

    def seats(self, *, letters: bool) -> int:
        """How many responders it remembers: those who wrote letters, or those who said anything else."""
        return len(self._correspondents if letters else self._responders)

    def unseat(self, *, letters: bool) -> tuple[Frame, ...]:
        """Let the responder that ranks last go; all its messages of that sort."""
        gone = (self._correspondents if letters else self._responders).unseat()
        for frame in gone:
            del self._held[frame.id]
        if gone:
            self._note(gone[0], Offer(False, gone))
        return gone

    def merge(self, other: "Board") -> None:
        """Take all that another board of the same call holds."""
        for key in other.convicted:
            self.convict(key)
        cards = other.cards
        for frame in other.frames():
            card = cards.get(frame.message.card) if isinstance(frame.message, Claim) else None
            self.offer(frame, card)

    # ------------------------------------------------------------------ cards and convictions

    def adopt(self, card: Frame) -> bool:
        """Take a CARD that the newest CLAIM of its signer names; any other is none of this board's business."""
        signer = card.message.signer
        claim = self.said(signer).claim
        if card.message.KIND is not Kind.CARD or claim is None:
            return False
        if _card_of(claim) != card.id or signer in self._cards:
            return False
        self._cards[signer] = card
        self._derived.clear()
        self._regard(signer)
        return True

    def convict(self, key: Key) -> None:
        """A PROOF shows that a key lied: nothing that it says counts any more."""
        if key in self._convicted:
            return
        self._convicted[key] = None
        changed = [key]
        # "when there are more than `proofs_max` convicted keys, it keeps those of lowest key" (06-board §12)
        if len(self._convicted) > PROOFS_MAX:
            changed.append(max(self._convicted))
            del self._convicted[changed[1]]
        self._derived.clear()
        for one in changed:
            self._regard(one)

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

    def card_of(self, responder: Key) -> Frame | None:
        """The card that the newest claim of a responder names, if it is known."""
        return self._cards.get(responder)

    @property
    def wanted_cards(self) -> tuple[MessageId, ...]:
        """The cards that the newest claims name and that are missing, ascending."""
        claims = [self.said(who).claim for who in self._responders.places if who not in self._cards]
        return tuple(sorted({_card_of(claim): None for claim in claims if claim is not None}))

    # ------------------------------------------------------------------ reading

    def __contains__(self, message: MessageId) -> bool:
        return message in self._held

    def __len__(self) -> int:
        return len(self._held)

    @property
    def held(self) -> Mapping[MessageId, Frame]:
        """Every message but the CALL, by id."""
        return MappingProxyType(self._held)

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

    @property
    def victim_spoke(self) -> bool:
        """Whether V said anything beside the CALL; letters, which not everybody holds, are left out."""
        return any(shelf.frames for shelf in self._victim.values())

    @property
    def seated(self) -> Container[Key]:
        """Who has a seat for anything but letters, now and whenever it is asked."""
        return self._responders

    def responders(self) -> tuple[Key, ...]:
        """Who said anything but letters, in the order of their places."""
        return tuple(sorted(self._responders.places, key=self._responders.places.__getitem__))

    def of(self, responder: Key) -> tuple[Frame, ...]:
        """What one responder said, letters aside, the newest first."""
        return tuple(sorted(self._responders.frames_of(responder), key=newness))

    def register(self, responder: Key, kind: Kind) -> Frame | None:
        """The newest RENEW or SITREP of one responder."""
        frames = self._responders.shelf(responder, kind)
        return frames[0] if frames else None

    def said(self, responder: Key) -> Said:
        """What one responder's log says."""
        if responder not in self._responders:
            return SILENT
        said = self._said.get(responder)
        if said is None:
            said = self._said[responder] = heed(self._responders.shelf(responder, None))
        return said

    @property
    def highest_epoch(self) -> int:
        """The highest epoch that a ROSTER of somebody fit names; 0 if there is none."""
        there = (self.speaker(who).epochs for who in self._responders.places)
        return max((-epoch for epochs in there for epoch, _ in epochs), default=0)

    @property
    def description(self) -> Description:
        """The CALL as its newest UPDATE left it."""
        updates = self._victim[Kind.UPDATE].frames
        if not updates:
            return self._asked
        call, update = self._call.message, updates[0].message
        assert isinstance(call, Call), "a board is about a CALL"
        assert isinstance(update, Update), "the shelf of UPDATEs"
        return Description.of(call, update)

    def standing_of(self, responder: Key) -> CardStanding:
        """What the card is worth that the newest CLAIM of a responder names."""
        return self.speaker(responder).card

    def speaker(self, responder: Key) -> Speaker:
        """How one responder stands for the call as it is described now."""
        speaker = self._speakers.get(responder)
        if speaker is None:
            call, card = self._call.message, self._cards.get(responder)
            assert isinstance(call, Call), "a board is about a CALL"
            convicted = responder in self._convicted
            standing = self._judge.standing(card, self.description, call, convicted, responder)
            place = fitness(self._call.id, responder, standing.tier)
            speaker = Speaker(responder, place, self.said(responder), standing, convicted)
            if responder in self._responders:
                self._speakers[responder] = speaker
        return speaker

    def speakers(self) -> list[Speaker]:
        """Everybody with a seat, the fittest first."""
        return sorted((self.speaker(who) for who in self._responders.places), key=_fitness)

    def derive(self, what: Callable[["Board"], Derived]) -> Derived:
        """What a pure function says of this board; it is asked once, until the board changes."""
        if what not in self._derived:
            self._derived[what] = what(self)
        found: Derived = self._derived[what]
        return found

    @property
    def past(self) -> Past:
        """Which rosters stand behind which messages."""
        return self._past

    def had_seen(self, later: MessageId, earlier: MessageId) -> bool:
        """Whether the signer of one held message had seen another, as the messages say."""
        return had_seen(self._held, later, earlier)

    def heads(self) -> tuple[MessageId, ...]:
        """At most 8 log messages that none refers to yet, ascending: what a log entry says it saw."""
        victim = self._call.message.signer
        logged = [
            f for f in self._held.values() if isinstance(f.message, LogMessage) and f.message.signer != victim
        ]
        referred: dict[MessageId, None] = {NOTHING: None}
        for frame in logged:
            referred.update(dict.fromkeys(references(frame)))
        return tuple(sorted(frame.id for frame in logged if frame.id not in referred)[:HEADS_MAX])


def _fitness(speaker: Speaker) -> Fitness:
    return speaker.fitness


def _named(frame: Frame, card: Frame | None) -> Frame | None:
    """The card, if the frame is a CLAIM of its signer that names it."""
    if card is None or card.message.KIND is not Kind.CARD or not isinstance(frame.message, Claim):
        return None
    return card if (frame.message.card, frame.message.signer) == (card.id, card.message.signer) else None


def _card_of(claim: Frame) -> MessageId:
    assert isinstance(claim.message, Claim), "a CLAIM"
    return claim.message.card

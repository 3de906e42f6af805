"""Who may stay on a board that is full: the best by a key that stands in the messages, never the first comers.

Decides which frames and which responders are kept within a bound. Comes in: frames, with the place of their signer. Goes
out: what was kept and what had to go. Must not know what messages mean.
"""

from collections.abc import Mapping
from typing import Any, Final

from attrs import define, field, frozen

from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import Key, MessageId
from p2p_sos.wire.registry import Kind

Place = tuple[int, bytes, Key]  # (minus the tier, H(call | R), R): the lower stays longer


def sequence_of(frame: Frame) -> int:
    """A message's place in its signer's own order; a LETTER's number."""
    message: Any = frame.message
    return int(message.number if message.KIND is Kind.LETTER else message.sequence)


def newness(frame: Frame) -> tuple[int, MessageId]:
    """Ascending from the word that counts most: the highest sequence, of two alike the lower id."""
    # "Of two messages of one signer the higher sequence counts; of two alike, the lower id." (06-board §4)
    return -sequence_of(frame), frame.id


@frozen
class Offer:
    """What became of a frame: whether it stays, and which others went for it."""

    kept: bool
    dropped: tuple[Frame, ...] = ()


NOTHING_LASTS: Final[Mapping[Kind, str]] = {}


@define(eq=False)
class Shelf:
    """At most `most` frames of one signer, the newest first; of each sort in `lasting` the newest stays, then the newest of all.

    Sorts share no kind: so what stays depends on the frames alone, not on their order.
    """

    most: int
    lasting: Mapping[Kind, str] = NOTHING_LASTS
    frames: list[Frame] = field(factory=list)

    def offer(self, frame: Frame) -> Offer:
        """Take a frame that is not among them."""
        self.frames.append(frame)
        self.frames.sort(key=newness)
        if len(self.frames) <= self.most:
            return Offer(True)
        last = self.frames.pop(self._oldest_passing())
        return Offer(False) if last is frame else Offer(True, (last,))

    def _oldest_passing(self) -> int:
        """Where the oldest frame stands that is not the newest of its sort."""
        if not self.lasting:
            return len(self.frames) - 1
        newest: dict[str, int] = {}
        for index, frame in enumerate(self.frames):
            if (sort := self.lasting.get(frame.message.KIND)) is not None:
                newest.setdefault(sort, index)
        stays = dict.fromkeys(newest.values())
        return max(index for index in range(len(self.frames)) if index not in stays)


@define(eq=False)
class Seats:
    """The best `most` responders by their places, each with shelves of its own; of strangers, the best `strangers_max`."""

    most: int
    strangers_max: int
    places: dict[Key, Place] = field(factory=dict)
    _shelves: dict[Key, dict[Kind | None, Shelf]] = field(factory=dict)
    _strangers: dict[Key, None] = field(factory=dict)
    _worst: Place | None = None  # of the places, once it was looked for
    _worst_stranger: Place | None = None  # likewise

    def __contains__(self, responder: object) -> bool:
        return responder in self._shelves

    def __len__(self) -> int:
        return len(self._shelves)

    def offer(  # noqa: PLR0913 (a frame, who its signer is, and its shelf)
        self,
        frame: Frame,
        place: Place,
        shelf: Kind | None,
        most: int,
        lasting: Mapping[Kind, str] = NOTHING_LASTS,
        *,
        stranger: bool = False,
    ) -> Offer:
        """Take a frame; `place` is that of its signer, `most` and `lasting` what its shelf holds."""
        signer = frame.message.signer
        dropped: tuple[Frame, ...] = ()
        if signer not in self._shelves:
            # "A board keeps the responders that rank first, whoever came first." (06-board §3)
            if not self.has_room_for(place, stranger=stranger):
                return Offer(False)
            if stranger and len(self._strangers) >= self.strangers_max:
                dropped = self._leave(self.worst_stranger()[2])
            elif len(self._shelves) >= self.most:
                dropped = self.unseat()
            self._shelves[signer] = {}
            self.seat(place, stranger=stranger)
        offer = self._shelves[signer].setdefault(shelf, Shelf(most, lasting)).offer(frame)
        return Offer(offer.kept, dropped + offer.dropped)

    def seat(self, place: Place, *, stranger: bool = False) -> None:
        """Give a responder the place that it has from now on."""
        responder = place[2]
        if stranger:
            self._strangers[responder] = None
        else:
            self._strangers.pop(responder, None)
        if self.places.get(responder) != place:
            self.places[responder] = place
            self._worst = None
        self._worst_stranger = None

    def has_room_for(self, place: Place, *, stranger: bool = False) -> bool:
        """Whether a message of the responder of this place may stay."""
        if place[2] in self._shelves:
            return True
        if stranger and len(self._strangers) >= self.strangers_max:
            return place < self.worst_stranger()
        return len(self._shelves) < self.most or place < self.worst()

    def worst_stranger(self) -> Place:
        """The place of the stranger that goes first."""
        if self._worst_stranger is None:
            self._worst_stranger = max(self.places[stranger] for stranger in self._strangers)
        return self._worst_stranger

    def worst(self) -> Place:
        """The place of the responder that goes first."""
        if self._worst is None:
            self._worst = max(self.places.values())
        return self._worst

    def unseat(self) -> tuple[Frame, ...]:
        """The responder that ranks last goes, with all its messages."""
        return self._leave(self.worst()[2])

    def shed(self) -> tuple[Frame, ...]:
        """Somebody became a stranger: if that is one too many, the stranger that ranks last goes."""
        if len(self._strangers) <= self.strangers_max:
            return ()
        return self._leave(self.worst_stranger()[2])

    def _leave(self, responder: Key) -> tuple[Frame, ...]:
        gone = self.frames_of(responder)
        del self._shelves[responder], self.places[responder]
        self._strangers.pop(responder, None)
        self._worst = self._worst_stranger = None
        return gone

    def shelf(self, responder: Key, kind: Kind | None) -> list[Frame]:
        """What one responder has on one shelf, the newest first."""
        shelf = self._shelves.get(responder, {}).get(kind)
        return [] if shelf is None else shelf.frames

    def frames_of(self, responder: Key) -> tuple[Frame, ...]:
        """All that one responder said."""
        shelves = self._shelves.get(responder, {})
        return tuple(frame for shelf in shelves.values() for frame in shelf.frames)

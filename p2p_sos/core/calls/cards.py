"""The cards of other responders, the proofs against them, and this node's own card.

Decides which cards are remembered, and when the own one is made anew. Comes in: verified CARDs and PROOFs,
the clock, solved stamps. Goes out: what was kept, and the own CARD to publish. Must not know calls.
"""

import bisect
import math
from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType

from attrs import define, field

from p2p_sos.core.actions import Action, Solve
from p2p_sos.core.board.board import Offer
from p2p_sos.core.clock import Clock
from p2p_sos.core.duty.policy import Responder
from p2p_sos.core.events import ClockRead, Event, Solved, Started
from p2p_sos.core.internal import Admitted, CallEnded, Publish
from p2p_sos.core.sync.tree import Tree
from p2p_sos.wire.frames import Frame, id_of, seal
from p2p_sos.wire.messages import NOTHING, Card, Key, MessageId
from p2p_sos.wire.profiles import Profile
from p2p_sos.wire.registry import CARD_EPOCH_S, CARDS_MAX, PROOFS_MAX, STAMP_NONCE_BYTES

Retention = tuple[int, MessageId]
JITTER_S = 3600.0  # guess: the cards of a network are renewed over an hour, not at the stroke of midnight
EPOCH_BYTES = 4
EPOCHS_KEPT = 1  # a card serves on the day after its own, while its owner's next one is on its way


def retention(card: Frame) -> Retention:
    """Ascending from the card that stays longest when there are too many."""
    # "When a node knows more cards than it may keep, those of highest effort stay, of equal effort those of
    # lower id." (05-calls §4)
    return -(card.stamp.effort if card.stamp else 0), card.id


def card_of(frame: Frame) -> Card:
    """The message of a frame that is known to be a CARD."""
    assert isinstance(frame.message, Card), "not a CARD"
    return frame.message


@define(eq=False)
class Cards:
    """Every card in memory, within a bound that does not depend on the order of arrival."""

    _most: int = CARDS_MAX
    _held: dict[MessageId, Frame] = field(factory=dict)
    _order: list[Retention] = field(factory=list)
    _newest: dict[Key, Frame] = field(factory=dict)
    _of: dict[Key, dict[MessageId, Frame]] = field(factory=dict)
    _since: dict[MessageId, float] = field(factory=dict)
    _known: dict[Key, float] = field(factory=dict)
    _oldest: float = math.inf  # no held card is of an earlier epoch
    _fingerprint: int = 0
    changes: int = 0  # another number whenever another card is held
    _days: dict[bytes, Tree] = field(factory=dict)
    _days_at: int = -1

    @property
    def days(self) -> Mapping[bytes, Tree]:
        """The ids of all cards by their epoch, as sync compares them; the same objects while no card comes or goes."""
        if self._days_at != self.changes:
            days: dict[bytes, list[MessageId]] = {}
            for card in self._held.values():
                days.setdefault(card_of(card).epoch.to_bytes(EPOCH_BYTES, "big"), []).append(card.id)
            made = {day: tuple(sorted(ids)) for day, ids in days.items()}
            kept = {day: tree for day, tree in self._days.items() if made.get(day) == tree.ids}
            self._days = {day: kept.get(day) or Tree(ids) for day, ids in made.items()}
            self._days_at = self.changes
        return self._days

    @property
    def newest(self) -> Mapping[Key, Frame]:
        """The card of each responder that counts: of the latest epoch, of two alike the lower id."""
        return MappingProxyType(self._newest)

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, card: object) -> bool:
        return card in self._held

    def get(self, card: MessageId) -> Frame | None:
        """A card by its id."""
        return self._held.get(card)

    def frames(self) -> tuple[Frame, ...]:
        """Every card, in the order of arrival."""
        return tuple(self._held.values())

    def since(self, card: MessageId) -> float | None:
        """The local time at which a held card came; of an earlier run, as far as the wall clock tells."""
        return self._since.get(card)

    def known_since(self, responder: Key) -> float | None:
        """Since when some card of a responder is held without a gap; None if none is."""
        return self._known.get(responder)

    def of_day(self, responder: Key, day: int) -> Frame | None:
        """The newest card of a responder that is of this day or an earlier one; else its newest of all."""
        newest = self._newest.get(responder)
        if newest is None or card_of(newest).epoch <= day:
            return newest
        earlier = [card for card in self._of[responder].values() if card_of(card).epoch <= day]
        return min(earlier, key=_age, default=newest)

    @property
    def fingerprint(self) -> bytes:
        """Equal for equal sets of cards, whatever came first; it makes no promise against who wants it equal."""
        return self._fingerprint.to_bytes(len(NOTHING), "big")

    def outranks(self, card: Frame) -> bool:
        """Whether a CARD is new, or carries more work than the cell of it that we hold."""
        held = self._held.get(card.id)
        return held is None or retention(card) < retention(held)

    def offer(self, card: Frame, at: float = 0.0) -> Offer:
        """Take a verified CARD that came at local time `at`."""
        if not self.outranks(card):
            return Offer(False)
        held, signer = self._held.get(card.id), card_of(card).signer
        known_at = min(at, self._known.get(signer, at))
        if held is not None:
            at = self._since[card.id]
            self._take_out(held)
        bisect.insort(self._order, retention(card))
        self._held[card.id] = card
        self._oldest = min(self._oldest, card_of(card).epoch)
        self._since[card.id] = at
        self._turn(card)
        self._known[signer] = known_at
        self._of.setdefault(signer, {})[card.id] = card
        self._elect(signer, card)
        if len(self._held) <= self._most:
            return Offer(True)
        last = self._held[self._order[-1][1]]
        self._take_out(last)
        return Offer(False) if last is card else Offer(True, (last,))

    def expire(self, epoch: int) -> tuple[Frame, ...]:
        """Drop the cards whose days are over."""
        if self._oldest + EPOCHS_KEPT >= epoch:  # as nearly always: this is asked once a minute
            return ()
        gone = tuple(f for f in self._held.values() if card_of(f).epoch + EPOCHS_KEPT < epoch)
        for card in gone:
            self._take_out(card)
        self._oldest = min((card_of(card).epoch for card in self._held.values()), default=math.inf)
        return gone

    def _turn(self, card: Frame) -> None:
        self._fingerprint ^= int.from_bytes(card.id, "big")
        self.changes += 1

    def _take_out(self, card: Frame) -> None:
        del self._held[card.id], self._since[card.id]
        self._turn(card)
        del self._order[bisect.bisect_left(self._order, retention(card))]
        signer = card_of(card).signer
        others = self._of[signer]
        del others[card.id]
        if not others:
            del self._of[signer], self._known[signer]
        if self._newest.get(signer) is not card:
            return
        del self._newest[signer]
        for other in others.values():
            self._elect(signer, other)

    def _elect(self, signer: Key, card: Frame) -> None:
        held = self._newest.get(signer)
        if held is None or _age(card) <= _age(held):
            self._newest[signer] = card


def _age(card: Frame) -> tuple[int, MessageId]:
    # "Of two cards of one responder the later epoch counts; of two of one epoch, the lower id." (05-calls §4)
    return -card_of(card).epoch, card.id


@define(eq=False)
class Proofs:
    """One PROOF against each convicted key: that of lowest id."""

    _most: int = PROOFS_MAX
    _held: dict[Key, Frame] = field(factory=dict)
    changes: int = 0  # another number whenever another proof is held

    @property
    def convicted(self) -> Mapping[Key, Frame]:
        """The PROOF against each convicted key."""
        return MappingProxyType(self._held)

    def holds(self, proof: Frame) -> bool:
        """Whether this very PROOF is held."""
        held = self._held.get(proof.message.signer)
        return held is not None and held.id == proof.id

    def has_room_for(self, proof: Frame) -> bool:
        """Whether a PROOF would stay; False saves the work of verifying it."""
        held = self._held.get(proof.message.signer)
        if held is not None:
            return proof.id < held.id
        return len(self._held) < self._most or proof.message.signer < max(self._held)

    def frames(self) -> tuple[Frame, ...]:
        """Every proof."""
        return tuple(self._held.values())

    def offer(self, proof: Frame) -> Offer:
        """Take a verified PROOF."""
        convicted = proof.message.signer
        held = self._held.get(convicted)
        if held is not None and held.id <= proof.id:
            return Offer(False)
        self._held[convicted] = proof
        self.changes += 1
        if held is not None:
            return Offer(True, (held,))
        if len(self._held) <= self._most:
            return Offer(True)
        last = self._held.pop(max(self._held))
        return Offer(False) if last is proof else Offer(True, (last,))


@define(eq=False)
class OwnCard:
    """Publishes this node's card at the start and once every day."""

    responder: Responder
    profile: Profile
    clock: Clock
    entropy: Callable[[int], bytes] = field(repr=False)
    random: Random = field(repr=False)
    _jitter_s: float = field(init=False)
    _card: Card | None = field(init=False, default=None)
    _id: MessageId = field(init=False, default=NOTHING)
    _made: dict[int, tuple[MessageId, int]] = field(
        init=False, factory=dict
    )  # of the last days: id and slots
    _stored: dict[MessageId, Frame] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self._jitter_s = self.random.uniform(0, JITTER_S)

    @property
    def id(self) -> MessageId:
        """The id of today's card, known before its stamp is; NOTHING before the start."""
        return self._id

    def of_day(self, day: int, slot: int) -> MessageId:
        """The card that a claim of this slot for a call of that day names."""
        # "Of its own cards it names the newest of a day not later than the call's, while that one serves" (06-board §5)
        fits = [epoch for epoch, (_, slots) in self._made.items() if epoch <= day and slot < slots]
        return self._made[max(fits)][0] if fits else self._id

    def handle(self, event: Event | Admitted | CallEnded, now: float) -> list[Action | Publish]:
        """One event."""
        match event:
            case Admitted(frame=frame, own=True, restored=True) if isinstance(frame.message, Card):
                self._stored[frame.id] = frame
                self._remember(frame.message, frame.id)
                return []
            case Started() | ClockRead() if self._is_due(now, at_start=isinstance(event, Started)):
                return self._on_new_day(now)
            case Solved(message=message, stamp=stamp) if message == self._id and self._card is not None:
                return [Publish(seal(self._card, self.profile.network, self.responder.key, stamp))]
            case _:
                return []

    def _epoch(self, now: float) -> int:
        return max(0, int(self.clock.unix_s(now) - self._jitter_s)) // CARD_EPOCH_S

    def _is_due(self, now: float, *, at_start: bool) -> bool:
        if self._card is None:
            return at_start
        # Not "earlier": a clock that was ahead made a card that nobody else takes.
        return self._card.epoch != self._epoch(now)

    def _on_new_day(self, now: float) -> list[Action | Publish]:
        policy = self.responder.policy
        self._card = Card(
            signer=self.responder.key.public,
            epoch=self._epoch(now),
            skills=policy.skills,
            sectors=policy.sectors,
            languages=policy.languages,
            cell=policy.cell,
            duty_hours=policy.duty_hours,
            slots=policy.slots,
            # "Where the profile names no roots, the group of a card MUST be its signer's key." (05-calls §4)
            group=self.responder.key.public,
            accreditation=b"",
        )
        self._id = id_of(self._card, self.profile.network)
        self._remember(self._card, self._id)
        # A clock that was ahead made cards of days that are not yet.
        today = self._card.epoch
        self._made = {day: one for day, one in self._made.items() if day <= today <= day + EPOCHS_KEPT}
        if (stored := self._stored.get(self._id)) is not None:
            return [Publish(stored)]
        return [Solve(self._id, self.profile.stamp_effort_min, self.entropy(STAMP_NONCE_BYTES))]

    def _remember(self, card: Card, identity: MessageId) -> None:
        self._made[card.epoch] = identity, card.slots

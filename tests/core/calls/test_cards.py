"""Cards and proofs: bounds that do not depend on the order, and the own card day by day."""

import random
from typing import Any

from p2p_sos.core.actions import Solve
from p2p_sos.core.calls.cards import JITTER_S, Cards, OwnCard, Proofs
from p2p_sos.core.clock import Clock
from p2p_sos.core.events import ClockRead, Solved, Started
from p2p_sos.core.gossip.rpc import GossipId
from p2p_sos.core.internal import Admitted, Publish
from p2p_sos.wire.frames import Frame, Stamp, seal
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import Card
from p2p_sos.wire.registry import CARD_EPOCH_S
from tests.core import mail
from tests.core.world import NONCE, PROFILE, START_UNIX_S, responder

DAY = int(START_UNIX_S) // CARD_EPOCH_S
NO_GOSSIP_ID: GossipId = bytes(20)


def card(who: SigningKey, epoch: int = DAY, effort: int = 1, slots: int = 1) -> Frame:
    """A CARD; its stamp is not worth its name."""
    message = Card(
        signer=who.public, epoch=epoch, skills=1, sectors=0, languages=(), cell=0, duty_hours=0, slots=slots,
        group=who.public, accreditation=b"",
    )  # fmt: skip
    return seal(message, mail.NETWORK, who, Stamp(NONCE, effort))


def held(cards: Cards) -> list[bytes]:
    """What stays, in an order of its own."""
    return sorted(frame.id for frame in cards.frames())


def test_bound_by_effort() -> None:
    """Beyond the bound the cards of highest effort stay, in whatever order they came; what goes is named."""
    made = [card(mail.key(f"c{i}"), effort=1 + i % 5) for i in range(30)]
    draws, results = random.Random(1), []
    for _ in range(10):
        draws.shuffle(made)
        cards, store = Cards(10), {}
        for frame in made:
            offer = cards.offer(frame)
            if offer.kept:
                store[frame.id] = frame
            for gone in offer.dropped:
                del store[gone.id]
        assert sorted(store) == held(cards)
        results.append(held(cards))
    assert len({tuple(result) for result in results}) == 1
    assert len(results[0]) == 10


def test_the_newest_card_counts() -> None:
    """Of one responder the later day counts, of one day the lower id; when it goes, the other counts again."""
    who = mail.key("r")
    today = sorted((card(who, slots=s) for s in (1, 2, 3)), key=lambda frame: frame.id)
    cards = Cards()
    for frame in (*today[::-1], card(who, DAY - 1)):
        cards.offer(frame)
    assert cards.newest[who.public] is today[0]
    cards.offer(card(who, DAY + 1))
    assert cards.newest[who.public].message.epoch == DAY + 1
    assert len(cards.expire(DAY + 3)) == 5
    assert dict(cards.newest) == {}


def test_more_work_replaces() -> None:
    """The same card with more work replaces the cell, with less it is known."""
    who, cards = mail.key("r"), Cards()
    assert cards.offer(card(who, effort=5)).kept
    assert not cards.offer(card(who, effort=4)).kept
    assert cards.offer(card(who, effort=6)).kept
    assert [frame.stamp.effort for frame in cards.frames() if frame.stamp] == [6]


def test_cards_expire() -> None:
    """A card serves on its day and the day after."""
    cards = Cards()
    cards.offer(card(mail.key("r"), DAY))
    assert cards.expire(DAY + 1) == ()
    assert len(cards.expire(DAY + 2)) == 1


def _own() -> tuple[OwnCard, Clock]:
    clock = Clock()
    clock.read(START_UNIX_S, 0.0)
    draws = random.Random(5)
    return OwnCard(responder("own"), PROFILE, clock, draws.randbytes, draws), clock


def test_own_card_is_solved_and_published_once_a_day() -> None:
    """At the start a stamp is asked for; solved, the card goes out; the next day brings the next one."""
    own, clock = _own()
    (asked,) = own.handle(Started(), 0.0)
    assert isinstance(asked, Solve)
    (published,) = own.handle(Solved(asked.message, Stamp(NONCE, 1)), 1.0)
    assert isinstance(published, Publish)
    assert published.frame.id == asked.message == own.id
    assert own.handle(ClockRead(START_UNIX_S + 60), 60.0) == []
    later = CARD_EPOCH_S + JITTER_S
    clock.read(START_UNIX_S + later, later)
    (next_day,) = own.handle(ClockRead(START_UNIX_S + later), later)
    assert isinstance(next_day, Solve)
    assert next_day.message != asked.message
    assert own.handle(Solved(asked.message, Stamp(NONCE, 1)), later) == []


def test_a_claim_names_the_card_of_the_day_of_its_call() -> None:
    """After midnight a call of yesterday gets yesterday's card, also after a restart; where that has too few slots, today's."""
    own, clock = _own()
    own.handle(Started(), 0.0)
    yesterday, (made,) = own.id, own.handle(Solved(own.id, Stamp(NONCE, 1)), 1.0)
    assert isinstance(made, Publish)
    later = CARD_EPOCH_S + JITTER_S
    clock.read(START_UNIX_S + later, later)
    own.handle(ClockRead(START_UNIX_S + later), later)
    day, slots = START_UNIX_S // CARD_EPOCH_S, responder("own").policy.slots
    assert own.of_day(int(day), 0) == yesterday != own.id
    assert own.of_day(int(day) + 1, 0) == own.id == own.of_day(int(day), slots)
    again, clock = _own()
    clock.read(START_UNIX_S + later, later)
    again.handle(Admitted(made.frame, NO_GOSSIP_ID, own=True, restored=True), later)
    again.handle(Started(), later)
    assert again.of_day(int(day), 0) == yesterday != again.id


def test_a_key_is_known_for_as_long_as_it_always_had_a_card() -> None:
    """Each new day's card goes on where the last one was; after a gap the key counts anew; calls find the card of their day."""
    cards, key = Cards(), mail.key("r")
    old, new = card(key, DAY), card(key, DAY + 1)
    cards.offer(old, 5.0)
    cards.offer(new, 90_000.0)
    assert cards.known_since(key.public) == 5.0
    assert cards.newest[key.public] is new
    assert [cards.of_day(key.public, day) for day in (DAY - 1, DAY, DAY + 1)] == [new, old, new]
    cards.expire(DAY + 2)
    assert cards.known_since(key.public) == 5.0
    assert cards.of_day(key.public, DAY) is new
    cards.expire(DAY + 3)
    assert cards.known_since(key.public) is None
    assert cards.of_day(key.public, DAY) is None
    cards.offer(card(key, DAY + 3), 300_000.0)
    assert cards.known_since(key.public) == 300_000.0


def test_own_card_of_today_is_not_solved_again() -> None:
    """After a restart on the same day the stored card goes out as it is."""
    own, _ = _own()
    (asked,) = own.handle(Started(), 0.0)
    assert isinstance(asked, Solve)
    (published,) = own.handle(Solved(asked.message, Stamp(NONCE, 1)), 1.0)
    assert isinstance(published, Publish)
    again, _ = _own()
    again.handle(Admitted(published.frame, NO_GOSSIP_ID, own=True, restored=True), 0.0)
    assert again.handle(Started(), 0.0) == [published]


class _Proof:
    """Enough of a PROOF's frame for the bound."""

    def __init__(self, signer: bytes, identity: bytes) -> None:
        self.id = identity
        self.message = type("Message", (), {"signer": signer})


def test_one_proof_a_key() -> None:
    """Of each convicted key the lowest proof stays, of too many keys the lowest; the order does not matter."""
    made: list[Any] = [_Proof(bytes([k]), bytes([k, n])) for k in range(6) for n in range(3)]
    draws, results = random.Random(2), []
    for _ in range(10):
        draws.shuffle(made)
        proofs = Proofs(4)
        for proof in made:
            proofs.offer(proof)
        results.append(sorted(frame.id for frame in proofs.frames()))
    assert results == [[bytes([k, 0]) for k in range(4)]] * 10

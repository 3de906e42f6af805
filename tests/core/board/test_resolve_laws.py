"""The laws of the full board: what is said, by whom, with which cards and proofs, decides; never order or number."""

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_sos.core.board.board import Board
from p2p_sos.core.board.judge import Judge
from p2p_sos.core.board.resolve import resolve
from p2p_sos.core.board.standing import Expired, View
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import Card, Claim, Key
from p2p_sos.wire.registry import Cause, Kind, Severity
from tests.core import mail
from tests.core.board.story import CALL, ROOTED, A, B, C, D, E, F, Story, over

ALL = (A, B, C, D, E, F)
Thing = Frame | Key  # a message, a CARD, or a key that is convicted


def vouched(card: Frame) -> bytes | None:
    """A root that vouches for all but two."""
    assert isinstance(card.message, Card)
    return None if card.message.signer in (E.public, F.public) else card.message.group


JUDGES = (Judge(), Judge(ROOTED, accredits=vouched))


def _messages(story: Story) -> tuple[Frame, Frame]:
    """Something of everything, equivocation, usurpation and chains with gaps included; two of its rosters."""
    first = mail.requisition(CALL, A, B, sequence=1)
    for frame in (
        first, mail.requisition(CALL, B, C, sequence=2), mail.requisition(CALL, C, A, sequence=2),
        mail.update(CALL, 3, severity=Severity.LOW), mail.update(CALL, 4, languages=(5,)),
        mail.attest(CALL, A, B, sequence=5), mail.all_clear(CALL, 7), mail.cancel(CALL, 8),
    ):  # fmt: skip
        story.hear(frame)
    claims = [
        story.claim(who, skills=1 << (13 - index % 2), duty_hours=2**index) for index, who in enumerate(ALL)
    ]
    lawful = story.roster(A, *claims[:3])
    usurper = story.roster(B, lawful, epoch=9)
    story.roster(C, cause=Cause.EXPIRED, epoch=3)
    story.roster(D, replaces=usurper, cause=Cause.HANDOVER)
    story.hand_over(A, lawful, D.public)
    again = story.roster(A, epoch=2)
    story.comply(A, first)
    story.comply(B, first)
    for who in (B, C, D, E):
        story.vouch(who, A, F)
    for who in (D, E):
        story.stand_down(who)
    story.release(E)
    story.claim(E, slot=9)
    story.decline(F)
    for index, who in enumerate(ALL):
        story.hear(mail.renew(CALL, who, index))
        story.hear(mail.sitrep(CALL, who, index, lawful.id))
    story.hear(mail.claim(CALL, A, 0, slot=2, card=mail.card(A).id))  # an equivocation
    return lawful, again


def _things() -> tuple[list[Thing], tuple[Frame, Frame]]:
    story = Story()
    rosters = _messages(story)
    things: list[Thing] = [frame for frame, _ in story.offered]
    things += list({card.id: card for _, card in story.offered if card is not None}.values())
    return [*things, B.public, F.public], rosters


THINGS, ROSTERS = _things()
FEW = st.lists(st.sampled_from(THINGS), max_size=60)
EXPIRIES = st.builds(
    over,
    silent=st.lists(st.sampled_from([who.public for who in ALL]), max_size=2),
    overdue=st.lists(st.sampled_from([who.public for who in ALL]), max_size=2),
    lapsed=st.lists(st.sampled_from([roster.id for roster in ROSTERS]), max_size=1),
    superseded=st.lists(st.sampled_from([roster.id for roster in ROSTERS]), max_size=1),
    unanswered=st.lists(
        st.tuples(
            st.just(mail.requisition(CALL, A, B, sequence=1).id), st.sampled_from([A.public, B.public])
        ),
        max_size=2,
    ),
    victim_silent=st.booleans(),
)


def board_of(things: list[Thing], judge: Judge, known: dict[bytes, Frame] | None = None) -> Board:
    """A board to which these came in this order; cards that came early are kept beside it, as a node keeps them."""
    board, cards = Board(CALL, judge), {} if known is None else known
    for thing in things:
        if isinstance(thing, bytes):
            board.convict(thing)
        elif thing.message.KIND is Kind.CARD:
            cards[thing.id] = thing
        else:
            board.offer(thing, cards.get(getattr(thing.message, "card", b"")))
        for wanted in board.wanted_cards:
            if wanted in cards:
                assert board.adopt(cards[wanted])
    return board


def state(board: Board, expired: Expired) -> Any:
    """Everything that two boards may differ in."""
    return board.ids, tuple(sorted(board.cards)), board.convicted, resolve(board, expired)


@settings(max_examples=150)
@given(FEW, EXPIRIES, st.sampled_from(JUDGES), st.randoms(use_true_random=False))
def test_permutation(things: list[Thing], expired: Expired, judge: Judge, draws: random.Random) -> None:
    """The order in which messages, cards and convictions came changes nothing."""
    other = list(things)
    draws.shuffle(other)
    assert state(board_of(things, judge), expired) == state(board_of(other, judge), expired)


@settings(max_examples=60)
@given(FEW, EXPIRIES, st.sampled_from(JUDGES))
def test_duplication(things: list[Thing], expired: Expired, judge: Judge) -> None:
    """What comes again changes nothing."""
    assert state(board_of(things, judge), expired) == state(board_of(things * 3, judge), expired)


@settings(max_examples=60)
@given(FEW, FEW, FEW, EXPIRIES, st.sampled_from(JUDGES))
def test_merge(
    first: list[Thing], second: list[Thing], third: list[Thing], expired: Expired, judge: Judge
) -> None:
    """Merging boards is commutative, associative and idempotent, and the same as hearing everything at one place."""
    cards: dict[bytes, Frame] = {}  # what sync brings beside the boards
    left = board_of(first, judge, cards)
    for part in (second, third):
        left.merge(board_of(part, judge, cards))
    right = board_of(third, judge, cards)
    inner = board_of(second, judge, cards)
    inner.merge(board_of(first, judge, cards))
    right.merge(inner)
    right.merge(right)
    for board in (left, right):
        for wanted in board.wanted_cards:
            if wanted in cards:
                board.adopt(cards[wanted])
    assert state(left, expired) == state(right, expired)
    assert state(left, expired) == state(board_of([*first, *second, *third], judge), expired)


@settings(max_examples=60)
@given(FEW, EXPIRIES, st.sampled_from(JUDGES))
def test_what_was_asked_before_changes_nothing(things: list[Thing], expired: Expired, judge: Judge) -> None:
    """A board that is resolved after each message says at the end what a fresh one says: nothing stale is kept."""
    asked = Board(CALL, judge)
    cards: dict[bytes, Frame] = {}
    for thing in things:
        if isinstance(thing, bytes):
            asked.convict(thing)
        elif thing.message.KIND is Kind.CARD:
            cards[thing.id] = thing
        else:
            asked.offer(thing, cards.get(getattr(thing.message, "card", b"")))
        for wanted in asked.wanted_cards:
            if wanted in cards:
                asked.adopt(cards[wanted])
        resolve(asked, expired)
        resolve(asked)
    assert resolve(asked, expired) == resolve(board_of(things, judge), expired)


def everything(draws: random.Random) -> list[Thing]:
    """All things in some order."""
    things = list(THINGS)
    draws.shuffle(things)
    return things


def test_all_of_it_in_many_orders() -> None:
    """With everything on the board, a hundred orders give one view; and the view is worth comparing."""
    draws = random.Random(11)
    for judge in JUDGES:
        lawful = [t for t in THINGS if not isinstance(t, Frame) or t.message.KIND not in _WORDS_OF_V]
        views = [resolve(board_of(lawful, judge))]
        for _ in range(50):
            draws.shuffle(lawful)
            views.append(resolve(board_of(lawful, judge)))
        assert all(view == views[0] for view in views)
        assert views[0].claims
        assert views[0].roster is not None
        assert any(claim.void for claim in views[0].claims)


_WORDS_OF_V = (Kind.REQUISITION, Kind.UPDATE, Kind.ATTEST, Kind.ALL_CLEAR, Kind.CANCEL)


def test_a_first_come_rule_breaks_the_law() -> None:
    """Control: a lead that is whoever's roster came first differs between orders that `resolve` does not tell apart."""

    def first_come(board: Board) -> bytes | None:
        view: View = resolve(board)
        live = {claim.responder for claim in view.claims if claim.live}
        rosters = [f for f in board.frames() if f.message.KIND is Kind.ROSTER and f.message.signer in live]
        return rosters[0].message.signer if rosters else None

    draws = random.Random(5)
    boards = [board_of(everything(draws), Judge()) for _ in range(20)]
    assert len({first_come(board) for board in boards}) > 1
    assert len({resolve(board).lead for board in boards}) == 1


def test_a_claim_before_its_card_and_after_it() -> None:
    """Control: without its card the view differs, so the laws above do see cards."""
    claim, card = mail.claim(CALL, A, card=mail.card(A).id), mail.card(A)
    assert isinstance(claim.message, Claim)
    assert resolve(board_of([claim], Judge())) != resolve(board_of([claim, card], Judge()))
    assert resolve(board_of([card, claim], Judge())) == resolve(board_of([claim, card], Judge()))

"""The laws of boards: sets within bounds, views as a function of the set."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_sos.core.board import board as module
from p2p_sos.core.board.board import Board
from p2p_sos.core.board.resolve import resolve
from p2p_sos.core.board.standing import Expired
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.registry import Detail, Reason, Severity
from tests.core import mail

CALL = mail.the_call()
KEYS = [mail.key(index) for index in range(6)]
A, B, C = KEYS[:3]


def board_of(*frames: Frame) -> Board:
    """A board that was offered these."""
    board = Board(CALL)
    for frame in frames:
        board.offer(frame)
    return board


def carded(*helpers: SigningKey) -> Board:
    """A board with a claim of each of these, and the card that it names."""
    board = Board(CALL)
    for who in helpers:
        card = mail.card(who)
        board.offer(mail.claim(CALL, who, card=card.id), card)
    return board


def _messages() -> list[Frame]:
    """Something of everything, equivocation included."""
    first, second = mail.requisition(CALL, A, B), mail.requisition(CALL, B, C, sequence=2)
    rival = mail.requisition(CALL, C, A, sequence=2)
    made = [first, second, rival, mail.update(CALL, 3, severity=Severity.LOW), mail.update(CALL, 4)]
    made += [mail.attest(CALL, A, sequence=5), mail.attest(CALL, B, C, sequence=6), mail.all_clear(CALL, 7)]
    for index, who in enumerate(KEYS):
        made += [mail.claim(CALL, who), mail.renew(CALL, who, index), mail.letter(CALL, who, index)]
    made += [mail.comply(CALL, A, first), mail.comply(CALL, B, second), mail.comply(CALL, C, rival)]
    made += [
        mail.release(CALL, B, 2),
        mail.claim(CALL, B, 3),
        mail.release(CALL, KEYS[4]),
        mail.decline(CALL, KEYS[5]),
    ]
    return made


MESSAGES = _messages()
SUBSETS = st.lists(st.sampled_from(MESSAGES), max_size=40)


@given(SUBSETS, st.randoms(use_true_random=False))
def test_permutation(frames: list[Frame], draws: random.Random) -> None:
    """The order of arrival changes neither board nor view."""
    other = list(frames)
    draws.shuffle(other)
    assert board_of(*frames).ids == board_of(*other).ids
    assert resolve(board_of(*frames)) == resolve(board_of(*other))


@given(SUBSETS)
def test_duplication(frames: list[Frame]) -> None:
    """A message that comes again changes nothing."""
    assert resolve(board_of(*frames)) == resolve(board_of(*frames, *frames, *frames))


@given(SUBSETS, SUBSETS, SUBSETS)
def test_merge(first: list[Frame], second: list[Frame], third: list[Frame]) -> None:
    """Merging is commutative, associative and idempotent."""
    left = board_of(*first)
    left.merge(board_of(*second))
    left.merge(board_of(*third))
    tail = board_of(*third)
    tail.merge(board_of(*second))
    tail.merge(board_of(*first))
    tail.merge(tail)
    assert left.ids == tail.ids
    assert resolve(left) == resolve(tail)


def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a test can exceed."""
    monkeypatch.setattr(module, "BOARD_RESPONDERS_MAX", 4)
    monkeypatch.setattr(module, "LETTER_RESPONDERS", 3)
    monkeypatch.setattr(module, "LOG_KEPT", 3)
    monkeypatch.setattr(module, "LETTERS_OF_VICTIM", 3)
    monkeypatch.setattr(module, "BOARD_LETTERS_PER_RESPONDER_MAX", 2)


def _flood() -> list[Frame]:
    flood: list[Frame] = []
    for index in range(12):
        who = mail.key(f"flood {index}")
        flood += [
            mail.claim(CALL, who),
            mail.release(CALL, who, 1),
            mail.claim(CALL, who, 2),
            mail.decline(CALL, who, 2),
        ]
        flood += [mail.claim(CALL, who, 3), *(mail.renew(CALL, who, s) for s in range(3))]
        flood += [mail.letter(CALL, who, number) for number in range(4)]
    flood += [mail.update(CALL, s, cell=s) for s in range(1, 12)] + [
        mail.cancel(CALL, s) for s in range(20, 24)
    ]
    return flood + [mail.letter(CALL, mail.V, number) for number in range(6)]


def test_order_does_not_matter_beyond_the_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a flood, what stays is a function of what came, not of the order; partial merges included."""
    _small(monkeypatch)
    flood, draws = _flood(), random.Random(3)
    expected = board_of(*flood)
    assert len(expected) < len(flood) / 2
    for _ in range(20):
        draws.shuffle(flood)
        half = len(flood) // 2
        merged = board_of(*flood[:half])
        merged.merge(board_of(*flood[half:]))
        assert merged.ids == expected.ids
        assert board_of(*flood).ids == expected.ids


def test_first_comers_would_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: a bound that keeps the first comers breaks the law that the test above holds."""
    _small(monkeypatch)
    flood = _flood()

    def first_comers(frames: list[Frame]) -> list[bytes]:
        return sorted(frame.id for frame in frames[: len(board_of(*flood))])

    assert first_comers(flood) != first_comers(flood[::-1])


def test_dropped_messages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever leaves the board is told, so that the store forgets it: held = offered and kept - dropped."""
    _small(monkeypatch)
    board, held = Board(CALL), {}
    for frame in _flood():
        offer = board.offer(frame)
        if offer.kept:
            held[frame.id] = frame
        for gone in offer.dropped:
            del held[gone.id]
    assert tuple(sorted(held)) == board.ids


def test_closings_are_never_crowded_out() -> None:
    """However much a victim says, its CANCEL stays."""
    board = board_of(mail.cancel(CALL, 1), *(mail.attest(CALL, A, sequence=s) for s in range(2, 80)))
    assert resolve(board).closed == "cancelled"


def test_a_claim_lives_until_its_release() -> None:
    """The newest word of a responder counts; a later claim revives it."""
    claims = mail.claim(CALL, A), mail.release(CALL, A, 1), mail.claim(CALL, A, 2)
    assert [c.responder for c in resolve(board_of(claims[0])).claims] == [A.public]
    released = resolve(board_of(*claims[:2]))
    assert released.claims == ()
    assert (released.releases[0].reason, released.releases[0].detail) == (Reason.UNABLE, Detail.EQUIPMENT)
    assert [c.claim for c in resolve(board_of(*claims)).claims] == [claims[2].id]


def test_expired_claims_do_not_count() -> None:
    """A silent responder's claim is shown, and counts for nothing."""
    board = carded(A, B)
    view = resolve(board, Expired(silent=frozenset({A.public})))
    assert {c.responder for c in view.claims} == {A.public, B.public}
    assert [c.responder for c in view.helpers] == [B.public]


def test_requisition() -> None:
    """The named who complied are shown; who claimed and is not named is dismissed; the lead leads once it complied."""
    asked = mail.requisition(CALL, A, B)
    frames = [mail.claim(CALL, who) for who in (A, B, C)]
    view = resolve(board_of(*frames, asked))
    assert view.lead is None
    assert [c.responder for c in view.claims if c.dismissed] == []
    view = resolve(board_of(*frames, asked, mail.comply(CALL, A, asked), mail.comply(CALL, C, asked)))
    assert view.lead == A.public
    assert view.requisition is not None
    assert view.requisition.complied == (A.public,)
    assert [c.responder for c in view.claims if c.complied] == [A.public]
    assert {c.responder for c in view.claims if c.dismissed} == {C.public}


def test_requisition_of_highest_sequence_counts() -> None:
    """A newer REQUISITION replaces an older one; of two alike the lower id counts, everywhere."""
    old, new, rival = (
        mail.requisition(CALL, A, sequence=1),
        mail.requisition(CALL, B, sequence=2),
        mail.requisition(CALL, C, sequence=2),
    )
    standing = resolve(board_of(new, old)).requisition
    assert standing is not None
    assert standing.lead == B.public
    winner = min((new, rival), key=lambda frame: frame.id)
    for order in ((old, new, rival), (rival, new, old)):
        standing = resolve(board_of(*order)).requisition
        assert standing is not None
        assert standing.requisition == winner.id


def test_comply_ends_with_release() -> None:
    """Who complied and released after it leads no longer."""
    asked = mail.requisition(CALL, A)
    frames = [mail.claim(CALL, A), asked, mail.comply(CALL, A, asked, 1)]
    assert resolve(board_of(*frames)).lead == A.public
    assert resolve(board_of(*frames, mail.release(CALL, A, 2))).lead is None


def test_update_describes() -> None:
    """The newest UPDATE describes the call; without one the CALL does."""
    assert resolve(board_of()).description.severity is Severity.SEVERE
    newer, older = mail.update(CALL, 2, severity=Severity.LOW), mail.update(CALL, 1, severity=Severity.HIGH)
    assert resolve(board_of(newer, older)).description.severity is Severity.LOW


def test_attest_marks_claims() -> None:
    """An ATTEST of the victim marks the claims of those it names, whenever they come."""
    early = board_of(mail.attest(CALL, A), mail.claim(CALL, A), mail.claim(CALL, B))
    assert {c.responder: c.attested for c in resolve(early).claims} == {A.public: True, B.public: False}


def test_cancel_outranks_all_clear() -> None:
    """Whatever came first, a CANCEL counts before an ALL_CLEAR."""
    assert resolve(board_of(mail.all_clear(CALL, 1))).closed == "cleared"
    both = mail.all_clear(CALL, 1), mail.cancel(CALL, 2)
    assert resolve(board_of(*both)).closed == resolve(board_of(*both[::-1])).closed == "cancelled"


@settings(max_examples=25)
@given(st.permutations([mail.claim(CALL, A, slot=slot) for slot in range(5)]))
def test_equivocation_leaves_views_equal(frames: list[Frame]) -> None:
    """Five claims with one sequence: every order shows the same one."""
    (standing,) = resolve(board_of(*frames)).claims
    assert standing.claim == min(frame.id for frame in frames)


def test_heads_are_what_nobody_refers_to() -> None:
    """Heads name the ends of the logs, at most eight, ascending."""
    ends = [mail.claim(CALL, mail.key(f"head {index}")) for index in range(10)]
    assert board_of(*ends).heads() == tuple(sorted(frame.id for frame in ends))[:8]
    assert board_of().heads() == ()

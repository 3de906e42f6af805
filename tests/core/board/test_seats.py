"""Who stays on a full board: the fittest by their cards, strangers and the convicted last, and nobody for being early."""

import random

import pytest

from p2p_sos.core.board import board as module
from p2p_sos.core.board.board import Board
from p2p_sos.core.board.judge import Judge
from p2p_sos.core.board.past import had_seen
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.keys import SigningKey
from tests.core import mail
from tests.core.board.story import CALL, A, B, C, D, Story

SEATS = 4


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Boards of four seats, and of two correspondents."""
    monkeypatch.setattr(module, "BOARD_RESPONDERS_MAX", SEATS)
    monkeypatch.setattr(module, "LETTER_RESPONDERS", 2)


def carded(who: SigningKey, hours: int = 0) -> tuple[Frame, Frame]:
    """A claim and its card; with all hours, of a higher tier."""
    card = mail.card(who, duty_hours=hours)
    return mail.claim(CALL, who, card=card.id), card


STRANGERS = [mail.claim(CALL, mail.key(f"junk {index}")) for index in range(40)]
HELPERS = [carded(mail.key(f"helper {index}"), (2**24 - 1) * (index % 2)) for index in range(8)]


def seated(board: Board) -> set[bytes]:
    """Who has a seat."""
    return set(board.responders())


def test_junk_displaces_no_card_holder() -> None:
    """Whatever comes first, the seats go to those whose cards are known, the fittest first."""
    expected = {claim.message.signer for claim, _ in HELPERS[1::2]}
    things = [*HELPERS, *((junk, None) for junk in STRANGERS)]
    draws = random.Random(2)
    for _ in range(20):
        draws.shuffle(things)
        board = Board(CALL)
        for frame, card in things:
            room = board.has_room_for(frame, card)
            offer = board.offer(frame, card)
            assert room or not offer.kept, "what it has no room for is not kept"
            assert offer.kept or not room, "one message each: who has room stays"
        assert seated(board) == expected


def ranked(strangers: list[Frame]) -> list[bytes]:
    """Their signers, who ranks first first."""
    return sorted((f.message.signer for f in strangers), key=lambda key: module.rank(CALL.id, key))


def test_of_strangers_a_board_keeps_few_and_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though there are seats: those that rank first, whatever came first; who has a card is not counted."""
    monkeypatch.setattr(module, "BOARD_RESPONDERS_MAX", 64)
    monkeypatch.setattr(module, "BOARD_STRANGERS_MAX", 3)
    helpers = {claim.message.signer for claim, _ in HELPERS}
    things = [*HELPERS, *((junk, None) for junk in STRANGERS)]
    draws = random.Random(3)
    for _ in range(20):
        draws.shuffle(things)
        board = Board(CALL)
        for frame, card in things:
            assert board.has_room_for(frame, card) == board.offer(frame, card).kept
        assert seated(board) == {*helpers, *ranked(STRANGERS)[:3]}
        assert set(board.held) == {f.id for f in board.frames() if f.message.signer in seated(board)}
    monkeypatch.setattr(module, "BOARD_STRANGERS_MAX", 64)
    board = Board(CALL)
    for junk in STRANGERS:
        board.offer(junk)
    assert len(seated(board)) == len(STRANGERS), "the control: seats there were"


def test_a_helper_whose_card_came_late_is_back_when_its_claim_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While it is a stranger among too many it waits; with its card it takes none of their seats."""
    monkeypatch.setattr(module, "BOARD_RESPONDERS_MAX", 64)
    monkeypatch.setattr(module, "BOARD_STRANGERS_MAX", 3)
    board = Board(CALL)
    claim, card = max(HELPERS, key=lambda helper: module.rank(CALL.id, helper[0].message.signer))
    for junk in STRANGERS:
        if module.rank(CALL.id, junk.message.signer) < module.rank(CALL.id, claim.message.signer):
            board.offer(junk)
    assert not board.offer(claim).kept, "the control: three rank before it"
    before = seated(board)
    assert board.offer(claim, card).kept
    assert seated(board) == {*before, claim.message.signer}


def test_who_becomes_a_stranger_may_be_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim that names a card that nobody knows makes a stranger of its signer: of all of them the last one goes."""
    monkeypatch.setattr(module, "BOARD_RESPONDERS_MAX", 64)
    monkeypatch.setattr(module, "BOARD_STRANGERS_MAX", 3)
    claim, card = HELPERS[0]
    who = mail.key("helper 0")
    again = mail.claim(CALL, who, sequence=1, card=bytes(32), slot_epoch=1)
    for first in (ranked(STRANGERS)[:3], ranked(STRANGERS)[-3:]):
        board = Board(CALL)
        board.offer(claim, card)
        for junk in STRANGERS:
            if junk.message.signer in first:
                board.offer(junk)
        assert seated(board) == {*first, who.public}, "the control: who has a card is not counted"
        offer = board.offer(again)
        expected = set(sorted([*first, who.public], key=lambda key: module.rank(CALL.id, key))[:3])
        assert seated(board) == expected
        assert offer.kept == (who.public in expected)
        assert {f.message.signer for f in offer.dropped} == {*first, who.public} - expected


def test_without_cards_the_hash_decides() -> None:
    """Control: the same claims without their cards are strangers like the rest."""
    board = Board(CALL)
    for frame in [*(claim for claim, _ in HELPERS), *STRANGERS]:
        board.offer(frame)
    assert seated(board) != {claim.message.signer for claim, _ in HELPERS[1::2]}


def test_another_s_card_is_no_card() -> None:
    """A claim that names somebody else's card, or another card than the one at hand, stays a stranger's."""
    _, best = HELPERS[1]
    thief = mail.claim(CALL, A, card=best.id)
    board = Board(CALL)
    board.offer(thief, best)
    assert board.cards == {}
    assert board.standing_of(A.public).tier == -1
    assert board.wanted_cards == (best.id,)
    assert not board.adopt(mail.card(A))


def test_the_convicted_go_first() -> None:
    """A conviction costs the place, not the seat; the next who comes takes it."""
    board = Board(CALL)
    for frame, card in HELPERS[1::2]:
        board.offer(frame, card)
    liar = board.responders()[0]
    board.convict(liar)
    assert board.responders()[-1] == liar
    offer = board.offer(*HELPERS[0])
    assert offer.kept
    assert [gone.message.signer for gone in offer.dropped] == [liar]
    assert liar not in board.responders()


def test_convictions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many convicted keys a board remembers those of lowest key, in any order; who has to go is judged as before."""
    monkeypatch.setattr(module, "PROOFS_MAX", 3)
    keys = sorted(mail.key(f"liar {index}").public for index in range(8))
    for order in (keys, keys[::-1]):
        board = Board(CALL)
        for key in order:
            board.convict(key)
        assert board.convicted == tuple(keys[:3])
    (claim, card), board = HELPERS[0], Board(CALL)
    liar = claim.message.signer
    board.offer(claim, card)
    board.convict(liar)
    assert not board.speaker(liar).fit, "the control"
    for key in [key for key in keys if key < liar][:3]:
        board.convict(key)
    assert board.speaker(liar).fit is (liar not in board.convicted)
    assert liar not in board.convicted


def test_a_card_goes_with_its_claim() -> None:
    """A newer CLAIM names the card that counts; who loses its seat takes its card along."""
    board = Board(CALL)
    first, second = mail.card(A), mail.card(A, slots=9)
    board.offer(mail.claim(CALL, A, card=first.id), first)
    assert tuple(board.cards) == (first.id,)
    board.offer(mail.claim(CALL, A, 1, card=second.id))
    assert (dict(board.cards), board.wanted_cards) == ({}, (second.id,))
    assert board.adopt(second)
    assert board.standing_of(A.public).slots == 9
    board.offer(mail.claim(CALL, B))
    board.convict(A.public)
    board.convict(B.public)
    for index in range(SEATS):
        board.offer(*HELPERS[index])
    assert second.id not in board.cards


def test_letters_of_helpers_stay() -> None:
    """The letters of keys that nobody knows displace none of a claimer whose card is known."""
    board = Board(CALL)
    for claim, card in HELPERS[:2]:
        board.offer(claim, card)
        board.offer(mail.letter(CALL, mail.key("helper 0"), 1))
        board.offer(mail.letter(CALL, mail.key("helper 1"), 1))
    kept = [board.offer(mail.letter(CALL, mail.key(f"junk {index}"), 1)).kept for index in range(30)]
    assert not any(kept)


def test_an_update_moves_nobody() -> None:
    """Places on a full board follow the CALL itself, so that an UPDATE that comes earlier or later keeps the same."""
    update = mail.update(CALL, 1, needs=1)
    boards = []
    for things in ([(update, None), *HELPERS], [*HELPERS, (update, None)]):
        board = Board(CALL, Judge())
        for frame, card in things:
            board.offer(frame, card)
        boards.append(board)
    assert boards[0].ids == boards[1].ids


def test_had_seen() -> None:
    """Along `previous`, `heads` and `replaces`, through any number of messages, and only over what the board holds."""
    story = Story()
    claim = story.claim(A)
    other = story.claim(B, claim)
    roster = story.roster(C, other)
    last = story.roster(D, replaces=roster)
    board = story.board
    assert board.had_seen(last.id, claim.id)
    assert not board.had_seen(claim.id, last.id)
    assert not board.had_seen(last.id, last.id)
    held = {frame.id: frame for frame in (claim, roster, last)}
    assert not had_seen(held, last.id, claim.id), "the message between is not there"
    assert not had_seen({}, last.id, claim.id)


def test_the_past_is_found_again_when_a_link_comes_late() -> None:
    """What was asked before the missing message came does not stay wrong."""
    story = Story()
    lawful = story.roster(A)
    between = story.claim(B, lawful)
    late = story.roster(C, between)
    board = Board(CALL)
    board.offer(lawful)
    board.offer(late)
    bit = board.past.bit(lawful.id)
    assert not board.past.behind(late.id) & bit
    board.offer(between)
    assert board.past.behind(late.id) & bit


def test_heads_leave_out_the_victim() -> None:
    """V's ATTEST stands outside any log and is no head; registers and letters are none either."""
    board = Board(CALL)
    claim = mail.claim(CALL, A)
    for frame in (claim, mail.attest(CALL, A), mail.renew(CALL, A, 3), mail.letter(CALL, A, 0)):
        board.offer(frame)
    assert board.heads() == (claim.id,)


def test_an_update_changes_tiers() -> None:
    """Fitness follows the newest description, also on a board that was asked before."""
    story = Story()
    story.claim(A)
    assert story.view().claims[0].fitness[0] == -7
    story.hear(mail.update(CALL, 1, needs=1))
    assert story.view().claims[0].fitness[0] == -2


def _log_of_a_claimer() -> list[Frame]:
    """A stands where its first words left it, and attests often enough to fill its log after that."""
    asked = mail.requisition(CALL, A)
    words = [
        mail.roster(CALL, A, A, sequence=0),
        mail.handover(CALL, A, mail.roster(CALL, A, A, sequence=0), B.public, sequence=1),
        mail.comply(CALL, A, asked, sequence=2),
        mail.release(CALL, A, sequence=3),
        mail.claim(CALL, A, 4),
    ]
    return words + [mail.vouch(CALL, A, B, sequence=5 + index) for index in range(2 * module.LOG_KEPT)]


def test_the_newest_of_each_sort_outlives_what_comes_after() -> None:
    """However much a responder says, its claim, and all that a later word took back, stay as they were said; in any order."""
    words = _log_of_a_claimer()
    first, draws, kept = words[:5], random.Random(5), []
    for _ in range(20):
        board = Board(CALL)
        for word in words:
            board.offer(word)
        said = board.said(A.public)
        assert said.claims
        assert said.claim == first[4]
        assert (said.complied, said.roster) == ((), None), (
            "a RELEASE and a HANDOVER stay with what they take back"
        )
        assert len(board.of(A.public)) == module.LOG_KEPT
        kept.append(board.ids)
        draws.shuffle(words)
    assert all(ids == kept[0] for ids in kept)


def test_without_lasting_sorts_a_claim_is_pushed_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: where the newest alone stay, who attests often claims no more."""
    monkeypatch.setattr(module, "LASTING", {})
    board = Board(CALL)
    for word in _log_of_a_claimer():
        board.offer(word)
    assert not board.said(A.public).claims


def test_a_word_of_a_lasting_sort_gives_way_to_a_newer_one() -> None:
    """Fifteen claims of one responder: the newest counts, and no more are kept than the bound says."""
    board = Board(CALL)
    claims = [mail.claim(CALL, A, sequence) for sequence in range(module.LOG_KEPT + 1)]
    dropped = [gone for claim in reversed(claims) for gone in board.offer(claim).dropped]
    assert not dropped, "the oldest came last, and does not stay"
    assert board.said(A.public).claim == claims[-1]
    assert claims[0].id not in board

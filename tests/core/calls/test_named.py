"""Which cards are wanted and which are held: exactly those that the newest claims on the boards name."""

import pytest

from p2p_sos.core.calls import calls as calls_module
from p2p_sos.core.calls.archive import Archive
from p2p_sos.core.calls.calls import Calls
from p2p_sos.wire.registry import BOARD_STRANGERS_MAX
from tests.core import mail
from tests.core.calls.test_archive import CALL, OTHER, A, B, Shelf


def test_a_card_goes_with_the_last_claim_that_names_it() -> None:
    """A claimer names its next card, call by call: what nobody names any more leaves memory and store, and not before."""
    shelf, one, next_one = Shelf(), mail.card(A), mail.card(A, slots=7)
    for frame in (one, mail.claim(CALL, A, card=one.id), OTHER, mail.claim(OTHER, A, card=one.id)):
        shelf.take(frame)
    shelf.take(mail.card(B))  # this node keeps a single card beside those that are named
    shelf.take(mail.card(mail.key("C")))
    shelf.take(next_one)
    shelf.take(mail.claim(CALL, A, 1, slot=1, slot_epoch=1, card=next_one.id))
    assert shelf.archive.calls.names(one.id), "control: the other board names it"
    assert one.id in shelf.rows
    shelf.take(mail.claim(OTHER, A, 1, slot_epoch=1, card=next_one.id))
    assert not shelf.archive.calls.names(one.id)
    kept = one.id in shelf.archive.cards
    assert (one.id in shelf.rows) is kept
    assert (one.id in shelf.archive.memory) is kept


def test_a_card_goes_with_the_claimer_that_is_pushed_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """All boards together have one seat: whose seat is taken leaves no card behind."""
    monkeypatch.setattr(calls_module, "BOARD_SEATS_MAX", 1)
    shelf, cards = Shelf(Archive(Calls(8))), {who.public: mail.card(who) for who in (A, B)}
    for who in (A, B):
        shelf.take(cards[who.public])
        shelf.take(mail.claim(CALL, who, card=cards[who.public].id))
    (seated,) = shelf.archive.calls.board(CALL.id).responders()
    for who, card in cards.items():
        assert shelf.archive.calls.names(card.id) is (who == seated)


def test_what_is_wanted_is_what_the_boards_name() -> None:
    """A thousand claims of fresh keys want as many cards as there are seats for them, and push out nobody else's."""
    calls = Calls(8)
    calls.open(CALL, 0.0)
    wanted = {}
    for index in range(200):
        who = mail.key(f"stranger {index}")
        card = mail.card(who)
        wanted[card.id] = claim = mail.claim(CALL, who, card=card.id)
        calls.offer(claim)
    board = calls.board(CALL.id)
    assert [calls.wants(card) for card in wanted] == [claim.id in board for claim in wanted.values()]
    assert sum(calls.wants(card) for card in wanted) == BOARD_STRANGERS_MAX


def test_another_ones_card_is_not_wanted_for_ever() -> None:
    """A claim may name anybody's card: once that is here it is looked for no more, and serves its owner alone."""
    calls, card = Calls(8), mail.card(A)
    calls.open(CALL, 0.0)
    calls.offer(mail.claim(CALL, B, card=card.id))
    assert calls.wants(card.id)
    assert not calls.adopt(card)
    assert not calls.wants(card.id)
    calls.offer(mail.claim(CALL, B, 1, slot_epoch=1, card=card.id), 0.0, card)
    assert not calls.wants(card.id)
    assert not calls.names(card.id)


def test_a_call_that_goes_wants_nothing() -> None:
    """Neither the cards that it lacked nor those that it had."""
    calls, card = Calls(8), mail.card(A)
    calls.open(CALL, 0.0)
    calls.offer(mail.claim(CALL, A, card=card.id), 0.0, card)
    claim = mail.claim(CALL, B, card=mail.card(B).id)
    calls.offer(claim)
    assert calls.wants(mail.card(B).id)
    calls.offer(claim, 0.0, mail.card(B))  # the same again, now with its card
    assert (calls.wants(mail.card(B).id), calls.names(mail.card(B).id)) == (False, True)
    assert calls.names(card.id)
    assert card in calls.bury(CALL.id)
    assert not calls.names(card.id)
    assert not calls.wants(mail.card(B).id)

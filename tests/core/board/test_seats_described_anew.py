"""A full board and an UPDATE: places follow the CALL itself, so that all keep the same whenever the UPDATE came."""

import pytest

from p2p_sos.core.board import board as module
from p2p_sos.core.board.board import Board
from tests.core import mail
from tests.core.board.story import CALL

SEATS = 4
ASKED_LATER = 1  # a need of the UPDATE that the CALL does not name
FIRST = [mail.key(f"for the call {index}") for index in range(SEATS)]
LATER = [mail.key(f"for the update {index}") for index in range(SEATS)]


@pytest.mark.parametrize("update_at", range(2 * SEATS + 1))
def test_who_fits_the_call_stays_whatever_it_says_later(
    monkeypatch: pytest.MonkeyPatch, update_at: int
) -> None:
    """Those whom only the UPDATE asks for push off nobody, wherever it comes among their claims."""
    monkeypatch.setattr(module, "BOARD_RESPONDERS_MAX", SEATS)
    cards = [mail.card(who) for who in FIRST] + [mail.card(who, skills=ASKED_LATER) for who in LATER]
    claims = [mail.claim(CALL, who, card=card.id) for who, card in zip(FIRST + LATER, cards, strict=True)]
    things = [*zip(claims, cards, strict=True)][::-1]
    things.insert(update_at, (mail.update(CALL, 1, needs=ASKED_LATER), None))
    board = Board(CALL)
    for frame, card in things:
        board.offer(frame, card)
    assert set(board.responders()) == {who.public for who in FIRST}
    assert board.description.needs == ASKED_LATER

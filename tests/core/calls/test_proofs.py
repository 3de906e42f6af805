"""PROOFs at the gate: which are admitted, and which are kept."""

import pytest

from p2p_sos.core.board import board
from p2p_sos.core.calls.accuser import proof_of
from p2p_sos.wire.frames import body_bytes, header_bytes, seal
from p2p_sos.wire.hashing import body_hash, responder_key_hash
from p2p_sos.wire.messages import Proof
from p2p_sos.wire.registry import CARD_EPOCH_S
from tests.core import mail
from tests.core.calls.test_gate import A, B, call, card
from tests.core.door import Door
from tests.core.world import PROFILE, START_UNIX_S


def test_proofs_are_kept_once_a_key() -> None:
    """A PROOF that holds is admitted and then known; one that proves nothing is rejected.

    One against a key that has neither a card nor a seat on a board is ignored: nobody is asked to remember it.
    """
    door, one, today = Door(), call(), int(START_UNIX_S) // CARD_EPOCH_S
    frames = [mail.claim(one, A, slot=slot) for slot in (0, 1)]
    halves = sorted((header_bytes(f.message), body_hash(body_bytes(f.message)), f.signature) for f in frames)
    proof = seal(Proof(A.public, *halves[0], *halves[1]), PROFILE.network, None)
    assert door.ask(proof) == "ignore bound"
    assert door.ask(card(A, today)) == "accept"
    assert door.ask(proof) == "accept"
    assert door.ask(proof) == "ignore known"
    door.ask(card(B, today))
    false = seal(Proof(B.public, *halves[0], *halves[1]), PROFILE.network, None)
    assert door.ask(false) == "reject rule"


def test_who_signs_twice_for_one_place_is_convicted_at_a_closed_call_too() -> None:
    """A conflict that comes when its call is closed makes a PROOF; the message itself stays outside."""
    door, one, today = Door(), call(), int(START_UNIX_S) // CARD_EPOCH_S
    first, second = (mail.claim(one, A, slot=slot) for slot in (0, 1))
    for frame in (card(A, today), one, first, mail.cancel(one)):
        assert door.ask(frame) == "accept"
    assert door.ask(second) == "ignore closed"
    assert [proof.message for proof in door.published] == [proof_of(first, second, PROFILE.network).message]
    assert second.id not in door.archive.memory


def test_no_room_and_no_conflict_cost_no_verification() -> None:
    """Controls: a late message without a conflict, a stranger's conflict, and a forged one convict nobody."""
    door, one, today = Door(), call(), int(START_UNIX_S) // CARD_EPOCH_S
    stranger = [mail.claim(one, B, slot=slot) for slot in (0, 1)]
    for frame in (card(A, today), one, mail.claim(one, A), stranger[0], mail.cancel(one)):
        assert door.ask(frame) == "accept"
    door.verify_at_once = False
    assert door.ask(mail.release(one, A)) == "ignore closed"
    assert door.ask(stranger[1]) == "ignore closed"
    assert door.verifying == []
    true = mail.claim(one, A, slot=1)
    forged = true.cell.replace(true.signature, bytes(64))
    door.verify_at_once = True
    door.bring(forged)
    assert door.said(forged) == "reject signature"
    assert door.published == []


def test_a_board_without_a_seat_for_a_liar_still_convicts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slot that one key gives to two calls: the second board is full of fitter ones, and the PROOF is made."""
    monkeypatch.setattr(board, "BOARD_RESPONDERS_MAX", 1)
    door, today = Door(), int(START_UNIX_S) // CARD_EPOCH_S
    one, other = call(), call("other")
    fit, liar = sorted((A, B), key=lambda who: responder_key_hash(other.id, who.public))
    cards = [card(who, today) for who in (fit, liar)]
    claims = [
        mail.claim(about, who, card=named.id)
        for about, who, named in ((one, liar, cards[1]), (other, fit, cards[0]))
    ]
    for frame in (*cards, one, other, *claims):
        assert door.ask(frame) == "accept"
    second = mail.claim(other, liar, card=cards[1].id)
    assert door.ask(second) == "ignore bound"
    assert [proof.message for proof in door.published] == [
        proof_of(claims[0], second, PROFILE.network).message
    ]

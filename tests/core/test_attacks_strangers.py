"""Attacks by keys that nobody knows: what they sign costs them their own lane and seats, and nobody else anything."""

from attrs import evolve

from p2p_sos.core.board.board import rank
from p2p_sos.core.calls.budgets import WIDTHS, Lane
from p2p_sos.wire import registry
from p2p_sos.wire.frames import seal
from tests.core import mail
from tests.core.calls.test_gate import call, card
from tests.core.door import Door
from tests.core.world import PROFILE, START_UNIX_S

# ---------------------------------------------------------------------- floods


def test_a_stranger_s_signature_under_a_victim_s_number_changes_nothing() -> None:
    """Letters and words of strangers with the victim's numbers do not touch what the victim said."""
    door, one = Door(), call()
    door.ask(one)
    assert door.ask(mail.update(one, 1)) == "accept"
    wrong = mail.update(one, 2)
    forged = seal(evolve(wrong.message, signer=mail.key("x").public), PROFILE.network, mail.key("x"))
    assert door.ask(forged) == "reject signer"
    assert [f.message.sequence for f in door.archive.calls.board(one.id).words(wrong.message.KIND)] == [1]  # type: ignore[union-attr]


def test_strangers_are_not_verified_while_their_lane_has_no_room() -> None:
    """Once strangers used up their tokens the next one costs no signature check, though there is a seat; later it does."""
    door = Door()
    calls = [call(f"call {number}") for number in range(20)]
    for one in calls:
        assert door.ask(one) == "accept"
        door.now += 1.0
    last, said = calls[-1], []
    for number in range(15):
        said += [door.ask(mail.claim(one, mail.key(f"{one.id!r} {number}"))) for one in calls[:-1]]
    assert said.count("accept") >= WIDTHS[Lane.STRANGER].burst
    assert said[-1] == "ignore budget"
    door.verify_at_once = False
    before = len(door.verifying)
    assert door.ask(mail.claim(last, mail.key("stranger"))) == "ignore budget"
    assert len(door.verifying) == before
    door.now += 1.0
    door.ask(mail.claim(last, mail.key("stranger")))
    assert len(door.verifying) == before + 1, "the control: with a token it is looked at"


def test_keys_ground_for_a_call_push_no_holder_of_a_card_off_its_board() -> None:
    """Keys that rank low, without a card that was known, take no seat from a claim that names its card."""
    door, one = Door(), call()
    door.ask(one)
    ranked = sorted((mail.key(number) for number in range(800)), key=lambda k: rank(one.id, k.public))
    honest, late = ranked[-1], ranked[-2]
    cards = [card(key, int(START_UNIX_S) // registry.CARD_EPOCH_S) for key in (honest, late)]
    assert [door.ask(own) for own in cards] == ["accept", "accept"]
    assert door.ask(mail.claim(one, honest, card=cards[0].id)) == "accept"
    for ground in ranked[: registry.BOARD_RESPONDERS_MAX]:
        door.ask(mail.claim(one, ground))
        door.now += 0.05
    said = door.archive.calls.board(one.id).responders()
    assert (len(said), honest.public in said) == (registry.BOARD_STRANGERS_MAX + 1, True)
    assert door.ask(mail.claim(one, late, card=cards[1].id)) == "accept"

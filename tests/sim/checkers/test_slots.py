"""Slots and sequences."""

from p2p_sos.sim.checkers import sequences, slots
from tests.sim.checkers.stage import CALL, OTHER_CALL, Stage, card, claim, key, release


def test_claims_within_the_card() -> None:
    """One slot: used, freed, used again in its next epoch; or freed because the call was over."""
    stage = Stage()
    stage.signed(0.0, "n0", card("n0"))
    stage.signed(1.0, "n0", claim("n0"))
    stage.signed(2.0, "n0", release("n0"))
    stage.signed(3.0, "n0", claim("n0", 0, slot_epoch=1, call=OTHER_CALL))
    stage.add(4.0, "n0", "closed", OTHER_CALL, "cancelled")
    stage.signed(5.0, "n0", claim("n0", 2, slot_epoch=2))
    assert slots.check(stage.trace, stage.facts) == ()
    assert sequences.check(stage.trace, stage.facts) == ()


def test_a_hand_freed_and_promised_in_one_moment() -> None:
    """The trace tells what travelled before what people were told; of another node, or later, it is a fault."""
    for name, closed_s, broken in (("n0", 2.0, False), ("n1", 2.0, True), ("n0", 2.1, True)):
        stage = Stage()
        stage.signed(0.0, "n0", card("n0"))
        stage.signed(1.0, "n0", claim("n0"))
        stage.signed(2.0, "n0", claim("n0", 0, slot_epoch=1, call=OTHER_CALL))
        stage.add(closed_s, name, "closed", CALL, "cleared")
        assert bool(slots.check(stage.trace, stage.facts)) is broken


def test_a_call_that_is_claimed_and_over_in_one_moment() -> None:
    """Sync brings a call and its end at once: its claim takes no hand. Control: it ends at another node."""
    for name, broken in (("n0", False), ("n1", True)):
        stage = Stage()
        stage.signed(0.0, "n0", card("n0"))
        stage.signed(2.0, "n0", claim("n0", 0, slot_epoch=1, call=OTHER_CALL))
        stage.add(2.0, name, "closed", OTHER_CALL, "cleared")
        stage.signed(2.0, "n0", claim("n0", 0, slot_epoch=2))
        assert bool(slots.check(stage.trace, stage.facts)) is broken


def test_claims_beyond_the_card_are_refused() -> None:
    """Two claims with one slot on the card; a slot that the card has not."""
    stage = Stage()
    stage.signed(0.0, "n0", card("n0"))
    stage.signed(1.0, "n0", claim("n0"))
    stage.signed(2.0, "n0", claim("n0", slot=1, call=OTHER_CALL))
    assert slots.check(stage.trace, stage.facts) != ()
    stage = Stage()
    stage.signed(0.0, "n0", card("n0"))
    stage.signed(1.0, "n0", claim("n0", slot=1))
    assert len(slots.check(stage.trace, stage.facts)) == 1


def test_one_place_of_a_slot_in_two_claims_is_refused() -> None:
    """The same slot epoch, after a release or beside the other claim."""
    stage = Stage()
    stage.signed(0.0, "n0", card("n0", slots=2))
    stage.signed(1.0, "n0", claim("n0"))
    stage.signed(2.0, "n0", release("n0"))
    stage.signed(3.0, "n0", claim("n0", 2))
    assert len(slots.check(stage.trace, stage.facts)) == 1


def test_one_sequence_in_two_messages_is_refused() -> None:
    """In one log; a register or another call has numbers of its own, and a liar is not asked."""
    stage = Stage()
    stage.signed(1.0, "n0", claim("n0"))
    stage.signed(1.0, "n0", claim("n0", slot_epoch=1, call=OTHER_CALL))
    stage.signed(1.0, "l0", claim("l0"), honest=False)
    stage.signed(1.0, "l0", claim("l0", slot=1), honest=False)
    assert sequences.check(stage.trace, stage.facts) == ()
    stage.signed(2.0, "n0", release("n0", 0))
    assert [v.node for v in sequences.check(stage.trace, stage.facts)] == ["n0"]


def test_the_stage_knows_its_nodes() -> None:
    """Control: the calls above are those of the facts."""
    stage = Stage()
    assert CALL in stage.facts.calls
    assert stage.facts.is_honest(key("n0"))

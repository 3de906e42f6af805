"""No call waits beside a free hand."""

import pytest
from attrs import evolve

from p2p_sos.sim.checkers.free_hands import check, waits, within_s
from p2p_sos.wire.messages import AllClear
from tests.sim.checkers.stage import CALL, NAMES, OTHER_CALL, VICTIM_KEY, Stage, card, claim, release


def _two_calls(hands: int = 1) -> Stage:
    """Only n0 can help, and has so many hands; the first call has one of them."""
    stage = Stage()
    told = evolve(stage.facts.calls[CALL], capable=("n0",))
    stage.change(calls={CALL: told, OTHER_CALL: evolve(told, call=OTHER_CALL)})
    stage.signed(-5.0, "n0", card("n0", slots=hands))
    for at_s, call in ((0.0, CALL), (1.0, OTHER_CALL)):
        stage.add(at_s, "victim", "signed", "CALL", call, VICTIM_KEY, call, True)
        for name in NAMES:
            stage.add(at_s + 0.1, name, "heard", call)
        if call == CALL:
            stage.signed(0.5, "n0", claim("n0"))
    return stage


def test_a_call_waits_while_no_hand_is_free_and_not_longer() -> None:
    """Its only helper comes when it has heard that the other call is over."""
    stage = _two_calls()
    assert waits(stage.trace, stage.facts).get(OTHER_CALL) is None
    stage.signed(60.0, "victim", AllClear(call=CALL, signer=VICTIM_KEY, sequence=4))
    stage.add(60.5, "n0", "closed", CALL, "cleared")
    stage.signed(61.5, "n0", claim("n0", call=OTHER_CALL, slot_epoch=1))
    assert check(stage.trace, stage.facts) == ()
    assert waits(stage.trace, stage.facts)[OTHER_CALL] == (60.5, 1.0)


@pytest.mark.parametrize("how", ["closed", "two hands", "back", "died"])
def test_who_waits_beside_a_free_hand_is_told(how: str) -> None:
    """The hand is free and nobody comes; it was never taken; it was given back; the helper died, and another could come."""
    stage = _two_calls(2 if how == "two hands" else 1)
    if how == "closed":
        stage.add(60.5, "n0", "closed", CALL, "cleared")
    if how == "back":
        stage.signed(60.5, "n0", release("n0"))
    if how == "died":
        calls = {call: evolve(told, capable=("n0", "n1")) for call, told in stage.facts.calls.items()}
        stage.change(calls=calls)
        stage.trace.records.clear()
        stage.signed(-5.0, "n1", card("n1"))
        stage.add(0.0, "victim", "signed", "CALL", CALL, VICTIM_KEY, CALL, True)
        for name in ("n0", "n1"):
            stage.add(0.1, name, "heard", CALL)
        stage.signed(0.5, "n0", claim("n0"))
        stage.add(60.5, "n0", "down", 1)
    (found,) = check(stage.trace, stage.facts)
    assert found.time == (1.1 if how == "two hands" else 60.5) + within_s(stage.facts)


def test_who_answered_or_cannot_is_not_asked() -> None:
    """It gave this very call back; it is down; it never heard of it."""
    for how in ("back", "down", "unheard"):
        stage = _two_calls()
        if how == "unheard":
            stage.trace.records = [r for r in stage.trace.records if r[2] != "heard" or r[3] == CALL]
        if how == "back":
            stage.signed(2.0, "n0", release("n0"))
            stage.signed(2.1, "n0", claim("n0", call=OTHER_CALL, slot_epoch=1))
        elif how == "down":
            stage.add(2.0, "n0", "down", 1)
        else:
            stage.add(2.0, "n0", "closed", CALL, "cleared")
        assert check(stage.trace, stage.facts) == ()

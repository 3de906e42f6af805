"""S1 first, as a promise: traces that keep it and traces that break it."""

import pytest
from attrs import evolve

from p2p_sos.sim.checkers import graver_first
from p2p_sos.wire.messages import NOTHING
from p2p_sos.wire.registry import S4
from tests.sim.checkers.stage import CALL, OTHER_CALL, Stage, card, claim, release


def at_work(slots: int = 1) -> Stage:
    """A node with so many hands that heard a call of S1 (CALL) and one of S4."""
    stage = Stage()
    mild = evolve(stage.facts.calls[CALL], call=OTHER_CALL, timing=S4)
    stage.facts = evolve(stage.facts, calls={**stage.facts.calls, OTHER_CALL: mild})
    stage.signed(0.0, "n0", card("n0", slots))
    stage.add(1.0, "n0", "heard", CALL)
    stage.add(1.0, "n0", "heard", OTHER_CALL)
    return stage


def saw(stage: Stage, at_s: float, helpers: int) -> None:
    """The node sees so many helpers at the grave call."""
    stage.add(at_s, "n0", "view", CALL, None, 0, NOTHING, helpers, None, 0, b"", b"")


def faults(stage: Stage) -> int:
    """How often the promise is broken."""
    return len(graver_first.check(stage.trace, stage.facts))


def test_the_last_hand_for_a_mild_call_is_refused() -> None:
    """The grave call has nobody, and the node gives its one hand to the mild one; or it lost its only helper before."""
    stage = at_work()
    stage.signed(2.0, "n0", claim("n0", call=OTHER_CALL))
    assert faults(stage) == 1
    stage = at_work()
    saw(stage, 2.0, 1)
    saw(stage, 3.0, 0)
    stage.signed(4.0, "n0", claim("n0", call=OTHER_CALL))
    assert faults(stage) == 1


@pytest.mark.parametrize("why", ["helped", "closed", "a hand left", "helps it", "released it", "the graver"])
def test_whoever_neglects_nobody_is_not_refused(why: str) -> None:
    """Somebody helps the grave call, it is over, there is a hand for it too, or the node answered it already."""
    stage, other = at_work(2 if why in ("a hand left", "helps it") else 1), OTHER_CALL
    match why:
        case "helped":
            saw(stage, 2.0, 1)
        case "closed":
            stage.add(3.0, "n0", "closed", CALL, "cleared")
        case "helps it" | "released it":
            stage.signed(2.0, "n0", claim("n0"))
            if why == "released it":
                stage.signed(2.5, "n0", release("n0"))
        case "the graver":
            other = CALL
    stage.signed(3.0, "n0", claim("n0", slot=1, slot_epoch=1, call=other))
    assert faults(stage) == 0


def test_what_it_learnt_in_the_same_moment_counts() -> None:
    """The grave call is cleared and its hand goes to the mild one: the trace tells the claim first."""
    stage = at_work()
    stage.signed(2.0, "n0", claim("n0", slot_epoch=1, call=OTHER_CALL))
    stage.add(2.0, "n0", "closed", CALL, "cleared")
    assert faults(stage) == 0

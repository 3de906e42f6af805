"""What a run is measured by: what only some saw, or only for a moment, is not there yet."""

import pytest

from p2p_sos.sim.campaign import missed
from p2p_sos.sim.measures import measures
from p2p_sos.sim.scenario import Outcome
from p2p_sos.sim.scenarios import SCENARIOS
from tests.sim.checkers.stage import CALL, NAMES, Stage, claim, key


def _told() -> Stage:
    stage = Stage(duration_s=60.0)
    for number, name in enumerate(NAMES):
        stage.signed(0.5 + number / 100, name, claim(name))
    stage.add(0.6, "victim", "claim-at-victim", CALL, key("n0"))
    stage.view(0.7, "victim", None, helpers=3)
    for name in (*NAMES, "victim"):
        stage.view(1.5, name, "n0", helpers=5)
    return stage


def _missed(stage: Stage) -> tuple[str, ...]:
    told = measures(stage.trace, stage.facts)
    return missed(SCENARIOS["baseline"].limits, [Outcome(7, (), told, "", 0)])


def test_an_ordinary_run_passes() -> None:
    """Claims, a lead that all follow, and enough helpers ever since."""
    assert _missed(_told()) == ()
    told = measures(_told().trace, _told().facts)
    assert (told["first_claim_s"], told["lead_s"], told["claims"]) == (0.6, 1.5, 5)
    assert (told["helpers"], told["helpers_fewest"], told["helpers_most"]) == (5.0, 5.0, 5.0)


def test_a_lead_that_some_do_not_follow_is_none() -> None:
    """One node, or the victim alone, that never hears of it."""
    for name in ("n4", "victim"):
        stage = _told()
        stage.trace.records[:] = [r for r in stage.trace.records if r[2] != "view" or r[1] != name]
        assert measures(stage.trace, stage.facts)["lead_s"] is None
        assert _missed(stage) != ()


@pytest.mark.parametrize("helpers", [4, 11])
def test_helpers_that_are_too_few_or_too_many_for_a_moment_are_told(helpers: int) -> None:
    """Though they are enough in the end."""
    stage = _told()
    stage.view(20.0, "victim", "n0", helpers=helpers)
    stage.view(21.0, "victim", "n0", helpers=5)
    assert len(_missed(stage)) == 1


def test_two_leads_for_more_than_a_second_are_told() -> None:
    """In two pieces, too."""
    stage = _told()
    for start_s in (20.0, 30.0):
        stage.view(start_s, "n1", "n1", helpers=5)
        stage.view(start_s + 0.6, "n1", "n0", helpers=5)
    assert len(_missed(stage)) == 1

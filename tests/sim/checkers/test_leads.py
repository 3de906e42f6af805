"""P6."""

from p2p_sos.sim.checkers.leads import check
from p2p_sos.sim.following import rivals_s, stretches
from tests.sim.checkers.stage import CALL, Stage


def _two_leads(until_s: float) -> Stage:
    stage = Stage()
    stage.view(10.0, "n0", "n0")
    stage.view(10.3, "n1", "n1")
    stage.view(until_s, "n1", "n0")
    return stage


def test_two_leads_for_a_moment_are_one_soon() -> None:
    """Both held their time, and the better one stays within HOLD and the gossip delay."""
    stage = _two_leads(11.5)
    assert check(stage.trace, stage.facts) == ()
    assert abs(rivals_s(stretches(stage.trace, stage.facts, CALL)) - 1.2) < 1e-6


def test_two_leads_that_stay_are_refused() -> None:
    """The same, two seconds longer; however often what they see changes meanwhile."""
    stage = _two_leads(13.5)
    assert len(check(stage.trace, stage.facts)) == 1
    stage = _two_leads(13.5)
    stage.view(11.0, "n0", "n0", helpers=2)
    stage.view(12.0, "n0", "n0", helpers=3)
    assert len(check(stage.trace, stage.facts)) == 1


def test_two_sides_of_a_cut_have_two_leads() -> None:
    """Until a sync after the healing."""
    parts = (("n0", "n2"), ("n1", "n3", "n4", "victim"))
    everybody = (("n0", "n1", "n2", "n3", "n4", "victim"),)
    stage = _two_leads(32.0)
    stage.components((-15.0, parts), (20.0, everybody))
    assert check(stage.trace, stage.facts) == ()
    stage = _two_leads(40.0)
    stage.components((-15.0, parts), (20.0, everybody))
    assert len(check(stage.trace, stage.facts)) == 1

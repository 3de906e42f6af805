"""L2."""

from p2p_sos.sim.checkers.replacement import check, recoveries
from tests.sim.checkers.stage import NAMES, Stage, claim

LEFT = tuple(name for name in (*NAMES, "victim") if name != "n0")


def _died(replaced_s: float | None, *, helpers: bool = True) -> Stage:
    stage = Stage()
    stage.components((-15.0, ((*NAMES, "victim"),)), (20.0, (LEFT,)))
    for name in ("n0", "n1") if helpers else ("n0",):
        stage.signed(1.0, name, claim(name))
    for name in NAMES:
        stage.view(2.0, name, "n0")
    stage.add(20.0, "n0", "down", 1)
    if replaced_s is not None:
        for name in LEFT[:-1]:
            stage.view(replaced_s - 1.0, name, None)
            stage.view(replaced_s, name, "n1")
    return stage


def test_a_dead_lead_is_replaced() -> None:
    """Within a lease, the gossip delay and HOLD; with no helper left the bands open first."""
    stage = _died(36.0)
    assert check(stage.trace, stage.facts) == ()
    assert [recovery[3] for recovery in recoveries(stage.trace, stage.facts)] == [16.0]
    stage = _died(50.0, helpers=False)
    assert check(stage.trace, stage.facts) == ()


def test_a_dead_lead_that_stays_is_refused() -> None:
    """Nobody took its place, or too late."""
    for stage in (_died(None), _died(38.0), _died(60.0, helpers=False)):
        assert [v.node for v in check(stage.trace, stage.facts)] == ["n1", "n2", "n3", "n4"]

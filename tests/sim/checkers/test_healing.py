"""L3."""

from p2p_sos.sim.checkers.healing import check
from tests.sim.checkers.stage import NAMES, Stage

PARTS = (("n0", "n2"), ("n1", "n3", "n4", "victim"))


def _healed(agreed_s: float, lead: str | None = "n1") -> Stage:
    stage = Stage()
    stage.components((-15.0, PARTS), (30.0, ((*NAMES, "victim"),)))
    for name in PARTS[0]:
        stage.view(5.0, name, "n0")
        stage.view(agreed_s, name, lead)
    for name in PARTS[1]:
        stage.view(5.0, name, "n1")
        stage.view(agreed_s, name, lead)
    return stage


def test_two_sides_agree_after_the_healing() -> None:
    """Within a sync, the delay and a SITREP."""
    stage = _healed(43.5)
    assert check(stage.trace, stage.facts) == ()


def test_two_sides_that_do_not_agree_are_refused() -> None:
    """They still follow two leads when the bound is over."""
    for agreed_s in (43.6, 50.0):  # HOLD more is too much
        stage = _healed(agreed_s)
        assert len(check(stage.trace, stage.facts)) == 1


def test_two_sides_that_agree_on_nobody_are_refused() -> None:
    """No lead is not one lead; nor does it help that only the victim, or one node, follows none."""
    stage = _healed(40.0, None)
    assert len(check(stage.trace, stage.facts)) == 1
    for name in ("victim", "n4"):
        stage = _healed(40.0)
        stage.view(42.0, name, None)
        assert len(check(stage.trace, stage.facts)) == 1


def test_without_a_healing_nothing_is_asked() -> None:
    """One node that comes back is no partition."""
    stage = _healed(90.0)
    stage.components((-15.0, (NAMES,)), (30.0, ((*NAMES, "victim"),)))
    assert check(stage.trace, stage.facts) == ()

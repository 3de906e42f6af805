"""Helped until closure, and no livelock."""

from p2p_sos.sim.checkers import helped, livelock
from tests.sim.checkers.stage import CALL, Stage, claim, release


def test_a_call_that_is_helped() -> None:
    """One goes, another comes; after the closing nobody need be there."""
    stage = Stage()
    stage.signed(1.0, "n0", claim("n0"))
    stage.signed(30.0, "n0", release("n0"))
    stage.signed(45.0, "n1", claim("n1"))
    stage.add(60.0, "n1", "closed", CALL, "cleared")
    stage.signed(61.0, "n1", release("n1"))
    assert helped.check(stage.trace, stage.facts) == ()


def test_a_call_that_nobody_helps_is_refused() -> None:
    """Nobody comes at all; the only helper goes, or dies, and nobody follows."""
    assert len(helped.check(Stage().trace, Stage().facts)) == 1
    stage = Stage()
    stage.signed(1.0, "n0", claim("n0"))
    stage.signed(30.0, "n0", release("n0"))
    assert len(helped.check(stage.trace, stage.facts)) == 1
    stage = Stage()
    stage.signed(1.0, "n0", claim("n0"))
    stage.add(30.0, "n0", "down", 1)
    assert len(helped.check(stage.trace, stage.facts)) == 1


def _leads(*leads: str | None, every_s: float = 10.0) -> Stage:
    stage = Stage(duration_s=1000.0)
    for step, lead in enumerate(leads):
        stage.view(step * every_s, "n0", lead)
    return stage


def test_few_changes_of_lead() -> None:
    """Three changes a minute may be; a lead that is lost and found has not changed; nor do slow changes count."""
    for stage in (
        _leads("n1", "n2", "n3", "n4"),
        _leads("n1", None, "n1", None, "n1", None, "n1"),
        _leads("n1", "n2", "n1", "n2", "n1", every_s=21.0),
    ):
        assert livelock.check(stage.trace, stage.facts) == ()


def test_rosters_written_at_once_are_no_livelock() -> None:
    """Within one gossip delay the best of them is found."""
    stage = _leads("n1", "n2", "n3", "n4", "n0", every_s=0.1)
    assert livelock.check(stage.trace, stage.facts) == ()


def test_a_livelock_is_refused() -> None:
    """Four changes within a minute; or a lead that flickers without end, however fast."""
    stage = _leads(*["n1", "n2"] * 20, every_s=0.2)
    assert len(livelock.check(stage.trace, stage.facts)) == 1
    stage = _leads("n1", "n2", "n1", None, "n2", "n1")
    assert len(livelock.check(stage.trace, stage.facts)) == 1


def test_a_change_at_the_moment_of_the_last_fault_is_not_counted() -> None:
    """A node that restarts then sees again what its store holds. Control: a moment later it counts, and so do four after it."""
    stage = _leads("n1", "n2", "n1", "n2", "n1", every_s=5.0)
    first_change_s = min(times[0] for times in livelock.changes(stage.trace, stage.facts).values())
    assert livelock.check_since(stage.trace, stage.facts, first_change_s) == ()
    assert len(livelock.check_since(stage.trace, stage.facts, first_change_s - 0.1)) == 1

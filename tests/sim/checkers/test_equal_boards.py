"""Boards at the end of a run."""

from p2p_sos.sim.checkers.equal_boards import check
from tests.sim.checkers.stage import CALL, NAMES, Stage, claim


def _ended(**other: bytes) -> Stage:
    stage = Stage()
    stage.signed(1.0, "n0", claim("n0"))
    for name in NAMES:
        stage.add(100.0, name, "board", CALL, other.get(name, b"same"))
    return stage


def test_equal_boards_pass() -> None:
    """Everybody holds the same; who was cut off until the end may not."""
    stage = _ended()
    assert check(stage.trace, stage.facts) == ()
    stage = _ended(n4=b"other")
    stage.components((-15.0, (("n0", "n1", "n2", "n3", "victim"), ("n4",))), (90.0, ((*NAMES, "victim"),)))
    assert check(stage.trace, stage.facts) == ()


def test_another_board_is_refused() -> None:
    """One node holds something else."""
    stage = _ended(n4=b"other")
    assert [v.node for v in check(stage.trace, stage.facts)] == ["n4"]

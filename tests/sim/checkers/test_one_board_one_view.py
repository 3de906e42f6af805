"""P1."""

from p2p_sos.sim.checkers.one_board_one_view import check
from tests.sim.checkers.stage import Stage


def test_equal_boards_with_equal_views_pass() -> None:
    """Two nodes with one board that follow one lead are what P1 asks for; with other boards they may differ."""
    stage = Stage()
    stage.view(1.0, "n0", "n1", board=b"same")
    stage.view(2.0, "n1", "n1", board=b"same")
    stage.view(2.0, "n2", "n3", board=b"other")
    assert check(stage.trace, stage.facts) == ()


def test_equal_boards_with_other_views_are_refused() -> None:
    """One board, two leads."""
    stage = Stage()
    stage.view(1.0, "n0", "n1", board=b"same")
    stage.view(2.0, "n1", "n2", board=b"same")
    assert [v.node for v in check(stage.trace, stage.facts)] == ["n1"]
    stage = Stage()
    stage.view(1.0, "n0", "n1", helpers=3, board=b"same")
    stage.view(2.0, "n1", "n1", helpers=4, board=b"same")
    assert len(check(stage.trace, stage.facts)) == 1

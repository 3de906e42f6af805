"""P1."""

from p2p_sos.sim.checkers.one_board_one_view import check
from p2p_sos.wire.messages import NOTHING
from tests.sim.checkers.stage import CALL, Stage, key


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


def test_a_view_that_is_older_than_its_board_is_refused() -> None:
    """Of an honest node; a liar may see what it likes."""
    for node, faults in (("n0", 1), ("l0", 0)):
        stage = Stage()
        stage.add(
            10.0, node, "stale-view", CALL, None, 0, NOTHING, 1, None, 0, key("n1"), 0, NOTHING, 2, None, 0
        )
        assert len(check(stage.trace, stage.facts)) == faults

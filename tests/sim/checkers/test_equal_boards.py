"""Boards at the end of a run."""

from p2p_sos.sim.checkers.equal_boards import check
from p2p_sos.wire.messages import AllClear
from tests.sim.checkers.stage import CALL, NAMES, VICTIM_KEY, Stage, claim


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


def test_of_a_call_that_its_victim_closed_only_that_is_compared() -> None:
    """Each keeps what it had; who hung together with the others and did not hear that it is over is told."""
    for ended, faults in ((NAMES, []), (NAMES[:4], ["n4"])):
        stage = _ended(n4=b"other")
        stage.trace.records.clear()
        stage.signed(20.0, "victim", AllClear(call=CALL, signer=VICTIM_KEY, sequence=4))
        for name in ended:
            stage.view(21.0, name, closed="cleared")
        for name in NAMES:
            stage.add(100.0, name, "board", CALL, name.encode())
        assert [v.node for v in check(stage.trace, stage.facts)] == faults

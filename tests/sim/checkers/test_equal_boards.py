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


def test_each_component_has_a_common_board_of_its_own() -> None:
    """One alone is compared with nobody; of the others whoever differs from most of them is told."""
    stage = _ended(n0=b"a", n1=b"b", n2=b"c", n3=b"c", n4=b"d")
    stage.components((-15.0, (("n0",), (*NAMES[1:], "victim"))))
    assert [v.node for v in check(stage.trace, stage.facts)] == ["n1", "n4"]
    stage = _ended(n0=b"a", n1=b"a", n2=b"c", n3=b"c", n4=b"c")
    stage.components((-15.0, (NAMES[:2], (*NAMES[2:], "victim"))))
    assert check(stage.trace, stage.facts) == ()


def test_one_that_restarted_of_late_hides_nobody() -> None:
    """The first node was away until a moment ago: it is not judged, all others are."""
    for node, faults in (("n0", []), ("n4", ["n4"])):
        stage = _ended(**{node: b"other"})
        stage.components(
            (-15.0, ((*NAMES, "victim"),)), (80.0, ((*NAMES[1:], "victim"),)), (90.0, ((*NAMES, "victim"),))
        )
        assert [v.node for v in check(stage.trace, stage.facts)] == faults
    stage.components((75.0, ((*NAMES, "victim"),)))  # a run that did not last so long
    assert check(stage.trace, stage.facts) == ()


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

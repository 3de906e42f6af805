"""P4."""

from p2p_sos.sim.checkers.conviction import check
from p2p_sos.wire.messages import Message
from tests.sim.checkers.stage import NAMES, OTHER_CALL, Stage, claim, decline, key


def _held(first: Message, second: Message, *, late: tuple[str, ...] = ()) -> Stage:
    stage = Stage()
    stage.with_liars(1)
    ids = [stage.signed(1.0, "l0", message, honest=False) for message in (first, second)]
    stage.add(1.1, "n0", "held", key("l0"), ids[0])
    stage.add(1.1, "n1", "held", key("l0"), ids[1])
    for name in (*NAMES, "victim"):
        if name not in late:
            stage.add(2.0, name, "convicted", key("l0"))
    return stage


def test_conflicts_convict_everywhere() -> None:
    """Two messages with one sequence, or one place of a slot in two calls."""
    for second in (claim("l0", slot=1), decline("l0", 0), claim("l0", 1, call=OTHER_CALL)):
        stage = _held(claim("l0"), second)
        assert check(stage.trace, stage.facts) == ()


def test_one_node_that_does_not_convict_is_refused() -> None:
    """The messages are within its reach for longer than a sync takes."""
    for second in (claim("l0", slot=1), decline("l0", 0), claim("l0", 1, call=OTHER_CALL)):
        stage = _held(claim("l0"), second, late=("n3",))
        assert [v.node for v in check(stage.trace, stage.facts)] == ["n3"]


def test_what_no_connected_nodes_hold_convicts_nobody() -> None:
    """The two messages are on two sides of a cut; or do not conflict."""
    stage = _held(claim("l0"), claim("l0", slot=1), late=(*NAMES, "victim"))
    stage.components((-15.0, (("n0", "victim"), ("n1", "n2", "n3", "n4"))))
    assert check(stage.trace, stage.facts) == ()
    stage = _held(claim("l0"), decline("l0", 1), late=NAMES)
    assert check(stage.trace, stage.facts) == ()


def test_an_honest_key_is_never_convicted() -> None:
    """Whatever was shown."""
    stage = Stage()
    stage.add(2.0, "n0", "convicted", key("n1"))
    assert len(check(stage.trace, stage.facts)) == 1

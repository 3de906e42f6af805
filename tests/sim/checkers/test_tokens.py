"""P5, and reports under tokens that were left."""

import pytest

from p2p_sos.sim.checkers import stale_actions, tokens
from p2p_sos.wire.messages import NOTHING, Roster
from p2p_sos.wire.registry import Cause
from tests.sim.checkers.stage import CALL, Stage, key, log

X, Y = b"x" * 32, b"y" * 32


def _follow(*followed: tuple[int, bytes]) -> Stage:
    stage = Stage()
    for step, token in enumerate(followed):
        stage.add(float(step), "n0", "follow", CALL, token)
    return stage


@pytest.mark.parametrize(
    "followed",
    [
        ((0, X), (0, Y), (1, NOTHING), (2, NOTHING)),
        ((0, X), (0, NOTHING), (0, X)),  # its lease lapsed, and it was heard again
        ((0, X), (1, NOTHING), (1, X)),  # the requisition found nobody
    ],
)
def test_tokens_that_rise(followed: tuple[tuple[int, bytes], ...]) -> None:
    """Each step leads on, or back to what was never left for another."""
    stage = _follow(*followed)
    assert tokens.check(stage.trace, stage.facts) == ()


@pytest.mark.parametrize(
    "followed",
    [
        ((2, NOTHING), (1, NOTHING)),
        ((0, X), (0, Y), (0, X)),
        ((0, X), (0, NOTHING), (0, Y), (1, X)),
    ],
)
def test_tokens_that_fall(followed: tuple[tuple[int, bytes], ...]) -> None:
    """A requisition that falls back; a roster that was left for another."""
    stage = _follow(*followed)
    assert len(tokens.check(stage.trace, stage.facts)) == 1


def test_a_new_life_begins_anew() -> None:
    """What a node left it forgets with a restart."""
    stage = _follow((0, X), (0, Y))
    stage.add(3.0, "n0", "up", 2)
    stage.add(4.0, "n0", "follow", CALL, (0, X))
    assert tokens.check(stage.trace, stage.facts) == ()


def test_a_report_counts_under_the_token_in_force() -> None:
    """Followed and reported alike."""
    stage = _follow((0, X))
    stage.add(1.0, "n0", "sitrep", CALL, key("n1"), (0, X))
    assert stale_actions.check(stage.trace, stage.facts) == ()


def test_a_report_of_another_than_the_roster_s_writer_is_refused() -> None:
    """Its token is the one in force, and its signer never led."""
    for signer, expected in (("n1", 0), ("n2", 1)):
        stage = Stage()
        fields = {"epoch": 1, "cause": Cause.INITIAL, "replaces": NOTHING, "members": (key("n1"),)}
        roster = stage.signed(0.5, "n1", log(Roster, "n1", 1, **fields))
        stage.add(1.0, "n0", "follow", CALL, (0, roster))
        stage.add(2.0, "n0", "sitrep", CALL, key(signer), (0, roster))
        assert len(stale_actions.check(stage.trace, stage.facts)) == expected


def test_a_report_under_another_token_is_refused() -> None:
    """The node has left that roster, or never followed it."""
    stage = _follow((0, X), (0, Y))
    stage.add(2.0, "n0", "sitrep", CALL, key("n1"), (0, X))
    stage.add(2.0, "n2", "sitrep", CALL, key("n1"), (0, X))
    assert len(stale_actions.check(stage.trace, stage.facts)) == 2

"""Whom the nodes follow: one walk, and what it says of agreement and of rivals."""

from p2p_sos.sim.following import agreements, first_s, lasting_s, rivals_s, stretches
from tests.sim.checkers.stage import CALL, NAMES, Stage, key

EVERYBODY = (*NAMES, "victim")


def _all_follow(stage: Stage, at_s: float, lead: str | None, names: tuple[str, ...] = EVERYBODY) -> None:
    for name in names:
        stage.view(at_s, name, lead)


def _agreed(stage: Stage, but: tuple[bytes, ...] = ()) -> list[tuple[float, float]]:
    return agreements(stretches(stage.trace, stage.facts, CALL), but)


def test_who_has_not_heard_follows_nobody() -> None:
    """All but one agree: that is no agreement; nor is the moment at which only one has heard and leads itself."""
    stage = Stage()
    _all_follow(stage, 1.0, "n0", EVERYBODY[1:])
    assert _agreed(stage) == []
    stage.view(3.0, "n0", "n0")
    assert _agreed(stage) == [(3.0, 100.0)]


def test_what_happens_at_one_moment_is_one_step() -> None:
    """Nobody is caught between two records of the same time; another lead begins another span."""
    stage = Stage()
    _all_follow(stage, 1.0, "n0")
    _all_follow(stage, 5.0, "n1")
    assert _agreed(stage) == [(1.0, 5.0), (5.0, 100.0)]
    assert _agreed(stage, (key("n0"),)) == [(5.0, 100.0)]


def test_who_is_down_or_done_is_not_asked_and_who_comes_back_is() -> None:
    """A dead node does not disagree; started again, it follows nobody until it sees the lead."""
    stage = Stage()
    _all_follow(stage, 1.0, "n0", NAMES[:3])
    stage.view(1.0, "n3", "n0", closed="cleared")
    stage.add(2.0, "n4", "down", 1)
    stage.add(3.0, "victim", "ended", CALL, "expired")
    stage.add(6.0, "n4", "up", 2)
    stage.view(8.0, "n4", "n0")
    assert _agreed(stage) == [(3.0, 6.0), (8.0, 100.0)]


def test_for_whom_a_call_is_closed_a_restart_opens_nothing() -> None:
    """It starts again and need not say that it is still closed; one that sees it open again is asked."""
    stage = Stage()
    _all_follow(stage, 1.0, "n0", EVERYBODY[1:])
    stage.view(2.0, "n0", "n0", closed="stood-down")
    stage.add(3.0, "n0", "down", 1)
    stage.add(4.0, "n0", "up", 2)
    assert _agreed(stage) == [(2.0, 100.0)]
    stage.view(10.0, "n0", None)
    assert _agreed(stage) == [(2.0, 10.0)]


def test_a_moment_of_agreement_is_no_lasting_one() -> None:
    """They agree, part and agree again; and part for good."""
    stage = Stage()
    _all_follow(stage, 1.0, "n0")
    stage.view(5.0, "n3", None)
    stage.view(9.0, "n3", "n0")
    assert first_s(_agreed(stage), 0.5) == 0.5
    assert first_s(_agreed(stage), 3.0) == 0.0
    assert lasting_s(_agreed(stage), 0.5, 100.0) == 8.5
    stage.view(99.0, "n3", None)
    assert lasting_s(_agreed(stage), 0.5, 100.0) is None
    assert first_s(_agreed(stage), 99.5) is None


def test_rivals_are_counted_all_in_all() -> None:
    """Two spans, one after the other; a rival that dies or follows another is none."""
    stage = Stage()
    stage.view(1.0, "n0", "n0")
    for start_s in (2.0, 10.0):
        stage.view(start_s, "n1", "n1")
        stage.view(start_s + 0.7, "n1", "n0")
    stage.view(20.0, "n2", "n2")
    stage.add(21.0, "n2", "down", 1)
    assert abs(rivals_s(stretches(stage.trace, stage.facts, CALL)) - 2.4) < 1e-6

"""L1."""

from attrs import evolve

from p2p_sos.sim.checkers.first_help import bound_s, check
from tests.sim.checkers.stage import CALL, LIARS, NAMES, Stage, claim, key


def _claimed(at_s: float | None, *, liars: int = 0) -> Stage:
    stage = Stage(duration_s=300.0)
    stage.with_liars(liars)
    for name in NAMES:
        stage.add(0.2, name, "heard", CALL)
    if at_s is not None:
        stage.signed(at_s, "n0", claim("n0"))
    return stage


def test_a_claim_in_time() -> None:
    """Without liars: two bands. With five liars in front: one PROG and a band more."""
    stage = _claimed(4.0)
    assert check(stage.trace, stage.facts) == ()
    stage = _claimed(45.0, liars=5)
    assert check(stage.trace, stage.facts) == ()


def test_a_claim_too_late_or_never() -> None:
    """The bound is what the specification says and no more."""
    for stage in (_claimed(6.0), _claimed(None), _claimed(55.0, liars=5)):
        assert len(check(stage.trace, stage.facts)) == 1


def test_who_is_cut_off_needs_help_of_its_own() -> None:
    """A claim on the other side of a cut does not count here."""
    stage = _claimed(2.0)
    stage.components((-15.0, (("n0", "n1"), ("n2", "n3", "n4", "victim"))))
    assert [v.node for v in check(stage.trace, stage.facts)] == ["n2"]


def test_whom_a_claim_reached_through_liars_has_help() -> None:
    """No honest node stands between, and yet it came: that is help; too late, or at somebody else's, it is none."""
    apart = (-15.0, (("n0", "n1"), ("n2",), ("n3", "n4", "victim")))
    for at_s, who, expected in ((2.0, "n2", ["n3"]), (9.0, "n2", ["n2", "n3"]), (2.0, "n0", ["n2", "n3"])):
        stage = _claimed(2.0)
        stage.components(apart)
        stage.add(at_s, who, "reached", CALL, key("n0"))
        assert [v.node for v in check(stage.trace, stage.facts)] == expected


def test_liars_that_are_less_fit_excuse_nobody() -> None:
    """Five liars behind the first honest one leave two bands; five before it, or before the first of a component, a PROG."""
    for order, expected in (((*NAMES, *LIARS), 1), ((*LIARS, *NAMES), 0), (("n4", *LIARS, "n0"), 1)):
        stage = _claimed(7.0, liars=5)
        stage.change(calls={CALL: evolve(stage.facts.calls[CALL], fittest=order)})
        assert len(check(stage.trace, stage.facts)) == expected
    stage.components((-15.0, (("n0", "n1", "victim"), ("n2", "n3", "n4"))))
    assert [v.node for v in check(stage.trace, stage.facts)] == ["n2"]


def test_the_bound_grows_with_the_liars() -> None:
    """Each doubling costs a PROG."""
    call = Stage().facts.calls[CALL]
    bounds = [bound_s(call, liars, 0.5, victim_speaks=True) for liars in (0, 5, 15, 35)]
    assert bounds == [4.5, 26.5, 48.5, 70.5]

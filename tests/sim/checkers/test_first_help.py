"""L1."""

import pytest
from attrs import evolve

from p2p_sos.sim.checkers import at_rest, helped
from p2p_sos.sim.checkers.first_help import bound_s, check
from p2p_sos.wire.messages import NOTHING, Attest, Renew
from tests.sim.checkers.stage import CALL, LIARS, NAMES, Stage, claim, key, log, release


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


def _met(*, met: tuple[str, ...] = LIARS[:5], by: str = "victim", at_s: float = 1.0) -> Stage:
    """Five liars, all fitter, claim at once; somebody attests these of them, and nobody honest comes."""
    stage = _claimed(None, liars=5)
    for name in LIARS[:5]:
        stage.signed(0.5, name, claim(name), honest=False)
    word = log(Attest, by, 1, responders=tuple(sorted(key(name) for name in met)))
    stage.signed(at_s, by, word, honest=by == "victim")
    return stage


def test_whom_the_victim_met_are_help_whoever_they_are() -> None:
    """Five liars that made contact hold all places: nobody else is asked for, neither now nor at the end."""
    stage = _met()
    for name in (*NAMES, "victim"):
        stage.view(2.0, name, "l0")
    stage.change(duration_s=150.0)
    for checker in (check, helped.check, at_rest.check):
        assert checker(stage.trace, stage.facts) == ()


@pytest.mark.parametrize("stage", [_met(met=LIARS[:4]), _met(by="l5"), _met(at_s=100.0)])
def test_whom_the_victim_did_not_meet_are_none(stage: Stage) -> None:
    """Four of five; five that another liar vouches for; five that it met when the time was over."""
    assert len(check(stage.trace, stage.facts)) == 1
    assert len(helped.check(stage.trace, stage.facts)) == 1


@pytest.mark.parametrize("how", ["release", "proof", "silence", "apart"])
def test_when_that_ceases_somebody_must_come_in_time(how: str) -> None:
    """One goes, is convicted, or says nothing more for ten leases; or the word never reached this side. Then the time counts from there."""
    for came_s, faults in ((25.0, 0), (60.0, 1)):
        stage, gone_s = _met(), {"release": 20.0, "proof": 20.0, "silence": 150.5, "apart": 1.0}[how]
        if how == "release":
            stage.signed(gone_s, "l2", release("l2"), honest=False)
        elif how == "proof":
            stage.add(gone_s, "n0", "convicted", key("l2"))
        elif how == "apart":
            stage.components((-15.0, (NAMES, ("victim",))))
        stage.signed(gone_s + came_s, "n0", claim("n0"))
        found = check(stage.trace, stage.facts)
        assert len(found) == faults
        assert all(abs(violation.time - gone_s - 26.5) < 2.0 or how == "apart" for violation in found)


def test_a_word_keeps_a_place() -> None:
    """Whom V met and who goes on to renew holds its place for ten leases more."""
    stage = _met()
    for name in LIARS[:5]:
        stage.signed(140.0, name, Renew(call=CALL, signer=key(name), sequence=4, claim=NOTHING), honest=False)
    assert check(stage.trace, stage.facts) == ()

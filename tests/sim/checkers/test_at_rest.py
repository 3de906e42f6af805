"""What is true of an open call when a run that had its rest ends."""

from p2p_sos.sim.checkers.at_rest import check
from p2p_sos.wire.messages import NOTHING, Renew, Requisition
from tests.sim.checkers.stage import CALL, NAMES, VICTIM_KEY, Stage, claim, key, release

EVERYBODY = (*NAMES, "victim")


def _rested(lead: str | None = "n0") -> Stage:
    stage = Stage(duration_s=200.0)
    stage.signed(1.0, "n0", claim("n0"))
    for name in EVERYBODY:
        stage.view(2.0, name, lead)
    return stage


def test_one_lead_and_a_helper_pass() -> None:
    """Somebody who goes may, if another comes; a call that is closed needs nobody."""
    stage = _rested()
    assert check(stage.trace, stage.facts) == ()
    stage.signed(90.0, "n0", release("n0"))
    stage.signed(95.0, "n2", claim("n2"))
    assert check(stage.trace, stage.facts) == ()
    stage = _rested()
    stage.add(90.0, "n0", "down", 1)
    stage.add(91.0, "n0", "up", 2)
    stage.view(91.0, "n0", "n0")
    stage.signed(95.0, "n0", Renew(call=CALL, signer=key("n0"), sequence=4, claim=NOTHING))
    assert check(stage.trace, stage.facts) == ()
    stage = Stage(duration_s=200.0)
    for name in EVERYBODY:
        stage.view(2.0, name, None, closed="cleared")
    assert check(stage.trace, stage.facts) == ()


def test_no_lead_two_leads_and_no_helper_are_refused() -> None:
    """Nobody follows anybody; one follows another; the only helper went, or died."""
    stage = _rested(None)
    assert len(check(stage.trace, stage.facts)) == 1
    stage = _rested()
    stage.view(150.0, "n3", "n1")
    assert len(check(stage.trace, stage.facts)) == 1
    stage = _rested()
    stage.signed(90.0, "n0", release("n0"))
    assert len(check(stage.trace, stage.facts)) == 1
    stage = _rested()
    stage.add(90.0, "n0", "down", 1)
    assert len(check(stage.trace, stage.facts)) == 1


def test_who_came_together_a_moment_ago_is_not_asked_yet() -> None:
    """Until a sync, a lease and the bands may be over."""
    stage = _rested()
    stage.view(150.0, "n3", "n1")
    stage.components((-15.0, (EVERYBODY[:2], EVERYBODY[2:])), (190.0, (EVERYBODY,)))
    assert check(stage.trace, stage.facts) == ()


def test_whom_the_victim_names_alone_is_help_while_it_reports() -> None:
    """A liar that V named and that is at it sends the others home; one that fell silent, or was not named, is no help."""
    for named, last_s, faults in (("l0", 195.0, 0), ("l0", 100.0, 1), ("l1", 195.0, 1)):
        stage = _rested("l0")
        stage.with_liars(2)
        asked = Requisition(call=CALL, signer=VICTIM_KEY, sequence=3, lead=key(named), members=())
        stage.signed(80.0, "victim", asked)
        stage.signed(81.0, "l0", claim("l0"), honest=False)
        stage.signed(90.0, "n0", release("n0"))
        renewed = Renew(call=CALL, signer=key("l0"), sequence=4, claim=NOTHING)
        stage.signed(last_s, "l0", renewed, honest=False)
        assert len(check(stage.trace, stage.facts)) == faults

"""P2."""

from p2p_sos.sim.checkers.victim_alone import check
from p2p_sos.wire.messages import Cancel, Requisition
from tests.sim.checkers.stage import CALL, VICTIM_KEY, Stage, key

ASKED = Requisition(call=CALL, signer=VICTIM_KEY, sequence=3, lead=key("n1"), members=(key("n1"),))
CANCELLED = Cancel(call=CALL, signer=VICTIM_KEY, sequence=4)


def test_what_the_victim_signed_is_followed() -> None:
    """A requisition and a closing after the victim's words."""
    stage = Stage()
    stage.signed(1.0, "victim", ASKED)
    stage.view(1.1, "n0", "n1", requisition=3)
    stage.signed(2.0, "victim", CANCELLED)
    stage.add(2.1, "n0", "closed", CALL, "cancelled")
    stage.view(2.1, "n0", "n1", requisition=3, closed="cancelled")
    assert check(stage.trace, stage.facts) == ()


def test_what_nobody_or_a_forger_signed_is_not() -> None:
    """Another sequence; a forger's word; a word that came later; a closing that nobody signed."""
    stage = Stage()
    stage.signed(1.0, "victim", ASKED)
    stage.view(1.1, "n0", "n1", requisition=4)
    assert len(check(stage.trace, stage.facts)) == 1
    stage = Stage()
    stage.signed(1.0, "l0", CANCELLED, honest=False)
    stage.add(1.1, "n0", "closed", CALL, "cancelled")
    assert len(check(stage.trace, stage.facts)) == 1
    stage = Stage()
    stage.view(1.0, "n0", "n1", requisition=3)
    stage.signed(1.5, "victim", ASKED)
    assert len(check(stage.trace, stage.facts)) == 1
    stage = Stage()
    stage.view(1.0, "n0", "n1", closed="cleared")
    assert len(check(stage.trace, stage.facts)) == 1

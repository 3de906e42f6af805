"""L4."""

from p2p_sos.sim.checkers.requisition_effect import check
from p2p_sos.wire.messages import Requisition
from tests.sim.checkers.stage import CALL, NAMES, VICTIM_KEY, Stage, decline, key

ASKED = Requisition(call=CALL, signer=VICTIM_KEY, sequence=3, lead=key("n1"), members=(key("n1"),))


def _asked(force_s: float, lead_s: float) -> Stage:
    stage = Stage()
    for name in NAMES:
        stage.view(1.0, name, "n0")
    stage.signed(10.0, "victim", ASKED)
    for name in NAMES:
        stage.view(force_s, name, "n0", requisition=3)
        stage.view(lead_s, name, "n1", requisition=3)
    return stage


def test_a_requisition_takes_effect() -> None:
    """In force within the delay, led by the named lead soon after."""
    stage = _asked(10.3, 12.0)
    assert check(stage.trace, stage.facts) == ()


def test_a_requisition_without_effect_is_refused() -> None:
    """It is not seen; it is seen, and another leads."""
    for stage in (_asked(10.8, 12.0), _asked(10.3, 14.0)):
        assert [v.node for v in check(stage.trace, stage.facts)] == list(NAMES)


def test_a_named_lead_that_declines_need_not_lead() -> None:
    """It answered; that it does not come is not the others' fault."""
    stage = _asked(10.3, 14.0)
    stage.signed(10.2, "n1", decline("n1"))
    assert check(stage.trace, stage.facts) == ()

"""P2."""

from typing import Any

from p2p_sos.core.board.standing import Description
from p2p_sos.core.events import VictimUpdates
from p2p_sos.sim.checkers.victim_alone import UPDATED, check
from p2p_sos.sim.run import run_world, world_of
from p2p_sos.sim.scenarios import SCENARIOS
from p2p_sos.sim.scenarios.city import VICTIM
from p2p_sos.wire.messages import Cancel, Requisition
from p2p_sos.wire.registry import Certainty, Status
from tests.sim.checkers.stage import CALL, VICTIM_KEY, Stage, key, update

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


def described(stage: Stage, at_s: float, sequence: int, **changes: Any) -> None:
    """From a time on `n0` takes the call for what an UPDATE of that sequence left."""
    word: Any = update(sequence)
    told = {name: getattr(word, name) for name in UPDATED} | changes
    stage.trace.described["n0", CALL, Description(status=Status.ACTUAL, sequence=sequence, **told)] = at_s


def test_an_update_is_the_victim_s() -> None:
    """As it was signed, before it is believed; not another, a forged or a later one, nor one of other contents."""
    for sequence, told_s, honest, changes, faults in (
        (2, 1.0, True, {}, 0), (3, 1.0, True, {}, 1), (2, 1.5, True, {}, 1), (2, 1.0, False, {}, 1), (2, 1.0, True, {"needs": 3}, 1),
    ):  # fmt: skip
        stage = Stage()
        stage.signed(told_s, "victim", update(2), honest=honest)
        described(stage, 1.1, sequence, **changes)
        assert len(check(stage.trace, stage.facts)) == faults
    stage = Stage()
    stage.signed(1.0, "l0", update(2, signer=key("l0")))
    described(stage, 1.1, 2)
    assert len(check(stage.trace, stage.facts)) == 1


def test_the_world_notes_whom_an_update_reached() -> None:
    """Everybody, a moment after the victim's word; and the promise is kept."""
    scenario = SCENARIOS["baseline"]
    world = world_of(scenario, 1, 6)
    world.plan(3.0, "speak", VICTIM, VictimUpdates({"certainty": Certainty.LIKELY}))
    facts = run_world(scenario, world, 6.0)
    believed = {
        node: at_s
        for (node, _, told), at_s in world.trace.described.items()
        if told.certainty is Certainty.LIKELY
    }
    assert set(believed) == set(facts.witnesses)
    assert 3.0 <= min(believed.values()) <= max(believed.values()) < 5.0
    assert check(world.trace, facts) == ()


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

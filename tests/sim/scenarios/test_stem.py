"""The scenarios of the stem: they deliver, no source lets anything out, and neither would pass a world that does."""

import pytest
from attrs import evolve

from p2p_sos.core.origin.way import Way
from p2p_sos.sim.liars.swallower import swallower
from p2p_sos.sim.run import run_seed, run_world, world_of
from p2p_sos.sim.scenario import Outcome, Scenario
from p2p_sos.sim.scenarios import SCENARIOS
from p2p_sos.sim.world import World
from p2p_sos.wire.registry import STEM_RELAYS_MAX

NODES, SEED = 12, 3


def said(scenario: Scenario, *outcomes: Outcome) -> list[str]:
    """What the further rules of a scenario complain about."""
    return [word for rule in scenario.limits.more if (word := rule(outcomes)) is not None]


def by(way: Way, name: str = "stem") -> Scenario:
    """The scenario with victims that call another way."""
    return evolve(SCENARIOS[name], options={"way": way})


def test_a_call_by_the_stem_comes_to_all() -> None:
    """No promise is broken, everybody hears of it, and the source gave it to one relay."""
    outcome = run_seed(SCENARIOS["stem"], SEED, NODES)
    assert outcome.violations == ()
    assert said(SCENARIOS["stem"], outcome) == []
    told = outcome.measures
    assert (told["delivered"], told["source_fluffs"], told["source_relays"]) == (1.0, 0.0, 1.0)
    assert (told["stem_hops"] or 0.0) >= 1.0


def test_a_victim_that_calls_directly_is_overheard() -> None:
    """Control: in the same world its own node is the first to show what it says, and the scenario complains."""
    outcome = run_seed(by(Way.DIRECT), SEED, NODES)
    assert (outcome.measures["source_fluffs"] or 0.0) >= 1.0
    assert any("source_fluffs" in word for word in said(SCENARIOS["stem"], outcome))


def test_a_pushed_call_comes_to_all() -> None:
    """By relays that the victim has no link with; nothing of it goes on the stem, or out at the victim."""
    outcome = run_seed(by(Way.PUSH), SEED, NODES)
    assert outcome.violations == ()
    told = outcome.measures
    assert (told["delivered"], told["source_fluffs"], told["stem_hops"]) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize("seed", range(2))
def test_black_holes_cost_time_and_no_call(seed: int) -> None:
    """Of the victim's own relays some may be among them; three relays at most, and no fluff."""
    outcome = run_seed(SCENARIOS["stem-black-holes"], seed, NODES)
    assert outcome.violations == ()
    assert said(SCENARIOS["stem-black-holes"], outcome) == []


def _all_swallow(world: World, seed: int, nodes: int) -> None:
    """As the scenario, but that everybody swallows."""
    SCENARIOS["stem-black-holes"].build(world, seed, nodes)
    for place in world.places:
        if place.victim is None:
            place.make = swallower()


def test_where_all_swallow_nobody_hears() -> None:
    """Control for what is delivered: then there is no way out, and the source does not make one."""
    scenario = evolve(SCENARIOS["stem-black-holes"], build=_all_swallow)
    world = world_of(scenario, 0, NODES)
    facts = run_world(scenario, world)
    assert not list(world.trace.of("heard"))
    assert (facts.known["delivered"], facts.known["source_fluffs"]) == (0.0, 0.0)
    assert facts.known["source_relays"] == float(STEM_RELAYS_MAX)


def test_lateness_is_judged_over_twenty_runs() -> None:
    """One late run in twenty passes, two do not, and a call that never came to all counts as late."""
    scenario = SCENARIOS["stem-black-holes"]

    def outcome(delivered_s: float | None) -> Outcome:
        return Outcome(0, (), {"delivered_s": delivered_s, "source_fluffs": 0.0, "source_relays": 1.0}, "", 0)

    fine = [outcome(5.0)] * 19
    assert said(scenario, *fine, outcome(61.0)) == []
    assert said(scenario, *fine[1:], outcome(61.0), outcome(None)) != []

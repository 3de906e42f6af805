"""The scenarios in which some lie: each is what its name says, and each limit refuses what it must."""

import pytest
from attrs import evolve

from p2p_sos.core.duty.policy import Policy
from p2p_sos.sim.liars.black_hole import black_hole
from p2p_sos.sim.run import run_seed, world_of
from p2p_sos.sim.scenario import Outcome, Scenario
from p2p_sos.sim.scenarios import liars
from p2p_sos.sim.scenarios.city import VICTIM
from p2p_sos.sim.weight import weight_bytes
from p2p_sos.sim.world import World

BY_NAME = {scenario.name: scenario for scenario in liars.SCENARIOS}
NODES = 12


def _outcome(**measures: float | None) -> Outcome:
    return Outcome(7, (), measures, "", 0)


def test_the_scenarios_of_the_table_are_there() -> None:
    """Every row that names liars."""
    assert {"black-holes", "equivocator", "slot-hoarder", "false-close", "claim-flood"} <= set(BY_NAME)


def test_four_of_five_cards_are_black_holes() -> None:
    """And the honest ones are the capable ones."""
    world = world_of(BY_NAME["black-holes"], 0, 60)
    assert sum(not place.is_honest for place in world.places) == 48


@pytest.mark.parametrize("name", ["equivocator", "slot-hoarder", "usurper", "forger", "perjurer", "replayer"])
def test_a_small_run_keeps_its_promises(name: str) -> None:
    """Twelve nodes, one seed."""
    outcome = run_seed(BY_NAME[name], 1, NODES)
    assert outcome.violations == ()
    assert [rule([outcome]) for rule in BY_NAME[name].limits.more if rule([outcome])] == []


def test_liars_alone_close_nothing() -> None:
    """F groups stand down while the victim is silent, and the call stays open; the run is judged under roots."""
    outcome = run_seed(BY_NAME["false-close"], 1, NODES)
    assert outcome.violations == ()
    assert outcome.measures["closures"] == 0.0


def test_enough_honest_groups_would_close() -> None:
    """Control: with one more group of quitters than f, the silent victim's call closes."""
    scenario = BY_NAME["false-close"]
    world = world_of(scenario, 1, NODES)
    there = [place.name for place in world.places if place.responder is not None]
    liars._vouch(world, there)
    world.begin()
    world.run(scenario.duration_s)
    assert list(world.trace.of("closed"))


@pytest.mark.parametrize("seed", [0, 1])
def test_a_fit_claimer_that_does_nothing_costs_no_lead(seed: int) -> None:
    """The best card claims, renews and never leads; whom the victim met leads instead, and soon (it took 21 s)."""

    def build(world: World, _seed: int, nodes: int) -> None:
        for name in liars._town(world, nodes, [black_hole()])[1:]:
            place = world[name]
            assert place.responder is not None
            place.responder = evolve(place.responder, policy=Policy())
        world.plan(0.0, "call", VICTIM)

    outcome = run_seed(Scenario("one black hole", build, 10.0), seed, 20)
    lead_s = outcome.measures["lead_s"]
    assert lead_s is not None
    assert lead_s < 3.0


def test_each_rule_refuses_what_it_must() -> None:
    """A late claim, a missed conviction, a closing, a heavy call."""
    good = _outcome(share_of_bound=0.9, recovery_s=3.0, closures=0.0, call_mb=10.0)
    bad = _outcome(share_of_bound=1.1, recovery_s=None, closures=1.0, call_mb=65.0)
    for rule in (liars._within_bound, liars._all_convicted, liars._never_closed, liars._light):
        assert rule([good]) is None
        assert "7" in str(rule([good, bad]))
    assert liars._within_bound([_outcome(share_of_bound=None)]) is not None


def test_a_weight_counts_everything_once() -> None:
    """Shared parts count once, excluded ones not at all."""
    one = bytes(1000)
    assert 1000 < weight_bytes([one, one]) < 1300
    assert weight_bytes({"a": one}, (one,)) < 500

"""The scenarios in which some lie: each is what its name says, and each limit refuses what it must."""

import pytest
from attrs import evolve

from p2p_sos.core.duty.policy import Policy
from p2p_sos.sim.liars.black_hole import black_hole
from p2p_sos.sim.run import run_seed, world_of
from p2p_sos.sim.scenario import Outcome, Scenario
from p2p_sos.sim.scenarios import liars
from p2p_sos.sim.scenarios.city import VICTIM
from p2p_sos.sim.scenarios.roots import vouch
from p2p_sos.sim.weight import weight_bytes
from p2p_sos.sim.world import World
from p2p_sos.wire.registry import S1
from tests.sim.checkers.stage import Stage, claim, key

BY_NAME = {scenario.name: scenario for scenario in liars.SCENARIOS}
NODES = 12


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
    assert outcome.measures["attested_groups"] == S1.stand_down_f


def test_enough_honest_groups_would_close() -> None:
    """Control: with one more group of quitters than f, the silent victim's call closes."""
    scenario = BY_NAME["false-close"]
    world = world_of(scenario, 1, NODES)
    there = [place.name for place in world.places if place.responder is not None]
    vouch(world, there)
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


GOOD = {
    "share_of_bound": 0.9, "recovery_s": 3.0, "closures": 0.0, "call_mb": 10.0, "junk_claims": 10_000.0,
    "convicted": 3.0, "two_leads_s": 1.0, "attested_groups": 2.0, "helpers_fewest": 5.0, "helpers_most": 10.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "measure", "bad"),
    [
        ("black-holes", "share_of_bound", 1.1),
        ("equivocator", "convicted", 2.0),
        ("slot-hoarder", "convicted", 1.0),
        ("false-close", "closures", 1.0),
        ("false-close", "attested_groups", 1.0),
        ("claim-flood", "helpers_fewest", 4.0),
        ("claim-flood", "helpers_most", 11.0),
        ("claim-flood", "call_mb", 65.0),
        ("claim-flood", "junk_claims", 9_000.0),
        ("claim-flood", "two_leads_s", 1.1),
        ("withholder", "two_leads_s", 1.1),
    ],
)
def test_each_rule_refuses_what_it_must(name: str, measure: str, bad: float) -> None:
    """A late claim, a missed conviction, a closing, a heavy call, a flood that is none; and what was never measured."""

    def said(told: dict[str, float | None]) -> list[str]:
        runs = [Outcome(7, (), told, "", 0)]
        return [word for rule in BY_NAME[name].limits.more if (word := rule(runs)) is not None]

    assert said(dict(GOOD)) == []
    for value in (bad, None):
        assert len(said(GOOD | {measure: value})) == 1
        assert "7" in said(GOOD | {measure: value})[0]


@pytest.mark.parametrize("late", [0, 1])
def test_nearly_all_is_rounded_up(late: int) -> None:
    """Of six honest nodes five are no 99 %: who convicts last decides, and who never does spoils it."""
    stage = Stage()
    stage.with_liars(1)
    for message in (claim("l0"), claim("l0", slot=1)):
        stage.add(1.0, "n0", "held", key("l0"), stage.signed(1.0, "l0", message, honest=False))
    for number, name in enumerate(stage.facts.honest[late:]):
        stage.add(2.0 + number, name, "convicted", key("l0"))
    assert liars._convicted(stage.trace, stage.facts)["recovery_s"] == (None if late else 6.0)


def test_black_holes_come_at_once_or_in_waves() -> None:
    """Every other pair of seeds the second wave claims only when the first is about to stop counting."""
    for seed, expected in ((0, 9), (2, 5)):
        world = world_of(BY_NAME["black-holes"], seed, NODES)
        world.begin()
        world.run(15.0)
        junk = [r for r in world.trace.of("signed") if r[3] == "CLAIM" and not r[7]]
        assert len(junk) == expected
        world.run(20.0)
        assert len([r for r in world.trace.of("signed") if r[3] == "CLAIM" and not r[7]]) == 9


def test_a_weight_counts_everything_once() -> None:
    """Shared parts count once, excluded ones not at all."""
    one = bytes(1000)
    assert 1000 < weight_bytes([one, one]) < 1300
    assert weight_bytes({"a": one}, (one,)) < 500

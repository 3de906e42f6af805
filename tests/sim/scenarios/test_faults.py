"""The scenarios of faults: each harms its world as it says, measures it, and would not pass a world that stays harmed."""

import pytest

from p2p_sos.sim.run import run_seed, run_world, world_of
from p2p_sos.sim.scenario import Outcome
from p2p_sos.sim.scenarios import SCENARIOS
from p2p_sos.sim.scenarios.recovery import at_least, at_most, every

NODES = 16
FAULTS = {
    "dead-lead": "kill",
    "dead-roster": "kill",
    "zombie-lead": "pause",
    "partition": "partition",
    "one-way": "cut",
    "bridge": "pause",
    "flapping": "partition",
    "requisition-dead": "kill",
    "clocks": "kill",
    "midnight": "leap",
}
BY_THE_TABLE = (*FAULTS, "silent-victim", "requisition-race", "requisition-declined", "late-join", "many-calls",
                "cards-spread", "chaos")  # fmt: skip


def said(name: str, outcomes: list[Outcome]) -> list[str]:
    """What the further rules of a scenario complain about."""
    return [word for rule in SCENARIOS[name].limits.more if (word := rule(outcomes)) is not None]


def test_every_scenario_of_the_table_is_there() -> None:
    """Each has checkers; whatever else it checks, it checks what must hold whatever the faults."""
    for name in BY_THE_TABLE:
        assert len(SCENARIOS[name].checkers) >= 8, name


@pytest.mark.parametrize(
    "name", ["dead-lead", "zombie-lead", "partition", "requisition-dead", "flapping", "midnight"]
)
def test_a_harmed_world_recovers(name: str) -> None:
    """A small world of each kind keeps every property, and its recovery is measured."""
    outcome = run_seed(SCENARIOS[name], 1, NODES)
    assert outcome.violations == ()
    assert outcome.measures["recovery_s"] is not None
    assert said(name, [outcome]) == []


@pytest.mark.parametrize(("name", "verb"), FAULTS.items())
def test_the_harm_is_done(name: str, verb: str) -> None:
    """The fault that gives a scenario its name is planned, or happens, before a third of the run is over."""
    scenario = SCENARIOS[name]
    world = world_of(scenario, 1, NODES)
    run_world(scenario, world, until_s=20.0)
    assert verb in [record[3] for record in world.trace.of("fault")]


def test_a_lead_that_does_not_die_is_not_replaced() -> None:
    """Control: without its fault, `dead-lead` measures no recovery and says so."""
    outcome = run_seed(SCENARIOS["dead-lead"], 1, NODES, without=(1,))
    assert outcome.measures["recovery_s"] is None
    assert said("dead-lead", [outcome]) != []


def test_a_partition_that_never_heals_is_told() -> None:
    """Control: without the healing two leads remain, and `partition` says so."""
    outcome = run_seed(SCENARIOS["partition"], 1, NODES, without=(2,))
    assert outcome.measures["recovery_s"] is None
    assert said("partition", [outcome]) != []


def test_chaos_is_judged_by_the_seed() -> None:
    """Even seeds never rest, odd ones rest from halfway on; both draw faults, and the same ones each time."""
    chaos = SCENARIOS["chaos"]
    worlds = [world_of(chaos, seed, NODES) for seed in (2, 3, 3)]
    assert [world.mode for world in worlds] == ["safety", "liveness", "liveness"]
    assert [world.quiet_from_s for world in worlds] == [None, 60.0, 60.0]
    assert all(len(world.faults) > 6 for world in worlds)
    assert [str(fault) for fault in worlds[1].faults] == [str(fault) for fault in worlds[2].faults]
    assert max(fault.at_s for fault in worlds[1].faults) <= 60.0


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [(at_most("x", 3.0), 3.0, 3.1), (at_least("x", 3.0), 3.0, 2.9), (every("x", "none"), 0.0, None)],
)
def test_rules(rule: object, good: float, bad: float | None) -> None:
    """A rule is silent about a run that keeps it, and names the seed of one that does not."""
    runs = [Outcome(seed, (), {"x": value}, "", 0) for seed, value in ((7, good), (8, bad))]
    assert callable(rule)
    assert rule(runs[:1]) is None
    assert "8" in rule(runs)

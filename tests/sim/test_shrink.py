"""The shrinker finds the faults that matter among those that do not."""

import pytest
from attrs import evolve

from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.scenario import Limits, Scenario
from p2p_sos.sim.scenarios import SCENARIOS
from p2p_sos.sim.scenarios.recovery import at_most
from p2p_sos.sim.shrink import Candidate, minimal, shrink_run
from tests.sim.listeners import Listener

NEEDED = ("n1", "n2")


def build(world, _seed, nodes):
    """Ten deaths, of which two together are the fault that a checker finds."""
    world.preloaded = False
    for number in range(nodes):
        world.add_node(f"n{number}", make=Listener)
    for number in range(nodes):
        world.plan(1.0 + number, "kill", f"n{number}")


def both_died(trace, facts):
    """The seeded fault: it breaks when both are dead."""
    dead = [record[1] for record in trace.of("down") if record[1] in NEEDED]
    return (Violation("seeded", 3.0, "n2", "both died"),) if len(dead) == len(NEEDED) else ()


SEEDED = Scenario("seeded", build, 30.0, checkers=(both_died,), nodes=12)


def test_a_failing_run_shrinks_to_its_two_faults_few_nodes_and_a_short_time():
    """Twelve nodes and twelve faults become three nodes and two faults, before four seconds."""
    small, faults = shrink_run(SEEDED, Candidate(7, 12))
    assert faults == ("#1 at 2.000 s: kill(n1)", "#2 at 3.000 s: kill(n2)")
    assert small.nodes == 3
    assert small.until_s == 4.0
    assert small.command("seeded").endswith("--nodes 3 --seeds 7:8 --without 0 --until 4")


def test_a_run_that_does_not_fail_is_left_alone():
    """Control: nothing is made up."""
    assert shrink_run(SEEDED, Candidate(7, 2)) == (Candidate(7, 2), ())


def always(_trace, facts):
    """The seeded fault: whatever is left out, it breaks at once."""
    return (Violation("seeded", 1.0, facts.honest[0], "always"),)


def test_a_call_is_never_left_out():
    """A real scenario, with its measure, shrinks to its call alone: whatever else it plans was not needed."""
    small, faults = shrink_run(evolve(SCENARIOS["dead-roster"], checkers=(always,)), Candidate(0, 12))
    assert faults == ("#0 at 0.000 s: call(victim)",)
    assert small == Candidate(0, 3, tuple(range(1, 12)), 2.0)


def test_no_world_is_tried_that_its_scenario_cannot_build():
    """Two towns and a node between them need eight; a quarter of thirteen would be three."""
    small, _ = shrink_run(evolve(SCENARIOS["bridge"], checkers=(always,)), Candidate(1, 13))
    assert small.nodes == SCENARIOS["bridge"].nodes_min


def _few_died(seed, most):
    """A scenario of deaths that measures how many died, of one seed one more; so many are allowed."""

    def dead(trace, facts):
        return {"dead": float(len(list(trace.of("down"))) + (facts.seed == seed))}

    return evolve(SEEDED, checkers=(), measure=dead, limits=Limits(more=(at_most("dead", most),)))


def test_a_run_that_misses_a_limit_shrinks_in_nodes_alone():
    """Nothing of its faults or its time is left out, since limits are set for whole runs; where the next seed fails as well, it was the size."""
    small, faults = shrink_run(_few_died(7, 8.0), Candidate(7, 12))
    assert (small, len(faults)) == (Candidate(7, 9), 9)  # seed 8 misses it with twelve nodes as well
    small, faults = shrink_run(_few_died(7, 12.0), Candidate(7, 12))
    assert (small, len(faults)) == (Candidate(7, 12), 12)  # with nine it keeps it
    short = evolve(
        SEEDED, checkers=(), measure=lambda _trace, facts: {"x": 12.0 - len(facts.keys) + (facts.seed == 7)}
    )
    only_seven = evolve(short, limits=Limits(more=(at_most("x", 0.0),)))
    assert shrink_run(only_seven, Candidate(7, 12))[0] == Candidate(7, 12)  # with fewer every seed misses it
    assert shrink_run(_few_died(7, 8.0), Candidate(7, 12, until_s=20.0)) == (
        Candidate(7, 12, until_s=20.0),
        (),
    )
    assert shrink_run(_few_died(7, 20.0), Candidate(7, 12)) == (Candidate(7, 12), ())


@pytest.mark.parametrize("until_s", [1.5, 2.0])
def test_an_end_that_was_asked_for_is_not_moved_back(until_s):
    """It breaks after one second, and stops before the two at which the shrinker would stop it."""
    scenario = evolve(SCENARIOS["baseline"], checkers=(always,))
    small, _ = shrink_run(scenario, Candidate(0, 2, until_s=until_s))
    assert small.until_s == until_s


def test_the_command_says_all_that_makes_the_run():
    """Faults left out, and an end to its last digit."""
    words = "python3 scripts/simulate.py --scenario baseline --nodes 5 --seeds 3:4"
    assert Candidate(3, 5).command("baseline") == words
    assert Candidate(3, 5, (1, 4), 20.0).command("baseline") == f"{words} --without 1,4 --until 20"
    assert Candidate(3, 5, (), 20.1234567).command("baseline") == f"{words} --until 20.1234567"


def test_delta_debugging_keeps_exactly_what_is_needed():
    """Of forty items the three that matter, wherever they stand."""
    needed = (3, 17, 39)
    assert minimal(range(40), lambda kept: all(item in kept for item in needed)) == needed

"""The shrinker finds the faults that matter among those that do not."""

from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.scenario import Scenario
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


def test_delta_debugging_keeps_exactly_what_is_needed():
    """Of forty items the three that matter, wherever they stand."""
    needed = (3, 17, 39)
    assert minimal(range(40), lambda kept: all(item in kept for item in needed)) == needed

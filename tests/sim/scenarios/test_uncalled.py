"""A scenario whose call never comes: nothing can be measured, and nothing breaks."""

import pytest

from p2p_sos.sim.run import run_seed, world_of
from p2p_sos.sim.scenarios import SCENARIOS

NODES = 12
ONE_CALL = [
    name
    for name, scenario in SCENARIOS.items()
    if scenario.nodes <= 60
    and [f.number for f in world_of(scenario, 1, NODES).faults if f.verb == "call"] == [0]
]


def test_most_scenarios_are_about_one_call():
    """Control: those that once raised are among them."""
    assert {"dead-lead", "dead-roster", "bridge", "flapping", "flapping-long", "clocks", "midnight"} <= set(
        ONE_CALL
    )
    assert {"late-join", "black-holes", "silent-victim", "partition", "zombie-lead"} <= set(ONE_CALL)


@pytest.mark.parametrize("name", ONE_CALL)
def test_where_nobody_calls_nothing_is_measured(name):
    """Whatever the scenario looks at, it finds no help and no recovery, and does not take that for good."""
    measures = run_seed(SCENARIOS[name], 1, NODES, without=(0,)).measures
    helpful = (
        "first_claim_s",
        "lead_s",
        "claims",
        "helpers",
        "recovery_s",
        "gap_s",
        "helped",
        "share_of_bound",
    )
    assert {measure: measures.get(measure) for measure in helpful} == dict.fromkeys(helpful)

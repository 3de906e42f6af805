"""The command: what it lists, prints and exits with."""

import json

from tests.sim.test_determinism import simulate

KEYS = [
    "scenario",
    "nodes",
    "runs",
    "violations",
    "failing_seeds",
    "first_claim_p50_s",
    "first_claim_p99_s",
    "lead_p99_s",
    "claims_p50",
    "claims_p99",
    "helpers_p50",
    "recovery_p99_s",
    "trace_digest",
    "events",
    "events_per_s",
    "wall_s",
    "peak_mb",
]


def test_it_lists_every_scenario():
    """One line each, with what it is about."""
    told = simulate("--list")
    assert told.returncode == 0
    assert [line.split()[0] for line in told.stdout.splitlines()][:3] == ["baseline", "lossy", "slow"]


def test_it_prints_one_object_with_exactly_these_keys_and_passes():
    """Five nodes, two seeds: everybody helps, and somebody leads."""
    told = simulate("--scenario", "baseline", "--nodes", "5", "--seeds", "0:2", "--json")
    assert told.returncode == 0, told.stderr
    assert list(json.loads(told.stdout)) == KEYS
    assert json.loads(told.stdout)["violations"] == 0


def test_a_missed_limit_exits_1_and_names_the_command_that_repeats_it():
    """Control: three nodes can never be the five helpers that the scenario asks for."""
    told = simulate("--scenario", "baseline", "--nodes", "3", "--seeds", "0:1", "--json")
    assert told.returncode == 1
    assert "seed 0 ends with" in told.stderr
    assert "python3 scripts/simulate.py --scenario baseline --nodes 3 --seeds 0:1" in told.stderr


def test_it_writes_the_trace_of_one_seed(tmp_path):
    """Faults first, then one record a line."""
    file = tmp_path / "trace.txt"
    simulate("--scenario", "baseline", "--nodes", "5", "--seeds", "0:1", "--until", "5", "--trace", str(file))
    lines = file.read_text().splitlines()
    assert lines[0] == "# #0 at 0.000 s: call(victim)"
    assert any("'claim-at-victim'" in line for line in lines)


def test_an_unknown_scenario_is_named_as_such():
    """And nothing is run."""
    assert simulate("--scenario", "none").returncode == 2

"""The command: what it lists, prints and exits with."""

import json
import os
import subprocess
import sys
from functools import partial

import pytest

from tests.house.sources import ROOT
from tests.sim.command import run_script

SCRIPT = ROOT / "scripts" / "simulate.py"
simulate = partial(run_script, "simulate.py")

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
    assert json.loads(told.stdout)["failing_seeds"] == [0]


def test_it_writes_the_trace_of_one_seed(tmp_path):
    """Faults first, then one record a line."""
    file = tmp_path / "trace.txt"
    simulate("--scenario", "baseline", "--nodes", "5", "--seeds", "0:1", "--until", "5", "--trace", str(file))
    lines = file.read_text().splitlines()
    assert lines[0] == "# #0 at 0.000 s: call(victim)"
    assert any("'claim-at-victim'" in line for line in lines)


def test_a_shortened_run_is_held_to_no_limit():
    """Nobody leads by then, and the lead never dies: limits are set for whole runs. Control: the whole one misses one."""
    words = ("--scenario", "dead-lead", "--nodes", "8", "--seeds", "1")
    for less in (("--without", "1"), ("--until", "2")):
        told = simulate(*words, *less, "--json")
        assert told.returncode == 0, told.stderr
        assert json.loads(told.stdout)["violations"] == 0
        assert "no limit is judged" in told.stderr
    whole = simulate("--scenario", "baseline", "--nodes", "3", "--json")
    assert json.loads(whole.stdout)["violations"] > 0
    assert "no limit is judged" not in whole.stderr


def test_shrinking_needs_a_run_that_fails():
    """A seed that breaks nothing and misses nothing is no failure; one that misses a limit is one, and has fewer nodes then."""
    good = simulate("--scenario", "baseline", "--nodes", "5", "--shrink", "1")
    assert (good.returncode, good.stdout) == (0, "")
    assert "seed 1 breaks no promise and misses no limit" in good.stderr
    limit = simulate("--scenario", "baseline", "--nodes", "4", "--shrink", "1")
    assert limit.returncode == 1
    assert limit.stdout.startswith("python3 scripts/simulate.py --scenario baseline --nodes 2 --seeds 1:2\n")
    assert "a limit is missed" in limit.stderr
    short = simulate("--scenario", "baseline", "--nodes", "3", "--shrink", "1", "--until", "30")
    assert (short.returncode, short.stdout) == (0, "")


@pytest.mark.parametrize(
    ("words", "next_step"),
    [
        ("--seeds abc", "write FIRST:END"),
        ("--seeds 5:5", "seed 5 alone is 5:6"),
        ("--seeds 3:1", "seed 3 alone is 3:4"),
        ("--without x", "write their numbers"),
        ("--trace /no/such/x", "name a file in a folder that is there"),
        ("--nodes 0", "write for example 2"),
        ("--nodes -3", "write for example 2"),
        ("--jobs 0", "write for example 2"),
        ("--jobs -1", "write for example 2"),
        ("--until -1", "write seconds"),
        ("--until nan", "write seconds"),
        ("--shrink x", "write a whole number"),
        ("--scenario bridge --nodes 7", "write --nodes 8"),
        ("--scenario none", "--list names them all"),
    ],
)
def test_words_that_make_no_sense_are_answered_with_one_sentence(words, next_step):
    """It says what to write instead; the exit code is 2, since 1 says that a promise was broken."""
    told = simulate("--scenario", "baseline", *words.split())
    assert told.returncode == 2
    assert (told.stdout, len(told.stderr.splitlines())) == ("", 1)
    assert next_step in told.stderr


@pytest.mark.parametrize("words", [["--list"], ["--scenario", "baseline", "--nodes", "5", "--until", "1"]])
def test_whoever_reads_no_further_is_not_shouted_at(words):
    """As after `| head -1`: no traceback, and neither 0 nor the code of a broken promise."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        told = subprocess.run(
            [sys.executable, SCRIPT, *words], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writing)
    assert told.returncode == 141
    assert "Error" not in told.stderr


def test_the_help_says_what_runs_without_seeds():
    """One seed, and which."""
    assert "without it one seed is run, which is 0" in " ".join(simulate("--help").stdout.split())


def test_an_unknown_scenario_is_named_as_such():
    """And nothing is run."""
    assert simulate("--scenario", "none").returncode == 2

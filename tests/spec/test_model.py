"""The model of the board, checked over its whole state space."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.house.sources import ROOT

PATIENCE_S = 3600  # a guard against hanging, no measure of anything
MUTANTS = {
    "first-comer",
    "no-supersede",
    "no-yield",
    "cede-to-nobody",
    "no-place",
    "overdue-counts",
    "by-key",
}
GAPS = {"gap-late-handover", "gap-death"}


def check(*words: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Run the model; the exit code and each run by name."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "model.py", "--json", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    return done.returncode, {run["name"]: run for run in json.loads(done.stdout)["runs"]}


def test_the_rules_hold_and_their_mutants_do_not() -> None:
    """P1, P3, P5, L1 and L3 hold in every state; always exactly one lead, each mutant and each gap is refuted."""
    code, runs = check()
    assert {name: run["why"] for name, run in runs.items() if not run["ok"]} == {}
    assert code == 0
    held = {name for run in runs.values() for name, word in run["verdicts"].items() if word == "holds"}
    assert {"P1", "P3", "P5", "L1", "Agree"} <= held
    refuted = {name for name, run in runs.items() if run.get("counterexample_states")}
    mutants = {f"mutant-{name}" for name in MUTANTS}
    assert refuted == {"exactly-one-lead", "never-two-leads", *GAPS, *mutants}


def test_the_runs_can_be_listed() -> None:
    """One line each, and none is run."""
    command = [sys.executable, ROOT / "scripts" / "model.py", "--list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0
    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert names[0] == "leads"
    assert {f"mutant-{name}" for name in MUTANTS} <= set(names)


@pytest.mark.parametrize(
    ("run", "old", "new"),
    [
        ("mutant-by-key", 'refutes = "P3"', ""),
        ("mutant-by-key", "ByGroup = false", "ByGroup = true"),
        ("exactly-one-lead", '["ExactlyOneLead"]', '["NoSuchThing"]'),
    ],
    ids=["a fault that nobody expected", "an expected fault that is not there", "a run that TLC refuses"],
)
def test_a_run_that_deviates_is_told(tmp_path: Path, run: str, old: str, new: str) -> None:
    """Control: each deviation ends with exit code 1."""
    runs = tmp_path / "runs.toml"
    text = (ROOT / "protocol" / "models" / "runs.toml").read_text()
    head, table = text.split(f'name = "{run}"')
    # The honest fewer, so that the whole space is small.
    table = table.replace(old, new, 1)
    text = f'{head}name = "{run}"{table}'.replace(
        '[module.Closing]\nHonest = ["a", "b"]', '[module.Closing]\nHonest = ["a"]'
    )
    runs.write_text(text)
    code, told = check("--runs", str(runs), "--run", run)
    assert (code, told[run]["ok"]) == (1, False)

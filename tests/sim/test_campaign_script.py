"""The campaign: it goes on where it stopped, counts this state of the code alone, and tells what is wrong."""

import importlib.util
import json
import lzma
import shutil
import subprocess
import sys

import pytest

from tests.house.sources import ROOT


def campaign(folder, *words):
    """Run the command on the scenario `forger`."""
    command = [
        sys.executable,
        ROOT / "scripts" / "campaign.py",
        "--out",
        folder,
        "--scenario",
        "forger",
        *words,
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_what_was_run_is_kept_counted_and_not_run_again(tmp_path):
    """One seed, then two: the first one is not run twice; another state of the code would be."""
    first = campaign(tmp_path, "--seeds", "1")
    assert first.returncode == 0, first.stderr
    assert "| forger | 60 | 1 | 0 |" in first.stdout
    second = campaign(tmp_path, "--seeds", "2")
    assert "    1 runs" in second.stderr
    assert "| forger | 60 | 2 | 0 |" in second.stdout
    lines = (tmp_path / "forger.jsonl").read_text().splitlines()
    assert [json.loads(line)["seed"] for line in lines] == [0, 1]


def test_a_broken_promise_and_another_code_are_told_apart(tmp_path):
    """Control: a run with a violation makes the command fail; one of another state of the code does not count."""
    campaign(tmp_path, "--seeds", "1")
    file = tmp_path / "forger.jsonl"
    run = json.loads(file.read_text())
    broken = {"property": "P1", "time": 1.0, "node": "n", "why": "made up"}
    file.write_text(json.dumps(run | {"violations": [broken]}) + "\n")
    told = campaign(tmp_path, "--table")
    assert told.returncode == 1
    assert "P1 is broken (seed 0, 1.000 s, n): made up" in told.stderr
    file.write_text(json.dumps(run | {"violations": [broken], "code": "another"}) + "\n")
    assert campaign(tmp_path, "--table").returncode == 0


def test_runs_of_a_state_that_takes_the_same_course_count_and_others_do_not(tmp_path):
    """Control: one digest that does not repeat, and no run of that state counts."""
    campaign(tmp_path, "--seeds", "1")
    file = tmp_path / "forger.jsonl"
    run = json.loads(file.read_text())
    file.write_text(json.dumps(run | {"code": "earlier"}) + "\n")
    assert "| forger |" not in campaign(tmp_path, "--table").stdout
    told = campaign(tmp_path, "--table", "--like", "earlier")
    assert told.returncode == 0, told.stderr
    assert "| forger | 60 | 1 | 0 |" in told.stdout
    file.write_text(json.dumps(run | {"code": "earlier", "digest": "0" * 32}) + "\n")
    told = campaign(tmp_path, "--table", "--like", "earlier")
    assert told.returncode == 2
    assert "forger, seed 0 takes another course today" in told.stderr


def test_packed_runs_count_and_are_gone_on_with(tmp_path):
    """Packed once, the run stands in a file of its own, is not run again, and the table is the same; another state's goes."""
    campaign(tmp_path, "--seeds", "1")
    plain = tmp_path / "forger.jsonl"
    other = json.loads(plain.read_text()) | {"code": "another", "seed": 7}
    plain.write_text(plain.read_text() + json.dumps(other) + "\n")
    before = campaign(tmp_path, "--table").stdout
    packed = campaign(tmp_path, "--pack")
    assert packed.returncode == 0, packed.stderr
    assert packed.stdout == before
    assert [file.name for file in tmp_path.iterdir()] == ["forger.jsonl.xz"]
    assert b"another" not in lzma.decompress((tmp_path / "forger.jsonl.xz").read_bytes())
    second = campaign(tmp_path, "--seeds", "2")
    assert "    1 runs" in second.stderr
    assert "| forger | 60 | 2 | 0 |" in second.stdout


@pytest.mark.parametrize(
    ("changed", "counts"),
    [("core/board/heard.py", True), ("sim/run.py", True), ("sim/weight.py", True)]
    + [(f"sim/{name}.py", False) for name in ("report", "shrink", "campaign")],
)
def test_what_decides_no_outcome_is_no_other_code(tmp_path, monkeypatch, changed, counts):
    """A change of the core, or of a run, makes another state; one of what is told about runs does not."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    spec = importlib.util.spec_from_file_location("campaign_script", ROOT / "scripts" / "campaign.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    shutil.copytree(ROOT / "p2p_sos", tmp_path / "p2p_sos", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(script.setup, "ROOT", tmp_path)
    before = script.state_of_the_code()
    with (tmp_path / "p2p_sos" / changed).open("a") as file:
        file.write("\n# a comment\n")
    assert script.state_of_the_code() == before
    with (tmp_path / "p2p_sos" / changed).open("a") as file:
        file.write("\nANOTHER = 1\n")
    assert (script.state_of_the_code() != before) is counts


@pytest.mark.parametrize("words", ["--seeds 0", "--seeds -2", "--seeds x", "--jobs 0"])
def test_words_that_make_no_sense_run_nothing(tmp_path, words):
    """No seed at all is not every seed: one sentence, exit code 2, and no folder."""
    told = campaign(tmp_path / "runs", *words.split())
    assert told.returncode == 2
    assert len(told.stderr.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_cannot_be_is_named(tmp_path):
    """A file stands in its place."""
    (tmp_path / "runs").write_text("")
    told = campaign(tmp_path / "runs")
    assert told.returncode == 2
    assert "name another one" in told.stderr


def test_an_unknown_scenario_is_named_as_such(tmp_path):
    """And nothing is run."""
    assert campaign(tmp_path, "--scenario", "none").returncode == 2

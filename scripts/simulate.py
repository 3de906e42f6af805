"""Runs the simulator: the core of production under faults and lies, seed by seed.

Comes in: a scenario, nodes, seeds, processes (`--list` names the scenarios). Goes out: figures, as lines or as one object
(`--json`); the exit code is 1 if a promise was broken or a limit missed, and then the command that repeats it stands on
standard error; it is 2 for words that make no sense. `--trace FILE` writes the records of the first seed; `--shrink SEED`
makes a failing run smaller: fewer nodes, fewer faults, a shorter schedule. Sets itself up first.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import command
import setup

if TYPE_CHECKING:
    from p2p_sos.sim.campaign import Miss
    from p2p_sos.sim.report import Series
    from p2p_sos.sim.scenario import Outcome, Scenario


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command.Parser(description="Run the core of production in a simulated world.")
    parser.add_argument("--list", action="store_true", help="name every scenario")
    parser.add_argument("--scenario", metavar="NAME")
    parser.add_argument("--nodes", type=command.count, help="responders; each scenario has its own default")
    parser.add_argument(
        "--seeds",
        type=command.seeds,
        default=range(1),
        metavar="FIRST:END",
        help="END left out, or one number; without it one seed is run, which is 0",
    )
    parser.add_argument("--jobs", type=command.count, default=1, help="processes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="write the records of the first seed")
    parser.add_argument("--shrink", type=command.seed, metavar="SEED", help="make a failing run smaller")
    parser.add_argument(
        "--without",
        type=command.faults,
        default=(),
        metavar="N,N",
        help="faults to leave out, by number; no limit is judged then",
    )
    parser.add_argument(
        "--until", type=command.seconds, metavar="SECONDS", help="stop earlier; no limit is judged then"
    )
    asked = parser.parse_args(words)
    if not asked.list and asked.scenario is None:
        parser.error("name a scenario, or ask for --list")
    return asked


def missed_by(scenario: "Scenario", series: "Series", runs: "Sequence[Outcome]") -> "tuple[Miss, ...]":
    """The limits that these runs miss; none of runs that were cut short, since their limits are set for whole ones."""
    from p2p_sos.sim.campaign import misses

    if not series.without and series.until_s is None:
        return misses(scenario.limits, runs)
    print(
        f"{scenario.name}: with faults left out or an earlier end no limit is judged, promises alone are",
        file=sys.stderr,
    )
    return ()


def shrink(scenario: "Scenario", series: "Series", seed: int) -> int:
    """Print the smallest run found that fails as this seed does, or say that nothing can be made smaller."""
    from p2p_sos.sim.campaign import Job, work
    from p2p_sos.sim.shrink import Candidate, shrink_run

    whole = work(Job(scenario.name, seed, series.nodes, series.without, series.until_s))
    limits = () if whole.violations else missed_by(scenario, series, [whole])
    for miss in limits:
        print(f"{scenario.name}: a limit is missed: {miss.sentence}", file=sys.stderr)
    if not whole.violations and not limits:
        print(
            f"{scenario.name}: seed {seed} breaks no promise and misses no limit; name a seed of failing_seeds",
            file=sys.stderr,
        )
        return 0
    small, faults = shrink_run(scenario, Candidate(seed, series.nodes, series.without, series.until_s))
    print("\n  ".join([small.command(scenario.name), *faults]))
    return 1


def run(asked: argparse.Namespace, scenario: "Scenario", series: "Series") -> int:
    """Run the seeds and tell what they came to."""
    from p2p_sos.sim import report
    from p2p_sos.sim.campaign import Job, outcomes

    jobs = [Job(scenario.name, seed, series.nodes, series.without, series.until_s) for seed in asked.seeds]
    if asked.trace is not None:
        try:
            with asked.trace.open("w") as file:  # before the run, which may take long
                file.write(report.trace_of(scenario, jobs[0]))
        except OSError as error:
            return command.refuse(
                f"--trace {asked.trace} cannot be written: {error.strerror}; name a file in a folder that is there."
            )
    started = time.perf_counter()
    workers_mb: dict[int, float] = {}
    runs = list(outcomes(jobs, asked.jobs, workers_mb))
    wall_s = time.perf_counter() - started
    limits = missed_by(scenario, series, runs)
    told = report.report(scenario, series.nodes, runs, limits, wall_s, workers_mb)
    report.complain(series, runs, limits)
    if asked.json:
        print(json.dumps(told))
    else:
        report.tell(told, runs)
    return 1 if told["violations"] else 0


def main(words: Sequence[str] | None = None) -> int:
    """Run what was asked for; 1 if anything is wrong."""
    asked = parse(words)
    setup.ready()

    from p2p_sos.sim.report import Series
    from p2p_sos.sim.scenarios import SCENARIOS

    if asked.list:
        for name, scenario in SCENARIOS.items():
            print(f"{name:20} {scenario.nodes:6} nodes  {scenario.duration_s:6g} s  {scenario.about}")
        return 0
    if asked.scenario not in SCENARIOS:
        return command.refuse(f"No scenario is called {asked.scenario}; --list names them all.")
    scenario = SCENARIOS[asked.scenario]
    series = Series(scenario.name, asked.nodes or scenario.nodes, asked.without, asked.until)
    if series.nodes < scenario.nodes_min:
        return command.refuse(
            f"{scenario.name} needs {scenario.nodes_min} nodes or more; write --nodes {scenario.nodes_min}."
        )
    return run(asked, scenario, series) if asked.shrink is None else shrink(scenario, series, asked.shrink)


if __name__ == "__main__":
    command.end(main)

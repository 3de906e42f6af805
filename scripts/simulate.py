"""Runs the simulator: the core of production under faults and lies, seed by seed.

Comes in: a scenario, nodes, seeds, processes (`--list` names the scenarios). Goes out: figures, as lines or as one object
(`--json`); the exit code is 1 if a promise was broken or a limit missed, and then the command that repeats it stands on
standard error. `--trace FILE` writes the records of the first seed; `--shrink SEED` makes a failing run
smaller: fewer nodes, fewer faults, a shorter schedule. Sets itself up first.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import setup


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Run the core of production in a simulated world.")
    parser.add_argument("--list", action="store_true", help="name every scenario")
    parser.add_argument("--scenario", metavar="NAME")
    parser.add_argument("--nodes", type=int, help="responders; each scenario has its own default")
    parser.add_argument("--seeds", default="0:1", help="FIRST:END, the end left out")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="write the records of the first seed")
    parser.add_argument("--shrink", type=int, metavar="SEED", help="make a failing run smaller")
    parser.add_argument("--without", default="", metavar="N,N", help="faults to leave out, by number")
    parser.add_argument("--until", type=float, metavar="SECONDS", help="stop earlier")
    asked = parser.parse_args(words)
    if not asked.list and asked.scenario is None:
        parser.error("name a scenario, or ask for --list")
    return asked


def seeds_of(text: str) -> range:
    """The seeds of FIRST:END."""
    first, _, end = text.partition(":")
    return range(int(first), int(end)) if end else range(int(first), int(first) + 1)


def main(words: Sequence[str] | None = None) -> int:
    """Run what was asked for; 1 if anything is wrong."""
    asked = parse(words)
    setup.ready()

    from p2p_sos.sim import report
    from p2p_sos.sim.campaign import Job, missed, outcomes
    from p2p_sos.sim.scenarios import SCENARIOS
    from p2p_sos.sim.shrink import Candidate, shrink_run

    if asked.list:
        for name, scenario in SCENARIOS.items():
            print(f"{name:20} {scenario.nodes:6} nodes  {scenario.duration_s:6g} s  {scenario.about}")
        return 0
    if asked.scenario not in SCENARIOS:
        print(f"No scenario is called {asked.scenario}; --list names them all.", file=sys.stderr)
        return 2
    scenario = SCENARIOS[asked.scenario]
    nodes = asked.nodes or scenario.nodes
    without = tuple(int(number) for number in asked.without.split(",") if number)
    if asked.shrink is not None:
        small, faults = shrink_run(scenario, Candidate(asked.shrink, nodes, without, asked.until))
        print("\n  ".join([small.command(scenario.name), *faults]))
        return 1
    jobs = [Job(scenario.name, seed, nodes, without, asked.until) for seed in seeds_of(asked.seeds)]
    if asked.trace is not None:
        asked.trace.write_text(report.trace_of(scenario, jobs[0]))
    started = time.perf_counter()
    workers_mb: dict[int, float] = {}
    runs = list(outcomes(jobs, asked.jobs, workers_mb))
    wall_s = time.perf_counter() - started
    limits = missed(scenario.limits, runs)
    told = report.report(scenario, nodes, runs, len(limits), wall_s, workers_mb)
    report.complain(scenario, nodes, runs, limits)
    if asked.json:
        print(json.dumps(told))
    else:
        report.tell(told, runs)
    return 1 if told["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())

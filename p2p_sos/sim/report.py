"""What is told about many runs: the one object, what went wrong, and how to see it again.

Decides the words. Comes in: outcomes. Goes out: an object, and lines. Must not know how the runs were made.
"""

import sys
from collections.abc import Mapping, Sequence

from attrs import frozen

from p2p_sos.sim.campaign import Job, Miss, digest_of, figure
from p2p_sos.sim.run import run_world, world_of
from p2p_sos.sim.scenario import Limits, Outcome, Scenario
from p2p_sos.sim.scenarios.recovery import Bound, at_most
from p2p_sos.sim.weight import peak_mb

SHOWN_MAX = 5  # violations of one run, and failing seeds, that are told in full


@frozen
class Series:
    """What a number of runs have in common: a scenario by its name, nodes, faults left out, an earlier end in seconds."""

    scenario: str
    nodes: int
    without: tuple[int, ...] = ()
    until_s: float | None = None

    def again(self, first: int, end: int) -> str:
        """The command that repeats the runs of these seeds, `end` left out."""
        words = f"python3 scripts/simulate.py --scenario {self.scenario} --nodes {self.nodes} --seeds {first}:{end}"
        if self.without:
            words += " --without " + ",".join(str(number) for number in self.without)
        if self.until_s is None:
            return words
        # As `float` reads it again, to the last digit: a rounded end could leave out the violation.
        return f"{words} --until {int(self.until_s) if self.until_s.is_integer() else repr(self.until_s)}"


def report(  # noqa: PLR0917 (all that the object tells of)
    scenario: Scenario,
    nodes: int,
    runs: Sequence[Outcome],
    limits: Sequence[Miss],
    wall_s: float,
    workers_mb: Mapping[int, float] | None = None,
) -> dict[str, object]:
    """The one object that is printed; `limits`: those that were missed.

    `failing_seeds` are those of runs that broke a promise, or miss one of these limits alone.

    `wall_s` is from the first run's start to the last one's end, judging included, and `events_per_s` what all processes did in
    it together. `peak_mb` adds up what this process and each of its workers held at most: a machine with so much suffices.
    """
    events = sum(run.events for run in runs)
    alone = {seed for miss in limits for seed in miss.seeds}
    failing = [run.seed for run in runs if run.violations or run.seed in alone]

    def rounded(measure: str, share: float) -> float | None:
        value = figure(runs, measure, share)
        return None if value is None else round(value, 4)

    return {
        "scenario": scenario.name,
        "nodes": nodes,
        "runs": len(runs),
        "violations": sum(len(run.violations) for run in runs) + len(limits),
        "failing_seeds": failing,
        "first_claim_p50_s": rounded("first_claim_s", 0.5),
        "first_claim_p99_s": rounded("first_claim_s", 0.99),
        "lead_p99_s": rounded("lead_s", 0.99),
        "claims_p50": rounded("claims", 0.5),
        "claims_p99": rounded("claims", 0.99),
        "helpers_p50": rounded("helpers", 0.5),
        "recovery_p99_s": rounded("recovery_s", 0.99),
        "trace_digest": digest_of(runs),
        "events": events,
        "events_per_s": round(events / wall_s) if wall_s else 0,
        "wall_s": round(wall_s, 2),
        "peak_mb": round(peak_mb() + sum((workers_mb or {}).values()), 1),
    }


def nearest(limits: Limits, runs: Sequence[Outcome]) -> list[tuple[str, str, str]]:
    """Of each limit that a scenario sets to its own measures or to its recovery: its words, the worst value, and in which seed."""
    bounds = [rule for rule in limits.more if isinstance(rule, Bound)]
    if limits.recovery_max_s is not None:
        bounds.insert(0, at_most("recovery_s", limits.recovery_max_s))
    found: list[tuple[str, str, str]] = []
    for bound in bounds:
        worst = bound.worst(runs)
        value = "not asked" if worst is None else "unknown" if worst[0] is None else f"{round(worst[0], 4):g}"
        found.append((str(bound), value, "" if worst is None else str(worst[1])))
    return found


def complain(series: Series, runs: Sequence[Outcome], limits: Sequence[Miss]) -> None:
    """Say on standard error what went wrong, and how to see it again."""
    failing = [run for run in runs if run.violations]
    for run in failing[:SHOWN_MAX]:
        for violation in run.violations[:SHOWN_MAX]:
            where = f"seed {run.seed}, {violation.time:.3f} s, {violation.node}"
            print(
                f"{series.scenario}: {violation.property} is broken ({where}): {violation.why}",
                file=sys.stderr,
            )
        print(f"  again: {series.again(run.seed, run.seed + 1)}", file=sys.stderr)
    if len(failing) > SHOWN_MAX:
        print(f"{series.scenario}: and {len(failing) - SHOWN_MAX} more seeds", file=sys.stderr)
    shown = [run.seed for run in failing[:SHOWN_MAX]]
    for miss in limits:
        print(f"{series.scenario}: a limit is missed: {miss.sentence}", file=sys.stderr)
        for seed in [seed for seed in miss.seeds if seed not in shown][: 2 * SHOWN_MAX - len(shown)]:
            print(f"  again: {series.again(seed, seed + 1)}", file=sys.stderr)
            shown.append(seed)
    if any(not miss.seeds for miss in limits):  # by all runs together
        print(f"  again: {series.again(runs[0].seed, runs[-1].seed + 1)}", file=sys.stderr)


def tell(told: dict[str, object], runs: Sequence[Outcome]) -> None:
    """For people: the object line by line, and what else the scenario measured."""
    for name, value in told.items():
        print(f"{name:20} {value}")
    for name in runs[0].measures if runs else ():
        low, high = figure(runs, name, 0.5), figure(runs, name, 0.99)
        if low is not None:
            print(f"{name:20} p50 {low:.3f}, p99 {'never' if high is None else f'{high:.3f}'}")


def trace_of(scenario: Scenario, job: Job) -> str:
    """The faults and the records of one run, one a line."""
    world = world_of(scenario, job.seed, job.nodes, without=job.without)
    run_world(scenario, world, job.until_s)
    faults = [f"# {fault}" for fault in world.faults]
    return "\n".join([*faults, *(repr(record) for record in world.trace.records), ""])

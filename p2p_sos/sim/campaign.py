"""Many runs of one scenario: spread over processes, merged in the order of their seeds, judged together.

Decides which limits were missed, and by which runs. Comes in: a scenario's name, seeds, a number of processes. Goes out: outcomes,
and a `Miss` for each limit. The
number of processes changes nothing but the time.
"""

import hashlib
import math
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from attrs import frozen

from p2p_sos.sim.run import run_seed
from p2p_sos.sim.scenario import Limits, Outcome
from p2p_sos.sim.scenarios import SCENARIOS
from p2p_sos.sim.weight import peak_mb

Rule = Callable[[Sequence[Outcome]], list[str]]


@frozen
class Job:
    """What one worker is asked for."""

    scenario: str
    seed: int
    nodes: int
    without: tuple[int, ...] = ()
    until_s: float | None = None


def work(job: Job) -> Outcome:
    """One run, by the name of its scenario, so that any process can do it."""
    return run_seed(SCENARIOS[job.scenario], job.seed, job.nodes, without=job.without, until_s=job.until_s)


def weighed(job: Job) -> tuple[Outcome, int, float]:
    """One run, which process it was, and the most memory that this process held so far in MB."""
    return work(job), os.getpid(), peak_mb()


def outcomes(
    jobs: Sequence[Job], processes: int, workers_mb: dict[int, float] | None = None
) -> Iterator[Outcome]:
    """What each job came to, one for each, in the order of the jobs; `workers_mb` is told what each worker held at most.

    The first run that comes to nothing ends all with its `RunBroke`.
    """
    if processes <= 1 or len(jobs) <= 1:
        for job in jobs:
            yield work(job)
        return
    held = {} if workers_mb is None else workers_mb
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        found = pool.map(weighed, jobs)
        for job, (outcome, worker, most_mb) in zip(jobs, found, strict=True):
            assert outcome.seed == job.seed, "one outcome for each job, in their order"
            held[worker] = max(most_mb, held.get(worker, 0.0))
            yield outcome


def percentile(values: Iterable[float | None], share: float) -> float | None:
    """The nearest rank; what did not happen counts as never, and a percentile of never is None."""
    known = sorted(math.inf if value is None else value for value in values)
    if not known:
        return None
    found = known[max(0, math.ceil(share * len(known)) - 1)]
    return None if found == math.inf else found


def figure(runs: Sequence[Outcome], measure: str, share: float) -> float | None:
    """One percentile of one measure; None too where no run has it."""
    values = [run.measures.get(measure) for run in runs]
    return None if all(value is None for value in values) else percentile(values, share)


@frozen
class Miss:
    """A limit that runs miss together: what is told of it, and the `seeds` of those that miss it alone; none where only all do."""

    sentence: str
    seeds: tuple[int, ...]


def rules(limits: Limits) -> tuple[Rule, ...]:
    """Each limit as a function of runs that gives a sentence for each time that it is missed."""
    found: list[Rule] = [
        partial(_beyond, measure, share, limit)
        for measure, share, limit in (
            ("first_claim_s", 0.99, limits.first_claim_p99_s),
            ("lead_s", 0.99, limits.lead_p99_s),
            ("recovery_s", 1.0, limits.recovery_max_s),
            ("claims", 1.0, limits.claims_max),
        )
        if limit is not None
    ]
    if limits.helpers is not None:
        found.append(partial(_unhelped, limits.helpers))
    return (*found, *(partial(_told, rule) for rule in limits.more))


def misses(limits: Limits, runs: Sequence[Outcome]) -> tuple[Miss, ...]:
    """Every limit that the runs do not keep, and which of them would not keep it alone."""
    found: list[Miss] = []
    for rule in rules(limits):
        said = rule(runs)
        alone = {run.seed: rule([run]) for run in runs} if said else {}
        for sentence in said:
            # Where each run has a sentence of its own, that one tells whose it is.
            own = [words for words in alone.values() if words and (len(said) == 1 or sentence in words)]
            found.append(Miss(sentence, tuple(seed for seed, words in alone.items() if words in own)))
    return tuple(found)


def missed(limits: Limits, runs: Sequence[Outcome]) -> tuple[str, ...]:
    """A sentence for each limit that the runs do not keep."""
    return tuple(sentence for rule in rules(limits) for sentence in rule(runs))


def _beyond(measure: str, share: float, limit: float, runs: Sequence[Outcome]) -> list[str]:
    value = percentile([run.measures.get(measure) for run in runs], share)
    if value is not None and value <= limit:
        return []
    return [f"{measure} is {_shown(value)} where {limit} is the most; {_worst(runs, measure)}"]


def _unhelped(helpers: tuple[float, float], runs: Sequence[Outcome]) -> list[str]:
    low, high = helpers
    found = []
    for run in runs:
        value = run.measures.get("helpers")
        if value is None or not low <= value <= high:
            found.append(f"seed {run.seed} ends with {_shown(value)} helpers, not {low:g} to {high:g}")
    return found


def _told(rule: Callable[[Sequence[Outcome]], str | None], runs: Sequence[Outcome]) -> list[str]:
    sentence = rule(runs)
    return [] if sentence is None else [sentence]


def _shown(value: float | None) -> str:
    return "never" if value is None else f"{value:.3f}"


def _worst(runs: Sequence[Outcome], measure: str) -> str:
    def of(run: Outcome) -> float:
        value = run.measures.get(measure)
        return math.inf if value is None else value

    worst = max(runs, key=of)
    return f"the worst seed is {worst.seed}"


def digest_of(runs: Sequence[Outcome]) -> str:
    """One digest over all runs, in the order of their seeds."""
    return hashlib.blake2b("".join(run.digest for run in runs).encode(), digest_size=16).hexdigest()

"""Makes a failing run smaller: fewer nodes, and, where a promise is broken, fewer faults and a shorter schedule.

Decides what can be left out so that the run still fails in the same way; calls are not, since a run without its call
says nothing about it. Comes in: whether a candidate fails. Goes out: the smallest candidate found. It tries; it does not
promise that nothing smaller fails.
"""

from collections.abc import Callable, Sequence

from attrs import evolve, frozen

from p2p_sos.sim.campaign import rules
from p2p_sos.sim.report import Series
from p2p_sos.sim.run import run_seed, world_of
from p2p_sos.sim.scenario import Outcome, Scenario

NODES_MIN = 2  # or what the scenario needs, if that is more
CALL = "call"  # the verb of the fault that is never left out
RUNS_MAX = 200  # guess: a quarter of an hour for small runs


@frozen
class Candidate:
    """A run: its nodes, the faults left out, and when it stops (None: when its scenario says)."""

    seed: int
    nodes: int
    without: tuple[int, ...] = ()
    until_s: float | None = None

    def command(self, scenario: str) -> str:
        """What repeats it."""
        return Series(scenario, self.nodes, self.without, self.until_s).again(self.seed, self.seed + 1)


Fails = Callable[[Candidate], bool]


def minimal(items: Sequence[int], fails: Callable[[Sequence[int]], bool]) -> tuple[int, ...]:
    """Delta debugging: a part of `items` with which it still fails, and none of its chunks can go."""
    kept, chunk = list(items), max(1, len(items) // 2)
    while kept:
        smaller = False
        for start in range(0, len(kept), chunk):
            rest = kept[:start] + kept[start + chunk :]
            if fails(rest):
                kept, smaller = rest, True
                break
        if not smaller:
            if chunk == 1:
                break
            chunk = max(1, chunk // 2)
    return tuple(kept)


def shrink(
    candidate: Candidate,
    spare: Callable[[Candidate], Sequence[int]],
    fails: Fails,
    nodes_min: int = NODES_MIN,
) -> Candidate:
    """The smallest failing run found. `spare`: the numbers of the faults that a candidate plans and may leave out."""
    runs = 0

    def still(other: Candidate) -> bool:
        nonlocal runs
        runs += 1
        return runs <= RUNS_MAX and fails(other)

    nodes = candidate.nodes
    for share in (0.25, 0.5, 0.75, 0.9):
        fewer = evolve(candidate, nodes=max(nodes_min, int(nodes * share)))
        if fewer.nodes < candidate.nodes and still(fewer):
            candidate = fewer
            break
    everything = [number for number in spare(candidate) if number not in candidate.without]

    def with_only(kept: Sequence[int]) -> Candidate:
        dropped = [number for number in everything if number not in kept]
        return evolve(candidate, without=tuple(sorted((*candidate.without, *dropped))))

    return with_only(minimal(everything, lambda kept: still(with_only(kept))))


def shorter(candidate: Candidate, outcome: Outcome, fails: Fails) -> Candidate:
    """The same, stopped soon after its first violation if it still fails then."""
    first = min((violation.time for violation in outcome.violations), default=None)
    if first is None:
        return candidate
    early = evolve(candidate, until_s=float(int(first) + 1))
    if candidate.until_s is not None and candidate.until_s <= int(first) + 1:
        return candidate
    return early if fails(early) else candidate


def _broken(outcome: Outcome) -> tuple[str, ...]:
    """The promises that a run broke."""
    return tuple({violation.property: None for violation in outcome.violations})


def shrink_run(scenario: Scenario, candidate: Candidate) -> tuple[Candidate, tuple[str, ...]]:
    """The smallest failing run of a scenario that was found, and the faults that it keeps, as text.

    Of a run that breaks no promise but misses a limit the nodes alone are made fewer, since limits are set for whole runs. Of one
    that does neither nothing is left out, and no fault is named.
    """

    def outcome(other: Candidate) -> Outcome:
        return run_seed(scenario, other.seed, other.nodes, without=other.without, until_s=other.until_s)

    first = outcome(candidate)
    if not first.violations:
        return _fewer_that_miss(scenario, candidate, first, outcome)
    broken = _broken(first)

    def fails(other: Candidate) -> bool:
        return any(promise in broken for promise in _broken(outcome(other)))

    def spare(other: Candidate) -> Sequence[int]:
        planned = world_of(scenario, other.seed, other.nodes).faults
        return [fault.number for fault in planned if fault.verb != CALL]

    small = shrink(candidate, spare, fails, max(NODES_MIN, scenario.nodes_min))
    small = shorter(small, outcome(small), fails)
    return small, _faults(scenario, small)


def _faults(scenario: Scenario, small: Candidate) -> tuple[str, ...]:
    planned = world_of(scenario, small.seed, small.nodes).faults
    return tuple(str(fault) for fault in planned if fault.number not in small.without)


def _fewer_that_miss(
    scenario: Scenario, candidate: Candidate, first: Outcome, outcome: Callable[[Candidate], Outcome]
) -> tuple[Candidate, tuple[str, ...]]:
    """The fewest nodes found with which the same limit is missed, where it is not missed for want of nodes: by the next seed, too."""
    if candidate.without or candidate.until_s is not None:
        return candidate, ()

    def limits_missed(told: Outcome) -> list[int]:
        return [number for number, rule in enumerate(rules(scenario.limits)) if rule([told])]

    wrong = limits_missed(first)
    if not wrong:
        return candidate, ()

    def next_misses(other: Candidate) -> bool:
        return any(n in wrong for n in limits_missed(outcome(evolve(other, seed=other.seed + 1))))

    everybody_misses = next_misses(candidate)

    def fails(other: Candidate) -> bool:
        still = any(number in wrong for number in limits_missed(outcome(other)))
        return still and (everybody_misses or not next_misses(other))

    small = shrink(candidate, lambda _: (), fails, max(NODES_MIN, scenario.nodes_min))
    return small, _faults(scenario, small)

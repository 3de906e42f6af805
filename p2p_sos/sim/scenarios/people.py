"""Scenarios in which people answer: how many one call asks, and how long it waits for them.

Decides who is a person, how they answer, and what passes. Knows no machine's inside.

- `paged`: how many people were asked about the call, `pages` how often, `withdrawn` how many questions were taken back.
- `asked_s`: from the call until the last was asked of the first k who came; `met_s`: until the victim had met k.
"""

from collections.abc import Iterable, Sequence
from math import log2
from statistics import median_low

from p2p_sos.sim.checkers.suites import ALWAYS
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.people import People, asleep
from p2p_sos.sim.scenario import Limits, Measures, Outcome, Scenario
from p2p_sos.sim.scenarios.city import VICTIM, city
from p2p_sos.sim.scenarios.recovery import at_most, first_call
from p2p_sos.sim.trace import Trace
from p2p_sos.sim.world import World
from p2p_sos.wire.registry import PAGE_FACTOR, S1

DURATION_S, K = 200.0, S1.k
MACHINES = (0.05, 0.5)  # the share of machines, in the seeds that have any
SLEEPERS = 15  # of whoever is asked; the first two bands of S1
PAGE_S = PAGE_FACTOR * S1.band_wait_s
# "all that are wanted are asked within Δ + HOLD + P · log2(1 + a / 2)" (06-board §17), and Δ is a second here
SLEPT_S = 1.0 + S1.hold_s + PAGE_S * log2(1 + SLEEPERS / 2)
MET_S = 180.0  # simulated; what a person takes that is asked last comes on top of that
# A guess makes half of all never come, so 2k must be asked for k; and while P passes as many are asked again, of whom some
# turn out needless. The largest of all runs may be half as much more.
PAGED_MAX, PAGED_MIDDLE = 6 * K, 4 * K
SLEPT_PAGED_MAX = 2 * (SLEEPERS + K)


def has_machines(seed: int) -> bool:
    """Whether some of the nodes of this seed are machines."""
    return seed % 3 == 2


def _people(world: World, seed: int, nodes: int) -> None:
    there = city(world, nodes)
    share = world.draws.uniform(*MACHINES) if has_machines(seed) else 0.0
    machines = world.draws.sample(there, int(share * nodes))
    People(world).sit([name for name in there if name not in machines])
    world.known["machines"] = float(len(machines))
    world.plan(0.0, "call", VICTIM)


def _sleepers(world: World, _seed: int, nodes: int) -> None:
    People(world, asleep(SLEEPERS)).sit(city(world, nodes))
    world.plan(0.0, "call", VICTIM)


def asked(trace: Trace, facts: Facts) -> Measures:
    """How many people one call asked, and when enough of them were asked, and met."""
    call = first_call(facts)
    if call is None:
        return dict.fromkeys(("paged", "pages", "withdrawn", "asked_s", "met_s"))
    first: dict[str, float] = {}
    pages = [r for r in trace.of("asked") if r[3] == call.call]
    for time_s, name, *_ in pages:
        first.setdefault(name, time_s - call.start_s)
    came = [
        first[r[1]] for r in trace.of("signed") if r[3] == "CLAIM" and r[4] == call.call and r[1] in first
    ]
    met = {r[4]: r[0] - call.start_s for r in reversed(list(trace.of("attested"))) if r[3] == call.call}
    return {
        "paged": float(len(first)),
        "pages": float(len(pages)),
        "withdrawn": float(sum(r[3] == call.call for r in trace.of("withdrawn"))),
        "asked_s": _last_of(K, came[:K]),
        "met_s": _last_of(K, met.values()),
    }


def _last_of(count: int, times: Iterable[float]) -> float | None:
    """When there were so many; None if there never were."""
    ordered = sorted(times)
    return ordered[count - 1] if len(ordered) >= count else None


def few_in_the_middle(runs: Sequence[Outcome]) -> str | None:
    """The middle run of those without machines asks a small multiple of k."""
    paged = [run.measures.get("paged") for run in runs if run.measures.get("machines") == 0.0]
    middle = median_low([PAGED_MAX + 1.0 if one is None else one for one in paged]) if paged else 0.0
    return (
        f"paged {middle:g} in the middle run, {PAGED_MIDDLE} are the most" if middle > PAGED_MIDDLE else None
    )


SCENARIOS = (
    Scenario(
        "people", _people, DURATION_S, ALWAYS,
        Limits(more=(at_most("paged", PAGED_MAX), at_most("met_s", MET_S), few_in_the_middle)), measure=asked,
        about="people decide, who answer when they look; how many are asked, and when k have come",
    ),
    Scenario(
        "sleepers", _sleepers, DURATION_S, ALWAYS,
        Limits(more=(at_most("asked_s", SLEPT_S), at_most("met_s", MET_S), at_most("paged", SLEPT_PAGED_MAX))), measure=asked,
        nodes_min=30, about="none of the first fifteen who are asked ever answers; others come all the same",
    ),
)  # fmt: skip

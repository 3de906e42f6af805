"""Scenarios in which people answer: how many one call asks, and how long it waits for them.

Decides who is a person, how they answer, and what passes. Knows no machine's inside.
"""

from p2p_sos.sim.checkers.suites import ALWAYS
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.people import People, asleep
from p2p_sos.sim.scenario import Limits, Measures, Scenario
from p2p_sos.sim.scenarios.city import VICTIM, city
from p2p_sos.sim.scenarios.recovery import first_call
from p2p_sos.sim.trace import Trace
from p2p_sos.sim.world import World

DURATION_S = 150.0
MACHINES = (0.05, 0.5)  # the share of machines, in the seeds that have any
SLEEPERS = 15  # of whoever is asked; the first two bands of S1


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
    """How many people one call asked, and when the victim had met as many helpers as it wants."""
    call = first_call(facts)
    if call is None:
        return dict.fromkeys(("paged", "pages", "met_s"))
    pages = [r for r in trace.of("asked") if r[3] == call.call]
    withdrawn = sum(r[3] == call.call for r in trace.of("withdrawn"))
    met: dict[bytes, float] = {}
    for time_s, *_, called, responder in trace.of("attested"):
        if called == call.call:
            met.setdefault(responder, time_s - call.start_s)
    times = sorted(met.values())
    return {
        "paged": float(len({r[1]: None for r in pages})),
        "pages": float(len(pages)),
        "withdrawn": float(withdrawn),
        "met_s": times[call.timing.k - 1] if len(times) >= call.timing.k else None,
    }


SCENARIOS = (
    Scenario(
        "people", _people, DURATION_S, ALWAYS, Limits(), measure=asked,
        about="people decide, who answer when they look; how many are asked, and when k have come",
    ),
    Scenario(
        "sleepers", _sleepers, DURATION_S, ALWAYS, Limits(), measure=asked,
        nodes_min=30, about="none of the first fifteen who are asked ever answers; others come all the same",
    ),
)  # fmt: skip

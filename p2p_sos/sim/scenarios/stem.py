"""Scenarios whose victim calls by the stem.

Decides their worlds and limits. Knows no machine of the stem; what comes out of it is overheard.
"""

from collections.abc import Callable, Sequence

from p2p_sos.core.origin.way import Way
from p2p_sos.sim.behaviour import Make
from p2p_sos.sim.checkers.suites import ALWAYS, PEACEFUL
from p2p_sos.sim.emergence import Emergence
from p2p_sos.sim.liars.swallower import swallower
from p2p_sos.sim.scenario import Limits, Outcome, Scenario
from p2p_sos.sim.scenarios.basic import ENOUGH, ONE_LEAD, K
from p2p_sos.sim.scenarios.city import LATENCY_S, RELAYS, VICTIM, city, quality
from p2p_sos.sim.scenarios.recovery import at_least, at_most
from p2p_sos.sim.world import World
from p2p_sos.wire.registry import STEM_RELAYS_MAX

DURATION_S, LONG_S = 60.0, 180.0
# A stem of five hops on average, up to 180 ms each, and a second before it is let out; one in a hundred is four times as
# long. Where nothing fails that is all that comes on top of the baseline's 2 s and 3 s.
FIRST_CLAIM_S, LEAD_S = 10.0, 11.0
DELIVERED_P95_S = 60.0
SWALLOW = 5  # one in so many
ALL = 1.0


def _p95(measure: str, limit: float) -> Callable[[Sequence[Outcome]], str | None]:
    """Of twenty runs one may be later; a run without the measure is later than any."""

    def rule(runs: Sequence[Outcome]) -> str | None:
        late = [run.seed for run in runs if (value := run.measures.get(measure)) is None or value > limit]
        return f"{measure} above {limit:g}, or never, in seeds {late}" if len(late) * 20 > len(runs) else None

    return rule


def _listen(world: World, until_s: float) -> None:
    emergence = Emergence(world)

    def count() -> None:
        for call in list(world.call_facts)[:1]:
            world.known |= emergence.figures(call)

    world.schedule(until_s - 0.1, count)


def _stem(world: World, _seed: int, nodes: int) -> None:
    city(world, nodes)
    _listen(world, DURATION_S)
    world.plan(0.0, "call", VICTIM)


def _black_holes(world: World, _seed: int, nodes: int) -> None:
    """A fifth swallow; the victim, who knows nobody's nature, dials at random."""
    makes: dict[str, Make] = {f"n{number}": swallower() for number in range(nodes // SWALLOW)}
    there = city(world, nodes, makes=makes, victim=False)
    world.add_victim(VICTIM)
    for relay in world.draws.sample(there, min(RELAYS, len(there))):
        world.link(VICTIM, relay, quality(world))
    _listen(world, LONG_S)
    world.plan(0.0, "call", VICTIM)


HIDDEN = (at_most("source_fluffs", 0.0), at_most("source_relays", float(STEM_RELAYS_MAX)))
assert LATENCY_S[1] * 4 * 5 + 4.6 < FIRST_CLAIM_S, "the sum in the comment above"
SCENARIOS = (
    Scenario(
        "stem", _stem, DURATION_S, PEACEFUL,
        limits=Limits(
            first_claim_p99_s=FIRST_CLAIM_S, lead_p99_s=LEAD_S, claims_max=2 * K, helpers=(K, 2 * K),
            more=(ONE_LEAD, *ENOUGH, *HIDDEN, at_least("delivered", ALL)),
        ),
        options={"way": Way.STEM}, nodes_min=4,
        about="one S1 call by the stem, no fault",
    ),
    Scenario(
        "stem-black-holes", _black_holes, LONG_S, ALWAYS,
        limits=Limits(more=(*HIDDEN, _p95("delivered_s", DELIVERED_P95_S))),
        options={"way": Way.STEM}, nodes_min=4,
        about="a fifth of all nodes, the victim's own relays among them, swallow what comes on the stem",
    ),
)  # fmt: skip

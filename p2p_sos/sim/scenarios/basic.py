"""Scenarios without lies: an ordinary call, over good, lossy and slow links.

Decides their worlds and limits. Knows no checker's inside.
"""

from collections.abc import Sequence
from statistics import median_low

from attrs import evolve

from p2p_sos.core.calls.cards import Cards
from p2p_sos.core.sync.sync import SyncSettings
from p2p_sos.sim.checkers.suites import ALWAYS, PEACEFUL
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.links import Quality
from p2p_sos.sim.scenario import Limits, Measures, Outcome, Scenario
from p2p_sos.sim.scenarios.city import VICTIM, city
from p2p_sos.sim.scenarios.recovery import at_least, at_most
from p2p_sos.sim.trace import Trace
from p2p_sos.sim.world import World

FIRST_CLAIM_S, LEAD_S, TWO_LEADS_S, K = 2.0, 3.0, 1.0, 5
KNOWN_SHARE = 0.99
ENOUGH = (at_least("helpers_fewest", K), at_most("helpers_most", 2 * K))  # all the time, not in the end alone
ONE_LEAD = at_most("two_leads_s", TWO_LEADS_S)
SCALE_DIALS = 8  # so that the mean degree is 16
LOSSY, SLOW = Quality(latency_s=0.0, loss=0.2), Quality(latency_s=0.2)


def _baseline(world: World, _seed: int, nodes: int) -> None:
    city(world, nodes)
    world.plan(0.0, "call", VICTIM)


def _lossy(world: World, _seed: int, nodes: int) -> None:
    city(world, nodes, base=LOSSY)
    world.delta_s = 4.0  # what is lost comes with the next announcement
    world.plan(0.0, "call", VICTIM)


def _slow(world: World, _seed: int, nodes: int) -> None:
    city(world, nodes, base=SLOW)
    world.delta_s = 3.0
    world.plan(0.0, "call", VICTIM)


def _cards(world: World, _seed: int, nodes: int) -> None:
    """Nobody knows anybody's card: they spread by gossip and sync from the start, fifteen seconds before the call."""
    world.known_share = 0.0
    city(world, nodes)
    world.plan(0.0, "call", VICTIM)


def _known(_trace: Trace, facts: Facts) -> Measures:
    return {"known_share": facts.known_share}


def _knows_most(runs: Sequence[Outcome]) -> str | None:
    least = min(run.measures.get("known_share") or 0.0 for run in runs)
    return (
        None
        if least >= KNOWN_SHARE
        else f"{least:.4f} of the cards are known where {KNOWN_SHARE} is the least"
    )


def _scale(world: World, _seed: int, nodes: int) -> None:
    """Gossip and board alone: all share one table of cards, and nobody asks for sync."""
    world.shared.cards, world.shared.sync = Cards(), SyncSettings(period_s=None)
    city(world, nodes, dials=SCALE_DIALS)
    world.plan(0.0, "call", VICTIM)


def _as_many_as_ever(runs: Sequence[Outcome]) -> str | None:
    """How many claim does not depend on how many could."""
    claims = median_low([run.measures.get("claims") or 0.0 for run in runs])
    return None if abs(claims - K) <= 1 else f"{claims:g} claims in the middle run where {K} are wanted"


def _limits(factor: float) -> Limits:
    return Limits(
        more=(ONE_LEAD, *ENOUGH),
        first_claim_p99_s=FIRST_CLAIM_S * factor,
        lead_p99_s=LEAD_S * factor,
        claims_max=2 * K,
        helpers=(K, 2 * K),
    )


SCENARIOS = (
    Scenario("baseline", _baseline, 60.0, PEACEFUL, limits=_limits(1.0), about="one S1 call, no fault"),
    Scenario(
        "lossy", _lossy, 60.0, PEACEFUL, limits=_limits(1.5), about="every link loses a fifth of its frames"
    ),
    Scenario("slow", _slow, 60.0, PEACEFUL, limits=_limits(1.5), about="200 ms more on every link"),
    Scenario(
        "cards",
        _cards,
        60.0,
        PEACEFUL,
        limits=evolve(_limits(1.0), more=(ONE_LEAD, *ENOUGH, _knows_most)),
        measure=_known,
        about="the cards spread by gossip first; their known share is measured",
    ),
    Scenario(
        "scale",
        _scale,
        60.0,
        ALWAYS,
        limits=Limits(lead_p99_s=LEAD_S, claims_max=2 * K, helpers=(K, 2 * K), more=(_as_many_as_ever,)),
        nodes=1000,
        about="one S1 call among very many, 16 links each; give --nodes",
    ),
)

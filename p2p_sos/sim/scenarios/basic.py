"""Scenarios without lies: an ordinary call, over good, lossy and slow links.

Decides their worlds and limits. Knows no checker's inside.
"""

from p2p_sos.core.calls.cards import Cards
from p2p_sos.core.sync.sync import SyncSettings
from p2p_sos.sim.links import Quality
from p2p_sos.sim.scenario import Limits, Scenario
from p2p_sos.sim.scenarios.city import VICTIM, city
from p2p_sos.sim.world import World

FIRST_CLAIM_S, LEAD_S, K = 2.0, 3.0, 5
SCALE_DIALS = 8  # so that the mean degree is 16
LOSSY, SLOW = Quality(latency_s=0.0, loss=0.2), Quality(latency_s=0.2)


def _baseline(world: World, _seed: int, nodes: int) -> None:
    city(world, nodes)
    world.plan(0.0, "call", VICTIM)


def _lossy(world: World, _seed: int, nodes: int) -> None:
    city(world, nodes, base=LOSSY)
    world.plan(0.0, "call", VICTIM)


def _slow(world: World, _seed: int, nodes: int) -> None:
    city(world, nodes, base=SLOW)
    world.plan(0.0, "call", VICTIM)


def _scale(world: World, _seed: int, nodes: int) -> None:
    """Gossip and board alone: all share one table of cards, and nobody asks for sync."""
    world.shared.cards, world.shared.sync = Cards(), SyncSettings(period_s=None)
    city(world, nodes, dials=SCALE_DIALS)
    world.plan(0.0, "call", VICTIM)


def _limits(factor: float) -> Limits:
    return Limits(
        first_claim_p99_s=FIRST_CLAIM_S * factor,
        lead_p99_s=LEAD_S * factor,
        claims_max=2 * K,
        helpers=(K, 2 * K),
    )


SCENARIOS = (
    Scenario("baseline", _baseline, 60.0, limits=_limits(1.0), about="one S1 call, no fault"),
    Scenario("lossy", _lossy, 60.0, limits=_limits(1.5), about="every link loses a fifth of its frames"),
    Scenario("slow", _slow, 60.0, limits=_limits(1.5), about="200 ms more on every link"),
    Scenario(
        "scale",
        _scale,
        60.0,
        limits=Limits(claims_max=2 * K, helpers=(K, 2 * K)),
        nodes=1000,
        about="one S1 call among very many, 16 links each; give --nodes",
    ),
)

"""Scenarios in which a call outlives the day on which it was made.

Decides what is done to the world and when, and what passes. Knows no checker's inside.
"""

from p2p_sos.sim.checkers.suites import ALWAYS
from p2p_sos.sim.scenario import Limits, Scenario
from p2p_sos.sim.scenarios.city import VICTIM, city
from p2p_sos.sim.scenarios.recovery import every, replaced
from p2p_sos.sim.world import EVERYBODY, World

K = 5
LEAP_AT_S, LEAP_S = (
    10.0,
    40_000.0,
)  # from the afternoon past midnight, and past the hour over which cards are renewed
DIE_AT_S = 40.0  # by then everybody has everybody's card of the new day


def _midnight(world: World, seed: int, nodes: int) -> None:
    """All helpers of yesterday die, and whoever takes their places has a card of today."""
    city(world, nodes)
    world.plan(0.0, "call", VICTIM)
    world.plan(LEAP_AT_S, "leap", EVERYBODY, LEAP_S)
    at_s = DIE_AT_S + world.draws.uniform(0.0, 5.0)
    for number in reversed(range(2 * K)):
        world.plan(at_s, "kill", f"@helper:{number}:victim", silently=bool(seed % 2))
    world.plan(at_s, "kill", "@lead:victim", silently=bool(seed % 2))


SCENARIOS = (
    Scenario(
        "midnight", _midnight, 110.0, ALWAYS,
        Limits(
            recovery_max_s=35.0, claims_max=4 * K, helpers=(K, 2 * K),
            more=(every("recovery_s", "nobody led on the new day"),),
        ),
        measure=replaced, about="the day ends, then all helpers die: fresh cards neither rank too low nor all at once",
    ),
)  # fmt: skip

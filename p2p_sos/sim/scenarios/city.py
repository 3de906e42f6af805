"""The ordinary world of a scenario: so many responders, linked at random, and a victim that knows three of them.

Decides names, links and skills. Comes in: an empty world. Goes out: the names. Knows no fault.
"""

from attrs import evolve

from p2p_sos.core.duty.policy import Policy
from p2p_sos.sim.behaviour import Make, honest
from p2p_sos.sim.links import Quality
from p2p_sos.sim.world import World
from p2p_sos.wire.registry import Sector

LATENCY_S = (0.010, 0.180)
DIALS = 4  # so that the mean degree is 8
RELAYS = 3
VICTIM = "victim"


def names(nodes: int) -> list[str]:
    """n0, n1, ..."""
    return [f"n{number}" for number in range(nodes)]


PERFECT = Quality(latency_s=0.0)


def quality(world: World, base: Quality = PERFECT) -> Quality:
    """A link of a latency drawn by the world."""
    return evolve(base, latency_s=base.latency_s + world.draws.uniform(*LATENCY_S))


def policy(world: World) -> Policy:
    """An operator able to help with everything, of a sector drawn by the world."""
    sectors = 1 << Sector.HEALTH if world.draws.random() < 0.5 else 0
    return Policy(sectors=sectors)


def mesh(world: World, there: list[str], dials: int = DIALS, base: Quality | None = None) -> None:
    """Each dials the next in a ring of random order, and others at random."""
    base = base or PERFECT
    order = list(there)
    world.draws.shuffle(order)
    for step in range(1, len(order)):
        world.link(order[step - 1], order[step], quality(world, base))
    for name in there:
        dialled = world[name].dialled
        others = world.draws.sample(there, min(len(there), 3 * dials))
        for other in others:
            if len(dialled) >= dials:
                break
            if other != name and world[other].index not in world[name].links:
                world.link(name, other, quality(world, base))


def city(
    world: World, nodes: int, *, makes: dict[str, Make] | None = None, dials: int = DIALS,
    base: Quality | None = None, victim: bool = True,
) -> list[str]:  # fmt: skip
    """`nodes` responders, those in `makes` seated otherwise, and a victim; nobody calls yet."""
    there = names(nodes)
    for name in there:
        world.add_node(name, policy=policy(world), make=(makes or {}).get(name, honest))
    mesh(world, there, dials, base)
    if victim:
        add_victim(world, VICTIM, there, base)
    return there


def add_victim(world: World, name: str, there: list[str], base: Quality | None = None) -> None:
    """A victim, linked to three honest responders."""
    world.add_victim(name)
    sound = [other for other in there if world[other].is_honest]
    for relay in world.draws.sample(sound, min(RELAYS, len(sound))):
        world.link(name, relay, quality(world, base or PERFECT))

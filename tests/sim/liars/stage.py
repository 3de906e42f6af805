"""A small world in which some nodes lie, run to its end.

Comes in: liars, a number of calls, a duration. Goes out: the world, and what became of it. Knows no checker.
"""

from collections.abc import Callable
from typing import Any

from attrs import define

from p2p_sos.sim.behaviour import Make
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.run import facts_of, world_of
from p2p_sos.sim.scenario import Scenario
from p2p_sos.sim.scenarios.city import VICTIM, add_victim, city
from p2p_sos.sim.trace import Record
from p2p_sos.sim.world import World

NODES = 8


@define
class Lied:
    """A world that ran."""

    world: World
    facts: Facts

    def of(self, kind: str) -> list[Record]:
        """The records of a kind."""
        return list(self.world.trace.of(kind))

    def signed(self, kind: str, *, by_liars: bool = True) -> list[Any]:
        """The messages of a kind that liars (or honest nodes) were the first to show."""
        ids = [r[6] for r in self.of("signed") if r[3] == kind and r[7] is not by_liars]
        return [self.world.trace.messages[identity] for identity in ids]

    @property
    def liar(self) -> bytes:
        """The key of the first liar."""
        return self.facts.keys["n0"][0]

    def honest_nodes(self) -> list[Any]:
        """The honest nodes that run."""
        return [self.world[name].node for name in self.facts.honest]


def lie(
    *makes: Make, duration_s: float = 12.0, calls: int = 1, seed: int = 1,
    also: Callable[[World], None] | None = None,
) -> Lied:  # fmt: skip
    """A city whose first nodes lie, and a call (or more, a second apart)."""

    def build(world: World, _seed: int, nodes: int) -> None:
        there = city(world, nodes, makes={f"n{number}": make for number, make in enumerate(makes)})
        for number in range(1, calls):
            add_victim(world, f"{VICTIM}{number}", there)
        for number in range(calls):
            world.plan(float(number), "call", VICTIM if not number else f"{VICTIM}{number}")
        if also is not None:
            also(world)

    scenario = Scenario("by hand", build, duration_s)
    world = world_of(scenario, seed, NODES)
    world.begin()
    world.run(duration_s)
    return Lied(world, facts_of(scenario, world))

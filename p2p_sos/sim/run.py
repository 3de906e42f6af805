"""One run of one scenario under one seed.

Decides nothing. Comes in: a scenario, a seed, a number of nodes, faults to leave out. Goes out: the outcome, or
the world itself for whoever wants to look. What a run raises says which run it was.
"""

import gc
from types import TracebackType

from attrs import evolve, frozen

from p2p_sos.sim.engine import START_UNIX_S
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.measures import measures
from p2p_sos.sim.places import Place
from p2p_sos.sim.scenario import LIVENESS, Outcome, Scenario
from p2p_sos.sim.trace import Trace
from p2p_sos.sim.world import World

NOBODY = bytes(32)  # the one group of all whom no root vouches for, where the profile names roots


class RunBroke(Exception):
    """A run came to no outcome: something in it raised, which is the cause of this. Its text names the run."""


@frozen
class Naming:
    """Whatever is raised within comes out as `RunBroke`, a StopIteration too, which a loop would take for its own end."""

    run: str

    def __enter__(self) -> None:
        """Nothing is to be done before."""

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _where: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            raise RunBroke(f"{self.run}: {error!r}") from error


def world_of(scenario: Scenario, seed: int, nodes: int, *, without: tuple[int, ...] = ()) -> World:
    """The world as its scenario builds it, before it begins."""
    world = World(seed, trace=Trace(), without=without, **scenario.options)  # type: ignore[arg-type]
    world.mode = scenario.mode_of(seed)
    scenario.build(world, seed, nodes)
    return world


def run_world(scenario: Scenario, world: World, until_s: float | None = None) -> Facts:
    """Let a world run to its end, or to an earlier one."""
    if gc.get_freeze_count():  # an earlier world, that nobody needs any more
        gc.unfreeze()
        gc.collect()
    gc.disable()  # a world lives until its run is over: to look for what could go costs a third of the time
    try:
        world.begin()
        world.run(scenario.duration_s if until_s is None else min(until_s, scenario.duration_s))
    finally:
        gc.freeze()  # nor is it looked through while it is judged
        gc.enable()
    for place in world.places:
        world.observer.rest(world.now, place)
    return facts_of(scenario, world)


def run_seed(
    scenario: Scenario,
    seed: int,
    nodes: int,
    *,
    without: tuple[int, ...] = (),
    until_s: float | None = None,
) -> Outcome:
    """One run, judged; `RunBroke` if that is not possible."""
    less = f"{f', without {without}' if without else ''}{'' if until_s is None else f', until {until_s} s'}"
    with Naming(f"{scenario.name}, seed {seed}, {nodes} nodes{less}"):
        world = world_of(scenario, seed, nodes, without=without)
        facts = run_world(scenario, world, until_s)
        found = tuple(v for checker in scenario.checkers for v in checker(world.trace, facts))
        told = {**measures(world.trace, facts), **facts.known}
        if scenario.measure is not None:
            told = {**told, **scenario.measure(world.trace, facts)}
        return Outcome(seed, found, told, world.trace.digest, world.events)


def _wrong_s(world: World, place: Place) -> float:
    """By how much a wall clock is off at the end."""
    return abs(world.reading(place).unix_s - START_UNIX_S - world.now - world.leapt_s)


def facts_of(scenario: Scenario, world: World) -> Facts:
    """What the world knows about its run."""
    places = world.places
    mode = scenario.mode_of(world.seed)
    owners = {key: place.name for key, place in world.observer.owners.items()}
    rooted = bool(world.profile.roots)
    groups = {key: world.shared.accredited.get(key, NOBODY if rooted else key) for key in owners}
    return Facts(
        scenario=scenario.name,
        seed=world.seed,
        duration_s=world.now,
        mode=mode,
        honest=tuple(p.name for p in places if p.is_honest and p.responder is not None),
        liars=tuple(p.name for p in places if not p.is_honest),
        victims=tuple(p.name for p in places if p.victim is not None),
        keys={p.name: tuple(p.keys) for p in places},
        owners=owners,
        groups=groups,
        rooted=tuple(world.shared.accredited),
        calls={
            call: evolve(told, ends_s=None if told.ends_s is None else told.ends_s - world.leapt_s)
            for call, told in world.call_facts.items()
        },
        epochs=world.epochs,
        delta_s=world.delta_s,
        quiet_from_s=world.quiet_from_s if mode == LIVENESS else None,
        known_share=world.known_share_at_call,
        known=dict(world.known),
        clock_error_s=world.clock_error_s + max(_wrong_s(world, place) for place in places),
        clock_rate_error=1.0 - 1.0 / max(1.0, *(place.clocks.rate for place in places)),
    )

"""Chaos: faults of every sort, drawn at random; the campaign in which rare things are looked for.

Decides which faults a seed draws. Every other seed goes on to the end and is judged by what must never happen; the
others stop halfway, and what must happen is judged too: a fault that heals itself would hide a livelock.
"""

from collections.abc import Callable, Sequence
from functools import partial
from random import Random

from p2p_sos.core.events import OperatorReleases, OperatorStandsDown
from p2p_sos.sim.behaviour import Make
from p2p_sos.sim.checkers import at_rest, equal_boards, livelock
from p2p_sos.sim.checkers.suites import ALWAYS
from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.liars.equivocator import equivocator
from p2p_sos.sim.liars.silent_lead import silent_lead
from p2p_sos.sim.liars.usurper import usurper
from p2p_sos.sim.liars.withholder import withholder
from p2p_sos.sim.scenario import LIVENESS, SAFETY, Scenario
from p2p_sos.sim.scenarios import chaos_people
from p2p_sos.sim.scenarios.city import VICTIM, city
from p2p_sos.sim.scenarios.roots import ROOTED, vouch
from p2p_sos.sim.trace import Trace
from p2p_sos.sim.world import World
from p2p_sos.wire.registry import Detail, Reason

NODES, DURATION_S, STOP_S = 20, 120.0, 60.0
FAULTS = (6, 18)  # how many a seed draws
NARROW = (20_000, 200_000)  # bytes a second: ten to a hundred cells
FAIR: dict[str, float | None] = {
    "loss": 0.0, "duplication": 0.0, "reordering": 0.0, "jitter_s": 0.0, "bandwidth": None,
}  # fmt: skip
LIARS: tuple[Make, ...] = (equivocator(), silent_lead(), usurper(openly=False), withholder())
LIVENESS_CHECKERS = (
    equal_boards.check,
    at_rest.check,
)  # where components were torn, only what holds at the end can be promised


def mode_of(seed: int) -> str:
    """Even seeds are judged by what must never happen alone."""
    return LIVENESS if seed % 2 else SAFETY


def _build(world: World, seed: int, nodes: int) -> None:
    draws, people = world.draws, Random(f"{seed} people")
    rooted = people.random() < chaos_people.ROOTED_SHARE
    if rooted:
        world.live_under(ROOTED)
    lies: dict[str, Make] = {"n0": draws.choice(LIARS)} if draws.random() < 0.25 else {}
    there = city(world, nodes, makes=lies)
    world.plan(0.0, "call", VICTIM)
    until_s = STOP_S if mode_of(seed) == LIVENESS else DURATION_S
    for _ in range(draws.randint(*FAULTS)):
        at_s = draws.uniform(0.0, until_s - 1.0)
        draws.choice(KINDS)(world, there, at_s, min(at_s + draws.expovariate(1 / 15.0), until_s))
    if mode_of(seed) == LIVENESS:
        world.quiet_from_s = until_s
    _people(world, people, there, until_s, rooted=rooted)


def _people(world: World, draws: Random, there: list[str], until_s: float, *, rooted: bool) -> None:
    """Liars, further victims and what they do: drawn last, so that what is drawn above stays what it was."""
    chaos_people.lie(world, draws, there)
    chaos_people.busy(world, draws, there)
    victims = chaos_people.call_too(world, draws, there, until_s)
    chaos_people.act(world, draws, victims, until_s)
    if rooted:
        pairs = draws.random() < chaos_people.PAIRS_SHARE
        vouch(world, there, [there[n : n + 2] for n in range(0, len(there), 2)] if pairs else ())
        chaos_people.go(world, draws, list(victims), until_s)


def _crash(world: World, there: Sequence[str], at_s: float, until_s: float) -> None:
    name = world.draws.choice([*there, VICTIM])
    world.plan(at_s, "kill", name, silently=world.draws.random() < 0.5)
    world.plan(until_s, "restart", name, disk=name == VICTIM or world.draws.random() < 0.7)


def _crash_lead(world: World, _there: Sequence[str], at_s: float, until_s: float) -> None:
    world.schedule(at_s, partial(_hit, world, "kill", "restart", until_s))


def _sleep(world: World, there: Sequence[str], at_s: float, until_s: float) -> None:
    name = world.draws.choice([*there, VICTIM])
    world.plan(at_s, "pause", name)
    world.plan(until_s, "resume", name)


def _sleep_lead(world: World, _there: Sequence[str], at_s: float, until_s: float) -> None:
    world.schedule(at_s, partial(_hit, world, "pause", "resume", until_s))


def _hit(world: World, verb: str, undo: str, until_s: float) -> None:
    """Whoever leads now; a plan made at the start could not say whom to raise again."""
    lead = world.who("@lead:victim") if VICTIM in world.calls else None
    if lead is not None:
        world.plan(world.now, verb, lead)
        world.plan(max(until_s, world.now), undo, lead)


def _partition(world: World, there: Sequence[str], at_s: float, until_s: float) -> None:
    side = sorted(world.draws.sample(there, world.draws.randint(1, len(there) - 1)))
    noticed = world.draws.random() < 0.5
    world.plan(at_s, "partition", tuple(n for n in there if n not in side), tuple(side), noticed=noticed)
    world.plan(until_s, "heal")


def _cut(world: World, there: Sequence[str], at_s: float, until_s: float) -> None:
    place = world[world.draws.choice(there)]
    other = world.places[world.draws.choice(list(place.links))].name
    both, noticed = (world.draws.random() < 0.5 for _ in range(2))
    world.plan(at_s, "cut", place.name, other, both=both, noticed=noticed)
    world.plan(until_s, "mend", place.name, other, both=both)


def _rain(world: World, there: Sequence[str], at_s: float, until_s: float) -> None:
    """One or two things that links do: they lose, double, shuffle or delay frames, or carry little."""
    name = world.draws.choice([*there, "*"])
    ill = {
        "loss": world.draws.uniform(0.05, 0.3),
        "duplication": world.draws.uniform(0.05, 0.5),
        "reordering": world.draws.uniform(0.05, 0.5),
        "jitter_s": world.draws.uniform(0.01, 0.3),
        "bandwidth": world.draws.randint(*NARROW),
    }
    drawn = world.draws.sample(list(ill), world.draws.randint(1, 2))
    world.plan(at_s, "set_quality", name, "*", **{what: ill[what] for what in drawn})
    world.plan(until_s, "set_quality", name, "*", **{what: FAIR[what] for what in drawn})


def _clock(world: World, there: Sequence[str], at_s: float, _until_s: float) -> None:
    name = world.draws.choice(there)
    world.plan(
        at_s,
        "set_clock",
        name,
        offset_s=world.draws.uniform(-600.0, 600.0),
        rate=world.draws.uniform(0.7, 1.5),
    )


def _requisition(world: World, _there: Sequence[str], at_s: float, _until_s: float) -> None:
    world.schedule(at_s, partial(chaos_people.ask, world, world.draws.randint(0, 3)))


def _leave(world: World, there: Sequence[str], at_s: float, _until_s: float) -> None:
    world.schedule(
        at_s, partial(_say, world, world.draws.choice(there), stands_down=world.draws.random() < 0.5)
    )


def _say(world: World, name: str, stands_down: bool) -> None:
    if VICTIM not in world.calls:
        return
    call = world.call_of(VICTIM)
    if stands_down:
        world.operate(name, OperatorStandsDown(call))
    else:
        world.operate(name, OperatorReleases(call, Reason.UNREASONABLE, Detail.EQUIPMENT))


Kind = Callable[[World, Sequence[str], float, float], None]
KINDS: tuple[Kind, ...] = (
    _crash, _crash, _crash_lead, _sleep, _sleep_lead, _partition, _cut, _rain, _clock, _requisition, _leave,
)  # fmt: skip


def _at_rest(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """What must be true in the end, of the seeds that stop halfway; leads may change as liars like, and otherwise rarely."""
    if facts.mode != LIVENESS or facts.quiet_from_s is None:
        return ()
    found = tuple(violation for checker in LIVENESS_CHECKERS for violation in checker(trace, facts))
    return found if facts.liars else (*found, *livelock.check_since(trace, facts, facts.quiet_from_s))


SCENARIOS = (
    Scenario(
        "chaos", _build, DURATION_S, (*ALWAYS, _at_rest), mode=mode_of, nodes=NODES, nodes_min=2,
        about="faults of every sort at random; odd seeds come to rest halfway",
    ),
)  # fmt: skip

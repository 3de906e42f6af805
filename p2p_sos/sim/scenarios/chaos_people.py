"""Who lies in chaos, what victims do there, and which helpers believe that it is over.

Decides what a seed draws of it, from a source of its own: so the links and faults of a seed stay what they were without it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random

from attrs import evolve

from p2p_sos.core.duty.policy import Policy
from p2p_sos.core.events import (
    OperatorStandsDown,
    VictimCancels,
    VictimClears,
    VictimRequisitions,
    VictimUpdates,
)
from p2p_sos.sim.behaviour import Make
from p2p_sos.sim.liars.black_hole import black_hole
from p2p_sos.sim.liars.equivocator import equivocator
from p2p_sos.sim.liars.flooder import Flood, flooder
from p2p_sos.sim.liars.forger import forger
from p2p_sos.sim.liars.perjurer import perjurer
from p2p_sos.sim.liars.quitter import quitter
from p2p_sos.sim.liars.replayer import replayer
from p2p_sos.sim.liars.silent_lead import silent_lead
from p2p_sos.sim.liars.slot_hoarder import slot_hoarder
from p2p_sos.sim.liars.usurper import usurper
from p2p_sos.sim.liars.withholder import withholder
from p2p_sos.sim.scenarios.city import VICTIM, add_victim
from p2p_sos.sim.world import World
from p2p_sos.wire.registry import S1, Sector, Severity, Urgency

BEST = Policy(sectors=(1 << len(Sector)) - 1)
LIARS: tuple[Callable[[Random], Make], ...] = (
    lambda draws: black_hole(leads=draws.random() < 0.5),
    lambda draws: slot_hoarder(beyond=draws.random() < 0.5),
    lambda _: equivocator(),
    lambda draws: usurper(openly=draws.random() < 0.5, inflated=draws.random() < 0.5),
    lambda _: forger(),
    lambda _: replayer(),
    lambda _: flooder(Flood(claims=200, claims_per_s=100, letters=20, calls=2)),
    lambda _: withholder(),
    lambda _: silent_lead(),
    lambda _: perjurer(),
    lambda draws: quitter(draws.uniform(10.0, 60.0)),
)
CALLS, CALLS_WEIGHTS = (1, 2, 3), (0.6, 0.25, 0.15)
CLASSES = (Severity.EMERGENCY, Severity.HIGH, Severity.MEDIUM, Severity.LOW)
ROOTED_SHARE, PAIRS_SHARE, BUSY_SHARE, BEST_SHARE = 1 / 3, 0.5, 0.25, 0.5
SOON_S = 0.2
ACTS, GOING = (0, 2), (0, 4)  # what each victim does; how many helpers stand down under a root


def lie(world: World, draws: Random, there: Sequence[str]) -> None:
    """None to f liars of any sort; each victim keeps an honest neighbour."""
    neighbours = [world.places[index].name for index in world[VICTIM].links]
    for name in sorted(draws.sample(there, min(draws.randint(0, S1.stand_down_f), len(there)))):
        honest = [other for other in neighbours if other != name and world[other].is_honest]
        if not (world[name].is_honest and honest):
            continue
        place = world[name]
        place.make = draws.choice(LIARS)(draws)
        if draws.random() < BEST_SHARE and place.responder is not None:
            place.responder = evolve(place.responder, policy=BEST)


def busy(world: World, draws: Random, there: Sequence[str]) -> None:
    """In a quarter of the seeds everybody has one hand alone."""
    if draws.random() >= BUSY_SHARE:
        return
    for name in there:
        place = world[name]
        if place.responder is not None and place.is_honest:
            place.responder = evolve(place.responder, policy=evolve(place.responder.policy, slots=1))


def call_too(world: World, draws: Random, there: list[str], until_s: float) -> dict[str, float]:
    """Every victim, the first and none to two others, and when it calls."""
    victims = {VICTIM: 0.0}
    for number in range(1, draws.choices(CALLS, CALLS_WEIGHTS)[0]):
        name = f"{VICTIM}{number}"
        add_victim(world, name, there)
        world[name].call_fields = {"severity": draws.choice(CLASSES)}
        victims[name] = draws.uniform(0.0, until_s / 3)
        world.plan(victims[name], "call", name)
    return victims


def act(world: World, draws: Random, victims: Mapping[str, float], until_s: float) -> None:
    """Victims update, requisition, die, cancel or clear, soon after they called or late."""
    for victim, called_s in victims.items():
        for _ in range(draws.randint(*ACTS)):
            at_s = draws.uniform(called_s + SOON_S, until_s - 1.0)
            draws.choice(DEEDS)(world, draws, victim, at_s)


def _update(world: World, draws: Random, victim: str, at_s: float) -> None:
    field, values = draws.choice(
        (("severity", CLASSES), ("urgency", tuple(Urgency)), ("sector", tuple(Sector)))
    )
    world.plan(at_s, "speak", victim, VictimUpdates({field: draws.choice(values)}))


def _requisition(world: World, draws: Random, victim: str, at_s: float) -> None:
    world.schedule(at_s, partial(ask, world, draws.randint(0, 3), victim))


def ask(world: World, place: int, victim: str = VICTIM) -> None:
    """It names whoever stands at that place to lead, and the next two."""
    view = world.view_at(victim, victim) if victim in world.calls else None
    keys = [claim.responder for claim in view.claims if claim.live] if view is not None else []
    if len(keys) > place:
        named = tuple(sorted(keys[place : place + 3]))
        world.operate(victim, VictimRequisitions(keys[place], named))


def _die(world: World, draws: Random, victim: str, at_s: float) -> None:
    world.plan(at_s, "kill", victim, silently=draws.random() < 0.5)


def _cancel(world: World, _draws: Random, victim: str, at_s: float) -> None:
    world.plan(at_s, "speak", victim, VictimCancels())


def _clear(world: World, _draws: Random, victim: str, at_s: float) -> None:
    world.plan(at_s, "speak", victim, VictimClears())


Deed = Callable[[World, Random, str, float], None]
DEEDS: tuple[Deed, ...] = (_update, _update, _requisition, _die, _die, _cancel, _clear)


def go(world: World, draws: Random, victims: Sequence[str], until_s: float) -> None:
    """Helpers, one after the other, believe that it is over: enough of them close the call of a victim that is silent."""
    for _ in range(draws.randint(*GOING)):
        at_s = draws.uniform(until_s / 3, until_s - 1.0)
        world.schedule(at_s, partial(_stand_down, world, draws.choice(victims)))


def _stand_down(world: World, victim: str) -> None:
    """The fittest helper that somebody sees."""
    if victim not in world.calls:
        return
    views = (world.view_at(p.name, victim) for p in world.places if p.runs and p.responder is not None)
    view = next((view for view in views if view is not None), None)
    live = [] if view is None else [claim.responder for claim in view.claims if claim.live]
    if live and live[0] in world.observer.owners:
        world.operate(world.observer.owners[live[0]].name, OperatorStandsDown(world.call_of(victim)))

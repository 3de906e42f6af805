"""Scenarios whose victim falls silent: before any word beside its CALL, or after one.

Decides what is done to the world and when, and what passes. Knows no checker's inside.
"""

from functools import partial

from p2p_sos.core.board.resolve import View
from p2p_sos.core.events import OperatorClaims, OperatorReleases, OperatorStandsDown
from p2p_sos.sim.checkers import first_help, helped
from p2p_sos.sim.checkers.reach import in_company
from p2p_sos.sim.checkers.suites import ALWAYS, SYNCHRONOUS
from p2p_sos.sim.facts import CallFacts, Facts
from p2p_sos.sim.liars.accomplice import accomplice
from p2p_sos.sim.scenario import Limits, Measures, Scenario
from p2p_sos.sim.scenarios.city import VICTIM, city
from p2p_sos.sim.scenarios.quitting import attested_groups
from p2p_sos.sim.scenarios.recovery import at_least, at_most, every, first_call, unhelped_s
from p2p_sos.sim.scenarios.roots import ROOTED, vouch
from p2p_sos.sim.trace import Trace
from p2p_sos.sim.world import World
from p2p_sos.wire.messages import Call, Key
from p2p_sos.wire.registry import CALL_EPOCH_S, S1, TIMINGS, Detail, Reason

LAST_S = 600.0  # of the call's life: these minutes are lived
DURATION_S, LEAP_AT_S = LAST_S + 160.0, 20.0
# By then the CALL is with every relay of the victim (0.18 s at most away), and no answer has been attested (0.6 s at the soonest).
SILENT_FROM_S = (0.2, 0.3)
LIED_S = 60.0  # when the liars of `silent-liars` stand down, long after the victim could count as silent
LEFT_S, DIED_S, CALLED_UP_S, STOOD_DOWN_S = (25.0, 35.0), (38.0, 50.0), 90.0, 140.0
# Helpers that die together are missed when the lease of their lead is over, and those who do not answer the roll call W later; then
# two bands open, and the claim takes its way. A lead that dies later than two minutes would be missed as late as its pace allows.
GAP_MAX_S = S1.lease_s + S1.band_wait_s + 2 * S1.band_wait_s + 1.0


def _rooted(seed: int) -> bool:
    """Every other seed of `silent-victim`."""
    return bool(seed & 1)


def _silent_victim(world: World, seed: int, nodes: int) -> None:
    """Every other seed lives under a root; every other pair the victim is cut off, and hears all; every other four all helpers die."""
    rooted, cut_off, all_die = _rooted(seed), bool(seed & 2), bool(seed & 4)
    if rooted:
        world.live_under(ROOTED)
    there = city(world, nodes)
    if rooted:  # two by two
        vouch(world, there, [there[number : number + 2] for number in range(0, nodes, 2)])
    world.plan(0.0, "call", VICTIM)
    _silence(world, cut_off=cut_off, silently=bool(seed & 8))
    world.schedule(LEAP_AT_S, partial(_leap_to_the_end, world))
    world.schedule(world.draws.uniform(*LEFT_S), partial(_leave, world))
    world.schedule(world.draws.uniform(*DIED_S), partial(_die, world, all_die=all_die))
    if rooted:
        world.schedule(CALLED_UP_S, partial(_call_up, world, there))


def _silent_liars(world: World, seed: int, nodes: int, groups: int = S1.stand_down_f) -> None:
    """So many groups of two liars each attest one another and stand down; every other time the victim is cut off, and hears all."""
    friends: list[Key] = []
    liars = [f"n{number}" for number in range(2 * groups)]
    there = city(world, nodes, makes=dict.fromkeys(liars, accomplice(friends, LIED_S)))
    friends += [place.responder.key.public for place in map(world.__getitem__, liars) if place.responder]
    vouch(world, there, [liars[number : number + 2] for number in range(0, len(liars), 2)])
    world.plan(0.0, "call", VICTIM)
    _silence(world, cut_off=bool(seed & 1), silently=bool(seed & 2))


def _silence(world: World, *, cut_off: bool, silently: bool) -> None:
    """The victim is not heard any more, before it could attest anybody: it hears all, or it is dead."""
    at_s = world.draws.uniform(*SILENT_FROM_S)
    if not cut_off:
        world.plan(at_s, "kill", VICTIM, silently=silently)
        return
    for index in world[VICTIM].links:
        world.plan(at_s, "cut", VICTIM, world.places[index].name, both=False)


def _lied(trace: Trace, facts: Facts) -> Measures:
    """How many closed the call, how many groups that stood down were attested, and whether the victim was silent."""
    call = first_call(facts)
    if call is None:
        return dict.fromkeys(("closures", "attested_groups", "victim_words", "helped"))
    claims = [r for r in trace.of("signed") if r[3] == "CLAIM" and r[4] == call.call and r[7]]
    return {
        "closures": float(sum(1 for _ in trace.of("closed"))),
        "attested_groups": attested_groups(trace, facts, call),
        "victim_words": _words(trace, facts, call),
        "helped": 1.0 if claims else None,
    }


def _victim_speaks_once(world: World, _seed: int, nodes: int) -> None:
    """The victim dies when it has met its helpers."""
    city(world, nodes)
    world.plan(0.0, "call", VICTIM)
    world.plan(world.draws.uniform(1.0, 8.0), "kill", VICTIM)
    world.schedule(LEAP_AT_S, partial(_leap_to_the_end, world))


def _leap_to_the_end(world: World) -> None:
    if VICTIM not in world.calls:
        return
    call = world.calls[VICTIM].message
    assert isinstance(call, Call), "what the victim sent"
    ends_unix_s = call.epoch * CALL_EPOCH_S + TIMINGS[call.severity].life_s
    first = world.places[0]
    world.plan(world.now, "leap", "*", ends_unix_s - LAST_S - world.reading(first).unix_s)


def _view(world: World) -> View | None:
    """What somebody sees who runs; the victim is not to be asked."""
    if VICTIM not in world.calls:
        return None
    views = (world.view_at(p.name, VICTIM) for p in world.places if p.runs and p.responder is not None)
    return next((view for view in views if view is not None), None)


def _helpers(world: World) -> list[str]:
    """Who holds a live claim, the lead last."""
    view = _view(world)
    live: list[Key] = [] if view is None else [claim.responder for claim in view.claims if claim.live]
    led = [] if view is None else sorted(live, key=lambda key: key == view.lead)
    return [world.observer.owners[key].name for key in led if key in world.observer.owners]


def _leave(world: World) -> None:
    """One helper, not the lead, goes and says so."""
    for name in _helpers(world)[:1]:
        event = OperatorReleases(world.call_of(VICTIM), Reason.UNREASONABLE, Detail.EQUIPMENT)
        world.operate(name, event)


def _die(world: World, all_die: bool) -> None:
    """The lead, or everybody who helps, without a word."""
    for name in _helpers(world)[0 if all_die else -1 :]:
        world.plan(world.now, "kill", name, silently=True)


def _call_up(world: World, there: list[str], groups: int = S1.stand_down_f) -> None:
    """Whoever answers with one of so many helpers comes by hand, and later all of these groups go for good."""
    of = world.shared.accredited
    chosen = [world[name].keys[-1] for name in _helpers(world)[:groups]]
    for name in there:
        key = world[name].keys[-1] if world[name].keys else b""
        if of.get(key) in [of[one] for one in chosen]:
            world.operate(name, OperatorClaims(world.call_of(VICTIM)))
            event = OperatorStandsDown(world.call_of(VICTIM))
            world.schedule(STOOD_DOWN_S, partial(world.operate, name, event))


def _lived(trace: Trace, facts: Facts) -> Measures:
    """Whether an honest claim came, how long nobody honest helped, how the call ended, and how many closed it before its time."""
    call = first_call(facts)
    if call is None:
        return dict.fromkeys(
            ("helped", "gap_s", "closed_early", "expired_share", "victim_words", "stood_down_groups")
        )
    ended = [r for r in trace.of("ended", "closed") if r[3] == call.call and r[1] in facts.honest]
    signed = [r for r in trace.of("signed") if r[4] == call.call and r[7]]
    up = [name for name in facts.honest if facts.component_of(name, facts.duration_s - 1e-6)]
    expired = {r[1]: None for r in ended if r[4] == "expired"}
    return {
        "helped": 1.0 if any(r[3] == "CLAIM" for r in signed) else None,
        "gap_s": unhelped_s(trace, facts, call),
        "closed_early": float(sum(r[4] != "expired" for r in ended)),
        "expired_share": sum(name in expired for name in up) / len(up),
        "victim_words": _words(trace, facts, call),
        "stood_down_groups": float(
            len({facts.groups.get(r[5], r[5]): None for r in signed if r[3] == "STAND_DOWN"})
        ),
        "attested_by_others": float(
            len({r[5]: None for r in signed if r[3] == "ATTEST" and r[5] != call.victim_key})
        ),
    }


def _words(trace: Trace, facts: Facts, call: CallFacts) -> float:
    """How often the victim said anything beside its CALL that somebody could hear."""
    said = [r for r in trace.of("signed") if r[5] == call.victim_key and r[3] != "CALL"]
    return float(sum(in_company(facts, call.victim, r[0]) for r in said))


_LIVED = (every("helped", "nobody helped"), at_most("closed_early", 0.0), at_least("expired_share", 1.0))
CHECKERS = (*ALWAYS, first_help.check, helped.check)
SCENARIOS = (
    Scenario(
        "silent-victim", _silent_victim, DURATION_S, CHECKERS,
        Limits(more=(
            *_LIVED, at_most("gap_s", GAP_MAX_S), at_most("victim_words", 0.0), at_least("attested_by_others", S1.stand_down_f + 1),
            at_least("stood_down_groups", S1.stand_down_f, of=_rooted),
        )),
        measure=_lived, nodes_min=8,
        about="the victim says nothing but its CALL; helpers leave and die, and under a root f groups stand down",
    ),
    Scenario(
        "silent-liars", _silent_liars, 120.0, SYNCHRONOUS,
        Limits(more=(
            every("helped", "nobody honest claimed"), at_most("closures", 0.0), at_most("victim_words", 0.0),
            at_least("attested_groups", S1.stand_down_f),
        )),
        options={"profile": ROOTED}, measure=_lied, nodes_min=8,
        about="the victim says nothing but its CALL; f groups of liars attest one another and stand down",
    ),
    Scenario(
        "victim-speaks-once", _victim_speaks_once, DURATION_S, CHECKERS,
        Limits(more=(*_LIVED, at_most("gap_s", 0.0), at_least("victim_words", 1.0))),
        measure=_lived, about="the victim meets its helpers and dies, and the call lives on to its end",
    ),
)  # fmt: skip

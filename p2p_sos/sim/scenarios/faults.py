"""Scenarios in which nodes die, sleep, or cannot reach each other.

Decides what is done to the world and when, and what passes. Knows no checker's inside.
"""

from collections.abc import Sequence
from functools import partial

from attrs import frozen

from p2p_sos.core.board.fitness import band_of
from p2p_sos.sim.checkers.suites import ALWAYS, PEACEFUL, SYNCHRONOUS
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.following import first_s
from p2p_sos.sim.interrupted import stop_in_the_act
from p2p_sos.sim.links import Quality
from p2p_sos.sim.scenario import Limits, Measures, Scenario
from p2p_sos.sim.scenarios.city import VICTIM, add_victim, city, names, policy, quality
from p2p_sos.sim.scenarios.recovery import (
    after,
    at_least,
    at_most,
    every,
    first_call,
    followed,
    replaced,
    seen,
    settled_s,
    unrest,
)
from p2p_sos.sim.trace import Trace
from p2p_sos.sim.world import World

K, RATE_MAX = 5, 1.5
FAULT_S = 10.0
FRESH_AMONG = 100  # runs of partition; one in eight has a side that no claim of the other had reached
SPAN_S = 60.0
NEVER_S = 1e9
MUTE_MAX_S = 20.0  # until a lead that nobody hears is replaced: a dead one is given as much
DEAF_MAX_S = 30.0  # one that hears nobody reports for two thirds of its lease before it fences itself
FLAPS, FLAP_S = 4, 20.0
AWAY_S = (10.0, 14.0)  # of it, two seeds each: shorter than a lease, heartbeats and delays included
LONG_AWAY_S = (17.0, 18.5)  # of it: longer than a lease and its HOLD
LEAD, CHANGES_MAX, LONG_CHANGES_MAX = "@lead:victim", 3.0, 6.0
CALM = Limits(more=(at_most("changes_a_minute", CHANGES_MAX), every("recovery_s", "no one lead in the end")))


def _dead_lead(world: World, seed: int, nodes: int) -> None:
    city(world, nodes)
    world.plan(0.0, "call", VICTIM)
    world.plan(FAULT_S + world.draws.uniform(0.0, 5.0), "kill", LEAD, silently=bool(seed % 2))


def _dead_roster(world: World, seed: int, nodes: int) -> None:
    city(world, nodes)
    world.plan(0.0, "call", VICTIM)
    at_s = FAULT_S + world.draws.uniform(0.0, 5.0)
    for number in reversed(range(2 * K)):
        world.plan(at_s, "kill", f"@helper:{number}:victim", silently=bool(seed % 2))
    world.plan(at_s, "kill", LEAD, silently=bool(seed % 2))


def _in_the_act(seed: int) -> bool:
    """Every other zombie was stopped as it was about to report."""
    return bool(seed % 2)


def _zombie_lead(world: World, seed: int, nodes: int) -> None:
    city(world, nodes)
    world.plan(0.0, "call", VICTIM)
    world.schedule(FAULT_S + world.draws.uniform(0.0, 5.0), partial(_put_to_sleep, world, _in_the_act(seed)))


def _without_it(trace: Trace, facts: Facts) -> Measures:
    """From the moment at which the lead fell asleep until all others followed another.

    `refused_share`: how many of the others refused what it had prepared before its sleep; `taken`: how many took its word under an old roster after it.
    """
    slept = [record for record in trace.of("fault") if record[3] == "pause"]
    if not slept:
        return {"recovery_s": None}
    asleep_s, asleep, keys = slept[0][0], slept[0][4], facts.keys[slept[0][4]]
    others = [node for node in facts.witnesses if node != asleep]
    told = first_s(followed(trace, facts, others, keys), asleep_s)
    # Under a roster of before its sleep: it may well be given the lead anew, and then it leads by another.
    old = {r[6] for r in trace.of("signed") if r[3] == "ROSTER" and r[5] in keys and r[0] < asleep_s}
    late = {
        kind: {
            r[1]: None
            for r in trace.of(kind)
            if r[4] in keys and r[1] in others and r[5][1] in old and r[0] > asleep_s + SPAN_S
        }
        for kind in ("refused", "sitrep")
    }
    return {
        "recovery_s": told,
        "awake_again_s": settled_s(trace, facts, asleep_s + SPAN_S),
        "refused_share": len(late["refused"]) / len(others),
        "taken": float(len(late["sitrep"])),
    }


def _put_to_sleep(world: World, in_the_act: bool) -> None:
    """The lead of this moment sleeps; a plan made later would find its successor."""
    lead = world.who(LEAD)
    if lead is None:
        return

    def sleep() -> None:
        world.plan(world.now, "pause", lead)
        world.plan(world.now + SPAN_S, "resume", lead)

    if in_the_act:
        stop_in_the_act(world, lead, sleep)
    else:
        sleep()


# ------------------------------------------------------------------------- links


def _halves(world: World, there: list[str]) -> tuple[list[str], list[str]]:
    """Two halves, each of which hangs together."""
    while True:
        near = _grown(world, there, len(there) // 2)
        far = [name for name in there if name not in near]
        if len(_grown(world, far, len(far))) == len(far):
            return sorted(near), sorted(far)


def _grown(world: World, there: list[str], most: int) -> list[str]:
    """A node, neighbours, neighbours of those ... in random order, as far as they reach."""
    found = [world.draws.choice(there)]
    while len(found) < most:
        links = (world.places[index].name for name in found for index in world[name].links)
        near = sorted({name: None for name in links if name in there and name not in found})
        if not near:
            break
        found.append(world.draws.choice(near))
    return found


def _partition(world: World, seed: int, nodes: int) -> None:
    """The call is under way when the network falls apart, every other time noticed; the victim stays with the first half."""
    near, far = _halves(world, city(world, nodes))
    at_s = world.draws.uniform(0.1, 2.5)
    world.plan(0.0, "call", VICTIM)
    world.plan(at_s, "partition", tuple(near), tuple(far), noticed=bool(seed % 2))
    world.plan(at_s + SPAN_S, "heal")
    world.quiet_from_s = at_s + SPAN_S


@frozen
class Wait:
    """How long one side of a cut was without a lead of its own, and how long it may be.

    `fresh`: no claim of the other side had come across, and the best of this side stand in the first two bands.
    """

    led_s: float
    most_s: float
    fresh: bool


def _wait(trace: Trace, facts: Facts, side: Sequence[str], cut_s: float, healed_s: float) -> Wait | None:
    """The wait of one side since it was cut off, or heard of the call; None if it never did or nobody there can help."""
    call = first_call(facts)
    if call is None:
        return None
    timing = call.timing
    ranks = [rank for rank, name in enumerate(call.fittest) if name in side and name in call.capable]
    heard_s = min((r[0] for r in trace.of("heard") if r[1] in side and r[3] == call.call), default=NEVER_S)
    if not ranks or heard_s >= healed_s:
        return None
    across = [key for node, keys in facts.keys.items() if node not in side for key in keys]
    led_s = first_s(followed(trace, facts, side, across), max(cut_s, heard_s))
    if led_s is None or max(cut_s, heard_s) + led_s > healed_s:
        led_s = NEVER_S
    reached = [r for r in trace.of("reached") if r[1] in side and r[3] == call.call and r[0] < healed_s]
    band = band_of(ranks[0], timing.k)
    most_s = timing.lease_s + facts.delta_s + timing.hold_s + (band + 1) * timing.band_wait_s
    return Wait(led_s, most_s, band <= 1 and not any(r[4] in across for r in reached))


def _sides(trace: Trace, facts: Facts) -> Measures:
    """How long each side waited for a lead, against what it may wait, and all of them after the healing."""
    faults = {record[3]: record for record in trace.of("fault") if record[3] in ("partition", "heal")}
    if len(faults) < 2:
        return {"recovery_s": None}
    cut, healed_s = faults["partition"], faults["heal"][0]
    waits = [wait for side in cut[4:6] if (wait := _wait(trace, facts, side, cut[0], healed_s)) is not None]
    whole = bool(waits) and all(wait.led_s < NEVER_S for wait in waits)
    return {
        "side_led_s": max(wait.led_s for wait in waits) if whole else None,
        "fresh_side_led_s": max((wait.led_s for wait in waits if wait.fresh), default=None),
        "share_of_bound": max(wait.led_s / wait.most_s for wait in waits) if whole else None,
        "recovery_s": settled_s(trace, facts, healed_s),
        **unrest(trace, facts),
    }


def _cuts_the_lead(seed: int) -> bool:
    """Every other pair of seeds of `one-way` cuts whoever leads, too."""
    return bool(seed & 2)


def _hears_nobody(seed: int) -> bool:
    """Every other of those leads is heard and hears nobody; the others are heard by nobody."""
    return bool(seed & 4)


def _one_way(world: World, seed: int, nodes: int) -> None:
    """A third of the links carry in one direction only, for a minute; every other time half of these break.

    Every other pair of seeds all lines of the lead carry one way only, too, and all are mended when its minute is over.
    """
    city(world, nodes)
    world.plan(0.0, "call", VICTIM)
    pairs = [(place.name, world.places[index].name) for place in world.places for index in place.dialled]
    at_s = world.draws.uniform(0.5, 5.0)
    lead_s = world.draws.uniform(FAULT_S, FAULT_S + 5.0) if _cuts_the_lead(seed) else at_s
    world.quiet_from_s = lead_s + SPAN_S
    for one, other in sorted(world.draws.sample(pairs, len(pairs) // 3)):
        first, second = (one, other) if world.draws.random() < 0.5 else (other, one)
        noticed = bool(seed % 2) and world.draws.random() < 0.5
        world.plan(at_s, "cut", first, second, both=False, noticed=noticed)
        world.plan(lead_s + SPAN_S, "mend", first, second, both=False)
    if _cuts_the_lead(seed):
        world.schedule(lead_s, partial(_cut_the_lead, world, hears_nobody=_hears_nobody(seed)))


def _cut_the_lead(world: World, *, hears_nobody: bool) -> None:
    """All lines of whoever leads at this moment carry one way only; a plan made later would find its successor."""
    lead = world.who(LEAD)
    if lead is None:
        return
    world.known["lead_cut_s"] = world.now
    for index in world[lead].links:
        ways = (lead, world.places[index].name)
        first, second = ways[::-1] if hears_nobody else ways
        world.plan(world.now, "cut", first, second, both=False)
        world.plan(world.now + SPAN_S, "mend", first, second, both=False)


def _one_way_led(trace: Trace, facts: Facts) -> Measures:
    """From the mending until all follow one lead; where the lead was cut, also from then until all others followed another."""
    told, cut_s = after("mend")(trace, facts), facts.known.get("lead_cut_s")
    if cut_s is None:
        return told
    ends = next(r[4:6] for r in trace.of("fault") if r[3] == "cut" and r[0] == cut_s)
    lead = ends[_hears_nobody(facts.seed)]
    others = [node for node in facts.witnesses if node != lead]
    return {**told, "replaced_s": first_s(followed(trace, facts, others, facts.keys[lead]), cut_s)}


def _bridge(world: World, seed: int, nodes: int) -> None:
    """Two towns and one node between them, which loses a third of all frames and sleeps now and then.

    Every other time one sleep outlasts a lease, so that the far town needs a lead of its own for a while.
    """
    there = names(nodes)
    for name in there:
        world.add_node(name, policy=policy(world))
    near, far, middle = there[1 : nodes // 2], there[nodes // 2 :], there[0]
    for town in (near, far):
        for step in range(1, len(town)):
            world.link(town[step - 1], town[step], quality(world))
        for name in town:
            for other in world.draws.sample(town, 3):
                if other != name and world[other].index not in world[name].links:
                    world.link(name, other, quality(world))
        for name in world.draws.sample(town, 2):
            world.link(middle, name, quality(world, Quality(latency_s=0.0, loss=0.33)))
    add_victim(world, VICTIM, near)
    world.plan(0.0, "call", VICTIM)
    for number, sleep_s in ((0, 8.0), (1, 30.0), (3, 8.0)) if seed % 2 else [(n, 8.0) for n in range(4)]:
        at_s = 5.0 + 20.0 * number + world.draws.uniform(0.0, 5.0)
        world.plan(at_s, "pause", middle)
        world.plan(at_s + sleep_s, "resume", middle)
    world.plan(80.0, "set_quality", middle, "*", loss=0.0)
    world.quiet_from_s = 80.0


def _flapping(world: World, seed: int, nodes: int, away: tuple[float, ...] = AWAY_S) -> None:
    """A fifth of the nodes come and go; every other time with them whoever leads at first."""
    there = city(world, nodes)
    world.plan(0.0, "call", VICTIM)
    shaky = sorted(world.draws.sample(there, nodes // 5))
    away_s = away[seed // 2 % len(away)]
    world.schedule(3.0, partial(_flap, world, there, shaky, away_s=away_s, with_lead=bool(seed % 2)))
    world.quiet_from_s = 3.0 + FLAPS * FLAP_S


def _flap(world: World, there: list[str], shaky: list[str], *, away_s: float, with_lead: bool) -> None:
    lead = world.who(LEAD)
    away = [name for name in there if name in shaky or (with_lead and name == lead)]
    for number in range(FLAPS):
        at_s = world.now + FLAP_S * number
        world.plan(at_s, "partition", tuple(n for n in there if n not in away), tuple(away))
        world.plan(at_s + away_s, "heal")


# ------------------------------------------------------------------------- clocks and cards


def _clocks(world: World, seed: int, nodes: int) -> None:
    """Wall clocks are ten minutes off either way, the victim's too; crystals run half as fast again, or so much slower, or between."""
    city(world, nodes)
    for number, place in enumerate(world.places):
        place.clocks.wall_offset_s += world.draws.uniform(-600.0, 600.0)
        power = (1.0, -1.0, world.draws.uniform(-1.0, 1.0))[(number + seed) % 3]
        place.clocks.set_rate(RATE_MAX**power, world.now)
    world.plan(0.0, "call", VICTIM)
    world.plan(FAULT_S, "kill", LEAD)


def _cards_spread(world: World, _seed: int, nodes: int) -> None:
    """Nobody knows any card but its own at the start; the call comes half a minute later."""
    world.preloaded = False
    city(world, nodes)
    world.plan(15.0, "call", VICTIM)


def _known(_trace: Trace, facts: Facts) -> Measures:
    return {"known_share": facts.known_share}


SCENARIOS = (
    Scenario(
        "dead-lead", _dead_lead, 60.0, SYNCHRONOUS,
        Limits(recovery_max_s=20.0, more=(every("recovery_s", "the lead was not replaced"),)),
        measure=replaced, about="the lead dies; every other time without a word to its peers",
    ),
    Scenario(
        "dead-roster", _dead_roster, 75.0, SYNCHRONOUS,
        Limits(recovery_max_s=35.0, more=(at_least("gap_s", 0.001),)),
        measure=replaced, about="all helpers die at once",
    ),
    Scenario(
        "zombie-lead", _zombie_lead, 110.0, PEACEFUL,
        Limits(
            recovery_max_s=20.0,
            more=(at_most("awake_again_s", 15.0), at_most("taken", 0.0), at_least("refused_share", 1.0, of=_in_the_act)),
        ),
        measure=_without_it, about="the lead sleeps for a minute and wakes; every other time its last report leaves then",
    ),
    Scenario(
        "partition", _partition, 120.0, PEACEFUL,
        Limits(
            recovery_max_s=15.0,
            more=(
                every("side_led_s", "a side had no lead"),
                at_most("share_of_bound", 1.0),
                at_most("fresh_side_led_s", 5.0, rarely=True),
                seen("fresh_side_led_s", FRESH_AMONG),
                every("recovery_s", "no one lead after healing"),
            ),
        ),
        measure=_sides, nodes_min=2, about="the network falls apart while the first claims are under way",
    ),
    Scenario(
        "one-way", _one_way, 110.0, PEACEFUL,
        Limits(
            more=(
                *CALM.more,
                at_least("changes_a_minute", 1.0, of=_cuts_the_lead),
                at_most("replaced_s", MUTE_MAX_S, of=lambda seed: _cuts_the_lead(seed) and not _hears_nobody(seed)),
                at_most("replaced_s", DEAF_MAX_S, of=lambda seed: _cuts_the_lead(seed) and _hears_nobody(seed)),
            )
        ),
        measure=_one_way_led,
        about="a third of the links carry one way only, for a minute; every other pair of seeds all of the lead's, too",
    ),
    Scenario("bridge", _bridge, 120.0, (*ALWAYS, *PEACEFUL[-2:]), CALM, measure=after("resume"), nodes_min=8,
             about="two towns and one sleepy node between them"),
    Scenario("flapping", _flapping, 120.0, (*ALWAYS, *PEACEFUL[-2:]), CALM, measure=after("heal"),
             about="a fifth of the nodes come and go, every other time the lead with them"),
    Scenario("flapping-long", partial(_flapping, away=LONG_AWAY_S), 150.0, ALWAYS,
             Limits(more=(at_most("changes_a_minute", LONG_CHANGES_MAX), every("recovery_s", "no one lead in the end"))),
             measure=after("heal"),
             about="as flapping, away for longer than a lease; more changes of lead are borne (06-board §18)"),
    Scenario("clocks", _clocks, 60.0, ALWAYS, Limits(more=(every("recovery_s", "the lead was not replaced"),)), measure=replaced,
             about="wall clocks ten minutes off, crystals up to half as fast again or as much slower"),
    Scenario("cards-spread", _cards_spread, 60.0, SYNCHRONOUS, Limits(more=(at_least("known_share", 0.99),)), measure=_known,
             about="cards are learned, not given"),
)  # fmt: skip

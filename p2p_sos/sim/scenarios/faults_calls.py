"""Scenarios of calls that go another way: requisitions that miss, late comers, too many at once.

Decides what is done to the world and when, and what passes. Knows no checker's inside.
"""

from collections.abc import Callable, Sequence
from functools import partial

from attrs import evolve

from p2p_sos.core.duty.policy import Policy
from p2p_sos.core.events import OperatorReleases, VictimClears, VictimRequisitions
from p2p_sos.sim.checkers import free_hands, graver_first, livelock
from p2p_sos.sim.checkers.requisition_effect import requisitions
from p2p_sos.sim.checkers.suites import ALWAYS, PEACEFUL, SYNCHRONOUS
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.fingerprints import board_word
from p2p_sos.sim.following import lasting_s
from p2p_sos.sim.scenario import Limits, Measures, Scenario
from p2p_sos.sim.scenarios.city import VICTIM, add_victim, city, names
from p2p_sos.sim.scenarios.recovery import at_least, at_most, every, first_call, followed, unhelped_s
from p2p_sos.sim.trace import Trace
from p2p_sos.sim.world import World
from p2p_sos.wire.messages import Key
from p2p_sos.wire.registry import SYNC_PERIOD_S, Detail, Reason, Sector, Severity

SHORT_LIFE_S = 600.0
FAULT_S = 12.0
CAUGHT_UP_S = SYNC_PERIOD_S + 2.0

# ------------------------------------------------------------------------- requisitions


def _requisition(world: World, lead: int, members: int) -> tuple[Key, tuple[Key, ...]] | None:
    """The claimer of that place in the victim's view to lead, and the next ones as members."""
    view = world.view_at(VICTIM, VICTIM)
    keys = [claim.responder for claim in view.claims if claim.counts] if view is not None else []
    if len(keys) <= lead:
        return None
    return keys[lead], tuple(sorted(keys[lead : lead + 1 + members]))


def _ask(
    world: World, lead: int, before: Callable[[World, str], None] | None = None, later: str = ""
) -> None:
    """The victim names a lead; something happens to that lead just before, or it does something just after."""
    asked = _requisition(world, lead, 3)
    if asked is None:
        return
    name = world.observer.owners[asked[0]].name
    if before is not None:
        before(world, name)
    world.operate(VICTIM, VictimRequisitions(*asked))
    if later:
        event = OperatorReleases(world.call_of(VICTIM), Reason.UNREASONABLE, Detail.EQUIPMENT)
        world.schedule(world.now + float(later), partial(world.operate, name, event))


def _dies(world: World, name: str) -> None:
    world.plan(world.now, "kill", name, silently=True)


def _race(world: World, seed: int, nodes: int) -> None:
    """Two requisitions follow each other at once, while the lead of the roster dies every other time."""
    city(world, nodes)
    world.plan(0.0, "call", VICTIM)
    if seed % 2:
        world.plan(FAULT_S - 0.2, "kill", "@lead:victim", silently=True)
    world.schedule(FAULT_S, partial(_ask, world, 2))
    world.schedule(FAULT_S + world.draws.uniform(0.05, 0.5), partial(_ask, world, 1))


def _dead(world: World, _seed: int, nodes: int) -> None:
    """The named lead dies while the requisition is under way."""
    city(world, nodes)
    world.plan(0.0, "call", VICTIM)
    world.schedule(FAULT_S, partial(_ask, world, 1, _dies))


def _declined(world: World, _seed: int, nodes: int) -> None:
    """The people at the named lead give it back at once."""
    city(world, nodes)
    world.plan(0.0, "call", VICTIM)
    world.schedule(FAULT_S, partial(_ask, world, 1, None, "0.5"))


def _effect(trace: Trace, facts: Facts) -> Measures:
    """From the last requisition until all follow one named lead that runs, for the rest of the run; helpers since then.

    `went`: whether whoever was named to lead died, or gave it back. `gap_s`: for how long nobody honest helped.
    """
    asked = requisitions(trace, facts)
    if not asked:
        return {"recovery_s": None}
    said_s, call, last = asked[-1]
    dead = [record[1] for record in trace.of("down")]
    but = [k for k, node in facts.owners.items() if k not in (last.lead, *last.members) or node in dead]
    seen = [r for r in trace.of("view") if r[3] == call.call and r[1] in facts.honest and r[8] is None]
    at_first = {r[1]: r[7] for r in seen if r[0] < said_s and r[1] not in dead}
    went = [
        r
        for r in trace.of("signed")
        if r[3] in ("DECLINE", "RELEASE") and r[5] == last.lead and r[0] > said_s
    ]
    return {
        "recovery_s": lasting_s(followed(trace, facts, None, but), said_s, facts.duration_s),
        "helpers_least": min(
            [*at_first.values(), *(float(r[7]) for r in seen if r[0] >= said_s)], default=None
        ),
        "requisitions": float(len(asked)),
        "went": float(bool(went) or facts.owners[last.lead] in dead),
        "gap_s": unhelped_s(trace, facts, call),
    }


# Each requisition changes the lead twice by right: to the roster's, then to the named one.
CHANGING = tuple(checker for checker in SYNCHRONOUS if checker is not livelock.check)


def _requisitioned(within_s: float, least: str, number: float) -> Limits:
    return Limits(
        recovery_max_s=within_s,
        more=(
            every("recovery_s", "the requisition took no effect"),
            at_least("helpers_least", 1.0),
            at_most("gap_s", 0.0),
            at_least(least, number),
        ),
    )


# ------------------------------------------------------------------------- late comers


def _late_join(world: World, _seed: int, nodes: int) -> None:
    """A tenth of the nodes start ten minutes after the call, knowing nothing of it."""
    there = names(nodes)
    late = there[nodes - nodes // 10 :]
    city(world, nodes)
    world.hold_back(late)
    world.plan(0.0, "call", VICTIM)
    for name in late:
        world.plan(SHORT_LIFE_S, "restart", name)
    world.schedule(SHORT_LIFE_S + CAUGHT_UP_S, partial(_compare, world, there, late))


def _compare(world: World, there: Sequence[str], late: Sequence[str]) -> None:
    """How many of the late ones hold, at this moment, the very board that most of the others hold."""
    if VICTIM not in world.calls:
        return
    boards: dict[str, bytes] = {}
    for name in there:
        node, call = world[name].node, world.call_of(VICTIM)
        if node is not None and call in node.calls:
            boards[name] = board_word(node.boards.board(call))
    others = [board for name, board in boards.items() if name not in late]
    most = max(others, key=lambda board: (others.count(board), board))
    world.known["identical_share"] = sum(boards.get(name) == most for name in late) / len(late)


def _caught_up(trace: Trace, facts: Facts) -> Measures:
    """From the start of each late node until its board said what those of the others said."""
    call = first_call(facts)
    if call is None:
        return {"recovery_s": None}
    started = {r[1]: r[0] for r in trace.of("up") if r[0] >= SHORT_LIFE_S and r[1] in facts.honest}
    boards: dict[str, bytes] = {}
    spans: dict[str, float] = {}
    for record in trace.of("view"):
        at_s, node = record[:2]
        if record[3] != call.call:
            continue
        boards[node] = record[10]
        others = [board for name, board in boards.items() if name not in started]
        for late, since_s in started.items():
            if late not in spans and boards.get(late) in others:
                spans[late] = at_s - since_s
    return {"recovery_s": max(spans.values()) if started and len(spans) == len(started) else None}


# ------------------------------------------------------------------------- many calls

CALLS_PER_NODE = 100 / 60  # and one slot each: 100 calls and hands for 60 at the table's 60 nodes
CLASSES = (Severity.EMERGENCY, Severity.HIGH, Severity.MEDIUM, Severity.LOW)
HELPED_S = 20.0  # how long a victim of the first class needs its helpers


def _many_calls(world: World, _seed: int, nodes: int) -> None:
    """Calls of four classes in one moment, five for every three hands."""
    there = city(world, nodes, victim=False)
    for name in there:
        place = world[name]
        assert place.responder is not None
        place.responder = evolve(place.responder, policy=Policy(sectors=1 << Sector.HEALTH, slots=1))
    severities = [CLASSES[number % len(CLASSES)] for number in range(round(nodes * CALLS_PER_NODE))]
    world.draws.shuffle(severities)
    for number, severity in enumerate(severities):
        name = f"{VICTIM}{number}"
        add_victim(world, name, there)
        world[name].call_fields = {"severity": severity}
        world.plan(world.draws.uniform(0.0, 1.0), "call", name)
    for second in range(25, 200, 5):
        world.schedule(float(second), partial(_clear_the_helped, world))


def _clear_the_helped(world: World) -> None:
    """Whoever was helped for a while clears its call, so that hands become free."""
    for victim in list(world.calls):
        view = world.view_at(victim, victim)
        facts = world.call_facts[world.call_of(victim)]
        if view is not None and view.closed is None and view.helpers and world.now > facts.start_s + HELPED_S:
            world.operate(victim, VictimClears())


def _turns(trace: Trace, facts: Facts) -> Measures:
    """How long calls of each class waited for their first honest claim, and how many got none."""
    first: dict[bytes, float] = {}
    for record in trace.of("signed"):
        if record[3] == "CLAIM" and record[7]:
            first.setdefault(record[4], record[0])
    waits: dict[str, list[float]] = {}
    for call in facts.calls.values():
        waits.setdefault(call.timing.name, []).append(first.get(call.call, facts.duration_s) - call.start_s)
    told: dict[str, float | None] = {
        f"{name}_wait_s": sorted(spans)[len(spans) // 2] for name, spans in sorted(waits.items())
    }
    starved = [call for call in facts.calls.values() if call.call not in first]
    gravest = sorted(waits.get("S1", [0.0]))
    beside = max((span_s for _, span_s in free_hands.waits(trace, facts).values()), default=0.0)
    return {**told, "starved": float(len(starved)), "S1_last_s": gravest[-1], "beside_free_hand_s": beside}


SCENARIOS = (
    Scenario("requisition-race", _race, 60.0, CHANGING, _requisitioned(1.0 + 2.0, "requisitions", 2.0), measure=_effect,
             about="two requisitions at once, and a lead that dies"),
    Scenario("requisition-dead", _dead, 60.0, CHANGING, _requisitioned(1.0 + 2.0, "went", 1.0), measure=_effect,
             about="the named lead is dead"),
    Scenario("requisition-declined", _declined, 60.0, CHANGING, _requisitioned(1.0 + 2.0, "went", 1.0), measure=_effect,
             about="the named lead gives it back"),
    Scenario("late-join", _late_join, SHORT_LIFE_S + 40.0, PEACEFUL,
             Limits(recovery_max_s=CAUGHT_UP_S, more=(at_least("identical_share", 1.0),)),
             measure=_caught_up, nodes_min=10, about="a tenth of the nodes start ten minutes late"),
    Scenario("many-calls", _many_calls, 200.0, (*ALWAYS, graver_first.check, free_hands.check), Limits(more=(at_most("starved", 0.0),)), measure=_turns,
             about="a hundred calls at once, and hands for sixty"),
)  # fmt: skip

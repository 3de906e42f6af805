"""Scenarios in which some of the nodes lie.

Decides who lies where, and what must hold all the same. Knows the liars, and no checker's inside.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import ceil

from attrs import evolve

from p2p_sos.core.board.fitness import band_of
from p2p_sos.core.duty.policy import Policy
from p2p_sos.sim.behaviour import Make
from p2p_sos.sim.checkers.conviction import conflicts
from p2p_sos.sim.checkers.first_help import bound_s, liars_in_front
from p2p_sos.sim.checkers.met import filled
from p2p_sos.sim.checkers.suites import PEACEFUL, SYNCHRONOUS
from p2p_sos.sim.facts import Facts
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
from p2p_sos.sim.measures import measures
from p2p_sos.sim.scenario import Limits, Measures, Scenario
from p2p_sos.sim.scenarios.basic import ENOUGH, ONE_LEAD
from p2p_sos.sim.scenarios.city import VICTIM, add_victim, city
from p2p_sos.sim.scenarios.quitting import attested_groups
from p2p_sos.sim.scenarios.recovery import at_least, at_most, first_call
from p2p_sos.sim.scenarios.roots import ROOTED, vouch
from p2p_sos.sim.trace import Trace
from p2p_sos.sim.weight import weight_bytes
from p2p_sos.sim.world import World
from p2p_sos.wire.messages import Roster
from p2p_sos.wire.registry import S1, Sector

BEST = Policy(sectors=(1 << len(Sector)) - 1)  # a liar's card says that it can do everything
FIRST_CLAIM_S, LEAD_S, K = 2.0, 3.0, 5
AS_BASELINE = Limits(first_claim_p99_s=FIRST_CLAIM_S, lead_p99_s=LEAD_S, claims_max=2 * K, more=(ONE_LEAD,))
CALL_MB_MAX = 64.0
BYTES_PER_MB = 2**20
EVERYWHERE = 0.99
WEIGHED_S = (-0.5, 3.0, 6.0, 9.0, 12.0, 25.0)  # the flood lasts ten seconds


def _town(world: World, nodes: int, makes: Sequence[Make], victims: int = 1) -> list[str]:
    """A city in which the first places are taken by these liars, each with the best of cards."""
    makes = makes[: max(1, nodes * 4 // 5)]  # in a hamlet somebody honest is left
    names = [f"n{number}" for number in range(len(makes))]
    there = city(world, nodes, makes=dict(zip(names, makes, strict=True)))
    for name in names:
        place = world[name]
        assert place.responder is not None
        place.responder = evolve(place.responder, policy=BEST)
    for number in range(1, victims):
        add_victim(world, f"{VICTIM}{number}", there)
    return there


def _among(*makes: Make, victims: int = 1) -> Callable[[World, int, int], None]:
    """A world with these liars, and a call."""

    def build(world: World, _seed: int, nodes: int) -> None:
        _town(world, nodes, makes, victims)
        world.plan(0.0, "call", VICTIM)
        for number in range(1, victims):
            world.plan(2.0 * number, "call", f"{VICTIM}{number}")

    return build


# ------------------------------------------------------------------------- false claims


def _black_holes(world: World, seed: int, nodes: int) -> None:
    """All at once, or, every other pair of seeds, each wave of them when the wave before is about to stop counting."""
    waves = [band_of(number, K) if seed % 4 > 1 else 0 for number in range(nodes * 4 // 5)]
    _town(world, nodes, [black_hole(leads=bool(seed % 2), wave=wave) for wave in waves])
    world.plan(0.0, "call", VICTIM)


def _waited(trace: Trace, facts: Facts) -> Measures:
    """How far the first honest claim is from its bound; at most 1 is good."""
    call = first_call(facts)
    if call is None:
        return {"share_of_bound": None, "liars_in_front": None}
    first = [r[0] for r in trace.of("claim-at-victim") if facts.is_honest(r[4])]
    fitter = liars_in_front(facts, call)
    bound = bound_s(call, fitter, 2 * facts.delta_s, victim_speaks=True)
    share = (first[0] - call.start_s) / bound if first else None
    return {"share_of_bound": share, "liars_in_front": float(fitter)}


def _met(trace: Trace, facts: Facts) -> Measures:
    """Until the first honest claim, or until the victim had met `k` groups, liars or not, that hold the places: then it has its help."""
    told, call = measures(trace, facts), first_call(facts)
    if call is None:
        return {"held_by_liars": None}
    full = filled(trace, facts, call)
    came_s = [told["first_claim_s"], full[0][0] - call.start_s if full else None]
    first_s = min((time_s for time_s in came_s if time_s is not None), default=None)
    return {"first_claim_s": first_s, "held_by_liars": float(bool(full) and told["first_claim_s"] is None)}


# ------------------------------------------------------------------------- two words at a time


def _convicted(trace: Trace, facts: Facts) -> Measures:
    """How long until nearly all honest nodes held a proof, from the moment that the second word was held anywhere."""
    held: dict[bytes, dict[str, float]] = {}
    for time_s, node, _, _, identity in trace.of("held"):
        held.setdefault(identity, {}).setdefault(node, time_s)
    since: dict[bytes, float] = {}
    for key, first, second in conflicts(trace, held):
        began_s = max(min(held[first].values()), min(held[second].values()))
        since[key] = min(began_s, since.get(key, began_s))
    taken: dict[bytes, list[float]] = {key: [] for key in since}
    for time_s, node, _, key in trace.of("convicted"):
        if key in taken and node in facts.honest:
            taken[key].append(time_s)
    wanted = ceil(EVERYWHERE * len(facts.honest))
    spans = [
        sorted(times)[wanted - 1] - since[k] if len(times) >= wanted else None for k, times in taken.items()
    ]
    known = [span for span in spans if span is not None]
    whole = bool(spans) and len(known) == len(spans)
    return {"recovery_s": max(known) if whole else None, "convicted": float(len(known))}


# ------------------------------------------------------------------------- closing


def _false_close(world: World, seed: int, nodes: int) -> None:
    quitters = [quitter(20.0 + 10.0 * number) for number in range(4)]
    there = _town(world, nodes, [*quitters, forger(), replayer()])
    # Four liars, and f groups: two of them stand together each time.
    vouch(world, there, (("n0", "n1"), ("n2", "n3")))
    world.plan(0.0, "call", VICTIM)
    if seed % 2:
        world.plan(15.0, "kill", VICTIM)  # a silent victim: others may close, if enough of them say so


def _closures(trace: Trace, facts: Facts) -> Measures:
    """How many closed the call, and how many of the groups that said that it is over were attested."""
    call = first_call(facts)
    groups = None if call is None else attested_groups(trace, facts, call)
    return {"closures": float(sum(1 for _ in trace.of("closed"))), "attested_groups": groups}


# ------------------------------------------------------------------------- floods


def _claim_flood(world: World, _seed: int, nodes: int) -> None:
    there = _town(world, nodes, [flooder(Flood())])
    world.plan(0.0, "call", VICTIM)
    near = [world.places[index].name for index in world["n0"].links]
    watched = [name for name in near if name in there][:2]
    before: dict[str, int] = {}
    for at_s in WEIGHED_S:
        world.schedule(at_s, partial(_weigh, world, watched, before))


def _weigh(world: World, watched: Sequence[str], before: dict[str, int]) -> None:
    """What these nodes hold: first before the call, then as much more as any of them ever held."""
    shared = (world.shared, world.profile, world.gossip)
    for name in watched:
        held = weight_bytes(world[name].node, shared)
        more_mb = (held - before.setdefault(name, held)) / BYTES_PER_MB
        world.known["call_mb"] = max(more_mb, world.known.get("call_mb", 0.0))


def _weight(trace: Trace, facts: Facts) -> Measures:
    junk = [r for r in trace.of("signed") if r[3] == "CLAIM" and not r[7] and r[4] in facts.calls]
    return {"call_mb": facts.known.get("call_mb"), "junk_claims": float(len(junk))}


# ------------------------------------------------------------------------- leads that lie


def _silent_leads(world: World, _seed: int, nodes: int) -> None:
    for name in _town(world, nodes, [silent_lead()] * 3)[3:]:
        place = world[name]
        assert place.responder is not None
        place.responder = evolve(place.responder, policy=Policy())  # no honest card is as good as a liar's
    world.plan(0.0, "call", VICTIM)


def _replaced(trace: Trace, facts: Facts) -> Measures:
    """How long the victim followed a lead that said nothing: from its ROSTER to the next lead that was seen."""
    worst: float | None = None
    for record in trace.of("signed"):
        message = trace.messages.get(record[6])
        if not isinstance(message, Roster) or record[1] not in facts.liars:
            continue
        seen = [r for r in trace.of("view") if r[1] in facts.victims and r[0] >= record[0]]
        followed = [r[0] for r in seen if r[4] == message.signer]
        if not followed:
            continue
        after = [r[0] for r in seen if r[0] > followed[-1] and r[4] not in (None, message.signer)]
        replaced_s = after[0] - record[0] if after else facts.duration_s - record[0]
        worst = replaced_s if worst is None else max(worst, replaced_s)
    return {"recovery_s": worst}


SCENARIOS = (
    Scenario(
        "black-holes", _black_holes, 100.0, SYNCHRONOUS, Limits(more=(at_most("share_of_bound", 1.0),)), measure=_waited,
        about="80 % of the cards claim at once, keep renewing and never write",
    ),
    Scenario(
        "equivocator", _among(equivocator(), equivocator(), equivocator(), victims=2), 40.0, PEACEFUL,
        Limits(recovery_max_s=15.0, more=(at_least("convicted", 3.0),)), measure=_convicted,
        about="three that tell two stories",
    ),
    Scenario(
        "slot-hoarder", _among(slot_hoarder(), slot_hoarder(), slot_hoarder(beyond=True), victims=3), 40.0,
        PEACEFUL, Limits(recovery_max_s=15.0, more=(at_least("convicted", 2.0),)), measure=_convicted,
        about="three that promise the same hands, or too many, to three calls",
    ),
    Scenario(
        "false-close", _false_close, 120.0, SYNCHRONOUS, Limits(more=(at_most("closures", 0.0), at_least("attested_groups", S1.stand_down_f))),
        options={"profile": ROOTED}, measure=_closures,
        about="f lying groups stand down; others forge and replay the victim's words",
    ),
    Scenario(
        "claim-flood", _claim_flood, 30.0, SYNCHRONOUS,
        evolve(
            AS_BASELINE, helpers=(K, 2 * K),
            more=(ONE_LEAD, *ENOUGH, at_most("call_mb", CALL_MB_MAX), at_least("junk_claims", Flood().claims)),
        ), measure=_weight,
        about="10,000 junk claims on one call",
    ),
    Scenario(
        "usurper", _among(usurper(), usurper(openly=False), usurper(openly=False, inflated=True)), 60.0, PEACEFUL,
        about="three that write a roster over every other",
    ),
    Scenario(
        "silent-lead", _silent_leads, 90.0, PEACEFUL,
        Limits(recovery_max_s=20.0), measure=_replaced,
        about="the best three claim well, lead one after the other, and are never heard again",
    ),
    Scenario(
        "forger", _among(*[forger()] * 3), 60.0, PEACEFUL, AS_BASELINE, about="three that speak in others' names",
    ),
    Scenario(
        "replayer", _among(*[replayer()] * 3), 60.0, PEACEFUL, AS_BASELINE, about="three that repeat what was said",
    ),
    Scenario(
        "withholder", _among(*[withholder()] * 12), 60.0, PEACEFUL, AS_BASELINE, measure=_met,
        about="a fifth that pass nothing on; where the victim met k of them, they are its help",
    ),
    Scenario(
        "perjurer", _among(*[perjurer()] * 3), 60.0, PEACEFUL, AS_BASELINE,
        about="three that accuse honest responders with proofs that prove nothing",
    ),
)  # fmt: skip

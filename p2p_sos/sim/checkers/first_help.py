"""L1: with one honest capable node in reach there is an honest claim in time, however many lie.

Comes in: who heard a call and could answer, who signed claims. Goes out: each call that waited too long, counted from
the moment at which a capable honest node heard it.

The bound is that of the specification: the gossip delay, a PROG for each doubling that the liars in front take, and the
bands up to the best honest one, as if nobody but liars stood before it. It is for liars that make no contact: while `k` groups
that the victim attested hold the places nobody else is wanted, and the time counts anew from the moment at which that ceases.
"""

from math import ceil, floor, log2

from p2p_sos.sim.checkers.met import Spans, filled, wanted_since
from p2p_sos.sim.checkers.reach import in_company, together
from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import CallFacts, Component, Facts
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.messages import CallId, Claim

NAME = "L1"


def bound_s(call: CallFacts, liars: int, delta_s: float, *, victim_speaks: bool) -> float:
    """Within what time an honest capable node that heard the call has company, or claims itself."""
    timing = call.timing
    progress_s = timing.progress_online_s if victim_speaks else timing.progress_silent_s
    waves = ceil(log2(1 + liars / timing.k)) if liars else 0
    band = floor(log2(liars / timing.k + 1))
    return delta_s + progress_s * waves + (band + 2) * timing.band_wait_s


def liars_in_front(facts: Facts, call: CallFacts, among: Component | None = None) -> int:
    """How many groups of liars are fitter than the first capable honest node (of these); all, where no order is known."""
    honest = [name for name in call.capable if among is None or name in among]
    ranks = {name: rank for rank, name in enumerate(call.fittest)}
    first = min((ranks[name] for name in honest if name in ranks), default=len(ranks))
    fitter = [liar for liar in facts.liars if ranks.get(liar, -1) < first]
    keys = [key for liar in fitter for key in facts.keys.get(liar, ())]
    return len({facts.groups.get(key, key): None for key in keys})


def claims(trace: Trace, facts: Facts) -> dict[CallId, list[tuple[float, str]]]:
    """When which honest node claimed which call."""
    found: dict[CallId, list[tuple[float, str]]] = {}
    for time_s, node, _, _, call, _, identity, honest, *_ in trace.of("signed"):
        if honest and node in facts.honest and isinstance(trace.messages.get(identity), Claim):
            found.setdefault(call, []).append((time_s, node))
    return found


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """Whoever is capable and hears a call sees an honest claim within the bound, in its own component."""
    claimed = claims(trace, facts)
    spoke = _victims_spoke(trace, facts)
    reached: dict[tuple[CallId, str], list[float]] = {}
    for when_s, who, _, call_id, *_ in trace.of("reached"):
        reached.setdefault((call_id, who), []).append(when_s)
    full = {call.call: filled(trace, facts, call) for call in facts.calls.values()} if facts.liars else {}
    found: list[Violation] = []
    done: dict[tuple[CallId, tuple[str, ...]], None] = {}
    for heard_s, node, _, call_id, *_ in trace.of("heard"):
        call = facts.calls.get(call_id)
        if call is None or node not in call.capable:
            continue
        liars = liars_in_front(facts, call, facts.component_of(node, heard_s))
        quick_s = heard_s + bound_s(call, liars, facts.delta_s, victim_speaks=True)
        speaks = any(said_s <= quick_s for said_s in spoke.get(call_id, []))
        within_s = bound_s(call, liars, facts.delta_s, victim_speaks=speaks)
        known = _known_to(facts, call, node, heard_s, full.get(call_id, []))
        deadline_s = wanted_since(known, heard_s, within_s) + within_s
        if deadline_s > facts.duration_s or not together(facts, (node,), heard_s, deadline_s):
            continue
        if _over(trace, node, call_id, deadline_s):
            continue
        component = facts.component_of(node, deadline_s - 1e-9)
        # Liars pass on what they like: whom an honest claim reached through them has it, whoever stands between.
        if any(when_s <= deadline_s for when_s in reached.get((call_id, node), [])):
            continue
        # A claim of one that could be reached then holds its place for a lease, even where it cannot be reached now.
        near = [
            who
            for when_s, who in claimed.get(call_id, [])
            if when_s <= deadline_s and (who in component or who in facts.component_of(node, when_s))
        ]
        if not near and (call_id, component) not in done:
            done[call_id, component] = None
            found.append(Violation(NAME, deadline_s, node, f"heard at {heard_s:.2f}, no honest claim since"))
    return tuple(found)


def _known_to(facts: Facts, call: CallFacts, node: str, heard_s: float, spans: Spans) -> Spans:
    """The spans of which a node could learn: somebody it reaches was in reach of the victim as that attested."""
    found: Spans = []
    for start_s, end_s in spans:
        told = dict.fromkeys(facts.component_of(call.victim, start_s))
        if any(name in told for name in facts.component_of(node, max(start_s, heard_s))):
            found.append((start_s, end_s))
    return found


def _victims_spoke(trace: Trace, facts: Facts) -> dict[CallId, list[float]]:
    """When each victim said anything beside its CALL and letters that somebody could hear."""
    said: dict[CallId, list[float]] = {}
    for time_s, _, _, kind, call, signer, *_ in trace.of("signed"):
        victims = call in facts.calls and facts.calls[call].victim_key == signer
        if victims and kind not in ("CALL", "LETTER") and in_company(facts, facts.calls[call].victim, time_s):
            said.setdefault(call, []).append(time_s)
    return said


def _over(trace: Trace, node: str, call: CallId, by_s: float) -> bool:
    return any(r[0] <= by_s and r[1] == node and r[3] == call for r in trace.of("closed", "ended"))

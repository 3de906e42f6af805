"""L2: a dead lead is replaced within LEASE, the gossip delay and HOLD.

Comes in: who led in whose eyes, who died. Goes out: each death of a lead after which a node that could see another one
did not. Where all helpers died with it, others must claim first: the bands and a lease are added.
"""

from p2p_sos.sim.checkers.first_help import claims
from p2p_sos.sim.checkers.reach import together
from p2p_sos.sim.checkers.sights import Sight, at, sights
from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import CallFacts, Facts
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.messages import Roster
from p2p_sos.wire.registry import Cause

NAME = "L2"
BACKOFFS_MAX = 4  # HOLD doubles with each takeover, so often at most


def recoveries(trace: Trace, facts: Facts) -> list[tuple[float, str, CallFacts, float | None]]:
    """For each death of a lead: when, who died, in which call, and how long until all who saw it saw another (or None)."""
    seen = sights(trace, facts)
    found: list[tuple[float, str, CallFacts, float | None]] = []
    for died_s, dead, *_ in trace.of("down"):
        keys = facts.keys.get(dead, ())
        for call in facts.calls.values():
            blind = [
                s for s in seen if s.call == call.call and s.start_s < died_s <= s.end_s and s.lead in keys
            ]
            watchers = [s.node for s in blind if s.node != dead]
            if not watchers:
                continue
            times = [_replaced_s(seen, facts, call, node, died_s) for node in watchers]
            known = [time_s for time_s in times if time_s is not None]
            whole = len(known) == len(times)
            found.append((died_s, dead, call, max(known) - died_s if whole else None))
    return found


def _replaced_s(seen: list[Sight], facts: Facts, call: CallFacts, node: str, died_s: float) -> float | None:
    """When this node saw a lead that runs; the time of death if it saw no more because it died or closed the call."""
    mine = [s for s in seen if s.node == node and s.call == call.call and s.end_s > died_s]
    for sight in mine:
        if sight.closed is not None:
            return max(died_s, sight.start_s)
        owner = None if sight.lead is None else facts.owners.get(sight.lead)
        if owner is not None and sight.start_s > died_s and facts.component_of(owner, sight.start_s):
            return sight.start_s
    return died_s if not mine or mine[-1].end_s < facts.duration_s else None


def allowed_s(trace: Trace, facts: Facts, call: CallFacts, died_s: float) -> float:
    """The bound for one death: HOLD grows with the takeovers so far, and without helpers the bands open anew."""
    timing = call.timing
    takeovers = sum(
        isinstance(message, Roster) and message.call == call.call and message.cause is Cause.EXPIRED
        for message in (trace.messages.get(r[6]) for r in trace.of("signed") if r[0] <= died_s)
    )
    hold_s = min(timing.hold_s << min(takeovers, BACKOFFS_MAX), timing.lease_s)
    helped = [
        node
        for claimed_s, node in claims(trace, facts).get(call.call, [])
        if claimed_s <= died_s and facts.component_of(node, died_s + 1e-6)
    ]
    left = 0.0 if helped else timing.lease_s + 2 * timing.band_wait_s
    return timing.lease_s + facts.delta_s + hold_s + left


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """Whoever followed a lead that died follows another in time, if it reaches a capable node all the while."""
    seen = sights(trace, facts)
    found: list[Violation] = []
    for died_s, dead, call, _ in recoveries(trace, facts):
        deadline_s = died_s + allowed_s(trace, facts, call, died_s)
        if deadline_s > facts.duration_s:
            continue
        for node in facts.witnesses:
            before = at(seen, node, call.call, died_s - 1e-9)
            if before is None or before.lead not in facts.keys.get(dead, ()) or node == dead:
                continue
            reach = [
                c for c in call.capable if c != dead and together(facts, (node, c), died_s + 1e-6, deadline_s)
            ]
            replaced_s = _replaced_s(seen, facts, call, node, died_s)
            if reach and (replaced_s is None or replaced_s > deadline_s):
                found.append(Violation(NAME, deadline_s, node, f"{dead} led and died at {died_s:.2f}"))
    return tuple(found)

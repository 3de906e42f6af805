"""L4: a requisition takes effect within the gossip delay of its entry into the mesh.

Comes in: the requisitions that victims signed, and what nodes saw in force. Goes out: each node that was connected and
did not see it, or did not follow the named lead though that lead was there.
"""

from p2p_sos.sim.checkers.reach import together
from p2p_sos.sim.checkers.sights import sights
from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import CallFacts, Facts
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.messages import Requisition

NAME = "L4"


def requisitions(trace: Trace, facts: Facts) -> list[tuple[float, CallFacts, Requisition]]:
    """What each honest victim asked for, and when."""
    found: list[tuple[float, CallFacts, Requisition]] = []
    for time_s, _, _, _, call, _, identity, honest, *_ in trace.of("signed"):
        message = trace.messages.get(identity)
        if honest and isinstance(message, Requisition) and call in facts.calls:
            found.append((time_s, facts.calls[call], message))
    return found


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """In force within the gossip delay; led by whom it names within W more, if that one is honest and there."""
    seen = sights(trace, facts)
    found: list[Violation] = []
    for said_s, call, asked in requisitions(trace, facts):
        newer = [s for s, c, a in requisitions(trace, facts) if c is call and a.sequence > asked.sequence]
        until_s = min([*newer, facts.duration_s])
        force_s, lead_s = said_s + facts.delta_s, said_s + facts.delta_s + call.timing.band_wait_s
        leader = facts.owners.get(asked.lead)
        for node in facts.witnesses:
            if not together(facts, (call.victim, node), said_s, force_s) or force_s >= until_s:
                continue
            mine = [
                s for s in seen if s.node == node and s.call == call.call and s.start_s <= force_s < s.end_s
            ]
            if any(s.closed is None and s.requisition < asked.sequence for s in mine):
                found.append(Violation(NAME, force_s, node, f"requisition {asked.sequence} is not in force"))
            if leader not in facts.honest or lead_s >= until_s:
                continue
            if not together(facts, (call.victim, node, leader), said_s, lead_s) or leader not in call.capable:
                continue
            then = [
                s for s in seen if s.node == node and s.call == call.call and s.start_s <= lead_s < s.end_s
            ]
            if any(s.closed is None and s.lead != asked.lead for s in then) and not _declined(
                trace, asked, lead_s
            ):
                found.append(
                    Violation(NAME, lead_s, node, f"does not follow {leader}, which is named to lead")
                )
    return tuple(found)


def _declined(trace: Trace, asked: Requisition, by_s: float) -> bool:
    """Whether the named lead answered that it does not come, or goes."""
    return any(
        r[0] <= by_s
        and r[4] == asked.call
        and r[5] == asked.lead
        and r[3] in ("DECLINE", "RELEASE", "STAND_DOWN")
        for r in trace.of("signed")
    )

"""L3: after a partition heals there is one lead within a sync, the gossip delay and a SITREP.

Comes in: what nodes saw, and when components joined. Goes out: each healing after which nodes of one component still
followed different leads.
"""

from p2p_sos.sim.checkers.reach import Span, spans
from p2p_sos.sim.checkers.sights import Sight, sights
from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.messages import CallId, Key
from p2p_sos.wire.registry import SYNC_PERIOD_S

NAME = "L3"


def healings(facts: Facts) -> list[Span]:
    """The spans that began when two components, each of them several nodes, became one."""
    found: list[Span] = []
    for span in spans(facts):
        parts = {facts.component_of(node, span.start_s - 1e-6): None for node in span.component}
        if len([part for part in parts if len(part) > 1]) > 1:
            found.append(span)
    return found


def _leads(seen: list[Sight], span: Span, call: CallId, time_s: float) -> dict[Key | None, str]:
    """Whom the nodes of a component follow, and one node that does."""
    return {
        sight.lead: sight.node
        for sight in seen
        if sight.call == call
        and sight.node in span.component
        and sight.closed is None
        and sight.start_s <= time_s < sight.end_s
    }


def one_lead_after_s(trace: Trace, facts: Facts, span: Span, call: CallId) -> float | None:
    """How long after the healing all nodes of the component followed one lead; None if they never did."""
    seen = sights(trace, facts)
    moments = sorted({span.start_s, *(s.start_s for s in seen if span.start_s < s.start_s < span.end_s)})
    for moment in moments:
        if len(_leads(seen, span, call, moment)) <= 1:
            return moment - span.start_s
    return None


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """Nodes that came together follow one lead in time, as far as they stay together so long."""
    found: list[Violation] = []
    seen = sights(trace, facts)
    for span in healings(facts):
        for call in facts.calls.values():
            within_s = SYNC_PERIOD_S + facts.delta_s + call.timing.sitrep_s + call.timing.hold_s
            deadline_s = span.start_s + within_s
            if deadline_s >= span.end_s or call.start_s > span.start_s:
                continue
            leads = _leads(seen, span, call.call, deadline_s)
            if len(leads) > 1:
                who = sorted(leads.values())
                found.append(Violation(NAME, deadline_s, who[0], f"{', '.join(who)} follow different leads"))
    return tuple(found)

"""L3: after a partition heals there is one lead within a sync, the gossip delay and a SITREP.

Comes in: what nodes saw, and when components joined. Goes out: each healing after which nodes of one component did
not follow one and the same lead.
"""

from p2p_sos.sim.checkers.reach import Span, spans
from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.following import stretches
from p2p_sos.sim.trace import Trace
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


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """Nodes that came together follow one lead in time, as far as they stay together so long and one of them is capable."""
    found: list[Violation] = []
    for span in healings(facts):
        for call in facts.calls.values():
            # "One lead within a period of sync + Δ + `sitrep_s` after a partition heals" (06-board §17)
            within_s = SYNC_PERIOD_S + facts.delta_s + call.timing.sitrep_s
            deadline_s = span.start_s + within_s
            if deadline_s >= span.end_s or call.start_s > span.start_s:
                continue
            if not any(node in call.capable for node in span.component):
                continue
            among = [node for node in span.component if node in facts.witnesses]
            then = [s for s in stretches(trace, facts, call.call, among) if s.start_s <= deadline_s < s.end_s]
            if any(stretch.nodes and stretch.lead is None for stretch in then):
                why = f"{len(among)} nodes, together since {span.start_s:.2f}, do not follow one lead"
                found.append(Violation(NAME, deadline_s, among[0], why))
    return tuple(found)

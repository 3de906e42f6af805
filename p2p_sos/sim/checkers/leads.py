"""P6: within a synchronous component there is one honest lead after HOLD.

Comes in: who took itself for the lead, when, and who reached whom. Goes out: each pair of leads that lasted too long.
"""

from p2p_sos.sim.checkers.reach import together_since
from p2p_sos.sim.checkers.sights import Sight, sights
from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.messages import CallId
from p2p_sos.wire.registry import SYNC_PERIOD_S

NAME = "P6"


def reigns(trace: Trace, facts: Facts) -> dict[CallId, list[Sight]]:
    """For each call, when which honest node took itself for the lead; neighbouring spans of one node joined."""
    found: dict[CallId, list[Sight]] = {}
    for sight in sights(trace, facts):
        if sight.leads_itself(facts):
            found.setdefault(sight.call, []).append(sight)
    return found


def overlaps(trace: Trace, facts: Facts) -> list[tuple[float, float, str, str, CallId]]:
    """Spans (start, end) in which two nodes of one component both took themselves for the lead."""
    found: dict[tuple[str, str, CallId], list[tuple[float, float]]] = {}
    for call, reigning in reigns(trace, facts).items():
        for index, first in enumerate(reigning):
            for second in reigning[index + 1 :]:
                start_s = max(first.start_s, second.start_s)
                end_s = min(first.end_s, second.end_s)
                if first.node == second.node or end_s <= start_s:
                    continue
                low, high = sorted((first.node, second.node))
                found.setdefault((low, high, call), []).append((start_s, end_s))
    joined: list[tuple[float, float, str, str, CallId]] = []
    for (low, high, call), pieces in found.items():
        pieces.sort()
        start_s, end_s = pieces[0]
        for next_start, next_end in pieces[1:]:
            if next_start > end_s:
                joined.append((start_s, end_s, low, high, call))
                start_s = next_start
            end_s = max(end_s, next_end)
        joined.append((start_s, end_s, low, high, call))
    return sorted(joined)


def doubled_s(trace: Trace, facts: Facts) -> float:
    """The longest time for which two leads of one component stood side by side; 0 if they never did."""
    longest = 0.0
    for start_s, end_s, low, high, _ in overlaps(trace, facts):
        since = together_since(facts, (low, high), end_s - 1e-9)
        if since is not None:
            longest = max(longest, end_s - max(start_s, since))
    return longest


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """Two leads that reach each other are one after HOLD and the gossip delay; after a healing, after a sync."""
    found: list[Violation] = []
    for start_s, end_s, low, high, call in overlaps(trace, facts):
        since = together_since(facts, (low, high), end_s - 1e-9)
        if since is None:
            continue
        timing = facts.calls[call].timing
        healed_by = since + SYNC_PERIOD_S + facts.delta_s + timing.sitrep_s
        allowed = max(start_s + timing.hold_s + facts.delta_s, healed_by if since > 0.0 else 0.0)
        if end_s > allowed:
            why = f"leads beside {high} from {max(start_s, since):.2f} to {end_s:.2f}"
            found.append(Violation(NAME, allowed, low, why))
    return tuple(found)

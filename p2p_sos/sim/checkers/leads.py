"""P6: within a synchronous component there is one honest lead after HOLD.

Comes in: who took itself for the lead, when, and who reached whom. Goes out: each pair of leads that lasted too long.
"""

from itertools import combinations

from p2p_sos.sim.checkers.reach import together_since
from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.following import stretches
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.messages import CallId
from p2p_sos.wire.registry import SYNC_PERIOD_S

NAME = "P6"


def overlaps(trace: Trace, facts: Facts) -> list[tuple[float, float, str, str, CallId]]:
    """Spans (start, end) in which two nodes both took themselves for the lead, whether they reach each other or not."""
    found: list[tuple[float, float, str, str, CallId]] = []
    for call in facts.calls:
        pairs: dict[tuple[str, str], tuple[float, float]] = {}
        for stretch in stretches(trace, facts, call):
            for pair in combinations(stretch.leading, 2):
                start_s, end_s = pairs.get(pair, (stretch.start_s, stretch.start_s))
                if end_s < stretch.start_s:
                    found.append((start_s, end_s, *pair, call))
                    start_s = stretch.start_s
                pairs[pair] = start_s, stretch.end_s
        found += [(start_s, end_s, *pair, call) for pair, (start_s, end_s) in pairs.items()]
    return sorted(found)


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

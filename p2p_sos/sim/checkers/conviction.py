"""P4: connected honest nodes that hold conflicting messages convict in time, and no honest key is ever convicted.

Comes in: what liars signed, who held it, who convicted whom. Goes out: each conviction of an honest key, and each node
that knew, or could know, and did not convict within the gossip delay and one round of sync.
"""

from p2p_sos.sim.checkers.reach import spans
from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.messages import Claim, Key, MessageId
from p2p_sos.wire.registry import SYNC_PERIOD_S

NAME = "P4"
Held = dict[MessageId, dict[str, float]]  # who held which message, since when


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """Every pair of signatures that no honest key makes convicts; nothing else does."""
    convicted: dict[tuple[str, Key], float] = {}
    found: list[Violation] = []
    for time_s, node, _, key, *_ in trace.of("convicted"):
        convicted.setdefault((node, key), time_s)
        if node in facts.witnesses and facts.is_honest(key):
            found.append(Violation(NAME, time_s, node, f"convicts {key.hex()[:8]}, which is honest"))
    held: Held = {}
    for time_s, node, _, _, identity, *_ in trace.of("held"):
        held.setdefault(identity, {}).setdefault(node, time_s)
    seen: dict[tuple[str, Key], None] = {}
    for key, first, second in conflicts(trace, held):
        for deadline_s, node in _due(facts, held[first], held[second]):
            late = convicted.get((node, key), deadline_s + 1.0) > deadline_s
            if late and (node, key) not in seen:
                seen[node, key] = None
                found.append(Violation(NAME, deadline_s, node, f"does not convict {key.hex()[:8]}"))
    return tuple(found)


def conflicts(trace: Trace, held: Held) -> list[tuple[Key, MessageId, MessageId]]:
    """Pairs of held messages that no honest key signs both of, one pair for each place that was used twice."""
    places: dict[tuple[object, ...], MessageId] = {}
    found: list[tuple[Key, MessageId, MessageId]] = []
    for identity in held:
        message = trace.messages.get(identity)
        if message is None or getattr(message, "previous", None) is None:
            continue
        uses: list[tuple[object, ...]] = [(message.signer, "log", message.call, message.sequence)]  # type: ignore[union-attr]
        if isinstance(message, Claim):
            uses.append((message.signer, "slot", message.slot, message.slot_epoch))
        for use in uses:
            other = places.setdefault(use, identity)
            if other != identity:
                found.append((message.signer, other, identity))
    return found


def _due(facts: Facts, first: dict[str, float], second: dict[str, float]) -> list[tuple[float, str]]:
    """By when which nodes must have convicted: both messages stayed within their component long enough."""
    within_s = facts.delta_s + SYNC_PERIOD_S
    due: list[tuple[float, str]] = []
    for span in spans(facts):
        came = [min((h[n] for n in span.component if n in h), default=None) for h in (first, second)]
        if came[0] is None or came[1] is None:
            continue
        deadline_s = max(span.start_s, came[0], came[1]) + within_s
        if deadline_s <= min(span.end_s, facts.duration_s):
            due += [(deadline_s, node) for node in span.component if node in facts.witnesses]
    return due

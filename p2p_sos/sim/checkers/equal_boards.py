"""At the end of a run that had its rest, connected honest nodes hold equal boards.

Comes in: the fingerprint of every open board at the end. Goes out: each node that holds another one than most.
"""

from p2p_sos.sim.checkers.reach import together_since
from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.messages import CallId
from p2p_sos.wire.registry import SYNC_PERIOD_S

NAME = "boards"
ROUNDS = 3  # a node syncs with one peer at a time: the last word may need a few rounds where gossip lost it


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """Whoever was connected for some rounds of sync, while nothing new was signed, holds what the others hold."""
    boards: dict[CallId, dict[str, bytes]] = {}
    for _, node, _, call, fingerprint, *_ in trace.of("board"):
        if node in facts.witnesses:
            boards.setdefault(call, {})[node] = fingerprint
    rest_s = ROUNDS * SYNC_PERIOD_S
    newest: dict[CallId, float] = {}
    for time_s, _, _, kind, call, *_ in trace.of("signed"):
        if kind not in ("RENEW", "SITREP", "LETTER"):
            newest[call] = time_s
    found: list[Violation] = []
    end_s = facts.duration_s
    for call, held in boards.items():
        if newest.get(call, 0.0) > end_s - facts.delta_s:
            continue
        first = next(iter(held))
        common = max(
            held.values(), key=lambda fingerprint: (list(held.values()).count(fingerprint), fingerprint)
        )
        for node, fingerprint in held.items():
            since = together_since(facts, (first, node), end_s - 1e-6)
            if fingerprint != common and since is not None and since <= end_s - rest_s:
                found.append(Violation(NAME, end_s, node, f"holds another board of {call.hex()[:8]}"))
    return tuple(found)

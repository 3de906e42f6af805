"""At the end of a run that had its rest, connected honest nodes hold equal boards.

Comes in: the fingerprint of every open board at the end. Goes out: each node that holds another one than most of those with whom it hangs together. Of a call that its
victim closed everybody keeps what it had; there each node that holds it must have seen it closed.
"""

from collections.abc import Iterable

from p2p_sos.sim.checkers.reach import together_since
from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import Component, Facts
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
        closed = _closed(trace, facts, call)
        if closed is not None:
            if closed[0] <= end_s - rest_s:
                found += _unseen(facts, call, held, closed)
            continue
        if newest.get(call, 0.0) > end_s - facts.delta_s:
            continue
        for company in _companies(facts, held, end_s - rest_s):
            boards_there = [held[node] for node in company]
            common = max(boards_there, key=lambda fingerprint: (boards_there.count(fingerprint), fingerprint))
            found += [
                Violation(NAME, end_s, node, f"holds another board of {call.hex()[:8]}")
                for node in company
                if held[node] != common
            ]
    return tuple(found)


def _companies(facts: Facts, nodes: Iterable[str], since_s: float) -> list[list[str]]:
    """These nodes, parted into those that reached one another without a break from a time to the end; who ran no such time is in none."""
    parts: dict[tuple[Component, ...], list[str]] = {}
    if not facts.epochs or facts.epochs[0].start_s > since_s:
        return []  # the run was shorter
    epochs = [epoch for epoch in facts.epochs if epoch.end_s > since_s]
    for node in nodes:
        met = tuple(facts.component_of(node, max(since_s, epoch.start_s)) for epoch in epochs)
        if all(met):
            parts.setdefault(met, []).append(node)
    return list(parts.values())


def _closed(trace: Trace, facts: Facts, call: CallId) -> tuple[float, dict[str, None]] | None:
    """When its victim closed a call, and who ever saw it closed since; None if it did not."""
    told = facts.calls.get(call)
    words = [r for r in trace.of("signed") if r[4] == call and r[3] in ("CANCEL", "ALL_CLEAR") and r[7]]
    if told is None or not any(r[5] == told.victim_key for r in words):
        return None
    said_s = next(r[0] for r in words if r[5] == told.victim_key)
    seen = [r for r in trace.of("closed", "ended") if r[3] == call and r[0] >= said_s]
    seen += [r for r in trace.of("view") if r[3] == call and r[0] >= said_s and r[8] is not None]
    return said_s, dict.fromkeys(r[1] for r in seen)


def _unseen(
    facts: Facts, call: CallId, held: dict[str, bytes], closed: tuple[float, dict[str, None]]
) -> list[Violation]:
    """Who hangs together with somebody that saw it closed, for long enough, and did not."""
    found: list[Violation] = []
    end_s, (_, seen) = facts.duration_s, closed
    for node in [node for node in held if node not in seen]:
        since = [together_since(facts, (other, node), end_s - 1e-6) for other in seen]
        if any(since_s is not None and since_s <= end_s - ROUNDS * SYNC_PERIOD_S for since_s in since):
            found.append(Violation(NAME, end_s, node, f"did not see {call.hex()[:8]} closed"))
    return found

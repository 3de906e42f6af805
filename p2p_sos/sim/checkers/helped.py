"""Every call is helped until it closes: somebody honest who runs holds a live claim, but for the time a loss takes.

Comes in: who claimed, released, died. Goes out: each time without any such helper that lasted longer than it takes to
notice a loss (a lease) and to open the bands again. While `k` groups that the victim met hold the places nobody honest need come.
"""

from p2p_sos.sim.checkers.first_help import bound_s, liars_in_front
from p2p_sos.sim.checkers.met import filled, wanted_since
from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import CallFacts, Facts
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.messages import Claim, Decline, Release, StandDown

NAME = "helped"


def gaps(trace: Trace, facts: Facts, call: CallFacts) -> list[tuple[float, float]]:
    """When nobody honest who ran held a claim on this call, from its start to its closing or the end of the run."""
    until_s = min([r[0] for r in trace.of("closed", "ended") if r[3] == call.call], default=facts.duration_s)
    holders: dict[str, None] = {}
    changes: list[tuple[float, str, bool]] = []
    for record in trace.of("signed", "down"):
        time_s, node, kind = record[:3]
        if kind == "down":
            changes.append((time_s, node, False))
        elif record[4] == call.call and record[7] and node in facts.honest:
            message = trace.messages.get(record[6])
            if isinstance(message, Claim | Decline | Release | StandDown):
                changes.append((time_s, node, isinstance(message, Claim)))
    found: list[tuple[float, float]] = []
    empty_since: float | None = call.start_s
    for time_s, node, holds in sorted(changes, key=lambda change: change[0]):
        if time_s >= until_s:
            break
        if holds:
            holders[node] = None
        else:
            holders.pop(node, None)
        if holders and empty_since is not None:
            found.append((empty_since, time_s))
            empty_since = None
        elif not holders and empty_since is None:
            empty_since = time_s
    if empty_since is not None and empty_since < until_s:
        found.append((empty_since, until_s))
    return found


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """No gap outlasts a lease and the bound of a first claim."""
    found: list[Violation] = []
    for call in facts.calls.values():
        if not call.capable:
            continue
        liars = liars_in_front(facts, call)
        within_s = call.timing.lease_s + bound_s(call, liars, facts.delta_s, victim_speaks=False)
        full = filled(trace, facts, call) if facts.liars else []
        for began_s, end_s in gaps(trace, facts, call):
            start_s = wanted_since(full, began_s, within_s)
            if end_s - start_s > within_s:
                why = f"nobody helps from {start_s:.2f} to {end_s:.2f}"
                found.append(Violation(NAME, start_s + within_s, call.victim, why))
    return tuple(found)

"""No livelock: at most three changes of lead a minute, in the eyes of any one node.

Comes in: what nodes saw. Goes out: each minute with more changes. Losing a lead and finding the same one again is none;
changes within one gossip delay are one, since rosters that were written at once overtake one another for so long.
"""

from p2p_sos.sim.checkers.sights import sights
from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.messages import CallId, Key

NAME = "livelock"
CHANGES_MAX = 3
MINUTE_S = 60.0


def changes(trace: Trace, facts: Facts) -> dict[tuple[str, CallId], list[float]]:
    """When each node saw another lead than the last one it saw, in each call."""
    last: dict[tuple[str, CallId], Key] = {}
    found: dict[tuple[str, CallId], list[float]] = {}
    for sight in sights(trace, facts):
        place = sight.node, sight.call
        if sight.lead is None:
            continue
        if last.setdefault(place, sight.lead) != sight.lead:
            found.setdefault(place, []).append(sight.start_s)
            last[place] = sight.lead
    return found


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """No minute holds more than three changes."""
    return check_since(trace, facts, float("-inf"))


def check_since(trace: Trace, facts: Facts, since_s: float) -> tuple[Violation, ...]:
    """The same, of the changes after a time at which faults stop; one at that very moment is the last fault's doing, a restart's say."""
    found: list[Violation] = []
    for (node, _), every in changes(trace, facts).items():
        times = bursts([time_s for time_s in every if time_s > since_s], facts.delta_s)
        for index in range(len(times) - CHANGES_MAX):
            if times[index + CHANGES_MAX] - times[index] < MINUTE_S:
                why = f"{CHANGES_MAX + 1} changes of lead from {times[index]:.2f} on"
                found.append(Violation(NAME, times[index + CHANGES_MAX], node, why))
                break
    return tuple(found)


def bursts(times: list[float], within_s: float) -> list[float]:
    """When each burst of changes began: a burst lasts one gossip delay, however many changes it holds."""
    found: list[float] = []
    for time_s in times:
        if not found or time_s > found[-1] + within_s:
            found.append(time_s)
    return found

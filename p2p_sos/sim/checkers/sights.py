"""What each node saw of each call, span by span: the records of views as intervals of true time.

Decides nothing about promises. Comes in: a trace and the facts. Goes out: `Sight`s. Must not know messages.
"""

from attrs import evolve, frozen

from p2p_sos.sim.facts import Facts
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.messages import CallId, Key, MessageId


@frozen
class Sight:
    """From `start_s` to `end_s` this is what the board of a call said to a node."""

    start_s: float
    end_s: float
    node: str
    call: CallId
    lead: Key | None
    requisition: int
    roster: MessageId
    helpers: int
    closed: str | None


def sights(trace: Trace, facts: Facts) -> list[Sight]:
    """Every sight of every honest node, victims too, in the order of their starts."""
    found: list[Sight] = []
    current: dict[tuple[str, CallId], Sight] = {}
    witnesses = dict.fromkeys(facts.witnesses)
    for record in trace.of("view", "ended", "down"):
        time_s, node, kind = record[:3]
        if node not in witnesses:
            continue
        if kind == "down":
            over = [key for key in current if key[0] == node]
        else:
            over = [(node, record[3])] if (node, record[3]) in current else []
        found += [evolve(current.pop(key), end_s=time_s) for key in over]
        if kind == "view":
            call, lead, requisition, roster, helpers, closed = record[3:9]
            current[node, call] = Sight(
                time_s, facts.duration_s, node, call, lead, requisition, roster, helpers, closed
            )
    found += current.values()
    return sorted(found, key=lambda sight: (sight.start_s, sight.node, sight.call))


def at(seen: list[Sight], node: str, call: CallId, time_s: float) -> Sight | None:
    """What a node saw of a call at a time."""
    for sight in seen:
        if sight.node == node and sight.call == call and sight.start_s <= time_s < sight.end_s:
            return sight
    return None

"""P1: nodes with equal boards, and whose time is over for the same, see the same.

Comes in: the views. Goes out: each view that differs from the first one under an equal board and equal expiries, and each that
the observer found to be another than a fresh one of the same board.
"""

from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.trace import Record, Trace

NAME = "P1"


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """Equal boards, convictions and expiries give equal lead, roster and helpers."""
    first: dict[tuple[bytes, ...], Record] = {}
    found: list[Violation] = []
    witnesses = dict.fromkeys(facts.witnesses)
    for record in trace.of("view", "stale-view"):
        time_s, node, kind, call, *said = record[:10]
        if kind == "stale-view":
            if node in witnesses:
                found.append(
                    Violation(NAME, time_s, node, f"sees {said} where its board says {list(record[10:])}")
                )
            continue
        board = record[10:12]
        if node not in witnesses or len(board) < 2:
            continue
        other = first.setdefault((call, *board), record)
        if list(other[4:10]) != said:
            found.append(Violation(NAME, time_s, node, f"sees {said} where {other[1]} saw {other[4:10]}"))
    return tuple(found)

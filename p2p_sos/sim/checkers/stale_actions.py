"""No report is taken under a token that the node does not follow.

Comes in: the tokens that honest nodes followed, and the reports that they took. Goes out: each report of a lead that the
node had left, or never followed.
"""

from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.messages import NOTHING, CallId, Roster

NAME = "stale"
Token = tuple[int, bytes]


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """What a lead reports counts under the token in force alone, and from whoever wrote the roster that it names."""
    following: dict[tuple[str, CallId], Token] = {}
    found: list[Violation] = []
    for record in trace.of("follow", "sitrep", "up"):
        time_s, node, kind = record[:3]
        if kind == "up":
            for key in [key for key in following if key[0] == node]:
                del following[key]
        elif kind == "follow":
            following[node, record[3]] = tuple(record[4])
        elif node in facts.witnesses:
            call, signer, token = record[3:6]
            if tuple(token) != following.get((node, call), (0, NOTHING)):
                found.append(
                    Violation(NAME, time_s, node, f"takes a report of {signer.hex()[:8]} under {token}")
                )
            roster = trace.messages.get(token[1])
            if isinstance(roster, Roster) and roster.signer != signer:
                why = f"takes a report of {signer.hex()[:8]} under a roster of {roster.signer.hex()[:8]}"
                found.append(Violation(NAME, time_s, node, why))
    return tuple(found)

"""P5: nobody follows a token lower than one it followed.

Comes in: the tokens that honest nodes followed, one after another. Goes out: each requisition that fell back, and each
roster that a node follows again after it left it for another.
"""

from attrs import define, field

from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.messages import NOTHING, CallId, MessageId

NAME = "P5"


@define
class Followed:
    """What one life of a node followed in one call."""

    requisition: int = 0
    roster: MessageId = NOTHING
    left: dict[MessageId, None] = field(factory=dict)

    def step(self, requisition: int, roster: MessageId) -> str | None:
        """The next token; why it may not be, or None."""
        why = None
        if requisition < self.requisition:
            why = f"follows requisition {requisition} after {self.requisition}"
        elif roster != NOTHING and roster in self.left:
            why = f"follows roster {roster.hex()[:8]} again"
        self.requisition = max(requisition, self.requisition)
        if roster not in (NOTHING, self.roster):
            if self.roster != NOTHING:
                self.left[self.roster] = None
            self.roster = roster
        return why


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """Within one life of a node, requisitions only rise and a roster once left for another stays left."""
    followed: dict[tuple[str, CallId], Followed] = {}
    found: list[Violation] = []
    for record in trace.of("follow", "up"):
        time_s, node, kind = record[:3]
        if kind == "up":
            for key in [key for key in followed if key[0] == node]:
                del followed[key]
        elif node in facts.witnesses:
            call, (requisition, roster) = record[3:5]
            why = followed.setdefault((node, call), Followed()).step(requisition, roster)
            if why is not None:
                found.append(Violation(NAME, time_s, node, why))
    return tuple(found)

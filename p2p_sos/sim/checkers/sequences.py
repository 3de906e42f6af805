"""No honest signer uses one sequence twice.

Comes in: what honest nodes and victims signed. Goes out: each sequence that stands in two different messages of one log,
one register or one victim.
"""

from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.messages import MessageId
from p2p_sos.wire.registry import KIND_FORMS, KIND_SIGNERS, Kind

NAME = "sequences"


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """One call, one key, one row of numbers: each number names one message."""
    used: dict[tuple[object, ...], MessageId] = {}
    found: list[Violation] = []
    for time_s, node, _, kind, call, signer, identity, honest, *_ in trace.of("signed"):
        message = trace.messages.get(identity)
        sequence = getattr(message, "sequence", None)
        if not honest or node in facts.liars or sequence is None:
            continue
        place = (call, signer, _row(Kind[kind], signer, facts), sequence)
        if used.setdefault(place, identity) != identity:
            found.append(Violation(NAME, time_s, node, f"signs {kind} {sequence}, a number that it used"))
    return tuple(found)


def _row(kind: Kind, signer: bytes, facts: Facts) -> str:
    """Which row of numbers a message stands in: the log, the victim's words, or its own register."""
    if any(call.victim_key == signer for call in facts.calls.values()) or KIND_SIGNERS[kind] == "victim":
        return "victim"
    return "log" if KIND_FORMS[kind] in ("log", "claim") else kind.name

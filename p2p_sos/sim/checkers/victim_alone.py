"""P2: only the victim requisitions, updates, cancels or clears.

Comes in: what was signed, and what honest nodes saw in force. Goes out: each requisition, update or closing that no victim
signed before somebody believed in it.
"""

from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.messages import AllClear, CallId, Cancel, Requisition, Update

NAME = "P2"
UPDATED = ("severity", "urgency", "certainty", "nature", "needs", "sector", "languages", "cell")
Word = tuple[CallId, str, int]  # a call, what was said, and a requisition's sequence


def _signed(trace: Trace, facts: Facts) -> dict[Word, float]:
    """When each victim said it first."""
    said: dict[Word, float] = {}
    for time_s, _, _, _, call, signer, identity, honest, *_ in trace.of("signed"):
        if not honest or call not in facts.calls or facts.calls[call].victim_key != signer:
            continue
        match trace.messages.get(identity):
            case Requisition(sequence=sequence):
                said.setdefault((call, "requisition", sequence), time_s)
            case Cancel():
                said.setdefault((call, "cancelled", 0), time_s)
            case AllClear():
                said.setdefault((call, "cleared", 0), time_s)
    return said


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """Nobody honest follows a requisition or an update, or takes a call for closed, that its victim did not sign."""
    said = _signed(trace, facts)
    found: list[Violation] = []
    believed: list[tuple[float, str, Word]] = []
    for record in trace.of("view", "closed"):
        time_s, node, kind, call = record[:4]
        if node not in facts.witnesses or call not in facts.calls:
            continue
        if kind == "closed":
            believed.append((time_s, node, (call, record[4], 0)))
            continue
        if record[5]:
            believed.append((time_s, node, (call, "requisition", record[5])))
        if record[8]:
            believed.append((time_s, node, (call, record[8], 0)))
    for time_s, node, word in believed:
        if word[1] in ("requisition", "cancelled", "cleared") and said.get(word, time_s + 1.0) > time_s:
            found.append(
                Violation(NAME, time_s, node, f"believes in {word[1]} {word[2]} that no victim signed")
            )
    return (*found, *_updates(trace, facts))


def _updates(trace: Trace, facts: Facts) -> list[Violation]:
    """Each description that no UPDATE of the victim gave to the call before a node took it for the call's."""
    told: dict[tuple[CallId, int], tuple[float, Update]] = {}
    for time_s, _, _, _, call, signer, identity, honest, *_ in trace.of("signed"):
        message = trace.messages.get(identity)
        if not isinstance(message, Update) or not honest or call not in facts.calls:
            continue
        if facts.calls[call].victim_key == signer:
            told.setdefault((call, message.sequence), (time_s, message))
    found: list[Violation] = []
    for (node, call, description), time_s in trace.described.items():
        if node not in facts.witnesses or call not in facts.calls:
            continue
        said_s, message = told.get((call, description.sequence), (None, None))
        same = all(getattr(message, name, None) == getattr(description, name) for name in UPDATED)
        if said_s is None or said_s > time_s or not same:
            why = f"believes in update {description.sequence} that no victim signed"
            found.append(Violation(NAME, time_s, node, why))
    return found

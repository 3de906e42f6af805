"""P3: no honest node takes a call for closed but by the rules of closing.

Comes in: what was signed, who was silent for whom, what closed where. Goes out: each closing that the signed messages
do not carry. Every rule is worked out anew from the messages, not with the code that is judged.
"""

from attrs import frozen

from p2p_sos.sim.checkers.reach import together
from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import CallFacts, Facts
from p2p_sos.sim.trace import Record, Trace
from p2p_sos.wire.messages import Attest, Key, StandDown

NAME = "P3"
ROUNDING_S = 1e-6  # a timer of a clock with a rate fires that much early or late


@frozen
class Closing:
    """A node took a call for closed; `before` is what had been signed about that call."""

    trace: Trace
    facts: Facts
    call: CallFacts
    node: str
    time_s: float
    how: str
    before: list[Record]

    def fault(self) -> str | None:
        """Why the signed messages do not carry it; None if they do."""
        words = {"cancelled": "CANCEL", "cleared": "ALL_CLEAR"}
        if self.how in words:
            word, victim = words[self.how], self.call.victim_key
            told = [r for r in self.before if r[3] == word and r[5] == victim and r[7]]
            return None if told else f"the victim signed no {word}"
        if self.how == "stood-down":
            return self._stood_down_fault()
        ends_s = self.call.ends_s
        if self.how == "expired" and ends_s is not None and self.time_s < ends_s - self.facts.clock_error_s:
            return f"its life ends at {ends_s:.1f}"
        return None  # crowded out is no closing: the call is forgotten, not over

    def _stood_down_fault(self) -> str | None:
        facts, attested = self.facts, _attested(self)
        groups = {
            facts.groups[r[5]]: None
            for r in self.before
            if isinstance(self.trace.messages.get(r[6]), StandDown)
            and r[5] in facts.rooted
            and r[5] in attested
        }
        wanted = self.call.timing.stand_down_f + 1
        if len(groups) < wanted:
            return f"{len(groups)} attested rooted groups stood down, {wanted} must"
        # A word counts as heard when it had time to come, and victim and node were not cut off from each other.
        since = self.time_s - self.call.timing.progress_silent_s * (1.0 - facts.clock_rate_error) + ROUNDING_S
        for record in self.before:
            said_s, victims = record[0], record[5] == self.call.victim_key
            if not victims or record[3] == "LETTER" or said_s <= since:
                continue
            if said_s >= self.time_s - facts.delta_s:
                continue
            if together(facts, (self.call.victim, self.node), said_s, self.time_s):
                return f"the victim spoke at {said_s:.1f}"
        return None


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """A closing is the victim's word, the end of life, or the word of enough attested rooted groups in its silence."""
    signed: dict[bytes, list[Record]] = {}
    for record in trace.of("signed"):
        signed.setdefault(record[4], []).append(record)
    found: list[Violation] = []
    for time_s, node, kind, call, how in _closings(trace):
        if node not in facts.witnesses or call not in facts.calls:
            continue
        before = [record for record in signed.get(call, []) if record[0] <= time_s]
        why = Closing(trace, facts, facts.calls[call], node, time_s, how, before).fault()
        if why is not None:
            found.append(Violation(NAME, time_s, node, f"{kind} as {how}: {why}"))
    return tuple(found)


def _closings(trace: Trace) -> list[tuple[float, str, str, bytes, str]]:
    told = [(r[0], r[1], r[2], r[3], r[4]) for r in trace.of("closed", "ended")]
    return told + [(r[0], r[1], "seen", r[3], r[8]) for r in trace.of("view") if r[8] is not None]


def _attested(closing: Closing) -> dict[Key, None]:
    """Whom the victim named, or enough groups other than one's own."""
    found: dict[Key, None] = {}
    by_others: dict[Key, dict[bytes, None]] = {}
    group = closing.facts.groups.get
    for record in closing.before:
        message = closing.trace.messages.get(record[6])
        if not isinstance(message, Attest):
            continue
        signer = message.signer
        for responder in message.responders:
            if signer == closing.call.victim_key:
                found[responder] = None
            elif group(signer, signer) != group(responder, responder):
                by_others.setdefault(responder, {})[group(signer, signer)] = None
    enough = closing.call.timing.stand_down_f + 1
    return found | {responder: None for responder, groups in by_others.items() if len(groups) >= enough}

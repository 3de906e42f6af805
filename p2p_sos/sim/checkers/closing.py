"""P3: no honest node takes a call for closed but by the rules of closing.

Comes in: what was signed, who was silent for whom, what closed where. Goes out: each closing that the signed messages
do not carry. Every rule is worked out anew from the messages, not with the code that is judged. A closing is held against a node
only for words that it must have known: an honest node's once both were together for the delay of gossip and a sync, a liar's or a
proof once it held them.
"""

from attrs import define, field, frozen

from p2p_sos.sim.checkers.reach import together
from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import CallFacts, Facts
from p2p_sos.sim.trace import Record, Trace
from p2p_sos.wire.messages import Attest, Key, MessageId
from p2p_sos.wire.registry import SYNC_PERIOD_S

NAME = "P3"
ROUNDING_S = 1e-6  # a timer of a clock with a rate fires that much early or late
STANCES = ("CLAIM", "DECLINE", "RELEASE", "STAND_DOWN")
STAYS = ("CLAIM", "STAND_DOWN")  # the stances in which somebody's ATTEST goes on to count


@define
class Known:
    """What nodes certainly held, and when: liars' words, convictions, and since when each node's disk lasts."""

    facts: Facts
    held: dict[tuple[str, MessageId], float] = field(factory=dict)
    convicted: dict[tuple[str, Key], float] = field(factory=dict)
    since: dict[str, float] = field(factory=dict)

    def read(self, trace: Trace) -> "Known":
        """All of a trace."""
        for record in trace.of("held", "convicted", "up"):
            time_s, node, kind = record[:3]
            if kind == "held":
                self.held.setdefault((node, record[4]), time_s)
            elif kind == "convicted":
                self.convicted.setdefault((node, record[3]), time_s)
            elif len(self.facts.keys.get(node, ())) > 1:  # it lost its disk, perhaps at this start
                self.since[node] = time_s
        return self

    def convicts(self, node: str, key: Key, at_s: float) -> bool:
        """Whether a node held a proof against this key."""
        since_s = self.convicted.get((node, key))
        return since_s is not None and self.since.get(node, since_s) <= since_s < at_s

    def knew(self, node: str, record: Record, at_s: float) -> bool:
        """Whether a node must have held what this record says was signed."""
        said_s, author = record[0], record[1]
        if author in self.facts.liars:
            held_s = self.held.get((node, record[6]))
            return held_s is not None and self.since.get(node, held_s) <= held_s < at_s
        since_s = max(said_s, self.since.get(node, said_s))
        if author == node:
            return bool(since_s == said_s < at_s)
        settled_s = since_s + self.facts.delta_s + SYNC_PERIOD_S
        return settled_s <= at_s and together(self.facts, (author, node), since_s, settled_s)


@frozen
class Closing:
    """A node took a call for closed; `before` is what had been signed about that call, forged words left out."""

    trace: Trace
    facts: Facts
    known: Known
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
        facts = self.facts
        if self.node == self.call.victim:
            return "the victim's own node closes nothing by others' words"
        attested = self._attested()
        groups = {
            facts.groups[r[5]]: None
            for r in self.before
            if r[3] == "STAND_DOWN" and r[5] in facts.rooted and r[5] in attested
            if self._counts(r[5], ("STAND_DOWN",))
        }
        wanted = self.call.timing.stand_down_f + 1
        if len(groups) < wanted:
            return f"{len(groups)} attested rooted groups stood down, {wanted} must"
        # A word counts as heard when it had time to come, and victim and node were not cut off from each other.
        since = self.time_s - self.call.timing.progress_silent_s * (1.0 - facts.clock_rate_error) + ROUNDING_S
        for record in self._victims_words():
            said_s = record[0]
            if not since < said_s < self.time_s - facts.delta_s:
                continue
            if together(facts, (self.call.victim, self.node), said_s, self.time_s):
                return f"the victim spoke at {said_s:.1f}"
        return None

    def _victims_words(self) -> list[Record]:
        """What the victim signed, its letters left out."""
        return [r for r in self.before if r[5] == self.call.victim_key and r[3] != "LETTER"]

    def _counts(self, key: Key, stances: tuple[str, ...]) -> bool:
        """Whether this responder may be unconvicted and in one of these stances, for all that the node must have known."""
        if self.known.convicts(self.node, key, self.time_s):
            return False
        said = [r for r in self.before if r[5] == key and r[3] in STANCES]
        wanted = [self._sequence(r) for r in said if r[3] in stances]
        after = [r for r in said if r[3] not in stances and self._sequence(r) > max(wanted, default=-1)]
        return bool(wanted) and not any(self.known.knew(self.node, r, self.time_s) for r in after)

    def _sequence(self, record: Record) -> int:
        return int(getattr(self.trace.messages.get(record[6]), "sequence", 0))

    def _attested(self) -> dict[Key, None]:
        """Whom the victim named, or, as long as it said nothing, enough groups other than one's own."""
        found: dict[Key, None] = {}
        by_others: dict[Key, dict[bytes, None]] = {}
        group = self.facts.groups.get
        for record in self.before:
            message = self.trace.messages.get(record[6])
            if not isinstance(message, Attest):
                continue
            signer = message.signer
            if signer == self.call.victim_key:
                found |= dict.fromkeys(message.responders)
            elif self._counts(signer, STAYS):
                for responder in message.responders:
                    if group(signer, signer) != group(responder, responder):
                        by_others.setdefault(responder, {})[group(signer, signer)] = None
        words = [r for r in self._victims_words() if r[3] != "CALL"]
        if any(self.known.knew(self.node, record, self.time_s) for record in words):
            return found  # "Once V has said anything, V alone attests." (06-board §8)
        enough = self.call.timing.stand_down_f + 1
        return found | {responder: None for responder, groups in by_others.items() if len(groups) >= enough}


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """A closing is the victim's word, the end of life, or the word of enough attested rooted groups in its silence."""
    signed: dict[bytes, list[Record]] = {}
    for record in trace.of("signed"):
        # A word under an honest key that is not honest is forged.
        if record[7] or not facts.is_honest(record[5]):
            signed.setdefault(record[4], []).append(record)
    found: list[Violation] = []
    known = Known(facts).read(trace)
    for time_s, node, kind, call, how in _closings(trace):
        if node not in facts.witnesses or call not in facts.calls:
            continue
        before = [record for record in signed.get(call, []) if record[0] <= time_s]
        why = Closing(trace, facts, known, facts.calls[call], node, time_s, how, before).fault()
        if why is not None:
            found.append(Violation(NAME, time_s, node, f"{kind} as {how}: {why}"))
    return tuple(found)


def _closings(trace: Trace) -> list[tuple[float, str, str, bytes, str]]:
    told = [(r[0], r[1], r[2], r[3], r[4]) for r in trace.of("closed", "ended")]
    return told + [(r[0], r[1], "seen", r[3], r[8]) for r in trace.of("view") if r[8] is not None]

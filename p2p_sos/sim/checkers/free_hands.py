"""No open call goes without help for long while somebody able has a free hand.

Comes in: who heard which call, who claimed, gave back, died, and where calls were over. Goes out: each call that waited too long
beside a free hand. Able is who answers for what is asked, runs, heard the call and has not answered it yet; its hand is free from the
moment at which it knows that the call that held it is over. It is for runs without people, deaths and lies.
"""

from attrs import define, field

from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.trace import Record, Trace
from p2p_sos.wire.messages import CallId, Card
from p2p_sos.wire.registry import S1

NAME = "hands"
GOES = ("DECLINE", "RELEASE", "STAND_DOWN")
OVER = ("CANCEL", "ALL_CLEAR")
KINDS = ("signed", "heard", "closed", "ended", "up", "down")


@define
class Hands:
    """Who has what in hand at the moment of the last record."""

    facts: Facts
    slots: dict[str, int] = field(factory=dict)
    down: dict[str, None] = field(factory=dict)
    holds: dict[str, dict[CallId, None]] = field(factory=dict)
    open: dict[CallId, dict[str, None]] = field(factory=dict)  # who holds it
    could: dict[CallId, dict[str, None]] = field(factory=dict)  # who heard it, is able, and has not answered

    def step(self, trace: Trace, record: Record) -> None:
        """One record."""
        node, kind = record[1:3]
        if kind in ("up", "down"):
            self.down.pop(node, None)
            if kind == "down":
                self.down[node] = None
        elif kind == "heard":
            if node in self.facts.calls[record[3]].capable:
                self.could.setdefault(record[3], {})[node] = None
        elif kind in ("closed", "ended"):
            self.holds.get(node, {}).pop(record[3], None)
            self.could.get(record[3], {}).pop(node, None)
        elif record[7]:
            self._said(trace, node, record[3], record[4], record[6])

    def _said(self, trace: Trace, node: str, kind: str, call: CallId, identity: bytes) -> None:
        message = trace.messages.get(identity)
        if isinstance(message, Card):
            self.slots[node] = max(message.slots, self.slots.get(node, 0))
        elif kind == "CALL":
            self.open[call] = {}
        elif kind in OVER:
            self.open.pop(call, None)
        elif kind == "CLAIM":
            self.holds.setdefault(node, {})[call] = None
            self.open.get(call, {})[node] = None
            self.could.get(call, {}).pop(node, None)
        elif kind in GOES:
            self.holds.get(node, {}).pop(call, None)
            self.open.get(call, {}).pop(node, None)
            self.could.get(call, {}).pop(node, None)

    def is_free(self, node: str) -> bool:
        """Whether a node runs and has promised fewer hands than it has."""
        return node not in self.down and len(self.holds.get(node, {})) < self.slots.get(node, 0)

    def is_full(self, node: str) -> bool:
        """Whether a node, whose card is known, has promised all of its hands."""
        return len(self.holds.get(node, {})) >= self.slots.get(node, 1_000)

    def waiting(self) -> list[CallId]:
        """The open calls that nobody who runs holds though somebody able has a free hand."""
        free = {node: None for node in self.facts.honest if self.is_free(node)}
        return [
            call
            for call, holders in self.open.items()
            if all(node in self.down for node in holders) and any(n in free for n in self.could.get(call, {}))
        ]


def at_the_end(trace: Trace, facts: Facts) -> Hands:
    """What everybody has in hand when the run is over."""
    hands = Hands(facts)
    for record in trace.of(*KINDS):
        if record[2] != "heard" or record[3] in facts.calls:
            hands.step(trace, record)
    return hands


def waits(trace: Trace, facts: Facts) -> dict[CallId, tuple[float, float]]:
    """The longest time that each call waited beside a free hand: since when, and for how long."""
    hands, since, found = Hands(facts), dict[CallId, float](), dict[CallId, tuple[float, float]]()

    def over(call: CallId, at_s: float) -> None:
        since_s = since.pop(call)
        if at_s - since_s > found.get(call, (0.0, 0.0))[1]:
            found[call] = since_s, at_s - since_s

    records = [r for r in trace.of(*KINDS) if r[2] != "heard" or r[3] in facts.calls]
    for index, record in enumerate(records):
        hands.step(trace, record)
        if index + 1 < len(records) and records[index + 1][0] == record[0]:
            continue
        waiting = dict.fromkeys(hands.waiting())
        for call in [call for call in since if call not in waiting]:
            over(call, record[0])
        for call in waiting:
            since.setdefault(call, record[0])
    for call in list(since):
        over(call, facts.duration_s)
    return found


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """Nobody waits longer than a closing takes to be heard, and a wait of the first class."""
    return tuple(
        Violation(
            NAME,
            since_s + within_s(facts),
            facts.calls[call].victim,
            f"waits for {span_s:.2f} s beside a free hand",
        )
        for call, (since_s, span_s) in waits(trace, facts).items()
        if span_s > within_s(facts)
    )


def within_s(facts: Facts) -> float:
    """Whoever has its hand free looks at once, and finds calls whose bands are open; one that is new may have to wait for a band."""
    return facts.delta_s + S1.band_wait_s

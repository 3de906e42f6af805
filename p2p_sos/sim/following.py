"""Whom the nodes follow in one call, from moment to moment: one walk over the views, for whoever asks about leads.

Decides what *they agree* means: every node that runs and for which the call is open follows the same lead; one that has
not heard of the call follows nobody, and one that saw it closed is asked again only if it sees it open again. Comes in: a trace and the facts. Goes out: `Stretch`es of true time. Must not know
messages, or what is promised.
"""

from collections.abc import Iterable, Sequence

from attrs import define, field, frozen

from p2p_sos.sim.facts import Facts
from p2p_sos.sim.trace import Record, Trace
from p2p_sos.wire.messages import CallId, Key


@frozen
class Stretch:
    """Between two times: how many `nodes` are asked, the `lead` of all (None: they differ), who takes itself for it."""

    start_s: float
    end_s: float
    nodes: int
    lead: Key | None
    leading: tuple[str, ...]


@define
class Walk:
    """Whom each node follows now, counted by lead, so that a step costs the same in a world of any size."""

    call: CallId
    facts: Facts
    leads: dict[str, Key | None]
    counts: dict[Key | None, int] = field(factory=dict)
    leading: dict[str, None] = field(factory=dict)
    done: dict[str, None] = field(factory=dict)  # for whom the call is over, after a restart too

    def __attrs_post_init__(self) -> None:
        for lead in self.leads.values():
            self.counts[lead] = self.counts.get(lead, 0) + 1

    def step(self, record: Record) -> None:
        """One record of a node that is asked about."""
        node, kind = record[1:3]
        if kind == "up":
            if node not in self.done:
                self._follow(node, None)
        elif kind == "down":
            self._leave(node)
        elif record[3] == self.call and (kind == "ended" or record[8] is not None):
            self._leave(node)
            self.done[node] = None
        elif record[3] == self.call:
            self.done.pop(node, None)
            self._follow(node, record[4])

    def _leave(self, node: str) -> None:
        if node in self.leads:
            lead = self.leads.pop(node)
            self.counts[lead] -= 1
            if not self.counts[lead]:
                del self.counts[lead]
        self.leading.pop(node, None)

    def _follow(self, node: str, lead: Key | None) -> None:
        self._leave(node)
        self.leads[node] = lead
        self.counts[lead] = self.counts.get(lead, 0) + 1
        if lead is not None and self.facts.owners.get(lead) == node:
            self.leading[node] = None

    @property
    def now(self) -> tuple[int, Key | None, tuple[str, ...]]:
        """How many there are, the lead of all, and who takes itself for it."""
        lead = next(iter(self.counts)) if len(self.counts) == 1 else None
        return len(self.leads), lead, tuple(sorted(self.leading))


def stretches(trace: Trace, facts: Facts, call: CallId, among: Iterable[str] | None = None) -> list[Stretch]:
    """The whole run as these nodes (None: all honest ones, victims too) saw it; what happens at one moment is one step."""
    asked = dict.fromkeys(facts.witnesses if among is None else among)
    records = [r for r in trace.of("view", "ended", "up", "down") if r[1] in asked]
    lives: dict[str, str] = {}
    for record in records:
        if record[2] in ("up", "down"):
            lives.setdefault(record[1], record[2])
    walk = Walk(call, facts, {node: None for node in asked if lives.get(node) != "up"})
    found: list[Stretch] = []
    since_s, now = facts.epochs[0].start_s if facts.epochs else 0.0, walk.now
    for index, record in enumerate(records):
        walk.step(record)
        if index + 1 < len(records) and records[index + 1][0] == record[0]:
            continue
        if walk.now != now:
            if record[0] > since_s:
                found.append(Stretch(since_s, record[0], *now))
            since_s, now = record[0], walk.now
    found.append(Stretch(since_s, max(since_s, facts.duration_s), *now))
    return found


def agreements(seen: Iterable[Stretch], but: Sequence[Key] = ()) -> list[tuple[float, float]]:
    """From when to when one lead, none of `but`, was followed by all; another lead begins another span."""
    found: list[tuple[float, float, Key]] = []
    for stretch in seen:
        if stretch.lead is None or stretch.lead in but:
            continue
        if found and found[-1][1:] == (stretch.start_s, stretch.lead):
            found[-1] = (found[-1][0], stretch.end_s, stretch.lead)
        else:
            found.append((stretch.start_s, stretch.end_s, stretch.lead))
    return [(start_s, end_s) for start_s, end_s, _ in found]


def first_s(agreed: Iterable[tuple[float, float]], since_s: float) -> float | None:
    """How long after `since_s` they agreed first; None if they never did."""
    return next((max(0.0, start_s - since_s) for start_s, end_s in agreed if end_s > since_s), None)


def lasting_s(agreed: Sequence[tuple[float, float]], since_s: float, until_s: float) -> float | None:
    """How long after `since_s` they agreed and went on to until `until_s`; None if they did not in the end."""
    if not agreed or agreed[-1][1] < until_s:
        return None
    return max(0.0, agreed[-1][0] - since_s)


def rivals_s(seen: Iterable[Stretch]) -> float:
    """For how long more than one took itself for the lead."""
    return sum(stretch.end_s - stretch.start_s for stretch in seen if len(stretch.leading) > 1)

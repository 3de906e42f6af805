"""When whom the victim met filled all the places of its call: then nobody else is wanted, whoever they are.

Decides when a claim of somebody whom V attested holds its place. Comes in: what was signed. Goes out: spans of true time. It is
worked out from the messages, not with the code that is judged, and errs on the long side: a roll call may end a lease sooner.
"""

from attrs import define, field

from p2p_sos.sim.checkers.reach import in_company
from p2p_sos.sim.facts import CallFacts, Facts
from p2p_sos.sim.trace import Record, Trace
from p2p_sos.wire.messages import Attest, Key
from p2p_sos.wire.registry import LEASE_SLOW_FACTOR

GOES = ("DECLINE", "RELEASE", "STAND_DOWN")
Spans = list[tuple[float, float]]


@define
class _Places:
    """Who is met, who claims, and until when each claim lives, at the moment of the last record."""

    call: CallFacts
    met: dict[Key, None] = field(factory=dict)
    holds: dict[Key, float] = field(factory=dict)  # until when, if nothing more is heard
    convicted: dict[Key, None] = field(factory=dict)

    def step(self, trace: Trace, facts: Facts, record: Record) -> None:
        """One more record."""
        if record[2] == "convicted":
            self.convicted[record[3]] = None
            return
        time_s, kind, signer = record[0], record[3], record[5]
        message = trace.messages.get(record[6])
        victims = signer == self.call.victim_key and in_company(facts, self.call.victim, time_s)
        if isinstance(message, Attest) and victims and record[7]:
            self.met |= dict.fromkeys(message.responders)
        elif kind in GOES:
            self.holds.pop(signer, None)
        elif kind == "CLAIM" or signer in self.holds:
            self.holds[signer] = time_s + self.call.timing.lease_s * LEASE_SLOW_FACTOR

    def full_until_s(self, facts: Facts, now_s: float) -> float | None:
        """Until when `k` groups hold their places if nobody says anything more; None if they do not."""
        until: dict[bytes, float] = {}
        for key, until_s in self.holds.items():
            if key in self.met and key not in self.convicted and until_s > now_s:
                group = facts.groups.get(key, key)
                until[group] = max(until_s, until.get(group, 0.0))
        k = self.call.timing.k
        return sorted(until.values())[-k] if len(until) >= k else None


def filled(trace: Trace, facts: Facts, call: CallFacts) -> Spans:
    """The spans in which `k` groups whom V attested held the places, in order."""
    places = _Places(call)
    found: Spans = []
    since_s: float | None = None
    until_s: float | None = None
    for record in trace.of("signed", "convicted"):
        if record[2] == "signed" and record[4] != call.call:
            continue
        if since_s is not None and until_s is not None and until_s <= record[0]:
            found.append((since_s, until_s))  # somebody fell silent
            since_s = None
        places.step(trace, facts, record)
        until_s = places.full_until_s(facts, record[0])
        if until_s is None and since_s is not None:
            found.append((since_s, record[0]))
            since_s = None
        elif until_s is not None and since_s is None:
            since_s = record[0]
    if since_s is not None and until_s is not None:
        found.append((since_s, min(until_s, facts.duration_s)))
    return found


def wanted_since(spans: Spans, since_s: float, within_s: float) -> float:
    """From when on somebody must come within a time: `since_s`, or the last moment at which all places were filled before it was over."""
    for start_s, end_s in spans:
        if start_s <= since_s + within_s and end_s > since_s:
            since_s = end_s
    return since_s

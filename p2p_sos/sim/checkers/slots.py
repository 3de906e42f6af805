"""No honest responder promises more hands than its card has, nor the same hands twice.

Comes in: what honest responders signed, and which calls were over for them. Goes out: each claim beyond the card, and
each place of a slot that stands in two messages.
"""

from collections.abc import Iterator
from itertools import groupby

from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.trace import Record, Trace
from p2p_sos.wire.messages import CallId, Card, Claim, Decline, Key, MessageId, Release, StandDown

NAME = "slots"


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """At every moment an honest key holds at most as many claims as its card has slots, each slot in its own epoch."""
    slots: dict[Key, int] = {}
    used: dict[tuple[Key, int, int], MessageId] = {}
    holds: dict[Key, dict[CallId, int]] = {}
    found: list[Violation] = []
    for record, over_now in _as_it_happened(trace):
        time_s, node, kind = record[:3]
        if kind != "signed":
            for key in facts.keys.get(node, ()):
                holds.get(key, {}).pop(record[3], None)
            continue
        signer, identity, honest = record[5:8]
        message = trace.messages.get(identity)
        if not honest or node not in facts.honest:
            continue
        if isinstance(message, Card):
            slots[signer] = max(slots.get(signer, 0), message.slots)
        elif isinstance(message, Decline | Release | StandDown):
            holds.get(signer, {}).pop(message.call, None)
        elif isinstance(message, Claim):
            # What is over at the moment of its claim takes no hand from any other.
            held = {} if message.call in over_now else holds.setdefault(signer, {})
            held[message.call] = message.slot
            found += _faults(time_s, node, identity, message, used, held, slots.get(signer))
    return tuple(found)


def _as_it_happened(trace: Trace) -> Iterator[tuple[Record, frozenset[CallId]]]:
    """Of one event at one node the trace tells first what travelled, then what people were told; a node ends a call first.

    With each record, the calls that were over for this node at this very moment: sync may bring a call, make the node claim
    it, and end it, all in one.
    """
    records = trace.of("signed", "closed", "ended")
    for _, of_one_moment in groupby(records, key=lambda record: record[:2]):
        together = list(of_one_moment)
        over_now = frozenset(record[3] for record in together if record[2] != "signed")
        for record in sorted(together, key=lambda record: record[2] == "signed"):
            yield record, over_now


def _faults(  # noqa: PLR0917 (one claim is judged by all of these)
    time_s: float,
    node: str,
    identity: MessageId,
    claim: Claim,
    used: dict[tuple[Key, int, int], MessageId],
    held: dict[CallId, int],
    slots: int | None,
) -> list[Violation]:
    found: list[Violation] = []
    place = (claim.signer, claim.slot, claim.slot_epoch)
    if used.setdefault(place, identity) != identity:
        found.append(
            Violation(NAME, time_s, node, f"uses slot {claim.slot}, epoch {claim.slot_epoch}, twice")
        )
    if slots is not None and (len(held) > slots or claim.slot >= slots):
        found.append(
            Violation(NAME, time_s, node, f"holds {len(held)} claims, slot {claim.slot}, of {slots}")
        )
    if list(held.values()).count(claim.slot) > 1:
        found.append(Violation(NAME, time_s, node, f"promises slot {claim.slot} to two calls"))
    return found

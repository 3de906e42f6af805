"""S1 first: nobody honest gives its last hands to a call while it knows of a graver one that has no help at all.

Comes in: what honest responders signed, which calls they heard, what their boards said. Goes out: each claim that took the
hand of a graver call. It is for runs without people and without requisitions: those may choose, and need say nothing.
"""

from collections.abc import Iterator
from itertools import groupby

from attrs import define, field

from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.trace import Record, Trace
from p2p_sos.wire.messages import CallId, Card, Claim, Decline, Key, Release, StandDown
from p2p_sos.wire.registry import TIMINGS, Timing

NAME = "graver-first"
GRAVITY = {
    timing.name: -severity for severity, timing in TIMINGS.items()
}  # of two severities of one class the graver


@define
class _Node:
    """What one honest node knew and said. `unhelped`: the open calls that it heard and that nobody helps as it sees it."""

    slots: int = 0
    unhelped: dict[CallId, None] = field(factory=dict)
    answered: dict[CallId, None] = field(factory=dict)
    holds: dict[CallId, None] = field(factory=dict)


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """Whoever claims a call has a hand left for each graver one that it heard, could help, and sees without help."""
    nodes: dict[str, _Node] = {name: _Node() for name in facts.honest}
    found: list[Violation] = []
    for record in _as_it_happened(trace):
        time_s, name, kind = record[:3]
        node = nodes.get(name)
        if node is None:
            continue
        if kind == "signed":
            message = trace.messages.get(record[6])
            if isinstance(message, Claim) and record[7]:
                found += _faults(time_s, name, node, message, facts)
            _said(node, message, record[5], name, facts)
        elif (kind == "view" and not record[7] and record[8] is None) or kind == "heard":
            node.unhelped[record[3]] = None
        else:
            node.unhelped.pop(record[3], None)
            if kind != "view":
                node.holds.pop(record[3], None)
    return tuple(found)


def _as_it_happened(trace: Trace) -> Iterator[Record]:
    """What a node learnt by one event stands before what it said to it: the trace tells first what travelled."""
    records = trace.of("signed", "heard", "view", "closed", "ended")
    for _, of_one_event in groupby(records, key=lambda record: record[:2]):
        yield from sorted(of_one_event, key=lambda record: record[2] == "signed")


def _said(node: _Node, message: object, signer: Key, name: str, facts: Facts) -> None:
    if signer not in facts.keys.get(name, ()):
        return
    if isinstance(message, Card):
        node.slots = max(node.slots, message.slots)
    elif isinstance(message, Claim):
        node.answered[message.call] = node.holds[message.call] = None
    elif isinstance(message, Decline | Release | StandDown):
        node.answered[message.call] = None
        node.holds.pop(message.call, None)


def _faults(time_s: float, name: str, node: _Node, claim: Claim, facts: Facts) -> list[Violation]:
    own = facts.calls.get(claim.call)
    if own is None:
        return []
    graver = [
        call
        for call in node.unhelped
        if call not in node.answered
        and (other := facts.calls.get(call)) is not None
        and name in other.capable
        and _gravity(other.timing) < _gravity(own.timing)
    ]
    held = len([call for call in node.holds if call != claim.call])
    if len(graver) < node.slots - held or not graver:
        return []
    why = f"claims a call of {own.timing.name} while {len(graver)} graver ones have no help, {held} of {node.slots} in hand"
    return [Violation(NAME, time_s, name, why)]


def _gravity(timing: Timing) -> int:
    return GRAVITY[timing.name]

"""At the end of a run that had its rest, a call that is still open is led, and helped.

Comes in: what nodes saw, who claims. Goes out: each component that follows no lead, or several, and each call that nobody
honest who runs there holds, though somebody capable ran in it for all of the rest that is asked for. Whom the victim itself named
last counts as well: who names liars alone sends everybody else home. And so do `k` groups whom it met, whoever they are. Where all
who could come have their hands full with other calls, nothing is asked.
"""

from attrs import evolve

from p2p_sos.sim.checkers.first_help import bound_s, liars_in_front
from p2p_sos.sim.checkers.free_hands import at_the_end
from p2p_sos.sim.checkers.met import filled, wanted_since
from p2p_sos.sim.checkers.reach import together_since
from p2p_sos.sim.checkers.requisition_effect import requisitions
from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import CallFacts, Component, Facts
from p2p_sos.sim.following import stretches
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.messages import Key, Update
from p2p_sos.wire.registry import SYNC_PERIOD_S, TIMINGS

NAME = "rest"
HOLD, GO = ("CLAIM", "RENEW", "SITREP"), ("DECLINE", "RELEASE", "STAND_DOWN")


def timed(trace: Trace, call: CallFacts) -> CallFacts:
    """The call with the slowest timers that it ever had: an UPDATE may make it milder."""
    words = (trace.messages.get(r[6]) for r in trace.of("signed") if r[4] == call.call and r[7])
    timings = [TIMINGS[word.severity] for word in words if isinstance(word, Update)]
    return evolve(call, timing=max([call.timing, *timings], key=lambda timing: timing.lease_s))


def rest_s(call: CallFacts, facts: Facts) -> float:
    """A sync, a lease after which the dead are missed, the bound of a first claim, and the longest HOLD."""
    liars = liars_in_front(facts, call)
    first_s = bound_s(call, liars, facts.delta_s, victim_speaks=False)
    return SYNC_PERIOD_S + 2 * call.timing.lease_s + first_s


def check(trace: Trace, facts: Facts) -> tuple[Violation, ...]:
    """Whoever was together for so long follows one lead, and somebody among them claims."""
    found: list[Violation] = []
    end_s, hands = facts.duration_s, at_the_end(trace, facts)
    for told in facts.calls.values():
        call = timed(trace, told)
        since_s = end_s - rest_s(call, facts)
        full = filled(trace, facts, call) if facts.liars else []
        for component in facts.epochs[-1].components if facts.epochs else ():
            since = together_since(facts, component, end_s - 1e-6)
            there = [node for node in component if node in call.capable]
            if not there or since is None or since > since_s:
                continue
            last = stretches(trace, facts, call.call, component)[-1]
            held = _held(trace, facts, call, component)
            if not last.nodes or (not held and all(hands.is_full(node) for node in there)):
                continue
            if last.lead is None:
                found.append(Violation(NAME, end_s, there[0], f"{last.nodes} nodes do not follow one lead"))
            if not held and wanted_since(full, since_s, end_s - since_s) == since_s:
                found.append(Violation(NAME, end_s, there[0], "nobody who runs here claims"))
    return tuple(found)


def _named(trace: Trace, facts: Facts, call: CallFacts) -> tuple[Key, ...]:
    """Whom the victim's last requisition of a call names."""
    asked = [one for _, about, one in requisitions(trace, facts) if about.call == call.call]
    last = max(asked, key=lambda one: one.sequence, default=None)
    return () if last is None else (last.lead, *last.members)


def _held(trace: Trace, facts: Facts, call: CallFacts, component: Component) -> dict[str, None]:
    """Who in a component claims, honest or named. Who starts again from its disk goes on, as its next renewal shows."""
    named = _named(trace, facts, call)
    holders: dict[str, None] = {}
    for record in trace.of("signed", "down"):
        if record[2] == "down":
            holders.pop(record[1], None)
            continue
        honest = record[7] and record[1] in facts.honest and record[1] in component
        # A liar stands in no component; while it reports it holds the call, and nobody may come in its stead.
        reports = record[5] in named and record[1] not in facts.honest
        liar = reports and record[0] > facts.duration_s - 2 * call.timing.lease_s
        if record[4] == call.call and (honest or liar):
            if record[3] in HOLD:
                holders[record[1]] = None
            elif record[3] in GO:
                holders.pop(record[1], None)
    return holders

"""How long it took until all agreed again: the measures of scenarios in which something is lost.

Decides what *agreed* means. Comes in: a trace and the facts. Goes out: spans in seconds, None where it did not happen.
"""

from collections.abc import Callable, Iterable, Sequence

from p2p_sos.sim.checkers.livelock import changes
from p2p_sos.sim.checkers.replacement import recoveries
from p2p_sos.sim.facts import CallFacts, Facts
from p2p_sos.sim.scenario import Measures, Outcome
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.messages import Key

MINUTE_S = 60.0
NEVER_S = 1e9


def first_call(facts: Facts) -> CallFacts:
    """The call that a scenario is about."""
    return next(iter(facts.calls.values()))


def agreed_s(
    trace: Trace, facts: Facts, since_s: float, among: Iterable[str], but: Sequence[Key] = ()
) -> float | None:
    """How long after `since_s` these honest nodes, as far as they ran, all followed one lead, none of `but`."""
    call, there = first_call(facts).call, dict.fromkeys(among)
    leads: dict[str, Key | None] = {}
    now_s = since_s
    for record in [*trace.of("heard", "view", "down", "ended"), (NEVER_S, "", "end")]:
        at_s, node, kind = record[:3]
        if at_s > since_s and _one(leads, but):
            return max(0.0, now_s - since_s)
        if at_s == NEVER_S:
            break
        now_s = at_s
        if node not in there:
            continue
        if kind in ("down", "ended"):
            leads.pop(node, None)
        elif record[3] == call:
            leads[node] = record[4] if kind == "view" else leads.get(node)
    return None


def _one(leads: dict[str, Key | None], but: Sequence[Key]) -> bool:
    seen = dict.fromkeys(leads.values())
    lead = next(iter(seen), None)
    return len(seen) == 1 and lead is not None and lead not in but


def replaced(trace: Trace, facts: Facts) -> Measures:
    """The longest time that a lead which died went unreplaced."""
    spans = [span for *_, span in recoveries(trace, facts)]
    return {
        "recovery_s": None if not spans or None in spans else max(span for span in spans if span is not None)
    }


def after(verb: str) -> Callable[[Trace, Facts], Measures]:
    """From the last fault of this verb until all honest nodes follow one lead."""

    def measure(trace: Trace, facts: Facts) -> Measures:
        times = [record[0] for record in trace.of("fault") if record[3] == verb]
        spans = [agreed_s(trace, facts, times[-1], facts.honest)] if times else [None]
        return {"recovery_s": spans[0], **unrest(trace, facts)}

    return measure


def unrest(trace: Trace, facts: Facts) -> dict[str, float]:
    """The most changes of lead that any node saw within a minute."""
    worst = 0
    for times in changes(trace, facts).values():
        worst = max(worst, *(sum(start <= time < start + MINUTE_S for time in times) for start in times))
    return {"changes_a_minute": float(worst)}


def every(measure: str, sentence: str) -> Callable[[Sequence[Outcome]], str | None]:
    """A rule: this measure is there in every run."""

    def rule(outcomes: Sequence[Outcome]) -> str | None:
        missed = [outcome.seed for outcome in outcomes if outcome.measures.get(measure) is None]
        return f"{sentence} in seeds {missed}" if missed else None

    return rule


def at_most(measure: str, most: float) -> Callable[[Sequence[Outcome]], str | None]:
    """A rule: this measure, where it is there, never exceeds a number."""

    def rule(outcomes: Sequence[Outcome]) -> str | None:
        worse = [outcome.seed for outcome in outcomes if (outcome.measures.get(measure) or 0.0) > most]
        return f"{measure} above {most:g} in seeds {worse}" if worse else None

    return rule


def at_least(measure: str, least: float) -> Callable[[Sequence[Outcome]], str | None]:
    """A rule: this measure is there, and never below a number."""

    def rule(outcomes: Sequence[Outcome]) -> str | None:
        worse = [o.seed for o in outcomes if (value := o.measures.get(measure)) is None or value < least]
        return f"{measure} below {least:g} in seeds {worse}" if worse else None

    return rule

"""How long it took until all agreed again: the measures of scenarios in which something is lost.

Decides since when, and for how long, it must be one lead. Comes in: a trace and the facts. Goes out: spans in seconds, None
where it did not happen.
"""

import math
from collections.abc import Callable, Iterable, Sequence

from attrs import frozen

from p2p_sos.sim.checkers.first_help import claims
from p2p_sos.sim.checkers.helped import gaps
from p2p_sos.sim.checkers.livelock import bursts, changes
from p2p_sos.sim.checkers.replacement import recoveries
from p2p_sos.sim.facts import CallFacts, Facts
from p2p_sos.sim.following import agreements, lasting_s, stretches
from p2p_sos.sim.scenario import Measures, Outcome
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.messages import Key

MINUTE_S = 60.0


def first_call(facts: Facts) -> CallFacts | None:
    """The call that a scenario is about; None if nobody called, as where the call is left out or the run ends before it."""
    return next(iter(facts.calls.values()), None)


def followed(
    trace: Trace, facts: Facts, among: Iterable[str] | None = None, but: Sequence[Key] = ()
) -> list[tuple[float, float]]:
    """When these nodes (None: all) followed one lead of the first call, none of `but`."""
    call = first_call(facts)
    return [] if call is None else agreements(stretches(trace, facts, call.call, among), but)


def settled_s(trace: Trace, facts: Facts, since_s: float) -> float | None:
    """How long after `since_s` all followed one lead and went on to until the end; None if they did not."""
    return lasting_s(followed(trace, facts), since_s, facts.duration_s)


def replaced(trace: Trace, facts: Facts) -> Measures:
    """The longest time that a lead which died went unreplaced."""
    spans = [span for *_, span in recoveries(trace, facts)]
    whole = spans and None not in spans
    return {
        "recovery_s": max(span for span in spans if span is not None) if whole else None,
        "gap_s": unhelped_s(trace, facts, first_call(facts)),
    }


def after(verb: str) -> Callable[[Trace, Facts], Measures]:
    """From the last fault of this verb until all honest nodes follow one lead for the rest of the run."""

    def measure(trace: Trace, facts: Facts) -> Measures:
        times = [record[0] for record in trace.of("fault") if record[3] == verb]
        settled = settled_s(trace, facts, times[-1]) if times else None
        return {"recovery_s": settled, **unrest(trace, facts)}

    return measure


def unhelped_s(trace: Trace, facts: Facts, call: CallFacts | None) -> float | None:
    """For how long nobody honest who ran held a claim, once one had come; None if none ever came."""
    held = None if call is None else claims(trace, facts).get(call.call)
    if call is None or not held:
        return None
    since_s = held[0][0]
    return sum(
        end_s - max(start_s, since_s) for start_s, end_s in gaps(trace, facts, call) if end_s > since_s
    )


def unrest(trace: Trace, facts: Facts) -> dict[str, float]:
    """The most changes of lead that any node saw within a minute; those within one gossip delay are one, as for the checker."""
    worst = 0
    for every_change in changes(trace, facts).values():
        times = bursts(every_change, facts.delta_s)
        worst = max(worst, *(sum(start <= time < start + MINUTE_S for time in times) for start in times))
    return {"changes_a_minute": float(worst)}


def every(measure: str, sentence: str) -> Callable[[Sequence[Outcome]], str | None]:
    """A rule: this measure is there in every run."""

    def rule(outcomes: Sequence[Outcome]) -> str | None:
        missed = [outcome.seed for outcome in outcomes if outcome.measures.get(measure) is None]
        return f"{sentence} in seeds {missed}" if missed else None

    return rule


@frozen
class Bound:
    """A rule: in the seeds `of` which it is asked a measure is there (unless it may be missing: `rarely`) and never beyond a number."""

    measure: str
    limit: float
    most: bool  # else it is the least
    rarely: bool
    of: Callable[[int], bool]

    def __call__(self, outcomes: Sequence[Outcome]) -> str | None:
        """What is wrong with these runs."""
        asked = [outcome for outcome in outcomes if self.of(outcome.seed)]
        worse = [outcome.seed for outcome in asked if self._beyond(outcome.measures.get(self.measure))]
        side = f"above {self.limit:g}, or unknown," if self.most else f"below {self.limit:g}"
        return f"{self.measure} {side} in seeds {worse}" if worse else None

    def _beyond(self, value: float | None) -> bool:
        if value is None:
            return not self.rarely
        return value > self.limit if self.most else value < self.limit

    def worst(self, outcomes: Sequence[Outcome]) -> tuple[float | None, int] | None:
        """The value nearest to the limit, or farthest beyond it, and its seed; None for one that is not there; nothing of no runs."""
        asked = [(o.measures.get(self.measure), o.seed) for o in outcomes if self.of(o.seed)]
        told = [(value, seed) for value, seed in asked if value is not None or not self.rarely]
        if not told:
            return None
        unknown = math.inf if self.most else -math.inf
        values = [unknown if value is None else value for value, _ in told]
        return told[values.index(max(values) if self.most else min(values))]

    def __str__(self) -> str:
        return f"{self.measure} {'at most' if self.most else 'at least'} {self.limit:g}"


def at_most(
    measure: str, most: float, *, rarely: bool = False, of: Callable[[int], bool] = lambda _: True
) -> Bound:
    """A rule: this measure is there, and never exceeds a number, in the seeds `of` which it is asked; `rarely`: it need not be there."""
    return Bound(measure, most, most=True, rarely=rarely, of=of)


def seen(measure: str, of_runs: int) -> Callable[[Sequence[Outcome]], str | None]:
    """A rule: of so many runs at least one had something to measure, or a limit on it says nothing."""

    def rule(outcomes: Sequence[Outcome]) -> str | None:
        met = any(outcome.measures.get(measure) is not None for outcome in outcomes)
        return None if met or len(outcomes) < of_runs else f"{measure} in none of {len(outcomes)} runs"

    return rule


def at_least(measure: str, least: float, *, of: Callable[[int], bool] = lambda _: True) -> Bound:
    """A rule: this measure is there, and never below a number, in the seeds `of` which it is asked."""
    return Bound(measure, least, most=False, rarely=False, of=of)

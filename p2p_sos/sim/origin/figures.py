"""What many trials come to: recall with its interval, precision, delivery, and which figures are missed.

Decides how figures are pooled, and the limits. Comes in: trials. Goes out: values and sentences. Must not know how a trial
was run.

Recall: the share of calls whose caller the estimator names. Precision, as in Fanti et al. (2018, section 3.1): for each call that is
named rightly, one over the number of calls of its graph that were given the same name; the mean over all calls. Calls of one
graph are not independent, since they share its spies: so an interval comes from the spread between graphs.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from statistics import fmean, stdev

from attrs import frozen

from p2p_sos.sim.campaign import percentile
from p2p_sos.sim.origin.estimators import ESTIMATORS
from p2p_sos.sim.origin.trial import Called, Trial

SLACK = 0.03  # issue: recall may exceed the share of spies by so much
POWER_MIN = 0.5  # issue: what plain gossip must give away, or the test shows nothing
DELIVERY_P95_MAX_S = 60.0  # issue: with black holes on the stem
NORMAL_95 = 1.96
FIRST_SPY = "earliest_sender"  # the first-spy estimator whose spies know the flights over their own links


@frozen
class Share:
    """A share of calls, and an interval that covers the true one in 95 of 100 repetitions; None of one graph alone."""

    value: float
    low: float | None
    high: float | None

    def told(self) -> dict[str, float | None]:
        """Rounded, for people and programs."""
        return {
            "value": round(self.value, 4),
            "low": None if self.low is None else round(self.low, 4),
            "high": None if self.high is None else round(self.high, 4),
        }


def share(trials: Sequence[Trial], holds: Callable[[Called], bool]) -> Share:
    """The share of calls of which something holds."""
    means = [fmean(holds(call) for call in trial.calls) for trial in trials]
    value = fmean(holds(call) for trial in trials for call in trial.calls)
    half = _half(means)
    return (
        Share(value, None, None)
        if half is None
        else Share(value, max(0.0, value - half), min(1.0, value + half))
    )


def _half(of_graphs: Sequence[float]) -> float | None:
    """Half the width of the interval around a mean over graphs; None of one graph alone."""
    return None if len(of_graphs) < 2 else NORMAL_95 * stdev(of_graphs) / math.sqrt(len(of_graphs))


def more_recall(trials: Sequence[Trial], than: Sequence[Trial]) -> Share:
    """How much more recall is than in the same graphs otherwise, graph by graph; below 0 if less."""
    assert [trial.seed for trial in trials] == [trial.seed for trial in than], "the same graphs"
    pairs = zip(trials, than, strict=True)
    rises = [recall([one]).value - recall([other]).value for one, other in pairs]
    value, half = fmean(rises), _half(rises)
    return Share(value, None, None) if half is None else Share(value, value - half, value + half)


def recall(trials: Sequence[Trial], estimator: str = FIRST_SPY) -> Share:
    """How often an estimator names the caller."""
    place = list(ESTIMATORS).index(estimator)
    return share(trials, lambda call: call.guesses[place] == call.caller)


def strongest(trials: Sequence[Trial]) -> tuple[str, Share]:
    """The estimator that names most callers, and how many: chosen after the fact, so a little too good."""
    recalls = {name: recall(trials, name) for name in ESTIMATORS}
    best = max(recalls, key=lambda name: recalls[name].value)
    return best, recalls[best]


def precision(trials: Sequence[Trial], estimator: str = FIRST_SPY) -> float:
    """How much a name is worth."""
    place = list(ESTIMATORS).index(estimator)
    worth: list[float] = []
    for trial in trials:
        named = Counter(call.guesses[place] for call in trial.calls)
        worth += [
            1 / named[call.caller] if call.guesses[place] == call.caller else 0.0 for call in trial.calls
        ]
    return fmean(worth)


def certainty(trials: Sequence[Trial], estimator: str = FIRST_SPY) -> float | None:
    """Of the calls that reached a spy by stem, how many are named rightly; None where none did."""
    place = list(ESTIMATORS).index(estimator)
    seen = [call for trial in trials for call in trial.calls if call.by_stem]
    return fmean(call.guesses[place] == call.caller for call in seen) if seen else None


def bound(trials: Sequence[Trial]) -> float:
    """What the best estimator of all could reach that knows every map of every node, and who let out each cell.

    Of calls that leave the same clue at most one can be told from the others by more than luck; so where every honest node
    calls once, its recall is the number of different clues over that of calls.
    """
    clues = sum(len(dict.fromkeys(call.clue for call in trial.calls)) for trial in trials)
    return clues / sum(len(trial.calls) for trial in trials)


def delivered(trials: Sequence[Trial]) -> float:
    """Of all honest nodes that should have heard a call, how many did before the end."""
    heard = sum(len(call.delays_s) for trial in trials for call in trial.calls)
    return heard / max(1, heard + sum(call.missing for trial in trials for call in trial.calls))


def delivery_p95_s(trials: Sequence[Trial]) -> float | None:
    """The delay that 95 of 100 deliveries keep; a call that never came counts as never, and then it may be None."""
    delays: list[float | None] = []
    for trial in trials:
        for call in trial.calls:
            delays += [*call.delays_s, *[None] * call.missing]
    return percentile(delays, 0.95)


def source_fluffs(trials: Sequence[Trial]) -> int:
    """How many callers let a message of their own case out: sent or announced it, by gossip or sync, before it came back so."""
    return sum(call.let_out > 0 for trial in trials for call in trial.calls)

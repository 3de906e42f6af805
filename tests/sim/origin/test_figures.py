"""How trials are pooled, on trials made by hand."""

from attrs import evolve

from p2p_sos.sim.origin import figures
from p2p_sos.sim.origin.estimators import ESTIMATORS
from p2p_sos.sim.origin.trial import Called, Setting, Trial


def called(caller, guess, **changes):
    """One call, of which every estimator thinks the same."""
    guesses = (guess,) * len(ESTIMATORS)
    plain = Called(caller, guesses, False, (caller,), "relay", 3, None, ("relay",), False, (1.0, 2.0), 0)
    return evolve(plain, **changes)


def graph(*calls, seed=0):
    """One trial."""
    return Trial(Setting("stem"), seed, calls, 0, "digest")


def test_recall_counts_the_calls_whose_caller_is_named():
    """Over all graphs together."""
    trials = [graph(called("a", "a"), called("b", "a")), graph(called("a", None), called("b", "c"))]
    assert figures.recall(trials).value == 0.25


def test_the_interval_comes_from_the_spread_between_graphs():
    """Equal graphs have none, unequal ones a wide one, and one graph alone says nothing of it."""
    half = graph(called("a", "a"), called("b", "x"))
    all_right, none_right = graph(called("a", "a")), graph(called("a", "x"))
    alike, apart = figures.recall([half] * 10), figures.recall([all_right, none_right] * 5)
    assert (alike.value, alike.low, alike.high) == (0.5, 0.5, 0.5)
    assert apart.value == 0.5
    assert apart.high - apart.low > 0.5
    assert figures.recall([half]).low is None


def test_a_name_given_to_many_calls_is_worth_little():
    """Precision as in Dandelion++: one over the calls of the graph that got the same name."""
    sure = [graph(called("a", "a"), called("b", "b"))]
    blurred = [graph(called("a", "a"), called("b", "a"), called("c", "a"), called("d", "a"))]
    assert figures.precision(sure) == 1.0
    assert figures.precision(blurred) == 0.25 / 4


def test_the_bound_counts_clues():
    """Of two calls that leave the same clue luck alone tells which is whose; of different graphs clues do not mix."""
    alike = graph(called("a", "x", clue=("r", "s")), called("b", "x", clue=("r", "s")))
    assert figures.bound([alike]) == 0.5
    assert figures.bound([alike, alike]) == 0.5
    assert figures.bound([graph(called("a", "x"), called("b", "x"))]) == 1.0


def test_what_never_came_makes_a_delivery_late():
    """A delivery that did not happen is longer than any that did, and p95 is None where one in ten is missing."""
    trials = [graph(called("a", "a", delays_s=tuple(float(i) for i in range(100)), missing=0))]
    assert figures.delivery_p95_s(trials) == 94.0
    assert figures.delivered(trials) == 1.0
    lost = [graph(called("a", "a", delays_s=(1.0,) * 9, missing=1))]
    assert figures.delivery_p95_s(lost) is None
    assert figures.delivered(lost) == 0.9


def test_who_let_its_own_call_out_is_counted():
    """And who did not, is not."""
    assert figures.source_fluffs([graph(called("a", "x", let_out=2), called("b", "x"))]) == 1


def test_how_sure_spies_are_is_asked_of_stem_sightings_alone():
    """None where no cell reached a spy by stem."""
    mixed = [graph(called("a", "a", by_stem=True), called("b", "x", by_stem=True), called("c", "c"))]
    assert figures.certainty(mixed) == 0.5
    assert figures.certainty([graph(called("a", "a"))]) is None


def test_the_strongest_estimator_is_the_one_that_names_most():
    """Also where another is the first-spy one."""
    right = tuple("a" if name == "silence" else "x" for name in ESTIMATORS)
    assert figures.strongest([graph(called("a", "x", guesses=right))])[0] == "silence"


def test_more_recall_is_told_graph_by_graph():
    """The graphs differ among themselves far more than each from itself otherwise; the same rise everywhere is sure."""
    none, some, most = (called("a", "x"),), (called("a", "a"), called("b", "x")), (called("a", "a"),)
    before = [graph(*none, *none, seed=1), graph(*some, seed=2)]
    after = [graph(*some, seed=1), graph(*most, *most, seed=2)]
    rise = figures.more_recall(after, before)
    assert (rise.value, rise.low, rise.high) == (0.5, 0.5, 0.5)
    assert figures.more_recall(before, after).high == -0.5
    assert figures.more_recall(before, before).low == 0.0
    assert figures.recall(after).low < figures.recall(before).high
    assert figures.more_recall(before[:1], before[:1]).low is None

"""Figures over many runs: percentiles, limits, and what never happened."""

import os

import pytest

from p2p_sos.sim.campaign import Job, Miss, digest_of, figure, missed, misses, outcomes, percentile
from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.report import Series, complain, report
from p2p_sos.sim.run import RunBroke
from p2p_sos.sim.scenario import Limits, Outcome, Scenario
from p2p_sos.sim.scenarios import SCENARIOS
from p2p_sos.sim.scenarios.recovery import at_most
from p2p_sos.sim.weight import peak_mb


def outcome(seed: int, **measures: float | None) -> Outcome:
    return Outcome(seed, (), measures, f"digest {seed}", 1)


def test_percentiles_take_the_nearest_rank_and_never_is_later_than_anything():
    """One run of a hundred that never got there does not hide at p99 when there are two."""
    assert percentile(range(1, 101), 0.99) == 99
    assert percentile(range(1, 101), 0.5) == 50
    assert percentile([1.0] * 99 + [None], 0.99) == 1.0
    assert percentile([1.0] * 98 + [None] * 2, 0.99) is None
    assert percentile([], 0.5) is None


def test_a_kept_limit_is_silent_and_a_missed_one_names_the_worst_seed():
    """Both sides of each limit."""
    runs = [outcome(seed, first_claim_s=seed / 10, claims=5.0, helpers=5.0) for seed in range(5)]
    assert missed(Limits(first_claim_p99_s=0.4, claims_max=5, helpers=(5, 10)), runs) == ()
    (sentence,) = missed(Limits(first_claim_p99_s=0.3), runs)
    assert "the worst seed is 4" in sentence
    assert len(missed(Limits(claims_max=4), runs)) == 1
    assert len(missed(Limits(helpers=(6, 10)), runs)) == len(runs)


def test_what_never_happened_misses_its_limit():
    """No lead at all is not a fast lead."""
    runs = [outcome(1, lead_s=None), outcome(2, lead_s=1.0)]
    assert len(missed(Limits(lead_p99_s=3.0), runs)) == 1
    assert figure([outcome(1, lead_s=None)], "lead_s", 0.5) is None


def test_a_rule_of_the_scenario_reads_all_runs():
    """And says what is wrong."""
    wrong = missed(Limits(more=(lambda runs: f"{len(runs)} runs",)), [outcome(1)])
    assert wrong == ("1 runs",)


def test_a_missed_limit_names_the_runs_that_miss_it_alone():
    """Whichever kind of limit; none where only many runs together can miss it, nor where they keep it together."""
    runs = [outcome(seed, lead_s=seed / 10, claims=5.0, helpers=seed, x=seed) for seed in range(5)]
    above = at_most("x", 2.0)
    assert [miss.seeds for miss in misses(Limits(lead_p99_s=0.2), runs)] == [(3, 4)]
    assert [miss.seeds for miss in misses(Limits(more=(above,)), runs)] == [(3, 4)]
    assert [miss.seeds for miss in misses(Limits(helpers=(2, 3)), runs)] == [(0,), (1,), (4,)]
    assert misses(Limits(helpers=(0, 3)), runs)[0].seeds == (4,)
    together = Limits(more=(lambda them: "five are too many" if len(them) > 4 else None,))
    assert [miss.seeds for miss in misses(together, runs)] == [()]
    hundred = [outcome(seed, lead_s=9.0 if seed == 7 else 1.0) for seed in range(100)]
    assert misses(Limits(lead_p99_s=3.0), hundred) == ()


def test_what_fails_can_be_found(capsys):
    """Seeds that break a promise and seeds that miss a limit are the failing ones, each with its command; else the whole series is."""
    runs = [outcome(seed) for seed in range(4)]
    runs[1] = Outcome(1, (Violation("P1", 1.0, "n0", "made up"),), {}, "", 1)
    for miss, failing, again in (
        (Miss("x", (1, 3)), [1, 3], ["--seeds 1:2", "--seeds 3:4"]),
        (Miss("x", ()), [1], ["--seeds 1:2", "--seeds 0:4"]),
    ):
        told = report(SCENARIOS["baseline"], 5, runs, [miss], 1.0)
        assert (told["failing_seeds"], told["violations"]) == (failing, 2)
        complain(Series("baseline", 5), runs, [miss])
        lines = [line for line in capsys.readouterr().err.splitlines() if "again:" in line]
        assert [line.partition("--nodes 5 ")[2] for line in lines] == again


def test_workers_are_weighed_each_for_itself():
    """Two workers hold as much as two processes do; one process has none. A run that needs more weighs more."""
    jobs = [Job("baseline", seed, 5, until_s=1.0) for seed in range(4)]
    alone: dict[int, float] = {}
    list(outcomes(jobs[:2], 1, alone))
    assert alone == {}
    workers: dict[int, float] = {}
    assert [run.seed for run in outcomes(jobs, 2, workers)] == [0, 1, 2, 3]
    assert 1 <= len(workers) <= 2
    assert os.getpid() not in workers
    assert all(10.0 < most_mb < 1000.0 for most_mb in workers.values())
    before_mb = peak_mb()
    kept = bytearray(b"x" * int(1.5 * before_mb * 2**20))
    assert peak_mb() >= before_mb + len(kept) / 2**20 / 2


def endless(world, seed, nodes):
    """A world that ends in the word by which loops end."""
    if seed == 1:
        raise StopIteration
    world.add_node("n0")


def test_a_run_that_raises_ends_the_series_aloud(monkeypatch):
    """Even a StopIteration: a loop would take it for the end of the jobs, and all was well."""
    monkeypatch.setitem(SCENARIOS, "endless", Scenario("endless", endless, 1.0))
    jobs = [Job("endless", seed, 5, (2,), 0.5) for seed in range(3)]
    found = outcomes(jobs, 1)
    assert next(found).seed == 0
    named = r"endless, seed 1, 5 nodes, without \(2,\), until 0\.5 s: StopIteration\(\)"
    with pytest.raises(RunBroke, match=named) as told:
        next(found)
    assert isinstance(told.value.__cause__, StopIteration)


def test_a_worker_says_which_run_raised():
    """The second of three jobs cannot be built, in whatever process."""
    jobs = [Job("bridge", 7, nodes, until_s=0.5) for nodes in (8, 3, 8)]
    with pytest.raises(RunBroke, match=r"bridge, seed 7, 3 nodes, until 0\.5 s: ValueError"):
        list(outcomes(jobs, 2))


def test_the_object_adds_up_all_processes():
    """What two workers held stands beside what this process held."""
    scenario, runs = SCENARIOS["baseline"], [outcome(1)]
    told = [report(scenario, 5, runs, (), 2.0, mb)["peak_mb"] for mb in ({}, {7: 1000.0, 8: 500.0})]
    assert told[1] - told[0] == pytest.approx(1500.0, abs=5.0)


def test_the_digest_depends_on_the_order_of_seeds():
    """The runs are merged in the order of their seeds, whoever finished first."""
    one, two = outcome(1), outcome(2)
    assert digest_of([one, two]) == digest_of([one, two])
    assert digest_of([one, two]) != digest_of([two, one])


def test_the_number_of_claims_may_not_grow_with_the_network():
    """The limit of `scale`: the middle run is within one of k; seven claims in a larger one are too many."""
    limits = SCENARIOS["scale"].limits
    kept = [
        outcome(seed, claims=claims, lead_s=1.0, helpers=5.0) for seed, claims in enumerate((5.0, 6.0, 9.0))
    ]
    assert missed(limits, kept) == ()
    grown = [outcome(seed, claims=7.0, lead_s=1.0, helpers=5.0) for seed in range(3)]
    (sentence,) = missed(limits, grown)
    assert sentence == "7 claims in the middle run where 5 are wanted"

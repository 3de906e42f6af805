"""People who answer when they look: what the scenarios ask of one call, and that the pace of machines would be caught."""

from random import Random

import pytest

from p2p_sos.core import crew
from p2p_sos.core.duty import bands
from p2p_sos.sim.campaign import missed
from p2p_sos.sim.people import asleep, guessed
from p2p_sos.sim.run import run_seed
from p2p_sos.sim.scenario import Outcome
from p2p_sos.sim.scenarios import SCENARIOS
from p2p_sos.sim.scenarios.people import PAGED_MAX, PAGED_MIDDLE, SLEPT_PAGED_MAX, has_machines

NODES = 60
EVERYBODY_S = 17.0  # by then the pace of machines has asked sixty


@pytest.mark.parametrize(
    ("name", "seed", "nodes"), [("people", 0, NODES), ("people", 5, NODES), ("sleepers", 0, 40)]
)
def test_few_are_asked_and_enough_come(name: str, seed: int, nodes: int) -> None:
    """No promise broken and no limit missed, with machines among the people or without."""
    scenario = SCENARIOS[name]
    assert has_machines(5)
    assert not has_machines(0)
    outcome = run_seed(scenario, seed, nodes)
    assert outcome.violations == ()
    assert missed(scenario.limits, [outcome]) == ()
    assert (outcome.measures.get("machines", 0.0) or 0.0) > 0 or not has_machines(seed) or name == "sleepers"


def test_the_pace_of_machines_asks_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: as it was, one call asks all sixty before the first can answer, and the limit says so."""
    monkeypatch.setattr(crew, "asks", lambda _policy, _unix_s: False)
    scenario = SCENARIOS["people"]
    outcome = run_seed(scenario, 0, NODES, until_s=EVERYBODY_S)
    assert outcome.measures["paged"] == NODES
    assert any("paged" in sentence for sentence in missed(scenario.limits, [outcome]))


def test_too_slow_a_pace_starves_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: with six times the pace whoever is awake is asked too late, and the limit says so."""
    monkeypatch.setattr(bands, "PAGE_FACTOR", 60)
    scenario = SCENARIOS["sleepers"]
    outcome = run_seed(scenario, 0, 40, until_s=120.0)
    assert any("asked_s" in sentence for sentence in missed(scenario.limits, [outcome]))


@pytest.mark.parametrize(
    ("name", "measures"),
    [
        ("people", {"paged": PAGED_MAX + 1.0}),
        ("people", {"met_s": None}),
        ("people", {"paged": PAGED_MIDDLE + 1.0, "machines": 0.0}),
        ("sleepers", {"asked_s": 64.0}),
        ("sleepers", {"met_s": None}),
        ("sleepers", {"paged": SLEPT_PAGED_MAX + 1.0}),
    ],
)
def test_its_limits_can_be_missed(name: str, measures: dict[str, float | None]) -> None:
    """Control: what the scenario forbids is told, and told by its name."""
    well = {"paged": 10.0, "met_s": 60.0, "asked_s": 40.0, "machines": 0.0}
    limits = SCENARIOS[name].limits
    assert missed(limits, [Outcome(7, (), well, "", 0)]) == ()
    said = missed(limits, [Outcome(7, (), well | measures, "", 0)])
    assert any(next(iter(measures)) in sentence for sentence in said)


def test_people_draw_alike_whatever_others_do() -> None:
    """The same draws give the same answer; some never answer, some say no, most come within minutes."""
    answers = [guessed(Random(f"person {number}"), number) for number in range(1000)]
    assert answers == [guessed(Random(f"person {number}"), 0) for number in range(1000)]
    never = sum(answer.after_s is None for answer in answers)
    noes = sum(answer.after_s is not None and not answer.claims for answer in answers)
    assert 250 < never < 350
    assert 100 < noes < 180
    first, sixteenth = asleep(15)(Random("one"), 14), asleep(15)(Random("one"), 15)
    assert first.after_s is None
    assert sixteenth.after_s is not None
    assert sixteenth.claims

"""Every scenario that no other test runs to its end, once in a small world: it is judged by its own checkers and its own limits."""

import pytest

from p2p_sos.sim.campaign import missed
from p2p_sos.sim.run import run_seed
from p2p_sos.sim.scenario import Outcome
from p2p_sos.sim.scenarios import SCENARIOS

SMALL = (
    ("chaos", 1, 12), ("chaos", 2, 12), ("chaos", 3, 12), ("chaos", 4, 12),
    ("cards", 1, 12), ("slow", 1, 12), ("clocks", 1, 12), ("cards-spread", 1, 12), ("dead-roster", 1, 16),
    ("one-way", 1, 12), ("one-way", 3, 12), ("one-way", 7, 12), ("flapping-long", 1, 12), ("requisition-race", 1, 12), ("requisition-declined", 1, 12),
    ("silent-victim", 1, 16), ("silent-victim", 6, 12), ("silent-liars", 0, 12), ("silent-liars", 1, 12), ("victim-speaks-once", 1, 8), ("late-join", 1, 10), ("many-calls", 1, 6), ("silent-lead", 1, 12),
    ("black-holes", 1, 12), ("claim-flood", 1, 12),
)  # fmt: skip


@pytest.mark.parametrize(("name", "seed", "nodes"), SMALL)
def test_it_keeps_its_promises_and_its_limits(name: str, seed: int, nodes: int) -> None:
    """No promise broken, no limit missed."""
    scenario = SCENARIOS[name]
    outcome = run_seed(scenario, seed, nodes)
    assert outcome.violations == ()
    assert missed(scenario.limits, [outcome]) == ()


@pytest.mark.parametrize(
    ("name", "measures"),
    [
        ("dead-roster", {"recovery_s": 35.1}),
        ("one-way", {"changes_a_minute": 4.0}),
        ("silent-victim", {"closed_early": 1.0}),
        ("silent-victim", {"gap_s": 22.1}),
        ("silent-victim", {"victim_words": 1.0}),
        ("silent-victim", {"attested_by_others": 2.0}),
        ("silent-victim", {"stood_down_groups": 1.0}),
        ("silent-liars", {"closures": 1.0}),
        ("silent-liars", {"attested_groups": 1.0}),
        ("silent-liars", {"victim_words": 1.0}),
        ("victim-speaks-once", {"victim_words": 0.0}),
        ("late-join", {"identical_share": 0.9}),
        ("many-calls", {"starved": 1.0}),
    ],
)
def test_its_limits_can_be_missed(name: str, measures: dict[str, float]) -> None:
    """Control: what the table forbids is told, whatever else such a run was."""
    (measure,) = measures
    said = missed(SCENARIOS[name].limits, [Outcome(7, (), measures, "", 0)])
    assert any(measure in sentence for sentence in said)

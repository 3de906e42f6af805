"""The scenarios of faults: each harms its world as it says, measures it, and would not pass a world that stays harmed."""

from functools import partial

import pytest
from attrs import evolve

from p2p_sos.sim.run import run_seed, run_world, world_of
from p2p_sos.sim.scenario import Outcome
from p2p_sos.sim.scenarios import SCENARIOS, chaos_people, faults, faults_calls
from p2p_sos.sim.scenarios.recovery import at_least, at_most, every, seen
from p2p_sos.wire.messages import Requisition
from p2p_sos.wire.registry import CALL_EPOCH_S, S1
from tests.sim.checkers.stage import CALL, LIARS, NAMES, VICTIM_KEY, Stage, claim, key, release

NODES = 16
FAULTS = {
    "dead-lead": "kill",
    "dead-roster": "kill",
    "zombie-lead": "pause",
    "partition": "partition",
    "one-way": "cut",
    "bridge": "pause",
    "flapping": "partition",
    "requisition-dead": "kill",
    "clocks": "kill",
    "midnight": "leap",
}
BY_THE_TABLE = (*FAULTS, "silent-victim", "requisition-race", "requisition-declined", "late-join", "many-calls",
                "cards-spread", "chaos")  # fmt: skip


def said(name: str, outcomes: list[Outcome]) -> list[str]:
    """What the further rules of a scenario complain about."""
    return [word for rule in SCENARIOS[name].limits.more if (word := rule(outcomes)) is not None]


def test_every_scenario_of_the_table_is_there() -> None:
    """Each has checkers; whatever else it checks, it checks what must hold whatever the faults."""
    for name in BY_THE_TABLE:
        assert len(SCENARIOS[name].checkers) >= 8, name


@pytest.mark.parametrize(
    "name", ["dead-lead", "zombie-lead", "partition", "requisition-dead", "flapping", "midnight"]
)
def test_a_harmed_world_recovers(name: str) -> None:
    """A small world of each kind keeps every property, and its recovery is measured."""
    outcome = run_seed(SCENARIOS[name], 1, NODES)
    assert outcome.violations == ()
    assert outcome.measures["recovery_s"] is not None
    assert said(name, [outcome]) == []


@pytest.mark.parametrize(("name", "verb"), FAULTS.items())
def test_the_harm_is_done(name: str, verb: str) -> None:
    """The fault that gives a scenario its name is planned, or happens, before a third of the run is over."""
    scenario = SCENARIOS[name]
    world = world_of(scenario, 1, NODES)
    run_world(scenario, world, until_s=20.0)
    assert verb in [record[3] for record in world.trace.of("fault")]


@pytest.mark.parametrize("seed", [2, 6])
def test_one_way_lines_cost_the_lead_its_lead(seed: int) -> None:
    """Nobody hears it, or it hears nobody: it is replaced, and one lead is left. Control: a run without that misses two limits."""
    scenario = SCENARIOS["one-way"]
    world = world_of(scenario, seed, NODES)
    facts = run_world(scenario, world)
    cuts = [r[4:6] for r in world.trace.of("fault") if r[3] == "cut" and r[0] == facts.known["lead_cut_s"]]
    (lead,) = {pair[seed == 6] for pair in cuts}
    assert {pair[seed == 2] for pair in cuts} == {world.places[index].name for index in world[lead].links}
    told = faults._one_way_led(world.trace, facts)
    assert said("one-way", [Outcome(seed, (), told, "", 0)]) == []
    assert [v for checker in scenario.checkers for v in checker(world.trace, facts)] == []
    calm = Outcome(seed, (), {"recovery_s": 0.0, "changes_a_minute": 0.0}, "", 0)
    assert len(said("one-way", [calm])) == 2
    assert said("one-way", [evolve(calm, seed=0)]) == []
    late = {**told, "replaced_s": 30.1 if seed == 6 else 20.1}
    assert len(said("one-way", [Outcome(seed, (), late, "", 0)])) == 1


def test_a_lead_that_does_not_die_is_not_replaced() -> None:
    """Control: without its fault, `dead-lead` measures no recovery and says so."""
    outcome = run_seed(SCENARIOS["dead-lead"], 1, NODES, without=(1,))
    assert outcome.measures["recovery_s"] is None
    assert said("dead-lead", [outcome]) != []


def test_a_partition_that_never_heals_is_told() -> None:
    """Control: without the healing two leads remain, and `partition` says so."""
    outcome = run_seed(SCENARIOS["partition"], 1, NODES, without=(2,))
    assert outcome.measures["recovery_s"] is None
    assert said("partition", [outcome]) != []


def test_a_side_waits_for_its_own_best_and_for_its_own_lead() -> None:
    """A lead across the cut is none; a claim that came across, or a best one in the third band, is no fresh side."""
    sides = ("n0", "n2"), ("n1", "n3", "n4")
    for fittest, crossed, most_s, fresh in (
        (NAMES, False, 19.0, True),
        (NAMES, True, 19.0, False),
        (tuple(LIARS[:5]) * 3 + NAMES, False, 23.0, False),
    ):
        stage = Stage()
        stage.change(calls={CALL: evolve(stage.facts.calls[CALL], fittest=fittest)}, delta_s=1.0)
        for name in sides[0]:
            stage.add(0.5, name, "heard", CALL)
            stage.view(1.0, name, "n1")
            stage.view(14.0, name, "n2")
        if crossed:
            stage.add(1.5, "n0", "reached", CALL, key("n1"))
        wait = faults._wait(stage.trace, stage.facts, sides[0], 2.0, 60.0)
        assert wait == faults.Wait(12.0, most_s, fresh)
        assert faults._wait(stage.trace, stage.facts, sides[1], 2.0, 60.0) is None
    assert faults._wait(stage.trace, stage.facts, sides[0], 2.0, 10.0) == faults.Wait(
        faults.NEVER_S, 23.0, False
    )


def _asked(*, back_s: float | None = None, least: int = 2) -> Stage:
    stage = Stage()
    stage.signed(1.0, "n0", claim("n0"))
    for name in (*NAMES, "victim"):
        stage.view(1.0, name, "n0", helpers=least)
    named = (key("n1"), key("n2"))
    asked = Requisition(call=CALL, signer=VICTIM_KEY, sequence=3, lead=named[0], members=named)
    stage.signed(10.0, "victim", asked)
    for name in (*NAMES, "victim"):
        stage.view(11.0, name, "n1", requisition=3)
        if back_s is not None:
            stage.view(back_s, name, "n0", requisition=3)
            stage.view(back_s + 1.0, name, "n2", requisition=3)
    return stage


def test_an_effect_that_does_not_last_is_none() -> None:
    """The named lead goes, others lead for a moment, and another of the named leads: that last one counts."""
    assert faults_calls._effect(_asked().trace, _asked().facts)["recovery_s"] == 1.0
    stage = _asked(back_s=14.0)
    assert faults_calls._effect(stage.trace, stage.facts)["recovery_s"] == 5.0
    stage.signed(14.0, "n1", release("n1"))
    stage.add(90.0, "n2", "down", 1)
    told = faults_calls._effect(stage.trace, stage.facts)
    assert (told["recovery_s"], told["went"]) == (None, 1.0)  # all follow the dead


def test_a_requisition_that_leaves_nobody_is_told() -> None:
    """Who helps goes before anybody else is there; or nobody was there as it was said."""
    stage = _asked(least=0)
    stage.signed(20.0, "n0", release("n0"))
    stage.signed(21.0, "n1", claim("n1"))
    told = faults_calls._effect(stage.trace, stage.facts)
    assert (told["gap_s"], told["helpers_least"]) == (1.0, 0)
    outcome = Outcome(7, (), told, "", 0)
    assert len(said("requisition-race", [outcome])) == 3
    assert len(said("requisition-dead", [outcome])) == 3


def test_a_late_node_that_nobody_can_reach_is_told() -> None:
    """Control: a node that starts behind a cut does not hold the others' board."""
    scenario = SCENARIOS["late-join"]
    world = world_of(scenario, 1, NODES)
    late = f"n{NODES - 1}"
    world.schedule(590.0, partial(world.partition, [f"n{n}" for n in range(NODES - 1)], [late]))
    assert run_world(scenario, world).known["identical_share"] == 0.0


def test_the_end_of_a_call_is_known() -> None:
    """A call lives a day from its hour on; where all clocks leap towards it, it comes as much sooner."""
    ends: list[float] = []
    for leap_s in (0.0, 80_000.0):
        world = world_of(SCENARIOS["baseline"], 1, 5)
        world.schedule(5.0, partial(world.leap, "*", leap_s))
        facts = run_world(SCENARIOS["baseline"], world, 10.0)
        (call,) = facts.calls.values()
        assert call.ends_s is not None
        assert facts.clock_error_s < 1e-3
        ends.append(call.ends_s)
    assert S1.life_s - CALL_EPOCH_S < ends[0] <= S1.life_s
    assert ends[0] - ends[1] == pytest.approx(80_000.0)


def test_a_bridge_that_sleeps_long_changes_the_lead_of_the_far_town() -> None:
    """Every other time, and not too often; a fourth change in a minute would be told."""
    outcome = run_seed(SCENARIOS["bridge"], 1, NODES)
    changes = outcome.measures["changes_a_minute"]
    assert changes is not None
    assert 1.0 <= changes <= 3.0
    assert said("bridge", [outcome]) == []
    assert said("bridge", [evolve(outcome, measures={**outcome.measures, "changes_a_minute": 4.0})]) != []


def test_chaos_is_judged_by_the_seed() -> None:
    """Even seeds never rest, odd ones rest from halfway on; both draw faults, and the same ones each time."""
    chaos = SCENARIOS["chaos"]
    worlds = [world_of(chaos, seed, NODES) for seed in (2, 3, 3)]
    assert [world.mode for world in worlds] == ["safety", "liveness", "liveness"]
    assert [world.quiet_from_s for world in worlds] == [None, 60.0, 60.0]
    assert all(len(world.faults) > 6 for world in worlds)
    assert [str(fault) for fault in worlds[1].faults] == [str(fault) for fault in worlds[2].faults]
    assert max(fault.at_s for fault in worlds[1].faults) <= 60.0


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [(at_most("x", 3.0), 3.0, 3.1), (at_least("x", 3.0), 3.0, 2.9), (every("x", "none"), 0.0, None)],
)
def test_rules(rule: object, good: float, bad: float | None) -> None:
    """A rule is silent about a run that keeps it, and names the seed of one that does not."""
    runs = [Outcome(seed, (), {"x": value}, "", 0) for seed, value in ((7, good), (8, bad))]
    assert callable(rule)
    assert rule(runs[:1]) is None
    assert "8" in rule(runs)
    assert "9" in rule([Outcome(9, (), {}, "", 0)])


def test_what_need_not_be_there_is_not_missed() -> None:
    """Unless it is there."""
    rule = at_most("x", 3.0, rarely=True)
    assert rule([Outcome(9, (), {}, "", 0)]) is None
    assert rule([Outcome(9, (), {"x": 4.0}, "", 0)]) is not None


def test_a_limit_on_what_never_happens_is_told() -> None:
    """Of enough runs one at least must have it; a few say nothing yet."""
    rule = seen("x", 3)
    without, with_it = Outcome(0, (), {"x": None}, "", 0), Outcome(1, (), {"x": 1.0}, "", 0)
    assert rule([without] * 2) is None
    assert rule([without] * 3) == "x in none of 3 runs"
    assert rule([without, without, with_it]) is None


def test_chaos_lets_links_do_all_that_links_can_do() -> None:
    """Frames are lost, doubled, shuffled, delayed, or squeezed through little room, and in the end links are fair again."""
    ills: dict[str, int] = {}
    for seed in range(40):
        world = world_of(SCENARIOS["chaos"], seed, NODES)
        rains = [dict(fault.named) for fault in world.faults if fault.verb == "set_quality"]
        for begun, ended in zip(rains[::2], rains[1::2], strict=True):
            assert list(begun) == list(ended)
            assert [value for value in ended.values() if value] == []
            ills |= {what: ills.get(what, 0) + 1 for what in begun}
    assert sorted(ills) == ["bandwidth", "duplication", "jitter_s", "loss", "reordering"]


def test_chaos_meets_every_liar_and_every_deed() -> None:
    """Of eighty seeds a third have a root, some one call and some three, some no liar and some f; and every sort of each is among them."""
    sorts: dict[str, int] = {}
    verbs: dict[str, int] = {}
    rooted, calls, lying = 0, [], []
    for seed in range(80):
        world = world_of(SCENARIOS["chaos"], seed, 8)
        world.begin()
        seated = [type(place.sitter).__name__ for place in world.places if not place.is_honest]
        sorts |= {name: sorts.get(name, 0) + 1 for name in seated}
        for fault in world.faults:
            what = type(fault.arguments[1]).__name__ if fault.verb == "speak" else fault.verb
            verbs[what] = verbs.get(what, 0) + 1
        rooted += bool(world.profile.roots)
        calls.append(sum(fault.verb == "call" for fault in world.faults))
        lying.append(len(seated))
        victim = world["victim"]
        assert any(world.places[index].is_honest for index in victim.links)
    assert 80 / 5 < rooted < 80 / 2
    assert sorted(dict.fromkeys(calls)) == [1, 2, 3]
    assert sorted(dict.fromkeys(lying))[:3] == [0, 1, S1.stand_down_f]
    assert len(sorts) == len(chaos_people.LIARS)
    assert {"VictimUpdates", "VictimCancels", "VictimClears", "kill"} <= set(verbs)

"""Where a scenario of the table never meets its hardest case by itself, that case is made here, in a small world.

A zombie that fences itself says nothing stale; a victim whose helpers are too few to close closes nothing.
"""

from functools import partial

import pytest
from attrs import evolve

from p2p_sos.core.board.resolve import resolve
from p2p_sos.sim.campaign import missed
from p2p_sos.sim.checkers import closing, first_help, helped, stale_actions
from p2p_sos.sim.checkers.suites import ALWAYS, PEACEFUL
from p2p_sos.sim.run import facts_of, run_world, world_of
from p2p_sos.sim.scenario import Outcome, Scenario
from p2p_sos.sim.scenarios import SCENARIOS, faults, silence
from p2p_sos.sim.scenarios.city import VICTIM, city
from p2p_sos.sim.trace import Record, Trace
from p2p_sos.sim.world import World
from p2p_sos.wire.messages import Attest, MessageId, Sitrep
from p2p_sos.wire.registry import S1, Phase, SitrepStatus

NODES = 12
LATE = 1_000  # a number that no report of the run has


def fault(trace: Trace, verb: str) -> Record:
    """The first fault of this verb."""
    return next(record for record in trace.of("fault") if record[3] == verb)


def report_late(world: World, *, stale: bool) -> None:
    """Whoever slept reports under the roster by which it led; not `stale`: under that of the lead of now."""
    lead = fault(world.trace, "pause")[4]
    place, view = world[lead], world.view_at(VICTIM, VICTIM)
    assert place.responder is not None
    assert view is not None
    assert view.roster is not None
    led_by: list[MessageId] = [r[6] for r in world.trace.of("view") if r[1] == lead and r[4] in place.keys]
    report = Sitrep(
        call=world.call_of(VICTIM), signer=place.responder.key.public, sequence=LATE, requisition=0,
        roster=led_by[-1] if stale else view.roster.roster, status=SitrepStatus.MITIGATING, phase=Phase.ALERFA, alive=(),
    )  # fmt: skip
    cell = world.shared.seal(report, place.responder.key).cell
    for name in ("n0", "n1", "n2"):
        world.inject(name, cell, stranger=f"stranger of {name}")


@pytest.mark.parametrize("stale", [True, False])
def test_a_zombie_that_reports_all_the_same_is_refused_by_everybody(stale: bool) -> None:
    """Under the roster that the others left, or under another's: each honest node refuses it. Before its sleep they took its word."""
    scenario = SCENARIOS["zombie-lead"]
    world = world_of(scenario, 2, NODES)  # one that sends nothing late by itself
    world.begin()
    world.run(20.0)
    slept = fault(world.trace, "pause")
    woken_s, lead = slept[0] + 60.0, slept[4]
    world.schedule(woken_s + 3.0, partial(report_late, world, stale=stale))
    world.run(scenario.duration_s)
    facts = facts_of(scenario, world)
    keys, others = facts.keys[lead], {*facts.honest} - {lead}
    assert others <= {r[1] for r in world.trace.of("refused") if r[4] in keys and r[0] > woken_s}
    taken = [r for r in world.trace.of("sitrep") if r[4] in keys and r[1] in others]
    assert {r[1] for r in taken} == others
    assert max(r[0] for r in taken) < slept[0] + 1.0
    assert [v for checker in PEACEFUL for v in checker(world.trace, facts)] == []


@pytest.mark.parametrize("seed", [0, 1])
def test_a_report_that_was_prepared_before_a_pause_leaves_after_it_and_is_refused(seed: int) -> None:
    """Every other zombie sends one; the checker would see that somebody took it, and the row that nobody had to refuse it."""
    scenario = SCENARIOS["zombie-lead"]
    world = world_of(scenario, seed, NODES)
    facts = run_world(scenario, world)
    told = faults._without_it(world.trace, facts)
    assert told["taken"] == 0.0
    assert told["refused_share"] == float(seed % 2)
    of_one_that_reports = missed(scenario.limits, [Outcome(1, (), told, "", 0)])
    assert bool(of_one_that_reports) is not bool(seed % 2)
    assert stale_actions.check(world.trace, facts) == ()
    taken = [(*r[:2], "sitrep", *r[3:]) if r[2] == "refused" else r for r in world.trace.records]
    world.trace.records = taken
    assert bool(stale_actions.check(world.trace, facts)) is bool(seed % 2)
    if seed % 2:
        assert faults._without_it(world.trace, facts)["taken"] == len(facts.witnesses) - 1


def silenced(kill_s: float) -> Scenario:
    """A victim that dies so long after its call."""

    def build(world: World, _seed: int, nodes: int) -> None:
        city(world, nodes)
        world.plan(0.0, "call", VICTIM)
        world.plan(kill_s, "kill", VICTIM)

    return Scenario("silenced", build, 100.0)


@pytest.mark.parametrize(("kill_s", "in_its_place"), [(0.3, True), (5.0, False)])
def test_a_victim_that_never_said_a_second_word_is_spoken_for(kill_s: float, in_its_place: bool) -> None:
    """Its helpers attest one another, and stay; control: one that lived to attest them is spoken for by nobody."""
    scenario = silenced(kill_s)
    world = world_of(scenario, 1, NODES)
    facts = run_world(scenario, world)
    (call,) = facts.calls.values()
    words = [world.trace.messages[r[6]] for r in world.trace.of("signed") if r[3] == "ATTEST"]
    by_helpers = {
        word.signer for word in words if isinstance(word, Attest) and word.signer != call.victim_key
    }
    assert (len(by_helpers) > S1.stand_down_f) is in_its_place
    assert (len(by_helpers) == len(words)) is in_its_place
    for name in facts.honest:
        node = world[name].node
        assert node is not None
        view = node.calls[call.call].view
        assert sum(claim.attested and claim.counts for claim in view.claims) == S1.k
        assert view.lead is not None
        assert view.closed is None
    assert [
        v for checker in (*ALWAYS, first_help.check, helped.check) for v in checker(world.trace, facts)
    ] == []


@pytest.mark.parametrize("groups", [S1.stand_down_f, S1.stand_down_f + 1])
def test_a_silent_victim_s_call_closes_by_enough_groups(groups: int) -> None:
    """Control for `silent-victim`: with one group more than its f the call closes, as it may, and the row would say so."""
    scenario = SCENARIOS["silent-victim"]
    world = world_of(scenario, 1, 16)
    there = [place.name for place in world.places if place.responder is not None]
    world.schedule(silence.CALLED_UP_S + 1.0, partial(silence._call_up, world, there, groups))
    facts = run_world(scenario, world, silence.STOOD_DOWN_S + 10.0)
    told = silence._lived(world.trace, facts)
    assert told["stood_down_groups"] == groups
    assert bool(told["closed_early"]) is (groups > S1.stand_down_f)
    assert [v for checker in scenario.checkers for v in checker(world.trace, facts)] == []


@pytest.mark.parametrize("seed", [0, 1])
def test_one_group_of_liars_more_would_close_a_silent_victim_s_call(seed: int) -> None:
    """Control for `silent-liars`: f + 1 groups that attest one another close it for everybody but its victim, as they may; the row would say so."""
    scenario = SCENARIOS["silent-liars"]
    more = evolve(scenario, build=partial(silence._silent_liars, groups=S1.stand_down_f + 1))
    world = world_of(more, seed, 16)
    facts = run_world(more, world)
    told = silence._lied(world.trace, facts)
    assert told["attested_groups"] == S1.stand_down_f + 1
    assert {r[1] for r in world.trace.of("closed")} == {*facts.honest}
    assert [v for checker in scenario.checkers for v in checker(world.trace, facts)] == []
    said = missed(scenario.limits, [Outcome(seed, (), told, "", 0)])
    assert [sentence.split()[0] for sentence in said] == ["closures"]
    unrooted = evolve(facts, rooted=tuple(key for key in facts.rooted if facts.owners[key] != "n0"))
    assert closing.check(world.trace, unrooted) == ()  # its group has another one
    unrooted = evolve(
        facts, rooted=tuple(key for key in facts.rooted if facts.owners[key] not in ("n0", "n1"))
    )
    assert {v.node for v in closing.check(world.trace, unrooted)} == {*facts.honest}


def test_a_view_is_never_older_than_its_board() -> None:
    """A view that is not looked at again leaves no record, so that P1 would not see it: each second each node's is worked out anew."""
    scenario, compared = SCENARIOS["chaos"], 0
    world = world_of(scenario, 3, NODES)

    def look() -> None:
        nonlocal compared
        for place in world.places:
            for call in () if place.node is None or not place.runs else place.node.calls:
                node = place.node
                board, expired = node.boards.board(call), node.boards.expired_of(call)
                assert node.calls[call].view == resolve(board, expired), (world.now, place.name)
                compared += 1

    for second in range(1, int(scenario.duration_s)):
        world.schedule(float(second), look)
    run_world(scenario, world)
    assert compared > 1000

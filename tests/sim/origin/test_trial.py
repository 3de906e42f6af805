"""Small worlds: careless ways to call are caught, and one seed is one outcome."""

import pytest

from p2p_sos.sim.origin import figures
from p2p_sos.sim.origin.runs import Plan, digest_of, work
from p2p_sos.sim.origin.spies import Conduct
from p2p_sos.sim.origin.trial import Setting, trial

NODES, CALLERS = 60, 8


def trials(way, graphs, **changes):
    """A few small graphs, a tenth of whose nodes spy."""
    return work([(Setting(way, NODES, 0.1, CALLERS, **changes), seed) for seed in range(graphs)], 1)


def test_plain_gossip_is_caught():
    """Control: with no more than a tenth of the nodes spies name a third of those who call by plain gossip."""
    found = trials("gossip", 5)
    assert figures.recall(found).value >= 0.35
    assert figures.delivered(found) == 1.0
    assert figures.source_fluffs(found) == 5 * CALLERS


def test_a_supernode_catches_everybody_who_gossips():
    """Control: whoever is linked to all hears each caller itself."""
    for way in ("gossip", "direct"):
        assert figures.recall(trials(way, 1, listener=True)).value == 1.0


def test_without_spies_nobody_is_named():
    """Control: a notebook that nobody writes into names nobody."""
    found = work([(Setting("gossip", NODES, 0.0, CALLERS), 0)], 1)
    assert figures.recall(found).value == 0.0
    assert {call.guesses for call in found[0].calls} == {(None,) * 5}


def test_mute_spies_find_the_caller_that_keeps_its_listener_in_the_dark():
    """A direct caller shows its call to everybody but one: spies that ask by silence find more than those that only listen."""
    found = trials("direct", 6, conduct=Conduct.MUTE)
    assert figures.recall(found, "silence").value > figures.recall(found).value


def test_a_careless_stem_is_caught():
    """Control: some callers let their own call out, which shows that this is counted where a stem is in use, too."""
    found = trials("careless", 5)
    assert figures.source_fluffs(found) > 0
    assert figures.delivered(found) == 1.0


def test_the_truth_of_a_stem_is_seen():
    """The hops of a call lead from its caller to who let it out."""
    world = trials("careless", 1)[0]
    stemmed = [call for call in world.calls if call.hops]
    assert stemmed
    assert all(call.first_relays for call in stemmed)
    assert all(call.outing is not None for call in world.calls)


def test_one_seed_is_one_outcome_whatever_the_number_of_processes():
    """The same trials in one process, again, and in two; another seed is another outcome."""
    jobs = [(Setting("gossip", 30, 0.1, 2), seed) for seed in range(2)]
    once = work(jobs, 1)
    assert work(jobs, 1) == once
    assert digest_of(work(jobs, 2)) == digest_of(once)
    assert once[0].digest != once[1].digest


def test_fresh_callers_have_three_links_and_no_caller_is_a_spy():
    """They call from outside of the mesh."""
    found = trial(Setting("gossip", 30, 0.2, 4, fresh=True), 1)
    assert [call.caller for call in found.calls] == ["fresh0", "fresh1", "fresh2", "fresh3"]


@pytest.mark.parametrize("graphs", [1, 2])
def test_a_plan_runs_its_graphs_in_the_order_of_their_seeds(graphs):
    """From the first seed on."""
    plan = Plan("gossip", 30, 0.1, graphs, 2, seed=7)
    assert [one.seed for one in plan.run(plan.setting())] == [7, 8][:graphs]


def test_the_stem_of_production_hides_where_plain_gossip_does_not():
    """The same graphs and spies: fewer are named, nobody lets its own call out, and everybody hears it."""
    stem, gossip = trials("stem", 5), trials("gossip", 5)
    assert figures.recall(stem).value <= figures.recall(gossip).value / 2
    assert figures.source_fluffs(stem) == 0
    assert figures.delivered(stem) == 1.0
    assert all(call.hops and call.first_relays for one in stem for call in one.calls)


def test_a_stem_among_black_holes_delivers():
    """Spies that swallow what they get by stem: callers take another relay and still let nothing out themselves."""
    found = work([(Setting("stem", NODES, 0.3, CALLERS, conduct=Conduct.DROPS), 0)], 1)
    assert figures.delivered(found) == 1.0
    assert figures.source_fluffs(found) == 0
    assert any(len(call.first_relays) > 1 for call in found[0].calls)


def test_a_caller_that_starts_in_order_to_call_is_named_by_its_arrival():
    """Where nobody else comes, a newcomer is suspected as often as one of its relays is a spy; an old node is not (control)."""
    setting = Setting("stem", NODES, 0.2, 4, fresh=True)
    fresh = work([(setting, seed) for seed in range(5)], 1)
    named = figures.share(fresh, lambda call: call.newcomer == call.caller).value
    assert named > figures.recall(fresh).value
    old = trials("stem", 2)
    assert all(call.newcomer == call.guesses[1] for one in old for call in one.calls)

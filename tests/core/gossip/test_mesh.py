"""Links: subscriptions, GRAFT, PRUNE, backoff, near links, bounds."""

import pytest
from attrs import evolve

from p2p_sos.core.events import RoundTripMeasured
from p2p_sos.core.gossip.rpc import Prune, Subscription
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.internal import Verdict
from tests.core.gossip.conversation import TOPIC, Talk, cell, rpcs, told


def test_a_new_peer_is_told_our_subscription():
    """On joining, before anything else, a peer learns that we take part."""
    talk = Talk()
    done = talk.join("a", subscribe=False)
    assert rpcs(done, "subscriptions") == [("a", (Subscription(TOPIC, True),))]


def test_a_new_stream_of_the_same_peer_is_told_again():
    """Whoever lost its memory of us learns again that we take part; the link stays what it was."""
    talk = Talk()
    talk.join("a")
    assert told(talk.join("a", subscribe=False), "subscriptions") == ["a"]
    assert talk.mesh == ["a"]


def test_a_graft_counts_as_a_subscription():
    """Who grafts takes part, and is announced what a subscriber is announced."""
    talk, message = Talk(), cell("x")
    talk.join("p", "q", "r")
    talk.accept("p", message)
    talk.wait(0.5)
    talk.join("a", subscribe=False)
    assert told(talk.graft("a"), "prune") == []
    assert "a" in talk.mesh
    assert ("a", ((TOPIC, (message.id,)),)) in rpcs(talk.wait(0.2), "ihave")


def test_new_neighbours_are_grafted_until_d_low_and_the_rest_waits_for_the_heartbeat():
    """A lonely node does not wait for its heartbeat; a node with enough links does."""
    talk = Talk()
    done = talk.join("a", "b", "c", "d", "e")
    assert told(done, "graft") == ["a", "b", "c"]
    beat = talk.wait(1.0)
    assert len(told(beat, "graft")) == 1
    assert len(talk.mesh) == talk.settings.degree


def test_a_peer_of_another_topic_is_never_grafted():
    """Only subscribers of our topic are links at all."""
    talk = Talk()
    talk.join("a", subscribe=False)
    talk.say("a", subscriptions=(Subscription("/other", True),))
    assert told(talk.wait(3.0), "graft") == []
    assert told(talk.say("a", subscriptions=(Subscription(TOPIC, True),)), "graft") == ["a"]


def test_unsubscribing_ends_the_link():
    """Who leaves the topic leaves the mesh, and gets nothing more."""
    talk = Talk()
    talk.join("a", "b")
    talk.say("a", subscriptions=(Subscription(TOPIC, False),))
    assert talk.mesh == ["b"]
    assert told(talk.accept("b", cell("x")), "messages") == []


def test_the_three_nearest_are_grafted_and_a_chosen_far_link_is_left():
    """Links of low round trip replace those that chance gave, one PRUNE a heartbeat."""
    talk = Talk()
    talk.join("far1", "far2", "far3", "far4", round_trip_s=0.2)
    talk.wait(1.0)
    talk.join("near1", "near2", "near3", round_trip_s=0.02)
    first = talk.wait(1.0)
    assert sorted(told(first, "graft")) == ["near1", "near2", "near3"]
    later = talk.wait(10.0)
    assert len(told(first + later, "prune")) == 3
    assert {"near1", "near2", "near3"} < set(talk.mesh)
    assert len(talk.mesh) == 4
    assert told(talk.wait(20.0), "prune") == []


@pytest.mark.parametrize(("round_trip_s", "moves"), [(0.045, False), (0.02, True)])
def test_noise_in_round_trips_moves_no_link(round_trip_s, moves):
    """A slightly nearer outsider stays outside; a much nearer one comes in (the control)."""
    talk = Talk()
    talk.join("a", "b", "c", "d", round_trip_s=0.05)
    talk.wait(1.0)
    talk.join("e", round_trip_s=round_trip_s)
    assert ("e" in told(talk.wait(2.0), "graft")) is moves


def test_a_link_grafted_by_the_other_is_never_left_while_the_mesh_is_within_bounds():
    """We leave what we chose ourselves; what others chose stays up to D_high."""
    talk = Talk()
    talk.join("n1", "n2", "n3", round_trip_s=0.01)
    talk.join("x", "y", "z", round_trip_s=0.3)
    talk.graft("x", "y", "z")
    assert told(talk.wait(10.0), "prune") == []
    assert len(talk.mesh) == 6


def test_graft_is_taken_up_to_d_high_and_refused_beyond():
    """The mesh stays bounded: the next GRAFT is answered with PRUNE and its backoff, and no peers."""
    talk = Talk()
    most = talk.settings.degree_high
    peers = [f"p{i}" for i in range(most + 2)]
    talk.join(*peers)
    done = talk.graft(*peers)
    assert len(talk.mesh) == most
    assert rpcs(done, "prune") == [(p, (Prune(TOPIC, 60),)) for p in peers[most:]]


def test_an_outbound_peer_may_graft_beyond_d_high_and_the_heartbeat_trims():
    """Whom we dialled is let in (GossipSub 1.1), so that inbound floods cannot shut us in; then D_high holds."""
    talk = Talk()
    full = [f"p{i}" for i in range(talk.settings.degree_high)]
    talk.join(*full, round_trip_s=0.1)
    talk.graft(*full)
    talk.join("out", outbound=True, round_trip_s=0.1)
    assert told(talk.graft("out"), "prune") == []
    assert len(told(talk.wait(1.0), "prune")) == 1
    assert "out" in talk.mesh


def test_a_pruned_link_is_not_grafted_before_its_backoff():
    """PRUNE holds for the backoff and one heartbeat; the longest backoff a peer may ask is bounded."""
    talk = Talk()
    talk.join("a")
    talk.prune("a", 10)
    assert talk.mesh == []
    assert told(talk.wait(10.0), "graft") == []
    assert told(talk.wait(2.5), "graft") == ["a"]
    talk.prune("a", 10**9)
    assert told(talk.wait(3600.0), "graft") == []
    assert told(talk.wait(3.0), "graft") == ["a"]


def test_backoff_outlives_the_connection():
    """A peer cannot be grafted earlier because it came anew."""
    talk = Talk()
    talk.join("a")
    talk.prune("a", 30)
    talk.leave("a")
    assert told(talk.join("a"), "graft") == []
    assert told(talk.wait(20.0), "graft") == []
    assert told(talk.wait(15.0), "graft") == ["a"]


def test_graft_during_backoff_is_refused_and_costs():
    """A GRAFT too soon is answered with PRUNE; again and again it ends in disconnection."""
    talk = Talk()
    *full, last_one = [f"p{i}" for i in range(talk.settings.degree_high + 1)]
    talk.join(*full, last_one)
    talk.graft(*full, last_one)
    assert last_one not in talk.mesh
    done = talk.graft(last_one)
    assert told(done, "prune") == [last_one]
    assert talk.view(last_one).score == 0.0  # the first ones are forgiven
    for _ in range(3):
        last = talk.graft(last_one)
    assert talk.router.peers[-1].peer != last_one
    assert [type(a).__name__ for a in last][-2:] == ["Disconnect", "Tell"]


def test_a_graft_after_backoff_is_taken():
    """The control: the same GRAFT, its time being over."""
    talk = Talk()
    talk.join("a")
    talk.prune("a", 10)
    talk.wait(10.0)
    assert told(talk.graft("a"), "prune") == []
    assert talk.mesh == ["a"]


def test_graft_of_an_unknown_topic_is_ignored():
    """No PRUNE for topics that we do not know: that would be an oracle and an amplifier."""
    talk = Talk()
    talk.join("a")
    talk.prune("a")
    assert talk.say("a", graft=("/nothing",)) == []


def test_a_negative_score_leaves_the_mesh_and_cannot_graft():
    """Scores bite: one invalid message, and the link is lazy."""
    talk = Talk()
    talk.join("a", "b")
    bad = cell("bad")
    talk.bring("a", bad)
    talk.judge(bad, Verdict.REJECT)
    assert told(talk.wait(1.0), "prune") == ["a"]
    talk.wait(61.0)
    assert "a" not in talk.mesh
    assert told(talk.graft("a"), "prune") == ["a"]


def test_a_quiet_near_link_loses_its_near_place():
    """A near link that brought nothing while messages came no longer counts as near; a lively one does."""
    settings = evolve(GossipSettings(), degree_high=8)
    talk = Talk(settings)
    talk.join("mute", "n2", "n3", round_trip_s=0.01)
    talk.join("far", "far2", "far3", round_trip_s=0.1)
    talk.wait(2.0)
    outside = [p.peer for p in talk.router.peers if not p.in_mesh]
    for number in range(80):
        talk.accept("n2", cell(f"m{number}"))
        talk.bring("n3", cell(f"m{number}"))
        talk.wait(0.5)
    grafted = [p for p in outside if p in talk.mesh]
    assert len(outside) == 2
    assert grafted
    assert talk.view("mute").score >= 0.0  # an honest leaf looks the same: it is not punished


def test_a_lively_near_link_keeps_its_place():
    """The control: the same traffic, with nobody mute, moves no link."""
    talk = Talk(evolve(GossipSettings(), degree_high=8))
    talk.join("n1", "n2", "n3", round_trip_s=0.01)
    talk.join("far", "far2", "far3", round_trip_s=0.1)
    talk.wait(2.0)
    before = talk.mesh
    for number in range(80):
        talk.accept("n2", cell(f"m{number}"))
        talk.bring("n3", cell(f"m{number}"))
        talk.bring("n1", cell(f"m{number}"))
        talk.wait(0.5)
    assert talk.mesh == before


def test_too_many_mesh_requests_in_a_heartbeat_are_ignored():
    """GRAFT and PRUNE are bounded per heartbeat."""
    talk = Talk()
    talk.join("a")
    talk.say("a", prune=tuple(Prune("/x", 1) for _ in range(10)))
    talk.prune("a")
    assert talk.mesh == ["a"]
    talk.wait(1.0)
    talk.prune("a")
    assert talk.mesh == []


def test_one_outbound_link_is_kept():
    """At least D_out links are of our own dialling, if there are any."""
    talk = Talk()
    talk.join("a", "b", "c", "d", "e", round_trip_s=0.01)
    talk.graft("a", "b", "c", "d")
    talk.join("out", outbound=True, round_trip_s=0.5)
    talk.wait(1.0)
    assert "out" in talk.mesh


def test_round_trips_are_smoothed():
    """One odd measurement counts a quarter."""
    talk = Talk()
    talk.join("a", round_trip_s=0.1)
    talk.do(RoundTripMeasured("a", 0.5))
    assert talk.view("a").round_trip_s == pytest.approx(0.2)

"""Scores, budgets and bounds: who wastes our time is read less, and in the end not at all."""

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_sos.core.actions import Disconnect, SendRpc
from p2p_sos.core.events import PeerJoined
from p2p_sos.core.gossip.rpc import Carried, Prune, Rpc, Subscription
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.internal import Verdict
from tests.core.gossip.conversation import TOPIC, Talk, cell, dropped, examined, told
from tests.core.gossip.test_messages import four


def reject(talk: Talk, peer: str, times: int) -> list[object]:
    done = []
    for number in range(times):
        bad = cell(f"bad {peer} {number}")
        done += talk.bring(peer, bad)
        done += talk.judge(bad, Verdict.REJECT)
    return done


def test_a_peer_that_sends_junk_is_dropped_after_a_few_frames():
    """Unreadable frames end in disconnection at once, not at the next heartbeat; nothing after is read."""
    talk = four()
    done = [talk.unreadable("a") for _ in range(6)]
    assert [dropped(d) for d in done] == [[], [], [], ["a"], [], []]
    assert talk.say("a", iwant=(cell("x").id,)) == []
    assert examined(talk.bring("a", cell("x"))) == []
    assert "a" not in [p.peer for p in talk.router.peers]


def test_one_unreadable_frame_an_hour_is_forgiven():
    """The control: faults decay."""
    talk = four()
    for _ in range(10):
        assert talk.unreadable("a") == []
        talk.wait(120.0)
    assert talk.view("a").score >= 0


def test_invalid_messages_end_the_acquaintance_and_it_outlives_the_connection():
    """Three rejects; then the peer that comes anew within the hour is refused at once, and later it is not."""
    talk = four()
    assert dropped(reject(talk, "a", 3)) == ["a"]
    talk.leave("a")
    assert dropped(talk.join("a", subscribe=False)) == ["a"]
    talk.leave("a")
    talk.wait(3700.0)
    assert dropped(talk.join("a")) == []


def test_a_dropped_peer_cannot_join_before_it_has_left():
    """A second connection of a dropped peer does not wash it clean."""
    talk = four()
    reject(talk, "a", 3)
    done = talk.do(PeerJoined("a", False, "/meshsub/1.2.0"))
    assert [type(x) for x in done] == [Disconnect]


def test_good_conduct_counts_and_is_bounded():
    """P1 and P2: time in the mesh and first deliveries raise the score, up to their bounds."""
    talk = four()
    for number in range(60):
        talk.accept("a", cell(f"{number}"))
    talk.wait(1.0)
    first, other = talk.view("a").score, talk.view("b").score
    assert first > other
    limits = talk.settings
    assert first <= limits.first_weight * limits.first_max + limits.mesh_time_weight * limits.mesh_time_max_s
    talk.wait(2000.0)
    assert talk.view("a").score == pytest.approx(limits.mesh_time_weight * limits.mesh_time_max_s)


def test_good_conduct_cannot_pay_for_bad():
    """The most that one can earn buys less than one more invalid message."""
    talk = four()
    for number in range(60):
        talk.accept("a", cell(f"{number}"))
    talk.wait(1.0)
    assert dropped(reject(talk, "a", 4)) == ["a"]


def test_below_the_gossip_threshold_ihave_and_iwant_are_ignored():
    """And such a peer is announced nothing either."""
    talk, message = four(), cell("x")
    reject(talk, "e", 2)
    assert talk.view("e").score < talk.settings.gossip_threshold
    talk.accept("a", message)
    assert told(talk.wait(0.2), "ihave") == ["f"]
    assert talk.say("e", iwant=(message.id,)) == []
    talk.ihave("e", cell("y").id)
    assert told(talk.wait(0.2), "iwant") == []
    talk.ihave("f", cell("y").id)
    assert told(talk.wait(0.2), "iwant") == ["f"]


def test_bytes_over_budget_are_dropped_unread_and_unpunished():
    """The budget counts the frame's bytes before anything in it; it fills again with time."""
    tight = evolve(GossipSettings(), budget_burst_bytes=5000, budget_bytes_per_s=1000)
    talk = Talk(tight)
    talk.join("a", "b")
    assert examined(talk.say("a", 4000, messages=(cell("1"),)))
    assert not examined(talk.say("a", 4000, messages=(cell("2"),)))
    assert talk.view("a").score == 0
    assert examined(talk.say("b", 4000, messages=(cell("3"),)))
    talk.wait(4.0)
    assert examined(talk.say("a", 4000, messages=(cell("2"),)))


def test_a_promise_that_our_own_budget_broke_is_not_charged():
    """Overload is never counted as a peer's fault."""
    talk = Talk(evolve(GossipSettings(), budget_burst_bytes=3000, budget_bytes_per_s=1))
    talk.join("a")
    for number in range(10):
        talk.ihave("a", cell(f"{number}").id)
        talk.wait(0.1)
        talk.say("a", 4000, messages=(cell(f"{number}"),))
        talk.wait(1.0)
    talk.wait(5.0)
    assert talk.view("a").score >= 0


def test_peers_are_bounded():
    """One more than the router holds is turned away."""
    talk = Talk(evolve(GossipSettings(), peers_max=2))
    talk.join("a", "b")
    assert [type(x) for x in talk.join("c", subscribe=False)] == [Disconnect]
    talk.leave("a")
    assert [type(x) for x in talk.join("c", subscribe=False)] == [SendRpc]


def test_peers_that_nobody_knows_are_passed_over():
    """Events that come late, about peers that left, do nothing."""
    talk = Talk()
    assert talk.bring("ghost", cell("x")) == []
    assert talk.unreadable("ghost") == []
    assert talk.leave("ghost") == []
    assert talk.announce("ghost", cell("x").id) == []


IDS = st.sampled_from([cell(f"{n}").id for n in range(4)] + [b"", b"short", b"x" * 20])
TOPICS = st.sampled_from([TOPIC, "", "/other"])
MESSAGES = st.builds(Carried, id=IDS, data=st.binary(max_size=8), topic=TOPICS, canonical=st.booleans())
RPCS = st.builds(
    Rpc,
    subscriptions=st.lists(st.builds(Subscription, TOPICS, st.booleans()), max_size=3).map(tuple),
    messages=st.lists(MESSAGES, max_size=3).map(tuple),
    ihave=st.lists(st.tuples(TOPICS, st.lists(IDS, max_size=4).map(tuple)), max_size=2).map(tuple),
    iwant=st.lists(IDS, max_size=4).map(tuple),
    graft=st.lists(TOPICS, max_size=2).map(tuple),
    prune=st.lists(st.builds(Prune, TOPICS, st.integers(0, 2**63)), max_size=2).map(tuple),
    idontwant=st.lists(IDS, max_size=4).map(tuple),
)
STEPS = st.one_of(
    st.tuples(st.just("rpc"), st.sampled_from("abc"), RPCS),
    st.tuples(st.sampled_from(["join", "leave", "junk"]), st.sampled_from("abc"), st.none()),
    st.tuples(st.just("judge"), st.sampled_from(list(Verdict)), IDS),
    st.tuples(st.just("own"), st.sampled_from("abc"), IDS),
    st.tuples(st.just("wait"), st.floats(0, 70), st.none()),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(STEPS, max_size=40))
def test_no_conversation_breaks_the_router(steps):
    """Whatever comes, in whatever order: no exception, bounds hold, and who is avoided hears nothing."""
    talk = Talk()
    avoided = {}
    for what, one, other in steps:
        match what:
            case "rpc":
                done = talk.say(one, messages=other.messages, **_control(other))
            case "join":
                done = talk.join(one)
            case "leave":
                done = talk.leave(one)
            case "junk":
                done = talk.unreadable(one)
            case "judge":
                done = talk.judge(Carried(other, b"", TOPIC), one)
            case "own":
                avoided.setdefault(other, one)
                done = talk.broadcast(Carried(other, b"own", TOPIC), avoided[other])
            case _:
                done = talk.wait(one)
        assert len(talk.mesh) <= talk.settings.degree_high
        for action in done:
            if isinstance(action, SendRpc):
                rpc = action.rpc
                spoken = [m.id for m in rpc.messages] + [i for _, ids in rpc.ihave for i in ids]
                assert action.peer not in [avoided.get(i) for i in spoken]


def _control(rpc: Rpc) -> dict[str, object]:
    return {p: getattr(rpc, p) for p in ("subscriptions", "ihave", "iwant", "graft", "prune", "idontwant")}

"""Messages in full: examined once, forwarded when accepted, charged when rejected; and our own."""

import pytest
from attrs import evolve

from p2p_sos.core.gossip.rpc import Carried
from p2p_sos.core.gossip.settings import LIFE_MAX_S, GossipSettings
from p2p_sos.core.internal import Echoed, Judged, Sent, Verdict
from p2p_sos.wire.refusals import Reason
from tests.core.gossip.conversation import Talk, cell, examined, rpcs, told


def four(settings: GossipSettings | None = None) -> Talk:
    """A router whose mesh is a, b, c, d, and whose lazy links are e, f."""
    talk = Talk(settings)
    talk.join("a", "b", "c", "d", "e", "f", round_trip_s=0.05)
    talk.graft("a", "b", "c", "d")
    talk.wait(1.0)
    assert talk.mesh == ["a", "b", "c", "d"]
    return talk


def test_a_message_is_examined_once_and_forwarded_only_after_its_verdict():
    """Nothing unjudged ever leaves; who is known to hold it gets no copy."""
    talk, message = four(), cell("x")
    assert examined(talk.bring("a", message)) == [message.id]
    assert talk.bring("b", message) == []
    assert told(talk.wait(0.5), "messages") == []
    done = talk.judge(message, Verdict.ACCEPT)
    assert rpcs(done, "messages") == [("c", (message,)), ("d", (message,))]
    assert talk.bring("c", message) == []


def test_equal_frames_are_one_object():
    """The driver may encode a frame once for all peers."""
    talk, message = four(), cell("x")
    first, second, third = talk.accept("a", message)[1:]
    assert first.rpc is second.rpc is third.rpc


@pytest.mark.parametrize("verdict", [Verdict.IGNORE, Verdict.REJECT])
def test_what_is_not_accepted_is_not_forwarded_nor_examined_again(verdict):
    """IGNORE and REJECT stay seen; nothing is sent or announced."""
    talk, message = four(), cell("x")
    talk.bring("a", message)
    assert told(talk.judge(message, verdict), "messages") == []
    assert talk.router.seen(message.id)
    talk.wait(60.0)
    assert examined(talk.bring("b", message)) == []
    assert told(talk.say("e", iwant=(message.id,)), "messages") == []


def test_ignore_costs_nobody_and_reject_costs_every_forwarder():
    """Those who brought it before the verdict, and those who bring it after."""
    for verdict, charged in ((Verdict.IGNORE, False), (Verdict.REJECT, True)):
        talk, message = four(), cell("x")
        talk.bring("a", message)
        talk.bring("b", message)
        talk.judge(message, verdict)
        talk.bring("c", message)
        assert [p.score < 0 for p in talk.router.peers] == [charged] * 3 + [False] * 3


def test_an_announcer_of_an_invalid_message_is_not_charged():
    """Only who sent it in full vouched for it."""
    talk, message = four(), cell("x")
    talk.ihave("e", message.id)
    talk.bring("a", message)
    talk.judge(message, Verdict.REJECT)
    talk.ihave("f", message.id)
    assert [p.peer for p in talk.router.peers if p.score < 0] == ["a"]


@pytest.mark.parametrize(
    ("reason", "again"), [(Reason.BUDGET, True), (Reason.ORPHAN, True), (Reason.EPOCH, False)]
)
def test_what_was_ignored_for_want_of_room_may_come_again(reason, again):
    """Overload must not censor: such an id is forgotten soon; any other stays seen."""
    talk, message = four(), cell("x")
    talk.bring("a", message)
    talk.judge(message, Verdict.IGNORE, reason)
    assert examined(talk.bring("b", message)) == []
    talk.wait(5.0)
    assert (examined(talk.bring("b", message)) == [message.id]) is again


def test_a_message_of_another_topic_or_not_canonical_is_charged_and_not_remembered():
    """The honest copy that follows is examined all the same."""
    talk, message = four(), cell("x")
    done = talk.bring("a", Carried(message.id, message.data, "/other"))
    done += talk.bring("b", Carried(message.id, message.data, message.topic, canonical=False))
    assert examined(done) == []
    assert [p.peer for p in talk.router.peers if p.score < 0] == ["a", "b"]
    assert examined(talk.bring("c", message)) == [message.id]


def test_a_verdict_that_never_comes_frees_the_place():
    """A pending message is forgotten after its time, and a late verdict changes nothing."""
    talk, message = four(), cell("x")
    talk.bring("a", message)
    talk.wait(talk.settings.pending_s + 2.0)
    assert not talk.router.seen(message.id)
    assert talk.judge(message, Verdict.ACCEPT) == []
    assert examined(talk.bring("b", message)) == [message.id]


def test_pending_messages_are_bounded_and_overload_is_nobodys_fault():
    """Beyond the bound a message is dropped unremembered, and can come again."""
    talk = four(evolve(GossipSettings(), pending_max=2))
    messages = [cell(f"{i}") for i in range(3)]
    assert len(examined([a for m in messages for a in talk.bring("a", m)])) == 2
    assert all(p.score >= 0 for p in talk.router.peers)
    talk.judge(messages[0], Verdict.ACCEPT)
    assert examined(talk.bring("a", messages[2])) == [messages[2].id]


def test_seen_outlasts_every_call_and_is_bounded():
    """The seen cache holds longer than a call may live; beyond its bound the oldest goes first."""
    assert GossipSettings().seen_ttl_s > LIFE_MAX_S
    talk = four(evolve(GossipSettings(), seen_max=2, seen_ttl_s=50.0))
    messages = [cell(f"{i}") for i in range(3)]
    for message in messages:
        talk.accept("a", message)
    assert [talk.router.seen(m.id) for m in messages] == [False, True, True]
    talk.wait(52.0)
    assert [talk.router.seen(m.id) for m in messages] == [False] * 3


def test_a_judged_message_nobody_knows_is_passed_over():
    """A stray verdict is recognised by comparison."""
    assert four().do(Judged(cell("x").id, Verdict.ACCEPT)) == []


# ------------------------------------------------------------------------- our own


def test_our_own_message_goes_to_everyone_at_once_mesh_or_not():
    """Flood publishing: six links, six copies, and the case is told to whom."""
    talk, message = four(), cell("own")
    done = talk.broadcast(message)
    assert told(done, "messages") == ["a", "b", "c", "d", "e", "f"]
    assert done[-1] == Sent(message.id, ("a", "b", "c", "d", "e", "f"))
    assert talk.broadcast(message) == []


def test_a_message_published_before_anybody_is_there_reaches_the_first_who_comes():
    """Publishing needs no mesh; a later neighbour hears of it by IHAVE."""
    talk, message = Talk(), cell("own")
    assert talk.broadcast(message) == []
    done = talk.join("a")
    assert told(done, "messages") == ["a"]
    assert Sent(message.id, ("a",)) in done
    talk.join("b")
    assert rpcs(talk.wait(0.2), "ihave")[0][0] == "b"
    assert talk.say("b", iwant=(message.id,))[-1] == Sent(message.id, ("b",))


def test_a_peer_that_is_not_subscribed_yet_gets_it_once_it_is():
    """Joining and subscribing are two steps; nothing is lost between them."""
    talk, message = Talk(), cell("own")
    talk.join("a", subscribe=False)
    assert talk.broadcast(message) == []
    assert told(talk.join("a"), "messages") == ["a"]


def test_a_repeated_broadcast_goes_to_newcomers_alone():
    """The case repeats its call to peers that joined since."""
    talk, message = four(), cell("own")
    talk.broadcast(message)
    talk.join("g")
    assert told(talk.broadcast(message), "messages") == ["g"]


def test_who_is_avoided_never_gets_nor_hears_of_it():
    """No copy, no IHAVE, no answer to IWANT, at no heartbeat, in no new connection, not by Announce."""
    talk, message = four(), cell("own")
    done = talk.broadcast(message, "a", "e")
    done += talk.say("a", iwant=(message.id,)) + talk.say("e", iwant=(message.id,))
    done += talk.announce("e", message.id) + talk.wait(130.0)
    talk.leave("a")
    done += (
        talk.join("a")
        + talk.wait(5.0)
        + talk.broadcast(message, "a", "e")
        + talk.say("a", iwant=(message.id,))
    )
    spoken = told(done, "messages") + told(done, "ihave")
    assert "a" not in spoken
    assert "e" not in spoken
    assert "f" in spoken
    assert Sent(message.id, ("b", "c", "d", "f")) in done


def test_who_is_avoided_no_longer_gets_it_when_it_is_published_again():
    """A listener that is the last relay left must not keep a call from going out."""
    talk, message = four(), cell("own")
    assert "a" not in told(talk.broadcast(message, "a") + talk.wait(5.0), "messages")
    assert "a" in told(talk.broadcast(message), "messages")


def test_an_avoided_peer_gets_it_not_even_when_another_brings_it():
    """Our own message coming back is not forwarded by us."""
    talk, message = four(), cell("own")
    talk.broadcast(message, "a")
    assert "a" not in told(talk.bring("b", message) + talk.wait(40.0), "messages")


@pytest.mark.parametrize("how", ["messages", "ihave", "idontwant"])
def test_a_peer_that_shows_that_it_holds_our_message_is_echoed_once(how):
    """In full, by IHAVE, or by IDONTWANT: the victim learns that its call is in the mesh."""
    talk, message = four(), cell("own")
    talk.broadcast(message, "e")
    said = {"messages": (message,), "ihave": ((message.topic, (message.id,)),), "idontwant": (message.id,)}[
        how
    ]
    assert talk.say("e", **{how: said}) == [Echoed(message.id, "e")]
    assert talk.say("e", **{how: said}) == []


def test_a_message_of_another_is_not_echoed():
    """The control."""
    talk, message = four(), cell("x")
    talk.accept("a", message)
    assert talk.ihave("b", message.id) == []


def test_no_own_message_below_the_publish_threshold():
    """A peer of bad conduct does not hear of us first."""
    talk = four(evolve(GossipSettings(), publish_threshold=-30.0))
    for number in range(2):
        bad = cell(f"bad{number}")
        talk.bring("a", bad)
        talk.judge(bad, Verdict.REJECT)
    assert talk.view("a").score < talk.settings.publish_threshold
    assert "a" not in told(talk.broadcast(cell("own")), "messages")

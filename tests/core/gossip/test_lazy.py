"""IHAVE, IWANT and IDONTWANT: batched, bounded, the nearest first, promises kept in mind."""

import pytest
from attrs import evolve

from p2p_sos.core.events import BacklogChanged, TimerFired
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.internal import Verdict
from tests.core.gossip.conversation import TOPIC, HeartbeatDue, Talk, cell, dropped, examined, rpcs, told
from tests.core.gossip.test_messages import four


def ids_announced(actions, peer):
    return [i for p, parts in rpcs(actions, "ihave") if p == peer for _, ids in parts for i in ids]


def test_lazy_links_hear_of_a_message_within_150_ms_in_one_frame():
    """All that was accepted meanwhile goes in one IHAVE to each lazy link."""
    talk = four()
    first, second = cell("1"), cell("2")
    talk.accept("a", first)
    talk.accept("a", second)
    assert told(talk.wait(0.099), "ihave") == []
    done = talk.wait(0.052)
    assert rpcs(done, "ihave") == [(p, ((TOPIC, (first.id, second.id)),)) for p in ("e", "f")]


def test_who_holds_it_by_then_is_not_told():
    """A link that announced or sent it meanwhile needs no IHAVE."""
    talk, message = four(), cell("x")
    talk.accept("a", message)
    talk.ihave("e", message.id)
    assert told(talk.wait(0.2), "ihave") == ["f"]


def test_ihave_is_repeated_at_growing_ages_to_those_who_did_not_show_that_they_hold_it():
    """A frame lost under way costs seconds, not the message; holders are left alone."""
    talk, message = four(), cell("x")
    talk.accept("a", message)
    talk.bring("b", message)
    talk.wait(0.2)
    again = talk.wait(115.0)
    assert told(again, "ihave").count("c") == len(talk.settings.announce_again_beats)
    assert told(again, "ihave").count("a") == told(again, "ihave").count("b") == 0


def test_a_message_said_again_is_announced_to_those_who_did_not_show_that_they_hold_it():
    """They may have had no room when it came, and may fetch it anew, however often they did."""
    talk, message = four(), cell("x")
    talk.broadcast(message)
    for _ in range(4):
        talk.say("a", iwant=(message.id,))
    talk.wait(40.0)
    talk.bring("b", message)
    talk.broadcast(message)
    assert sorted(told(talk.wait(0.2), "ihave")) == ["a", "c", "d", "e", "f"]
    assert told(talk.say("a", iwant=(message.id,)), "messages") == ["a"]


def test_at_most_ten_ihave_frames_a_heartbeat_go_to_one_peer():
    """Other implementations ignore more; what is left goes after the next heartbeat."""
    slow = evolve(GossipSettings(), announce_ids_max=1, heartbeat_s=4.0, announce_again_beats=())
    talk = four(slow)
    talk.beat()
    for number in range(15):
        talk.accept("a", cell(f"{number}"))
    assert told(talk.wait(3.9), "ihave").count("e") == 10
    assert told(talk.wait(4.0), "ihave").count("e") == 5


def test_iwant_goes_after_5_ms_to_the_nearest_announcer():
    """Waiting a little lets the nearest one be chosen."""
    talk, message = Talk(), cell("x")
    talk.join("far", round_trip_s=0.2)
    talk.join("near", round_trip_s=0.01)
    talk.ihave("far", message.id)
    talk.ihave("near", message.id)
    assert told(talk.wait(0.004), "iwant") == []
    assert rpcs(talk.wait(0.002), "iwant") == [("near", (message.id,))]


def test_the_next_announcer_is_asked_after_a_round_trip_and_5_ms():
    """A silent announcer delays a message by little; an answer ends the asking (the control)."""
    for answered in (False, True):
        talk, message = Talk(), cell("x")
        talk.join("near", round_trip_s=0.05)
        talk.join("far", round_trip_s=0.2)
        talk.ihave("near", message.id)
        talk.ihave("far", message.id)
        assert told(talk.wait(0.006), "iwant") == ["near"]
        assert told(talk.wait(0.053), "iwant") == []
        if answered:
            talk.bring("near", message)
        assert told(talk.wait(0.020), "iwant") == ([] if answered else ["far"])


def test_a_later_announcer_waits_for_the_one_that_was_asked():
    """An answer under way is given its round trip before another is asked for the same."""
    talk, message = Talk(), cell("x")
    talk.join("first", "second", round_trip_s=0.2)
    talk.ihave("first", message.id)
    talk.wait(0.03)
    talk.ihave("second", message.id)
    assert told(talk.wait(0.17), "iwant") == []
    assert told(talk.wait(0.05), "iwant") == ["second"]


def test_a_single_announcer_is_asked_again_only_when_it_announces_again():
    """No hammering: a second IWANT to the same peer needs a second IHAVE, and time."""
    talk, message = Talk(), cell("x")
    talk.join("a")
    talk.ihave("a", message.id)
    assert told(talk.wait(2.0), "iwant") == ["a"]
    talk.ihave("a", message.id)
    assert told(talk.wait(0.5), "iwant") == []
    talk.wait(4.0)
    talk.ihave("a", message.id)
    assert told(talk.wait(0.1), "iwant") == ["a"]


def test_nothing_is_asked_that_was_seen_or_that_the_boards_hold():
    """`lookup` knows what the router has forgotten."""
    known, seen, fresh = cell("known"), cell("seen"), cell("fresh")
    talk = Talk(held={known.id: known.data})
    talk.join("a", "b")
    talk.accept("b", seen)
    talk.ihave("a", known.id, seen.id, fresh.id, b"short")
    assert rpcs(talk.wait(0.1), "iwant") == [("a", (fresh.id,))]


def test_iwant_is_served_from_the_cache_for_two_minutes_and_beyond_from_the_boards():
    """A node that rejoins can still fetch; what neither holds is not answered."""
    held = {}
    talk, message = Talk(held=held), cell("x")
    talk.join("a", "b")
    talk.accept("a", message)
    talk.wait(115.0)
    assert told(talk.say("b", iwant=(message.id,)), "messages") == ["b"]
    talk.wait(10.0)
    assert talk.say("b", iwant=(message.id,)) == []
    held[message.id] = message.data
    assert rpcs(talk.say("b", iwant=(message.id,)), "messages") == [("b", (message,))]


def test_a_newcomer_is_told_of_everything_in_the_cache():
    """Rejoining repairs: the IHAVE that follows a subscription names the last two minutes."""
    talk = Talk()
    talk.join("a")
    messages = [cell(f"{i}") for i in range(3)]
    for message in messages:
        talk.accept("a", message)
    talk.wait(60.0)
    talk.join("b")
    assert ids_announced(talk.wait(0.2), "b") == [m.id for m in messages]


def test_announce_becomes_ihave():
    """What the node holds of open calls is announced to a peer that just joined, even before it subscribes."""
    talk, held = Talk(), [cell("1").id, cell("2").id]
    talk.join("a", subscribe=False)
    talk.announce("a", *held)
    assert told(talk.wait(1.0), "ihave") == []
    talk.join("a")
    assert ids_announced(talk.wait(0.2), "a") == held


def test_one_id_is_served_to_one_peer_three_times():
    """GossipSub's retransmission bound."""
    talk, message = four(), cell("x")
    talk.accept("a", message)
    served = [told(talk.say("e", iwant=(message.id,)), "messages") for _ in range(4)]
    assert served == [["e"]] * 3 + [[]]
    assert told(talk.say("f", iwant=(message.id,)), "messages") == ["f"]


def test_answers_are_cut_into_frames_and_bounded_in_bytes():
    """One IWANT cannot make us send without end, nor one endless frame."""
    talk = four(evolve(GossipSettings(), iwant_bytes_max=20 * 2048, frame_bytes_max=5 * 2048))
    messages = [cell(f"{i}") for i in range(30)]
    for message in messages:
        talk.accept("a", message)
    done = rpcs(talk.say("e", iwant=tuple(m.id for m in messages)), "messages")
    assert [len(frame) for _, frame in done] == [5] * 4
    talk.wait(1.0)
    assert told(talk.say("e", iwant=(messages[29].id,)), "messages") == ["e"]


def test_the_cache_is_bounded_in_bytes():
    """The oldest message goes first, and the boards must serve it."""
    talk = four(evolve(GossipSettings(), history_bytes_max=2 * 2048))
    messages = [cell(f"{i}") for i in range(3)]
    for message in messages:
        talk.accept("a", message)
    served = [told(talk.say("e", iwant=(m.id,)), "messages") for m in messages]
    assert served == [[], ["e"], ["e"]]


def test_ihave_is_bounded_in_frames_and_ids_per_heartbeat():
    """More than ten frames, or more ids than the bound, are ignored until the next heartbeat."""
    talk = Talk(evolve(GossipSettings(), ihave_ids_max=12))
    talk.join("a")
    for number in range(11):
        talk.ihave("a", cell(f"{number}").id)
    assert len(rpcs(talk.wait(0.05), "iwant")[0][1]) == 10
    talk.wait(1.0)
    talk.ihave("a", *[cell(f"more{n}").id for n in range(20)])
    assert len(rpcs(talk.wait(0.05), "iwant")[0][1]) == 12


def test_what_is_wanted_is_bounded():
    """Announcements of nothing cannot fill our memory."""
    talk = Talk(evolve(GossipSettings(), wanted_max=5))
    talk.join("a")
    talk.ihave("a", *[cell(f"{n}").id for n in range(50)])
    assert len(rpcs(talk.wait(0.05), "iwant")[0][1]) == 5


def test_broken_promises_are_counted_and_kept_ones_are_not():
    """Who announces and never delivers loses its score, and in the end the connection."""
    for keeps in (True, False):
        talk = Talk()
        talk.join("a", "b")
        ended = []
        for number in range(12):
            message = cell(f"{number}")
            talk.ihave("a", message.id)
            talk.wait(0.1)
            if keeps:
                talk.accept("a", message)
            ended += [type(x).__name__ for x in talk.wait(1.0)]
        assert ("Disconnect" in ended) is not keeps


@pytest.mark.parametrize("slept", [True, False])
def test_a_node_that_slept_charges_nobody_for_it(slept):
    """After a pause the answers lie unread when the heartbeat comes; on time, silence is counted."""
    talk = Talk()
    talk.join("a", "b")
    for number in range(12):
        talk.ihave("a", cell(f"{number}").id)
        talk.wait(0.1)
    if slept:
        talk.now += 20.0
        late = min((t for t in talk.timers if isinstance(t.key, HeartbeatDue)), key=lambda t: t.at)
        talk.timers.remove(late)
        done = talk.do(TimerFired(late.key))
    else:
        done = talk.wait(20.0)
    assert (dropped(done) == ["a"]) is not slept


def test_a_message_that_comes_from_another_keeps_the_promise():
    """We wanted the message, not the favour."""
    talk = Talk()
    talk.join("a", "b")
    for number in range(12):
        message = cell(f"{number}")
        talk.ihave("a", message.id)
        talk.wait(0.1)
        talk.accept("b", message)
        talk.wait(1.0)
    assert talk.view("a").score >= 0


# ------------------------------------------------------------------------- IDONTWANT and backlog


@pytest.mark.parametrize("waiting_bytes", [0, 100_000])
def test_idontwant_goes_out_under_backlog_alone(waiting_bytes):
    """At 2 KB it pays only when queues are long; then to mesh links of version 1.2, not to the sender."""
    talk, message = four(), cell("x")
    talk.join("old", protocol="/meshsub/1.1.0")
    talk.graft("old")
    talk.do(BacklogChanged("b", waiting_bytes))
    done = talk.bring("a", message)
    assert told(done, "idontwant") == (["b", "c", "d"] if waiting_bytes else [])
    assert examined(done) == [message.id]


def test_backlog_is_forgotten_with_its_peer():
    """The total follows peers that leave and queues that drain."""
    talk = four()
    talk.do(BacklogChanged("b", 100_000))
    talk.leave("b")
    assert told(talk.bring("a", cell("x")), "idontwant") == []


@pytest.mark.parametrize("waiting_bytes", [None, 0])
def test_idontwant_can_be_switched(waiting_bytes):
    """None: never. 0: for every large message."""
    talk = four(evolve(GossipSettings(), idontwant_waiting_bytes=waiting_bytes))
    assert told(talk.bring("a", cell("x")), "idontwant") == ([] if waiting_bytes is None else ["b", "c", "d"])


def test_idontwant_of_a_peer_is_honoured_for_a_while():
    """The peer gets no copy of what it does not want, before and after it arrives here."""
    talk, message = four(), cell("x")
    talk.say("b", idontwant=(message.id,))
    assert told(talk.accept("a", message), "messages") == ["c", "d"]
    later = cell("later")
    talk.say("b", idontwant=(later.id,))
    talk.wait(5.0)
    assert told(talk.accept("a", later), "messages") == ["b", "c", "d"]


def test_idontwant_is_bounded():
    """Ids beyond the bound are not remembered."""
    talk, message = four(evolve(GossipSettings(), idontwant_ids_max=3)), cell("x")
    talk.say("b", idontwant=(*[cell(f"{n}").id for n in range(3)], message.id))
    assert told(talk.accept("a", message), "messages") == ["b", "c", "d"]


def test_a_link_with_a_long_queue_becomes_lazy():
    """More of the same would only make it longer; IHAVE lets the peer choose."""
    talk, message = four(), cell("x")
    talk.do(BacklogChanged("b", talk.settings.lazy_waiting_bytes))
    assert told(talk.accept("a", message), "messages") == ["c", "d"]
    assert "b" in told(talk.wait(0.2), "ihave")


def test_an_ignored_message_is_not_announced():
    """Only accepted messages are ever announced."""
    talk, message = four(), cell("x")
    talk.bring("a", message)
    talk.judge(message, Verdict.IGNORE)
    assert told(talk.wait(10.0), "ihave") == []

"""Attacks on the router: floods, lies, strangers in great number; and honest neighbours that must never be charged."""

import itertools

import pytest

from p2p_sos.core.events import PeerJoined, PeerLeft, RoundTripMeasured
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.internal import Judged, Verdict
from tests.core.gossip.conversation import TOPIC, cell, dropped, rpcs, told
from tests.core.gossip.harness import World
from tests.core.gossip.test_messages import four

V12 = "/meshsub/1.2.0"


def newcomer(settings: GossipSettings) -> World:
    """A node that carried 6,000 messages within two minutes, and one that has none of them."""
    world = World(3, [(0, 2)], 1, settings=settings)
    world.run(3.0)
    for number in range(6000):
        world.publish("2", f"message {number}")
        world.run(3.0 + number * 0.001)
    world.latency["0", "1"] = world.latency["1", "0"] = 0.02
    for me, peer in (("0", "1"), ("1", "0")):
        world.later(0.0, me, PeerJoined(peer, me == "1", V12))
        world.later(0.1, me, RoundTripMeasured(peer, 0.04))
    world.run(30.0)
    return world


def came(world: World) -> int:
    """How many messages the newcomer has."""
    return sum(name == "1" for name, _ in world.arrived)


def test_a_busy_neighbour_is_not_charged_for_what_it_could_not_serve_at_once() -> None:
    """A newcomer is told of no more than its neighbour serves, so no honest promise is broken."""
    world = newcomer(GossipSettings())
    assert came(world) == 6000
    assert world.routers["1"].peers[0].score >= 0
    assert not world.disconnected


def test_the_control_a_neighbour_that_announces_more_than_it_serves() -> None:
    """The control: without the bound on announcements, what the honest neighbour cannot serve stays away."""
    at_once = GossipSettings(announce_beat_ids_max=5000, announce_again_beats=(), announce_delay_min_s=0.02)
    assert came(newcomer(at_once)) < 6000


@pytest.mark.parametrize("length", [0, 19, 21, 60_000])
def test_ids_that_name_nothing_fill_no_memory(length: int) -> None:
    """IWANT and IDONTWANT of ids that are no ids leave nothing behind, however long they are."""
    talk = four()
    for number in range(50):
        wrong = number.to_bytes(4, "big").ljust(length, b"\x00")[:length]
        talk.say("a", iwant=(wrong,), idontwant=(wrong,), ihave=((TOPIC, (wrong,)),))
    neighbour = talk.router._memory.neighbours["a"]
    assert not neighbour.served
    assert not neighbour.unwanted
    assert not len(talk.router._memory.pulls)


def test_strangers_that_come_and_go_leave_nothing() -> None:
    """What identities claimed to hold goes with their connections: identities cost nothing."""
    talk = four()
    messages = [cell(f"message {number}") for number in range(50)]
    for message in messages[:40]:
        talk.accept("a", message)
    for message in messages[40:]:
        talk.broadcast(message)
    for number in range(100):
        talk.join(f"stranger {number}")
        talk.ihave(f"stranger {number}", *(m.id for m in messages))
        talk.leave(f"stranger {number}")
    memory = talk.router._memory
    assert {p for m in messages if (e := memory.history.get(m.id)) for p in e.holders} <= {"a", "b", "c", "d"}
    assert not [p for own in memory.own.values() for p in own.echoed]


def test_a_restarted_neighbour_is_not_charged_for_a_backoff_that_it_forgot() -> None:
    """PRUNE, a crash, and GRAFT at once, five times in a minute: refused each time, charged never."""
    talk = four()
    talk.graft("a")
    for _ in range(5):
        talk.do(PeerLeft("a"))
        talk.router._memory.records.clear()
        talk.join("a")
        neighbour = talk.router._memory.neighbours["a"]
        neighbour.backoff_until = talk.now + 55.0
        talk.leave("a")
        talk.join("a")
        assert told(talk.graft("a"), "prune") == ["a"]
        assert talk.view("a").score >= 0
        assert talk.router._memory.neighbours["a"].behaviour == 0


def test_a_flood_of_grafts_in_one_backoff_is_charged_still() -> None:
    """The control: whoever was refused on this connection knows of it."""
    talk = four()
    talk.leave("a")
    talk.join("a")
    talk.router._memory.neighbours["a"].backoff_until = talk.now + 55.0
    talk.leave("a")
    talk.join("a")
    done = [talk.graft("a") for _ in range(10)]
    assert dropped([action for actions in done for action in actions]) == ["a"]


def test_announcing_lies_ends_in_disconnection() -> None:
    """Five thousand ids a heartbeat that nobody has: the liar is dropped within seconds, the honest one is heard."""
    talk = four()
    numbers = itertools.count()
    done: list[object] = []
    for _ in range(15):
        lies = [next(numbers).to_bytes(20, "big") for _ in range(5000)]
        for start in range(0, 5000, 500):
            done += talk.ihave("a", *lies[start : start + 500])
        done += talk.wait(1.0)
    assert dropped(done) == ["a"]
    wanted = cell("an honest message")
    talk.ihave("b", wanted.id)
    assert rpcs(talk.wait(0.5), "iwant") == [("b", (wanted.id,))]


def test_a_liar_cannot_take_the_room_of_the_honest() -> None:
    """While a liar announces what nobody has, what others announce is asked for at once."""
    talk = four()
    for beat in range(3):
        for frame in range(10):
            talk.ihave("a", *((beat * 5000 + frame * 500 + n).to_bytes(20, "big") for n in range(500)))
        wanted = cell(f"an honest message {beat}")
        talk.ihave("b", wanted.id)
        assert ("b", (wanted.id,)) in rpcs(talk.wait(0.5), "iwant")
        talk.beat()


def test_a_verdict_that_comes_twice_or_unasked_changes_nothing() -> None:
    """Judged of an unknown, an accepted or a forgotten message: nothing happens."""
    talk = four()
    message = cell("message")
    assert talk.do(Judged(message.id, Verdict.REJECT)) == []
    talk.accept("a", message)
    assert talk.judge(message, Verdict.REJECT) == []
    assert talk.view("a").score > 0


def test_whoever_announces_again_serves_again() -> None:
    """A peer that lost a message three times, for want of room, still gets it after the next announcement."""
    talk, message = four(), cell("message")
    talk.accept("a", message)
    served = [told(talk.say("e", iwant=(message.id,)), "messages") for _ in range(4)]
    assert served == [["e"]] * 3 + [[]], "the control"
    assert "e" in told(talk.wait(40.0), "ihave")
    assert told(talk.say("e", iwant=(message.id,)), "messages") == ["e"]

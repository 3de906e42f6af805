"""The engine: time, links, clocks, pauses and lives do what a scenario says, each with its control."""

import pytest

from p2p_sos.core.actions import Disconnect, Keep
from p2p_sos.core.events import ClockRead, PeerJoined, PeerLeft, Restored, Started
from p2p_sos.core.tables import Table
from p2p_sos.sim.engine import BOOTED_S, START_UNIX_S
from p2p_sos.sim.lives import REFUSED_S
from p2p_sos.sim.world import World
from tests.sim.listeners import Listener, arrivals, do, fired, send, timer, two


def test_a_frame_takes_the_latency_of_its_link():
    """Neither sooner nor later."""
    world = two(latency_s=0.125)
    send(world, "a", "b")
    world.run(0.12)
    assert arrivals(world, "b") == []
    world.run(0.13)
    assert arrivals(world, "b") == [(BOOTED_S + 0.125, "x")]


def test_jitter_and_reordering_let_frames_overtake_and_a_plain_link_does_not():
    """The order of arrival is the order of sending only where nothing varies."""
    for quality, ordered in (({}, True), ({"jitter_s": 0.1}, False), ({"reordering": 0.5}, False)):
        world = two(**quality)
        for number in range(30):
            send(world, "a", "b", f"{number:02}")
        world.run(1.0)
        texts = [text for _, text in arrivals(world, "b")]
        assert len(texts) == 30
        assert (texts == sorted(texts)) is ordered


def test_bandwidth_makes_a_queue_in_each_direction():
    """Ten cells over 20 KB a second take one second; the way back is free."""
    world = two(latency_s=0.0, bandwidth=20_680)
    for number in range(10):
        send(world, "a", "b", f"{number}")
    send(world, "b", "a")
    world.run(2.0)
    assert arrivals(world, "b")[-1][0] == pytest.approx(BOOTED_S + 1.0, abs=0.01)
    assert arrivals(world, "a")[0][0] == pytest.approx(BOOTED_S + 0.1, abs=0.01)


@pytest.mark.parametrize(
    ("quality", "low", "high"), [({"loss": 0.2}, 740, 860), ({"duplication": 0.2}, 1140, 1260)]
)
def test_so_many_frames_are_lost_or_doubled(quality, low, high):
    """One in five, and without the fault each arrives once."""
    for chosen, (least, most) in ((quality, (low, high)), ({}, (1000, 1000))):
        world = two(**chosen)
        for number in range(1000):
            send(world, "a", "b", f"{number}")
        world.run(1.0)
        assert least <= len(arrivals(world, "b")) <= most


def test_a_one_way_cut_silences_one_direction_until_it_is_mended():
    """The other way goes on."""
    world = two()
    world.cut("a", "b", both=False)
    send(world, "a", "b", "lost")
    send(world, "b", "a", "back")
    world.run(1.0)
    assert arrivals(world, "b") == []
    assert [text for _, text in arrivals(world, "a")] == ["back"]
    world.mend("a", "b", both=False)
    send(world, "a", "b", "again")
    world.run(2.0)
    assert [text for _, text in arrivals(world, "b")] == ["again"]


def test_a_partition_cuts_between_sides_alone_and_heals():
    """Within a side everything passes."""
    world = World(0)
    world.preloaded = False
    for name in ("a", "b", "c"):
        world.add_node(name, make=Listener)
    world.link("a", "b")
    world.link("b", "c")
    world.begin()
    world.run(0.0)
    world.partition(("a", "b"), ("c",))
    send(world, "a", "b")
    send(world, "b", "c")
    world.run(1.0)
    assert len(arrivals(world, "b")) == 1
    assert arrivals(world, "c") == []
    world.heal()
    send(world, "b", "c")
    world.run(2.0)
    assert len(arrivals(world, "c")) == 1


def test_a_cut_that_is_noticed_ends_the_connection_and_its_end_makes_another():
    """Both ends learn of either; a cut that is not noticed tells nobody anything."""
    for cut, mend in (
        (lambda w, **how: w.cut("a", "b", both=False, **how), lambda w: w.mend("a", "b", both=False)),
        (lambda w, **how: w.partition(("a",), ("b",), **how), lambda w: w.heal()),
    ):
        for noticed in (True, False):
            world = two()
            cut(world, noticed=noticed)
            world.run(1.0)
            send(world, "b", "a")
            world.run(2.0)
            assert [len(world[n].sitter.of(PeerLeft)) for n in ("a", "b")] == [noticed, noticed]
            mend(world)
            send(world, "a", "b", "again")
            world.run(3.0)
            assert [len(world[n].sitter.of(PeerJoined)) for n in ("a", "b")] == [1 + noticed, 1 + noticed]
            assert [text for _, text in arrivals(world, "b")] == ["again"]


def test_who_died_behind_a_noticed_cut_is_joined_once_after_both():
    """Whichever ends first, the cut or the death."""
    for first, last in (("heal", "restart"), ("restart", "heal")):
        world = two()
        world.partition(("a",), ("b",), noticed=True)
        world.kill("a")
        for verb in (first, last):
            world.run(world.now + 7.0)
            getattr(world, verb)(*(("a",) if verb == "restart" else ()))
        world.run(world.now + 7.0)
        assert len(world["b"].sitter.of(PeerLeft)) == 1
        assert len(world["b"].sitter.of(PeerJoined)) == 2


def test_a_paused_node_learns_in_order_at_its_resume_and_its_timers_fire_late():
    """Nothing is lost, and nothing happens meanwhile."""
    world = two(latency_s=0.01)
    timer(world, "b", 1.0, "tick")
    world.pause("b")
    for text in ("1", "2"):
        send(world, "a", "b", text)
        world.run(world.now + 2.0)
    assert arrivals(world, "b") == []
    world.run(60.0)
    world.resume("b")
    world.run(61.0)
    assert arrivals(world, "b") == [(BOOTED_S + 60.0, "1"), (BOOTED_S + 60.0, "2")]
    assert fired(world, "b", "tick") == [BOOTED_S + 60.0]


def test_a_clock_of_another_rate_fires_timers_at_another_time_and_never_too_early():
    """At a rate of 1.5 thirty local seconds are twenty true ones."""
    world = two()
    world.set_clock("b", rate=1.5)
    timer(world, "b", 30.0, "tick")
    world.run(19.9)
    assert fired(world, "b", "tick") == []
    world.run(20.1)
    assert fired(world, "b", "tick") == [pytest.approx(BOOTED_S + 30.0)]
    for number in range(200):
        timer(world, "b", 0.1 + number / 7, f"{number}")
    due = {f"{n}": world["b"].clocks.local(world.now) + (0.1 + n / 7) for n in range(200)}
    world.run(100.0)
    assert all(fired(world, "b", key)[0] >= at for key, at in due.items())


def test_a_wall_clock_may_lead_and_leap_while_timers_go_on():
    """Readings tell the leap at once; the monotonic clock knows nothing of it."""
    world = two()
    timer(world, "b", 5.0, "tick")
    world.leap("b", 600.0)
    world.run(10.0)
    readings = [event.unix_s for _, event in world["b"].sitter.of(ClockRead)]
    assert readings[-1] == pytest.approx(START_UNIX_S + 600.0)
    assert fired(world, "b", "tick") == [pytest.approx(BOOTED_S + 5.0)]


def test_a_restart_with_disk_gives_back_the_rows_and_one_without_gives_a_new_key():
    """Who lost its log signs under a new key; its old life's timers are gone in both cases."""
    world = two()
    for disk in (True, False):
        do(world, "a", Keep(Table.COUNTER, b"key", b"value"))
        timer(world, "a", 1.0, "old")
        before = world["a"].responder.key.public
        world.kill("a")
        world.run(world.now + 0.5)
        world.restart("a", disk=disk)
        world.run(world.now + 5.0)
        rows = {e.table: e.rows for _, e in world["a"].sitter.of(Restored)}
        assert rows[Table.COUNTER] == (((b"key", b"value"),) if disk else ())
        assert (world["a"].responder.key.public == before) is disk
        assert fired(world, "a", "old") == []
        assert len(world["a"].sitter.of(Started)) == 1
    assert len(world["a"].keys) == 2


def test_peers_learn_of_a_death_unless_it_is_silent_and_are_joined_after_a_restart():
    """A connection that breaks is noticed; a machine that loses its power is not."""
    for silently in (False, True):
        world = two()
        world.kill("a", silently=silently)
        world.run(1.0)
        assert (world["b"].sitter.of(PeerLeft) == []) is silently
        world.restart("a")
        world.run(2.0)
        assert len(world["b"].sitter.of(PeerJoined)) == 2


def test_who_is_disconnected_is_gone_at_both_ends_and_dialled_again_later():
    """A driver refuses a dropped peer for a while."""
    world = two()
    do(world, "b", Disconnect("a", "because"))
    world.run(1.0)
    assert [len(world[n].sitter.of(PeerLeft)) for n in ("a", "b")] == [1, 1]
    send(world, "a", "b")
    world.run(REFUSED_S - 1.0)
    assert arrivals(world, "b") == []
    world.run(REFUSED_S + 2.0)
    assert len(world["b"].sitter.of(PeerJoined)) == 2


def test_the_world_remembers_who_could_reach_whom():
    """Epochs tell components: whole, cut, healed."""
    world = World(0)
    for name in ("a", "b"):
        world.add_node(name)
    world.link("a", "b")
    world.begin()
    world.plan(5.0, "partition", ("a",), ("b",))
    world.plan(8.0, "heal")
    world.run(10.0)
    seen = [(e.start_s, e.components) for e in world.epochs if e.end_s > 0.0]
    assert [components for _, components in seen] == [(("a", "b"),), (("a",), ("b",)), (("a", "b"),)]
    assert [start for start, _ in seen[1:]] == [5.0, 8.0]

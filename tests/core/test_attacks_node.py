"""Attacks on a whole node: floods of signed messages, damaged stores, leaping clocks, calls that come and go."""

import itertools
import random
from typing import Any

import pytest
from attrs import evolve

from p2p_sos.core.actions import SetTimer
from p2p_sos.core.calls import calls as calls_module
from p2p_sos.core.calls.budgets import Bucket
from p2p_sos.core.calls.calls import Calls, call_of, ends_unix_s
from p2p_sos.core.calls.gate import OrphansDue
from p2p_sos.core.case.case import Case
from p2p_sos.core.events import (
    BacklogChanged,
    ClockRead,
    PeerJoined,
    PeerLeft,
    Restored,
    RoundTripMeasured,
    RpcReceived,
    RpcUnreadable,
    Started,
    StoreFailed,
    StoreRecovered,
    TimerFired,
    Verified,
    VictimDecides,
    VictimRequisitions,
    VictimWrites,
)
from p2p_sos.core.gossip.rpc import Carried, Prune, Rpc, Subscription
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.letters.assembly import Assembly
from p2p_sos.core.letters.post_office import HALVES_MAX
from p2p_sos.core.node import CallEnds, Node
from p2p_sos.core.notices import CallClosed, PeerDropped
from p2p_sos.core.tables import Table
from p2p_sos.wire import registry
from p2p_sos.wire.checks import check
from p2p_sos.wire.frames import Frame, pad, seal
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.messages import Cancel, Letter
from tests.core import mail
from tests.core.calls.test_gate import call
from tests.core.door import Door
from tests.core.world import PROFILE, START_UNIX_S, World, city, responder, stamped_call, victim

# ---------------------------------------------------------------------- floods


def test_one_key_cannot_fill_the_lane_of_the_boards() -> None:
    """A responder that signs without end is heard so often in ten minutes, and no more; others are heard."""
    door, one = Door(), call()
    assert door.ask(one) == "accept"
    said = [door.ask(mail.claim(one, mail.key("liar"), number)) for number in range(100)]
    assert said.count("accept") == registry.LOG_MESSAGES_PER_WINDOW
    assert said[-1] == "ignore budget"
    assert door.ask(mail.claim(one, mail.key("honest"))) == "accept"


def test_keys_that_would_not_stay_are_not_verified() -> None:
    """Once a board is full, a key of high rank costs no signature check."""
    door, one = Door(), call()
    door.ask(one)
    for number in range(registry.BOARD_RESPONDERS_MAX):
        door.ask(mail.claim(one, mail.key(number)))
    board = door.archive.calls.board(one.id)
    strangers = [mail.claim(one, mail.key(f"stranger {n}")) for n in range(40)]
    high = [frame for frame in strangers if not board.has_room_for(frame)]
    low = [frame for frame in strangers if board.has_room_for(frame)]
    assert high
    assert low, "the control: some stranger ranks low"
    door.verify_at_once = False
    assert {door.ask(frame) for frame in high} == {"ignore bound"}
    assert not door.verifying
    door.ask(low[0])
    assert len(door.verifying) == 1


def test_all_boards_together_are_bounded_whatever_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fullest board gives way; what is left is the same in every order, and no quiet call loses anybody."""
    monkeypatch.setattr(calls_module, "BOARD_SEATS_MAX", 12)
    monkeypatch.setattr(calls_module, "BOARD_LETTER_SEATS_MAX", 6)
    cells = [stamped_call(victim(f"v{n}"), effort=1 + n) for n in range(3)]
    flood: list[Frame] = [mail.claim(cells[0], mail.key(n)) for n in range(20)]
    flood += [mail.claim(cells[1], mail.key(n)) for n in range(15)]
    flood += [mail.claim(cells[2], mail.key(n)) for n in range(2)]
    flood += [mail.letter(cells[n % 2], mail.key(n), 1) for n in range(20)]
    found = []
    for seed in range(20):
        random.Random(seed).shuffle(flood)
        calls = Calls(10)
        held: dict[bytes, None] = {}
        for cell in cells:
            calls.open(cell, 0.0)
        for frame in flood:
            offer = calls.offer(frame)
            if offer.kept:
                held[frame.id] = None
            for gone in offer.dropped:
                held.pop(gone.id, None)
        found.append([calls.board(cell.id).ids for cell in cells])
        assert sorted(held) == sorted(i for ids in found[-1] for i in ids), (
            "what is told as kept is what is held"
        )
    assert all(each == found[0] for each in found)
    assert [len(calls.board(cell.id).responders()) for cell in cells] == [5, 5, 2]
    assert len(calls.board(cells[0].id)) + len(calls.board(cells[1].id)) == 10 + 6


def test_a_call_that_goes_frees_its_seats(monkeypatch: pytest.MonkeyPatch) -> None:
    """The count follows what is there."""
    monkeypatch.setattr(calls_module, "BOARD_SEATS_MAX", 4)
    first, second = stamped_call(victim("a")), stamped_call(victim("b"))
    calls = Calls(10)
    for cell in (first, second):
        calls.open(cell, 0.0)
    for number in range(4):
        calls.offer(mail.claim(first, mail.key(number)))
    calls.bury(first.id)
    assert all(calls.offer(mail.claim(second, mail.key(number))).kept for number in range(4))


def test_half_letters_of_strangers_are_bounded() -> None:
    """A victim that gets first parts of letters from a thousand keys remembers a bounded number of them."""
    world = city(2)
    made = world.call("victim")
    world.run(5.0)
    case = world.node("victim")._case
    assert isinstance(case, Case)
    for number in range(2 * HALVES_MAX):
        half = Letter(made, mail.key(number).public, 1, 0, 2, bytes(registry.LETTER_PART_BYTES_MAX))
        case._office.receive(half, world.now)
        whole = Letter(made, mail.key(number).public, 9, 0, 1, bytes(registry.LETTER_PART_BYTES_MAX))
        case._office.receive(whole, world.now)
    assert len(case._office._halves) == HALVES_MAX
    assert all(isinstance(half, Assembly) for half in case._office._halves.values())


def test_a_flood_of_orphans_sets_one_timer() -> None:
    """However many messages wait for their CALL, one timer runs."""
    door, one = Door(), call()
    for number in range(registry.ORPHANS_MAX + 50):
        door.ask(mail.claim(one, mail.key(number)))
    assert len([t for t in door.timers if isinstance(t.key, OrphansDue)]) == 1
    door.wait(200.0)
    assert {judged.verdict.value for judged in door.verdicts.values()} == {"ignore"}
    assert not [t for t in door.timers if isinstance(t.key, OrphansDue)]


def test_of_two_cells_of_a_call_that_waited_together_the_one_of_more_work_stays() -> None:
    """Both wait for a token; that the second was welcome when the first was not yet kept changes nothing."""
    door = Door()
    door.gate.admission.call_bucket = bucket = Bucket(1.0, 1)
    door.ask(call("other"))
    more, less = call("twice", effort=5), call("twice", effort=2)
    door.bring(more.cell)
    door.bring(less.cell)
    bucket.burst = 2
    door.now += 5.0  # both find a token in one look
    door.wait(10.0)
    kept = door.archive.calls[more.id].frame.stamp
    assert kept is not None
    assert kept.effort == 5


# ---------------------------------------------------------------------- clocks


def test_a_clock_that_leaps_and_comes_back_ends_nothing() -> None:
    """One wrong reading, two days ahead, neither buries a call nor closes it."""
    world = World()
    world.add("me", responder=responder("me"))
    one = stamped_call(victim())
    world.inject("me", one)
    world.run(1.0)
    world.tell("me", ClockRead(START_UNIX_S + 2 * 86_400))
    world.tell("me", TimerFired(CallEnds(one.id)))
    world.tell("me", ClockRead(START_UNIX_S + 2))
    world.tell("me", ClockRead(START_UNIX_S + 2))
    assert one.id in world.node("me").calls
    assert not world["me"].told(CallClosed)


def test_a_leap_seen_twice_is_believed() -> None:
    """The control: a machine that slept wakes up, and what ended meanwhile ends."""
    world = World()
    world.add("me", responder=responder("me"))
    one = stamped_call(victim())
    world.inject("me", one)
    world.run(1.0)
    for _ in range(2):
        world.tell("me", ClockRead(ends_unix_s(call_of(one)) + 1.0))
    assert one.id not in world.node("me").calls


# ---------------------------------------------------------------------- calls that come and go


def test_a_call_that_was_crowded_out_and_comes_back_gets_its_letter() -> None:
    """Crowded out before it was claimed, heard again later, claimed: the responder introduces itself."""
    world = World(profile=evolve(PROFILE, open_calls_max=2))
    world.add("me", responder=responder("me", evolve(responder("me").policy, slots=1)))
    cells = [stamped_call(victim(f"v{n}"), profile=world.profile, effort=2 + n) for n in range(4)]
    world.inject("me", cells[3])  # takes the only slot
    for cell in (cells[0], cells[1]):
        world.inject("me", cell)
    world.run(1.0)
    assert cells[0].id not in world.node("me").calls
    again = stamped_call(victim("v0"), profile=world.profile, effort=9)
    assert again.id == cells[0].id
    world.inject("me", again)
    other = victim("v3").call_key
    world.inject("me", seal(Cancel(cells[3].id, other.public, 1), world.profile.network, other))
    world.run(registry.LETTERS_AFTER_CLOSING_S)
    assert world.node("me").calls[again.id].mine == "claimed"
    letters = world.node("me").letters(again.id)
    assert [letter.kind for letter in letters] == [registry.LetterKind.INTRODUCTION]


# ---------------------------------------------------------------------- damaged stores


@pytest.fixture(scope="module")
def lived() -> World:
    """A world in which a call was made, answered, and talked about."""
    world = city(3)
    world.call("victim")
    world.run(10.0)
    view = world.node("victim").case
    assert view is not None
    who = view.helpers[0].responder
    world.tell("victim", VictimDecides(who, registry.LetterKind.ACCEPT))
    world.tell("victim", VictimWrites(who, "hello"))
    world.tell("victim", VictimRequisitions(who, ()))
    world.run(20.0)
    return world


def damaged(rows: dict[bytes, bytes], draws: random.Random) -> tuple[tuple[bytes, bytes], ...]:
    """Half of the rows, each damaged in one of seven ways."""
    found = dict(rows)
    for key in rows:
        if draws.random() < 0.5:
            continue
        value = found.pop(key)
        place = draws.randrange(len(value) + 1)
        damages = [
            (key, value[:place]),
            (key, draws.randbytes(place)),
            (key, value[:place] + draws.randbytes(1) + value[place + 1 :]),
            (key, b""),
            (key, b"\xff" * len(value)),
            (key[: draws.randrange(len(key) + 1)], value),
            (key + b"\xff", value),
        ]
        new_key, new_value = draws.choice(damages)
        found[new_key] = new_value
    return tuple(sorted(found.items()))


@pytest.mark.parametrize("name", ["node0", "victim"])
def test_a_damaged_store_stops_no_start(lived: World, name: str) -> None:
    """Whatever became of the rows, the node starts, its timers fire, and what it says afterwards is well formed."""
    place = lived.places[name]
    for seed in range(60):
        draws = random.Random(seed)
        node = Node(
            profile=PROFILE,
            gossip=GossipSettings(),
            random=random.Random(1),
            entropy=random.Random(2).randbytes,
            rings=lambda a, b: 0,
            responder=place.responder,
            victim=place.victim,
        )
        for table in Table:
            node.handle(Restored(table, damaged(place.store.rows[table], draws)), 0.0)
        node.handle(ClockRead(START_UNIX_S + lived.now), 0.0)
        timers = [a for a in node.handle(Started(), 0.0) if isinstance(a, SetTimer)]
        node.handle(PeerJoined("x", True, "/meshsub/1.2.0"), 0.0)
        node.handle(RpcReceived("x", Rpc(subscriptions=(Subscription(registry.TOPIC, True),)), 50), 0.0)
        for timer in timers:
            node.handle(TimerFired(timer.key), timer.at)
        for known in node.calls:
            assert node.calls[known].view.call == known
            node.letters(known)
        assert node.case is None or node.case.call
        node.log_lines()


# ---------------------------------------------------------------------- anything at all


def hostile_frames(draws: random.Random) -> list[Frame]:
    """Signed messages about known, unknown, closed and foreign calls, by their victims and by strangers."""
    cells = [stamped_call(victim(f"v{n}"), effort=draws.randint(1, 3)) for n in range(3)]
    frames: list[Frame] = list(cells)
    for _ in range(60):
        one, who = draws.choice(cells), mail.key(draws.randrange(6))
        by = draws.choice((who, victim(f"v{draws.randrange(3)}").call_key))
        number = draws.choice((1, 2, 3, 2**32 - 1))
        makers: list[Any] = [
            lambda one=one, by=by, number=number: mail.claim(one, by, number, slot=draws.randrange(255)),
            lambda one=one, by=by, number=number: mail.release(one, by, number),
            lambda one=one, by=by, number=number: mail.decline(one, by, number),
            lambda one=one, by=by, number=number: mail.renew(one, by, number),
            lambda one=one, by=by, number=number: mail.attest(one, mail.key(0), sequence=number, by=by),
            lambda one=one, by=by, number=number: mail.letter(one, by, number),
            lambda one=one, by=by: mail.comply(one, by, draws.choice(cells)),
        ]
        frames.append(draws.choice(makers)())
    return frames


def test_no_event_breaks_a_node_and_no_relay_is_charged_for_what_it_forwards() -> None:
    """Hostile messages, in any order, between honest events: nothing raises, and no honest relay is charged."""
    for seed in range(6):
        draws = random.Random(seed)
        world = World(seed)
        for name in ("relay", "next"):
            world.add(name, responder=responder(name))
        world.add("victim", victim=victim("v0"))
        world.link("relay", "next")
        world.link("victim", "relay")
        world.run(2.0)
        frames = hostile_frames(draws)
        draws.shuffle(frames)
        for number, frame in zip(itertools.count(), frames, strict=False):
            world.inject("relay", frame, stranger=f"stranger {number}")
            world.tell("relay", draws.choice(anything(draws, frame)))
            world.run(draws.choice((0.0, 0.5, 40.0)))
        world.run(130.0)
        dropped = [told.peer for name in ("relay", "next") for told in world[name].told(PeerDropped)]
        assert not {"relay", "next", "victim"} & dict.fromkeys(dropped).keys()
        assert [view.score >= 0 for view in world.node("next").peers if view.peer == "relay"] == [True]


def anything(draws: random.Random, frame: Frame) -> list[Any]:
    """Events that a driver or a peer may bring at any time."""
    identity, noise = gossip_id(frame.cell, canonical=True), draws.randbytes(20)
    junk = Carried(gossip_id(pad(b"\x94"), canonical=True), pad(b"\x94"), registry.TOPIC)
    rpc = Rpc(
        subscriptions=(Subscription(registry.TOPIC, draws.random() < 0.5),),
        messages=draws.choice(((), (junk,), (evolve(junk, canonical=False),), (evolve(junk, topic="x"),))),
        ihave=((registry.TOPIC, (noise, identity, b"")), ("x", (noise,))),
        iwant=(identity, noise, b"short"),
        graft=(registry.TOPIC, "x"),
        prune=(Prune(registry.TOPIC, draws.choice((0, -5, 2**63))),),
        idontwant=(identity, noise),
    )
    who = f"stranger {draws.randrange(60)}"
    return [
        RpcReceived(who, rpc, draws.choice((0, 100, 2**30))),
        RpcUnreadable(who, 10),
        PeerLeft(who),
        PeerJoined(who, False, draws.choice(("", "/meshsub/1.0.0", "/x/y/z"))),
        RoundTripMeasured(who, draws.choice((0.0, -1.0, 1e9))),
        BacklogChanged(who, 10**9),
        Verified(identity, frame, check(frame, PROFILE)),
        TimerFired(draws.choice((OrphansDue(0.0), CallEnds(frame.id), "unknown"))),
        ClockRead(START_UNIX_S + draws.choice((-86_400, 0, 3 * 86_400))),
        StoreFailed("full"),
        StoreRecovered(),
    ]

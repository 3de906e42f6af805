"""The numbers by which a victim names its helpers: in the order in which they came, and never another's afterwards."""

from p2p_sos.core.case.arrivals import Arrivals
from p2p_sos.core.events import VictimDecides
from p2p_sos.core.internal import Admitted
from p2p_sos.core.tables import Table
from p2p_sos.wire import registry as r
from p2p_sos.wire.frames import seal
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.messages import Claim, Decline, Key
from p2p_sos.wire.registry import LetterKind
from tests.core.correspondents import NETWORK, World, key


def numbers(world: World) -> list[tuple[int, Key]]:
    return [(helper.number, helper.responder) for helper in world.victim.machine.view.helpers]


def by_key(world: World) -> list[int]:
    """The responders' places, the highest key first."""
    return sorted(range(len(world.responders)), key=lambda at: key(100 + at).public, reverse=True)


def came(world: World, at: int) -> Key:
    """One responder claims, and its introduction arrives."""
    world.claim(at)
    world.run(world.now + 30)
    return key(100 + at).public


def test_a_late_comer_of_a_lower_key_takes_nobodys_number() -> None:
    """Who came first is number 1 and stays it, whatever keys come later: a key can be ground, coming first cannot."""
    world = World(30, responders=3)
    world.begin()
    keys = []
    for at in by_key(world):
        keys.append(came(world, at))
        assert numbers(world) == [(n, who) for n, who in enumerate(keys, start=1)]
    assert keys == sorted(keys, reverse=True)


def test_a_number_is_nobody_elses_once_its_helper_is_gone() -> None:
    """A helper that is shown no more leaves a gap; it gets the same number when it comes again."""
    world = World(31, responders=2)
    world.begin()
    first, second = (key(100 + at) for at in by_key(world))

    def says(sequence: int, kind: type[Claim | Decline]) -> None:
        named = (r.Manner.PERSON,) if kind is Claim else (r.Reason.UNABLE, r.Detail.BUSY)
        rest = (0, 0, bytes(32), *named) if kind is Claim else named
        frame = seal(kind(world.call.id, first.public, sequence, bytes(32), (), *rest), NETWORK, first)
        world.victim.give(Admitted(frame, gossip_id(frame.cell, canonical=True)))

    says(0, Claim)
    came(world, by_key(world)[1])
    says(1, Decline)
    assert numbers(world) == [(2, second.public)]
    says(2, Claim)
    assert numbers(world) == [(1, first.public), (2, second.public)]


def test_numbers_outlive_the_process() -> None:
    """A case that is resumed shows the same numbers, in whatever order its messages come back."""
    world = World(32, responders=3)
    world.begin()
    keys = [came(world, at) for at in by_key(world)]
    world.victim.give(VictimDecides(keys[1], LetterKind.ACCEPT))
    before = numbers(world)
    world.victim.start()
    assert numbers(world) == before == [(n, who) for n, who in enumerate(keys, start=1)]


def test_a_case_of_an_earlier_version_numbers_anew() -> None:
    """Without the row, or with junk in it, everybody has a number of its own again."""
    world = World(33, responders=2)
    world.begin()
    keys = [came(world, at) for at in by_key(world)]
    for junk in (None, b"\xc1", b"\x92\x02\xc4\x01x"):
        world.victim.rows[Table.CASE].pop(b"helpers", None)
        if junk is not None:
            world.victim.rows[Table.CASE][b"helpers"] = junk
        world.victim.start()
        assert sorted(numbers(world)) == list(enumerate([who for _, who in numbers(world)], start=1))
        assert {who for _, who in numbers(world)} == set(keys)


def test_what_is_remembered_is_bounded() -> None:
    """Keys without end push out only the oldest of those that left, never one that is shown, and reuse no number."""
    arrivals, shown = Arrivals(), b"shown".ljust(32)
    assert arrivals.number(shown, {shown: None}) == 1
    for at in range(3 * r.BOARD_RESPONDERS_MAX):
        fresh = at.to_bytes(32, "big")
        assert arrivals.number(fresh, {shown: None, fresh: None}) == at + 2
    assert arrivals.number(shown, {shown: None}) == 1
    (kept,) = arrivals.keep()
    assert arrivals.keep() == []
    assert len(kept.value) < 41 * r.BOARD_RESPONDERS_MAX
    again = Arrivals()
    again.restore([(kept.key, kept.value)])
    assert again.number(b"new".ljust(32), {shown: None}) == 3 * r.BOARD_RESPONDERS_MAX + 2

"""The sealed dialogue of both sides, between a real `Case` and real `Dialogue`s."""

import itertools
from typing import Any

import pytest

from p2p_sos.core.events import OperatorWrites, VictimDecides, VictimWrites
from p2p_sos.core.notices import LetterDelivered
from p2p_sos.core.tables import Table
from p2p_sos.wire import registry as r
from p2p_sos.wire.messages import Letter
from p2p_sos.wire.registry import LetterKind
from tests.core.correspondents import SITUATION, World, key

R0 = key(100).public
HOUR_S = 3600.0
EARLIER = b"\x07" * 32  # some previous entry of a log


def acquainted(world: World) -> World:
    """The first responder claimed and wrote, and the victim accepted it."""
    world.begin()
    world.claim(0)
    world.run(world.now + 30)
    world.victim.give(VictimDecides(R0, LetterKind.ACCEPT))
    world.run(world.now + 30)
    return world


def texts(machine_letters: Any, direction: str, kind: LetterKind = LetterKind.TEXT) -> list[str]:
    return [x.text for x in machine_letters if x.direction == direction and x.kind is kind]


def victims(world: World, direction: str, kind: LetterKind = LetterKind.TEXT) -> list[str]:
    return texts(world.victim.machine.view.letters, direction, kind)


def responders(world: World, direction: str, kind: LetterKind = LetterKind.TEXT) -> list[str]:
    return texts(world.responders[0].machine.letters(world.call.id), direction, kind)


def test_a_conversation() -> None:
    """An introduction, an acceptance with the situation, a letter each way: each arrives once and is acknowledged."""
    world = acquainted(World(1))
    assert victims(world, "in", LetterKind.INTRODUCTION) == ["we are a CERT; ring 555-0199"]
    assert responders(world, "in", LetterKind.ACCEPT) == [SITUATION]
    world.responders[0].give(OperatorWrites(world.call.id, "which system?"))
    world.run(world.now + 20)
    world.victim.give(VictimWrites(R0, "a file server"))
    world.run(world.now + 60)
    assert victims(world, "in") == ["which system?"]
    assert responders(world, "in") == ["a file server"]
    assert all(letter.delivered for letter in world.victim.machine.view.letters)
    assert all(letter.delivered for letter in world.responders[0].machine.letters(world.call.id))
    told = [n for n in world.responders[0].told if isinstance(n, LetterDelivered)]
    assert [n.number for n in told] == [1, 2]


def test_nothing_is_repeated_for_ever() -> None:
    """Once all is acknowledged, an hour passes without a cell; a lost correspondent costs a bounded number."""
    world = acquainted(World(2))
    world.run(world.now + 60)
    cells = len(world.victim.letter_cells()) + len(world.responders[0].letter_cells())
    world.run(world.now + HOUR_S)
    assert len(world.victim.letter_cells()) + len(world.responders[0].letter_cells()) == cells


def test_the_attest_acknowledges_the_introduction() -> None:
    """A claim costs the victim no LETTER cell: its ATTEST says that the introduction came."""
    world = World(3)
    world.begin()
    world.claim(0)
    world.run(HOUR_S)
    assert world.victim.letter_cells() == []
    assert len(world.responders[0].letter_cells()) == 1
    assert responders(world, "out", LetterKind.INTRODUCTION)
    assert world.responders[0].machine.letters(world.call.id)[0].delivered


@pytest.mark.parametrize("writer", ["victim", "responder", "both"])
def test_thirty_letters_within_the_budget(writer: str) -> None:
    """A long conversation waits for room and ends delivered; no window ever holds more than 20 cells of a signer."""
    world = acquainted(World(4, loss=0.1))
    for number in range(30):
        if writer != "responder":
            world.victim.give(VictimWrites(R0, f"v{number}"))
        if writer != "victim":
            world.responders[0].give(OperatorWrites(world.call.id, f"r{number}"))
    world.run(world.now + 4 * HOUR_S)
    wanted = {f"v{n}" for n in range(30)} if writer != "responder" else set()
    assert set(responders(world, "in")) == wanted
    wanted = {f"r{n}" for n in range(30)} if writer != "victim" else set()
    assert set(victims(world, "in")) == wanted
    assert all(x.delivered for x in world.victim.machine.view.letters)
    assert all(x.delivered for x in world.responders[0].machine.letters(world.call.id))
    for party in world.parties:
        sent = party.letter_cells()
        assert len(sent) > 20 or writer != "both"
        for at in sent:
            window = [other for other in sent if at <= other < at + r.LETTER_WINDOW_S]
            assert len(window) <= r.LETTERS_PER_WINDOW


def test_a_long_letter_travels_in_parts() -> None:
    """Twelve thousand characters arrive whole, through loss."""
    world = acquainted(World(5, loss=0.02))
    long = "all about it, " * 850
    world.responders[0].give(OperatorWrites(world.call.id, long))
    world.run(world.now + 2 * HOUR_S)
    assert victims(world, "in") == [long]
    parts = [p.frame.message for _, p in world.responders[0].published if isinstance(p.frame.message, Letter)]
    assert max(part.parts for part in parts) > 5


def test_a_letter_too_long_is_refused() -> None:
    """What is longer than people may seal at once is refused in a sentence, and nothing is kept."""
    world = acquainted(World(6))
    wish = OperatorWrites(world.call.id, "x" * 20_000)
    assert "further letters" in world.responders[0].machine.refusal(wish)
    before = dict(world.responders[0].rows[Table.SESSION])
    world.responders[0].give(wish)
    assert world.responders[0].rows[Table.SESSION] == before


def test_every_cell_is_fresh() -> None:
    """A repeated letter shares neither number nor sealed bytes with the cell before: nobody sees that it repeats."""
    world = World(7, loss=1.0)
    world.begin()
    world.claim(0)
    world.run(HOUR_S)
    letters = [
        p.frame.message for _, p in world.responders[0].published if isinstance(p.frame.message, Letter)
    ]
    assert len(letters) > 5
    assert len({letter.number for letter in letters}) == len(letters)
    assert len({letter.sealed[:200] for letter in letters}) == len(letters)


def test_backoff_grows() -> None:
    """The gaps between repeats of an unanswered letter grow, with jitter."""
    world = World(8, loss=1.0)
    world.begin()
    world.claim(0)
    world.run(HOUR_S)
    sent = world.responders[0].letter_cells()
    gaps = [b - a for a, b in itertools.pairwise(sent)]
    assert 4 < gaps[0] < 8
    assert gaps[4] > 4 * gaps[0]
    assert all(gap <= 300 * 1.01 for gap in gaps)


def run_schedule(seed: int, *, loss: float, crash: float) -> World:
    """Letters both ways at random times through a bad network and crashes; then the network heals."""
    world = World(seed, responders=2, loss=loss, double=0.2, crash=crash)
    world.begin()
    world.claim(0)
    world.claim(1)
    world.run(60)
    for _ in range(20):
        helper = world.victim.machine.view and world.victim.machine._rescuers.helper(R0)
        if helper is not None and helper.introduction is not None:
            break
        world.run(world.now + 60)
    world.victim.give(VictimDecides(R0, LetterKind.ACCEPT))
    world.run(world.now + world.random.uniform(0, 20))
    for number in range(3):
        world.victim.give(VictimWrites(R0, f"v{number}"), world.random.choice([None, None, 1, 2]))
        world.run(world.now + world.random.uniform(0, 8))
        for party in world.responders:
            crash_after = world.random.choice([None, None, 1, 2])
            party.give(OperatorWrites(world.call.id, f"{party.name} {number}"), crash_after)
        world.run(world.now + world.random.uniform(0, 8))
    world.run(world.now + 1200)
    world.loss = world.crash = 0.0
    world.run(world.now + 2400)
    return world


def outcome(world: World) -> tuple[Any, ...]:
    """Everything that people see at the end."""
    return (
        world.victim.machine.view,
        [party.machine.letters(world.call.id) for party in world.responders],
        [[p.frame.id for _, p in party.published] for party in world.parties],
    )


def check_exactly_once(world: World) -> None:
    """Every letter that was accepted is in the other side's records once, and was told at most once."""
    assert sorted(responders(world, "in")) == ["v0", "v1", "v2"]
    assert responders(world, "in", LetterKind.ACCEPT) == [SITUATION]
    wanted = [f"{party.name} {number}" for party in world.responders for number in range(3)]
    assert sorted(victims(world, "in")) == sorted(wanted)
    assert len(victims(world, "in", LetterKind.INTRODUCTION)) == 2
    for party in world.parties:
        arrived = [(n.correspondent, n.text) for n in party.arrivals()]
        assert len(arrived) == len(set(arrived))
        # A number that two different cells carry would be a number used twice.
        numbers = [p.frame.message.number for _, p in party.published if isinstance(p.frame.message, Letter)]
        assert len(numbers) == len(set(numbers))
    assert all(x.delivered for x in world.responders[0].machine.letters(world.call.id))


@pytest.mark.parametrize("block", range(10))
def test_random_schedules(block: int) -> None:
    """A hundred schedules with loss, doubling, reordering and crashes at any action: every letter exactly once."""
    for seed in range(100 * block, 100 * block + 100):
        check_exactly_once(run_schedule(seed, loss=0.25, crash=0.03))


def test_the_schedules_do_crash() -> None:
    """The control of the test above: the schedules do restart processes, and do lose cells."""
    runs = [party.run for seed in range(20) for party in run_schedule(seed, loss=0.25, crash=0.03).parties]
    assert sum(runs) > 2 * len(runs)


def test_the_same_seed_gives_the_same_world() -> None:
    """Equal seeds give equal letters, cells and views."""
    assert outcome(run_schedule(5, loss=0.2, crash=0.02)) == outcome(run_schedule(5, loss=0.2, crash=0.02))
    assert outcome(run_schedule(5, loss=0.2, crash=0.02)) != outcome(run_schedule(6, loss=0.2, crash=0.02))


def test_who_claims_again_introduces_itself_once() -> None:
    """The victim knows it already: a second claim writes no letter, and the victim is told one introduction."""
    world = acquainted(World(7))
    first = len(world.responders[0].letter_cells())
    world.claim(0, 1, EARLIER)
    world.run(world.now + HOUR_S)
    assert len(world.responders[0].letter_cells()) == first
    assert victims(world, "in", LetterKind.INTRODUCTION) == ["we are a CERT; ring 555-0199"]


def test_an_introduction_under_way_takes_the_newer_claim() -> None:
    """Nothing arrives until it claimed twice: the one letter that then arrives encloses the second claim."""
    world = World(8, loss=1.0)
    world.begin()
    world.claim(0)
    world.run(world.now + 1)
    second = world.claim(0, 1, EARLIER)
    assert responders(world, "out", LetterKind.INTRODUCTION) == ["we are a CERT; ring 555-0199"]
    world.loss = 0.0
    world.run(world.now + HOUR_S)
    assert victims(world, "in", LetterKind.INTRODUCTION) == ["we are a CERT; ring 555-0199"]
    assert world.victim.machine._rescuers._standings[R0].newest.id == second.id


def test_who_says_something_else_introduces_itself_anew() -> None:
    """Control: after a restart with other words, a new claim brings them to the victim."""
    world = acquainted(World(9, introduction="ring 555-0199"))
    world.responders[0].machine.introduction = "ring 555-0100"
    world.claim(0, 1, EARLIER)
    world.run(world.now + HOUR_S)
    assert victims(world, "in", LetterKind.INTRODUCTION) == ["ring 555-0199", "ring 555-0100"]

"""Peers that answer each question just in time: they cost their turn, and never a place for good."""

import random
from collections.abc import Callable

import pytest
from attrs import define, field

from p2p_sos.core.internal import Probe
from p2p_sos.core.sync.sync import SyncSettings
from p2p_sos.wire.registry import CELL_BYTES, SYNC_PERIOD_S
from p2p_sos.wire.sync import (
    Ask,
    Branch,
    Branches,
    Cells,
    Equal,
    Fetch,
    Give,
    Newest,
    Open,
    Registers,
    Reply,
    Request,
    Taken,
    Trees,
    decode,
    encode,
)
from tests.core.sync.neighbourhood import Behaviour, Neighbourhood, name_id
from tests.core.sync.test_liars import CALL, HELD, only_answers

JUST_IN_TIME_S = 0.99 * SYNC_PERIOD_S
OPEN_MAX = SyncSettings().sessions_max
MUCH = [CALL, *(name_id(f"much {index}") for index in range(1899))]


def turn_within_s(peers: int) -> float:
    """How long one of so many waits for its turn at most."""
    # "Of *n* peers each is asked within 4*n* periods after it joined" (09-sync §6)
    return 4 * peers * SYNC_PERIOD_S


@define(eq=False)
class SlowLiar:
    """Answers a moment before it would be given up, with names of which 2,048 are fetched in 33 questions."""

    _among: Neighbourhood
    _name: str
    _draws: random.Random = field(init=False)

    @_draws.default
    def _seeded(self) -> random.Random:
        return random.Random(self._name)

    def __call__(self, asker: str, frame: bytes) -> list[bytes]:
        question = decode(frame)
        if isinstance(question, Request):
            at = self._among.now + JUST_IN_TIME_S
            self._among.post(at, self._name, asker, encode(self._answer(question)))
        return []

    def _ids(self, count: int) -> tuple[bytes, ...]:
        return tuple(sorted(self._draws.randbytes(32) for _ in range(count)))

    def _answer(self, question: Request) -> Reply:
        number = question.session
        match question:
            case Open():
                return Trees(number, tuple((one, self._draws.randbytes(16)) for one in self._ids(30)))
            case Ask(wishes=wishes):
                wish = wishes[0]
                return Branches(number, (Branch(wish.name, wish.prefix, self._ids(2048)),))
            case Fetch():
                return Cells(number, ())
            case Registers():
                return Newest(number, (), ())
            case Give():
                return Taken(number)


def besieged(liars: int, seed: int = 0, *, dialled: bool = True) -> Neighbourhood:
    """A victim among slow liars, all met in one moment."""
    siege = Neighbourhood(seed)
    siege.add("victim")
    siege.names.update(dict.fromkeys(MUCH, CALL) | dict.fromkeys(HELD, CALL))
    for index in range(liars):
        join_liar(siege, f"slow {index}", dialled=dialled)
    return siege


def join_liar(siege: Neighbourhood, name: str, *, dialled: bool = True) -> None:
    """One more."""
    siege.liars[name] = SlowLiar(siege, name)
    siege.link(*(("victim", name) if dialled else (name, "victim")))


def until(siege: Neighbourhood, happened: Callable[[], bool], within_s: float) -> float:
    """Seconds until something happened, looked at once a second; infinite where it did not."""
    start = siege.now
    while not happened():
        if siege.now >= start + within_s:
            return float("inf")
        siege.run(1.0)
    return siege.now - start


def holds(siege: Neighbourhood, ids: list[bytes]) -> Callable[[], bool]:
    """Whether the victim holds all of it."""
    return lambda: set(siege.shelves["victim"].sets.get(CALL, {})) >= set(ids)


def asked(siege: Neighbourhood, peer: str) -> list[bytes]:
    """What the victim wrote to a peer."""
    return [frame for _, to, frame in siege.frames if to == peer]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("liars", [4, 8, 16])
def test_slow_liars_delay_within_the_bound(liars: int, seed: int) -> None:
    """An honest peer that dialled the victim, after they took all places, is asked in its turn and brings everything."""
    siege = besieged(liars, seed)
    siege.liars["honest"] = only_answers(siege, HELD)
    siege.link("honest", "victim")
    bound_s = turn_within_s(liars + 1)
    assert until(siege, holds(siege, HELD), bound_s) <= bound_s


@pytest.mark.parametrize("liars", [4, 16])
def test_slow_liars_alone_bring_nothing(liars: int) -> None:
    """The control: it is the honest peer that brings it."""
    siege = besieged(liars)
    siege.run(turn_within_s(liars + 1))
    assert CALL not in siege.shelves["victim"].sets


@pytest.mark.parametrize("seed", range(4))
def test_a_crowd_that_dialled_adds_nothing(seed: int) -> None:
    """Whom the victim dialled, last of five in one moment, waits for these five alone."""
    siege = besieged(4, seed)
    siege.liars["honest"] = only_answers(siege, HELD)
    siege.link("victim", "honest")
    for index in range(32):
        join_liar(siege, f"crowd {index}", dialled=False)
    assert not holds(siege, HELD)()
    bound_s = turn_within_s(5)
    assert until(siege, holds(siege, HELD), bound_s) <= bound_s


def test_whom_the_victim_dials_is_asked_at_once() -> None:
    """Places that were held for a period are there for whoever is dialled."""
    siege = besieged(16)
    siege.run(6 * SYNC_PERIOD_S)
    siege.liars["honest"] = only_answers(siege, HELD)
    siege.link("victim", "honest")
    assert holds(siege, HELD)()


@pytest.mark.parametrize("seed", range(4))
def test_ever_new_names_gain_nothing(seed: int) -> None:
    """Four that leave and are dialled anew under other names, just before each turn, hold every place with young sessions."""
    siege = besieged(4, seed)
    siege.liars["honest"] = only_answers(siege, HELD)
    siege.link("honest", "victim")
    bound_s, start = turn_within_s(5), siege.now
    for wave in range(int(bound_s / 2)):
        siege.run(2.0)
        if holds(siege, HELD)():
            break
        for index in range(4):
            siege.cut("victim", f"slow {4 * wave + index}")
            join_liar(siege, f"slow {4 * wave + 4 + index}")
    assert holds(siege, HELD)()
    assert siege.now - start <= bound_s


def test_few_sessions_are_open_whoever_waits() -> None:
    """In no period the victim writes to more than those places, the one opened beyond them and the one that followed."""
    siege = besieged(24)
    for _ in range(30):
        siege.frames.clear()
        siege.run(SYNC_PERIOD_S)
        assert len({to for _, to, _ in siege.frames}) <= OPEN_MAX + 2


def test_a_session_lasts_a_period_at_least_and_the_oldest_gives_way() -> None:
    """Whoever was asked is asked on; who got a place in turn keeps it until those before it gave theirs."""
    siege = besieged(24)
    siege.run(2 * SYNC_PERIOD_S)
    early = list(dict.fromkeys(to for _, to, _ in siege.frames))
    assert len(early) <= OPEN_MAX + 2
    siege.run(5 * SYNC_PERIOD_S)
    in_turn = early[OPEN_MAX:]
    assert all(len(asked(siege, peer)) >= 2 for peer in early)
    assert all(len(asked(siege, peer)) >= 4 for peer in in_turn)


def _line(siege: Neighbourhood, bits_per_s: float, peers: int) -> None:
    """Honest peers that the victim dialled over one line of its own: their answers come one behind the other."""
    free_at = 0.0

    def over_it(name: str, answer: Behaviour) -> Behaviour:
        def behave(asker: str, frame: bytes) -> list[bytes]:
            nonlocal free_at
            for reply in answer(asker, frame):
                free_at = max(free_at, siege.now) + 8 * len(reply) / bits_per_s
                siege.post(free_at, name, asker, reply)
            return []

        return behave

    for index in range(peers):
        siege.liars[f"honest {index}"] = over_it(f"honest {index}", only_answers(siege, MUCH))
    for index in range(peers):
        siege.link("victim", f"honest {index}")


@pytest.mark.parametrize("peers", [1, 4, 12])
def test_a_late_joiner_over_a_slow_line_gets_everything(peers: int) -> None:
    """4 MiB over 1 Mbit/s, which is 34 s: up to four peers are heard to the end, and turns among twelve lose little."""
    siege = besieged(0)
    _line(siege, 1e6, peers)
    took_s = until(siege, holds(siege, MUCH), 600.0)
    assert took_s <= 300.0
    if peers <= OPEN_MAX:
        opened = [to for _, to, frame in siege.frames if isinstance(decode(frame), Open)]
        assert len(opened) == len(set(opened))


@pytest.mark.parametrize("liars", [4, 16])
def test_a_slow_honest_peer_finishes_among_slow_liars(liars: int) -> None:
    """It gives way too, and goes on in its next turn: each brings what a period can carry at least."""
    siege = besieged(liars)
    _line(siege, 2.5e5, 1)
    turns = 1 + 8 * len(MUCH) * CELL_BYTES / 2.5e5 / SYNC_PERIOD_S
    took_s = until(siege, holds(siege, MUCH), turns * turn_within_s(liars + 1))
    assert took_s <= turns * turn_within_s(liars + 1)


def test_who_was_silent_is_asked_again_among_slow_liars() -> None:
    """Once a cut heals, the peer beyond it is asked within two periods, though all places are held."""
    siege = besieged(16)
    awake = False

    def behind_a_cut(_: str, frame: bytes) -> list[bytes]:
        message = decode(frame)
        return [encode(Equal(message.session))] if awake and isinstance(message, Open) else []

    siege.liars["cut off"] = behind_a_cut
    siege.link("cut off", "victim")
    assert until(siege, lambda: bool(asked(siege, "cut off")), turn_within_s(17)) < float("inf")
    siege.run(6 * SYNC_PERIOD_S)
    awake = True
    siege.frames.clear()
    siege.run(2 * SYNC_PERIOD_S)
    assert asked(siege, "cut off")


def test_a_probe_is_asked_where_places_were_held() -> None:
    """Who must be sure at once, between two turns, is not kept from asking by sessions that drag on."""
    siege = besieged(16)
    siege.run(6 * SYNC_PERIOD_S)
    siege.frames.clear()
    siege.perform("victim", siege.machines["victim"].handle(Probe(), siege.now))
    assert [type(decode(frame)) for _, _, frame in siege.frames] == [Open]

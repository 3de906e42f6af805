"""Peers that lie, keep silent or flood: they delay the victim of it, and gain nothing."""

import random
from collections.abc import Callable

import pytest

from p2p_sos.core.events import SyncReceived
from p2p_sos.core.sync.sync import SyncSettings
from p2p_sos.wire.refusals import Refusal
from p2p_sos.wire.registry import CELL_BYTES, SYNC_FRAME_BYTES_MAX, SYNC_PERIOD_S, SYNC_SESSION_BYTES_MAX
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
    SyncMessage,
    Taken,
    Trees,
    Wish,
    decode,
    encode,
)
from tests.core.sync.neighbourhood import DAY, Behaviour, Neighbourhood, made_up_cell, name_id

CALL = name_id("call")
HELD = [CALL, *(name_id(f"word {index}") for index in range(100))]
BOGUS = tuple(sorted(name_id(f"bogus {index}") for index in range(500)))
NOISE = random.Random(7)
MINUTES_S = 300.0


def answering(answer: Callable[[SyncMessage], list[SyncMessage]]) -> Behaviour:
    """A peer that answers questions its own way."""

    def behave(_: str, frame: bytes) -> list[bytes]:
        question = decode(frame)
        assert not isinstance(question, Refusal)
        return [encode(reply) for reply in answer(question)]

    return behave


def _claims_equality(question: SyncMessage) -> list[SyncMessage]:
    return [Equal(question.session)] if isinstance(question, Open) else []


def _claims_bogus_ids(question: SyncMessage) -> list[SyncMessage]:
    number = question.session
    match question:
        case Open():
            return [
                Trees(number, ((name_id("bogus call"), NOISE.randbytes(16)), (CALL, NOISE.randbytes(16))))
            ]
        case Ask(wishes=wishes):
            return [Branches(number, tuple(Branch(w.name, w.prefix, _under(w.prefix)) for w in wishes))]
        case Fetch():
            return [Cells(number, ())]
        case Registers():
            return [Newest(number, (), (NOISE.randbytes(16),))]
        case _:
            return [Taken(number)]


def _under(prefix: bytes) -> tuple[bytes, ...]:
    return BOGUS if not prefix else ()


def _digs_for_ever(question: SyncMessage) -> list[SyncMessage]:
    number = question.session
    if isinstance(question, Open):
        return [Trees(number, ((CALL, NOISE.randbytes(16)),))]
    if not isinstance(question, Ask):
        return []
    deeper = [
        Branch(w.name, w.prefix, None, tuple(NOISE.randbytes(16) for _ in range(16)))
        for w in question.wishes
        if len(w.prefix) < 63
    ]
    return [Branches(number, tuple(deeper))]


def _answers_another_question(question: SyncMessage) -> list[SyncMessage]:
    return [Taken(question.session), Branches(question.session, ()), Equal(question.session ^ 1)]


def _floods(question: SyncMessage) -> list[SyncMessage]:
    cells = tuple(made_up_cell(one) for one in BOGUS[:63])
    return [Give(question.session, cells), Cells(question.session, cells)] * 30


def _brings_other_cells(question: SyncMessage) -> list[SyncMessage]:
    if isinstance(question, Fetch):
        return [Cells(question.session, tuple(made_up_cell(one) for one in BOGUS[: len(question.ids)]))]
    return _claims_bogus_ids(question)


def _sends_garbage(_: str, frame: bytes) -> list[bytes]:
    cut = frame[: NOISE.randrange(len(frame) + 1)]
    return [
        NOISE.randbytes(100),
        b"",
        cut,
        b"\xdd\xff\xff\xff\xff" * 40,
        bytes(SYNC_FRAME_BYTES_MAX + 1),
        frame[::-1],
    ]


LIARS: dict[str, Behaviour] = {
    "claims equality": answering(_claims_equality),
    "claims bogus ids": answering(_claims_bogus_ids),
    "brings other cells": answering(_brings_other_cells),
    "digs for ever": answering(_digs_for_ever),
    "answers another question": answering(_answers_another_question),
    "floods": answering(_floods),
    "keeps silent": lambda _, __: [],
    "echoes": lambda _, frame: [frame] if NOISE.random() < 0.5 else [],
    "sends garbage": _sends_garbage,
}


def neighbourhood(liar: str, *, honest: bool) -> Neighbourhood:
    """A victim that dialled a liar; perhaps an honest peer that holds everything dialled the victim."""
    three = Neighbourhood()
    three.liars["liar"] = LIARS[liar]
    three.add("victim")
    three.names.update(dict.fromkeys(HELD, CALL))
    three.link("victim", "liar")
    if honest:
        three.liars["honest"] = only_answers(three, HELD)
        three.link("honest", "victim")
    return three


def only_answers(three: Neighbourhood, held: list[bytes]) -> Behaviour:
    """An honest peer that never asks: whatever the victim learns, it learns by asking."""
    passive = Neighbourhood(settings=SyncSettings(period_s=None))
    passive.add("honest")
    passive.hold("honest", CALL, held)
    passive.liars["victim"] = lambda _, __: []
    passive.link("honest", "victim")

    def behave(sender: str, frame: bytes) -> list[bytes]:
        passive.frames.clear()
        passive.now = three.now
        passive.deliver(sender, "honest", frame)
        return [sent for _, _, sent in passive.frames]

    return behave


@pytest.mark.parametrize("liar", LIARS)
def test_a_liar_only_delays(liar: str) -> None:
    """The victim holds everything three periods later, from the next peer; nothing that the liar made up stays."""
    three = neighbourhood(liar, honest=True)
    three.run(3 * SYNC_PERIOD_S)
    assert set(three.shelves["victim"].sets.get(CALL, {})) == set(HELD)
    assert [name for name in three.shelves["victim"].trees() if name != CALL] == []


@pytest.mark.parametrize("liar", LIARS)
def test_with_a_liar_alone_nothing_comes(liar: str) -> None:
    """The control: it is the honest peer that brings it."""
    three = neighbourhood(liar, honest=False)
    three.run(3 * SYNC_PERIOD_S)
    assert CALL not in three.shelves["victim"].sets


@pytest.mark.parametrize("liar", LIARS)
def test_what_a_liar_costs_is_bounded(liar: str) -> None:
    """In five minutes: what the victim writes keeps within its sessions, what it looks at within the liar's allowance."""
    three = neighbourhood(liar, honest=False)
    three.run(MINUTES_S)
    sessions = MINUTES_S / SYNC_PERIOD_S + 1
    assert three.bytes_passed() <= sessions * 12 * 20_000
    settings = SyncSettings()
    allowance = settings.answer_bytes_burst + MINUTES_S * settings.answer_bytes_per_s
    assert len(three.offered) * CELL_BYTES <= allowance + sessions * SYNC_SESSION_BYTES_MAX


def _answered_bytes(question: SyncMessage, times: int) -> tuple[int, Neighbourhood]:
    one = Neighbourhood(settings=SyncSettings(period_s=None))
    one.add("victim")
    one.hold("victim", CALL, HELD)
    one.hold("victim", DAY, [name_id(f"card {index}") for index in range(2000)])
    one.liars["asker"] = lambda _, __: []
    one.link("asker", "victim")
    frame = encode(question)
    for _ in range(times):
        one.perform("victim", one.machines["victim"].handle(SyncReceived("asker", frame), 0.0))
    return one.bytes_passed(), one


@pytest.mark.parametrize(
    "question",
    [
        Fetch(1, tuple(HELD[:63])),
        Ask(1, tuple(Wish(DAY, bytes([n // 16, n % 16]), 2048) for n in range(256))),
        Give(1, tuple(made_up_cell(one) for one in BOGUS[:63])),
        Open(1, bytes(16)),
    ],
    ids=lambda question: type(question).__name__,
)
def test_whoever_asks_too_much_is_not_answered(question: SyncMessage) -> None:
    """In one moment a peer gets a session's worth, and another peer is still answered."""
    times = 3000
    passed, one = _answered_bytes(question, times)
    assert passed <= SYNC_SESSION_BYTES_MAX + SYNC_FRAME_BYTES_MAX
    assert len(one.offered) * CELL_BYTES <= SYNC_SESSION_BYTES_MAX + SYNC_FRAME_BYTES_MAX
    one.liars["another"] = lambda _, __: []
    one.link("another", "victim")
    one.frames.clear()
    one.perform(
        "victim", one.machines["victim"].handle(SyncReceived("another", encode(Open(1, bytes(16)))), 0.0)
    )
    assert len(one.frames) == 1


def test_a_crowd_that_dialled_us_is_not_all_that_we_ask() -> None:
    """Of a hundred liars that dialled and one honest peer that was dialled, the honest one is asked every second time."""
    crowd = Neighbourhood()
    crowd.add("victim")
    asked: list[str] = []

    def note(name: str) -> Behaviour:
        def behave(_: str, frame: bytes) -> list[bytes]:
            message = decode(frame)
            asked.append(name)
            return [encode(Equal(message.session))] if isinstance(message, Open) else []

        return behave

    for index in range(100):
        crowd.liars[f"liar {index}"] = note(f"liar {index}")
        crowd.link(f"liar {index}", "victim")
    crowd.liars["honest"] = note("honest")
    crowd.link("victim", "honest")
    crowd.run(20 * SYNC_PERIOD_S)
    assert asked.count("honest") >= 10
    assert len(set(asked)) >= 10


def test_who_was_silent_is_asked_again_every_period() -> None:
    """Beyond a cut that nobody told, a peer is asked in the period after it heals, whoever else is there."""
    island = Neighbourhood()
    island.add("victim")
    awake = False
    asked: list[float] = []

    def behind_a_cut(_: str, frame: bytes) -> list[bytes]:
        asked.append(island.now)
        message = decode(frame)
        return [encode(Equal(message.session))] if awake and isinstance(message, Open) else []

    island.liars["cut off"] = behind_a_cut
    island.link("victim", "cut off")
    for index in range(5):
        island.liars[f"near {index}"] = answering(_claims_equality)
        island.link("victim", f"near {index}")
    island.run(10 * SYNC_PERIOD_S)
    awake = True
    asked.clear()
    island.run(SYNC_PERIOD_S)
    assert len(asked) == 1
    island.run(5 * SYNC_PERIOD_S)
    assert len(asked) <= 5  # one of six again, every second time drawn among those that were dialled

"""Frames of sync: one encoding for each, and a reader that is total."""

import random
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_sos.wire.canonical import pack
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import CELL_BYTES, SYNC_FRAME_BYTES_MAX, SyncFrame
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
    Roll,
    SyncMessage,
    Taken,
    Trees,
    Wish,
    decode,
    encode,
    nibbles,
)

Sessions = st.integers(0, 2**32 - 1)
Prints = st.binary(min_size=16, max_size=16)
Ids = st.binary(min_size=32, max_size=32)
Names = st.one_of(Ids, st.binary(min_size=4, max_size=4), st.just(b""))
Prefixes = st.binary(max_size=64).map(lambda b: bytes(n & 15 for n in b))
SomeCells = st.lists(
    st.binary(min_size=1, max_size=8).map(lambda b: b.ljust(CELL_BYTES, b"\0")), max_size=3
).map(tuple)
SomePrints = st.lists(Prints, max_size=5).map(tuple)


def _listed(name: bytes, ids: list[bytes], depth: int) -> Branch:
    prefix = nibbles(ids[0], depth) if ids else b""
    return Branch(name, prefix, tuple(sorted({one for one in ids if nibbles(one, len(prefix)) == prefix})))


SomeBranches = st.one_of(
    st.builds(_listed, Names, st.lists(Ids, max_size=5), st.integers(0, 3)),
    st.builds(
        lambda name, prefix, children: Branch(name, prefix[:63], None, tuple(children)),
        Names, Prefixes, st.lists(Prints, min_size=16, max_size=16),
    ),
)  # fmt: skip
Frames: st.SearchStrategy[SyncMessage] = st.one_of(
    st.builds(Open, Sessions, Prints),
    st.builds(Equal, Sessions),
    st.builds(
        Trees, Sessions, st.dictionaries(Names, Prints, max_size=150).map(lambda d: tuple(sorted(d.items())))
    ),
    st.builds(
        Ask, Sessions,
        st.lists(st.builds(Wish, Names, Prefixes, st.integers(0, 2048)), max_size=150).map(tuple),
    ),
    st.builds(Branches, Sessions, st.lists(SomeBranches, max_size=10).map(tuple)),
    st.builds(Fetch, Sessions, st.lists(Ids, max_size=63).map(tuple)),
    st.builds(Cells, Sessions, SomeCells),
    st.builds(Give, Sessions, SomeCells),
    st.builds(Taken, Sessions),
    st.builds(Registers, Sessions, st.lists(st.builds(Roll, Ids, SomePrints), max_size=80).map(tuple)),
    st.builds(Newest, Sessions, SomeCells, SomePrints),
)  # fmt: skip


@given(Frames)
def test_a_frame_is_read_as_it_was_written(message: SyncMessage) -> None:
    """`decode` undoes `encode`, and the encoding is the only one."""
    data = encode(message)
    assert decode(data) == message
    assert len(data) <= SYNC_FRAME_BYTES_MAX


@given(st.binary(max_size=300))
def test_any_bytes_give_a_frame_or_a_refusal(data: bytes) -> None:
    """Total; and what is read is written alike."""
    read = decode(data)
    assert isinstance(read, Refusal) or encode(read) == data


@settings(max_examples=300)
@given(Frames, st.integers(0, 2**32), st.integers(0, 255))
def test_a_changed_byte_gives_a_frame_or_a_refusal(message: SyncMessage, where: int, byte: int) -> None:
    """Total near real frames too."""
    data = bytearray(encode(message))
    data[where % len(data)] = byte
    read = decode(bytes(data))
    assert isinstance(read, Refusal) or encode(read) == bytes(data)


ID, OTHER = b"\x11" * 32, b"\x22" * 32
PRINT = bytes(16)


@pytest.mark.parametrize(
    ("plain", "why"),
    [
        ([], "no code"),
        ([b"\x00", 1], "a code that is no integer"),
        ([11, 1], "a code that does not exist"),
        ([SyncFrame.EQUAL], "no session"),
        ([SyncFrame.EQUAL, 2**32], "a session too large"),
        ([SyncFrame.EQUAL, 1, 1], "one element too many"),
        ([SyncFrame.OPEN, 1, bytes(15)], "a short fingerprint"),
        ([SyncFrame.TREES, 1, [[[ID, PRINT], [ID, PRINT]]]], "a tree twice"),
        ([SyncFrame.TREES, 1, [[[OTHER, PRINT], [ID, PRINT]]]], "names that descend"),
        ([SyncFrame.TREES, 1, [[[bytes(5), PRINT]]]], "a name of five bytes"),
        ([SyncFrame.TREES, 1, [[]]], "an empty row"),
        ([SyncFrame.TREES, 1, [[[b"", PRINT]], [[ID, PRINT]]]], "a row that is not full before another"),
        ([SyncFrame.ASK, 1, [[[ID, b"\x10", 64]]]], "no nibble"),
        ([SyncFrame.ASK, 1, [[[ID, bytes(65), 64]]]], "a prefix longer than an id"),
        ([SyncFrame.ASK, 1, [[[ID, b"", 2049]]]], "more ids than may be listed"),
        ([SyncFrame.ASK, 1, [[[ID, b"", 1]] * 64] * 5], "more than 256 branches"),
        ([SyncFrame.BRANCHES, 1, [[[ID, b"", 1, ID + ID]]]], "an id twice"),
        ([SyncFrame.BRANCHES, 1, [[[ID, b"\x02", 1, ID]]]], "an id of another branch"),
        ([SyncFrame.BRANCHES, 1, [[[ID, b"", 0, PRINT * 15]]]], "15 children"),
        ([SyncFrame.BRANCHES, 1, [[[ID, bytes(64), 0, PRINT * 16]]]], "children of a whole id"),
        ([SyncFrame.FETCH, 1, bytes(33)], "an id and a byte"),
        ([SyncFrame.FETCH, 1, bytes(32 * 64)], "more ids than cells fit"),
        ([SyncFrame.CELLS, 1, bytes(2047)], "a short cell"),
        ([SyncFrame.GIVE, 1, [bytes(2048)]], "cells in an array"),
        ([SyncFrame.REGISTERS, 1, [[[b"", b""]]]], "registers of no call"),
        ([SyncFrame.NEWEST, 1, b"", bytes(17)], "a fingerprint and a byte"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_breaks_a_rule_is_refused(plain: list[object], why: str) -> None:
    """Each rule of the document's tables."""
    assert isinstance(decode(pack(plain)), Refusal), why  # type: ignore[arg-type]


def test_a_frame_that_is_too_long_is_refused_unread() -> None:
    """One byte more than the limit."""
    read = decode(bytes(SYNC_FRAME_BYTES_MAX + 1))
    assert isinstance(read, Refusal)
    assert read.reason is Reason.FRAME_LENGTH


def test_hostile_frames_take_little_memory() -> None:
    """Towers of arrays and frames full of small things: never more than a few megabytes, and nothing stays."""
    draws = random.Random(3)
    hostile = [
        b"\xdc\x00\x40" * 43_000,
        b"\xdc\xff\xff" * 1000,
        b"\x94" * SYNC_FRAME_BYTES_MAX,
        pack([SyncFrame.ASK, 1, [[[ID, bytes(64), 2048]] * 64] * 4]),
        pack([SyncFrame.BRANCHES, 1, [[[b"", b"", 1, b""]] * 64] * 63]),
        draws.randbytes(SYNC_FRAME_BYTES_MAX),
    ]
    tracemalloc.start()
    try:
        for data in hostile:
            decode(data)
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()

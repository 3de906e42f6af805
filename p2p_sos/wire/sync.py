"""The frames of the sync stream: bytes to values and back, and the fingerprints that they compare.

Decides whether bytes are a frame of document 09. Comes in: values or untrusted bytes. Goes out: bytes, or a frame,
or a `Refusal`. Must not know who asks whom, nor what the cells hold.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

from attrs import field, fields, frozen

from p2p_sos.wire.canonical import pack, unpack
from p2p_sos.wire.hashing import blake2b
from p2p_sos.wire.messages import MessageId
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import (
    CELL_BYTES,
    ELEMENTS_MAX,
    SYNC_ASKS_MAX,
    SYNC_CELLS_MAX,
    SYNC_FRAME_BYTES_MAX,
    SYNC_LISTED_MAX,
    SYNC_TREES_MAX,
    SyncFrame,
)
from p2p_sos.wire.shapes import Plain

Fingerprint = bytes  # 16 bytes
ID_BYTES: Final = 32
FINGERPRINT_BYTES: Final = 16
CHILDREN: Final = 16
PREFIX_MAX: Final = 2 * ID_BYTES
# "The name of a tree is 32, 4 or 0 bytes long." (09-sync §2)
NAME_BYTES: Final = (32, 4, 0)
SESSION_MAX: Final = 2**32 - 1


# ------------------------------------------------------------------------- fingerprints


def fingerprint(ids: tuple[MessageId, ...]) -> Fingerprint:
    """The fingerprint of some ids, given in ascending order."""
    return blake2b("esos/1 sync", *ids, size=FINGERPRINT_BYTES)


EMPTY: Final = fingerprint(())


def root_fingerprint(trees: tuple[tuple[bytes, Fingerprint], ...]) -> Fingerprint:
    """The fingerprint of all trees, given in the ascending order of their names."""
    pieces = [piece for name, print_ in trees for piece in (bytes([len(name)]), name, print_)]
    return blake2b("esos/1 sync root", *pieces, size=FINGERPRINT_BYTES)


def cell_fingerprint(cell: bytes) -> Fingerprint:
    """The fingerprint by which a register is named."""
    return blake2b("esos/1 sync cell", cell, size=FINGERPRINT_BYTES)


# ------------------------------------------------------------------------- frames


@frozen
class Wish:
    """One branch that is asked for: a tree, a prefix (one nibble a byte), and how many ids may be listed."""

    name: bytes
    prefix: bytes
    listed_max: int


@frozen
class Branch:
    """One branch as the answerer holds it: its ids (`ids`), or the fingerprints of its 16 children."""

    name: bytes
    prefix: bytes
    ids: tuple[MessageId, ...] | None
    children: tuple[Fingerprint, ...] = ()


@frozen
class Roll:
    """The registers of one board that the asker holds, by their fingerprints."""

    call: bytes
    held: tuple[Fingerprint, ...]


@frozen
class Open:
    """The question: do you hold what I hold."""

    session: int
    root: Fingerprint


@frozen
class Equal:
    """The answer: yes."""

    session: int


@frozen
class Trees:
    """The answer: no; my trees and their fingerprints, names ascending."""

    session: int
    trees: tuple[tuple[bytes, Fingerprint], ...]


@frozen
class Ask:
    """The question: what lies under these prefixes."""

    session: int
    wishes: tuple[Wish, ...]


@frozen
class Branches:
    """The answer: what lies there, of the first of those that were asked for."""

    session: int
    branches: tuple[Branch, ...]


@frozen
class Fetch:
    """The question: give me these."""

    session: int
    ids: tuple[MessageId, ...]


@frozen
class Cells:
    """The answer: what I hold of them."""

    session: int
    cells: tuple[bytes, ...] = field(repr=False)


@frozen
class Give:
    """Cells that the other lacks."""

    session: int
    cells: tuple[bytes, ...] = field(repr=False)


@frozen
class Taken:
    """The answer: I took them to look at them."""

    session: int


@frozen
class Registers:
    """The question: which registers do you hold that I do not."""

    session: int
    rolls: tuple[Roll, ...]


@frozen
class Newest:
    """The answer: registers that were not named, and the names of those that I lack."""

    session: int
    cells: tuple[bytes, ...] = field(repr=False)
    lacked: tuple[Fingerprint, ...]


Request = Open | Ask | Fetch | Give | Registers
Reply = Equal | Trees | Branches | Cells | Taken | Newest
SyncMessage = Request | Reply

# What may be answered to what.
REPLIES: Final[dict[type[Any], tuple[type[Any], ...]]] = {
    Open: (Equal, Trees),
    Ask: (Branches,),
    Fetch: (Cells,),
    Give: (Taken,),
    Registers: (Newest,),
}

_CLASSES: Final[dict[SyncFrame, type[Any]]] = {
    SyncFrame.OPEN: Open,
    SyncFrame.EQUAL: Equal,
    SyncFrame.TREES: Trees,
    SyncFrame.ASK: Ask,
    SyncFrame.BRANCHES: Branches,
    SyncFrame.FETCH: Fetch,
    SyncFrame.CELLS: Cells,
    SyncFrame.GIVE: Give,
    SyncFrame.TAKEN: Taken,
    SyncFrame.REGISTERS: Registers,
    SyncFrame.NEWEST: Newest,
}


class _Fault(Exception):
    """Never leaves this module."""


# ------------------------------------------------------------------------- parts of a frame


def _whole(value: Plain, most: int) -> int:
    if type(value) is not int or value > most:
        raise _Fault(f"no integer up to {most}")
    return value


def _bytes(value: Plain, lengths: tuple[int, ...]) -> bytes:
    if type(value) is not bytes or len(value) not in lengths:
        raise _Fault(f"no byte string of length {lengths}")
    return value


def _pieces(value: Plain, size: int, most: int) -> tuple[bytes, ...]:
    """A byte string cut into pieces of one size."""
    if type(value) is not bytes or len(value) % size or len(value) > size * most:
        raise _Fault(f"not up to {most} pieces of {size} bytes")
    return tuple(value[at : at + size] for at in range(0, len(value), size))


def _ascending(values: tuple[bytes, ...]) -> tuple[bytes, ...]:
    if any(a >= b for a, b in pairwise(values)):
        raise _Fault("not ascending")
    return values


def _entries(value: Plain, width: int, most: int) -> list[list[Plain]]:
    """A table: rows of at most ELEMENTS_MAX entries, each of `width` elements."""
    if type(value) is not list:
        raise _Fault("no table")
    entries: list[list[Plain]] = []
    for number, row in enumerate(value, 1):
        # "Every row of a table holds 64 entries but the last, which holds at least one." (09-sync §4)
        if type(row) is not list or not row or (number < len(value) and len(row) != ELEMENTS_MAX):
            raise _Fault("a row that is not full, or no row")
        for entry in row:
            if type(entry) is not list or len(entry) != width:
                raise _Fault(f"an entry that is not {width} long")
            entries.append(entry)
        if len(entries) > most:
            raise _Fault(f"more than {most} entries")
    return entries


def _table(entries: list[Plain]) -> Plain:
    return [entries[at : at + ELEMENTS_MAX] for at in range(0, len(entries), ELEMENTS_MAX)]


def _prefix(value: Plain) -> bytes:
    if type(value) is not bytes or len(value) > PREFIX_MAX or any(nibble > 15 for nibble in value):
        raise _Fault("no prefix")
    return value


def _lift_trees(value: Plain) -> tuple[tuple[bytes, Fingerprint], ...]:
    trees = tuple(
        (_bytes(name, NAME_BYTES), _bytes(print_, (FINGERPRINT_BYTES,)))
        for name, print_ in _entries(value, 2, SYNC_TREES_MAX)
    )
    _ascending(tuple(name for name, _ in trees))
    return trees


def _lift_wishes(value: Plain) -> tuple[Wish, ...]:
    return tuple(
        Wish(_bytes(name, NAME_BYTES), _prefix(prefix), _whole(most, SYNC_LISTED_MAX))
        for name, prefix, most in _entries(value, 3, SYNC_ASKS_MAX)
    )


def _lift_branches(value: Plain) -> tuple[Branch, ...]:
    return tuple(_lift_branch(*entry) for entry in _entries(value, 4, SYNC_ASKS_MAX))


def _lift_branch(name: Plain, prefix: Plain, listed: Plain, payload: Plain) -> Branch:
    named, under = _bytes(name, NAME_BYTES), _prefix(prefix)
    if _whole(listed, 1):
        ids = _ascending(_pieces(payload, ID_BYTES, SYNC_LISTED_MAX))
        if any(nibbles(one, len(under)) != under for one in ids[:1] + ids[-1:]):
            raise _Fault("an id of another branch")
        return Branch(named, under, ids)
    children = _pieces(payload, FINGERPRINT_BYTES, CHILDREN)
    if len(children) != CHILDREN or len(under) == PREFIX_MAX:
        raise _Fault("not 16 children")
    return Branch(named, under, None, children)


def _lift_rolls(value: Plain) -> tuple[Roll, ...]:
    return tuple(
        Roll(_bytes(call, (ID_BYTES,)), _pieces(held, FINGERPRINT_BYTES, SYNC_LISTED_MAX))
        for call, held in _entries(value, 2, SYNC_ASKS_MAX)
    )


_LIFT: Final[dict[str, Callable[[Plain], Any]]] = {
    "session": lambda value: _whole(value, SESSION_MAX),
    "root": lambda value: _bytes(value, (FINGERPRINT_BYTES,)),
    "trees": _lift_trees,
    "wishes": _lift_wishes,
    "branches": _lift_branches,
    "ids": lambda value: _pieces(value, ID_BYTES, SYNC_CELLS_MAX),
    "cells": lambda value: _pieces(value, CELL_BYTES, SYNC_CELLS_MAX),
    "rolls": _lift_rolls,
    "lacked": lambda value: _pieces(value, FINGERPRINT_BYTES, SYNC_LISTED_MAX),
}

_LOWER: Final[dict[str, Callable[[Any], Plain]]] = {
    "session": lambda value: value,
    "root": lambda value: value,
    "trees": lambda value: _table([list(entry) for entry in value]),
    "wishes": lambda value: _table([[w.name, w.prefix, w.listed_max] for w in value]),
    "branches": lambda value: _table([_lower_branch(branch) for branch in value]),
    "ids": b"".join,
    "cells": b"".join,
    "rolls": lambda value: _table([[roll.call, b"".join(roll.held)] for roll in value]),
    "lacked": b"".join,
}


def _lower_branch(branch: Branch) -> Plain:
    payload = b"".join(branch.children if branch.ids is None else branch.ids)
    return [branch.name, branch.prefix, int(branch.ids is not None), payload]


def nibbles(message: MessageId, count: int) -> bytes:
    """The first nibbles of an id, one a byte."""
    return bytes(half for byte in message[: (count + 1) // 2] for half in (byte >> 4, byte & 15))[:count]


# ------------------------------------------------------------------------- the whole frame


# Of each class: its code, its parts with how they are written; of each code: its class and how they are read.
_WRITERS: Final = {
    message_class: (int(code), tuple((a.name, _LOWER[a.name]) for a in fields(message_class)))
    for code, message_class in _CLASSES.items()
}
_READERS: Final = {
    int(code): (message_class, tuple(_LIFT[a.name] for a in fields(message_class)))
    for code, message_class in _CLASSES.items()
}


def encode(message: SyncMessage) -> bytes:
    """The bytes of a frame."""
    code, parts = _WRITERS[type(message)]
    return pack([code, *(lower(getattr(message, name)) for name, lower in parts)])


def decode(data: bytes) -> SyncMessage | Refusal:
    """Total: any bytes give a frame or a refusal, in bounded time and memory."""
    plain = unpack(data, longest=SYNC_FRAME_BYTES_MAX)
    if isinstance(plain, Refusal):
        return plain
    if type(plain) is not list or not plain or type(plain[0]) is not int:
        return Refusal(Reason.ELEMENTS, "a frame is an array that opens with its code")
    reader = _READERS.get(plain[0])
    if reader is None:
        return Refusal(Reason.KIND, f"{plain[0]} is no frame of sync")
    message_class, parts = reader
    if len(plain) != 1 + len(parts):
        return Refusal(Reason.ELEMENTS, f"{len(plain)} elements in {message_class.__name__}")
    try:
        values = [lift(value) for lift, value in zip(parts, plain[1:], strict=True)]
    except _Fault as fault:
        return Refusal(Reason.FIELD, f"{message_class.__name__}: {fault}")
    message: SyncMessage = message_class(*values)
    return message

"""What a field of a message may hold, and where in the frame it stands.

Comes in: the value of one field, in memory or as plain msgpack. Goes out: the other of the two, or a
sentence that says what is wrong. Knows nothing of cells, keys, or which message the field belongs to.

A plain value is an unsigned integer, a byte string, or a list of plain values: nothing else exists on
the wire (02-encoding §2).
"""

import itertools
from collections.abc import Callable
from enum import IntEnum
from typing import Any, Literal

from attrs import field, frozen

from p2p_sos.wire.globe import LAST_CELL, UNDISCLOSED, is_coarse_cell
from p2p_sos.wire.registry import CELL_RESOLUTION_MAX

Plain = int | bytes | list["Plain"]
Place = Literal["header", "body"]

KEY_BYTES = 32
HASH_BYTES = 32
WORD_MAX = 2**64 - 1


@frozen
class Shape:
    """How one field is written and read.

    `fault(plain)` returns None if the plain value may stand there, else a few words without a full stop.
    `lift` turns a faultless plain value into the value in memory; `lower` is its inverse. Both are None where the
    plain value is the value in memory. `smallest` and `largest` are the faultless plain values with the shortest and
    the longest encoding: tests prove with them that every message fits a cell.
    """

    place: Place
    fault: Callable[[Plain], str | None]
    smallest: Plain
    largest: Plain
    lift: Callable[[Any], Any] | None = None
    lower: Callable[[Any], Plain] | None = None


def _shaped(shape: Shape) -> Any:
    return field(metadata={"shape": shape})


def shape_of(attribute: Any) -> Shape:
    """The shape of one attrs attribute of a message class."""
    shape: Shape = attribute.metadata["shape"]
    return shape


def unsigned(place: Place, *, highest: int = WORD_MAX, lowest: int = 0) -> Any:
    """An integer from `lowest` to `highest`."""

    def fault(plain: Plain) -> str | None:
        if type(plain) is not int:
            return "not an integer"
        return None if lowest <= plain <= highest else f"{plain} is not between {lowest} and {highest}"

    return _shaped(Shape(place, fault, lowest, highest))


def word(place: Place, vocabulary: type[IntEnum]) -> Any:
    """One member of a public vocabulary."""
    codes = {int(member): member for member in vocabulary}

    def fault(plain: Plain) -> str | None:
        if type(plain) is not int:
            return "not an integer"
        return None if plain in codes else f"{plain} is not in {vocabulary.__name__}"

    return _shaped(Shape(place, fault, min(codes), max(codes), codes.__getitem__, int))


def mask(place: Place, vocabulary: type[IntEnum], *, empty: bool) -> Any:
    """A set of members as a bit mask, one bit a member; `empty` says whether none is allowed."""
    every = sum(1 << int(member) for member in vocabulary)

    def fault(plain: Plain) -> str | None:
        if type(plain) is not int:
            return "not an integer"
        if plain < 0 or plain & ~every:
            return f"a bit without a meaning in {vocabulary.__name__}"
        return None if plain or empty else "an empty mask"

    return _shaped(Shape(place, fault, 0 if empty else every & -every, every))


def globe_cell(place: Place) -> Any:
    """Roughly where: a coarse cell of the H3 grid, or 0 for undisclosed."""

    def fault(plain: Plain) -> str | None:
        if type(plain) is not int:
            return "not an integer"
        if plain == UNDISCLOSED or is_coarse_cell(plain):
            return None
        return f"{plain} is not an H3 cell of resolution {CELL_RESOLUTION_MAX} at most"

    return _shaped(Shape(place, fault, UNDISCLOSED, LAST_CELL))


def _sized(length: int) -> Callable[[Plain], str | None]:
    def fault(plain: Plain) -> str | None:
        if type(plain) is not bytes:
            return "not a byte string"
        return None if len(plain) == length else f"{len(plain)} bytes where {length} must stand"

    return fault


def fixed(place: Place, length: int) -> Any:
    """A byte string of exactly `length` bytes: a key, a hash, a signature."""
    return _shaped(Shape(place, _sized(length), bytes(length), b"\xff" * length))


def blob(place: Place, *, longest: int, shortest: int = 0) -> Any:
    """A byte string of `shortest` to `longest` bytes."""

    def fault(plain: Plain) -> str | None:
        if type(plain) is not bytes:
            return "not a byte string"
        good = shortest <= len(plain) <= longest
        return None if good else f"{len(plain)} bytes where {shortest} to {longest} may stand"

    return _shaped(Shape(place, fault, bytes(shortest), b"\xff" * longest))


def hashes(place: Place, *, most: int, least: int = 0) -> Any:
    """`least` to `most` byte strings of 32 bytes, strictly ascending: a set has one encoding."""
    item = _sized(HASH_BYTES)

    def fault(plain: Plain) -> str | None:
        if type(plain) is not list:
            return "not an array"
        if not least <= len(plain) <= most:
            return f"{len(plain)} entries where {least} to {most} may stand"
        for entry in plain:
            if (wrong := item(entry)) is not None:
                return wrong
        ascending = all(a < b for a, b in itertools.pairwise(plain))  # type: ignore[operator]
        return None if ascending else "entries not strictly ascending"

    entries: list[Plain] = [bytes([number]).ljust(HASH_BYTES, b"\xff") for number in range(most)]
    return _shaped(Shape(place, fault, entries[:least], entries, tuple, list))


def numbers(place: Place, *, most: int, highest: int) -> Any:
    """At most `most` integers from 0 to `highest`, strictly ascending."""

    def fault(plain: Plain) -> str | None:
        if type(plain) is not list:
            return "not an array"
        if len(plain) > most:
            return f"{len(plain)} entries where at most {most} may stand"
        for entry in plain:
            if type(entry) is not int or not 0 <= entry <= highest:
                return f"an entry that is not an integer from 0 to {highest}"
        ascending = all(a < b for a, b in itertools.pairwise(plain))  # type: ignore[operator]
        return None if ascending else "entries not strictly ascending"

    largest: list[Plain] = [*range(highest - most + 1, highest + 1)]
    return _shaped(Shape(place, fault, [], largest, tuple, list))

"""The watch log: what a node decided, line by line, each holding the hash of the one before.

Decides what a line looks like and whether a chain of lines is whole. Comes in: decisions. Goes out: rows
of `Table.LOG`, lines of JSON text. Must not know why something was decided.

A chain shows that no line in it was changed, added or taken out later; that its end was cut off, it cannot
show. A line that went out to somebody else pins all before it.
"""

import json
import re
from collections.abc import Sequence

from attrs import define, field

from p2p_sos.core.actions import Keep
from p2p_sos.core.tables import Table
from p2p_sos.wire.hashing import blake2b

NUMBER_BYTES = 8
LINES_IN_MEMORY_MAX = 1024  # guess: what an operator scrolls through; the store holds all
NO_LINE = bytes(32)
CALL_IN_HEX = re.compile("([0-9a-f]{2})*")


def line_hash(line: bytes) -> bytes:
    """What the next line says about this one."""
    return blake2b("esos/1 watch log", line)


def write_line(number: int, previous: bytes, fields: dict[str, int | str]) -> bytes:
    """One line, without a line feed; equal fields give equal bytes."""
    text = {"number": number, "previous": previous.hex(), **fields}
    return json.dumps(text, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def verify_chain(lines: Sequence[bytes], *, first: int = 1, previous: bytes = NO_LINE) -> str | None:
    """What is wrong with a chain that starts with line `first` after a line of hash `previous`, or None."""
    for number, line in enumerate(lines, start=first):
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            return f"line {number} is no JSON"
        if not isinstance(told, dict) or told.get("number") != number:
            return f"line {number} is missing or out of place"
        if told.get("previous") != previous.hex():
            return f"line {number} does not follow from the line before it"
        previous = line_hash(line)
    return None


@define
class WatchLog:
    """The end of the chain in memory, and the next row for the store."""

    _lines: list[bytes] = field(factory=list)
    _last_number: int = 0
    _last_hash: bytes = NO_LINE
    _restored: dict[str, tuple[str, str]] = field(factory=dict)
    fault: str | None = None

    def restore(self, rows: Sequence[tuple[bytes, bytes]]) -> None:
        """Take the rows of the last run; `fault` says what is wrong with them. The log goes on after them."""
        # What has no number of ours is no line of ours.
        ordered = sorted(row for row in rows if len(row[0]) == NUMBER_BYTES)
        if not ordered:
            return
        lines = [line for _, line in ordered]
        self.fault = verify_chain(lines)
        self._last_number = int.from_bytes(ordered[-1][0], "big")
        self._last_hash = line_hash(lines[-1])
        self._lines = lines[-LINES_IN_MEMORY_MAX:]
        for line in lines:
            self._recall(line)

    def _recall(self, line: bytes) -> None:
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            return  # `fault` names it already
        call = told.get("call") if isinstance(told, dict) else None
        if isinstance(call, str) and CALL_IN_HEX.fullmatch(call):
            self._restored[call] = (str(told.get("decision", "")), str(told.get("detail", "")))

    def last_decisions(self) -> dict[bytes, tuple[str, str]]:
        """By call, the last decision of the earlier runs and its detail; told once."""
        decisions = {bytes.fromhex(call): decision for call, decision in self._restored.items()}
        self._restored = {}
        return decisions

    def write(self, unix_s: float, fields: dict[str, int | str]) -> Keep:
        """The next line; it counts once it is kept."""
        self._last_number += 1
        line = write_line(self._last_number, self._last_hash, {"unix_s": int(unix_s), **fields})
        self._last_hash = line_hash(line)
        self._lines.append(line)
        del self._lines[:-LINES_IN_MEMORY_MAX]
        return Keep(Table.LOG, self._last_number.to_bytes(NUMBER_BYTES, "big"), line)

    def lines(self, after: int = 0) -> tuple[bytes, ...]:
        """Lines with numbers above `after`, as far as they are in memory."""
        first = self._last_number - len(self._lines) + 1
        return tuple(self._lines[max(0, after + 1 - first) :])

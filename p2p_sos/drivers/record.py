"""The after-action record of a node: made from what it holds of a closed call, and read again by anybody.

In come frames, rows of the store and a key; or a file. Out goes a file; or an `Account` of what holds in it. Reading needs
neither a node nor a home. Decides nothing about the call.
"""

import json
from collections.abc import Sequence
from typing import Any

from attrs import frozen

from p2p_sos.core.calls.memory import ARRIVAL_BYTES
from p2p_sos.core.duty.watchlog import line_hash
from p2p_sos.core.tables import Table
from p2p_sos.drivers.store import NodeStore
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.profiles import PROFILES
from p2p_sos.wire.record import Entry, Record, frames_of, open_record, seal_record
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import Kind, Tlp

LOG_PAGE = 1000
Json = dict[str, Any]


@frozen
class Account:
    """A record that holds: its frames in their order, its lines of the log, how many of these follow one another."""

    record: Record
    frames: tuple[Frame, ...]
    lines: tuple[Json, ...]
    links: int

    @property
    def closed(self) -> str:
        """How the call ended: what its victim said, else the word of the exporter."""
        kinds = [frame.message.KIND for frame in self.frames]
        if Kind.CANCEL in kinds:
            return "cancelled"
        return "cleared" if Kind.ALL_CLEAR in kinds else "stood-down"


@frozen
class Heading:
    """What a record says of itself beside who signs it."""

    network: bytes
    tlp: Tlp
    made_unix_s: int


async def make_record(frames: Sequence[Frame], store: NodeStore, key: SigningKey, heading: Heading) -> bytes:
    """The file about the CALL that `frames` begin with. Raises `StoreError`."""
    rows = await store.rows(Table.CELL, [frame.id for frame in frames])
    entries = tuple(Entry(f.cell, int.from_bytes(rows.get(f.id, b"")[:ARRIVAL_BYTES], "big")) for f in frames)
    lines = await _lines_about(frames[0].id, store)
    record = Record(heading.network, key.public, heading.tlp, heading.made_unix_s, entries, lines)
    return seal_record(record, key)


async def _lines_about(call: bytes, store: NodeStore) -> tuple[bytes, ...]:
    found: list[bytes] = []
    after = b""
    while rows := await store.page(Table.LOG, after, LOG_PAGE):
        found += [line for _, line in rows if _told(line).get("call") == call.hex()]
        after = rows[-1][0]
    return tuple(found)


def _told(line: bytes) -> Json:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def read_record(data: bytes) -> Account | Refusal:
    """Total: what holds, or the first thing that does not."""
    record = open_record(data)
    if isinstance(record, Refusal):
        return record
    profile = next((one for one in PROFILES.values() if one.network == record.network), None)
    if profile is None:
        return Refusal(Reason.FIELD, f"network {record.network.hex()[:8]}, which this program does not know")
    frames = frames_of(record, profile)
    if isinstance(frames, Refusal):
        return frames
    links = _links(record.lines, frames[0].id)
    if isinstance(links, Refusal):
        return links
    return Account(record, frames, tuple(_told(line) for line in record.lines), links)


def _links(lines: Sequence[bytes], call: bytes) -> int | Refusal:
    """How many lines follow from the one before them; a `Refusal` when they do not fit together."""
    links, before, number_before = 0, b"", 0
    for at, line in enumerate(lines, start=1):
        told = _told(line)
        number = told.get("number")
        if told.get("call") != call.hex() or type(number) is not int or number <= number_before:
            return Refusal(Reason.RULE, f"line {at} of the watch log is about another call, or out of place")
        # "Of two lines whose numbers follow one another, the second MUST hold the hash of the first." (10-record §4)
        if before and number == number_before + 1:
            if told.get("previous") != line_hash(before).hex():
                return Refusal(Reason.RULE, f"line {at} of the watch log does not follow from the one before")
            links += 1
        before, number_before = line, number
    return links

"""What is remembered of a letter, and how the memory of a sealed dialogue lies on disk.

Decides the rows of `Table.SESSION`. Comes in: letters and keys of one dialogue, or rows of the last run.
Goes out: the other of the two. Must not know when a letter is sent, nor how it is sealed.

Each row is one decision, so that no crash can fall between its halves: a row of keys, a row for every letter
out, a row for every letter in. Which numbers were used and which were seen follows from the letters' rows.
"""

from collections.abc import Sequence
from typing import Literal

from attrs import define, field, frozen

from p2p_sos.core.actions import Forget, Keep
from p2p_sos.core.tables import Table
from p2p_sos.wire.canonical import pack, unpack
from p2p_sos.wire.messages import CallId, Key
from p2p_sos.wire.registry import LETTER_PART_BYTES_MAX, LETTER_PARTS_MAX, LetterKind
from p2p_sos.wire.shapes import Plain

ROW_BYTES_MAX = 2 * LETTER_PARTS_MAX * LETTER_PART_BYTES_MAX
KEYS, OUT, IN, CLOSED = b"k", b"o", b"i", b"c"
_ID_BYTES = 32
_KINDS = tuple(int(kind) for kind in LetterKind)


@frozen
class LetterRecord:
    """One letter as the people see it; `number` counts per direction from 1."""

    call: CallId
    correspondent: Key
    direction: Literal["in", "out"]
    number: int
    kind: LetterKind
    text: str = field(repr=False)
    delivered: bool


@frozen
class Incoming:
    """A letter that arrived."""

    number: int
    kind: LetterKind
    text: str = field(repr=False)
    enclosure: bytes = field(default=b"", repr=False)


@frozen
class Words:
    """What one side wants to say: a kind, a text, and bytes beside it."""

    kind: LetterKind
    text: str = field(repr=False)
    enclosure: bytes = field(default=b"", repr=False)


@define
class Outgoing:
    """A letter that was written; `posted` says that this process sent it at least once."""

    number: int
    kind: LetterKind
    text: str = field(repr=False)
    enclosure: bytes = field(repr=False)
    delivered: bool = False
    posted: bool = False


@frozen
class SessionRow:
    """The keys of one conversation. `secret` is empty on the victim's side: the case holds the one secret."""

    secret: bytes = field(repr=False)
    exchange_key: Key


@frozen
class ClosedRow:
    """When a conversation's call was closed, in seconds since 1970."""

    unix_s: int


Entry = SessionRow | Outgoing | Incoming | ClosedRow


def _key(tag: bytes, call: CallId, correspondent: Key, number: int = 0) -> bytes:
    return tag + call + correspondent + number.to_bytes(4, "big")


def keep_session(call: CallId, correspondent: Key, row: SessionRow) -> Keep:
    """The keys of a conversation, durable before its first letter."""
    return Keep(Table.SESSION, _key(KEYS, call, correspondent), pack([row.secret, row.exchange_key]))


def keep_outgoing(call: CallId, correspondent: Key, letter: Outgoing) -> Keep:
    """A letter out: its number, its content and whether it was acknowledged."""
    value = pack([int(letter.kind), letter.text.encode(), letter.enclosure, int(letter.delivered)])
    return Keep(Table.SESSION, _key(OUT, call, correspondent, letter.number), value)


def keep_incoming(call: CallId, correspondent: Key, letter: Incoming) -> Keep:
    """A letter in: what makes a later copy of it a duplicate."""
    value = pack([int(letter.kind), letter.text.encode(), letter.enclosure])
    return Keep(Table.SESSION, _key(IN, call, correspondent, letter.number), value)


def keep_closed(call: CallId, correspondent: Key, row: ClosedRow) -> Keep:
    """The call is closed: a crash must not make a conversation outlive its linger."""
    return Keep(Table.SESSION, _key(CLOSED, call, correspondent), pack([row.unix_s]))


def forget_session(call: CallId, correspondent: Key) -> list[Forget]:
    """The keys of a conversation are destroyed."""
    return [Forget(Table.SESSION, _key(tag, call, correspondent)) for tag in (KEYS, CLOSED)]


def forget_letters(
    call: CallId, correspondent: Key, outgoing: Sequence[int], incoming: Sequence[int]
) -> list[Forget]:
    """What was said is destroyed too."""
    rows = [_key(OUT, call, correspondent, number) for number in outgoing]
    rows += [_key(IN, call, correspondent, number) for number in incoming]
    return [Forget(Table.SESSION, row) for row in rows]


def _entry(tag: bytes, number: int, plain: list[Plain]) -> Entry | None:
    match tag, plain:
        case b"k", [bytes(secret), bytes(key)] if len(secret) in (0, _ID_BYTES) and len(key) == _ID_BYTES:
            return SessionRow(secret, key)
        case b"o", [int(kind), bytes(text), bytes(enclosure), int(delivered)] if kind in _KINDS:
            return Outgoing(
                number, LetterKind(kind), text.decode("utf-8", "replace"), enclosure, bool(delivered)
            )
        case b"i", [int(kind), bytes(text), bytes(enclosure)] if kind in _KINDS:
            return Incoming(number, LetterKind(kind), text.decode("utf-8", "replace"), enclosure)
        case b"c", [int(unix_s)]:
            return ClosedRow(unix_s)
    return None


def read_row(key: bytes, value: bytes) -> tuple[CallId, Key, Entry] | None:
    """One row of `Table.SESSION` that an earlier run kept; None if it is none of ours."""
    plain = unpack(value, longest=ROW_BYTES_MAX)
    if len(key) != 1 + 2 * _ID_BYTES + 4 or not isinstance(plain, list):
        return None
    tag, call, correspondent = key[:1], key[1 : 1 + _ID_BYTES], key[1 + _ID_BYTES : -4]
    entry = _entry(tag, int.from_bytes(key[-4:], "big"), plain)
    return None if entry is None else (call, correspondent, entry)

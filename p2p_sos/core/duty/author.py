"""A responder's own log, one chain of signed messages per call, and its registers.

Decides the sequence, the previous message and the heads of what this node signs. Comes in: what to say,
rows of the last run, own messages that turn up. Goes out: a signed frame, and the row that must be durable
before it leaves. Must not know why something is said.
"""

from collections.abc import Sequence
from typing import Any

from attrs import define, field

from p2p_sos.core.actions import Forget, Keep
from p2p_sos.core.tables import Table
from p2p_sos.wire.frames import Frame, seal
from p2p_sos.wire.hashing import NetworkId
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import NOTHING, CallId, Message, MessageId, Renew, Sitrep
from p2p_sos.wire.registry import SEQUENCE_MAX

PREFIX = b"log:"
REGISTER_PREFIXES: dict[type[Any], bytes] = {Renew: b"renew:", Sitrep: b"sitrep:"}
RESERVED = 16  # guess: sequences of a register that one row covers; what a crash leaves over is never used
SEQUENCE_BYTES = 8
ID_BYTES = len(NOTHING)


@define
class _Head:
    next_sequence: int = 0
    last: MessageId = NOTHING


@define
class _Count:
    """The next sequence of a register, and the first that no row covers."""

    next_sequence: int = 0
    reserved: int = 0


@define
class Author:
    """Signs log messages and registers of one key. A sequence is used once, whatever crashes."""

    key: SigningKey = field(repr=False)
    network: NetworkId
    _heads: dict[CallId, _Head] = field(factory=dict, repr=False)
    _counts: dict[tuple[type[Any], CallId], _Count] = field(factory=dict, repr=False)

    def restore(self, rows: Sequence[tuple[bytes, bytes]]) -> None:
        """Take the rows of `Table.COUNTER`; those of others are left alone."""
        for key, value in rows:
            sequence, last = int.from_bytes(value[:SEQUENCE_BYTES], "big"), value[SEQUENCE_BYTES:]
            whole = len(key) == len(PREFIX) + ID_BYTES and len(last) == ID_BYTES and sequence <= SEQUENCE_MAX
            if key.startswith(PREFIX) and whole:
                self._heads[key[len(PREFIX) :]] = _Head(sequence, last)
            self._restore_count(key, value)

    def _restore_count(self, key: bytes, value: bytes) -> None:
        for kind, prefix in REGISTER_PREFIXES.items():
            reserved = int.from_bytes(value[:SEQUENCE_BYTES], "big")
            whole = len(key) == len(prefix) + ID_BYTES and len(value) == SEQUENCE_BYTES
            if key.startswith(prefix) and whole and reserved <= SEQUENCE_MAX:
                # What was reserved may have been used: the next run begins after it.
                self._counts[kind, key[len(prefix) :]] = _Count(reserved, reserved)

    def observe(self, frame: Frame) -> bool:
        """Look at an own message, from the store or the mesh; True if the counter had lost it."""
        message: Any = frame.message
        if message.signer != self.key.public:
            return False
        if isinstance(message, Renew | Sitrep):
            return self._observe_register(message)
        if getattr(message, "previous", None) is None:
            return False
        head = self._heads.setdefault(message.call, _Head())
        if message.sequence < head.next_sequence:
            return False
        # "A writer that meets a message of its own with a sequence that it has not used goes on after it."
        # (06-board §4)
        head.next_sequence, head.last = message.sequence + 1, frame.id
        return True

    def sign(
        self, kind: type[Any], call: CallId, heads: Sequence[MessageId], **fields: Any
    ) -> tuple[Keep, Frame]:
        """The next entry of the log of `call`. The row is to be kept before the frame is published."""
        head = self._heads.setdefault(call, _Head())
        message: Message = kind(
            call=call,
            signer=self.key.public,
            sequence=head.next_sequence,
            previous=head.last,
            heads=tuple(h for h in heads if h != head.last),
            **fields,
        )
        frame = seal(message, self.network, self.key)
        head.next_sequence, head.last = head.next_sequence + 1, frame.id
        # "A sequence MUST be on disk before the message that carries it leaves." (06-board §4)
        value = head.next_sequence.to_bytes(SEQUENCE_BYTES, "big") + head.last
        return Keep(Table.COUNTER, PREFIX + call, value), frame

    def _observe_register(self, message: Renew | Sitrep) -> bool:
        count = self._counts.setdefault((type(message), message.call), _Count())
        if message.sequence < max(count.next_sequence, count.reserved):
            return False
        count.next_sequence = message.sequence + 1
        return True

    def sign_register(
        self, kind: type[Renew] | type[Sitrep], call: CallId, **fields: Any
    ) -> tuple[tuple[Keep, ...], Frame]:
        """The next word of a register. The rows, if any, are to be kept before the frame is published."""
        count = self._counts.setdefault((kind, call), _Count())
        sequence = count.next_sequence
        rows: tuple[Keep, ...] = ()
        if sequence >= count.reserved:
            count.reserved = min(sequence + RESERVED, SEQUENCE_MAX)
            # "A sequence MUST be on disk before the message that carries it leaves." (06-board §4)
            value = count.reserved.to_bytes(SEQUENCE_BYTES, "big")
            rows = (Keep(Table.COUNTER, REGISTER_PREFIXES[kind] + call, value),)
        count.next_sequence = sequence + 1
        message = kind(call=call, signer=self.key.public, sequence=sequence, **fields)
        return rows, seal(message, self.network, self.key)

    def forget(self, call: CallId) -> tuple[Forget, ...]:
        """A call ended for good, and nothing can be said in it any more: the rows that are to go."""
        rows = [PREFIX + call] if self._heads.pop(call, None) is not None else []
        for kind, prefix in REGISTER_PREFIXES.items():
            if self._counts.pop((kind, call), None) is not None:
                rows.append(prefix + call)
        return tuple(Forget(Table.COUNTER, row) for row in rows)

    def calls(self) -> tuple[CallId, ...]:
        """The calls in which something was said."""
        return tuple(dict.fromkeys([*self._heads, *(call for _, call in self._counts)]))

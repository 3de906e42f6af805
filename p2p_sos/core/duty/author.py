"""A responder's own log: one chain of signed messages per call.

Decides the sequence, the previous message and the heads of what this node signs. Comes in: what to say,
rows of the last run, own messages that turn up. Goes out: a signed frame, and the row that must be durable
before it leaves. Must not know why something is said.
"""

from collections.abc import Sequence
from typing import Any

from attrs import define, field

from p2p_sos.core.actions import Keep
from p2p_sos.core.tables import Table
from p2p_sos.wire.frames import Frame, seal
from p2p_sos.wire.hashing import NetworkId
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import NOTHING, CallId, Message, MessageId
from p2p_sos.wire.registry import SEQUENCE_MAX

PREFIX = b"log:"
SEQUENCE_BYTES = 8
ID_BYTES = len(NOTHING)


@define
class _Head:
    next_sequence: int = 0
    last: MessageId = NOTHING


@define
class Author:
    """Signs log messages of one key. A sequence is used once, whatever crashes."""

    key: SigningKey = field(repr=False)
    network: NetworkId
    _heads: dict[CallId, _Head] = field(factory=dict, repr=False)

    def restore(self, rows: Sequence[tuple[bytes, bytes]]) -> None:
        """Take the rows of `Table.COUNTER`; those of others are left alone."""
        for key, value in rows:
            sequence, last = int.from_bytes(value[:SEQUENCE_BYTES], "big"), value[SEQUENCE_BYTES:]
            whole = len(key) == len(PREFIX) + ID_BYTES and len(last) == ID_BYTES and sequence <= SEQUENCE_MAX
            if key.startswith(PREFIX) and whole:
                self._heads[key[len(PREFIX) :]] = _Head(sequence, last)

    def observe(self, frame: Frame) -> bool:
        """Look at an own message, from the store or the mesh; True if the counter had lost it."""
        message: Any = frame.message
        if message.signer != self.key.public or getattr(message, "previous", None) is None:
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

    def forget(self, call: CallId) -> None:
        """A call ended for good."""
        self._heads.pop(call, None)

"""Fixed keys, messages at their extremes, and values as JSON: what all vectors are made of.

Comes in: fixed seeds. Goes out: what becomes JSON.
"""

import hashlib
from enum import IntEnum
from typing import Any

import attrs

from p2p_sos.wire import stamps
from p2p_sos.wire.frames import Frame, Stamp, open_cell, seal
from p2p_sos.wire.keys import ExchangeKey, SigningKey
from p2p_sos.wire.messages import Call, Message, Proof
from p2p_sos.wire.profiles import PROFILES
from p2p_sos.wire.shapes import shape_of
from p2p_sos.wire.vocabulary import word_of

LABORATORY = PROFILES["laboratory"]
NETWORK = LABORATORY.network
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493


def seed(name: str, size: int = 32) -> bytes:
    """Fixed bytes that look random, one string of them for each name."""
    return hashlib.sha256(b"e-SOS vector " + name.encode()).digest()[:size]


VICTIM = SigningKey(seed("victim"))
RESPONDER = SigningKey(seed("responder"))
VICTIM_EXCHANGE = ExchangeKey(seed("victim exchange"))
RESPONDER_EXCHANGE = ExchangeKey(seed("responder exchange"))
FINE_CELL = 0x0831F18FFFFFFFFF  # resolution 3
HIGH = VICTIM_EXCHANGE.public[:31] + bytes(
    [VICTIM_EXCHANGE.public[31] | 0x80]
)  # X25519 takes no notice of the bit
LOW_ORDER = {
    "zero": bytes(32),
    "one": b"\x01" + bytes(31),
    "order 8": bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
}


def shown(value: Any) -> Any:
    """A value as JSON: bytes as hexadecimal digits, words as words, tuples as arrays."""
    if isinstance(value, IntEnum):
        return word_of(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple | list):
        return [shown(entry) for entry in value]
    return value


def fields_of(message: Message) -> dict[str, Any]:
    """The fields of a message as JSON, in the order of the wire."""
    return {a.name: shown(getattr(message, a.name)) for a in attrs.fields(type(message))}


def extreme(message_class: type[Message], which: str) -> Message:
    """The message with the shortest or longest encoding; `which` is smallest or largest."""
    values = {}
    for attribute in attrs.fields(message_class):
        shape = shape_of(attribute)
        plain = getattr(shape, which)
        values[attribute.name] = plain if shape.lift is None else shape.lift(plain)
    if message_class is Proof:
        values["second_header" if which == "smallest" else "first_body_hash"] = seed("order")
    elif message_class is Call:
        values |= {"signer": VICTIM.public, "exchange_key": VICTIM_EXCHANGE.public}
    else:
        values["signer"] = RESPONDER.public
    return message_class(**values)


def sealed(message: Message, stamp: Stamp | None = None) -> Frame:
    """The message in its cell, signed by whichever of our two keys it names."""
    key = {VICTIM.public: VICTIM, RESPONDER.public: RESPONDER}.get(message.signer)
    return seal(message, NETWORK, None if isinstance(message, Proof) else key, stamp)


def stamped(message: Message, effort: int = LABORATORY.stamp_effort_min) -> Frame:
    """The message with the work done."""
    return sealed(message, stamps.solve(sealed(message).id, effort, start=bytes(16)))


def open_cell_bytes(frame: Frame) -> bytes:
    """The frame's bytes alone."""
    opened = open_cell(frame.cell)
    assert isinstance(opened, bytes)
    return opened

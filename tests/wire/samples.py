"""Messages to test with: at their smallest, at their largest, and drawn by hypothesis within their shapes."""

from enum import IntEnum
from typing import Any

import attrs
import h3
from hypothesis import strategies as st

from p2p_sos.wire.frames import STAMPED_KINDS, Frame, Stamp, seal
from p2p_sos.wire.keys import ExchangeKey, SigningKey
from p2p_sos.wire.messages import MESSAGE_CLASSES, Message, Proof
from p2p_sos.wire.profiles import PROFILES
from p2p_sos.wire.rules import rule_broken
from p2p_sos.wire.shapes import shape_of

LABORATORY = PROFILES["laboratory"]
NETWORK = LABORATORY.network
VICTIM = SigningKey(b"\x11" * 32)
RESPONDER = SigningKey(b"\x22" * 32)
VICTIM_EXCHANGE = ExchangeKey(b"\x33" * 32)
RESPONDER_EXCHANGE = ExchangeKey(b"\x44" * 32)
LARGEST_STAMP = Stamp(b"\xff" * 16, 2**32 - 1)
COARSE_CELLS = [
    h3.str_to_int(h3.latlng_to_cell(lat, 40.0, size)) for lat in (-80, 0, 52) for size in (0, 1, 2)
]


def in_memory(message_class: type[Message], plain: dict[str, Any]) -> Message:
    """The message whose fields hold these plain values."""
    values = {}
    for attribute in attrs.fields(message_class):
        lift = shape_of(attribute).lift
        value = plain[attribute.name]
        values[attribute.name] = value if lift is None else lift(value)
    return message_class(**values)


def smallest(message_class: type[Message]) -> Message:
    """The message with the shortest encoding."""
    plain = {a.name: shape_of(a).smallest for a in attrs.fields(message_class)}
    if message_class is Proof:
        plain["second_header"] = b"\x01"
    return in_memory(message_class, plain)


def largest(message_class: type[Message]) -> Message:
    """The message with the longest encoding."""
    plain = {a.name: shape_of(a).largest for a in attrs.fields(message_class)}
    if message_class is Proof:
        plain["first_body_hash"] = bytes(32)
    return in_memory(message_class, plain)


def plain_values(attribute: Any) -> st.SearchStrategy[Any]:
    """Plain values that may stand in one field, its extremes often among them."""
    shape = shape_of(attribute)
    low, high = shape.smallest, shape.largest
    if attribute.name == "cell":
        return st.sampled_from([0, *COARSE_CELLS])
    if isinstance(attribute.type, type) and issubclass(attribute.type, IntEnum):
        return st.sampled_from([int(member) for member in attribute.type])
    if isinstance(low, int):
        drawn: Any = st.integers(low, high)
    elif isinstance(low, bytes):
        drawn = st.binary(min_size=len(low), max_size=len(high))
    else:
        entry = (
            st.binary(min_size=32, max_size=32) if isinstance(high[0], bytes) else st.integers(0, high[-1])
        )
        drawn = st.lists(entry, unique=True, min_size=len(low), max_size=len(high)).map(sorted)
    return st.one_of(drawn, st.sampled_from([low, high]))


def messages_of(message_class: type[Message]) -> st.SearchStrategy[Message]:
    """Messages of one class, whatever their signer."""
    fields = {a.name: plain_values(a) for a in attrs.fields(message_class)}
    drawn = st.fixed_dictionaries(fields).map(lambda plain: repaired(in_memory(message_class, plain)))
    return drawn.filter(lambda message: rule_broken(message) is None)


def repaired(message: Message) -> Message:
    """The nearest message that keeps the rules between fields, so that few draws are thrown away."""
    if hasattr(message, "previous"):
        first = message.sequence == 0
        previous = bytes(32) if first else message.previous.replace(b"\x00", b"\x01")
        return attrs.evolve(message, previous=previous)
    if hasattr(message, "parts"):
        part = message.part % message.parts
        return attrs.evolve(message, part=part, number=min(message.number, 2**31) + part)
    return message


messages = st.one_of([messages_of(message_class) for message_class in MESSAGE_CLASSES])
stamps = st.builds(Stamp, st.binary(min_size=16, max_size=16), st.integers(1, 2**32 - 1))


def signed(message: Message, stamp: Stamp | None = None, key: SigningKey = RESPONDER) -> Frame:
    """The message in a cell, signed by `key` whoever it named."""
    if isinstance(message, Proof):
        return seal(message, NETWORK, None)
    kept = stamp if message.KIND in STAMPED_KINDS else None
    return seal(attrs.evolve(message, signer=key.public), NETWORK, key, kept)

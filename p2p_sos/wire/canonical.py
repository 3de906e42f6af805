"""Canonical msgpack: one encoding for every value, and a decoder that is total.

Decides which bytes are a value. Comes in: plain values or untrusted bytes. Goes out: bytes, or a plain
value, or a `Refusal`. Knows nothing of messages.
"""

from typing import Any

import msgpack

from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import DEPTH_MAX, FRAME_BYTES_MAX
from p2p_sos.wire.shapes import Plain


def pack(value: Plain) -> bytes:
    """The only encoding of a plain value."""
    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed


def _foreign(value: Any, depth: int) -> Refusal | None:
    """What in `value` may not stand on the wire, or None."""
    kind = type(value)
    if kind is int:
        return None if value >= 0 else Refusal(Reason.TYPE, "a negative integer")
    if kind is bytes:
        return None
    if kind is not list:
        return Refusal(Reason.TYPE, f"a value of type {kind.__name__}")
    if depth >= DEPTH_MAX:
        return Refusal(Reason.DEPTH, f"arrays nested deeper than {DEPTH_MAX}")
    for entry in value:
        if (wrong := _foreign(entry, depth + 1)) is not None:
            return wrong
    return None


def unpack(data: bytes, *, longest: int = FRAME_BYTES_MAX) -> Plain | Refusal:
    """The plain value of `data`, or why there is none; bounded by `longest` bytes."""
    if len(data) > longest:
        return Refusal(Reason.FRAME_LENGTH, f"{len(data)} bytes where at most {longest} may stand")
    try:
        # "surrogateescape" lets any text through to the type check below, which names it.
        value = msgpack.unpackb(
            data, raw=False, strict_map_key=False, unicode_errors="surrogateescape", use_list=True
        )
    except RecursionError:
        return Refusal(Reason.DEPTH, "arrays nested without end")
    except (ValueError, TypeError, OverflowError, msgpack.UnpackException) as error:
        deep = isinstance(error, msgpack.StackError)
        return Refusal(Reason.DEPTH if deep else Reason.MSGPACK, type(error).__name__)
    if (wrong := _foreign(value, 0)) is not None:
        return wrong
    # "A reader MUST refuse bytes that differ from the encoding of the value they hold." (02-encoding §2)
    if pack(value) != data:
        return Refusal(Reason.NOT_CANONICAL, "re-encoding gives other bytes")
    plain: Plain = value
    return plain

"""Canonical msgpack: one encoding for every value, and a decoder that is total.

Decides which bytes are a value. Comes in: plain values or untrusted bytes. Goes out: bytes, or a plain
value, or a `Refusal`. Knows nothing of messages.
"""

from typing import Any

import msgpack

from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import DEPTH_MAX, ELEMENTS_MAX, FRAME_BYTES_MAX
from p2p_sos.wire.shapes import Plain


class _Map:
    """Stands for a map that was read, which nothing may hold; so that no key of it is ever hashed."""

    def __init__(self, pairs: Any) -> None:
        for _ in pairs:  # msgpack without its C extension reads the map while we walk it
            pass


def pack(value: Plain) -> bytes:
    """The only encoding of a plain value."""
    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed


def _foreign(value: Any, depth: int) -> Refusal | None:
    """What in an array may not stand on the wire, or None. Goes no deeper than DEPTH_MAX."""
    # "Arrays nest at most four deep." (02-encoding §2)
    if depth > DEPTH_MAX:
        return Refusal(Reason.DEPTH, f"arrays nested deeper than {DEPTH_MAX}")
    for entry in value:
        kind = type(entry)
        if kind is bytes:
            continue
        if kind is int:
            if entry < 0:
                return Refusal(Reason.TYPE, "a negative integer")
        elif kind is not list:
            return Refusal(Reason.TYPE, f"a value of type {kind.__name__.strip('_').lower()}")
        elif (wrong := _foreign(entry, depth + 1)) is not None:
            return wrong
    return None


def unpack(data: bytes, *, longest: int = FRAME_BYTES_MAX) -> Plain | Refusal:
    """The plain value of `data`, or why there is none; time and memory are bounded by `longest` bytes."""
    if len(data) > longest:
        return Refusal(Reason.FRAME_LENGTH, f"{len(data)} bytes where at most {longest} may stand")
    try:
        # The reader makes room for as many elements as an array declares, hence the bound on what it may
        # declare; "surrogateescape" lets any text through to the check of types, which names it.
        value = msgpack.unpackb(
            data,
            raw=False,
            unicode_errors="surrogateescape",
            strict_map_key=False,
            object_pairs_hook=_Map,
            max_array_len=ELEMENTS_MAX,
            max_map_len=ELEMENTS_MAX,
        )
    except msgpack.StackError:
        return Refusal(Reason.DEPTH, f"arrays nested deeper than {DEPTH_MAX}")
    except (ValueError, OverflowError, msgpack.UnpackException) as error:
        return Refusal(Reason.MSGPACK, type(error).__name__)
    if (wrong := _foreign([value], 0)) is not None:
        return wrong
    # "A reader MUST refuse bytes that differ from the encoding of the value they hold." (02-encoding §2)
    if pack(value) != data:
        return Refusal(Reason.NOT_CANONICAL, "re-encoding gives other bytes")
    plain: Plain = value
    return plain

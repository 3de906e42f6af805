"""Plain values, and every kind of message at its shortest and its longest.

Comes in: fixed seeds. Goes out: what becomes JSON.
"""

import hashlib
from typing import Any

from p2p_sos.wire.canonical import pack, unpack
from p2p_sos.wire.frames import body_bytes, header_bytes
from p2p_sos.wire.globe import is_coarse_cell
from p2p_sos.wire.messages import MESSAGE_CLASSES
from p2p_sos.wire.refusals import Refusal
from p2p_sos.wire.vocabulary import word_of
from vectors.samples import FINE_CELL, extreme, fields_of, open_cell_bytes, sealed, shown

REFUSED = {
    "an integer in more bytes than it needs": "cc05",
    "a byte string with a longer length than it needs": "c5000105",
    "an array with a longer count than it needs": "dc000105",
    "a negative integer": "ff",
    "a float": "ca3f800000",
    "not a number": "cb7ff8000000000000",
    "nil": "c0",
    "a boolean": "c3",
    "text": "a16d",
    "text that is not UTF-8": "a1ff",
    "a map": "80",
    "a map with an array as its key": "819000",
    "an extension": "d40505",
    "a timestamp": "d6ff00000000",
    "a code without a meaning": "c1",
    "a byte after the value": "0500",
    "a value cut short": "c40305",
    "an array that declares what does not come": "ddffffffff",
    "an array of more elements than any may declare": "dc0041" + "00" * 65,
    "arrays five deep": "9191919190",
    "a thousand arrays": "91" * 1000 + "90",
    "nothing": "",
}

PLACES = {
    "undisclosed, which is no cell": 0,
    "resolution 0": 0x0801FFFFFFFFFFFF,
    "resolution 2": 0x0821F17FFFFFFFFF,
    "resolution 3, too fine": FINE_CELL,
    "a digit 7 where a digit counts": 0x0821FFFFFFFFFFFF,
    "a child that a pentagon lacks": 0x0820000000000000 | 4 << 45 | 1 << 42 | (1 << 39) - 1,
    "a base cell that does not exist": 0x080F5FFFFFFFFFFF,
    "an edge": 0x1201FFFFFFFFFFFF,
}


def encoding() -> dict[str, Any]:
    """Plain values, and every kind of message at its shortest and its longest."""
    values: list[Any] = [0, 1, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**64 - 1]
    values += [b"", b"\x05", bytes(255), bytes(256), [], [0] * 15, [0] * 16, [[[[]]]], [1, b"\x02", [3]]]
    for digits in REFUSED.values():
        assert isinstance(unpack(bytes.fromhex(digits)), Refusal), digits
    messages = []
    for message_class in MESSAGE_CLASSES:
        for which in ("smallest", "largest"):
            frame = sealed(extreme(message_class, which))
            messages.append(
                {
                    "kind": word_of(message_class.KIND),
                    "fields": fields_of(frame.message),
                    "header": header_bytes(frame.message).hex(),
                    "body": body_bytes(frame.message).hex(),
                    "frame": open_cell_bytes(frame).hex(),
                    "cell_sha256": hashlib.sha256(frame.cell).hexdigest(),
                }
            )
    return {
        "values": [{"value": shown(value), "bytes": pack(value).hex()} for value in values],
        "refused": [{"why": why, "bytes": digits} for why, digits in REFUSED.items()],
        "messages": messages,
        "globe": [
            {"why": why, "index": f"{n:016x}", "coarse_cell": is_coarse_cell(n)} for why, n in PLACES.items()
        ],
    }

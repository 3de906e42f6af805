"""A call as text: what stands in a file, in a QR code, in a message that somebody pastes.

In come a cell and its network, or bytes that somebody brought. Out goes the other of the two, or which way they are
not a call's text. Judges nothing: whether the call is true and still wanted, `brought` decides.

The text is `ESOS1-` and base32 of the beginning of the network's id, the cell without its zeros, and a check (12-by-hand
says how). Upper case, digits and a dash: a QR code holds them in its alphanumeric mode, any reader gives them back as
plain text, and neither a line wrap nor quotes between the letters harm them.
"""

import base64
import re
from enum import Enum
from itertools import islice

from attrs import field, frozen

from p2p_sos.wire.frames import LENGTH_BYTES, open_cell, pad
from p2p_sos.wire.hashing import NetworkId, blake2b
from p2p_sos.wire.refusals import Refusal
from p2p_sos.wire.registry import CELL_BYTES, FRAME_BYTES_MAX

PREFIX = "ESOS1-"
NETWORK_BYTES = 4
CHECK_BYTES = 4
BROUGHT_BYTES_MAX = 1024 * 1024  # guess: a picture of the code, or a mail with it somewhere inside
TEXT_BYTES_MAX = 16 * 1024  # guess: the longest text has 3,300 letters; the rest is what mail puts between
BEGINNINGS_MAX = 16  # guess: quoted mail repeats a text a few times
LINE_LETTERS = 64
_BEGINS = re.compile(rb"ES[O0]S[1I]-", re.IGNORECASE)
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_LOOKALIKE = bytes.maketrans(b"018", b"OIB")  # no text of ours holds these digits
_BETWEEN = bytes(byte for byte in range(256) if byte not in _ALPHABET + b"018")
_HEAD_BYTES = NETWORK_BYTES + LENGTH_BYTES
_INTRODUCTION = """\
e-SOS: a call for help, signed by whoever calls. It holds public words alone,
no name and no address, and may be copied and handed on by anybody.

To bring it into the network, on a machine that has one:
    sos relay THIS-FILE        or        sos relay -        and paste what follows

"""


class Unlike(Enum):
    """Why bytes are no call's text."""

    NOTHING = "nothing"  # nothing in them begins like one
    SHORT = "short"  # something does, and its end is missing
    WRONG = "wrong"  # something does, is long enough, and its check does not hold


@frozen
class Brought:
    """A cell that came by hand, and the beginning of its network's id; empty where only the cell itself came."""

    cell: bytes = field(repr=False)
    network: bytes = b""


def code_of(cell: bytes, network: NetworkId) -> str:
    """The one line of text that carries a cell."""
    frame = open_cell(cell)
    assert not isinstance(frame, Refusal), "a cell of ours"
    payload = network[:NETWORK_BYTES] + cell[: LENGTH_BYTES + len(frame)]
    return PREFIX + base64.b32encode(payload + _check(payload)).decode().rstrip("=")


def text_of(code: str) -> str:
    """The same as a file that tells a person what it is."""
    lines = [code[start : start + LINE_LETTERS] for start in range(0, len(code), LINE_LETTERS)]
    return _INTRODUCTION + "\n".join(lines) + "\n"


def read_call(data: bytes) -> Brought | Unlike:
    """What somebody brought: the text anywhere among other text, or a bare cell. Total."""
    found = list(islice(_BEGINS.finditer(data[:BROUGHT_BYTES_MAX]), BEGINNINGS_MAX))
    unlike = Unlike.NOTHING
    for begin in found:
        brought = _read(data[begin.end() : begin.end() + TEXT_BYTES_MAX])
        if isinstance(brought, Brought):
            return brought
        unlike = Unlike.WRONG if Unlike.WRONG in {unlike, brought} else brought
    if not found and len(data) == CELL_BYTES:
        return Brought(data)
    return unlike


def _read(text: bytes) -> Brought | Unlike:
    """What stands behind a beginning; the length inside says where it ends, whatever follows."""
    # "A reader skips every byte between the letters that is none of the alphabet" (12-by-hand §3)
    payload = _bytes_of(text.upper().translate(_LOOKALIKE, _BETWEEN))
    if len(payload) < _HEAD_BYTES:
        return Unlike.SHORT
    length = int.from_bytes(payload[NETWORK_BYTES:_HEAD_BYTES], "big")
    if not 0 < length <= FRAME_BYTES_MAX:
        return Unlike.WRONG
    end = _HEAD_BYTES + length
    body, check = payload[:end], payload[end : end + CHECK_BYTES]
    if len(check) < CHECK_BYTES:
        return Unlike.SHORT
    # "A reader MUST refuse a text whose check is another, and MUST NOT mend it." (12-by-hand §3)
    return Brought(pad(body[_HEAD_BYTES:]), body[:NETWORK_BYTES]) if check == _check(body) else Unlike.WRONG


def _bytes_of(letters: bytes) -> bytes:
    """Base32 without padding; bits that fill no byte are left out."""
    whole = len(letters) * 5 // 8
    return base64.b32decode(letters + b"A" * (-len(letters) % 8))[:whole]


def _check(payload: bytes) -> bytes:
    return blake2b("esos/1 text", payload, size=CHECK_BYTES)

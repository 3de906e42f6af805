"""A call as text: what stands in a file, in a QR code, in a message that somebody pastes.

In come a cell and its network, or bytes that somebody brought. Out goes the other of the two, or which way they are
not a call's text. Judges nothing: whether the call is true and still wanted, `relaying` decides.

The text is `ESOS1-` and base32 (RFC 4648, without padding) of: the first 4 bytes of the network's id, the cell without
its zeros (2 bytes of length, then the frame), and 4 bytes of BLAKE2b (domain
`esos/1 text`) over all that. Upper case, digits and a dash: a QR
code holds them in its alphanumeric mode, any reader gives them back as plain text, and no line wrap harms them.
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
_BEGINS = re.compile(re.escape(PREFIX.encode()), re.IGNORECASE)
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BETWEEN = b" \t\r\n->|*_"  # what mail programs, chats and people put between letters
_LOOKALIKE = bytes.maketrans(b"018", b"OIB")  # no text of ours holds these digits
_INTRODUCTION = """\
e-SOS: a call for help, signed by whoever calls. It holds public words alone,
no name and no address, and may be copied and handed on by anybody.

To bring it into the network, on a machine that has one:
    sos relay THIS-FILE        or        sos relay -        and paste what follows

"""


class Unlike(Enum):
    """Why bytes are no call's text."""

    NOTHING = "nothing"  # nothing in them begins like one
    BROKEN = "broken"  # something does, and is not whole


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
    for begin in found:
        brought = _payload(data[begin.end() : begin.end() + TEXT_BYTES_MAX])
        if brought is not None:
            return brought
    if not found and len(data) == CELL_BYTES:
        return Brought(data)
    return Unlike.BROKEN if found else Unlike.NOTHING


def _payload(text: bytes) -> Brought | None:
    """What stands behind a prefix; the length inside says where it ends, whatever follows."""
    letters = bytearray()
    for letter in text.upper().translate(_LOOKALIKE):
        if letter in _ALPHABET:
            letters.append(letter)
            if len(letters) >= _letters_wanted(bytes(letters)):
                break
        elif letter not in _BETWEEN:
            break
    payload = _bytes_of(bytes(letters))
    length = NETWORK_BYTES + LENGTH_BYTES + _frame_length(payload)
    body, check = payload[:length], payload[length : length + CHECK_BYTES]
    if len(body) < length or check != _check(body):
        return None
    frame = body[NETWORK_BYTES + LENGTH_BYTES :]
    return Brought(pad(frame), body[:NETWORK_BYTES]) if 0 < len(frame) <= FRAME_BYTES_MAX else None


def _letters_wanted(letters: bytes) -> int:
    """How many letters the whole text has, as far as its beginning tells."""
    head = NETWORK_BYTES + LENGTH_BYTES
    if len(letters) * 5 < head * 8:
        return len(letters) + 1
    length = head + _frame_length(_bytes_of(letters[:16])) + CHECK_BYTES
    return -(-length * 8 // 5)


def _frame_length(payload: bytes) -> int:
    return int.from_bytes(payload[NETWORK_BYTES : NETWORK_BYTES + LENGTH_BYTES], "big")


def _bytes_of(letters: bytes) -> bytes:
    """Base32 without padding; bits that fill no byte are left out."""
    whole = len(letters) * 5 // 8
    return base64.b32decode(letters + b"A" * (-len(letters) % 8))[:whole]


def _check(payload: bytes) -> bytes:
    return blake2b("esos/1 text", payload, size=CHECK_BYTES)

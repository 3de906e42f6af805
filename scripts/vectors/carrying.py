"""Calls as text: written, read in the forms that people make of them, refused, and brought in.

Comes in: fixed seeds. Goes out: what becomes JSON. Whether a text is whole, and taken, is written here by hand.
"""

import base64
from typing import Any

from attrs import frozen

from p2p_sos.drivers.brought import Misfit, judge_call
from p2p_sos.drivers.calltext import PREFIX, Brought, Unlike, code_of, read_call
from p2p_sos.wire import registry as r
from p2p_sos.wire.frames import pad, seal
from p2p_sos.wire.hashing import blake2b
from p2p_sos.wire.messages import Cancel
from vectors.boards import CALL, EPOCH, UNIX_S, a_call, ordered
from vectors.samples import LABORATORY, NETWORK, VICTIM, open_cell_bytes, seed

FRAME = open_cell_bytes(CALL)
TEXT = code_of(CALL.cell, NETWORK)
LINE = 64


@frozen
class Cut:
    """A text with something about it changed, and whether no more than its end is missing."""

    why: str
    given: str
    short: bool = False

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        found = read_call(self.given.encode())
        assert found is (Unlike.SHORT if self.short else Unlike.WRONG), self.why
        return {"why": self.why, "given": self.given, "short": self.short}


def _lines(size: int, before: str = "", after: str = "") -> str:
    return "\n".join(before + TEXT[at : at + size] + after for at in range(0, len(TEXT), size))


def _other(at: int) -> str:
    """The text with one letter that is another."""
    return TEXT[:at] + ("Q" if TEXT[at] != "Q" else "R") + TEXT[at + 1 :]


def _written() -> list[dict[str, str]]:
    frames = {
        "a CALL": (FRAME, NETWORK),
        "a frame of one byte": (b"\x90", seed("network")),
        "the longest frame": (
            b"".join(seed(f"frame {at}") for at in range(64))[: r.FRAME_BYTES_MAX],
            NETWORK,
        ),
    }
    return [
        {"why": why, "frame": frame.hex(), "network": network.hex(), "text": code_of(pad(frame), network)}
        for why, (frame, network) in frames.items()
    ]


def _read() -> list[dict[str, str]]:
    alike = str.maketrans("OIB", "018")
    given = {
        "in lines of 64": _lines(LINE),
        "in small letters": TEXT.lower(),
        "digits that look like letters, in the beginning letters that look like digits": "ES0SI-"
        + TEXT.removeprefix(PREFIX).translate(alike),
        "quoted by a mail program, with other line ends": _lines(70, "> ").replace("\n", "\r\n"),
        "each line in quotation marks": _lines(LINE, '"', '",'),
        "wrapped as quoted-printable": _lines(75, "", "="),
        "in groups, with dashes, stars and bars": PREFIX
        + " - ".join(TEXT[at : at + 5] for at in range(len(PREFIX), len(TEXT), 5)),
        "spaces of another character set": TEXT[:40] + "\u00a0\u200b" + TEXT[40:],
        "among other text": f"Please help.\n\n{TEXT}\n-- \nSent from my telephone, ESOS1-",
        "letters right behind it": TEXT + "AND MORE",
        "after a beginning that leads nowhere": f"ESOS1-QQQQ is how it begins\n{TEXT}",
        "a line that was copied twice, then the whole": TEXT[:LINE] + "\n" + TEXT,
    }
    for why, text in given.items():
        assert read_call(text.encode()) == Brought(CALL.cell, NETWORK[:4]), why
    return [{"why": why, "given": text, "frame": FRAME.hex()} for why, text in given.items()]


def _refused() -> list[dict[str, Any]]:
    head = NETWORK[:4]
    long = code_of(pad(bytes([1]) * r.FRAME_BYTES_MAX), NETWORK)
    cuts = [
        Cut("the beginning alone", PREFIX, short=True),
        Cut("letters for no length", TEXT[: len(PREFIX) + 9], short=True),
        Cut("the last letter is missing", TEXT[:-1], short=True),
        Cut("the last line is missing", _lines(LINE).rpartition("\n")[0], short=True),
        Cut("a line is missing, and words stand behind", TEXT[:LINE] + TEXT[2 * LINE :] + "\nAND NOW WORDS " * 9),
        Cut("a letter of the network is another", _other(len(PREFIX) + 1)),
        Cut("a letter of the frame is another", _other(100)),
        Cut("a letter of the check is another", _other(len(TEXT) - 3)),
        Cut("two letters changed places", TEXT[:80] + TEXT[81] + TEXT[80] + TEXT[82:]),
        Cut("a letter is there twice", TEXT[:80] + TEXT[79] + TEXT[80:]),
        Cut("a letter is a digit of no alphabet, and is skipped", TEXT[:80] + "9" + TEXT[81:] + " AA"),
        Cut("a length of 0", _forged(head + bytes(2))),
        Cut("a length of 2,047", _forged(head + (r.FRAME_BYTES_MAX + 1).to_bytes(2, "big") + bytes(r.FRAME_BYTES_MAX + 1))),
        Cut("the longest, with its check cut off", long[:-7], short=True),
    ]  # fmt: skip
    return [cut.plain() for cut in cuts]


def _forged(payload: bytes) -> str:
    """A text of bytes that no cell gives, with the check that they would have."""
    whole = payload + blake2b("esos/1 text", payload, size=4)
    return PREFIX + base64.b32encode(whole).decode().rstrip("=")


def _brought() -> list[dict[str, Any]]:
    life_s = 24 * 3600
    over = EPOCH * r.CALL_EPOCH_S + life_s
    bare = seal(CALL.message, NETWORK, VICTIM)
    forged = pad(FRAME[:-1] + bytes([FRAME[-1] ^ 1]))
    cases = [
        ("at once", CALL.cell, NETWORK, UNIX_S, True),
        ("in the last second of its life", CALL.cell, NETWORK, over - 1, True),
        ("when its life is over", CALL.cell, NETWORK, over, False),
        ("from two epochs ahead", a_call(EPOCH + 2).cell, NETWORK, UNIX_S, True),
        ("from three epochs ahead", a_call(EPOCH + 3).cell, NETWORK, UNIX_S, False),
        ("of another network", CALL.cell, seed("network"), UNIX_S, False),
        ("without a stamp", bare.cell, NETWORK, UNIX_S, False),
        ("whose signature does not hold", forged, NETWORK, UNIX_S, False),
        ("no CALL", ordered(Cancel, 1).cell, NETWORK, UNIX_S, False),
        ("no message", pad(b"\x90"), NETWORK, UNIX_S, False),
    ]
    plain = []
    for why, cell, network, unix_s, taken in cases:
        text = code_of(cell, network)
        assert isinstance(judge_call(text.encode(), LABORATORY, unix_s), Misfit) != taken, why
        plain.append({"why": why, "text": text, "unix_s": unix_s, "taken": taken})
    return plain


def carrying() -> dict[str, Any]:
    """Texts of calls: written, read, refused, brought in."""
    return {"written": _written(), "read": _read(), "refused": _refused(), "brought": _brought()}

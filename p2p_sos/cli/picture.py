"""A QR code, as a picture file and in the terminal.

Comes in: a text of upper-case letters, digits and dashes. Goes out: a PNG that also holds the text itself, or lines of
half blocks. Must not know what the text means. Loads segno, which only those who call by hand need.
"""

import io
import sys
import zlib
from typing import Any

from p2p_sos.cli.screen import Screen

CORRECTION = "m"  # 15 % of a smudged print may be lost
BORDER = 4  # modules; readers want as many
PIXELS = 8  # a module of a printed code is then about half a millimetre wide, and the code 4 cm
HALVES = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}  # upper and lower module; 1 is dark
LIGHT_ON_DARK = "#ffffff on #000000"
KEYWORD = b"Comment"


def code_of(text: str) -> Any:
    """The QR code of a text."""
    import segno

    return segno.make_qr(text, error=CORRECTION, boost_error=False)


def png(text: str) -> bytes:
    """A picture of the code. The text stands in it as a comment too, so that the file can be read without a camera."""
    drawn = io.BytesIO()
    code_of(text).save(drawn, kind="png", scale=PIXELS, border=BORDER)
    whole = drawn.getvalue()
    comment = _chunk(b"tEXt", KEYWORD + b"\x00" + text.encode("ascii"))
    end = whole.rindex(b"IEND") - 4  # its length stands before its name
    return whole[:end] + comment + whole[end:]


def _chunk(name: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")


def halves(text: str) -> list[str]:
    """The code as lines of half blocks: what is light is drawn, so that it stands out on a dark screen."""
    rows = [list(row) for row in code_of(text).matrix_iter(border=BORDER)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    return [
        "".join(HALVES[bool(upper), bool(lower)] for upper, lower in zip(rows[at], rows[at + 1], strict=True))
        for at in range(0, len(rows), 2)
    ]


def show(screen: Screen, text: str) -> str:
    """Draw the code where there is a terminal. A sentence when it cannot be seen, or not all of it; else nothing."""
    import shutil

    if not screen.terminal:
        return ""
    lines, size = halves(text), shutil.get_terminal_size()
    try:
        lines[0].encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return "This terminal cannot draw the code; the picture file holds it."
    if size.columns < len(lines[0]):
        return f"The code needs {len(lines[0])} columns, and this terminal has {size.columns}; the picture file holds it."
    for line in lines:
        screen.line((line, LIGHT_ON_DARK))
    if size.lines < len(lines):
        return f"The code is {len(lines)} lines tall and the window {size.lines}: make it taller, or show the picture file."
    return ""

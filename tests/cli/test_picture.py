"""The QR code, drawn and as a picture, read back by a decoder that is not the program's own."""

import struct
import zlib

import pytest
import zxingcpp

from p2p_sos.cli.picture import halves, png
from p2p_sos.drivers.calltext import Brought, code_of, read_call
from p2p_sos.wire.registry import Need, Severity
from tests.drivers.handmade import LABORATORY, call

PIXELS = 6
LARGEST = call(languages=(1, 2, 3, 675), needs=sum(1 << need for need in Need), cell=0x8219B7FFFFFFFFF)
CALLS = [call(), call(severity=Severity.EMERGENCY), LARGEST]


def read(rows: list[list[bool]], pixels: int = PIXELS) -> list[str]:
    """What the decoder sees in a drawing; True is light."""
    wide = [
        b"".join((b"\xff" if light else b"\x00") * pixels for light in row)
        for row in rows
        for _ in range(pixels)
    ]
    picture = memoryview(b"".join(wide)).cast("B", (len(wide), len(wide[0])))
    # Among so many modules a decoder of bars sees, once in a while, a bar code of another kind.
    found = zxingcpp.read_barcodes(picture)
    return [code.text for code in found if code.format == zxingcpp.BarcodeFormat.QRCode]


def drawn(lines: list[str]) -> list[list[bool]]:
    """The half blocks as modules, as an eye on a dark screen sees them."""
    upper, lower = {"█": 1, "▀": 1, "▄": 0, " ": 0}, {"█": 1, "▀": 0, "▄": 1, " ": 0}
    return [[bool(half[letter]) for letter in line] for line in lines for half in (upper, lower)]


def unpacked(picture: bytes) -> list[list[bool]]:
    """The pixels of a black and white PNG."""
    width, height, depth, colour = struct.unpack(">IIBB", picture[16:26])
    assert (depth, colour) == (1, 0)
    at, data = 8, b""
    while at < len(picture):
        length, name = int.from_bytes(picture[at : at + 4], "big"), picture[at + 4 : at + 8]
        content = picture[at + 8 : at + 8 + length]
        assert int.from_bytes(picture[at + 8 + length : at + 12 + length], "big") == zlib.crc32(
            name + content
        )
        data += content if name == b"IDAT" else b""
        at += 12 + length
    lines, stride = zlib.decompress(data), 1 + -(-width // 8)
    rows, above = [], bytes(stride - 1)
    for start in range(0, height * stride, stride):
        kind, row = lines[start], lines[start + 1 : start + stride]
        assert kind in (0, 2)  # as it is, or the difference to the row above
        above = bytes((a + b) % 256 for a, b in zip(row, above, strict=True)) if kind == 2 else row
        rows.append([bool(above[x // 8] >> (7 - x % 8) & 1) for x in range(width)])
    return rows


@pytest.mark.parametrize("made", CALLS)
def test_the_drawing_fits_a_terminal_and_reads_back(made: object) -> None:
    """80 columns are enough for the largest call; the decoder gives the very text, which gives the very cell."""
    cell = made.cell  # type: ignore[attr-defined]
    code = code_of(cell, LABORATORY.network)
    lines = halves(code)
    assert max(map(len, lines)) <= 80
    (text,) = read(drawn(lines))
    assert text == code
    found = read_call(text.encode())
    assert isinstance(found, Brought)
    assert found.cell == cell


def test_a_drawing_with_a_smudge_reads_back_and_half_of_one_does_not() -> None:
    """The control: the decoder reads what is there, and no more than the correction can restore."""
    code = code_of(CALLS[0].cell, LABORATORY.network)
    rows = drawn(halves(code))
    for row in rows[30:36]:
        row[30:36] = [True] * 6
    assert read(rows) == [code]
    for row in rows[20:]:
        row[20:] = [True] * (len(row) - 20)
    assert read(rows) == []


def test_the_picture_reads_back_with_a_camera_and_without() -> None:
    """The pixels hold the code, and the file the text: `sos relay` takes the picture itself."""
    code = code_of(CALLS[0].cell, LABORATORY.network)
    picture = png(code)
    assert read(unpacked(picture), 1) == [code]
    found = read_call(picture)
    assert isinstance(found, Brought)
    assert found.cell == CALLS[0].cell
    assert not isinstance(read_call(picture.replace(b"tEXt", b"zzzz").replace(code.encode(), b"")), Brought)

"""A call's text survives what mail, chats, printers and people do to it; what is not whole is noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_sos.drivers.calltext import NETWORK_BYTES, PREFIX, Brought, Unlike, code_of, read_call, text_of
from p2p_sos.wire.frames import pad
from p2p_sos.wire.registry import CELL_BYTES, FRAME_BYTES_MAX
from tests.drivers.handmade import LABORATORY, call

NETWORK = LABORATORY.network
WANTED = Brought(call().cell, NETWORK[:NETWORK_BYTES])
CODE = code_of(WANTED.cell, NETWORK)


@given(st.binary(min_size=1, max_size=FRAME_BYTES_MAX), st.binary(min_size=32, max_size=32))
def test_every_cell_comes_back_as_it_was(frame: bytes, network: bytes) -> None:
    """Text and cell are one thing in two forms, whatever the frame's length."""
    cell = pad(frame)
    assert read_call(code_of(cell, network).encode()) == Brought(cell, network[:NETWORK_BYTES])


def test_a_code_is_what_a_qr_code_holds_best() -> None:
    """Upper case, digits and a dash alone, and short enough for a screen of 80 columns."""
    assert CODE.startswith(PREFIX)
    assert not CODE.strip("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
    assert len(CODE) < 350


@pytest.mark.parametrize(
    "handed",
    [
        text_of(CODE),
        CODE.lower(),
        "\r\n".join(CODE[at : at + 40] for at in range(0, len(CODE), 40)),
        "> " + "\n> ".join(CODE[at : at + 70] for at in range(0, len(CODE), 70)),
        PREFIX + " ".join(CODE[at : at + 5] for at in range(len(PREFIX), len(CODE), 5)),
        f"please help him\n\n{CODE}\n-- \nSent from my telephone, ESOS1-",
        "ESOS1-QQQQ is how it begins\n" + CODE,
        "\n".join(f'"{CODE[at : at + 64]}",' for at in range(0, len(CODE), 64)),
        "<<" + "=\r\n".join(CODE[at : at + 75] for at in range(0, len(CODE), 75)) + ">>",
        CODE[:40] + "\u00a0\u200b" + CODE[40:],
        CODE.replace(PREFIX, "es0si-"),
    ],
)
def test_it_is_found_in_whatever_form_it_comes(handed: str) -> None:
    """Wrapped, quoted in any way, spaced, among other text, after a beginning that leads nowhere, its own one mistyped."""
    assert read_call(handed.encode()) == WANTED


def test_what_looks_alike_is_read_as_what_was_meant() -> None:
    """Nobody can tell O from 0, I from 1 or B from 8 on a print."""
    typed = PREFIX + CODE.removeprefix(PREFIX).replace("O", "0").replace("I", "1").replace("B", "8")
    assert typed != CODE
    assert read_call(typed.encode()) == WANTED


def test_a_bare_cell_is_taken_too() -> None:
    """For programs: the cell's bytes as they travel, of no named network."""
    assert read_call(WANTED.cell) == Brought(WANTED.cell)


@pytest.mark.parametrize("at", range(len(PREFIX), len(CODE), 7))
def test_one_wrong_letter_is_noticed(at: int) -> None:
    """Whichever it is, no other call comes out."""
    other = "Q" if CODE[at] != "Q" else "R"
    assert read_call((CODE[:at] + other + CODE[at + 1 :]).encode()) in {Unlike.WRONG, Unlike.SHORT}


@pytest.mark.parametrize("cut", [len(PREFIX), len(PREFIX) + 9, 100, len(CODE) - 1])
def test_what_is_cut_short_is_noticed(cut: int) -> None:
    """A piece of a code is no call."""
    assert read_call(CODE[:cut].encode()) is Unlike.SHORT


def test_whether_the_end_is_missing_or_something_is_wrong_is_told_apart() -> None:
    """A missing line with text behind it, a doubled letter, a length that cannot be: wrong, and not merely short."""
    for handed in (
        CODE[:70] + CODE[134:] + "\n" + "And more words. " * 20,
        CODE[:70] + CODE[69:],
        PREFIX + "A" * 60,
        PREFIX + "Z" * 60,
        f"{CODE[:69]}{'Q' if CODE[69] != 'Q' else 'R'}{CODE[70:]} and {PREFIX}",
    ):
        assert read_call(handed.encode()) is Unlike.WRONG


@given(st.binary(max_size=3000))
def test_reading_is_total(data: bytes) -> None:
    """Any bytes give an answer, and random ones never a call."""
    for given_ in (data, b"ESOS1-" + data, b"ESOS1-" + data.hex().encode()):
        found = read_call(given_)
        assert isinstance(found, Unlike) or len(given_) == CELL_BYTES


def test_a_flood_of_beginnings_costs_little() -> None:
    """A megabyte of them is looked at a few times, not a hundred thousand times."""
    assert read_call(b"ESOS1-" * 170_000) is not Unlike.NOTHING
    assert read_call(b"ESOS1-77777777" * 70_000) is Unlike.WRONG

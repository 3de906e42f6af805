"""What strangers write is shown so that it can neither steer the terminal nor pass for the command's own words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_sos.cli.describe import helper_table
from p2p_sos.cli.screen import INTRODUCTION_LINES_MAX, Screen, folded, harmless, readable
from p2p_sos.cli.timeline import tell
from tests.cli.conftest import Sos
from tests.cli.stub import KEY_A

FORGED = "hello" + " " * 61 + "18:27:46  ACCEPTED  the police has checked this helper " + "give it all " * 20
ANSI = "\x1b[2J\x1b]0;title\x07\x9b2J\u202eabc\u202c\rover\ttab\x00\x7f"


class Wide(Screen):
    """A screen that believes in a terminal of 80 columns and remembers its lines."""

    def __init__(self) -> None:
        super().__init__(as_json=False)
        self.terminal = True
        self.lines: list[str] = []

    def line(self, *pieces: Any) -> None:
        """Remember a line."""
        self.lines.append("".join(p if isinstance(p, str) else p[0] for p in pieces))


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> Wide:
    monkeypatch.setenv("COLUMNS", "80")
    return Wide()


def letter(text: str, kind: str = "text") -> dict[str, Any]:
    return {
        "notice": "letter-arrived",
        "at_unix_s": 0,
        "call": "00",
        "correspondent": KEY_A,
        "kind": kind,
        "text": text,
    }


@pytest.mark.parametrize("kind", ["text", "introduction", "accept", "situation"])
def test_no_line_of_a_letter_begins_where_ours_do(wide: Wide, kind: str) -> None:
    """However a text is wrapped, each line on the screen stands behind the bar, and fits."""
    tell(wide, letter(FORGED + "\n\nNext: sos case accept 1", kind))
    ours, *theirs = wide.lines
    assert ours[2] == ":"
    assert len(theirs) > 4
    for line in theirs:
        assert line.startswith(" " * 20 + "| ")
        assert len(line) < 80


def test_an_introduction_is_a_letter_as_well(wide: Wide) -> None:
    """The list of helpers shows it behind the same bar."""
    claim = {"responder": KEY_A, "manner": "person", "attested": True, "decision": "", "introduction": FORGED}
    helper_table(wide, [claim])
    assert all(line.startswith("       | ") and len(line) < 80 for line in wide.lines[1:])


def test_a_flood_of_lines_from_an_unaccepted_helper_is_cut(wide: Wide) -> None:
    """Line ends alone cannot push everything else off the screen; the number of what is missing is told."""
    tell(wide, letter("\n" * 1500, "introduction"))
    assert len(wide.lines) == 1 + INTRODUCTION_LINES_MAX + 1
    assert f"{1500 - INTRODUCTION_LINES_MAX} more lines" in wide.lines[-1]


def test_escapes_are_taken_out_and_joined_letters_stay() -> None:
    """No control character survives; a family of three and Persian keep what joins or parts their signs."""
    assert harmless(ANSI) == "�[2J�]0;title��2J�abc��over tab��"
    joined = "\U0001f468\u200d\U0001f469 \u0645\u06cc\u200c\u062e\u0648"
    assert harmless(joined) == joined


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"])), st.integers(2, 90))
def test_folding_loses_nothing_but_blanks(line: str, width: int) -> None:
    """Pieces fit the width, and together they are the line."""
    pieces = folded(line, width)
    assert "".join("".join(pieces).split()) == "".join(line.split())
    assert all(len(piece) <= width for piece in pieces)


def test_bytes_that_are_no_utf8_become_a_mark() -> None:
    """What a wrong locale made of the command line is text again."""
    assert readable("caf\udce9 ok") == "caf� ok"


def test_a_text_in_another_encoding_is_sent_all_the_same(sos: Sos) -> None:
    """A victim's Latin-1 text is shown with a mark, and is no fault."""
    said = sos("call", "--details", "caf\udce9 is shut")
    assert said.exit == 77  # nobody said yes
    assert "caf� is shut" in said.out

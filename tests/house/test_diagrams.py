"""The drawings in the documentation are the tables that the machines run on."""

import subprocess
import sys
from pathlib import Path

from tests.house.sources import ROOT

PAGE = ROOT / "docs" / "architecture.md"


def check(page: Path) -> int:
    """The exit code of the drawing program, asked whether a page is current."""
    command = [sys.executable, ROOT / "scripts" / "diagrams.py", "--check", "--page", page]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode


def test_the_drawings_are_current() -> None:
    """Drawing them again from the transition tables would change nothing."""
    assert check(PAGE) == 0


def test_a_drawing_of_something_else_is_refused(tmp_path: Path) -> None:
    """Control: one arrow more than the table has, and the page is out of date."""
    page = tmp_path / "architecture.md"
    page.write_text(
        PAGE.read_text().replace("    [*] --> OPEN\n", "    [*] --> OPEN\n    CLEARED --> OPEN\n")
    )
    assert page.read_text() != PAGE.read_text()
    assert check(page) == 1

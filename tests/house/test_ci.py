"""The complete check is strict: what a machine lacks fails there, and its last line is the test suite's own."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.house.sources import ROOT

CLOSING = "3 passed in 0.01s"


def run(folder: Path, *, says: str, code: int) -> subprocess.CompletedProcess[str]:
    """Run .ci/run on a checkout whose check says this and ends so."""
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci" / "run")
    (folder / "scripts").mkdir()
    check = (
        f"import os, sys\nassert os.environ['CI']\nprint({says!r})\nprint({CLOSING!r})\nsys.exit({code})\n"
    )
    (folder / "scripts" / "check.py").write_text(check)
    return subprocess.run([folder / ".ci" / "run"], capture_output=True, text=True, check=False, cwd="/")


@pytest.mark.parametrize(
    ("says", "code", "good"),
    [
        ("everything holds", 0, True),
        ("failed: lint", 1, False),
        ("javascript not run: npm: no network", 0, False),
        ("not run: tests.x.test_y: no such machine", 0, False),
    ],
)
def test_only_a_complete_check_passes(tmp_path: Path, says: str, code: int, good: bool) -> None:
    """A failure and a `not run:` line both fail it; either way the closing line comes last."""
    done = run(tmp_path, says=says, code=code)
    assert (done.returncode == 0) is good
    assert done.stdout.splitlines()[-1] == CLOSING

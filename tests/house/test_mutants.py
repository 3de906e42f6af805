"""The list of seeded faults fits the code: each can still be seeded, and the tests meant for it are there."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house.sources import ROOT

LIST = ROOT / "scripts" / "mutants.toml"
FAULTS = tomllib.loads(LIST.read_text())["fault"]


def listed(faults: Path) -> subprocess.CompletedProcess[str]:
    """What the script says of a list of faults."""
    command = [sys.executable, ROOT / "scripts" / "mutants.py", "--list", "--faults", faults]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_fault_can_be_seeded() -> None:
    """Each text stands exactly once in its file, and what takes its place is Python and something else."""
    told = listed(LIST)
    assert [line for line in told.stdout.splitlines() if "void:" in line] == []
    assert told.returncode == 0, told.stderr
    assert len(told.stdout.splitlines()) == len(FAULTS) == len({fault["name"] for fault in FAULTS})


def test_the_tests_that_are_named_exist() -> None:
    """A single test that is renamed is renamed in the list too."""
    for fault in FAULTS:
        for file, _, name in (test.partition("::") for test in fault["tests"]):
            functions = ast.parse((ROOT / file).read_text()).body if name else []
            assert not name or name in [getattr(f, "name", "") for f in functions], fault["name"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("no such text stands there", "x"),
        ("LEAP_S", "x"),  # more than once
        ("LEAP_S = 600.0", "LEAP_S = 600"),  # the control: this one can be seeded
        ("LEAP_S = 600.0", "LEAP_S = ("),
        ("LEAP_S = 600.0", "LEAP_S  = 600.0"),
    ],
)
def test_what_cannot_be_seeded_is_void(tmp_path: Path, old: str, new: str) -> None:
    """A text that is not there, or twice, or becomes no Python, or nothing else, fails loudly."""
    faults = tmp_path / "faults.toml"
    faults.write_text(
        f'[[fault]]\nname = "one"\nfile = "p2p_sos/core/clock.py"\nold = "{old}"\nnew = "{new}"\n'
        'tests = ["tests/house/test_mutants.py"]\n'
    )
    told = listed(faults)
    good = new == "LEAP_S = 600"
    assert (told.returncode, "void:" in told.stdout) == ((0, False) if good else (1, True))


def test_the_decision_tells_of_every_fault() -> None:
    """The table of what noticed which fault names just those of the list: one that is added is run, and told of."""
    table = (ROOT / "docs" / "decisions" / "0008-faults-seeded.md").read_text()
    told = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `") and ".py" in line]
    told = [name for name in told if not name.endswith(".py")]
    assert sorted(told) == sorted(fault["name"] for fault in FAULTS)
    assert f"holds {len(FAULTS)} faults as data" in table

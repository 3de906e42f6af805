"""Running `sos` inside the test process: the real command line, real output, a home of its own."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from p2p_sos.cli import main
from tests.drivers.test_relay_lists import ONE, OTHER


class Said(NamedTuple):
    """What one command line gave."""

    exit: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Each line of the output as JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


Sos = Callable[..., Said]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home that SOS_HOME names."""
    root = tmp_path / "home"
    root.mkdir()
    monkeypatch.setenv("SOS_HOME", str(root))
    monkeypatch.setenv("SOS_SOCKS", "127.0.0.1:9")  # nothing answers there, whatever runs on the machine
    for name in ("SOS_PASSPHRASE", "SOS_RECOVERY_CODE", "SOS_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)
    return root


@pytest.fixture
def sos(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Sos:
    """Run one command line."""

    def run(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["sos", *words])
        capsys.readouterr()
        code = main.run()
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return run


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A list on a stick: two good lines, one broken."""
    path = tmp_path / "relays.txt"
    path.write_text(f"# a list\n{ONE}\nnonsense\n{OTHER}\n")
    return path

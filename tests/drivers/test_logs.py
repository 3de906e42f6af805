"""The log: JSON in a file, short lines for people in a terminal, nothing in it that steers one."""

import io
import json
import sys
from pathlib import Path

import pytest

from p2p_sos.drivers.logs import log_of
from p2p_sos.drivers.settings import LogSettings


class Tty(io.StringIO):
    """A terminal that remembers."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Tty(), io.StringIO()], ids=["terminal", "pipe"])
def test_people_get_lines_and_programs_json(
    stream: io.StringIO, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a terminal one short line without JSON; anywhere else one whole object."""
    monkeypatch.setattr(sys, "stderr", stream)
    with log_of("/home/node", LogSettings(), tmp_path) as log:
        log.info("claim-seen", extra={"call": "ab" * 32, "responders": ["cd" * 32], "why": "a\x1b[2Jb\nc"})
    said = stream.getvalue()
    assert "\x1b" not in said
    assert said.count("\n") == 1
    if stream.isatty():
        assert said[8:].strip() == f"claim-seen  call {'ab' * 4}  responders {'cd' * 4}  why a?[2Jb?c"
    else:
        assert json.loads(said)["call"] == "ab" * 32


def test_a_file_holds_json_whatever_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal at hand changes nothing about a file."""
    monkeypatch.setattr(sys, "stderr", Tty())
    with log_of("/home/node", LogSettings(file="node.log"), tmp_path) as log:
        log.info("claim-seen")
    assert json.loads((tmp_path / "node.log").read_text())["event"] == "claim-seen"

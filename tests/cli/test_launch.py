"""Background processes: the first line is the answer, secrets go through the pipe, and nobody needs to stay."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from p2p_sos.cli.exits import Stop
from p2p_sos.cli.launch import start
from tests.cli.processes import HANG_S

MODULE = """\
import json, os, sys
from p2p_sos.cli.launch import report
told = json.loads(sys.stdin.readline())
shown = json.dumps([sys.argv, dict(os.environ)])
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that `start` can run; a test writes the rest of it."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("SOS_PASSPHRASE", "open sesame")
    (tmp_path / "background.py").write_text(MODULE)
    return "background"


def add(tmp_path: Path, code: str) -> None:
    """Let the background module go on like this."""
    with (tmp_path / "background.py").open("a") as file:
        file.write(code)


def test_a_secret_goes_through_the_pipe_and_nowhere_else(module: str, tmp_path: Path) -> None:
    """Neither the arguments nor the environment of the process hold it."""
    add(tmp_path, "report({'got': told['secret'], 'leaks': told['secret'] in shown})\n")
    answer = start(module, ["directory"], {"secret": "open sesame"}, tmp_path / "log")
    assert answer == {"got": "open sesame", "leaks": False}


def test_an_error_on_the_first_line_is_a_stop_with_its_exit(module: str, tmp_path: Path) -> None:
    """The sentence, the code and the exit of the background process become the command's own."""
    add(tmp_path, "report({'error': 'No.', 'code': 'wrong-secret', 'exit': 77})\n")
    with pytest.raises(Stop) as stopped:
        start(module, [], {}, tmp_path / "log")
    assert (stopped.value.sentence, stopped.value.exit_code, stopped.value.code) == (
        "No.",
        77,
        "wrong-secret",
    )


def test_a_process_that_dies_early_is_told_with_its_log(module: str, tmp_path: Path) -> None:
    """Exit 70, and the log, private, holds what it said."""
    add(tmp_path, "sys.exit('broken')\n")
    with pytest.raises(Stop) as stopped:
        start(module, [], {}, tmp_path / "log")
    assert stopped.value.exit_code == 70
    assert (tmp_path / "log").read_text() == "broken\n"
    assert (tmp_path / "log").stat().st_mode & 0o077 == 0


def test_a_process_lives_on_when_nobody_reads_its_first_line(module: str, tmp_path: Path) -> None:
    """Ctrl-C in the moment of starting must not kill the case."""
    add(tmp_path, "report({'ready': True})\nprint('alive', file=sys.stderr)\n")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", module],
        input="{}\n",
        text=True,
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=HANG_S,
        check=True,
    )
    os.close(writer)
    assert done.stderr == "alive\n"

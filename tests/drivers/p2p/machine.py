"""What a machine must have for some tests: where CI runs, it has it or the test fails; elsewhere the test says that it was left out."""

import os
import shutil

import pytest


def needs(*programs: str) -> None:
    """Fail in CI, and skip elsewhere, unless these programs are installed."""
    for program in programs:
        if shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
            sentence = f"{program} is not installed; scripts/debian.py installs it"
            if os.environ.get("CI"):
                pytest.fail(sentence)
            pytest.skip(sentence)

"""Serving in this process: what fails is a sentence and an exit code, a wrong secret with the place of its slip."""

import errno
from pathlib import Path

import pytest
import trio

from p2p_sos.cli.caseprocess import open_file
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.serving import run
from p2p_sos.drivers.casefile import CaseFile, Hardness


def test_a_disk_that_refuses_is_exit_74() -> None:
    """However deep in the nurseries it happens; the control is a fault of another kind."""

    async def fail(number: int) -> None:
        async with trio.open_nursery():
            raise OSError(number, "no room", "/srv/sos/node.db")

    with pytest.raises(Stop) as caught:
        run(lambda: fail(errno.ENOSPC), lambda: True)
    assert caught.value.exit_code == 74
    assert "no room: /srv/sos/node.db" in caught.value.sentence
    with pytest.raises(BaseExceptionGroup):
        run(lambda: fail(errno.EBADF), lambda: True)


def test_a_slip_in_a_recovery_code_is_told_with_its_group(tmp_path: Path) -> None:
    """Exit 77 names the group; the code as it was shown opens."""
    file, code = CaseFile.create(
        tmp_path / "case.db", passphrase="secret", recovery_code=True, hardness=Hardness(1, 8)
    )
    file.close()
    assert code is not None
    slipped = code[:-1] + ("0" if code[-1] != "0" else "2")
    with pytest.raises(Stop, match="slip in group 6") as caught:
        open_file(tmp_path, slipped)
    assert (caught.value.exit_code, caught.value.code) == (77, "wrong-secret")
    open_file(tmp_path, code.lower().replace("-", " ")).close()

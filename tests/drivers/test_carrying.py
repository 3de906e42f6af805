"""A case travels as one file and loses nothing on the way; what is foreign, broken or here already stays out."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from p2p_sos.core.actions import Keep
from p2p_sos.core.case.case_rows import CALL, CaseState, case_rows, forget_secrets, keep_call
from p2p_sos.core.case.case_view import CasePhase
from p2p_sos.core.tables import Table
from p2p_sos.drivers import carrying
from p2p_sos.drivers.carrying import NoCase, take_in, take_out
from p2p_sos.drivers.case_service import CALL_NOTE, PROFILE_NOTE, NewCase
from p2p_sos.drivers.casefile import CaseFile, Hardness, WrongSecret
from p2p_sos.drivers.home import CaseHome, Exists, Held, Home, Lock
from p2p_sos.drivers.offline import RELAYS_NOTE, CaseOver, call_of_case, fix_call
from p2p_sos.drivers.store import NodeStore, StoreUnusable
from tests.drivers.handmade import SECRETS, call
from tests.drivers.services import make

EVERYTHING = tuple(Table)


def opened(case: CaseHome, secret: str = "secret") -> CaseFile:
    return CaseFile.open(case.file_path, secret)


def contents(case: CaseHome) -> dict[str, Any]:
    """All that a case file holds."""
    file = opened(case)
    try:
        notes = {name: file.note(name) for name in (CALL_NOTE, PROFILE_NOTE, RELAYS_NOTE)}
        return {**notes, **{table.name: file.load(table) for table in EVERYTHING}}
    finally:
        file.close()


async def kept(root: Path) -> NewCase:
    """A case that is on disk and closed, its call fixed."""
    new = await make(root, [])
    fix_call(new.file)
    new.file.write_note(RELAYS_NOTE, b"/ip4/192.0.2.1/tcp/1/p2p/x\n/ip4/192.0.2.2/tcp/1/p2p/y")
    new.file.close()
    return new


def tree(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.mark.trio
async def test_a_case_comes_out_and_goes_in_whole(tmp_path: Path) -> None:
    """Every row and note is there, under the same name, with the relays it knew; the file itself is not touched."""
    new = await kept(tmp_path / "a")
    before = contents(new.home)
    stick = tmp_path / "stick"
    assert take_out(new.home, stick) == stick.stat().st_size
    sealed = stick.read_bytes()
    assert b"pumping station" not in sealed
    assert stick.stat().st_mode & 0o777 == 0o600
    taken = take_in(Home(tmp_path / "b"), stick, "secret")
    assert taken.name == new.home.name
    assert contents(taken) == before
    assert taken.bootstrap() == ("/ip4/192.0.2.1/tcp/1/p2p/x", "/ip4/192.0.2.2/tcp/1/p2p/y")
    assert stick.read_bytes() == sealed
    assert contents(new.home) == before


@pytest.mark.trio
async def test_what_a_crash_left_in_the_log_travels_too(tmp_path: Path) -> None:
    """A disk out of a dead machine: the file and its write-ahead log; without the log the last row would lack."""
    new = await make(tmp_path / "a", [])
    fix_call(new.file)
    disk = tmp_path / "disk"
    shutil.copytree(new.home.root, disk)  # as the power cut left it: open
    assert (disk / "case.db-wal").stat().st_size
    new.file.close()
    taken = take_in(Home(tmp_path / "b"), disk / "case.db", "secret")
    assert CALL in dict(contents(taken)["CASE"])
    (disk / "case.db-wal").unlink()
    with pytest.raises(NoCase):  # the control: nothing was folded into the file yet
        take_in(Home(tmp_path / "c"), disk / "case.db", "secret")


@pytest.mark.trio
async def test_a_wrong_secret_and_a_case_that_is_here_change_nothing(tmp_path: Path) -> None:
    """Neither home nor file is another afterwards."""
    new = await kept(tmp_path / "a")
    take_out(new.home, tmp_path / "stick")
    with pytest.raises(WrongSecret):
        take_in(Home(tmp_path / "b"), tmp_path / "stick", "guessed")
    assert tree(tmp_path / "b") == {}
    before = tree(tmp_path / "a")
    with pytest.raises(Exists, match="stays as it is"):
        take_in(Home(tmp_path / "a"), tmp_path / "stick", "secret")
    assert tree(tmp_path / "a") == before
    with pytest.raises(FileExistsError):
        take_out(new.home, tmp_path / "stick")


@pytest.mark.trio
async def test_a_case_that_is_served_is_not_read(tmp_path: Path) -> None:
    """What its process is about to write would lack."""
    new = await kept(tmp_path / "a")
    with Lock(new.home.lock_path, "it"), pytest.raises(Held):
        take_out(new.home, tmp_path / "stick")
    assert not (tmp_path / "stick").exists()


def test_what_is_no_case_is_left_alone(tmp_path: Path) -> None:
    """Text, another database of ours, a damaged case: one sentence, and each byte stays."""
    text, store, damaged = tmp_path / "text", tmp_path / "node.db", tmp_path / "damaged"
    text.write_text("hello")
    NodeStore(store).close()
    file, _ = CaseFile.create(damaged, passphrase="secret", recovery_code=False, hardness=Hardness(1, 8))
    file.close()
    damaged.write_bytes(damaged.read_bytes()[:5000])
    for path in (text, store, damaged):
        before = path.read_bytes()
        with pytest.raises(NoCase, match=str(path)):
            take_in(Home(tmp_path / "b"), path, "secret")
        assert path.read_bytes() == before
        assert tree(tmp_path / "b") == {}


@contextmanager
def filed(path: Path, *, finished: bool = True, profile: bytes = b"laboratory") -> Iterator[CaseFile]:
    """A case file with secrets in it, unless it was never finished; no call yet."""
    file, _ = CaseFile.create(path, passphrase="secret", recovery_code=False, hardness=Hardness(1, 8))
    file.write_note(PROFILE_NOTE, profile)
    if finished:
        file.commit_now([Keep(Table.CASE, key, value) for key, value in case_rows(SECRETS)])
    try:
        yield file
    finally:
        file.close()


def test_a_case_without_keys_or_of_an_unknown_network_stays_out(tmp_path: Path) -> None:
    """Never finished, closed for good, or of a network that this version does not know."""
    with (
        filed(tmp_path / "new", finished=False) as file,
        pytest.raises(StoreUnusable, match="never finished"),
    ):
        call_of_case(file)
    with filed(tmp_path / "far", profile=b"mars") as file, pytest.raises(StoreUnusable, match="mars"):
        call_of_case(file)
    made = call()
    over = evolve(CaseState(made.id), phase=CasePhase.CLOSED, closed_how="cleared", keys_gone=True)
    with filed(tmp_path / "over") as file:
        file.commit_now([keep_call(made), over.keep(), forget_secrets()])
        with pytest.raises(CaseOver):
            fix_call(file)
    with pytest.raises(NoCase, match="over"):
        take_in(Home(tmp_path / "b"), tmp_path / "over", "secret")


def test_a_call_that_was_handed_out_is_never_made_anew(tmp_path: Path) -> None:
    """Kept for hours and handed to nobody, it is stamped for now; once handed out, it keeps its cell for ever."""
    old = call(ago=20)
    with filed(tmp_path / "case.db") as file:
        file.write_note(CALL_NOTE, old.cell)
        fresh = fix_call(file)
        assert fresh.id != old.id
        assert file.note(CALL_NOTE) == fresh.cell
        assert fix_call(file) == fresh
        file.commit_now([keep_call(old)])  # as if that had been twenty epochs ago
        assert fix_call(file).id == old.id
        assert dict(file.load(Table.CASE))[CALL] == old.cell


def test_a_full_target_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stick that reads back otherwise is told; what could not be written is not left behind."""

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        carrying.write_new(tmp_path / "stick", b"case")
    assert not (tmp_path / "stick").exists()

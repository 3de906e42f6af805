"""What a store said that it keeps, it keeps; what it cannot use, it names and sets aside."""

import errno
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import apsw
import pytest
import trio
import trio.testing

from p2p_sos.core.actions import Forget, Keep
from p2p_sos.core.tables import Table
from p2p_sos.drivers.store import NodeStore, StoreError, StoreUnusable

COMMIT_FOREVER = """
import sys
import trio
from pathlib import Path
from p2p_sos.core.actions import Keep
from p2p_sos.core.tables import Table
from p2p_sos.drivers.store import NodeStore

async def main():
    store = NodeStore(Path(sys.argv[1]))
    number = 0
    while True:
        number += 1
        key = number.to_bytes(8, "big")
        beside = [Keep(Table[sys.argv[2]], key, b"line")]
        await store.commit([Keep(Table.CELL, key, key * 250), *beside])
        print(number, flush=True)

trio.run(main)
"""
OPEN_TRANSACTION = """
import sys, time
from pathlib import Path
from p2p_sos.drivers.store import NodeStore
store = NodeStore(Path(sys.argv[1]))
connection = store._database._connection
connection.execute("BEGIN IMMEDIATE")
connection.execute("INSERT INTO cell VALUES (?, ?)", (b"never", b"committed"))
print("written", flush=True)
sys.stdin.read()
"""


def keep(key: bytes, value: bytes = b"v", table: Table = Table.CELL) -> Keep:
    return Keep(table, key, value)


@pytest.mark.trio
async def test_rows_come_back_in_order(tmp_path: Path) -> None:
    """What was kept is there after a close, ordered by key; the newest value counts; what was forgotten is gone."""
    store = NodeStore(tmp_path / "node.db")
    assert store.fresh
    await store.commit([keep(b"b"), keep(b"a"), keep(b"c"), keep(b"a", b"new"), Forget(Table.CELL, b"c")])
    await store.commit([keep(b"b", b"other table", Table.CASE)])
    store.close()
    store.close()
    store = NodeStore(tmp_path / "node.db")
    assert not store.fresh
    assert store.load(Table.CELL) == ((b"a", b"new"), (b"b", b"v"))
    assert store.load(Table.CASE) == ((b"b", b"other table"),)
    assert await store.page(Table.CELL, b"a", 10) == ((b"b", b"v"),)
    assert await store.page(Table.CELL, b"", 1) == ((b"a", b"new"),)
    store.close()


@pytest.mark.parametrize("beside", [Table.LOG, Table.TOMBSTONE], ids=lambda table: table.value)
def test_a_committed_row_survives_sigkill(tmp_path: Path, beside: Table) -> None:
    """Whatever number a process printed after its commit is on disk after kill -9, with its whole batch."""
    path = tmp_path / "node.db"
    command = [sys.executable, "-c", COMMIT_FOREVER, str(path), beside.name]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        printed = 0
        while printed < 50:
            printed = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().splitlines()
        writer.wait()
    printed = int(rest[-1]) if rest else printed
    store = NodeStore(path)
    kept = [int.from_bytes(key, "big") for key, _ in store.load(Table.CELL)]
    assert kept == list(range(1, len(kept) + 1))
    assert len(kept) >= printed
    assert len(store.load(beside)) == len(kept), "a batch is whole or absent"
    store.close()


def test_an_uncommitted_row_is_absent_after_sigkill(tmp_path: Path) -> None:
    """Control: a row that was written but not committed is not there after kill -9."""
    path = tmp_path / "node.db"
    command = [sys.executable, "-c", OPEN_TRANSACTION, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    store = NodeStore(path)
    assert store.load(Table.CELL) == ()
    store.close()


@pytest.mark.trio
async def test_what_a_node_alone_knows_is_synced(tmp_path: Path) -> None:
    """Its own rows wait for the disk at every commit: a power cut loses nothing promised. Relayed cells do not wait."""
    store = NodeStore(tmp_path / "node.db")
    connection = store._database._connection
    assert (connection.pragma("journal_mode"), connection.pragma("synchronous")) == ("wal", 2)
    for table in Table:
        held_by_others = table in (Table.CELL, Table.TOMBSTONE)
        await store.commit([keep(b"x", table=table)])
        assert connection.pragma("synchronous") == (1 if held_by_others else 2), table
        await store.commit([keep(b"y"), keep(b"y", table=Table.COUNTER)])
        assert connection.pragma("synchronous") == 2
    assert (tmp_path / "node.db").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "node.db-wal").stat().st_mode & 0o777 == 0o600
    store.close()


@pytest.mark.trio
async def test_a_full_store_says_so_and_recovers(tmp_path: Path) -> None:
    """Without room a commit fails whole, with a sentence; with room again, the same commit stands."""
    store = NodeStore(tmp_path / "node.db", size_max_bytes=40 * 4096)
    batch = [keep(bytes([number]), bytes(2048)) for number in range(250)]
    with pytest.raises(StoreError, match="make room"):
        await store.commit(batch)
    assert store.load(Table.CELL) == (), "nothing of a failed batch stands"
    await store.commit([keep(b"small")])
    store._database._connection.pragma("max_page_count", 10_000)
    await store.commit(batch)
    assert len(store.load(Table.CELL)) == 251
    store.close()


@pytest.mark.trio
async def test_a_slow_commit_does_not_stall_the_loop(tmp_path: Path) -> None:
    """While a commit waits for the disk, other tasks run: only this one can give the commit what it waits for."""
    path = tmp_path / "node.db"
    store = NodeStore(path)
    blocker = apsw.Connection(str(path))
    blocker.execute("BEGIN IMMEDIATE")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.commit, [keep(b"a")])
        await trio.testing.wait_all_tasks_blocked()
        blocker.execute("ROLLBACK")
        blocker.close()
    assert len(store.load(Table.CELL)) == 1
    store.close()


@pytest.mark.trio
async def test_a_locked_store_is_said(tmp_path: Path) -> None:
    """Control: a commit whose wait nobody ends fails with a sentence."""
    path = tmp_path / "node.db"
    store = NodeStore(path)
    blocker = apsw.Connection(str(path))
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another process uses it"):
        await store.commit([keep(b"a")])
    blocker.close()
    store.close()


DAMAGES = {
    "no database": lambda content: b"this is no database at all" * 300,
    "header": lambda content: b"\0" * 100 + content[100:],
    "truncated": lambda content: content[: len(content) // 2],
    "page": lambda content: content[:8192] + b"\xff" * 4096 + content[12288:],
}


@pytest.mark.trio
@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_file_is_set_aside_unchanged(tmp_path: Path, damage: str) -> None:
    """A damaged store is named, renamed and not changed by a byte; the next start begins with an empty one."""
    path = tmp_path / "node.db"
    store = NodeStore(path)
    await store.commit([keep(os.urandom(32), os.urandom(2000)) for _ in range(40)])
    store.close()
    damaged = DAMAGES[damage](path.read_bytes())
    path.write_bytes(damaged)
    with pytest.raises(StoreUnusable, match=r"node\.db is damaged .* set aside as node\.db\.damaged-1"):
        NodeStore(path)
    assert (tmp_path / "node.db.damaged-1").read_bytes() == damaged
    store = NodeStore(path)
    assert store.fresh
    store.close()


def test_an_empty_file_with_a_full_log_is_damage(tmp_path: Path) -> None:
    """SQLite would delete the log of an empty file: it is set aside before SQLite sees it."""
    (tmp_path / "node.db").write_bytes(b"")
    (tmp_path / "node.db-wal").write_bytes(b"everything")
    with pytest.raises(StoreUnusable, match="write-ahead log"):
        NodeStore(tmp_path / "node.db")
    assert (tmp_path / "node.db.damaged-1-wal").read_bytes() == b"everything"


def test_foreign_and_newer_files_are_left_alone(tmp_path: Path) -> None:
    """A database of another program, or of a newer version of ours, is refused and not touched."""
    foreign = tmp_path / "foreign.db"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    before = foreign.read_bytes()
    with pytest.raises(StoreUnusable, match="no node store of ours"):
        NodeStore(foreign)
    assert foreign.read_bytes() == before
    newer = tmp_path / "newer.db"
    NodeStore(newer).close()
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreUnusable, match="a newer version"):
        NodeStore(newer)
    assert newer.exists()
    assert not list(tmp_path.glob("*damaged*"))


def test_a_directory_in_its_place_is_said(tmp_path: Path) -> None:
    """What cannot be opened is an error with the system's own words."""
    (tmp_path / "node.db").mkdir()
    with pytest.raises(StoreError, match=os.strerror(errno.EISDIR)):
        NodeStore(tmp_path / "node.db")


def test_notes_are_kept(tmp_path: Path) -> None:
    """The driver's own notes survive, the newest counts."""
    store = NodeStore(tmp_path / "node.db")
    assert store.note("who") is None
    store.write_note("who", b"a")
    store.write_note("who", b"b")
    store.close()
    store = NodeStore(tmp_path / "node.db")
    assert store.note("who") == b"b"
    store.close()

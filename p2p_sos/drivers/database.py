"""One SQLite file of ours: opened with care, written in whole batches, durable on return.

Decides what is done with a damaged, foreign or full file. In come SQL statements of one batch. Out come rows, or an
error in one sentence. Knows nothing of tables or of what is in them.
"""

import os
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import trio
from attrs import define, field, frozen

from p2p_sos.drivers.home import FILE_MODE, make_private, set_aside

Statement = tuple[str, tuple[Any, ...]]
COMPANIONS = ("-wal", "-shm")
PAGE_BYTES = 4096
# measured: a batch of one takes 0.33 ms here, 0.74 ms by way of a thread; a slow disk takes 10 ms and more,
# so a store whose batches were quick lately writes at once, and any other one in a thread.
DIRECT_BELOW_S = 0.002
EXPECTED_DECAY = 0.9
WAL_KEPT_BYTES = 4 * 2**20  # guess: what of the log file stays between checkpoints


class StoreError(Exception):
    """The store could not keep what it was given; nothing of that batch stands. May pass (a full disk)."""


class StoreUnusable(Exception):
    """The file cannot be used: damaged (and set aside), of another format, or locked. Said in one sentence."""


@frozen
class Format:
    """How a file of ours is recognised, and the statements that lay its tables."""

    name: str  # for sentences: "node store"
    application: int  # SQLite's application_id
    version: int  # SQLite's user_version
    schema: tuple[str, ...]
    afterwards: str = " Start again to begin with an empty one."  # after a damaged one was set aside


@define
class Database:
    """One open file. `fresh` says that it was made just now."""

    path: Path
    fresh: bool
    _connection: apsw.Connection
    _turn: trio.Lock = field(factory=trio.Lock)
    # By whether a batch waits for the disk; the first of each goes to a thread.
    _expected_s: dict[bool, float] = field(factory=lambda: dict.fromkeys((True, False), DIRECT_BELOW_S))
    _open: bool = True
    _waits: bool = True  # whether a commit waits for the disk

    @classmethod
    def open(cls, path: Path, form: Format, *, size_max_bytes: int | None = None) -> "Database":
        """Open or make a file. Raises `StoreUnusable`, `StoreError`."""
        try:
            fresh = _look(path)
            connection = _connect(path)
        except _Damaged as damage:
            raise _put_aside(path, form, str(damage)) from damage
        try:
            _check(connection, path, form, fresh=fresh)
            _prepare(connection, form, fresh=fresh, size_max_bytes=size_max_bytes)
        except (_Damaged, apsw.CorruptError, apsw.NotADBError) as damage:
            connection.close()
            raise _put_aside(path, form, str(damage)) from damage
        except apsw.Error as error:
            connection.close()
            raise _failure(path, error) from error
        except StoreUnusable:
            connection.close()
            raise
        return cls(path, fresh, connection)

    def read(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of one query, while no other task writes. Raises `StoreError`."""
        try:
            rows: list[tuple[Any, ...]] = self._connection.execute(sql, values).fetchall()
        except apsw.Error as error:
            raise _failure(self.path, error) from error
        return rows

    async def read_in_turn(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of one query, on a worker thread. Raises `StoreError`."""
        async with self._turn:
            return await trio.to_thread.run_sync(self.read, sql, values)

    def write_now(self, statements: Iterable[Statement], *, power_cut: bool = True) -> None:
        """Execute all or none, durable on return. Blocks; raises `StoreError`.

        What is written survives the death of the process, and with `power_cut` the machine's too: that costs a wait
        for the disk, which also secures everything written before.
        """
        connection = self._connection
        try:
            if power_cut is not self._waits:
                connection.pragma("synchronous", "full" if power_cut else "normal")
                self._waits = power_cut
            connection.execute("BEGIN IMMEDIATE")
            for sql, values in statements:
                connection.execute(sql, values)
            connection.execute("COMMIT")
        except apsw.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise _failure(self.path, error) from error

    async def write(self, statements: list[Statement], *, power_cut: bool = True) -> None:
        """`write_now`, but never stalls the loop for long."""
        async with self._turn:
            started = time.perf_counter()
            if self._expected_s[power_cut] < DIRECT_BELOW_S:
                self.write_now(statements, power_cut=power_cut)
            else:
                await trio.to_thread.run_sync(partial(self.write_now, statements, power_cut=power_cut))
            took_s = time.perf_counter() - started
            self._expected_s[power_cut] = max(took_s, self._expected_s[power_cut] * EXPECTED_DECAY)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._open:
            self._open = False
            self._connection.close()


class _Damaged(Exception):
    pass


def _look(path: Path) -> bool:
    """Whether the file must be made; raises `_Damaged` where SQLite would silently begin anew."""
    size = path.stat().st_size if path.exists() else 0
    log = path.with_name(path.name + "-wal")
    if size == 0 and log.exists() and log.stat().st_size > 0:
        # SQLite deletes the log of an empty file; it may hold everything.
        raise _Damaged("the file is empty and its write-ahead log is not")
    return size == 0


def _connect(path: Path) -> apsw.Connection:
    make_private(path.parent)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))
        connection = apsw.Connection(str(path))
    except OSError as error:
        raise StoreError(f"{path} cannot be opened: {error.strerror}.") from error
    except apsw.Error as error:
        raise _failure(path, error) from error
    connection.set_busy_timeout(2000)
    return connection


def _check(connection: apsw.Connection, path: Path, form: Format, *, fresh: bool) -> None:
    if fresh:
        return
    application = connection.pragma("application_id")
    version = connection.pragma("user_version")
    if application != form.application:
        raise StoreUnusable(
            f"{path} is an SQLite file, but no {form.name} of ours (application id {application:#x}): "
            "it was left alone; move it away, or choose another --home."
        )
    if version != form.version:
        age = "a newer" if version > form.version else "an older"
        raise StoreUnusable(
            f"{path} was written by {age} version of this program (format {version}, this one reads "
            f"{form.version}): it was left alone; use that version, or move the file away."
        )
    verdict = str(connection.execute("PRAGMA quick_check(1)").get)
    if verdict != "ok":
        raise _Damaged(verdict.splitlines()[-1])


def _prepare(connection: apsw.Connection, form: Format, *, fresh: bool, size_max_bytes: int | None) -> None:
    if fresh:
        connection.pragma("page_size", PAGE_BYTES)
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")  # see write_now
    connection.pragma("secure_delete", 1)  # keys of closed dialogues are overwritten, not merely unlinked
    connection.pragma("journal_size_limit", WAL_KEPT_BYTES)
    if fresh:
        connection.execute("BEGIN IMMEDIATE")
        for statement in form.schema:
            connection.execute(statement)
        connection.pragma("application_id", form.application)
        connection.pragma("user_version", form.version)
        connection.execute("COMMIT")
    if size_max_bytes is not None:
        connection.pragma("max_page_count", max(1, size_max_bytes // PAGE_BYTES))


def _put_aside(path: Path, form: Format, what: str) -> StoreUnusable:
    try:
        aside = set_aside(path, companions=COMPANIONS)
    except OSError as error:
        return StoreUnusable(
            f"The {form.name} {path} is damaged ({what}) and could not be set aside: {error.strerror}."
        )
    return StoreUnusable(
        f"The {form.name} {path} is damaged ({what}); it was set aside as {aside.name}, nothing in it was changed."
        + form.afterwards
    )


def _failure(path: Path, error: apsw.Error) -> StoreError:
    if isinstance(error, apsw.FullError):
        why = "the disk is full, or the store has reached store.size_max_mib: make room"
    elif isinstance(error, apsw.ReadOnlyError | apsw.PermissionsError):
        why = "it may not be written: check its owner and mode, and whether the disk is mounted read-only"
    elif isinstance(error, apsw.BusyError | apsw.LockedError):
        why = "another process uses it: stop that one"
    elif isinstance(error, apsw.CorruptError | apsw.NotADBError):
        why = f"it is damaged ({error}): restart, and it is set aside"
    else:
        why = f"{error}: check the disk"
    return StoreError(f"{path} keeps nothing new: {why}.")

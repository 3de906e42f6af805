"""What survives a crash: rows of bytes in SQLite, durable once `commit` returns.

In come `Keep` and `Forget`. Out go rows, and errors in one sentence each. Knows nothing of what rows mean.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from p2p_sos.core.actions import Forget, Keep
from p2p_sos.core.tables import Table
from p2p_sos.drivers.database import Database, Format, Statement, StoreError, StoreUnusable

__all__ = ["NODE_FORMAT", "NodeStore", "Rows", "Store", "StoreError", "StoreUnusable"]

Rows = tuple[tuple[bytes, bytes], ...]
HELD_BY_OTHERS = (Table.CELL, Table.TOMBSTONE)

NODE_FORMAT = Format(
    name="node store",
    application=0x65736F73,  # "esos"
    version=1,
    schema=(
        *(f'CREATE TABLE "{table.value}" (k BLOB PRIMARY KEY, v BLOB NOT NULL)' for table in Table),
        "CREATE TABLE note (k TEXT PRIMARY KEY, v BLOB NOT NULL)",
    ),
)
_KEEP = {
    table: f'INSERT INTO "{table.value}" VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v'  # noqa: S608 (names are ours)
    for table in Table
}
_FORGET = {table: f'DELETE FROM "{table.value}" WHERE k = ?' for table in Table}  # noqa: S608 (names are ours)
_LOAD = {table: f'SELECT k, v FROM "{table.value}" ORDER BY k' for table in Table}  # noqa: S608 (names are ours)
_ROW = {table: f'SELECT v FROM "{table.value}" WHERE k = ?' for table in Table}  # noqa: S608 (names are ours)
_PAGE = {
    table: f'SELECT k, v FROM "{table.value}" WHERE k > ? ORDER BY k LIMIT ?'  # noqa: S608 (names are ours)
    for table in Table
}


class Store(Protocol):
    """What the runner needs of a store."""

    def load(self, table: Table) -> Rows:
        """All rows of a table, ordered by key."""
        ...

    async def commit(self, changes: Sequence[Keep | Forget]) -> None:
        """Write all changes or none; durable on return. Raises `StoreError`."""
        ...

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        ...


class NodeStore:
    """A node's store: `node.db`. Raises `StoreUnusable`, `StoreError` when made."""

    def __init__(self, path: Path, *, size_max_bytes: int | None = None) -> None:
        self._database = Database.open(path, NODE_FORMAT, size_max_bytes=size_max_bytes)

    @property
    def fresh(self) -> bool:
        """Whether the file was made just now."""
        return self._database.fresh

    def load(self, table: Table) -> Rows:
        """All rows of a table, ordered by key."""
        return tuple((key, value) for key, value in self._database.read(_LOAD[table]))

    async def page(self, table: Table, after: bytes, rows_max: int) -> Rows:
        """At most `rows_max` rows whose keys are greater than `after`, ordered by key."""
        rows = await self._database.read_in_turn(_PAGE[table], (after, rows_max))
        return tuple((key, value) for key, value in rows)

    async def rows(self, table: Table, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The values of these keys, as far as they are there."""
        found: dict[bytes, bytes] = {}
        for key in keys:
            for (value,) in await self._database.read_in_turn(_ROW[table], (key,)):
                found[key] = bytes(value)
        return found

    async def commit(self, changes: Sequence[Keep | Forget]) -> None:
        """Write all changes or none; durable on return. Raises `StoreError`.

        What this node alone knows (its sequences, letters, decisions) is safe from a power cut before anything is said.
        What others hold as well, the cells it relays, is safe from the death of the process, and goes on without a wait
        for the disk at every hop.
        """
        if changes:
            alone = any(change.table not in HELD_BY_OTHERS for change in changes)
            await self._database.write([_statement(change) for change in changes], power_cut=alone)

    def note(self, name: str) -> bytes | None:
        """What the driver itself wrote under `name`."""
        rows = self._database.read("SELECT v FROM note WHERE k = ?", (name,))
        return bytes(rows[0][0]) if rows else None

    def write_note(self, name: str, value: bytes) -> None:
        """Remember something of the driver's own; durable on return. Raises `StoreError`."""
        sql = "INSERT INTO note VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v"
        self._database.write_now([(sql, (name, value))])

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._database.close()


def _statement(change: Keep | Forget) -> Statement:
    if isinstance(change, Keep):
        return _KEEP[change.table], (change.key, change.value)
    return _FORGET[change.table], (change.key,)

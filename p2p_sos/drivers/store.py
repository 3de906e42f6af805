"""What survives a crash: rows of bytes in SQLite, durable once `commit` returns.

In come `Keep` and `Forget`. Out go rows, and errors in one sentence each. Knows nothing of what rows mean.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from p2p_sos.core.actions import Forget, Keep
from p2p_sos.core.tables import Table

Rows = tuple[tuple[bytes, bytes], ...]


class StoreError(Exception):
    """The store could not keep what it was given; nothing of that batch stands. May pass (a full disk)."""


class StoreUnusable(Exception):
    """The file cannot be used: damaged (and set aside), of another format, or locked. Said in one sentence."""


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
    """A node's store: `node.db`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, table: Table) -> Rows:
        """All rows of a table, ordered by key."""
        raise NotImplementedError

    def page(self, table: Table, after: bytes, rows_max: int) -> Rows:
        """At most `rows_max` rows whose keys are greater than `after`, ordered by key."""
        raise NotImplementedError

    async def commit(self, changes: Sequence[Keep | Forget]) -> None:
        """Write all changes or none; durable on return. Raises `StoreError`."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        raise NotImplementedError

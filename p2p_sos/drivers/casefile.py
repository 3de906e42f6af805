"""The victim's case on disk: every row sealed under a key that a passphrase or a recovery code opens.

In come `Keep` and `Forget`. Out go rows. The disk shows how many rows there are and about how long, nothing else.
"""

from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from p2p_sos.core.actions import Forget, Keep
from p2p_sos.core.tables import Table
from p2p_sos.drivers.store import Rows


class WrongSecret(Exception):
    """Neither passphrase nor recovery code opens this case file."""


@frozen
class Hardness:
    """Argon2id's cost for a passphrase: passes and memory."""

    passes: int = 3
    memory_kib: int = 131072


class CaseFile:
    """A case's store: `case.db`."""

    @classmethod
    def create(
        cls, path: Path, *, passphrase: str | None, recovery_code: bool, hardness: Hardness = Hardness()
    ) -> tuple["CaseFile", str | None]:
        """Make a new file; also the recovery code, shown once, if one is wanted."""
        raise NotImplementedError

    @classmethod
    def open(cls, path: Path, secret: str) -> "CaseFile":
        """Open with a passphrase or a recovery code. Slow on purpose. Raises `WrongSecret`, `StoreUnusable`."""
        raise NotImplementedError

    def load(self, table: Table) -> Rows:
        """All rows of a table, ordered by key."""
        raise NotImplementedError

    async def commit(self, changes: Sequence[Keep | Forget]) -> None:
        """Write all changes or none; durable on return. Raises `StoreError`."""
        raise NotImplementedError

    def note(self, name: str) -> bytes | None:
        """What the driver itself wrote under `name`."""
        raise NotImplementedError

    def write_note(self, name: str, value: bytes) -> None:
        """Remember something of the driver's own, sealed; durable on return. Raises `StoreError`."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        raise NotImplementedError

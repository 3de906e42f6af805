"""The victim's case on disk: every row sealed under a key that a passphrase or a recovery code opens.

In come `Keep` and `Forget`. Out go rows. Whoever takes the disk sees how many rows there are and about how long they
are, and nothing else: not the call, not the tables, not whom the victim spoke to.

The data key is random and stands in the file once for each secret, sealed under that secret's Argon2id hash. Row
keys are hidden by keyed BLAKE2b, rows sealed by XChaCha20-Poly1305 with the hidden key as associated data.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from argon2.low_level import Type, hash_secret_raw
from attrs import define, frozen
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt as unseal,
)
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_encrypt as seal,
)
from nacl.exceptions import CryptoError

from p2p_sos.core.actions import Forget, Keep
from p2p_sos.core.tables import Table
from p2p_sos.drivers.database import Database, Format, Statement
from p2p_sos.drivers.home import Exists
from p2p_sos.drivers.recovery import CODE_BYTES, read_code, show_code
from p2p_sos.drivers.store import Rows, StoreUnusable

CASE_FORMAT = Format(
    name="case file",
    afterwards=" Put a copy of it in its place and resume, or call again.",
    application=0x65736F63,  # "esoc"
    version=1,
    schema=(
        "CREATE TABLE slot (way TEXT PRIMARY KEY, passes INTEGER, memory_kib INTEGER, salt BLOB, wrapped BLOB)",
        "CREATE TABLE row (k BLOB PRIMARY KEY, v BLOB NOT NULL)",
    ),
)
_KEEP = "INSERT INTO row VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v"
_FORGET = "DELETE FROM row WHERE k = ?"
_NOTE = "note"  # the driver's own rows, beside the tables
KEY_BYTES = 32
SALT_BYTES = 16
NONCE_BYTES = 24
PADDED_BYTES = 256  # lengths are told in steps of this
PASSES_MAX = 64  # a file may not ask for more: it could be somebody else's
MEMORY_KIB_MAX = 4 * 2**20


class WrongSecret(Exception):
    """Neither passphrase nor recovery code opens this case file. `slip`: where a recovery code was mistyped, if that shows."""

    def __init__(self, sentence: str, slip: str = "") -> None:
        super().__init__(sentence)
        self.slip = slip


@frozen
class Hardness:
    """Argon2id's cost for a passphrase: passes and memory. The default takes about half a second (measured)."""

    passes: int = 3
    memory_kib: int = 131072


PASSPHRASE_HARDNESS = Hardness()
# A recovery code has 120 random bits: nothing can be gained by guessing, so it opens at once.
CODE_HARDNESS = Hardness(passes=1, memory_kib=1024)


@define
class CaseFile:
    """A case's store: `case.db`."""

    _database: Database
    _row_key: bytes
    _name_key: bytes

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        passphrase: str | None,
        recovery_code: bool,
        hardness: Hardness = PASSPHRASE_HARDNESS,
    ) -> tuple["CaseFile", str | None]:
        """Make a new file; also the recovery code, shown once, if one is wanted.

        Slow on purpose. Raises `Exists`, `StoreError`, `StoreUnusable`.
        """
        assert passphrase or recovery_code, "a case file needs a secret"
        if path.exists():
            raise Exists(f"There is a case file {path} already.")
        data_key = os.urandom(KEY_BYTES)
        code = os.urandom(CODE_BYTES) if recovery_code else None
        slots: list[Statement] = []
        if passphrase:
            slots.append(_slot("passphrase", _phrase_bytes(passphrase), hardness, data_key))
        if code is not None:
            slots.append(_slot("recovery", code, CODE_HARDNESS, data_key))
        database = Database.open(path, CASE_FORMAT)
        database.write_now(slots)
        return cls._with(database, data_key), None if code is None else show_code(code)

    @classmethod
    def open(cls, path: Path, secret: str) -> "CaseFile":
        """Open with a passphrase or a recovery code.

        Slow on purpose. Raises `WrongSecret`, `StoreUnusable`, `StoreError`, and `FileNotFoundError`.
        """
        if not path.exists():
            raise FileNotFoundError(str(path))
        database = Database.open(path, CASE_FORMAT)
        try:
            data_key = _unlock(database, path, secret)
        except (WrongSecret, StoreUnusable):
            database.close()
            raise
        return cls._with(database, data_key)

    @classmethod
    def _with(cls, database: Database, data_key: bytes) -> "CaseFile":
        return cls(database, _subkey(data_key, b"esos-case-row"), _subkey(data_key, b"esos-case-name"))

    def load(self, table: Table) -> Rows:
        """All rows of a table, ordered by key. Raises `StoreError`; `StoreUnusable` for a row that was tampered with."""
        return self._load(table.value)

    async def commit(self, changes: Sequence[Keep | Forget]) -> None:
        """Write all changes or none; durable on return. Raises `StoreError`."""
        if changes:
            await self._database.write([self._statement(change) for change in changes])

    def commit_now(self, changes: Sequence[Keep | Forget]) -> None:
        """The same, blocking, for whoever has no loop yet."""
        self._database.write_now([self._statement(change) for change in changes])

    def note(self, name: str) -> bytes | None:
        """What the driver itself wrote under `name`."""
        return dict(self._load(_NOTE)).get(name.encode())

    def write_note(self, name: str, value: bytes) -> None:
        """Remember something of the driver's own, sealed; durable on return. Raises `StoreError`."""
        self._database.write_now([self._sealed(_NOTE, name.encode(), value)])

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._database.close()

    def _statement(self, change: Keep | Forget) -> Statement:
        if isinstance(change, Keep):
            return self._sealed(change.table.value, change.key, change.value)
        return _FORGET, (self._hidden(change.table.value, change.key),)

    def _sealed(self, table: str, key: bytes, value: bytes) -> Statement:
        hidden, nonce = self._hidden(table, key), os.urandom(NONCE_BYTES)
        return _KEEP, (hidden, nonce + seal(_row_bytes(table, key, value), hidden, nonce, self._row_key))

    def _hidden(self, table: str, key: bytes) -> bytes:
        name = table.encode()
        return hashlib.blake2b(bytes([len(name)]) + name + key, digest_size=32, key=self._name_key).digest()

    def _load(self, table: str) -> Rows:
        rows = []
        for hidden, sealed in self._database.read("SELECT k, v FROM row"):
            try:
                plain = unseal(sealed[NONCE_BYTES:], hidden, sealed[:NONCE_BYTES], self._row_key)
            except (CryptoError, ValueError) as error:
                raise StoreUnusable(
                    f"A row of the case file {self._database.path} was changed by somebody without its key: "
                    "it was left as it is; take a backup copy."
                ) from error
            found, key, value = _read_row(plain)
            if found == table:
                rows.append((key, value))
        return tuple(sorted(rows))


def _subkey(data_key: bytes, purpose: bytes) -> bytes:
    return hashlib.blake2b(digest_size=KEY_BYTES, key=data_key, person=purpose).digest()


def _row_bytes(table: str, key: bytes, value: bytes) -> bytes:
    name = table.encode()
    row = (
        bytes([len(name)]) + name + len(key).to_bytes(2, "big") + key + len(value).to_bytes(4, "big") + value
    )
    return row + bytes(-len(row) % PADDED_BYTES)


def _read_row(plain: bytes) -> tuple[str, bytes, bytes]:
    at = 1 + plain[0]
    table = plain[1:at].decode()
    end = at + 2 + int.from_bytes(plain[at : at + 2], "big")
    length = int.from_bytes(plain[end : end + 4], "big")
    return table, plain[at + 2 : end], plain[end + 4 : end + 4 + length]


def _phrase_bytes(passphrase: str) -> bytes:
    return b"passphrase " + passphrase.strip().encode()


def _slot(way: str, secret: bytes, hardness: Hardness, data_key: bytes) -> Statement:
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    wrapped = nonce + seal(data_key, way.encode(), nonce, _stretch(secret, salt, hardness))
    sql = "INSERT INTO slot VALUES (?, ?, ?, ?, ?)"
    return sql, (way, hardness.passes, hardness.memory_kib, salt, wrapped)


def _stretch(secret: bytes, salt: bytes, hardness: Hardness) -> bytes:
    return hash_secret_raw(secret, salt, hardness.passes, hardness.memory_kib, 1, KEY_BYTES, Type.ID)


def _unlock(database: Database, path: Path, secret: str) -> bytes:
    slots = {
        row[0]: row[1:] for row in database.read("SELECT way, passes, memory_kib, salt, wrapped FROM slot")
    }
    if not slots:
        raise StoreUnusable(f"The case file {path} was never finished, and nothing was sent: move it away.")
    code = read_code(secret)
    tries: list[tuple[str, bytes]] = []
    if isinstance(code, bytes):
        tries.append(("recovery", code))
    tries.append(("passphrase", _phrase_bytes(secret)))
    for way, candidate in tries:
        if way in slots and (data_key := _open_slot(path, way, candidate, slots[way])) is not None:
            return data_key
    if "passphrase" not in slots and isinstance(code, str):
        raise WrongSecret(f"{code} This case opens with its recovery code alone.", code)
    either = " or ".join(
        {"passphrase": "passphrase", "recovery": "recovery code"}[way] for way in sorted(slots)
    )
    slip = code if isinstance(code, str) and code.startswith("There is a slip") else ""
    told = f"This is not the {either} of the case {path.parent.name}: nothing was opened, try again. {slip}"
    raise WrongSecret(told.rstrip(), slip)


def _open_slot(path: Path, way: str, secret: bytes, slot: tuple[int, int, bytes, bytes]) -> bytes | None:
    passes, memory_kib, salt, wrapped = slot
    if not (0 < passes <= PASSES_MAX and 8 <= memory_kib <= MEMORY_KIB_MAX):
        raise StoreUnusable(
            f"The case file {path} asks for {memory_kib} KiB and {passes} passes: none of ours does."
        )
    key = _stretch(secret, salt, Hardness(passes, memory_kib))
    try:
        return bytes(unseal(wrapped[NONCE_BYTES:], way.encode(), wrapped[:NONCE_BYTES], key))
    except CryptoError:
        return None

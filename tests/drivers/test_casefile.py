"""A case file opens with its secret alone, and shows nothing else of the case."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_sos.core.actions import Forget, Keep
from p2p_sos.core.tables import Table
from p2p_sos.drivers.casefile import CaseFile, Hardness, WrongSecret
from p2p_sos.drivers.home import Exists
from p2p_sos.drivers.recovery import CODE_BYTES, read_code, show_code
from p2p_sos.drivers.store import NodeStore, StoreUnusable

LIGHT = Hardness(passes=1, memory_kib=8)
SECRETS = (b"the attacker took everything", b"victim-signing-key-seed-32-bytes", b"session/row/key")
ROWS = [Keep(Table.SESSION, SECRETS[2], SECRETS[0]), Keep(Table.CASE, b"key", SECRETS[1])]


def created(
    path: Path, passphrase: str | None = "correct horse", code: bool = True
) -> tuple[CaseFile, str | None]:
    return CaseFile.create(path, passphrase=passphrase, recovery_code=code, hardness=LIGHT)


def raw(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


@pytest.mark.trio
async def test_both_secrets_open_it(tmp_path: Path) -> None:
    """The passphrase and the recovery code, in any spelling, each open the same rows."""
    file, code = created(tmp_path / "case.db")
    assert code is not None
    await file.commit([*ROWS, Keep(Table.CASE, b"gone", b"x"), Forget(Table.CASE, b"gone")])
    file.write_note("network", b"laboratory")
    file.close()
    for secret in (
        "correct horse",
        " correct horse\n",
        code,
        code.lower().replace("-", " "),
        code.replace("0", "O"),
    ):
        file = CaseFile.open(tmp_path / "case.db", secret)
        assert file.load(Table.CASE) == ((b"key", SECRETS[1]),)
        assert file.load(Table.SESSION) == ((SECRETS[2], SECRETS[0]),)
        assert file.load(Table.CELL) == ()
        assert file.note("network") == b"laboratory"
        assert file.note("other") is None
        file.close()


@pytest.mark.parametrize("secret", ["", "correct hors", "wrong", "AAAAA-AAAAA"])
def test_a_wrong_secret_is_one_clear_error(tmp_path: Path, secret: str) -> None:
    """Whatever was typed: one sentence, and the file is as it was."""
    path = tmp_path / "ab12" / "case.db"
    file, _ = created(path)
    file.close()
    before = path.read_bytes()
    with pytest.raises(WrongSecret, match="not the passphrase or recovery code of the case ab12"):
        CaseFile.open(path, secret)
    assert path.read_bytes() == before


def test_a_slip_in_a_code_is_found(tmp_path: Path) -> None:
    """When a recovery code alone opens the case, a typing error is told with its group."""
    file, code = created(tmp_path / "case.db", passphrase=None)
    file.close()
    assert code is not None
    wrong = ("X" if code[7] != "X" else "Y").join([code[:7], code[8:]])
    with pytest.raises(WrongSecret, match="slip in group 2"):
        CaseFile.open(tmp_path / "case.db", wrong)


def test_another_code_does_not_open_it(tmp_path: Path) -> None:
    """A well-formed code of another case opens nothing."""
    file, _ = created(tmp_path / "case.db", passphrase=None)
    file.close()
    with pytest.raises(WrongSecret):
        CaseFile.open(tmp_path / "case.db", show_code(bytes(CODE_BYTES)))


@pytest.mark.trio
async def test_nothing_stands_in_plain_on_disk(tmp_path: Path) -> None:
    """Neither values, keys, table names nor secrets are in any byte of the file or its log, open or closed.

    Control: the same rows in a plain store are found by the same search.
    """
    file, code = created(tmp_path / "sealed" / "case.db")
    assert code is not None
    await file.commit(ROWS)
    file.write_note("network", b"a note of the driver")
    wanted = (
        *SECRETS,
        b"session",
        b"a note of the driver",
        b"correct horse",
        code.encode(),
        code[:11].encode(),
    )
    assert (tmp_path / "sealed" / "case.db-wal").stat().st_size > 0
    for _ in ("open", "closed"):
        assert [secret for secret in wanted if secret in raw(tmp_path / "sealed")] == []
        file.close()
    plain = NodeStore(tmp_path / "plain" / "node.db")
    await plain.commit(ROWS)
    assert all(secret in raw(tmp_path / "plain") for secret in SECRETS)
    plain.close()


@pytest.mark.trio
async def test_lengths_are_told_in_steps(tmp_path: Path) -> None:
    """Two letters of nearly one length look alike, and equal rows are sealed differently."""
    file, _ = created(tmp_path / "case.db")
    await file.commit([Keep(Table.SESSION, bytes([n]), b"x" * (100 + n)) for n in range(20)])
    sealed = [row[1] for row in file._database.read("SELECT k, v FROM row")]
    assert len({len(value) for value in sealed}) == 1
    assert len(set(sealed)) == 20
    file.close()


@pytest.mark.trio
async def test_a_changed_or_moved_row_is_noticed(tmp_path: Path) -> None:
    """A row that was changed, or put in another's place, is refused by name; nothing false is ever read."""
    file, _ = created(tmp_path / "case.db")
    await file.commit([Keep(Table.CASE, b"a", b"one"), Keep(Table.CASE, b"b", b"two")])
    first, second = file._database.read("SELECT k, v FROM row ORDER BY k")
    file._database.write_now([("UPDATE row SET v = ? WHERE k = ?", (second[1], first[0]))])
    with pytest.raises(StoreUnusable, match="changed by somebody"):
        file.load(Table.CASE)
    file.close()


def test_a_file_that_asks_for_too_much_is_refused(tmp_path: Path) -> None:
    """Argon2's cost stands in the file, and a file cannot use it to stop the machine."""
    file, _ = created(tmp_path / "case.db")
    file._database.write_now([("UPDATE slot SET memory_kib = 1000000000", ())])
    file.close()
    with pytest.raises(StoreUnusable, match="none of ours"):
        CaseFile.open(tmp_path / "case.db", "correct horse")


def test_it_is_made_once_and_missing_is_said(tmp_path: Path) -> None:
    """A case file is never made over another; a node's store is none."""
    file, _ = created(tmp_path / "case.db")
    file.close()
    with pytest.raises(Exists):
        created(tmp_path / "case.db")
    with pytest.raises(FileNotFoundError):
        CaseFile.open(tmp_path / "none.db", "x")
    NodeStore(tmp_path / "node.db").close()
    with pytest.raises(StoreUnusable, match="no case file of ours"):
        CaseFile.open(tmp_path / "node.db", "x")


def test_a_damaged_case_is_set_aside(tmp_path: Path) -> None:
    """Damage is named and the bytes stay."""
    (tmp_path / "case.db").write_bytes(b"garbage" * 1000)
    with pytest.raises(StoreUnusable, match="set aside"):
        CaseFile.open(tmp_path / "case.db", "x")
    assert (tmp_path / "case.db.damaged-1").read_bytes() == b"garbage" * 1000


@given(st.binary(min_size=CODE_BYTES, max_size=CODE_BYTES))
def test_codes_come_back(secret: bytes) -> None:
    """A code is read in capitals or small letters, with or without hyphens, and with look-alikes."""
    code = show_code(secret)
    assert len(code.split("-")) == 6
    for spelled in (code, code.lower(), code.replace("-", ""), code.replace("0", "o").replace("1", "l")):
        assert read_code(spelled) == secret


def test_every_single_slip_is_noticed() -> None:
    """Every wrong letter, and every swap of unequal neighbours, gives a sentence; so does a swap of groups."""
    code = show_code(os.urandom(CODE_BYTES))
    for at, letter in enumerate(code):
        if letter == "-":
            continue
        for other in "0123456789ABCDEFGHJKMNPQRSTVWXYZ":
            if other != letter:
                assert isinstance(read_code(code[:at] + other + code[at + 1 :]), str)
        after = code[at + 1 : at + 2]
        if after not in {"", "-", letter}:
            assert isinstance(read_code(code[:at] + after + letter + code[at + 2 :]), str)
    groups = show_code(bytes(range(CODE_BYTES))).split("-")
    groups[0], groups[1] = groups[1], groups[0]
    assert "group 1" in str(read_code("-".join(groups)))
    assert "sign" in str(read_code("U" * 30))
    assert "3 in all" in str(read_code("ABC"))


def test_a_damaged_case_file_names_the_copy(tmp_path: Path) -> None:
    """Nobody is told to start again with an empty case: a copy, or a new call."""
    (tmp_path / "case.db").write_bytes(b"\x07" * 4000)
    with pytest.raises(StoreUnusable, match="Put a copy of it in its place") as caught:
        CaseFile.open(tmp_path / "case.db", "secret")
    assert "empty one" not in str(caught.value)
    assert (tmp_path / "case.db.damaged-1").read_bytes() == b"\x07" * 4000

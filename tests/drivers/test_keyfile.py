"""A key file is written once, read only when whole and private, and never overwritten."""

from pathlib import Path

import pytest

from p2p_sos.drivers.home import Exists, Home
from p2p_sos.drivers.identity import NOTE, SIGNING, host_public, host_seed, responder_seed
from p2p_sos.drivers.keyfile import KeyFileError, read_key, write_key
from p2p_sos.drivers.store import NodeStore
from p2p_sos.wire.keys import SigningKey

SEEDS = {"signing": bytes(range(32)), "exchange": bytes(range(32, 64))}
NAMES = ("signing", "exchange")


def test_seeds_come_back(tmp_path: Path) -> None:
    """What was written is read; the file is private; no file is None."""
    path = tmp_path / "responder.key"
    assert read_key(path, "responder", NAMES) is None
    write_key(path, "responder", SEEDS)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_key(path, "responder", NAMES) == SEEDS


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    """Writing where a key is refuses."""
    path = tmp_path / "k"
    write_key(path, "responder", SEEDS)
    with pytest.raises(Exists):
        write_key(path, "responder", {"signing": bytes(32)})
    assert read_key(path, "responder", NAMES) == SEEDS


@pytest.mark.parametrize("at", [0, 10, 40, 100, 150, -3])
def test_every_changed_letter_is_noticed(tmp_path: Path, at: int) -> None:
    """One wrong letter anywhere sets the file aside, unchanged, with a sentence; the next read finds none."""
    path = tmp_path / "responder.key"
    write_key(path, "responder", SEEDS)
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(KeyFileError, match=r"is damaged .* set aside as responder\.key\.damaged-1"):
        read_key(path, "responder", NAMES)
    assert (tmp_path / "responder.key.damaged-1").read_bytes() == content
    assert read_key(path, "responder", NAMES) is None


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"check \n", b"hello\n" * 9])
def test_garbage_is_named(tmp_path: Path, content: bytes) -> None:
    """Any bytes give a sentence, never another exception."""
    path = tmp_path / "k"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="damaged"):
        read_key(path, "responder", NAMES)


def test_another_kind_is_refused(tmp_path: Path) -> None:
    """A host's key is no responder's."""
    path = tmp_path / "k"
    write_key(path, "host", {"signing": bytes(32)})
    with pytest.raises(KeyFileError, match="begins with"):
        read_key(path, "responder", NAMES)


def test_an_open_key_is_refused_and_left(tmp_path: Path) -> None:
    """A key that others may read is not used; the sentence names the command."""
    path = tmp_path / "k"
    write_key(path, "responder", SEEDS)
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        read_key(path, "responder", NAMES)
    assert path.exists()


def test_a_host_keeps_its_seed(tmp_path: Path) -> None:
    """A restart is the same host."""
    home = Home(tmp_path)
    home.create()
    assert host_seed(home) == host_seed(home)


def test_a_responder_stays_with_its_log(tmp_path: Path) -> None:
    """The responder's key serves as long as its store does; a new store gets a new key, the old one stays on disk."""
    home, remarks = Home(tmp_path), list[str]()
    home.create()
    store = NodeStore(home.store_path)
    first = responder_seed(home, store, remarks.append)
    assert responder_seed(home, store, remarks.append) == first
    assert remarks == []
    store.close()
    home.store_path.rename(tmp_path / "lost")
    store = NodeStore(home.store_path)
    second = responder_seed(home, store, remarks.append)
    store.close()
    assert second != first
    assert "retired-1" in remarks[0]
    retired = home.responder_key_path.with_name("responder.key.retired-1")
    assert read_key(retired, "responder", (SIGNING,)) == {SIGNING: first}


def test_a_key_of_an_earlier_version_is_read_and_left_alone(tmp_path: Path) -> None:
    """Its second seed was never used: the responder stays who it is, and not a byte of the file changes."""
    home, remarks, signing = Home(tmp_path), list[str](), bytes([7]) * 32
    home.create()
    write_key(home.responder_key_path, "responder", {SIGNING: signing, "exchange": bytes(32)})
    before = home.responder_key_path.read_bytes()
    store = NodeStore(home.store_path)
    store.write_note(NOTE, SigningKey(signing).public)
    assert responder_seed(home, store, remarks.append) == signing
    store.close()
    assert remarks == []
    assert home.responder_key_path.read_bytes() == before
    with pytest.raises(KeyFileError, match="it holds"):  # control: any other name is damage
        read_key(home.responder_key_path, "responder", (SIGNING,), ("another",))


def test_who_a_host_is_can_be_asked_without_touching_it(tmp_path: Path) -> None:
    """The public key of a sound file; none where there is no file or a damaged one, which stays as it is."""
    home = Home(tmp_path)
    home.create()
    assert host_public(home) is None
    assert not home.host_key_path.exists()
    seed = host_seed(home)
    assert host_public(home) == SigningKey(seed).public
    home.host_key_path.write_text("garbage")
    assert host_public(home) is None
    assert home.host_key_path.read_text() == "garbage"

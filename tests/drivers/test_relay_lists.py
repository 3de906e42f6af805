"""A published list of relays: which of its lines count, which hosts it may name, and that what is kept is kept whole."""

import random
from pathlib import Path

import pytest

from p2p_sos.drivers.addresses import is_private, parse_bootstrap
from p2p_sos.drivers.relay_lists import (
    ADDRESSES_MAX,
    OLD_S,
    KeptList,
    ListsDamaged,
    Published,
    keep_lists,
    load_lists,
    read_list,
    with_list,
)

KEYS = (
    "12D3KooWKhoRBoZCmcNE7FnCAqJdEKBhhRXNgMSRP4kXobYzv4Vg",
    "12D3KooWCoTqyyBdth6UYTpf3MXu5TMRNoYGgxP97Z8JYPyUBFtu",
)
ONE, OTHER = (f"/dns4/relay{n}.example/tcp/4767/p2p/{key}" for n, key in enumerate(KEYS, 1))
LOCAL = f"/ip4/127.0.0.1/tcp/4767/p2p/{KEYS[0]}"


def texts(published: Published) -> list[str]:
    return [str(address) for address in published.good]


def kept(source: str, *addresses: str, unix_s: float = 1.0) -> KeptList:
    return KeptList(source, unix_s, read_list("\n".join(addresses).encode(), private=True).good)


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE}\n{OTHER}\n",
        f"{ONE}\n{OTHER}",
        f"\ufeff# relays of the federation\r\n\r\n  {ONE}\t# in Vienna\r\n{OTHER} #\r\n",
        f"#{LOCAL}\n{ONE}\n{ONE}\n{OTHER}\n{ONE}\n",
        f"{ONE}\n{OTHER.replace('/p2p/', '/ipfs/')}\n",
    ],
)
def test_a_list_is_read(text: str) -> None:
    """An address a line; comments, blanks, either line end, a byte order mark and doubles do not matter."""
    assert read_list(text.encode(), private=False) == Published(
        tuple(read_list(f"{ONE}\n{OTHER}".encode(), private=False).good)
    )
    assert texts(read_list(text.encode(), private=False)) == [ONE, OTHER]


@pytest.mark.parametrize(
    "wrong",
    [
        b"nonsense",
        ONE.rpartition("/p2p/")[0].encode(),  # nobody could tell the relay from an impostor
        ONE[:-1].encode(),
        b"/ip4/300.1.1.1/tcp/1/p2p/" + KEYS[0].encode(),
        f"/dns4/relay 1.example/tcp/1/p2p/{KEYS[0]}".encode(),
        f"/dns4/relay\x1b[31m.example/tcp/1/p2p/{KEYS[0]}".encode(),
        f"{ONE} {OTHER}".encode(),
        b"\xff\xfe\x00",
        b"/" * 60000,
    ],
)
def test_a_broken_line_is_told_by_its_number_and_the_others_count(wrong: bytes) -> None:
    """One sentence for each broken line, which steers no terminal; the good lines around it are taken."""
    published = read_list(f"# list\n{ONE}\n".encode() + wrong + f"\n{OTHER}\n".encode(), private=False)
    assert texts(published) == [ONE, OTHER]
    (fault,) = published.wrong
    assert fault.number == 3
    assert fault.sentence.isprintable()
    assert len(fault.sentence) < 700


def test_no_bytes_make_it_fail() -> None:
    """Whatever somebody publishes, a `Published` comes of it, of no more addresses than are allowed."""
    source = random.Random(1)
    for number in range(300):
        content = bytearray(f"{ONE}\n{OTHER}\n".encode() * (number % 5))
        for _ in range(number % 7):
            content[source.randrange(len(content) + 1) :][:1] = source.randbytes(1)
            content.insert(source.randrange(len(content) + 1), source.randrange(256))
        assert len(read_list(bytes(content), private=False).good) <= ADDRESSES_MAX


def test_the_first_256_are_taken_and_the_others_counted() -> None:
    """A bound that every reader draws alike; a double is none too many."""
    many = [f"/dns4/relay{number}.example/tcp/1/p2p/{KEYS[0]}" for number in range(ADDRESSES_MAX + 3)]
    published = read_list("\n".join([*many, many[0]]).encode(), private=False)
    assert texts(published) == many[:ADDRESSES_MAX]
    assert published.beyond == 3


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("192.168.1.1", True),
        ("169.254.1.1", True),
        ("100.64.0.1", True),
        ("0.0.0.0", True),
        ("224.0.0.1", True),
        ("::1", True),
        ("fe80::1", True),
        ("fd00::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("LocalHost.", True),
        ("a.localhost", True),
        ("router", True),
        ("nas.local", True),
        ("127.1", True),  # addresses, to the resolver
        ("2130706433", True),
        ("a.0x7f000001", True),
        ("9.9.9.9", False),
        ("2620:fe::fe", False),
        ("relay.example", False),
        ("a1.b2", False),
        ("localhost.example", False),
    ],
)
def test_a_list_from_elsewhere_names_no_machine_of_ours(host: str, private: bool) -> None:
    """Loopback, private networks, and names that mean them, in every spelling; and, the control, no others."""
    assert is_private(host) is private
    family = "ip6" if ":" in host else "ip4" if host.count(".") == 3 and host[0].isdigit() else "dns4"
    line = f"/{family}/{host}/tcp/1/p2p/{KEYS[0]}"
    assert not isinstance(parse_bootstrap(line), str)
    assert texts(read_list(line.encode(), private=True)) == [line]
    assert texts(read_list(line.encode(), private=False)) == ([] if private else [line])


# ------------------------------------------------------------------------- the file


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    """A private file, whole: what one source gave is replaced in its place, the others stay; without any it is gone."""
    path = tmp_path / "relays.json"
    assert load_lists(path) == ()
    first, second = kept("https://a.example/", ONE), kept("-", OTHER)
    keep_lists(path, [first, second])
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_lists(path) == (first, second)
    newer = kept("https://a.example/", OTHER, LOCAL, unix_s=2.5)
    keep_lists(path, with_list(load_lists(path), newer))
    assert load_lists(path) == (newer, second)
    assert with_list([second], first) == (second, first)
    keep_lists(path, [])
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_the_old_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk refuses at the last moment: what was kept is still there, as it was."""
    path = tmp_path / "relays.json"
    keep_lists(path, [kept("-", ONE)])
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("p2p_sos.drivers.home.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        keep_lists(path, [kept("-", OTHER)])
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"lists": 3}',
        '{"lists": [{"source": "-", "fetched_unix_s": 1}]}',
        '{"lists": [{"source": "-", "fetched_unix_s": "x", "relays": []}]}',
        '{"lists": [{"source": "-", "fetched_unix_s": 1, "relays": ["nonsense"]}]}',
        "[" * 100000,
        '{"lists": [' + " " * 2**21 + "]}",
    ],
)
def test_a_damaged_file_is_told(tmp_path: Path, content: str) -> None:
    """Whatever stands there instead, one sentence; no address of it is used."""
    path = tmp_path / "relays.json"
    path.write_text(content)
    with pytest.raises(ListsDamaged, match="damaged"):
        load_lists(path)


def test_a_list_is_old_after_a_month() -> None:
    """A month to the second; a clock that went back makes nothing old."""
    one = kept("-", ONE, unix_s=1000.0)
    assert not one.is_old(1000.0 + OLD_S)
    assert one.is_old(1001.0 + OLD_S)
    assert not one.is_old(0.0)

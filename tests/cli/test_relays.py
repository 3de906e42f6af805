"""`sos relays`: what is kept for calls, what a list brings in, what it may not, and that a call uses it."""

import io
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from p2p_sos.drivers.home import Lock
from p2p_sos.drivers.relay_lists import ADDRESSES_MAX, LIST_BYTES_MAX, SOURCES_MAX
from tests.cli.conftest import Sos
from tests.cli.lists import MANY, settle
from tests.drivers.p2p.proxy import Proxy
from tests.drivers.test_relay_lists import KEYS, LOCAL, ONE, OTHER
from tests.drivers.web import Web, moved, page

NAME = "lists.example"  # known to the proxy alone


@contextmanager
def served(*served_by: Any) -> Iterator[None]:
    """Servers of the tests' own, in a thread, as long as the context lasts."""
    ready, ends, scope = threading.Event(), list[trio.lowlevel.TrioToken](), trio.CancelScope()

    async def serve() -> None:
        ends.append(trio.lowlevel.current_trio_token())
        with scope:
            async with trio.open_nursery() as nursery:
                for one in served_by:
                    await nursery.start(one.serve)
                ready.set()
                await trio.sleep_forever()

    thread = threading.Thread(target=trio.run, args=(serve,))
    thread.start()
    assert ready.wait(60)
    try:
        yield
    finally:
        ends[0].run_sync_soon(scope.cancel)
        thread.join()


@contextmanager
def web(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, bytes], **how: Any
) -> Iterator[tuple[Web, Proxy]]:
    """A server, and a proxy that finds it by name, which SOS_SOCKS names."""
    server, proxy = Web(answers, **how), Proxy()
    with served(server, proxy):
        proxy.names = {NAME: ("127.0.0.1", server.port)}
        monkeypatch.setenv("SOS_SOCKS", f"127.0.0.1:{proxy.port}")
        yield server, proxy


# ------------------------------------------------------------------------- a list comes in


def test_a_list_from_a_file_is_kept_and_shown(sos: Sos, home: Path, published: Path) -> None:
    """The good lines are kept, the broken one is told by its number; each address is shown with its source and day."""
    said = sos("relays", "fetch", str(published))
    assert (said.exit, said.err) == (0, "")
    assert "line 3: 'nonsense'" in said.out
    assert "2 addresses" in said.out
    path = home / "relays.json"
    assert path.stat().st_mode & 0o777 == 0o600
    shown = sos("relays").out
    assert f"from {published}, fetched {time.strftime('%Y-%m-%d')}\n  {ONE}\n  {OTHER}\n" in shown
    told = sos("relays", "--json").objects[0]
    assert [(one["address"], one["from"], one["used_by_node"]) for one in told["relays"]] == [
        (ONE, [str(published)], False),
        (OTHER, [str(published)], False),
    ]
    assert (told["peers"], told["networks"]) == (2, 2)
    assert [(one["source"], one["relays"], one["old"]) for one in told["lists"]] == [
        (str(published), 2, False)
    ]


def test_nothing_kept_is_said(sos: Sos, home: Path) -> None:
    """No list, no settings: a sentence and the next step, no error, and no home is made."""
    home.rmdir()
    said = sos("relays")
    assert (said.exit, said.err) == (0, "")
    assert "No relay is kept" in said.out
    assert "sos relays fetch SOURCE" in said.out
    assert sos("relays", "--json").objects[0]["relays"] == []
    assert not home.exists()


def test_a_new_list_replaces_what_the_same_source_gave(sos: Sos, published: Path, tmp_path: Path) -> None:
    """And nothing else; how many came and went is told."""
    other = tmp_path / "other.txt"
    other.write_text(LOCAL)
    sos("relays", "fetch", str(published))
    sos("relays", "fetch", str(other))
    published.write_text(OTHER + "\n" + MANY[0])
    told = sos("relays", "fetch", str(published), "--json").objects[0]
    assert (told["new"], told["gone"], told["wrong"], told["via"]) == (1, 1, [], "file")
    shown = sos("relays", "--json").objects[0]
    assert [one["address"] for one in shown["relays"]] == [OTHER, MANY[0], LOCAL]


def test_standard_input_is_a_source(sos: Sos, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list can be pasted."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{ONE}\n".encode())))
    assert sos("relays", "fetch", "-").exit == 0
    assert "from standard input, fetched" in sos("relays").out


def test_a_url_is_asked_through_the_port(sos: Sos, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name goes to the proxy as a name; http is told of, since anybody on the line could have written the list."""
    with web(monkeypatch, {"/relays.txt": page(ONE.encode())}) as (server, proxy):
        url = f"http://{NAME}:{server.port}/relays.txt"
        told = sos("relays", "fetch", url, "--json").objects[0]
        assert (told["via"], told["relays"], told["fetched"]) == ("socks", [ONE], url)
        assert "It came by http" in told["warnings"][0]
        assert [(one.kind, one.host) for one in proxy.asked] == [(3, NAME)]
        assert sos("relays", "forget", url).exit == 0


def test_consent_asks_in_the_open(sos: Sos, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a port 77 and nothing asked; with the word of a person it is asked directly, even beside a port."""
    with web(monkeypatch, {"/": page(ONE.encode())}) as (server, proxy):
        url = f"http://127.0.0.1:{server.port}/"
        assert sos("relays", "fetch", url, "--in-the-open", "--json").objects[0]["via"] == "open"
        assert proxy.accepted == 0
        monkeypatch.setenv("SOS_SOCKS", "127.0.0.1:9")
        said = sos("relays", "fetch", url)
        assert said.exit == 77
        assert said.err.rstrip().endswith(f"sos relays fetch {url} --in-the-open")
        assert len(server.asked) == 1


def test_an_onion_name_is_never_asked_in_the_open(sos: Sos, monkeypatch: pytest.MonkeyPatch) -> None:
    """To look it up would tell; through the port it is asked, and http is good enough there."""
    name = "a" * 56 + ".onion"
    with web(monkeypatch, {"/": page(ONE.encode())}) as (server, proxy):
        url = f"http://{name}:{server.port}/"
        proxy.names = {name: ("127.0.0.1", server.port)}
        assert sos("relays", "fetch", url, "--json").objects[0]["warnings"] == []
        said = sos("relays", "fetch", url, "--in-the-open")
        assert (said.exit, len(server.asked)) == (77, 1)
        monkeypatch.setenv("SOS_SOCKS", "127.0.0.1:9")
        assert "--in-the-open" not in sos("relays", "fetch", url).err


def test_a_list_from_elsewhere_names_no_machine_of_ours(sos: Sos, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """By a public name, loopback counts as a broken line; by a private host or a file it is a laboratory's."""
    with web(monkeypatch, {"/": page(f"{LOCAL}\n{ONE}\n".encode())}) as (server, _):
        far = sos("relays", "fetch", f"http://{NAME}:{server.port}/", "--json").objects[0]
        near = sos("relays", "fetch", f"http://127.0.0.1:{server.port}/", "--json").objects[0]
    assert (far["relays"], [one["line"] for one in far["wrong"]]) == ([ONE], [1])
    assert (near["relays"], near["wrong"]) == ([LOCAL, ONE], [])


# ------------------------------------------------------------------------- what changes nothing


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no-relays"),
        (b"<html><body>Not here</body></html>\n", "no-relays"),
        (ONE.encode() + b"\n" + b"#" * LIST_BYTES_MAX, "not-fetched"),
    ],
)
def test_a_list_without_a_good_line_changes_nothing(sos: Sos, home: Path, published: Path, content: bytes, code: str) -> None:  # fmt: skip
    """Empty, another page, or too long: one sentence, exit 1, and what was kept stays byte by byte."""
    sos("relays", "fetch", str(published))
    before = (home / "relays.json").read_bytes()
    published.write_bytes(content)
    said = sos("relays", "fetch", str(published))
    assert (said.exit, said.out) == (1, "")
    assert "stay as they were" in said.err
    assert sos("relays", "fetch", str(published), "--json").objects[-1]["code"] == code
    assert (home / "relays.json").read_bytes() == before


@pytest.mark.parametrize(
    "answer", [page(b"x" * LIST_BYTES_MAX + b"y"), moved("https://lists.example/"), page(ONE.encode())[:-1]]
)
def test_a_fetch_that_fails_changes_nothing(sos: Sos, home: Path, answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Too long, sent elsewhere from http, cut short: exit 1, and what this source gave before stays."""
    with web(monkeypatch, {"/": page(ONE.encode())}) as (server, _):
        url = f"http://{NAME}:{server.port}/"
        assert sos("relays", "fetch", url).exit == 0
        before = (home / "relays.json").read_bytes()
        server.answers = {"/": answer}
        said = sos("relays", "fetch", url)
        assert (said.exit, (home / "relays.json").read_bytes()) == (1, before)
        assert "Nothing was tried by any other way." in said.err
        assert sos("relays", "fetch", url, "--json").objects[-1]["code"] == "not-fetched"


def test_patience_ends(sos: Sos, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that never ends its answer is left."""
    with web(monkeypatch, {"/": page(ONE.encode())[:-1]}, ends=False) as (server, _):
        said = sos("relays", "fetch", f"http://{NAME}:{server.port}/", "--patience", "0.3")
    assert said.exit == 1
    assert "within 0.3 s" in said.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("relays", "fetch"), 2),
        (("relays", "fetch", "ftp://cert.example/x"), 2),
        (("relays", "fetch", "https://me:secret@cert.example/x"), 2),
        (("relays", "fetch", "https://cert.example/\x1b[31m"), 2),
        (("relays", "fetch", "no-such-file"), 66),
        (("relays", "fetch", "."), 74),
        (("relays", "fetch", "-", "--patience", "0"), 2),
        (("relays", "forget", "x", "--all"), 2),
        (("relays", "forget"), 66),
        (("relays", "forget", "--all"), 66),
        (("relays", "https://cert.example/x"), 2),
    ],
)
def test_bad_input_is_one_sentence(sos: Sos, words: tuple[str, ...], code: int) -> None:
    """With its stable exit code, on standard error, or as one object; a password is not repeated."""
    said = sos(*words)
    assert (said.exit, said.out) == (code, "")
    assert said.err.startswith("sos: ")
    assert said.err.count("\n") == 1
    assert "secret" not in said.err
    assert said.err.strip().isprintable()
    assert sos("--json", *words).objects[-1]["exit"] == code


def test_two_at_once_do_not_overwrite_each_other(sos: Sos, home: Path, published: Path) -> None:
    """While another process changes the lists nothing is written: 73, and it says who."""
    with Lock(home / "relays.lock", "It"):
        said = sos("relays", "fetch", str(published))
    assert said.exit == 73
    assert not (home / "relays.json").exists()
    assert sos("relays", "fetch", str(published)).exit == 0


def test_sources_are_bounded(sos: Sos, tmp_path: Path) -> None:
    """One more source is refused with the way to make room; one that is there is still replaced."""
    for number in range(SOURCES_MAX + 1):
        (tmp_path / f"{number}.txt").write_text(ONE)
        said = sos("relays", "fetch", str(tmp_path / f"{number}.txt"))
        assert said.exit == (1 if number == SOURCES_MAX else 0)
    assert "sos relays forget SOURCE" in said.err
    assert sos("relays", "fetch", str(tmp_path / "0.txt")).exit == 0


def test_addresses_are_bounded(sos: Sos, published: Path) -> None:
    """The first 256 are kept, and it is told how many were too many."""
    published.write_text(
        "".join(f"/dns4/r{n}.example/tcp/1/p2p/{KEYS[0]}\n" for n in range(ADDRESSES_MAX + 2))
    )
    told = sos("relays", "fetch", str(published), "--json").objects[0]
    assert (len(told["relays"]), told["beyond"]) == (ADDRESSES_MAX, 2)
    assert "2 addresses too many" in told["warnings"][0]


# ------------------------------------------------------------------------- forgetting


def test_a_list_is_forgotten(sos: Sos, home: Path, published: Path, tmp_path: Path) -> None:
    """The only one without a name; of several the one that is named, or all; the settings stay."""
    settle(home, relays=(MANY[0],))
    other = tmp_path / "other.txt"
    other.write_text(LOCAL)
    for path in (published, other):
        sos("relays", "fetch", str(path))
    several = sos("relays", "forget")
    assert several.exit == 2
    assert str(published) in several.err
    assert str(other) in several.err
    assert "did you mean" in sos("relays", "forget", str(other)[:-1]).err
    said = sos("relays", "forget", str(other), "--json").objects[0]["forgotten"]
    assert [one["source"] for one in said] == [str(other)]
    assert sos("relays", "forget").exit == 0
    assert not (home / "relays.json").exists()
    assert [one["address"] for one in sos("relays", "--json").objects[0]["relays"]] == [MANY[0]]
    for path in (published, other):
        sos("relays", "fetch", str(path))
    assert sos("relays", "forget", "--all").exit == 0
    assert not (home / "relays.json").exists()

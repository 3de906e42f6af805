"""By which way a call goes: what is asked for, what is there, and that nothing weaker is taken in silence."""

import shlex
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from p2p_sos.cli.way import BEYOND, DIRECT, HIDES, LATER, SHARED, SOCKS, STEM, Chosen
from p2p_sos.drivers.case_way import route_of
from p2p_sos.drivers.casefile import CaseFile
from p2p_sos.drivers.socks import SocksAddress
from tests.cli.conftest import Sos
from tests.cli.processes import Terminal
from tests.cli.stub import STATUS, Stub

KEYS = (
    "12D3KooWKhoRBoZCmcNE7FnCAqJdEKBhhRXNgMSRP4kXobYzv4Vg",
    "12D3KooWCoTqyyBdth6UYTpf3MXu5TMRNoYGgxP97Z8JYPyUBFtu",
)
HERE = [f"/ip4/127.0.0.1/tcp/9/p2p/{key}" for key in KEYS]
ONE_NETWORK = [f"/ip4/198.51.100.{number}/tcp/9/p2p/{key}" for number, key in enumerate(KEYS, 1)]
SECRET = "seven words"


@contextmanager
def socks_port(answer: bytes = b"\x05\x02") -> Iterator[str]:
    """Something that answers a greeting so, and no more."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    stream, _ = server.accept()
                except OSError:
                    return
                with stream:
                    if stream.recv(16):
                        stream.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            server.close()
            thread.join()


def through(*relays: str) -> list[str]:
    return [word for relay in relays for word in ("--bootstrap", relay)]


def kept_way(home: Path) -> str:
    """What the one case file of a home remembers."""
    (path,) = (home / "cases").glob("*/case.db")
    file = CaseFile.open(path, SECRET)
    try:
        return str(route_of(file))
    finally:
        file.close()


# ------------------------------------------------------------------------- nothing weaker in silence


@pytest.mark.parametrize(("relays", "via"), [(HERE, STEM), (HERE[:1], DIRECT), (ONE_NETWORK, DIRECT)])
def test_yes_alone_weakens_nothing(sos: Sos, home: Path, relays: list[str], via: str) -> None:
    """No SOCKS port answers: 77, nothing kept; the sentence has the very command to go on, by the strongest way there is."""
    words = ("call", "--yes", "--details", "srv1 is locked", *through(*relays))
    said = sos(*words)
    assert said.exit == 77
    assert said.err.rstrip().endswith(shlex.join(["sos", *words, "--via", via]))
    assert HIDES[via].rstrip(".") in said.err
    assert "127.0.0.1:9 " in said.err  # which port was asked
    assert sos("--json", *words).objects[-1]["code"] == "way-weaker"
    assert not (home / "cases").exists()


def test_a_port_that_answers_is_used(sos: Sos, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unasked; and the sentence names it. What answers something else is no such port."""
    with socks_port() as port:
        monkeypatch.setenv("SOS_SOCKS", port)
        said = sos("call", *through(*HERE))
        assert HIDES["socks"].format(socks=port) in said.out
        assert (said.exit, "--yes" in said.err) == (77, True)
    with socks_port(b"\x05\x00") as port:  # no user names: one circuit for all
        monkeypatch.setenv("SOS_SOCKS", port)
        assert sos("--json", "call", *through(*HERE)).objects[-1]["code"] == "way-weaker"


def test_a_way_that_cannot_be_gone_is_refused(sos: Sos, home: Path) -> None:
    """Named, and not there: 77 with the command that accepts less; the way that was typed stands in it no more."""
    said = sos("call", "--yes", "--via", "socks", *through(*HERE))
    assert said.exit == 77
    assert said.err.rstrip().endswith("--via stem")
    assert "--via socks" not in said.err
    for relays in (HERE[:1], ONE_NETWORK):
        said = sos("--json", "call", "--yes", "--via", "stem", *through(*relays))
        assert (said.exit, said.objects[-1]["code"]) == (77, "stem-refused")
        assert "--bootstrap ADDRESS" in said.objects[-1]["error"]
        assert said.objects[-1]["error"].endswith("--via direct")
    assert not (home / "cases").exists()


@pytest.mark.parametrize("via", [STEM, DIRECT])
def test_a_way_that_is_named_is_consent(sos: Sos, via: str) -> None:
    """What it hides stands above the one question that is left."""
    said = sos("call", "--via", via, *through(*HERE))
    assert HIDES[via] in said.out
    assert (said.exit, "nobody is there to say yes" in said.err) == (77, True)


def test_a_wrong_port_is_told(sos: Sos, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name would be looked up in the open: exit 2."""
    monkeypatch.setenv("SOS_SOCKS", "tor.example:9050")
    said = sos("call", *through(*HERE))
    assert (said.exit, "SOS_SOCKS" in said.err) == (2, True)


def test_each_way_says_from_whom_it_hides() -> None:
    """One sentence each; the stem never without what a process that relays for nobody must know."""
    for sentence in (*HIDES.values(), LATER):
        assert sentence.count(". ") == 0
    assert "relays for nobody" in HIDES[STEM]
    assert "with certainty" in HIDES[STEM]
    assert "all lines at once" in HIDES["socks"]


def test_a_port_beyond_this_machine_is_warned_of() -> None:
    """It is no refusal, for a gateway such as Whonix's stands there; control: a port of this machine is not warned of."""
    for host, warned in (
        ("10.152.152.10", True),
        ("2001:db8::1", True),
        ("127.0.0.1", False),
        ("::1", False),
    ):
        hides = Chosen(SOCKS, SocksAddress(host, 9050)).hides
        assert hides.startswith(HIDES[SOCKS].format(socks=SocksAddress(host, 9050)))
        assert hides.endswith(BEYOND) is warned


# ------------------------------------------------------------------------- relays


def relays_kept(sos: Sos, *words: str) -> list[str]:
    """The relays of a case that this command line keeps."""
    told = sos("--json", "call", "--yes", *words).objects
    relays: list[str] = told[0]["relays"]
    return relays


def test_a_node_that_runs_here_lends_its_relays(
    sos: Sos, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Itself first, then those that it keeps; through a proxy none that means this machine, unless somebody names it."""
    monkeypatch.setenv("SOS_PASSPHRASE", SECRET)
    node = STATUS | {
        "addresses": [HERE[0].replace("127.0.0.1", "0.0.0.0")],
        "relays": [HERE[1], ONE_NETWORK[1]],
    }
    seen_from_afar = node | {"addresses": [ONE_NETWORK[0]]}
    with Stub({"GET /status": (200, node)}).at(home / "api.sock"), socks_port() as port:
        assert relays_kept(sos, "--offline", "--out", str(home / "out")) == [*HERE, ONE_NETWORK[1]]
        monkeypatch.setenv("SOS_SOCKS", port)
        hurried = ("--foreground", "--patience", "0.2")
        assert relays_kept(sos, *hurried) == [ONE_NETWORK[1]]
        assert relays_kept(sos, *hurried, *through(*HERE)) == HERE
        said = sos("call", "--yes", *hurried)
        assert " ".join(SHARED.split()) in " ".join(said.out.split())
        said = sos("call", "--yes", *hurried, *through(*HERE))
        assert SHARED[:30] not in said.out
    with Stub({"GET /status": (200, seen_from_afar)}).at(home / "api.sock"), socks_port() as port:
        monkeypatch.setenv("SOS_SOCKS", port)
        assert relays_kept(sos, *hurried) == [ONE_NETWORK[1]], "never to the node that stands here"


# ------------------------------------------------------------------------- cases that are kept


def test_a_case_without_a_relay_is_kept_for_the_strongest_way(
    sos: Sos, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes by no way yet; once there is a relay it goes by nothing weaker unless that is named."""
    monkeypatch.setenv("SOS_PASSPHRASE", SECRET)
    said = sos("call", "--yes")
    assert said.exit == 75
    assert LATER in said.out
    assert kept_way(home) == "push"
    said = sos("case", "resume", *through(*HERE))
    assert said.exit == 77
    assert "case resume --via stem" in said.err
    assert sos("--json", "case", "resume", *through(*HERE), "--foreground").objects[-1]["code"] == "no-socks"
    said = sos("case", "resume", "--foreground", "--via", "direct", "--patience", "0.2")
    assert said.exit == 75, said
    assert kept_way(home) == "direct"
    assert (
        sos("case", "resume", "--foreground", "--patience", "0.2").exit == 75
    )  # it keeps the way that was named


@pytest.mark.parametrize("way", [("--foreground",), ()])
def test_a_case_goes_by_the_stem_only_where_it_can(
    sos: Sos, home: Path, monkeypatch: pytest.MonkeyPatch, *, way: tuple[str, ...]
) -> None:
    """One relay: 77 before it is dialled, by a way that is named or kept; what is advised can be gone. Control: two are dialled."""
    monkeypatch.setenv("SOS_PASSPHRASE", SECRET)
    said = sos("call", "--yes", "--offline", "--via", "stem", "--out", str(home / "out"))
    assert said.exit == 0, said
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        lone = f"/ip4/127.0.0.1/tcp/{server.getsockname()[1]}/p2p/{KEYS[0]}"
        for named in (("--via", "stem"), ()):
            words = ("case", "resume", "--json", "--patience", "0.2", *way, *named)
            told = sos(*words, *through(lone)).objects[-1]
            assert (told["code"], told["exit"]) == ("stem-refused", 77)
            assert told["error"].endswith("--via direct")
            assert "--via stem" not in told["error"]
        pushed = sos("case", "resume", "--json", *way, "--via", "socks", *through(lone)).objects[-1]
        assert (pushed["code"], "--via stem" in pushed["error"]) == ("no-socks", False)
        with pytest.raises(BlockingIOError):
            server.accept()
        if way:
            assert sos(*words, *through(lone, HERE[1])).exit == 75
            server.accept()[0].close()


def test_who_accepts_nothing_weaker_keeps_the_call(home: Path) -> None:
    """In a terminal: no to the weaker way, yes to keeping; nothing typed is lost and nothing was sent."""
    terminal = Terminal(home, "call", "--need", "patch", *through(*HERE), SOS_PASSPHRASE=SECRET)
    terminal.shows("all the same? [y/N]")
    terminal.types("")
    terminal.shows("Keep it")
    terminal.types("")
    assert terminal.ends() == 75
    assert "start Tor, then:" in " ".join(terminal.text.split())
    assert kept_way(home) == "push"


def test_who_accepts_it_sends(home: Path) -> None:
    """The control: a yes starts the case by the way that was shown."""
    words = ("call", "--need", "patch", *through(*HERE), "--foreground", "--patience", "0.2")
    terminal = Terminal(home, *words, SOS_PASSPHRASE=SECRET)
    terminal.shows("all the same? [y/N]")
    assert HIDES[STEM] in " ".join(terminal.text.split())
    terminal.types("y")
    assert terminal.ends() == 75
    assert kept_way(home) == "stem"


def test_relays_kept_for_a_call_go_before_those_that_the_node_uses(
    sos: Sos, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of its own is taken and nothing is warned of; control: without it the node's list is taken, and said to be shared."""
    monkeypatch.setenv("SOS_PASSPHRASE", SECRET)
    home.mkdir(exist_ok=True)
    shared = f'[node]\nbootstrap = ["{ONE_NETWORK[0]}"]\n'
    with socks_port() as port:
        monkeypatch.setenv("SOS_SOCKS", port)
        hurried = ("--foreground", "--patience", "0.2")
        for text, relays, warned in (
            (shared, [ONE_NETWORK[0]], True),
            (f'{shared}[call]\nrelays = ["{ONE_NETWORK[1]}"]\n', [ONE_NETWORK[1]], False),
        ):
            (home / "settings.toml").write_text(text)
            (home / "settings.toml").chmod(0o600)
            assert relays_kept(sos, *hurried) == relays
            said = sos("call", "--yes", *hurried)
            assert (SHARED[:30] in said.out) is warned

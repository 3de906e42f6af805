"""`sos relay` without a network: what it takes, what it refuses, and what it asks before anything is sent."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from p2p_sos.drivers.calltext import code_of
from tests.cli.conftest import Sos
from tests.cli.processes import Terminal
from tests.cli.stub import STATUS, Stub
from tests.drivers.handmade import LABORATORY, call

ADDRESS = "/ip4/127.0.0.1/tcp/9/p2p/12D3KooWKhoRBoZCmcNE7FnCAqJdEKBhhRXNgMSRP4kXobYzv4Vg"
CALL_BY_HAND = call()
CODE = code_of(CALL_BY_HAND.cell, LABORATORY.network)


@pytest.fixture
def text(tmp_path: Path) -> str:
    """A call's text in a file."""
    path = tmp_path / "call.txt"
    path.write_text(CODE)
    return str(path)


def refusal(sos: Sos, *words: str) -> tuple[int, str]:
    said = sos("--json", "relay", *words)
    return said.exit, said.objects[-1]["code"]


def test_nothing_is_brought_in_without_a_yes(sos: Sos, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is about and who sees whom stands there, and that no proxy is used where one is named; then 77."""
    monkeypatch.delenv("SOS_SOCKS", raising=False)
    said = sos("relay", text, "--bootstrap", ADDRESS)
    assert (said.exit, "--yes" in said.err) == (77, True)
    assert "expertise" in said.out
    assert "may take you for the caller" in said.out
    assert "SOS_SOCKS" not in said.out
    monkeypatch.setenv("SOS_SOCKS", "127.0.0.1:9")
    assert "SOS_SOCKS is not used here" in sos("relay", text, "--bootstrap", ADDRESS).out


def test_each_fault_of_a_file_has_its_word(sos: Sos, tmp_path: Path, text: str) -> None:
    """One sentence, one code; nobody is dialled."""
    for name, content in (
        ("broken", CODE[:-1]),
        ("over", code_of(call(ago=150).cell, LABORATORY.network)),
        ("foreign", code_of(CALL_BY_HAND.cell, bytes(32))),
    ):
        (tmp_path / name).write_text(content)
    words = ("--bootstrap", ADDRESS, "--yes")
    assert refusal(sos, str(tmp_path / "none"), *words) == (66, "no-such")
    assert refusal(sos, str(tmp_path), *words) == (74, "disk")
    assert refusal(sos, str(tmp_path / "broken"), *words) == (1, "call-broken")
    assert refusal(sos, str(tmp_path / "over"), *words) == (1, "call-over")
    assert refusal(sos, str(tmp_path / "foreign"), *words) == (1, "foreign-network")
    assert refusal(sos, text, "--yes", "--profile", "public") == (77, "public-profile")
    assert refusal(sos, text, "--yes") == (75, "no-relay")
    assert refusal(sos, text, *words, "--patience", "0.3") == (75, "no-relay")


def test_what_is_advised_can_be_typed(sos: Sos, tmp_path: Path) -> None:
    """A name with a blank is quoted; what cannot be read is answered with what to give."""
    path = tmp_path / "a call.txt"
    path.write_text(CODE)
    assert f"relay '{path}' --bootstrap" in sos("relay", str(path), "--yes").err
    said = sos("relay", str(tmp_path), "--yes", "--bootstrap", ADDRESS)
    assert "Name the file that you were given" in said.err
    said = sos("call", "--yes", "--details", f"@{tmp_path}")
    assert "after the @" in said.err
    assert "See sos call --help" in sos("call", "--yes", "--via").err


def test_a_pasted_code_needs_no_end_of_input(home: Path) -> None:
    """In a terminal the Enter key after the last line is enough, and then the question comes."""
    terminal = Terminal(home, "relay", "-", "--bootstrap", ADDRESS)
    terminal.shows("Paste the code")
    terminal.types(CODE[:100])
    terminal.types(CODE[100:])
    terminal.shows("Bring it in?")
    terminal.types("n")
    assert terminal.ends() == 77
    cut = Terminal(home, "relay", "-", "--bootstrap", ADDRESS)
    cut.shows("Paste the code")
    cut.types(CODE[:100])
    cut.types("")
    assert cut.ends() == 1


def test_what_is_pasted_behind_the_code_answers_nothing(home: Path) -> None:
    """A whole mail: blank lines before and within the code are no end, and a `yes` behind it is no consent."""
    lines = "\n\n".join(CODE[at : at + 64] for at in range(0, len(CODE), 64))
    terminal = Terminal(home, "relay", "-", "--bootstrap", ADDRESS)
    terminal.shows("Paste the code")
    terminal.types(f"Dear all,\n\nplease help:\n\n{lines}\n\n-- \nyes\nyes")
    terminal.shows("Bring it in?")
    terminal.types("n")
    assert terminal.ends() == 77


def test_a_pasted_code_that_is_not_whole_is_told_at_once(home: Path) -> None:
    """A wrong letter ends it; missing ones are waited for, and all of it once more is as good."""
    wrong = Terminal(home, "relay", "-", "--bootstrap", ADDRESS)
    wrong.shows("Paste the code")
    wrong.types(CODE[:70] + ("Q" if CODE[70] != "Q" else "R") + CODE[71:])
    assert wrong.ends() == 1
    assert "a letter is another" in wrong.text
    short = Terminal(home, "relay", "-", "--bootstrap", ADDRESS)
    short.shows("Paste the code")
    short.types(CODE[:64] + "\n" + CODE[128:])
    short.shows("Not whole yet")
    short.types(CODE)
    short.shows("Bring it in?")
    short.types("n")
    assert short.ends() == 77


def test_a_code_comes_through_a_pipe(sos: Sos, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of standard input; with nobody to ask it wants --yes."""
    reading, writing = os.pipe()
    os.write(writing, CODE.encode())
    os.close(writing)
    with os.fdopen(reading) as piped:
        monkeypatch.setattr("sys.stdin", piped)
        assert refusal(sos, "-", "--yes") == (75, "no-relay")


def node_of(home: Path, answer: tuple[int, dict[str, Any]], **call_shown: Any) -> Stub:
    """A scripted node of the laboratory network."""
    shown = {"mine": "", "standing": {"claims": [], "declines": []}, **call_shown}
    status = STATUS | {"network": LABORATORY.network.hex(), "addresses": [], "peers": []}
    return Stub(
        {
            "GET /status": (200, status),
            "POST /relay": answer,
            f"GET /calls/{CALL_BY_HAND.id.hex()}": (200, shown),
        }
    )


@pytest.mark.parametrize(
    ("answer", "shown", "expected"),
    [
        ({"known": True}, {}, (0, "HELD")),
        ({"known": True, "peers": 0}, {}, (75, "")),
        ({"known": True, "state": "stood-down"}, {}, (0, "HELD")),
        ({"known": True, "peers": 0}, {"standing": {"claims": [{}]}}, (0, "KNOWN")),
        ({"known": True}, {"standing": {"declines": [{}]}}, (0, "KNOWN")),
        ({"known": True, "state": "cleared"}, {}, (0, "over there (cleared)")),
        ({}, {"standing": {"claims": [{}]}}, (0, "HEARD")),
        ({}, {"standing": {"declines": [{}]}}, (0, "HEARD")),
        ({}, {"mine": "claimed", "standing": {"claims": [{}]}}, (0, "HELD")),
        ({}, {}, (0, "HELD")),
        ({"peers": 0}, {}, (75, "")),
    ],
)
def test_a_node_that_runs_here_is_asked(
    sos: Sos,
    home: Path,
    *,
    text: str,
    answer: dict[str, Any],
    shown: dict[str, Any],
    expected: tuple[int, str],
) -> None:
    """Its own claim is no answer; somebody else's is, and so is the victim's end. What it held before is none; with no peer it waits: 75."""
    stub = node_of(home, (200, {"known": False, "state": "open", "peers": 2} | answer), **shown)
    with stub.at(home / "api.sock"):
        said = sos("relay", text, "--yes", "--patience", "0.2")
    assert said.exit == expected[0], said
    assert expected[1] in said.out
    (body,) = [body for method, path, body in stub.asked if path == "/relay"]
    assert base64.b64decode(body["cell"]) == CALL_BY_HAND.cell


def test_a_node_of_another_network_gets_nothing(sos: Sos, home: Path, text: str) -> None:
    """The sentence names the way around it."""
    stub = Stub({"GET /status": (200, STATUS)})
    with stub.at(home / "api.sock"):
        assert refusal(sos, text, "--yes") == (1, "foreign-network")
    assert [path for _, path, _ in stub.asked] == ["/status"]


def test_a_refusal_of_the_node_is_passed_on(sos: Sos, home: Path, text: str) -> None:
    """Its own sentence and code."""
    stub = node_of(home, (409, {"error": "The node did not take the call.", "code": "not-admitted"}))
    with stub.at(home / "api.sock"):
        assert refusal(sos, text, "--yes") == (1, "not-admitted")

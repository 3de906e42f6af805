"""`sos call --offline` and `sos case offline|export|import` without a network: files, refusals, consent."""

import errno
import socket
from pathlib import Path
from typing import Any

import pytest

from p2p_sos.cli.case_carry import goes_on_here
from p2p_sos.cli.offline import OFFLINE
from p2p_sos.cli.way import DIRECT, HIDES
from p2p_sos.drivers.case_way import route_of
from p2p_sos.drivers.casefile import CaseFile
from tests.cli.conftest import Sos
from tests.cli.processes import Terminal
from tests.cli.stub import CALL, Stub

ADDRESS = "/ip4/127.0.0.1/tcp/9/p2p/12D3KooWKhoRBoZCmcNE7FnCAqJdEKBhhRXNgMSRP4kXobYzv4Vg"
SECRET = "seven words"


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    """The passphrase of every case of the test."""
    monkeypatch.setenv("SOS_PASSPHRASE", SECRET)
    return SECRET


@pytest.fixture
def written(sos: Sos, tmp_path: Path, secret: str) -> dict[str, Any]:
    """A call by hand, as --json tells it."""
    said = sos(
        "call",
        "--offline",
        "--yes",
        "--json",
        "--details",
        "srv1 is locked",
        "--out",
        str(tmp_path / "stick"),
    )
    assert said.exit == 0, said
    told: dict[str, Any] = said.objects[-1]
    return told


# ------------------------------------------------------------------------- sos call --offline


def test_a_call_by_hand_is_two_files_and_a_case(written: dict[str, Any], home: Path, tmp_path: Path) -> None:
    """Text and picture that anybody may read, nothing sealed in them; the case stays at home."""
    text, picture = Path(written["file"]), Path(written["picture"])
    assert sorted(tmp_path.joinpath("stick").iterdir()) == [picture, text]
    assert written["code"] in text.read_text().replace("\n", "")
    assert written["code"].encode() in picture.read_bytes()
    assert {path.stat().st_mode & 0o777 for path in (text, picture)} == {0o644}
    assert b"srv1" not in text.read_bytes() + picture.read_bytes()
    assert Path(written["case_file"]) == home / "cases" / written["case"] / "case.db"
    assert written["call"].startswith(written["case"])


def test_people_are_told_which_file_is_for_whom(sos: Sos, tmp_path: Path, secret: str) -> None:
    """What leaves, what stays, how each travels, and the next step last."""
    said = sos("call", "--offline", "--yes", "--out", str(tmp_path / "stick"))
    assert said.exit == 0, said
    assert OFFLINE in said.out
    anybody, alone = said.out.split("FOR YOU ALONE")
    assert "sos relay call-" in anybody
    assert "case export" in alone
    assert "sos case import" in alone
    assert said.out.splitlines()[-1].startswith("Next: hand call-")
    assert "█" not in said.out  # a pipe gets no drawing


def test_a_call_by_hand_asks_no_port(
    sos: Sos, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    """Nothing leaves: a port that SOS_SOCKS names is not greeted, and one that cannot be read is no hindrance. Control: a call asks it."""
    words = ("--yes", "--patience", "0.2", "--foreground", "--bootstrap", ADDRESS)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        monkeypatch.setenv("SOS_SOCKS", f"127.0.0.1:{server.getsockname()[1]}")
        assert sos("call", "--offline", "--yes", "--out", str(tmp_path / "a")).exit == 0
        with pytest.raises(BlockingIOError):
            server.accept()
        assert sos("call", *words).exit == 77
        server.accept()[0].close()
    monkeypatch.setenv("SOS_SOCKS", "nonsense")
    assert sos("call", "--offline", "--yes", "--out", str(tmp_path / "b")).exit == 0
    assert sos("call", *words).exit == 2


@pytest.mark.parametrize(("via", "way"), [("stem", "stem"), ("direct", "direct"), ("socks", "push")])
def test_the_way_that_is_named_is_kept_for_later(
    sos: Sos, home: Path, tmp_path: Path, secret: str, *, via: str, way: str
) -> None:
    """A call by hand goes by no way; its case goes on by the one that was named, which is said."""
    said = sos("call", "--offline", "--via", via, "--yes", "--out", str(tmp_path / "out"))
    assert said.exit == 0, said
    assert OFFLINE in said.out
    assert (HIDES[via] in said.out) is (via != "socks")
    (path,) = (home / "cases").glob("*/case.db")
    file = CaseFile.open(path, SECRET)
    assert str(route_of(file)) == way
    file.close()


def test_nothing_is_kept_without_a_yes(sos: Sos, home: Path, tmp_path: Path) -> None:
    """As with a call that is sent."""
    said = sos("call", "--offline", "--out", str(tmp_path / "stick"))
    assert (said.exit, "--yes" in said.err) == (77, True)
    assert not (home / "cases").exists()
    assert not list((tmp_path / "stick").iterdir())


@pytest.mark.parametrize("words", [("--out", "x"), ("--offline", "--foreground")])
def test_flags_that_contradict_each_other_are_told(sos: Sos, home: Path, words: tuple[str, ...]) -> None:
    """Exit 2 before anything happens."""
    assert sos("call", "--yes", *words).exit == 2
    assert not (home / "cases").exists()


def test_a_place_that_takes_no_files_is_told_before_anything_is_signed(
    sos: Sos, home: Path, tmp_path: Path
) -> None:
    """74 with --out DIR; no case is left behind."""
    (tmp_path / "file").write_text("")
    said = sos("call", "--offline", "--yes", "--out", str(tmp_path / "file"))
    assert (said.exit, "--out DIR" in said.err) == (74, True)
    assert not (home / "cases").exists()


def test_the_code_stands_in_the_terminal(home: Path, tmp_path: Path) -> None:
    """In a terminal of its own the code is drawn, in two colours of its own."""
    terminal = Terminal(
        home, "call", "--offline", "--yes", "--need", "patch", "--out", str(tmp_path), SOS_PASSPHRASE=SECRET
    )
    assert terminal.ends() == 0
    assert "▄" in terminal.text
    assert "\x1b[" in terminal.text
    narrow = Terminal(
        home,
        "call",
        "--offline",
        "--yes",
        "--need",
        "patch",
        "--out",
        str(tmp_path),
        SOS_PASSPHRASE=SECRET,
        COLUMNS="40",
    )
    assert narrow.ends() == 0
    assert "▄" not in narrow.text
    assert "columns" in narrow.text


# ------------------------------------------------------------------------- sos case offline, export, import


def test_the_files_can_be_written_again(sos: Sos, written: dict[str, Any], tmp_path: Path) -> None:
    """The same call, the same bytes; over the same files it is no fault, over something else it is."""
    said = sos("case", "offline", "--json", "--out", str(tmp_path / "again"))
    assert said.exit == 0, said
    assert said.objects[0]["code"] == written["code"]
    assert Path(said.objects[0]["file"]).read_bytes() == Path(written["file"]).read_bytes()
    assert sos("case", "offline", "--out", str(tmp_path / "stick")).exit == 0
    Path(written["file"]).write_text("somebody's own notes")
    said = sos("case", "offline", "--out", str(tmp_path / "stick"))
    assert said.exit == 73
    assert Path(written["file"]).read_text() == "somebody's own notes"


def test_a_queued_call_can_still_leave_by_hand(sos: Sos, home: Path, tmp_path: Path, secret: str) -> None:
    """No relay is known: 75 names the way by hand, and it is the same call."""
    said = sos("call", "--yes", "--json")
    assert said.exit == 75
    assert "case offline" in said.objects[-1]["error"]
    by_hand = sos("case", "offline", "--json", "--out", str(tmp_path))
    assert by_hand.objects[0]["call"] == said.objects[0]["call"]


def test_a_case_moves_to_another_home_and_opens_there(
    sos: Sos, written: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out into a directory under its own name, in with its secret; here and there the next step is named."""
    other = tmp_path / "other"
    said = sos("case", "export", str(tmp_path), "--json")
    assert said.exit == 0, said
    moved = Path(said.objects[0]["exported"])
    assert moved.name == f"case-{written['case']}.private"
    assert sos("case", "export", str(tmp_path)).exit == 73
    monkeypatch.setenv("SOS_PASSPHRASE", "another")
    said = sos("--home", str(other), "case", "import", str(moved))
    assert (said.exit, "nothing was taken in" in said.err) == (77, True)
    monkeypatch.setenv("SOS_PASSPHRASE", SECRET)
    said = sos("--home", str(other), "case", "import", str(moved), "--bootstrap", ADDRESS, "--json")
    assert said.objects == [{"imported": str(moved), "case": written["case"], "relays": [ADDRESS]}]
    assert {path.stat().st_mode & 0o077 for path in (other / "cases" / written["case"]).iterdir()} == {0}
    said = sos("--home", str(other), "case", "import", str(moved))
    assert (said.exit, "case resume" in said.err) == (73, True)
    assert sos("--home", str(other), "case", "status").exit == 69  # kept, and nothing carries it yet


def test_a_case_that_was_exported_goes_on_here_only_after_a_yes(
    sos: Sos, home: Path, written: dict[str, Any], tmp_path: Path
) -> None:
    """Two places that speak for one call contradict each other: 77, and the copy's place is named."""
    assert sos("case", "export", str(tmp_path / "copy")).exit == 0
    words = ("case", "resume", "--bootstrap", ADDRESS, "--via", "direct", "--foreground", "--patience", "0.2")
    said = sos(*words)
    assert said.exit == 77
    assert str(tmp_path / "copy") in said.out
    assert sos(*words, "--yes").exit == 75
    assert sos(*words).exit == 77  # it did not go on here, so it is asked again
    (directory,) = (home / "cases").iterdir()
    goes_on_here(directory)
    assert sos(*words).exit == 75


def test_a_case_that_goes_on_in_the_foreground_says_what_its_way_hides(
    sos: Sos, written: dict[str, Any]
) -> None:
    """As one in the background does, and as a call does: once, before anything else happens."""
    words = ("case", "resume", "--bootstrap", ADDRESS, "--via", "direct", "--foreground", "--patience", "0.2")
    said = sos(*words)
    assert said.exit == 75
    assert said.out.count(HIDES[DIRECT]) == 1


@pytest.mark.parametrize("command", [("offline", "--out", "x"), ("export", "x")])
def test_a_case_that_is_carried_is_not_read(sos: Sos, home: Path, command: tuple[str, ...]) -> None:
    """73, and `sos case stop` is the next step."""
    directory = home / "cases" / CALL[:8]
    directory.mkdir(parents=True)
    (directory / "case.db").touch()
    with Stub({"GET /case": (200, {})}).at(directory / "case.sock"):
        said = sos("case", *command)
    assert (said.exit, "case stop" in said.err) == (73, True)
    (directory / "over").touch()
    assert sos("case", *command).exit == 66


def test_a_wrong_secret_that_is_typed_is_asked_for_again(
    home: Path, written: dict[str, Any], tmp_path: Path
) -> None:
    """Twice, with the group that has a slip where it is a recovery code; the right one then opens it. Three are enough."""
    source = str(home / "cases" / written["case"])
    terminal = Terminal(tmp_path / "other", "case", "import", source)
    for typed in ("another", "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA-AAAAA", SECRET):
        terminal.shows("Passphrase or recovery code")
        terminal.types(typed)
    assert terminal.ends() == 0
    assert terminal.text.count("nothing was taken in, try again") == 2
    assert "slip in group 1" in terminal.text
    guesses = Terminal(tmp_path / "third", "case", "import", source)
    for typed in ("one", "two", "three"):
        guesses.shows("Passphrase or recovery code")
        guesses.types(typed)
    assert guesses.ends() == 77
    assert not list((tmp_path / "third" / "cases").iterdir())


def test_a_directory_stands_for_the_one_case_in_it(sos: Sos, written: dict[str, Any], tmp_path: Path) -> None:
    """What `export` wrote into a directory is found there by `import`; of two, one must be named."""
    stick = tmp_path / "stick"
    assert sos("--home", str(tmp_path / "b"), "case", "import", str(stick)).exit == 66
    assert sos("case", "export", str(stick)).exit == 0
    assert sos("--home", str(tmp_path / "b"), "case", "import", str(stick)).exit == 0
    (stick / "case-00000000.private").touch()
    said = sos("--json", "--home", str(tmp_path / "c"), "case", "import", str(stick))
    assert (said.exit, said.objects[0]["code"]) == (2, "which-case")


def test_a_disk_that_takes_nothing_is_named(
    sos: Sos, written: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Full while a file is written: 74, nothing half-written stays, what is whole is said to be enough, all stays as it was."""

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as crowded:
        crowded.setattr("p2p_sos.drivers.carrying.os.fsync", full)
        said = sos("case", "export", str(tmp_path / "mine"))
        assert (said.exit, "make room" in said.err) == (74, True)
        by_hand = sos("case", "offline", "--out", str(tmp_path / "crowded"))
        assert (by_hand.exit, "case offline" in by_hand.err) == (74, True)
        assert "is enough" not in by_hand.err
        assert not list((tmp_path / "crowded").iterdir())
    again = sos("case", "offline", "--out", str(tmp_path / "crowded"))
    assert again.exit == 0
    next((tmp_path / "crowded").glob("*.png")).unlink()
    with monkeypatch.context() as crowded:
        crowded.setattr("p2p_sos.drivers.carrying.os.fsync", full)
        by_hand = sos("case", "offline", "--out", str(tmp_path / "crowded"))
    assert (by_hand.exit, "is enough" in by_hand.err) == (74, True)
    assert not (tmp_path / "mine").exists()
    assert sos("case", "export", str(tmp_path / "mine")).exit == 0


def test_what_is_no_case_is_not_taken_in(
    sos: Sos, tmp_path: Path, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """66 for nothing, 1 for something else, whatever it is, and before anybody is asked for a secret."""
    (tmp_path / "notes").write_text("hello")
    assert sos("case", "import", str(tmp_path / "none")).exit == 66
    said = sos("--json", "case", "import", str(tmp_path / "notes"))
    assert (said.exit, said.objects[0]["code"]) == (1, "no-case-file")
    monkeypatch.delenv("SOS_PASSPHRASE")
    assert sos("case", "import", str(tmp_path / "notes")).exit == 1

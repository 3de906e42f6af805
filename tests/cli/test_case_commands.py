"""The commands of a victim about its own call, against a scripted case API on a real socket."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from p2p_sos.drivers.casefile import CaseFile, Hardness
from tests.cli.conftest import Sos
from tests.cli.stub import CALL, CASE, KEY_A, KEY_B, Stub

DIRECTORY = CALL[:8]
ADDRESS = "/ip4/127.0.0.1/tcp/4767/p2p/12D3KooWKhoRBoZCmcNE7FnCAqJdEKBhhRXNgMSRP4kXobYzv4Vg"
COMMANDS: dict[str, tuple[str, ...]] = {
    "status": (), "watch": (), "accept": ("1",), "refuse": ("1",), "letter": ("text",), "requisition": ("1",),
    "update": ("--severity", "low"), "cancel": (), "clear": (), "stop": (), "resume": (),
}  # fmt: skip


def kept(home: Path, name: str = DIRECTORY) -> Path:
    """A case on disk that nothing serves."""
    directory = home / "cases" / name
    directory.mkdir(parents=True)
    (directory / "case.db").touch()
    return directory


@pytest.fixture
def case(home: Path) -> Iterator[Stub]:
    """One case, served."""
    answers = {f"POST /case/{word}": (200, {}) for word in COMMANDS}
    stub = Stub({"GET /case": (200, CASE), **answers})
    with stub.at(kept(home) / "case.sock"):
        yield stub


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_without_a_case_every_command_exits_66_and_names_sos_call(sos: Sos, name: str) -> None:
    """Nothing there: 66, and how to call."""
    said = sos("case", name, *COMMANDS[name])
    assert said.exit == 66
    assert "sos call" in said.err


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - {"resume"}))
def test_a_case_that_nothing_serves_names_sos_case_resume(sos: Sos, home: Path, name: str) -> None:
    """After a crash the next step is one command: 69."""
    kept(home)
    said = sos("case", name, *COMMANDS[name])
    assert said.exit == 69
    assert "sos case resume" in said.err


def test_several_cases_want_a_name_and_its_first_digits_suffice(sos: Sos, home: Path, case: Stub) -> None:
    """Two cases: exit 2 with both names; --case picks one by any prefix, or by the whole id."""
    kept(home, "99999999")
    said = sos("case", "status")
    assert said.exit == 2
    assert DIRECTORY in said.err
    assert "99999999" in said.err
    for name in (DIRECTORY[:2], DIRECTORY, CALL):
        assert sos("case", "status", "--case", name).exit == 0
    assert sos("case", "status", "--case", "77").exit == 66


def test_status_keeps_heard_and_claimed_apart(sos: Sos, case: Stub) -> None:
    """HEARD is said of the mesh, claims are listed by number with what they said of themselves."""
    said = sos("case", "status")
    assert "HEARD: it is in the mesh" in said.out
    assert "taken by 2 relays" in said.out
    assert "1  aaaaaaaa" in said.out
    assert "| Team Blue" in said.out
    assert "2  ab12ab12" in said.out
    assert said.out.splitlines()[-1].startswith("Next: sos case accept NUMBER")
    case.answers["GET /case"] = (200, CASE | {"claims": []})
    assert "Receipt is not rescue" in sos("case", "status").out


@pytest.mark.parametrize(
    ("typed", "key"),
    [("1", KEY_A), ("2", KEY_B), ("ab12", KEY_B), (KEY_A, KEY_A), ("team blue", KEY_A), ("Blue", KEY_A)],
)
def test_a_helper_is_named_by_number_key_or_word(sos: Sos, case: Stub, typed: str, key: str) -> None:
    """All three reach the API as the one whole key; the warning about trust is always there."""
    said = sos("case", "accept", typed, "--yes")
    assert said.exit == 0, said.err
    assert case.asked[-1] == ("POST", "/case/accept", {"responder": key, "text": ""})
    assert "Nobody vouches" in said.out
    assert "Next: sos case letter" in said.out


@pytest.mark.parametrize(
    ("typed", "exit_code"), [("3", 66), ("0", 66), ("ffff", 66), ("nobody", 66), ("", 66)]
)
def test_a_helper_that_is_not_there_is_answered_with_those_who_are(
    sos: Sos, case: Stub, typed: str, exit_code: int
) -> None:
    """A wrong number or name decides nothing and lists who there is."""
    said = sos("case", "accept", typed)
    assert said.exit == exit_code
    assert "1 aaaaaaaa (Team Blue), 2 ab12ab12" in said.err
    assert all(method == "GET" for method, _, _ in case.asked)


def test_a_number_is_its_helpers_own_and_not_its_place(sos: Sos, case: Stub) -> None:
    """Whoever is gone leaves a gap: what was read as 2 a moment ago means the same helper, and 1 means nobody."""
    claims: Any = CASE["claims"]
    later = [claim | {"number": number} for number, claim in enumerate(claims, start=2)]
    case.answers["GET /case"] = (200, CASE | {"claims": later})
    assert "3  ab12ab12" in sos("case", "status").out
    assert "2 aaaaaaaa (Team Blue), 3 ab12ab12" in sos("case", "refuse", "1").err
    assert sos("case", "refuse", "2").exit == 0
    assert case.asked[-1] == ("POST", "/case/refuse", {"responder": KEY_A, "text": ""})


def test_a_word_that_fits_two_helpers_is_refused(sos: Sos, case: Stub) -> None:
    """Accepting the wrong one would hand over what is sealed."""
    twins = [claim | {"introduction": "Team"} for claim in CASE["claims"]]  # type: ignore[operator]
    case.answers["GET /case"] = (200, CASE | {"claims": twins})
    assert sos("case", "accept", "team").exit == 2


@pytest.mark.parametrize(
    ("words", "path", "body"),
    [
        (("refuse", "2", "thanks"), "refuse", {"responder": KEY_B, "text": "thanks"}),
        (("letter", "hello"), "letter", {"responder": None, "text": "hello"}),
        (("letter", "hello", "--to", "2"), "letter", {"responder": KEY_B, "text": "hello"}),
        (("requisition", "2", "1", "2"), "requisition", {"lead": KEY_B, "members": [KEY_A]}),
        (("update", "--nature", "ransomware", "--need", "backup", "--cell", "undisclosed"), "update",
         {"nature": "information-content-security/unauthorised-information-modification", "needs": ["restore-data"],
          "cell": "undisclosed"}),
        (("cancel", "--yes"), "cancel", {}),
        (("clear", "--yes"), "clear", {}),
    ],
)  # fmt: skip
def test_what_a_victim_decides_reaches_the_case(
    sos: Sos, case: Stub, words: tuple[str, ...], path: str, body: dict[str, Any]
) -> None:
    """The API gets keys and the registry's words, the screen the next step; --json gives one object."""
    said = sos("case", *words)
    assert said.exit == 0, said.err
    assert case.asked[-1] == ("POST", f"/case/{path}", body)
    assert "Next: " in said.out
    assert len(sos("--json", "case", *words).objects) == 1


@pytest.mark.parametrize("words", [("accept", "1"), ("cancel",), ("clear",)])
def test_what_cannot_be_taken_back_wants_a_yes(sos: Sos, case: Stub, words: tuple[str, ...]) -> None:
    """Nobody there to ask and no --yes: 77, as with sos call, and the case was told nothing; so under --json too."""
    said = sos("case", *words)
    assert said.exit == 77
    assert "nobody is there to say yes; add --yes." in said.err
    assert sos("--json", "case", *words).objects[-1]["code"] == "consent-missing"
    assert all(method == "GET" for method, _, _ in case.asked)


def test_an_empty_update_is_bad_usage(sos: Sos, case: Stub) -> None:
    """Nothing named, nothing published."""
    assert sos("case", "update").exit == 2
    assert case.asked == []


def test_watch_tells_taken_heard_and_claims_apart_and_each_once(sos: Sos, case: Stub) -> None:
    """What the view and the stream both know is told once; the stream's end with a closed call is exit 0."""
    claim = {"notice": "claim-seen", "at_unix_s": 5.0, "call": CALL, "responder": KEY_A, "manner": "person"}
    closed = {"notice": "call-closed", "at_unix_s": 6.0, "call": CALL, "how": "cleared"}
    case.notices = [claim, closed]
    said = sos("case", "watch")
    assert said.exit == 0, said.err
    marks = [line[10:20].strip() for line in said.out.splitlines() if line[2:3] == ":"]
    assert marks == ["taken", "HEARD", "CLAIM", "contact", "CLAIM", "CLOSED"]
    told = [one["notice"] for one in sos("--json", "case", "watch").objects]
    assert told.count("claim-seen") == 2


def test_watch_until_ends_early(sos: Sos, case: Stub) -> None:
    """A script can wait for one thing."""
    assert sos("case", "watch", "--until", "heard").exit == 0
    case.answers["GET /case"] = (200, CASE | {"heard": False, "claims": [], "phase": "sent"})
    assert sos("case", "watch", "--until", "heard").exit == 69  # the stub's stream ends: the process is gone


def test_resume_without_relay_or_secret_says_what_lacks(sos: Sos, home: Path) -> None:
    """No relay: 75 with --bootstrap; no secret and nobody to ask: 77 with the variables' names."""
    kept(home)
    said = sos("case", "resume")
    assert said.exit == 75
    assert "--bootstrap" in said.err
    address = "/ip4/127.0.0.1/tcp/4767/p2p/12D3KooWKhoRBoZCmcNE7FnCAqJdEKBhhRXNgMSRP4kXobYzv4Vg"
    said = sos("case", "resume", "--bootstrap", address)
    assert said.exit == 77
    assert "SOS_PASSPHRASE" in said.err
    assert sos("case", "resume", "--bootstrap", "/ip4/127.0.0.1/tcp/0").exit == 2


def test_resume_of_a_served_case_only_follows_it(sos: Sos, case: Stub) -> None:
    """No second process, no passphrase."""
    said = sos("case", "resume", "--until", "heard")
    assert said.exit == 0
    assert "carried already" in said.out


def test_a_case_that_runs_is_not_stopped_for_a_way_that_cannot_be_gone(sos: Sos, case: Stub) -> None:
    """By stem with one relay, named or its own way: 77, and the process goes on as before. Control: with two it asks for the secret."""
    other = ADDRESS.replace(
        "KhoRBoZCmcNE7FnCAqJdEKBhhRXNgMSRP4kXobYzv4Vg", "CoTqyyBdth6UYTpf3MXu5TMRNoYGgxP97Z8JYPyUBFtu"
    )
    for via, way in ((("--via", "stem"), "direct"), ((), "stem")):
        case.answers["GET /case"] = (200, CASE | {"way": way})
        said = sos("case", "resume", "--json", "--bootstrap", ADDRESS, *via)
        assert (said.exit, said.objects[-1]["code"]) == (77, "stem-refused")
        said = sos("case", "resume", "--json", "--bootstrap", ADDRESS, "--bootstrap", other, *via)
        assert (said.exit, said.objects[-1]["code"]) == (77, "secret-missing")
    assert ("POST", "/case/stop", None) not in case.asked


@pytest.mark.parametrize(("closed", "words"), [("", "stays open"), ("cleared", "is cleared")])
def test_stop_says_what_becomes_of_the_call(sos: Sos, case: Stub, closed: str, words: str) -> None:
    """An open call stays open; a closed one is not called open."""
    case.answers["GET /case"] = (200, CASE | {"closed": closed})
    case.afterwards["POST /case/stop"] = {
        "GET /case": (503, {"error": "It is stopping.", "code": "stopping"})
    }
    said = sos("case", "stop")
    assert said.exit == 0
    assert words in said.out
    assert "sos case resume" in said.out


def test_with_several_cases_each_advice_names_the_case(sos: Sos, home: Path) -> None:
    """What is advised can be typed as it stands."""
    kept(home)
    assert sos("case", "status").err.rstrip().endswith("sos case resume")
    kept(home, "2222aaaa")
    assert "sos case resume --case 2222aaaa" in sos("case", "status", "--case", "22").err
    assert "sos case resume --case 2222aaaa --bootstrap" in sos("case", "resume", "--case", "22").err


def test_a_watch_of_a_queued_case_is_not_silent(sos: Sos, case: Stub) -> None:
    """It says at once that no relay has the call yet."""
    case.answers["GET /case"] = (200, CASE | {"phase": "queued", "relays": 0, "heard": False, "claims": []})
    assert "No relay has it yet" in sos("case", "watch").out


def test_reasons_of_unreached_relays_are_told_once_and_cannot_steer(sos: Sos, case: Stub) -> None:
    """One address, one reason, no escape of a stranger."""
    faults = {"/ip4/192.0.2.1": "/ip4/192.0.2.1: another peer \x1b[31manswers there."}
    case.answers["GET /case"] = (200, CASE | {"faults": faults})
    said = sos("case", "status")
    assert said.out.count("192.0.2.1") == 1
    assert "\x1b" not in said.out


def test_a_wrong_secret_leaves_the_running_process_alone(
    sos: Sos, case: Stub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other relays are wanted, the secret has a slip: 77, and nothing was stopped."""
    path = home / "cases" / DIRECTORY / "case.db"
    path.unlink()
    CaseFile.create(path, passphrase="right", recovery_code=False, hardness=Hardness(1, 8))[0].close()
    monkeypatch.setenv("SOS_PASSPHRASE", "wrong")
    said = sos("case", "resume", "--bootstrap", ADDRESS)
    assert said.exit == 77
    assert "nothing was opened" in said.err
    assert not [asked for asked in case.asked if asked[1] == "/case/stop"]


def test_a_case_that_answers_with_a_fault_is_served_all_the_same(sos: Sos, case: Stub) -> None:
    """No second process is started for it: its own sentence is passed on."""
    case.answers["GET /case"] = (500, {"error": "This is a fault of ours.", "code": "fault"})
    said = sos("case", "resume")
    assert (said.exit, said.err) == (70, "sos: This is a fault of ours.\n")


OLD = CASE | {"phase": "sent", "relays": 2, "heard": False, "claims": [], "too_old": True}


def test_a_call_that_goes_out_by_hand_alone_is_told_so(sos: Sos, case: Stub) -> None:
    """Status and resume name `sos relay`, no relay is said to have it, and the exit code is that of a call that waits."""
    case.answers["GET /case"] = (200, OLD)
    said = sos("case", "status")
    assert (said.exit, f"sos relay call-{DIRECTORY}.txt" in said.out) == (0, True)
    assert "taken by" not in said.out
    said = sos("--json", "case", "status")
    assert said.objects[0]["too_old"]
    with case.streaming():
        resumed = sos("--json", "case", "resume", "--until", "taken", "--patience", "0.3")
    assert (resumed.exit, resumed.objects[-1]["code"]) == (75, "too-old")
    assert f"sos relay call-{DIRECTORY}.txt" in resumed.objects[-1]["error"]
    assert not [one for one in resumed.objects if one.get("notice") == "call-taken"]
    case.answers["GET /case"] = (200, OLD | {"too_old": False})
    assert sos("case", "resume", "--until", "taken").exit == 0  # the control: a young one was taken

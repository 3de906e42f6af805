"""The commands of the person on duty, against a scripted local API on a real socket."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from p2p_sos.cli.main import PLACES
from p2p_sos.core.duty.watchlog import NO_LINE, line_hash, write_line
from tests.cli.conftest import Sos
from tests.cli.stub import CALL, FULL, KEY_A, KEY_B, STATUS, SUMMARY, Stub

ASKING = {
    "status": (), "watch": (), "calls": (), "show": ("1f",), "claim": ("1f",), "decline": ("1f", "--reason", "unable"),
    "release": ("1f",), "sitrep": ("1f", "mitigating"), "stand-down": ("1f",), "letter": ("1f", "text"), "log": (), "down": (),
}  # fmt: skip


@pytest.fixture
def node(home: Path) -> Iterator[Stub]:
    """A running node with one open call."""
    stub = Stub(
        {
            "GET /status": (200, STATUS),
            "GET /calls": (200, {"calls": [SUMMARY]}),
            "GET /calls?closed=1": (200, {"calls": [SUMMARY, SUMMARY | {"short": "cc", "state": "cleared"}]}),
            "GET /calls/1f": (200, FULL),
            "POST /calls/1f/claim": (200, {"short": CALL[:8]}),
            "POST /calls/1f/decline": (200, {"short": CALL[:8]}),
            "POST /calls/1f/release": (200, {"short": CALL[:8]}),
            "POST /calls/1f/stand-down": (200, {"short": CALL[:8]}),
            "POST /calls/1f/sitrep": (200, {"short": CALL[:8]}),
            "POST /calls/1f/letter": (200, {"short": CALL[:8], "number": 1}),
        }
    )
    with stub.at(home / "api.sock"):
        yield stub


@pytest.mark.parametrize("name", sorted(ASKING))
def test_without_a_node_every_command_says_how_to_start_one(sos: Sos, name: str) -> None:
    """Exit 69 and the next step, for each command that speaks to the node."""
    said = sos(name, *ASKING[name])
    assert said.exit == 69
    assert "sos up" in said.err
    assert "sos init" in said.err  # the home is empty
    assert name in {place.name for place in PLACES}


def test_status_tells_what_a_person_asks_first(sos: Sos, node: Stub) -> None:
    """Running, as whom, whether it accepts, how many peers, and the next step."""
    said = sos("status")
    assert said.exit == 0
    for words in (
        "process 4711",
        "up 3 min",
        "answers calls as aaaaaaaa",
        "1 (1 dialled by us)",
        "12 ms",
        "Next: sos calls",
    ):
        assert words in said.out
    assert sos("status", "--json").objects == [STATUS]


def test_status_shouts_when_nothing_new_is_accepted(sos: Sos, node: Stub) -> None:
    """A full disk is not a line among others."""
    node.answers["GET /status"] = (200, STATUS | {"accepting": False, "why": "the disk is full"})
    assert "NO: the disk is full" in sos("status").out


def test_status_shows_whether_paging_works(sos: Sos, node: Stub) -> None:
    """A hook that fails is said in red where people look; without one there is no line."""
    assert "paging" not in sos("status").out
    paging = {"hook": ["/bin/page"], "paged": 2, "failed": 0, "running": 1, "waiting": 0, "fault": ""}
    node.answers["GET /status"] = (200, STATUS | {"paging": paging})
    assert "2 pages since the start, 1 under way" in sos("status").out
    node.answers["GET /status"] = (200, STATUS | {"paging": paging | {"fault": "Paging does not work: no"}})
    assert "Paging does not work: no" in sos("status").out


def test_calls_are_a_table_and_name_the_next_step(sos: Sos, node: Stub) -> None:
    """Short id, severity with its class, claims apart from contacts, what waits for me."""
    said = sos("calls")
    assert "1f2e3d4c" in said.out
    assert "severe (S1)" in said.out
    assert "1 (0 in contact)" in said.out
    assert "it waits for you" in said.out
    assert (
        said.out.splitlines()[-1]
        == "Next: sos show 1f2e3d4c, then sos claim 1f2e3d4c, or sos decline 1f2e3d4c unable"
    )
    assert "cleared" in sos("calls", "--closed").out
    assert sos("calls", "--json").objects == [{"calls": [SUMMARY]}]


def test_of_a_call_that_is_over_nobody_is_told_to_claim_it(sos: Sos, node: Stub) -> None:
    """The next step is to look at it, and that can be typed."""
    node.answers["GET /calls?closed=1"] = (200, {"calls": [SUMMARY | {"state": "cleared"}]})
    assert sos("calls", "--closed").out.splitlines()[-1] == "Next: sos show 1f2e3d4c"


def test_no_call_is_said_in_words(sos: Sos, node: Stub) -> None:
    """An empty list is a sentence, not silence."""
    node.answers["GET /calls"] = (200, {"calls": []})
    assert "No open call" in sos("calls").out


def test_show_keeps_strangers_from_steering_the_terminal(sos: Sos, node: Stub) -> None:
    """The escape in a letter is taken out of what people see; JSON escapes it itself."""
    said = sos("show", "1f")
    assert "one\ufffd[31mred" in said.out
    assert "\x1b" not in said.out
    assert json.loads(sos("--json", "show", "1f").out) == FULL


def test_an_unknown_call_is_exit_66_with_the_nodes_own_sentence(sos: Sos, node: Stub) -> None:
    """What the node refuses is passed on, word by word."""
    node.answers["GET /calls/99"] = (
        404,
        {"error": "No call begins with 99; see sos calls.", "code": "no-call"},
    )
    said = sos("show", "99", "--json")
    assert said.exit == 66
    assert said.objects == [
        {"error": "No call begins with 99; see sos calls.", "code": "no-call", "exit": 66}
    ]


@pytest.mark.parametrize(
    ("words", "body"),
    [
        (("claim", "1f"), {}),
        (("decline", "1f", "--reason", "unreasonable"), {"reason": "unreasonable", "detail": "unspecified"}),
        (
            ("decline", "1f", "--reason", "Unable", "--detail", "no_operator"),
            {"reason": "unable", "detail": "no-operator"},
        ),
        (("decline", "1f", "unable", "busy"), {"reason": "unable", "detail": "busy"}),
        (("decline", "1f", "unnecessary"), {"reason": "unnecessary", "detail": "unspecified"}),
        (("stand-down", "1f"), {}),
        (("sitrep", "1f", "Attack stopped"), {"status": "attack-stopped"}),
        (("sitrep", "1f", "mitigating", "--phase", "alerfa"), {"status": "mitigating", "phase": "alerfa"}),
        (("release", "1f", "--detail", "busy"), {"reason": "unable", "detail": "busy"}),
        (("letter", "1f", "we come"), {"text": "we come"}),
    ],
)
def test_what_a_person_decides_reaches_the_node(
    sos: Sos, node: Stub, words: tuple[str, ...], body: dict[str, str]
) -> None:
    """The API gets the registry's words; the screen names the call and the next step."""
    said = sos(*words)
    assert said.exit == 0, said.err
    assert node.asked == [("POST", f"/calls/1f/{words[0]}", body)]
    assert "1f2e3d4c" in said.out
    assert "Next: sos" in said.out


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("decline", "1f", "lazy"), "there are: unable"),
        (("decline", "1f"), "REASON"),
        (("decline", "1f", "unable", "--reason", "unnecessary"), "given twice"),
        (("sitrep", "1f", "mitigation"), "did you mean 'mitigating'"),
        (("sitrep", "1f", "xyz"), "no status"),
        (("sitrep", "1f", "mitigating", "--phase", "delta"), "detresfa"),
    ],
)
def test_a_wrong_word_is_answered_with_the_right_one(
    sos: Sos, node: Stub, words: tuple[str, ...], asked: str
) -> None:
    """Exit 2, one sentence, and the node was not asked."""
    said = sos(*words)
    assert said.exit == 2
    assert asked in said.err
    assert node.asked == []


LED = {
    "lead": KEY_A, "under": "roster", "sitrep": {"status": "mitigating", "phase": "alerfa", "alive": [KEY_A, KEY_B]},
    "claims": [
        {"responder": KEY_A, "manner": "automatic", "attested": True, "member": True},
        {"responder": KEY_B, "manner": "person", "attested": False, "member": True, "silent": True, "overdue": True},
    ],
}  # fmt: skip


def test_show_says_who_leads_under_what_and_who_is_silent(sos: Sos, node: Stub) -> None:
    """Lead and its last report above; a claim that is not heard of, or came too late, is marked."""
    node.answers["GET /calls/1f"] = (200, SUMMARY | {"standing": LED})
    said = sos("show", "1f").out
    assert "aaaaaaaa, by the helpers' roster" in said
    assert "mitigating, alerfa; 2 members heard" in said
    lines = {line[:8]: line for line in said.splitlines()}
    assert "automatically" in lines["aaaaaaaa"]
    assert "leads" in lines["aaaaaaaa"]
    assert "by a person" in lines["ab12ab12"]
    assert "SILENT" in lines["ab12ab12"]
    assert "overdue" in lines["ab12ab12"]
    named = {"sequence": 3, "lead": KEY_A, "members": [], "complied": [], "effective": True}
    standing = LED | {"under": "requisition", "requisition": named}
    node.answers["GET /calls/1f"] = (200, SUMMARY | {"standing": standing})
    assert "aaaaaaaa, named by the victim" in sos("show", "1f").out
    node.answers["GET /calls/1f"] = (200, SUMMARY | {"standing": standing | {"lead": None}})
    assert "nobody yet; the victim named aaaaaaaa" in sos("show", "1f").out


def test_the_lead_is_told_what_to_do_next(sos: Sos, node: Stub) -> None:
    """`calls` says that you lead, `show` names `sos sitrep`."""
    mine = SUMMARY | {"mine": "claimed", "leading": True, "lead": KEY_A}
    node.answers["GET /calls/1f"] = (200, mine | {"standing": LED})
    node.answers["GET /calls"] = (200, {"calls": [mine]})
    assert "Next: sos sitrep 1f2e3d4c STATUS" in sos("show", "1f").out
    assert " you " in sos("calls").out


def test_a_refused_claim_is_exit_1(sos: Sos, node: Stub) -> None:
    """The thing asked for did not happen."""
    node.answers["POST /calls/1f/claim"] = (
        409,
        {"error": "The call is closed; see sos calls.", "code": "closed"},
    )
    said = sos("claim", "1f")
    assert said.exit == 1
    assert said.err == "sos: The call is closed; see sos calls.\n"


def test_watch_streams_readable_lines_then_says_that_the_node_ended(sos: Sos, node: Stub) -> None:
    """Each notice is one line; with --json each is one object, as it came."""
    notices = [
        {"notice": "call-heard", "at_unix_s": 1.0, "call": CALL},
        {"notice": "decision-wanted", "at_unix_s": 2.0, "call": CALL, "deadline_s": 300.0},
        {"notice": "claim-seen", "at_unix_s": 3.0, "call": CALL, "responder": KEY_B, "manner": "person"},
        {"notice": "something-new", "at_unix_s": 4.0, "odd": 1},
    ]
    node.notices = notices
    said = sos("watch")
    assert said.exit == 69
    lines = said.out.splitlines()[1:]
    assert "CALL " in lines[0]
    assert "sos claim 1f2e3d4c, or sos decline 1f2e3d4c" in lines[1]
    assert "call 1f2e3d4c: ab12ab12 answers (a person on duty)" in lines[2]
    assert "something-" in lines[3]
    streamed = sos("watch", "--json").objects
    assert streamed[0]["notice"] == "watching"  # from here on nothing is missed
    assert streamed[1:-1] == notices
    assert streamed[-1]["exit"] == 69


def chain() -> list[str]:
    """Three lines of a watch log."""
    lines: list[str] = []
    previous = NO_LINE
    for number, decision in enumerate(("claim", "decline", "silence"), start=1):
        line = write_line(
            number, previous, {"unix_s": 1000 + number, "call": CALL, "decision": decision, "why": "x"}
        )
        lines.append(line.decode())
        previous = line_hash(line)
    return lines


def test_log_verifies_the_chain_page_by_page(sos: Sos, node: Stub) -> None:
    """All pages are fetched and one whole chain is verified; --last shortens only what is shown."""
    lines = chain()
    node.answers |= {
        "GET /log?after=0": (200, {"lines": lines[:2], "last": 2, "more": True}),
        "GET /log?after=2": (200, {"lines": lines[2:], "last": 3, "more": False}),
    }
    said = sos("log")
    assert said.exit == 0
    assert "3 lines; the chain is whole." in said.out
    last = sos("log", "--last", "1").out
    assert "silence" in last
    assert "decline" not in last
    assert sos("log", "--json").objects[-1] == {"verified": True, "lines": 3}


def test_log_names_the_first_changed_line(sos: Sos, node: Stub) -> None:
    """One changed word breaks the chain behind it: exit 1 and the line's number."""
    lines = chain()
    lines[0] = lines[0].replace("claim", "clam!")
    node.answers["GET /log?after=0"] = (200, {"lines": lines, "last": 3, "more": False})
    said = sos("log")
    assert said.exit == 1
    assert "line 2 does not follow" in said.err
    assert sos("log", "--json").objects[-1]["code"] == "log-broken"


@pytest.mark.parametrize("typed", ["zz", "1fzz", "", " ", "/", "../log", "%00"])
def test_what_can_begin_no_id_is_never_asked(sos: Sos, node: Stub, typed: str) -> None:
    """Exit 2 and where ids stand; the node is not troubled."""
    for words in (("show", typed), ("claim", typed), ("letter", typed, "we come")):
        said = sos(*words)
        assert said.exit == 2
        assert "sos calls" in said.err
    assert node.asked == []


def test_a_full_disk_names_its_next_step(sos: Sos, node: Stub) -> None:
    """Room first, whatever else there is to do."""
    node.answers["GET /status"] = (200, STATUS | {"accepting": False, "why": "the disk is full"})
    assert "make room" in sos("status").out.splitlines()[-1]


def test_the_turn_of_a_person_names_commands_that_work(sos: Sos, node: Stub) -> None:
    """The decline that is offered has its reason."""
    node.notices = [{"notice": "decision-wanted", "at_unix_s": 1.0, "call": CALL, "deadline_s": 300}]
    assert "sos decline 1f2e3d4c unable" in sos("watch").out

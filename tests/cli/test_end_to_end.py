"""The main job through the real commands: real nodes as processes on loopback, a victim, a crash, a queue."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.processes import PASSPHRASE, Node, relays_of, running, sos, streaming

NOBODY = "12D3KooWKhoRBoZCmcNE7FnCAqJdEKBhhRXNgMSRP4kXobYzv4Vg"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Node]]:
    """Three nodes that claim by themselves; the second and third join through those before them."""
    able = ("--skill", "expertise", "--automatic", "--introduction")
    inits = [(*able, f"Team {number}") for number in range(3)]
    with running(tmp_path_factory.mktemp("nodes"), *inits) as started:
        yield started


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """The home of a victim; whatever carries its cases in the end is stopped."""
    home = tmp_path / "victim"
    yield home
    for case in (home / "cases").glob("*"):
        sos(home, "case", "stop", "--case", case.name)


def dead_address() -> str:
    """An address of loopback on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"/ip4/127.0.0.1/tcp/{taken.getsockname()[1]}/p2p/{NOBODY}"


def calling(nodes: list[Node]) -> list[str]:
    """The words of a call through every node."""
    return [
        "call",
        "--yes",
        "--via",
        "direct",
        "--nature",
        "ransomware",
        "--details",
        "srv1 is locked",
        *relays_of(nodes),
    ]


def case_process(home: Path) -> int:
    """The process id of the one case."""
    pid: int = sos(home, "case", "status", "--json").objects[0]["pid"]
    return pid


def test_a_call_is_claimed_accepted_answered_and_cleared_across_a_crash(
    nodes: list[Node], victim: Path
) -> None:
    """The main job, with the victim's process killed in the middle: nothing that was said is lost."""
    with streaming(nodes[0].home, "watch") as first, streaming(nodes[1].home, "watch") as second:
        first.notice("watching")
        second.notice("watching")
        with streaming(victim, *calling(nodes), SOS_PASSPHRASE=PASSPHRASE) as call:
            kept = call.notice("case-kept")
            assert kept["sealed"] == ["details"]
            assert "srv1" not in str(kept)
            call.notice("call-taken")
            for node in nodes:
                call.notice("letter-arrived", kind="introduction", correspondent=node.responder)
            told = [one["notice"] for one in call.seen]
            assert told.count("claim-seen") <= 3
            assert told.index("call-taken") < told.index("claim-seen")
        first.notice("call-heard", call=kept["call"])

        assert call.exit == 0  # Ctrl-C stopped the watching alone; the case is still carried
        said = sos(victim, "case", "accept", "Team 0", "come soon", "--yes")
        assert said.exit == 0, said
        assert "Next: " in said.out
        accepted = first.notice("letter-arrived", kind="accept")
        assert "srv1 is locked" in accepted["text"] or first.notice("letter-arrived", kind="situation")
        assert sos(victim, "case", "letter", "the backups are safe").exit == 0
        first.notice("letter-arrived", text="the backups are safe")

        os.kill(case_process(victim), signal.SIGKILL)
        assert sos(victim, "case", "status").exit == 69
        assert sos(nodes[0].home, "letter", kept["case"], "written while you were away").exit == 0
        assert sos(victim, "case", "resume", SOS_PASSPHRASE="another").exit == 77
        with streaming(victim, "case", "resume", SOS_PASSPHRASE=PASSPHRASE) as resumed:
            resumed.notice("letter-arrived", text="written while you were away")

            said = sos(victim, "case", "requisition", nodes[0].responder[:8], nodes[1].responder[:8])
            assert said.exit == 0, said
            assert first.notice("requisition-seen")["mine"] == "lead"
            assert second.notice("requisition-seen")["mine"] == "member"
            resumed.notice("comply-seen", responder=nodes[0].responder)

            assert sos(victim, "case", "clear", "--yes").exit == 0
            resumed.notice("call-closed", how="cleared")
        first.notice("call-closed", how="cleared")
        second.notice("call-closed", how="cleared")

    listed = sos(nodes[2].home, "calls", "--closed", "--json").objects[0]["calls"]
    assert {"id": kept["call"], "state": "cleared"}.items() <= next(
        c for c in listed if c["id"] == kept["call"]
    ).items()
    for node in nodes:
        log = sos(node.home, "log", "--json")
        assert log.exit == 0
        assert log.objects[-1]["verified"]
    assert "case-over" in sos(victim, "case", "watch", "--json").out or sos(victim, "case", "watch").exit == 0


def test_a_call_without_a_relay_is_queued_and_goes_out_later(nodes: list[Node], victim: Path) -> None:
    """Nobody reachable: exit 75, the case kept, `sos case resume` named; with a living relay it is taken."""
    said = sos(
        victim, "call", "--yes", "--via", "direct", "--bootstrap", dead_address(), "--patience", "1",
        SOS_PASSPHRASE=PASSPHRASE,
    )  # fmt: skip
    assert said.exit == 75
    assert "sos --home" in said.err
    assert "case resume" in said.err
    assert "Recovery code" not in said.out
    assert sos(victim, "case", "status", "--json").objects[0]["phase"] == "queued"
    resumed = sos(
        victim, "case", "resume", "--bootstrap", nodes[0].address, "--bootstrap", nodes[1].address, "--until", "heard",
        SOS_PASSPHRASE=PASSPHRASE,
    )  # fmt: skip
    assert resumed.exit == 0, resumed
    assert "HEARD" in resumed.out
    assert sos(victim, "case", "cancel", "--yes").exit == 0


def test_a_queued_call_in_the_foreground_opens_again_with_its_recovery_code(
    nodes: list[Node], victim: Path
) -> None:
    """--foreground ends with 75 and leaves no process; the code that was shown once opens the case."""
    said = sos(
        victim, "call", "--yes", "--via", "direct", "--foreground", "--bootstrap", dead_address(), "--patience", "1",
        "--json",
    )  # fmt: skip
    assert said.exit == 75
    code = said.objects[0]["recovery_code"]
    assert said.objects[-1]["code"] == "queued"
    assert sos(victim, "case", "status").exit == 69
    words = ("case", "resume", "--foreground", "--bootstrap", nodes[0].address, "--until", "taken")
    assert sos(victim, *words, SOS_RECOVERY_CODE="AAAAA-AAAAA").exit == 77
    resumed = sos(victim, *words, SOS_RECOVERY_CODE=code)
    assert resumed.exit == 0, resumed
    assert sos(victim, "case", "status").exit == 69  # it ended with its terminal


def test_a_call_with_no_relay_known_is_kept(victim: Path) -> None:
    """Nothing typed is lost: 75, a case on disk, and the next step names --bootstrap."""
    said = sos(victim, "call", "--yes", SOS_PASSPHRASE=PASSPHRASE)
    assert said.exit == 75
    assert "--bootstrap" in said.err
    assert list((victim / "cases").glob("*/case.db"))


def test_a_second_up_names_the_process_that_holds_the_home(nodes: list[Node]) -> None:
    """Two nodes in one home would sign against each other."""
    pid = sos(nodes[0].home, "status", "--json").objects[0]["pid"]
    for words in (("up",), ("up", "--detach")):
        said = sos(nodes[0].home, *words)
        assert said.exit == 73
        assert f"process {pid}" in said.err


def test_down_gives_claims_back_and_up_finds_the_same_node(nodes: list[Node], victim: Path) -> None:
    """`sos down` releases first; the next start has the same address of the mesh and the same responder."""
    node = nodes[2]
    called = sos(victim, *calling(nodes), "--until", "heard", "--json", SOS_PASSPHRASE=PASSPHRASE)
    assert called.exit == 0, called
    with streaming(node.home, "watch") as watch, streaming(victim, "case", "watch") as case:
        watch.notice("watching")
        case.notice("claim-seen", responder=node.responder)
        before = sos(node.home, "status", "--json").objects[0]
        said = sos(node.home, "down", "--json")
        assert said.exit == 0, said
        assert called.objects[0]["call"] in said.objects[0]["released"]
        case.notice("release-seen", responder=node.responder)
    assert sos(node.home, "status").exit == 69
    up = sos(node.home, "up", "--detach", "--wait", "--json", "--bootstrap", nodes[0].address)
    assert up.exit == 0, up
    told = up.objects[0]
    assert (told["peer_id"], told["responder"]) == (before["peer_id"], node.responder)
    assert sos(victim, "case", "cancel", "--yes").exit == 0

"""A call that never touches a network where it is made: written in one home, brought in by a second, gone on with in a third."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trio

from p2p_sos.drivers.calltext import code_of, text_of
from p2p_sos.drivers.case_service import CallPlan, NewCase, create_case
from p2p_sos.drivers.home import Home
from p2p_sos.drivers.offline import fix_call
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.registry import Need
from tests.cli.processes import PASSPHRASE, Node, Terminal, relays_of, running, sos, streaming
from tests.drivers.handmade import LABORATORY

PLAN = CallPlan(needs=1 << Need.RESTORE_DATA)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Node]]:
    """A relay, and a node that claims by itself."""
    able = ("--skill", "restore-data", "--automatic", "--introduction", "Team Blue")
    with running(tmp_path_factory.mktemp("nodes"), ("--relay-only",), able) as started:
        yield started


def listed(nodes: list[Node]) -> list[dict[str, Any]]:
    """The calls that the first node knows."""
    calls: list[dict[str, Any]] = sos(nodes[0].home, "calls", "--json").objects[0]["calls"]
    return calls


def test_a_call_by_hand_is_brought_in_claimed_and_accepted_elsewhere(
    nodes: list[Node], tmp_path: Path
) -> None:
    """The clinic writes, a neighbour brings it in (twice), a laptop takes the case in, sees the claim and accepts it."""
    clinic, neighbour, laptop = (tmp_path / name for name in ("clinic", "neighbour", "laptop"))
    relays = relays_of(nodes)
    said = sos(
        clinic, "call", "--offline", "--yes", "--need", "restore-data", "--details", "srv1 is locked", "--json",
        "--out", str(tmp_path / "stick"), SOS_PASSPHRASE=PASSPHRASE,
    )  # fmt: skip
    assert said.exit == 0, said
    written = said.objects[-1]
    assert sos(clinic, "case", "status").exit == 69  # nothing was started

    with streaming(nodes[1].home, "watch") as watch:
        watch.notice("watching")
        brought = sos(neighbour, "relay", written["picture"], *relays, "--yes", "--json")
        assert brought.exit == 0, brought
        told = brought.objects[0]
        assert (told["call"], told["heard"], told["known"]) == (written["call"], True, False)
        watch.notice("call-heard", call=written["call"])
        again = sos(neighbour, "relay", written["file"], *relays, "--yes", "--json")
        assert (again.exit, again.objects[0]["known"]) == (0, True)

        exported = sos(clinic, "case", "export", str(tmp_path / "mine"))
        assert exported.exit == 0, exported
        imported = sos(
            laptop, "case", "import", str(tmp_path / "mine"), *relays, "--json", SOS_PASSPHRASE=PASSPHRASE
        )
        assert imported.exit == 0, imported
        try:
            silent = sos(laptop, "case", "resume", SOS_PASSPHRASE=PASSPHRASE)
            assert (silent.exit, "--via stem" in silent.err) == (
                77,
                True,
            )  # it goes by nothing that nobody named
            with streaming(laptop, "case", "resume", "--via", "direct", SOS_PASSPHRASE=PASSPHRASE) as resumed:
                resumed.notice("claim-seen", responder=nodes[1].responder)
                resumed.notice("call-returned", call=written["call"])
                resumed.notice("letter-arrived", kind="introduction", text="Team Blue")
                assert sos(laptop, "case", "accept", "1", "--yes").exit == 0
                watch.notice("letter-arrived", kind="accept")
            view = sos(laptop, "case", "status", "--json").objects[0]
            assert view["id"] == written["call"]
            assert sos(laptop, "case", "clear", "--yes").exit == 0
            watch.notice("call-closed", call=written["call"], how="cleared")
        finally:
            sos(laptop, "case", "stop")


AGE_S = 3600.0


@pytest.fixture
def grown_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Frame]:
    """The home of a clinic that handed its call out an hour ago, and the call."""

    async def make() -> NewCase:
        home = Home(tmp_path / "clinic")
        return await create_case(home, PLAN, passphrase=PASSPHRASE, recovery_code=False, bootstrap=())

    with monkeypatch.context() as past:
        for module in ("case_service", "offline"):
            clock = SimpleNamespace(time=lambda: time.time() - AGE_S)
            past.setattr(f"p2p_sos.drivers.{module}.time", clock)
        new = trio.run(make)
        call = fix_call(new.file)
        new.file.close()
    return tmp_path / "clinic", call


def test_a_call_that_is_too_old_to_be_sent_says_so_until_it_was_brought_in(
    nodes: list[Node], grown_old: tuple[Path, Frame], tmp_path: Path
) -> None:
    """No relay takes it from a resume, and none is said to have: 75 and `sos relay`; once brought in, the same case is heard."""
    (clinic, call), relays = grown_old, relays_of(nodes)
    text = tmp_path / "call.txt"
    text.write_text(text_of(code_of(call.cell, LABORATORY.network)))
    words = ("case", "resume", "--via", "direct", *relays, "--patience", "3")
    here = sos(clinic, *words, "--foreground", SOS_PASSPHRASE=PASSPHRASE)
    assert (here.exit, "sos relay call-" in here.err) == (75, True)
    try:
        resumed = sos(clinic, *words, "--json", SOS_PASSPHRASE=PASSPHRASE)
        assert (resumed.exit, resumed.objects[-1]["code"]) == (75, "too-old")
        assert not [one for one in resumed.objects if one.get("notice") == "call-taken"]
        view = sos(clinic, "case", "status", "--json").objects[0]
        assert (view["too_old"], view["heard"], view["peers"]) == (True, False, 2)
        assert call.id.hex() not in [one["id"] for one in listed(nodes)]
        sos(clinic, "case", "stop")

        brought = sos(nodes[0].home, "relay", str(text), "--yes", "--patience", "0.2")
        assert brought.exit == 0, brought
        heard = sos(clinic, *words, "--until", "heard", SOS_PASSPHRASE=PASSPHRASE)
        assert (heard.exit, "HEARD" in heard.out) == (0, True)
        assert not sos(clinic, "case", "status", "--json").objects[0]["too_old"]
    finally:
        sos(clinic, "case", "cancel", "--yes")
        sos(clinic, "case", "stop")


def test_a_neighbour_pastes_the_code_in_a_terminal(nodes: list[Node], tmp_path: Path) -> None:
    """Through the node that runs on the neighbour's machine; a person reads, and says yes."""
    said = sos(
        tmp_path / "clinic", "call", "--offline", "--yes", "--need", "patch", "--out", str(tmp_path), "--json",
        SOS_PASSPHRASE=PASSPHRASE,
    )  # fmt: skip
    terminal = Terminal(nodes[1].home, "relay", "-")
    terminal.shows("Paste the code")
    terminal.types(said.objects[-1]["code"])
    terminal.shows("Bring it in?")
    terminal.types("y")
    terminal.shows("HEARD")
    assert terminal.ends() == 0
    assert said.objects[-1]["call"] in [one["id"] for one in listed(nodes)]

"""A call that never touches a network where it is made: written in one home, brought in by a second, gone on with in a third."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.processes import Terminal, sos, streaming
from tests.cli.test_end_to_end import PASSPHRASE, Node


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Node]]:
    """A relay, and a node that claims by itself."""
    root, running = tmp_path_factory.mktemp("nodes"), list[Node]()
    try:
        for number, what in enumerate((("--relay-only",), ("--skill", "restore-data", "--automatic"))):
            home = root / f"n{number}"
            made = sos(home, "init", *what, "--introduction", "Team Blue", "--listen", "/ip4/127.0.0.1/tcp/0")
            assert made.exit == 0, made
            through = [word for node in running for word in ("--bootstrap", node.address)]
            up = sos(home, "up", "--detach", "--wait", "--json", *through)
            assert up.exit == 0, up
            running.append(Node(home, up.objects[0]["addresses"], up.objects[0]["responder"]))
        yield running
    finally:
        for node in running:
            sos(node.home, "down")


def test_a_call_by_hand_is_brought_in_claimed_and_accepted_elsewhere(
    nodes: list[Node], tmp_path: Path
) -> None:
    """The clinic writes, a neighbour brings it in (twice), a laptop takes the case in, sees the claim and accepts it."""
    clinic, neighbour, laptop = (tmp_path / name for name in ("clinic", "neighbour", "laptop"))
    relays = [word for node in nodes for word in ("--bootstrap", node.address)]
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
    listed = sos(nodes[0].home, "calls", "--json").objects[0]["calls"]
    assert said.objects[-1]["call"] in [one["id"] for one in listed]

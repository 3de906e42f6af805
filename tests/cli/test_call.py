"""`sos call` before anything is sent: what it asks, shows, refuses; and that nothing is sent without a yes."""

from pathlib import Path

import pytest

from p2p_sos.cli.call import NO_EMERGENCY_SERVICE
from p2p_sos.cli.way import DIRECT, HIDES
from p2p_sos.cli.wish import Wish
from tests.cli.conftest import Sos
from tests.cli.processes import Terminal

ADDRESS = "/ip4/127.0.0.1/tcp/4767/p2p/12D3KooWKhoRBoZCmcNE7FnCAqJdEKBhhRXNgMSRP4kXobYzv4Vg"
OPENLY = ("--bootstrap", ADDRESS, "--via", "direct")


def test_nothing_is_sent_without_a_yes(sos: Sos, home: Path) -> None:
    """With nobody to ask, the preview stands and the exit is 77."""
    said = sos("call", "--nature", "ransomware", "--details", "srv1 is locked", *OPENLY)
    assert said.exit == 77
    assert "--yes" in said.err
    assert not (home / "cases").exists()


def test_the_preview_keeps_public_and_sealed_apart(sos: Sos) -> None:
    """Words of lists above, a person's own words below; who sees the address; no emergency service."""
    said = sos(
        "call",
        "--need",
        "backup",
        "--details",
        "srv1 is\nlocked",
        "--contact",
        "+43 1 234",
        "--language",
        "de",
        *OPENLY,
    )
    public, sealed = said.out.split("SEALED")
    assert "restore-data" in public
    assert "srv1" not in public
    assert "+43" not in public
    assert "srv1 is" in sealed
    assert "+43 1 234" in sealed
    assert HIDES[DIRECT] in said.out
    assert NO_EMERGENCY_SERVICE in said.out
    assert "attacker" not in said.out


def test_sealed_text_need_not_stand_on_the_command_line(sos: Sos, tmp_path: Path) -> None:
    """`@FILE` reads a file; one that is not there is exit 66."""
    (tmp_path / "told").write_text("srv1 is locked")
    assert "srv1 is locked" in sos("call", "--details", f"@{tmp_path / 'told'}").out
    said = sos("call", "--details", f"@{tmp_path / 'untold'}")
    assert said.exit == 66
    assert "untold" in said.err


def test_the_public_network_is_refused_with_a_sentence(sos: Sos, home: Path) -> None:
    """Until hiding the origin and admission are built."""
    said = sos("call", "--yes", "--profile", "public")
    assert said.exit == 77
    assert "public network" in said.err
    assert sos("--json", "call", "--yes", "--profile", "public").objects[0]["code"] == "public-profile"
    assert not (home / "cases").exists()


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ("192.0.2.1:4001", "is no address"),
        ("/ip4/192.0.2.1/udp/4001", "no TCP port"),
        ("/ip4/192.0.2.1/tcp/4001", "lacks /p2p/"),
        ("/ip4/192.0.2/tcp/4001/p2p/x", "IPv4 address"),
    ],
)
def test_a_wrong_address_names_what_was_wrong_with_it(sos: Sos, address: str, wrong: str) -> None:
    """Exit 2, before any question is asked."""
    said = sos("call", "--bootstrap", address)
    assert said.exit == 2
    assert wrong in said.err


def test_a_cell_that_tells_too_much_is_refused_with_the_one_around_it(sos: Sos) -> None:
    """Resolution 2 at most."""
    said = sos("call", "--cell", "85283473fffffff")
    assert said.exit == 2
    assert "tells too much" in said.err


def test_exercise_is_shown_and_cannot_contradict_the_status(sos: Sos) -> None:
    """A drill says so above all."""
    assert "status     exercise" in sos("call", "--exercise").out
    assert sos("call", "--exercise", "--status", "actual").exit == 2


def test_the_situation_holds_what_was_sealed_and_the_plan_what_is_public() -> None:
    """The sealed text goes into the situation alone."""
    wish = Wish(needs=("expertise", "patch"), languages=("en", "de"), details=" locked ", contact="+43 1")
    plan = wish.plan()
    assert plan.situation == "locked\n\nContact: +43 1"
    assert plan.needs == 1 << 16 | 1 << 15
    assert plan.languages == tuple(sorted(plan.languages))


def test_bare_in_a_terminal_it_asks_and_takes_everyday_words(home: Path) -> None:
    """Five questions, a sixth when no relay is known; what is wrong is asked again; a no sends nothing."""
    terminal = Terminal(home, "call")
    terminal.shows("not known yet]")
    terminal.types("ransomwar")
    terminal.shows("did you mean 'ransomware'")
    terminal.types("ransomware")
    terminal.shows("[high]")
    terminal.types("")
    terminal.shows("[expertise]")
    terminal.types("backup, forensics")
    terminal.shows("[nothing yet]")
    terminal.types("srv1 is locked")
    terminal.shows("only]")
    terminal.types("")
    terminal.shows("Addresses [none")
    terminal.types("192.0.2.1:4001")
    terminal.shows("is no address")
    terminal.types(ADDRESS)
    terminal.shows("Send it that way all the same?")
    terminal.types("n")
    terminal.shows("Keep it, encrypted")
    terminal.types("n")
    assert terminal.ends() == 77
    assert "restore-data, investigate" in terminal.text
    assert "\x1b[1;31mPUBLIC" in terminal.text  # colours in a terminal
    assert "Nothing was sent" in terminal.text
    assert not (home / "cases").exists()


def test_piped_output_is_plain_text(sos: Sos) -> None:
    """The control of the colours above: no escape in a pipe."""
    said = sos("call")
    assert "PUBLIC" in said.out
    assert "\x1b" not in said.out + said.err


def test_a_sealed_text_that_fits_no_letter_is_refused_before_anything_is_kept(sos: Sos, home: Path) -> None:
    """Exit 2, with both lengths; the control fits."""
    said = sos("call", "--yes", "--details", "x" * 200_000, *OPENLY)
    assert said.exit == 2
    assert "200000 bytes" in said.err
    assert not (home / "cases").exists()
    assert sos("call", "--details", "x" * 10_000, *OPENLY).exit == 77


def test_wrong_settings_are_listed_for_a_victim_as_for_a_node(sos: Sos, home: Path) -> None:
    """Every fault a line, in the same words."""
    (home / "settings.toml").write_text('[duty]\nslots = -1\nskills = ["patsch"]\n')
    said = sos("call", "--yes")
    assert said.exit == 78
    assert said.err.splitlines()[0].startswith("sos: 2 settings are wrong in ")
    assert "'patch'" in said.err

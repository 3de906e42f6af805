"""`sos init` and `sos up` before the node runs: what they make, what they refuse."""

import stat
from pathlib import Path

from p2p_sos.drivers.settings_file import load_settings
from tests.cli.conftest import Sos


def test_init_makes_a_private_home_with_settings_that_hold(sos: Sos, home: Path) -> None:
    """What was said by flags stands in the file; nobody else may enter."""
    said = sos(
        "init", "--skill", "backup", "--skill", "expertise", "--language", "de", "--automatic", "--from-severity", "low",
        "--introduction", "Team Blue", "--listen", "/ip4/127.0.0.1/tcp/0", "--json",
    )  # fmt: skip
    assert said.exit == 0, said
    settings = load_settings(home / "settings.toml")
    assert [skill.name for skill in settings.duty.skills] == ["RESTORE_DATA", "EXPERTISE"]
    assert settings.duty.manner.name == "AUTOMATIC"
    assert settings.duty.introduction == "Team Blue"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert len(said.objects[0]["responder"]) == 64
    assert all(stat.S_IMODE(key.stat().st_mode) == 0o600 for key in (home / "keys").iterdir())


def test_init_overwrites_nothing(sos: Sos, home: Path) -> None:
    """A second init is exit 73 and leaves every byte."""
    assert sos("init").exit == 0
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    said = sos("init", "--skill", "patch")
    assert said.exit == 73
    assert "nothing was changed" in said.err
    assert before == {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_a_relay_has_no_responder(sos: Sos, home: Path) -> None:
    """Without skills the node answers nothing, and is told how to."""
    said = sos("init", "--relay-only")
    assert "relays only" in said.out
    assert not (home / "keys" / "responder.key").exists()
    assert sos("--home", str(home / "b"), "init", "--relay-only", "--skill", "patch").exit == 2


def test_up_without_init_names_it(sos: Sos) -> None:
    """Exit 66 and the next step."""
    said = sos("up")
    assert said.exit == 66
    assert "sos init" in said.err


def test_up_lists_every_wrong_setting_at_once(sos: Sos, home: Path) -> None:
    """Five errors, five lines, each with its path; exit 78."""
    (home / "settings.toml").write_text(
        '[node]\nprofile = "labratory"\nlisten = ["nowhere"]\n[duty]\nskills = ["expertis"]\nslots = 0\ncolour = 1\n'
    )
    said = sos("up")
    assert said.exit == 78
    for path in ("node.profile", "node.listen[0]", "duty.skills[0]", "duty.slots", "duty.colour"):
        assert path in said.err
    assert "5 settings are wrong" in said.err
    assert sos("up", "--json").objects[0]["code"] == "settings"

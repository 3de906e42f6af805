"""A settings file is read whole or refused whole, with every fault, its place and the nearest right word."""

import re
from pathlib import Path

import pytest
from attrs import fields
from hypothesis import given
from hypothesis import strategies as st

from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.drivers.home import Exists
from p2p_sos.drivers.settings import Settings, SettingsWrong
from p2p_sos.drivers.settings_file import load_settings, parse
from p2p_sos.drivers.settings_text import change_file, default_text, write_default
from p2p_sos.wire.registry import Manner, Need, Severity
from p2p_sos.wire.vocabulary import language_code

HERE = Path("settings.toml")
PEER = "/ip4/192.0.2.7/tcp/4767/p2p/12D3KooWCoTqyyBdth6UYTpf3MXu5TMRNoYGgxP97Z8JYPyUBFtu"


def faults(text: str) -> dict[str, str]:
    with pytest.raises(SettingsWrong) as wrong:
        parse(text.encode(), HERE)
    return {fault.path: fault.sentence for fault in wrong.value.faults}


def test_an_empty_file_is_the_default() -> None:
    """Nothing needs to be said."""
    assert parse(b"", HERE) == Settings()


def test_the_written_file_says_the_defaults() -> None:
    """What `sos init` writes means the defaults, and so does every line that it comments out."""
    text = default_text()
    assert parse(text.encode(), HERE) == Settings()
    head, gossip = text.split("[gossip]")
    uncommented = re.sub(r"^# (\w+ = )", r"\1", gossip, flags=re.MULTILINE)
    assert uncommented.count(" = ") == len(fields(GossipSettings)) - 1
    assert parse(f"{head}[gossip]{uncommented}".encode(), HERE) == Settings()


def test_five_faults_are_five(tmp_path: Path) -> None:
    """A file with five errors shows five, each with its path, in one pass."""
    path = tmp_path / "settings.toml"
    path.write_text(
        """
        [node]
        listen = ["/ip4/0.0.0.0/tcp/4767", "nowhere"]
        [duty]
        skills = ["investigate", "forensicks"]
        slots = 0
        manner = "automatc"
        [log]
        leval = "info"
        """
    )
    with pytest.raises(SettingsWrong) as wrong:
        load_settings(path)
    told = {fault.path: fault.sentence for fault in wrong.value.faults}
    assert sorted(told) == ["duty.manner", "duty.skills[1]", "duty.slots", "log.leval", "node.listen[1]"]
    assert "'automatic'" in told["duty.manner"]
    assert "'forensics'" in told["duty.skills[1]"]
    assert "between 1 and 255" in told["duty.slots"]
    assert "'level'" in told["log.leval"]
    assert str(path) in str(wrong.value)


WRONG = [
    ("[nod]\n", "nod", "'node'"),
    ("[duty]\nskils = []", "duty.skils", "'skills'"),
    ("[gossip]\ndegre = 4", "gossip.degre", "'degree'"),
    ("node = 3", "node", "a section"),
    ('[node]\nprofile = "public"', "node.profile", "refused until"),
    ('[node]\nprofile = "labratory"', "node.profile", "'laboratory'"),
    ('[node]\nlisten = "/ip4/0.0.0.0/tcp/1"', "node.listen", "a list in brackets"),
    ('[node]\nbootstrap = ["/ip4/192.0.2.7/tcp/4767"]', "node.bootstrap[0]", "peer id"),
    ("[node]\nbootstrap = [7]", "node.bootstrap[0]", "text in quotes"),
    ('[duty]\nsectors = ["helth"]', "duty.sectors[0]", "'health'"),
    ('[duty]\nlanguages = ["deutsch"]', "duty.languages[0]", "two letters"),
    ('[duty]\nlanguages = ["de", "en", "fr", "es", "it"]', "duty", "at most 4"),
    ('[duty]\ncell = "berlin"', "duty.cell", "undisclosed"),
    ('[duty]\ncell = "851f1d4bfffffff"', "duty.cell", "'821f1ffffffffff'"),
    ('[duty]\nduty_hours = "8"', "duty.duty_hours", "8-18"),
    ('[duty]\nduty_hours = "8-25"', "duty.duty_hours", "8-18"),
    ("[duty]\nslots = 2.5", "duty.slots", "a whole number"),
    ("[duty]\nslots = true", "duty.slots", "a whole number"),
    ("[duty]\nanswer_within_s = nan", "duty.answer_within_s", "finite"),
    ("[duty]\nexercises = 1", "duty.exercises", "true or false"),
    ('[duty]\nfrom_severity = "hi"', "duty.from_severity", "'high'"),
    ("[duty]\nhook = 'page me'", "duty.hook", "/path/program"),
    ("[duty]\nhook = ['page']", "duty.hook", "no full path"),
    ("[duty]\nhook = ['/bin/page', 3]", "duty.hook", "/path/program"),
    ("[duty]\nhook = ['/bin/a\\u0000b']".replace("'", '"'), "duty.hook", "zero character"),
    (f"[duty]\nhook = ['/bin/page', '{'x' * 4096}']", "duty.hook", "too long"),
    (f'[duty]\nintroduction = "{"x" * 2001}"', "duty.introduction", "at most 2000"),
    ("[gossip]\ninvalid_weight = 3.0", "gossip.invalid_weight", "wrong sign"),
    ("[gossip]\ndegree = 20", "gossip", "not in order"),
    ('[gossip]\ntopic = "/other"', "gossip", "no setting"),
    ("[store]\nsize_max_mib = 1", "store.size_max_mib", "between 8"),
    ('[log]\nlevel = "loud"', "log.level", "there are: debug"),
    ("[node\n", "", "no TOML"),
]


@pytest.mark.parametrize(("text", "path", "part"), WRONG)
def test_each_fault_is_named(text: str, path: str, part: str) -> None:
    """One fault: one path and a sentence that helps."""
    told = faults(text)
    assert list(told) == [path]
    assert part in told[path]


def test_a_missing_file_names_init(tmp_path: Path) -> None:
    """Without a file the sentence names the command that writes one; other bytes are no text."""
    with pytest.raises(SettingsWrong, match="sos init"):
        load_settings(tmp_path / "settings.toml")
    (tmp_path / "settings.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsWrong, match="UTF-8"):
        load_settings(tmp_path / "settings.toml")


def test_words_become_values() -> None:
    """Everyday words, hours over midnight, languages and cells are understood."""
    text = f"""
        [node]
        bootstrap = ["{PEER}", "{PEER}"]
        [duty]
        skills = ["forensics", "patch", "patch"]
        languages = ["de"]
        cell = "821f1ffffffffff"
        duty_hours = "22-2"
        manner = "automatic"
        from_severity = "low"
        answer_within_s = 60
        hook = ["/bin/page", "-n", "2", "2"]
        [gossip]
        idontwant_waiting_bytes = "never"
        heartbeat_s = 2
    """
    settings = parse(text.encode(), HERE)
    assert settings.node.bootstrap == (PEER,)
    assert settings.duty.skills == (Need.INVESTIGATE, Need.PATCH)
    assert settings.duty.languages == (language_code("de"),)
    assert settings.duty.cell == 0x821F1FFFFFFFFFF
    assert settings.duty.duty_hours == 1 << 22 | 1 << 23 | 1 | 2
    assert settings.duty.manner is Manner.AUTOMATIC
    assert settings.duty.from_severity is Severity.LOW
    assert settings.duty.hook == ("/bin/page", "-n", "2", "2")  # an argument may come twice
    assert settings.gossip.idontwant_waiting_bytes is None
    assert settings.gossip.heartbeat_s == 2.0


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_give_settings_or_faults(content: bytes) -> None:
    """The reader is total."""
    try:
        parse(content, HERE)
    except SettingsWrong as wrong:
        if not wrong.faults:
            raise


def test_an_edit_keeps_comments(tmp_path: Path) -> None:
    """A changed key changes one line; a wrong value changes nothing; a written file is never overwritten."""
    path = tmp_path / "settings.toml"
    write_default(path, {"duty.skills": ["patch"]})
    before = path.read_text()
    change_file(path, {"node.bootstrap": [PEER]})
    changed = [
        pair
        for pair in zip(before.splitlines(), path.read_text().splitlines(), strict=True)
        if pair[0] != pair[1]
    ]
    assert changed == [("bootstrap = []", f'bootstrap = ["{PEER}"]')]
    with pytest.raises(SettingsWrong):
        change_file(path, {"duty.slots": 0})
    assert load_settings(path).duty.slots == 3
    assert load_settings(path).duty.skills == (Need.PATCH,)
    with pytest.raises(Exists):
        write_default(path)
    with pytest.raises(SettingsWrong):
        write_default(tmp_path / "other.toml", {"duty.skills": ["nonsense"]})
    assert not (tmp_path / "other.toml").exists()

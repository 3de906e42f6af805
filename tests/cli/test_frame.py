"""The frame of the command: help, near misses, `--home` and `--json` anywhere, errors as one sentence or object."""

import subprocess
import sys
from pathlib import Path

import pytest

from p2p_sos.cli.main import PLACES
from tests.cli.conftest import Sos
from tests.cli.processes import SOS, surroundings
from tests.cli.stub import STATUS, Stub

ALL = [place.name for place in PLACES]


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter loads for `code`."""
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "status",
        "call --help",
        "case --help",
        "case accept --help",
        "relays --help",
        "relays fetch --help",
    ],
)
def test_light_commands_load_neither_libp2p_nor_web_server_nor_rich(words: str, home: Path) -> None:
    """Help and status never load what only a running node needs; the control is that a node does load it."""
    code = f"sys.argv = ['sos', *{words.split()!r}]\nfrom p2p_sos.cli.main import run\nrun()"
    loaded = loaded_by(code)
    assert "click" in loaded
    heavy = {"libp2p", "trio", "starlette", "hypercorn", "rich", "nacl", "apsw", "msgpack", "cattrs", "attr"}
    assert not heavy & loaded
    assert "trio" in loaded_by("import p2p_sos.cli.nodeprocess")


def test_every_command_of_the_table_exists_and_has_help(sos: Sos) -> None:
    """Each name in the help leads to a command, each with its own help."""
    listed = sos("--help").out
    for name in ALL:
        assert f"  {name} " in listed
        said = sos(name, "--help")
        assert said.exit == 0
        assert f"Usage: sos {name}" in said.out


def test_bare_groups_show_their_help(sos: Sos) -> None:
    """`sos` and `sos case` alone are no errors: they show what there is."""
    for words in ((), ("case",)):
        said = sos(*words)
        assert (said.exit, said.err) == (0, "")
        assert "Usage: sos" in said.out


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (("statsu",), "'status'"),
        (("case", "acept", "1"), "'accept'"),
        (("relays", "fetc", "-"), "'fetch'"),
        (("calls", "--closde"), "'--closed'"),
        (("call", "--need", "expertis"), "'expertise'"),
        (("call", "--nature", "ransomwar"), "'ransomware'"),
        (("call", "--severity", "hihg"), "'high'"),
        (("decline", "ab", "--reason", "unabel"), "'unable'"),
        (("call", "--language", "dee"), "'de'"),
        (("call", "--profile", "labratory"), "'laboratory'"),
    ],
)
def test_an_unknown_word_is_answered_with_the_nearest_right_one(
    sos: Sos, words: tuple[str, ...], nearest: str
) -> None:
    """Commands, options and vocabularies alike: exit 2, one sentence, the nearest right word."""
    said = sos(*words)
    assert said.exit == 2
    assert nearest in said.err
    assert said.err.startswith("sos: ")
    assert said.out == ""


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("show",), "CALL"),
        (("decline", "ab"), "REASON"),
        (("sitrep", "ab"), "STATUS"),
        (("case", "letter"), "TEXT"),
    ],
)
def test_a_missing_word_is_named(sos: Sos, words: tuple[str, ...], asked: str) -> None:
    """What lacks is named as it is typed."""
    said = sos(*words)
    assert said.exit == 2
    assert asked in said.err


def test_a_missing_word_of_a_short_vocabulary_is_answered_with_all_of_it(sos: Sos) -> None:
    """Whoever leads and is in a hurry need not look the seven words up."""
    said = sos("sitrep", "ab").err
    assert (
        "needs STATUS: setting-up, mitigating, attack-stopped, exceeds-capability, active-terminating, "
        in said
    )
    assert "terminated, withdrawn; see sos sitrep --help." in said


@pytest.mark.parametrize(
    "words", [("--json", "statsu"), ("statsu", "--json"), ("status", "--json"), ("--json", "show", "x")]
)
def test_errors_are_objects_under_json(sos: Sos, words: tuple[str, ...]) -> None:
    """An error under --json is one object with error, code and exit, wherever --json stands; nothing else is said."""
    said = sos(*words)
    (told,) = said.objects
    assert set(told) == {"error", "code", "exit"}
    assert told["exit"] == said.exit != 0
    assert said.err == ""


def test_json_after_two_dashes_is_text(sos: Sos) -> None:
    """What stands after `--` is never an option."""
    said = sos("statsu", "--", "--json")
    assert said.err.startswith("sos: ")


def test_home_is_taken_before_and_after_the_sub_command(sos: Sos, tmp_path: Path) -> None:
    """--home means the same in both places, and stands above SOS_HOME."""
    other = tmp_path / "other"
    with Stub({"GET /status": (200, STATUS)}).at(other / "api.sock"):
        for words in (("--home", str(other), "status"), ("status", "--home", str(other))):
            assert sos(*words).exit == 0
        assert sos("status").exit == 69


def test_a_fault_of_ours_is_one_sentence_and_exit_70(
    sos: Sos, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback reaches a person, unless it is asked for."""
    with Stub({"GET /status": (200, STATUS | {"peers": 7})}).at(home / "api.sock"):
        said = sos("status")
        assert said.exit == 70
        assert said.err.count("\n") == 1
        assert "TypeError" in said.err
        monkeypatch.setenv("SOS_TRACEBACK", "1")
        assert "Traceback" in sos("status").err


def test_a_path_too_long_for_a_socket_is_found_where_the_node_put_it(sos: Sos, tmp_path: Path) -> None:
    """A home deeper than the kernel's 107 bytes works all the same."""
    from p2p_sos.drivers.home import prepare_socket

    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    path = prepare_socket(deep / "api.sock", {"XDG_RUNTIME_DIR": str(tmp_path)})
    with Stub({"GET /status": (200, STATUS)}).at(path):
        assert sos("--home", str(deep), "status").exit == 0


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (("call", "--nature", "xyz"), ("ransomware", "ddos", "brute-force")),
        (("call", "--need", "qqq"), ("expertise", "patch", "backup")),
        (("decline", "ab", "--reason", "xyz"), ("unable", "unreasonable", "unnecessary")),
        (("call", "--language", "qq"), ("en, de or fr",)),
        (("xyz",), ("call", "status")),
    ],
)
def test_a_word_that_is_near_nothing_gets_the_list(
    sos: Sos, words: tuple[str, ...], some: tuple[str, ...]
) -> None:
    """No suggestion by chance: everything that there is."""
    said = sos(*words)
    assert said.exit == 2
    assert "did you mean" not in said.err
    for word in some:
        assert word in said.err


def test_a_right_word_among_others_is_found(sos: Sos) -> None:
    """A sentence typed under stress names the word in it."""
    assert "'encrypted'" in sos("call", "--nature", "our files are encrypted").err


def test_a_terminal_that_knows_ascii_alone_is_no_fault(home: Path) -> None:
    """Letters it cannot show become a mark."""
    environment = surroundings({"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"})
    words = [*SOS, "--home", str(home), "call", "--details", "größer"]
    done = subprocess.run(words, env=environment, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 77
    assert done.stdout.isascii()
    assert b"gr" in done.stdout

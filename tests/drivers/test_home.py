"""A home is private, names its holder, and finds a socket path that the kernel takes."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from p2p_sos.drivers.home import (
    SOCKET_PATH_BYTES_MAX,
    Exists,
    Held,
    Home,
    HomeError,
    Lock,
    prepare_socket,
    set_aside,
    socket_path_for,
    write_private,
)

HOLD = """
import sys
from pathlib import Path
from p2p_sos.drivers.home import Lock
with Lock(Path(sys.argv[1]), "The home"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_flag_goes_before_environment_before_default() -> None:
    """`--home` outranks SOS_HOME, which outranks ~/.sos."""
    assert Home.at("/a", {"SOS_HOME": "/b"}).root == Path("/a")
    assert Home.at(None, {"SOS_HOME": "/b"}).root == Path("/b")
    assert Home.at(None, {}).root == Path.home() / ".sos"


def test_created_directories_are_private(tmp_path: Path) -> None:
    """Whatever the umask, nobody else may enter a home; an open one is closed again."""
    home = Home(tmp_path / "h")
    home.create()
    home.root.chmod(0o755)
    home.create()
    for directory in (home.root, home.root / "keys", home.cases_path):
        assert directory.stat().st_mode & 0o777 == 0o700


def test_a_file_is_no_home(tmp_path: Path) -> None:
    """A path that is a file is refused with a sentence."""
    (tmp_path / "f").write_text("")
    with pytest.raises(HomeError, match="is a file"):
        Home(tmp_path / "f").create()


def test_second_holder_learns_who_holds(tmp_path: Path) -> None:
    """A second `sos up` names the process that holds the home; a killed holder gives it back."""
    path = tmp_path / "node.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(Held, match=f"process {holder.pid}") as held, Lock(path, "The home"):
            pass
        assert held.value.pid == holder.pid
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with Lock(path, "The home"):
        assert path.read_text() == f"{os.getpid()}\n"


def test_one_process_holds_two_homes_but_none_twice(tmp_path: Path) -> None:
    """Several nodes may run in one process; the same home may not."""
    with (
        Lock(tmp_path / "a", "A"),
        Lock(tmp_path / "b", "B"),
        pytest.raises(Held),
        Lock(tmp_path / "a", "A"),
    ):
        pass


def test_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    """A socket path beyond the kernel's limit is replaced by a short private one, found by any client."""
    deep = tmp_path / ("d" * 60) / ("e" * 60) / "api.sock"
    deep.parent.mkdir(parents=True)
    here = {"XDG_RUNTIME_DIR": str(tmp_path / "run")}
    path = prepare_socket(deep, here)
    assert len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX < len(os.fsencode(deep))
    assert path.parent.stat().st_mode & 0o777 == 0o700
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
    assert socket_path_for(deep, {}) == path, "a client with another environment finds it too"
    assert prepare_socket(deep, {}) == path
    assert not path.exists(), "an old socket is removed"


def test_short_path_stays(tmp_path: Path) -> None:
    """A path that fits is used as it is."""
    assert socket_path_for(Path("/x/api.sock"), {}) == Path("/x/api.sock")


def test_no_short_path_is_said(tmp_path: Path) -> None:
    """When even the stand-in is too long, the sentence says what to choose."""
    with pytest.raises(HomeError, match="shorter --home"):
        socket_path_for(Path("/" + "x" * 120), {"XDG_RUNTIME_DIR": "/" + "y" * 120})


def test_private_files_are_whole_and_private(tmp_path: Path) -> None:
    """A private file has mode 0600, replaces the old one at once, and leaves no draft."""
    path = tmp_path / "x"
    write_private(path, b"one")
    write_private(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["x"]


def test_set_aside_overwrites_nothing(tmp_path: Path) -> None:
    """A second damaged file gets a second name, and its companions go with it."""
    for content in (b"first", b"second"):
        (tmp_path / "node.db").write_bytes(content)
        (tmp_path / "node.db-wal").write_bytes(content + b" log")
        set_aside(tmp_path / "node.db", companions=("-wal", "-shm"))
    assert (tmp_path / "node.db.damaged-1").read_bytes() == b"first"
    assert (tmp_path / "node.db.damaged-1-wal").read_bytes() == b"first log"
    assert (tmp_path / "node.db.damaged-2").read_bytes() == b"second"
    assert not (tmp_path / "node.db").exists()


def test_cases_are_found_by_prefix(tmp_path: Path) -> None:
    """Only directories that hold a case file count, sorted, by their first digits."""
    home = Home(tmp_path)
    for name in ("ab12", "ab34", "cd56"):
        home.case(name).create()
        home.case(name).file_path.write_bytes(b"")
    (home.cases_path / "ab99").mkdir()
    assert [case.name for case in home.cases("ab")] == ["ab12", "ab34"]
    with pytest.raises(Exists):
        home.case("cd56").create()


def test_hints_hold_relays_alone(tmp_path: Path) -> None:
    """A resume finds its relays again; unreadable hints are no hints."""
    case = Home(tmp_path).case("ab12")
    case.create()
    case.write_hints(["/ip4/192.0.2.1/tcp/1/p2p/x"])
    assert case.bootstrap() == ("/ip4/192.0.2.1/tcp/1/p2p/x",)
    assert list(json.loads(case.hints_path.read_bytes())) == ["bootstrap"]
    case.hints_path.write_text("{nonsense")
    assert case.bootstrap() == ()

"""The programs that show the network: the demonstration and the test network, run as their users run them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.interop.foreign import ROOT

PATIENCE_S = 300


def run(program: str, *words: str) -> tuple[int, str]:
    """Run a script; its exit code and the last line of its standard output."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / program, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    return done.returncode, (done.stdout.splitlines() or [done.stderr])[-1]


@pytest.mark.parametrize("crash", [False, True], ids=["calm", "crash"])
def test_the_demonstration_ends_well(crash: bool) -> None:
    """Eight nodes hear, several claim, one is accepted; every letter is there once, a killed victim's too."""
    code, last = run("demo.py", "--json", "--seed", "7", *(["--crash-victim"] if crash else []))
    told: dict[str, Any] = json.loads(last)
    assert (code, told["ok"]) == (0, True), told
    expected = {"nodes": 8, "heard": 8, "claims": 3, "accepted": True, "complied": True, "cleared": 8}
    assert {name: told[name] for name in expected} == expected
    assert told["sitreps"] == 2  # one under the helpers' roster, one under the victim's requisition
    assert told["record"]["closed"] == "cleared"
    assert told["letters"] == (7 if crash else 6)
    assert told.get("crashed", False) is crash
    assert 0 < told["call_to_first_claim_s"] <= told["call_to_accept_s"]


def test_a_test_network_comes_up_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Three nodes in two processes answer on their sockets; a second `up` is refused; after `down` all is gone."""
    folder = tmp_path / "net"
    words = ("--folder", str(folder), "--json")
    code, last = run("testnet.py", "up", "3", "--per-process", "2", "--seed", "3", *words)
    assert code == 0, last
    said = json.loads(last)
    try:
        assert [node["number"] for node in said["nodes"]] == [0, 1, 2]
        assert len(said["pids"]) == 2
        for node in said["nodes"]:
            status = subprocess.run(
                [sys.executable, "-m", "p2p_sos.cli.main", "--home", node["home"], "--json", "status"],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            assert json.loads(status.stdout)["peers"] != []
        assert run("testnet.py", "up", "1", *words)[0] == 1
    finally:
        code, last = run("testnet.py", "down", *words)
    assert (code, json.loads(last)) == (0, {"down": True, "processes": 2})
    assert not folder.exists()
    assert [pid for pid in said["pids"] if Path(f"/proc/{pid}/cmdline").exists() and _is_ours(pid)] == []
    assert run("testnet.py", "down", *words)[0] == 1


def _is_ours(pid: int) -> bool:
    return b"testnet_process" in Path(f"/proc/{pid}/cmdline").read_bytes()

"""A network of real nodes on loopback, several to a process, that runs until it is taken down.

Comes in: `up N` or `down`. Goes out: the endpoints of the nodes, as a table or as one object (`--json`). All that
it leaves on the machine is one folder and the processes named in it, and `down` removes both. Who is linked with
whom, and what each node can do, is drawn from `--seed`. Sets itself up first.
"""

import argparse
import contextlib
import fcntl
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import setup
from fleet import is_alive
from tornet import Refused, finish

FOLDER = setup.ROOT / ".testnet"
LINKS = 4  # to nodes that came before: about eight neighbours each
NODES_MAX = 1000
START_S = 120.0
END_S = 30.0
LOOK_EVERY_S = 0.1

Json = dict[str, Any]


# ------------------------------------------------------------------------- up


class Worker:
    """One process that serves several nodes."""

    def __init__(self, folder: Path, number: int, nodes: Sequence[int], seed: int) -> None:
        program = str(Path(__file__).with_name("testnet_process.py"))
        with (folder / f"process-{number}.log").open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, program, str(folder), str(number)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self._log = folder / f"process-{number}.log"
        self.nodes = list(nodes)
        self.tell({"nodes": self.nodes, "seed": seed})

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def tell(self, what: Json) -> None:
        """Hand the process one object."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it ended: `hear` says why
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()

    def hear(self) -> Json:
        """The next object that the process says."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Refused(f"a process of the network ended: {self._log.read_text().strip()[-1000:]}")
        said: Json = json.loads(line)
        return said

    def let_go(self) -> None:
        """Close the pipes; the process goes on."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.returncode = 0  # it is meant to outlive us


def links(count: int, seed: int) -> list[list[int]]:
    """For each node, the nodes before it that it dials."""
    drawn = random.Random(seed)
    return [sorted(drawn.sample(range(node), min(LINKS, node))) for node in range(count)]


def up(count: int, seed: int, folder: Path, per_process: int) -> Json:
    """Start the network; its description."""
    if not 1 <= count <= NODES_MAX:
        raise Refused(f"{count} nodes: from 1 to {NODES_MAX} can be started")
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise Refused(f"{folder} exists: a network is up, take it down first") from None
    try:
        groups = [range(first, min(first + per_process, count)) for first in range(0, count, per_process)]
        workers = [Worker(folder, number, nodes, seed) for number, nodes in enumerate(groups)]
        nodes = [node for worker in workers for node in worker.hear()["nodes"]]
        wanted = links(count, seed)
        for worker in workers:
            dials = {str(node): [nodes[other]["address"] for other in wanted[node]] for node in worker.nodes}
            worker.tell({"dials": dials, "alone": count == 1})
        for worker in workers:
            worker.hear()
        said = {
            "up": True,
            "seed": seed,
            "folder": str(folder),
            "pids": [w.pid for w in workers],
            "nodes": nodes,
        }
        (folder / "network.json").write_text(json.dumps(said, indent=2) + "\n")
        for worker in workers:
            worker.let_go()
    except BaseException:
        down(folder)
        raise
    return said


# ------------------------------------------------------------------------- down


def running(folder: Path) -> list[int]:
    """The processes that serve the network of this folder: each holds its lock as long as it lives."""
    pids = []
    for path in sorted(folder.glob("process-*.lock")):
        with path.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pids.append(int(file.read() or 0))
    return [pid for pid in pids if pid]


def down(folder: Path) -> Json:
    """Stop every process of the network and remove its folder."""
    if not folder.exists():
        raise Refused(f"no network is up: {folder} does not exist")
    if any(folder.iterdir()) and not any(folder.glob("process-*")):
        raise Refused(f"{folder} is no network of ours; nothing was removed")
    stopped = running(folder)
    for how in (signal.SIGTERM, signal.SIGKILL):
        for pid in running(folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
        deadline = time.monotonic() + END_S
        while any(is_alive(pid) for pid in stopped) and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_S)
    shutil.rmtree(folder)
    return {"down": True, "processes": len(stopped)}


# ------------------------------------------------------------------------- the command


def show(said: Json) -> None:
    """What is up, for people."""
    print(f"{len(said['nodes'])} nodes in {len(said['pids'])} processes; seed {said['seed']}.")
    for node in said["nodes"]:
        print(f"  {node['number']:>4}  {node['address']}  {', '.join(node['skills']) or 'relays only'}")
    first = said["nodes"][0]
    elsewhere = "" if said["folder"] == str(FOLDER) else f" --folder {said['folder']}"
    print(f"One of them:    .venv/bin/sos --home {first['home']} status")
    print(f"A call to them: .venv/bin/sos call --bootstrap {first['address']}")
    print(f"Take it down:   python3 scripts/testnet.py down{elsewhere}")


def main() -> int:
    """Up or down."""
    parser = argparse.ArgumentParser(description="A network of real nodes on loopback.")
    parser.add_argument("what", choices=("up", "down"))
    parser.add_argument("count", type=int, nargs="?", help="how many nodes (for up)")
    parser.add_argument("--seed", type=int, default=1, help="draws links and skills")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where its homes are kept while it is up")
    parser.add_argument("--per-process", type=int, default=10, help="nodes to a process")
    parser.add_argument("--json", action="store_true", help="print one object")
    asked = parser.parse_args()
    if asked.what == "up" and asked.count is None:
        parser.error("how many nodes? for example: up 20")
    setup.ready()
    folder, per_process = asked.folder.absolute(), max(1, asked.per_process)

    def work() -> Json:
        return up(asked.count, asked.seed, folder, per_process) if asked.what == "up" else down(folder)

    return finish("testnet", work, show, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())

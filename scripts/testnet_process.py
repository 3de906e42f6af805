"""One process of a test network: serves several nodes in one loop until SIGTERM.

Comes in: a folder and a number; on standard input which nodes to serve, then whom each dials. Goes out: on standard
output the endpoints, then one object once every node has a peer. Holds `process-N.lock` as long as it lives.
"""

import fcntl
import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

import trio

from p2p_sos.drivers.home import Home
from p2p_sos.drivers.service import NodeService, serve_node
from p2p_sos.drivers.settings_file import load_settings
from p2p_sos.drivers.settings_text import write_default
from p2p_sos.wire.registry import Need
from p2p_sos.wire.vocabulary import words

LOOK_EVERY_S = 0.05
RELAY_SHARE = 0.2  # of the nodes answer nothing
AUTOMATIC_SHARE = 0.6  # of the others claim by themselves
SKILLS_MAX = 4

Json = dict[str, Any]


def prepare(folder: Path, number: int, seed: int) -> tuple[Home, list[str]]:
    """A home with drawn skills; its policy asks for severity high and above, as settings do by default."""
    drawn = random.Random(f"{seed}/{number}")
    home = Home(folder / f"n{number}")
    home.create()
    skills: list[str] = []
    if drawn.random() >= RELAY_SHARE:
        skills = drawn.sample(words(Need), drawn.randint(1, SKILLS_MAX))
    values: Json = {"node.listen": ["/ip4/127.0.0.1/tcp/0"], "duty.skills": skills, "log.level": "warning"}
    if skills:
        values["duty.manner"] = "automatic" if drawn.random() < AUTOMATIC_SHARE else "person"
        values["duty.introduction"] = f"Node {number} of the test network."
    write_default(home.settings_path, values)
    return home, skills


async def serve(folder: Path) -> None:
    """Serve what standard input names."""
    told = await hear()
    services: dict[int, NodeService] = {}
    endpoints: list[Json] = []
    async with trio.open_nursery() as nursery:
        for number in told["nodes"]:
            home, skills = prepare(folder, number, told["seed"])
            service = await nursery.start(serve_node, home, load_settings(home.settings_path))
            services[number] = service
            endpoints.append(
                {"number": number, "home": str(home.root), "address": service.addresses[0],
                 "peer_id": service.peer_id, "api": str(home.socket_path), "skills": skills}
            )  # fmt: skip
        say({"nodes": endpoints})
        links = await hear()
        for number, addresses in links["dials"].items():
            services[int(number)].connect(addresses)
        unlinked = [] if links["alone"] else list(services.values())
        # A service tells nobody when a peer joins.
        while unlinked := [service for service in unlinked if not service.node.peers]:  # noqa: ASYNC110 (see above)
            await trio.sleep(LOOK_EVERY_S)
        say({"linked": True})
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for _ in signals:
                break
        for service in services.values():
            service.stop()


async def hear() -> Json:
    """The next object on standard input."""
    line = await trio.to_thread.run_sync(sys.stdin.readline)
    if not line:
        raise SystemExit("the program that started this process is gone")
    told: Json = json.loads(line)
    return told


def say(what: Json) -> None:
    """One object on standard output."""
    print(json.dumps(what), flush=True)


def main() -> None:
    """Hold the lock, then serve."""
    folder, number = Path(sys.argv[1]), sys.argv[2]
    with (folder / f"process-{number}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(str(os.getpid()))
        lock.flush()
        trio.run(serve, folder)


if __name__ == "__main__":
    main()

"""The process of a node: serves one home until a signal or `sos down`.

Comes in: a home and its settings (in the background: as one JSON line on standard input). Goes out: one line that says
that the node is up, or why not. This is where libp2p gets loaded.
"""

import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import trio

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.grammar import Session
from p2p_sos.cli.homes import home_of, settings_of
from p2p_sos.cli.launch import report
from p2p_sos.cli.serving import run
from p2p_sos.cli.started import WAIT_S, announce, not_joined
from p2p_sos.drivers.service import NodeService, serve_node
from p2p_sos.drivers.settings import Settings

LOOK_EVERY_S = 0.1
Told = Callable[[dict[str, Any]], None]


def serve(session: Session, settings: Settings, bootstrap: Sequence[str], *, wait: bool) -> None:
    """Serve in this process until Ctrl-C, SIGTERM or `sos down`."""
    _run(session, settings, bootstrap, wait=wait, told=lambda said: announce(session, said, detached=False))
    session.screen.object({"down": True, "pid": os.getpid()})
    session.screen.line("The node is down.")


def _run(session: Session, settings: Settings, bootstrap: Sequence[str], *, wait: bool, told: Told) -> None:
    services: list[NodeService] = []

    def stop() -> bool:
        for service in services:
            service.stop()
        return bool(services)

    async def tell_when_up() -> None:
        joined = await _joined(session) if wait else True
        told(await _said(session, services[0]))
        if not joined:
            print("sos: " + not_joined(session).sentence, file=sys.stderr, flush=True)

    async def main() -> None:
        async with trio.open_nursery() as nursery:

            def ready(service: NodeService) -> None:
                services.append(service)
                nursery.start_soon(tell_when_up)

            await serve_node(home_of(session), settings, bootstrap_extra=tuple(bootstrap), ready=ready)
            nursery.cancel_scope.cancel()

    run(main, stop)


async def _status(session: Session) -> dict[str, Any]:
    from p2p_sos.cli.reach import node_line

    return await trio.to_thread.run_sync(lambda: node_line(session).get("/status"))


async def _joined(session: Session) -> bool:
    with trio.move_on_after(WAIT_S):
        async for _ in _looks():
            if (await _status(session)).get("peers"):
                return True
    return False


async def _looks() -> AsyncIterator[None]:
    while True:
        yield
        await trio.sleep(LOOK_EVERY_S)


async def _said(session: Session, service: NodeService) -> dict[str, Any]:
    status = await _status(session)
    return {
        "up": True,
        "pid": os.getpid(),
        "home": str(session.home),
        "peer_id": service.peer_id,
        "addresses": list(service.addresses),
        "responder": service.responder,
        "remarks": list(service.remarks),
        "peers": len(status.get("peers") or []),
    }


def main(arguments: Sequence[str]) -> int:
    """Serve the home given, in the background; the rest comes on standard input."""
    session = Session()
    session.home_given = str(Path(arguments[0]))
    told: dict[str, Any] = json.loads(sys.stdin.readline())
    try:
        settings = settings_of(session)
        _run(session, settings, tuple(told["bootstrap"]), wait=bool(told["wait"]), told=report)
    except Stop as stop:
        report({"error": stop.sentence, "code": stop.code, "exit": stop.exit_code})
        return stop.exit_code
    return exits.DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

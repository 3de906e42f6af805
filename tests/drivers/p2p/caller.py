"""A process that calls through a proxy, and tells all that it touched of the network while it did.

Comes in: on standard input one object per line: what to do, through which port, with which relays. Goes out: for each,
one object: how it ended and what was touched. Started as `PROGRAM`, it runs the real code alone; only a `leaky` one has its dialler replaced.
"""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import trio
from attrs import evolve

from p2p_sos.core.events import Event, Pushed, PushFailed
from p2p_sos.core.origin.way import Way
from p2p_sos.drivers.addresses import Address, bootstrap_address
from p2p_sos.drivers.case_service import CallPlan, CaseService, create_case, serve_case
from p2p_sos.drivers.home import Home
from p2p_sos.drivers.p2p import hidden
from p2p_sos.drivers.p2p.dial import Circuits, Dialled, dial_in_the_open
from p2p_sos.drivers.p2p.keeper import KeeperLimits
from p2p_sos.drivers.p2p.push import PushLimits
from p2p_sos.drivers.socks import SocksAddress, SocksFault
from p2p_sos.wire.registry import CELL_BYTES, Need
from tests.drivers.p2p.touched import Touch

PATIENCE_S = 60.0
_QUICK = KeeperLimits(dial_s=20.0, first_wait_s=0.02, last_wait_s=0.05)
LIMITS = PushLimits(
    listening=evolve(PushLimits().listening, keeper=_QUICK, ping_every_s=0.05),
    errand=evolve(PushLimits().errand, keeper=_QUICK, ping_every_s=0.05),
)


class Leaky(Circuits):
    """The fault that must never be made: where the proxy fails, go without it."""

    async def __call__(self, address: Address) -> Dialled:
        """Through the proxy, or in the open."""
        try:
            return await super().__call__(address)
        except SocksFault:
            return await dial_in_the_open(address)


async def push(job: dict[str, Any]) -> str:
    """Listen and push one cell, until it is out or has failed and, where the proxy is gone, until it was dialled again."""
    relays = [bootstrap_address(text) for text in job["relays"]]
    mesh = hidden.HiddenMesh(bytes(32), relays, relays, SocksAddress("127.0.0.1", job["port"]), limits=LIMITS)
    ended: list[str] = []
    known = trio.Event()

    def deliver(event: Event) -> None:
        if isinstance(event, Pushed | PushFailed):
            ended.append("pushed" if isinstance(event, Pushed) else event.why)
            known.set()

    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            await nursery.start(mesh.run, deliver)
            mesh.push(job["number"].to_bytes(4, "big") + bytes(CELL_BYTES - 4))
            await known.wait()
            while job["dies"] and len(mesh.faults) < len(relays):  # noqa: ASYNC110 - faults tell nobody when they change
                await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
    return ended[0]


async def case(job: dict[str, Any]) -> str:
    """Make a case and serve it through the proxy, until it ends by the word on standard input."""
    home = Home(Path(job["home"]))
    socks = ("127.0.0.1", job["port"])
    plan = CallPlan(needs=1 << Need.INVESTIGATE, situation="They took the pumping station.")
    new = await create_case(
        home,
        plan,
        passphrase="secret",
        recovery_code=False,
        bootstrap=job["relays"],
        way=Way.PUSH,
        socks=socks,
    )
    async with trio.open_nursery() as nursery:
        service: CaseService = await nursery.start(partial(serve_case, new.home, new.file, job["relays"]))
        print(json.dumps({"call": new.call.hex(), "socket": str(new.home.socket_path)}), flush=True)
        await trio.to_thread.run_sync(sys.stdin.readline)
        told = service.view()
        service.stop()
    return f"{told.phase.value} heard={told.heard}"


async def serve(touched: list[Touch]) -> None:
    """Each job in its turn."""
    while line := await trio.to_thread.run_sync(sys.stdin.readline):
        job = json.loads(line)
        hidden.Circuits = Leaky if job.get("leaky") else Circuits
        before = len(touched)
        ended = await {"push": push, "case": case}[job["what"]](job)
        print(json.dumps({"ended": ended, "touched": touched[before:]}), flush=True)


# The audit begins before anything of ours, or of libp2p, is loaded.
PROGRAM = """
import trio
from tests.drivers.p2p.touched import audit
touched = audit()
from tests.drivers.p2p.caller import serve
trio.run(serve, touched)
"""

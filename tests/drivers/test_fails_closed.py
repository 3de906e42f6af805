"""A victim behind a proxy touches nothing but the proxy, wherever in the conversation the proxy dies."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from p2p_sos.drivers.api.client import LocalApi
from p2p_sos.drivers.p2p.mesh import Libp2pMesh
from p2p_sos.drivers.service import NodeService
from tests.drivers.p2p.calling import Caller, caller
from tests.drivers.p2p.machine import needs
from tests.drivers.p2p.nodes import mesh, relays
from tests.drivers.p2p.proxy import Proxy, proxies
from tests.drivers.p2p.touched import leaks, traced
from tests.drivers.services import DUTY, ask, node

NAME = "localhost"  # known to every machine, so that a look-up in the open would succeed, and reach nobody
HANDSHAKE_MAX = 200  # bytes of SOCKS before a first byte goes beyond the proxy: about 160
SAMPLES = 96
EVERY = os.environ.get(
    "SOS_SWEEP", ""
)  # FIRST:END tries each of these bytes instead; some 600 fit into the test's patience


def named(relay: Libp2pMesh | NodeService) -> tuple[str, dict[str, tuple[str, int]]]:
    """The relay's address by name, and what the proxy must know to find it."""
    _, _, host, _, port, _, peer = relay.addresses[0].split("/")
    return f"/dns4/{NAME}/tcp/{port}/p2p/{peer}", {NAME: (host, int(port))}


async def push(process: Caller, proxy: Proxy, number: int, relay: str, **more: Any) -> dict[str, Any]:
    """Have one cell pushed through this proxy."""
    dies = proxy.dies_after is not None and not more.get("leaky")
    said = await process.do(what="push", port=proxy.port, relays=[relay], number=number, dies=dies, **more)
    said["leaks"] = leaks(said["touched"], "127.0.0.1", proxy.port)
    return said


@pytest.mark.trio
async def test_a_proxy_that_dies_at_any_byte_leaks_nothing() -> None:
    """For each byte of the SOCKS conversation, and samples of Noise, Yamux and the streams behind it: the proxy alone is dialled, the name is never looked up."""
    relay = mesh(1)
    async with relays(relay) as [(speaker, _)], caller() as process:
        where, names = named(relay)
        whole = Proxy(names)
        async with proxies(whole):
            said = await push(process, whole, 0, where)
            assert (said["ended"], said["leaks"]) == ("pushed", [])
            assert len(speaker.cells) == 1
            assert {(asked.kind, asked.host) for asked in whole.asked} == {(3, NAME)}
        step = max(1, (whole.most - HANDSHAKE_MAX) // SAMPLES)
        offsets = [*range(HANDSHAKE_MAX), *range(HANDSHAKE_MAX, whole.most, step)]
        if EVERY:
            first, end = map(int, EVERY.split(":"))
            offsets = list(range(first, min(end, whole.most)))
        failed = 0
        for offset in offsets:
            dying = Proxy(names, dies_after=offset)
            async with proxies(dying):
                said = await push(process, dying, 1 + offset, where)
            assert dying.died.is_set(), offset
            assert said["leaks"] == [], offset
            assert said["touched"], offset
            failed += said["ended"] != "pushed"
        assert failed > HANDSHAKE_MAX or EVERY


@pytest.mark.trio
async def test_a_proxy_that_is_not_there_leaks_nothing() -> None:
    """Nothing listens at the port: the push fails with a sentence that says so, and nothing else is dialled."""
    relay, gone = mesh(1), Proxy()
    async with relays(relay) as [(speaker, _)], caller() as process:
        async with proxies(gone):
            gone.die()
        gone.dies_after = 0
        said = await push(process, gone, 1, named(relay)[0])
        assert said["leaks"] == []
        assert f"nothing answers at the SOCKS port 127.0.0.1:{gone.port}" in said["ended"]
        assert "nothing was tried by any other way" in said["ended"]
        assert speaker.cells == {}


@pytest.mark.trio
@pytest.mark.parametrize("offset", [0, 3, 60])
async def test_a_dialler_that_goes_without_the_proxy_is_caught(offset: int) -> None:
    """Control: a caller that falls back to the clear network is heard to look up the name and to dial the relay."""
    relay = mesh(1)
    async with relays(relay), caller() as process:
        where, names = named(relay)
        dying = Proxy(names, dies_after=offset)
        async with proxies(dying):
            said = await push(process, dying, 1, where, leaky=True)
        assert ["socket.getaddrinfo", NAME] in said["leaks"]
        assert ["socket.connect", relay.addresses[0].split("/")[2] + ":" + where.split("/")[4]] in said[
            "leaks"
        ]


@pytest.mark.trio
@pytest.mark.parametrize("leaky", [False, True])
async def test_the_kernel_saw_nothing_else(tmp_path: Path, leaky: bool) -> None:
    """Under strace no thread opens a datagram socket or dials anything but the proxy; and, the control, it sees a leak."""
    needs("strace")
    relay = mesh(1)
    trace = tmp_path / "trace"
    async with relays(relay):
        where, names = named(relay)
        ports = []
        async with caller("strace", "-f", "-qq", "-e", "trace=network", "-o", str(trace)) as process:
            for offset in (0, 3, 60, 400, 1200):
                dying = Proxy(names, dies_after=offset)
                async with proxies(dying):
                    await push(process, dying, offset, where, leaky=leaky)
                ports.append(dying.port)
    touched = traced(trace.read_text())
    assert len([touch for touch in touched if touch[1] == f"127.0.0.1:{ports[0]}"]) > 1
    for port in ports:
        touched = leaks(touched, "127.0.0.1", port)
    assert bool(touched) is leaky, touched


async def until_told(api: LocalApi, holds: Callable[[Any], bool]) -> None:
    """Wait until this is true of the case."""
    while not holds(await ask(api.get, "/case")):  # noqa: ASYNC110 - another process, which tells nobody
        await trio.sleep(0.05)


@pytest.mark.trio
@pytest.mark.parametrize("dies_after", [50, 2500, None])
async def test_a_whole_case_leaks_nothing(tmp_path: Path, dies_after: int | None) -> None:
    """A case from its making to its stop, seen by the kernel: the proxy dies early, or while an answered victim writes."""
    needs("strace")
    trace = tmp_path / "trace"
    strace = ("strace", "-f", "-qq", "-e", "trace=network", "-o", str(trace))
    async with node(tmp_path / "a", DUTY) as helper, caller(*strace) as process:
        where, names = named(helper)
        proxy = Proxy(names, dies_after=dies_after)
        async with proxies(proxy):
            told = await process.do(what="case", home=str(tmp_path / "v"), port=proxy.port, relays=[where])
            api = LocalApi(Path(told["socket"]))
            if dies_after is None:
                await until_told(api, lambda case: case["claims"] and case["claims"][0]["attested"])
                await ask(
                    api.post,
                    "/case/accept",
                    {"responder": (await ask(api.get, "/case"))["claims"][0]["responder"]},
                )
                while len(proxy.asked) < 3:  # one listens, one brought the call, one is on its way
                    await trio.lowlevel.checkpoint()
                proxy.die()
            await until_told(api, lambda case: case["faults"])
            said = await process.end()
    assert leaks(said["touched"], "127.0.0.1", proxy.port) == []
    touched = traced(trace.read_text())
    assert ["connect", f"127.0.0.1:{proxy.port}"] in touched
    assert leaks(touched, "127.0.0.1", proxy.port) == []

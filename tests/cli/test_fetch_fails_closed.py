"""`sos relays fetch` touches nothing but the proxy, wherever in the conversation the proxy dies, and then changes nothing."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.fetcher import PROGRAM
from tests.drivers.p2p.calling import Caller, caller
from tests.drivers.p2p.machine import needs
from tests.drivers.p2p.proxy import Proxy, proxies
from tests.drivers.p2p.touched import leaks, traced
from tests.drivers.test_relay_lists import ONE, OTHER
from tests.drivers.web import Web, certified, page, webs

NAME = "localhost"  # known to every machine, so that a look-up in the open would succeed, and reach nobody
PROBE = 5  # bytes by which a port is found to answer: fewer, and there is none
HANDSHAKE_MAX = 120  # bytes of SOCKS before a first byte goes beyond the proxy: about 105
WITHIN_S = 240.0
LIST = f"{ONE}\n{OTHER}\n".encode()


async def fetch(process: Caller, proxy: Proxy, web: Web, home: Path, **more: Any) -> dict[str, Any]:
    """Have the list of this server fetched through this proxy."""
    url = f"http{'s' if web.tls else ''}://{NAME}:{web.port}/relays.txt"
    environment = {"SOS_SOCKS": f"127.0.0.1:{proxy.port}", "SOS_HOME": str(home)}
    said = await process.do(words=["relays", "fetch", url], environment=environment, **more)
    said["leaks"] = leaks(said["touched"], "127.0.0.1", proxy.port)
    return said


def names(web: Web) -> dict[str, tuple[str, int]]:
    """What the proxy must know to find the server."""
    return {NAME: ("127.0.0.1", web.port)}


async def whole(process: Caller, web: Web, home: Path) -> Proxy:
    """Fetch it once through a proxy that lives: it comes, and the name was looked up by the proxy."""
    proxy = Proxy(names(web))
    async with proxies(proxy):
        said = await fetch(process, proxy, web, home)
    assert (said["exit"], said["leaks"]) == (0, [])
    assert said["said"]["relays"] == [ONE, OTHER]
    assert [(asked.kind, asked.host) for asked in proxy.asked] == [(3, NAME)]
    return proxy


@pytest.mark.trio
async def test_a_proxy_that_dies_at_any_byte_leaks_nothing(tmp_path: Path) -> None:
    """At samples of SOCKS, and of HTTP behind it: the proxy alone is dialled, nothing is looked up, the old list stays."""
    web = Web({"/relays.txt": page(LIST)})
    async with webs(web), caller(within_s=WITHIN_S, program=PROGRAM) as process:
        most = (await whole(process, web, tmp_path)).most
        before = (tmp_path / "relays.json").read_bytes()
        for offset in [
            *range(PROBE + 2),
            *range(PROBE + 2, HANDSHAKE_MAX, 3),
            *range(HANDSHAKE_MAX, most, 15),
            most - 1,
        ]:
            dying = Proxy(names(web), dies_after=offset)
            async with proxies(dying):
                said = await fetch(process, dying, web, tmp_path)
            assert dying.died.is_set(), offset
            assert said["leaks"] == [], offset
            assert said["touched"], offset
            absent, broken = (77, "no-socks"), (1, "not-fetched")
            # The reset may overtake the last byte of the answer by which the port is found.
            expected = [absent] * (offset <= PROBE) + [broken] * (offset >= PROBE)
            assert (said["exit"], said["said"]["code"]) in expected, offset
            assert (tmp_path / "relays.json").read_bytes() == before


@pytest.mark.trio
async def test_a_proxy_that_dies_during_tls_leaks_nothing(tmp_path: Path) -> None:
    """The same at samples of a conversation over TLS: what comes of it is the whole list, or nothing."""
    context, authority = certified(tmp_path, NAME)
    web = Web({"/relays.txt": page(LIST)}, tls=context)
    async with webs(web), caller(within_s=WITHIN_S, program=PROGRAM) as process:
        trusting = {"environment": {"SSL_CERT_FILE": str(authority)}, "words": ["relays"]}
        assert (await process.do(**trusting))["touched"] == []
        most = (await whole(process, web, tmp_path)).most
        before = (tmp_path / "relays.json").read_bytes()
        failed = 0
        for offset in range(HANDSHAKE_MAX, most, max(1, most // 48)):
            dying = Proxy(names(web), dies_after=offset)
            async with proxies(dying):
                said = await fetch(process, dying, web, tmp_path)
            assert said["leaks"] == [], offset
            if said["exit"] == 0:  # what it lost came behind the list
                assert said["said"]["relays"] == [ONE, OTHER]
                before = (tmp_path / "relays.json").read_bytes()
            failed += said["exit"] == 1
            assert (tmp_path / "relays.json").read_bytes() == before
        assert failed > 30


@pytest.mark.trio
async def test_a_proxy_that_is_not_there_leaks_nothing(tmp_path: Path) -> None:
    """Nothing listens at the port: 77, a sentence with the very command to go on, no look-up, no file, no home."""
    web, gone = Web({"/relays.txt": page(LIST)}), Proxy()
    async with webs(web), caller(program=PROGRAM) as process:
        async with proxies(gone):
            gone.die()
        said = await fetch(process, gone, web, tmp_path / "home")
    assert (said["exit"], said["said"]["code"], said["leaks"]) == (77, "no-socks", [])
    assert said["said"]["error"].endswith(f"http://{NAME}:{web.port}/relays.txt --in-the-open")
    assert not (tmp_path / "home").exists()
    assert web.asked == []


@pytest.mark.trio
@pytest.mark.parametrize("offset", [PROBE + 1, 60, 150])
async def test_a_fetch_that_goes_without_the_proxy_is_caught(tmp_path: Path, offset: int) -> None:
    """Control: one that falls back to the clear network is heard to look up the name and to dial the server."""
    web = Web({"/relays.txt": page(LIST)})
    async with webs(web), caller(program=PROGRAM) as process:
        dying = Proxy(names(web), dies_after=offset)
        async with proxies(dying):
            said = await fetch(process, dying, web, tmp_path, leaky=True)
    assert ["socket.getaddrinfo", NAME] in said["leaks"]
    assert ["socket.connect", f"127.0.0.1:{web.port}"] in said["leaks"]
    assert said["exit"] == 0


@pytest.mark.trio
@pytest.mark.parametrize("leaky", [False, True])
async def test_the_kernel_saw_nothing_else(tmp_path: Path, leaky: bool) -> None:
    """Under strace no thread opens a datagram socket or dials anything but the proxy; and, the control, it sees a leak."""
    needs("strace")
    web, trace, ports = Web({"/relays.txt": page(LIST)}), tmp_path / "trace", list[int]()
    strace = ("strace", "-f", "-qq", "-e", "trace=network", "-o", str(trace))
    async with webs(web), caller(*strace, program=PROGRAM) as process:
        for offset in (0, 3, 60, 200, None):
            dying = Proxy(names(web), dies_after=offset)
            async with proxies(dying):
                await fetch(process, dying, web, tmp_path, leaky=leaky)
            ports.append(dying.port)
    touched = traced(trace.read_text())
    assert ["connect", f"127.0.0.1:{ports[-1]}"] in touched
    for port in ports:
        touched = leaks(touched, "127.0.0.1", port)
    assert bool(touched) is leaky, touched

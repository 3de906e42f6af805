"""The SOCKS port: how it is named, whether it answers, and that a connection through it fails in one way alone."""

import ast
import random
import socket
from functools import partial

import pytest
import trio

from p2p_sos.drivers.socks import (
    USUAL,
    ProxyAway,
    ProxyRefused,
    SocksAddress,
    SocksFault,
    User,
    candidates,
    open_through,
    parse_socks,
    socks_answers,
)
from tests.drivers.p2p.proxy import Proxy, proxies
from tests.house.sources import python

PATIENCE_S = 60.0


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9050", ("127.0.0.1", 9050)),
        (" localhost:9150 ", ("127.0.0.1", 9150)),
        ("socks5h://10.152.152.10:9050/", ("10.152.152.10", 9050)),
        ("[::1]:9050", ("::1", 9050)),
    ],
)
def test_a_port_is_read(text: str, address: tuple[str, int]) -> None:
    """Digits and a port; and what is shown is read again."""
    parsed = parse_socks(text)
    assert parsed == address
    assert parse_socks(str(parsed)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9050",
        "tor:9050",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:70000",
        "[tor]:1",
        "1.2.3:1",
    ],
)
def test_what_is_no_port_is_refused(text: str) -> None:
    """One sentence; a name above all, which would have to be looked up."""
    assert isinstance(parse_socks(text), str)


def test_the_environment_names_the_port() -> None:
    """`SOS_SOCKS` names the one port that counts; without it the usual two; a wrong one is told, never passed over."""
    assert candidates({"SOS_SOCKS": "127.0.0.1:1"}) == (SocksAddress("127.0.0.1", 1),)
    assert candidates({}) == candidates({"SOS_SOCKS": " "}) == USUAL
    wrong = candidates({"SOS_SOCKS": "tor:9050"})
    assert isinstance(wrong, str)
    assert wrong.startswith("SOS_SOCKS")


@pytest.mark.trio
async def test_a_proxy_that_takes_user_names_answers() -> None:
    """Only such a one does: not a closed port, a proxy without user names, another protocol, silence, or a name."""
    good, open_to_all, other = Proxy(), Proxy(accepts=0), Proxy(garbage=b"HTTP/1.1 400 Bad Request\r\n\r\n")
    dead = Proxy(dies_after=4)
    ask = partial(trio.to_thread.run_sync, socks_answers)
    silent = socket.create_server(("127.0.0.1", 0))
    with silent, trio.fail_after(PATIENCE_S):
        async with proxies(good, open_to_all, other, dead):
            assert await ask(("127.0.0.1", good.port))
            assert not await ask(("127.0.0.1", open_to_all.port))
            assert not await ask(("127.0.0.1", other.port))
            assert not await ask(("127.0.0.1", dead.port))
            assert not await ask(("127.0.0.1", silent.getsockname()[1]), 0.2)
            assert not await ask(("localhost", good.port))
        assert not await ask(("127.0.0.1", good.port))


@pytest.mark.trio
async def test_each_step_that_fails_says_whose_fault_it_is() -> None:
    """No proxy, one that takes no user names, one that breaks off, one that cannot reach the peer, a name that cannot be."""
    user = User.fresh()
    with trio.fail_after(PATIENCE_S):
        gone, anybody, hasty, good = Proxy(), Proxy(accepts=0), Proxy(dies_after=70), Proxy()
        async with proxies(gone):
            gone.die()
        async with proxies(anybody, hasty, good):
            for proxy, host, fault, why in (
                (gone, "relay.invalid", ProxyAway, "nothing answers"),
                (anybody, "relay.invalid", ProxyAway, "takes user names"),
                (hasty, "relay.invalid", ProxyAway, "broke off"),
                (good, "127.0.0.1", ProxyRefused, "could not reach it"),
                (good, "x" * 300, ProxyAway, "broke off"),
            ):
                with pytest.raises(fault, match=why):
                    await open_through(SocksAddress("127.0.0.1", proxy.port), user, host, 1)
    assert anybody.asked == []


@pytest.mark.trio
async def test_no_answer_of_a_proxy_raises_anything_else() -> None:
    """Whatever a hostile proxy answers, a `SocksFault` comes of it: 300 answers, from nothing to reply codes that nobody knows."""
    source = random.Random(1)
    heads = [
        b"",
        b"\x05\x02",
        b"\x05\x02\x01\x00",
        b"\x05\x02\x01\x00\x05\x00\x00",
        b"\x05\x02\x01\x00\x05\x00\x00\x03\xff",
    ]
    with trio.fail_after(PATIENCE_S):
        for number in range(300):
            hostile = Proxy(garbage=heads[number % len(heads)] + source.randbytes(number % 12))
            async with proxies(hostile):
                with trio.move_on_after(PATIENCE_S):
                    try:
                        stream = await open_through(
                            SocksAddress("127.0.0.1", hostile.port), User.fresh(), "relay.invalid", 1
                        )
                    except SocksFault:
                        continue
                    await stream.aclose()  # it happened to answer well


OPENERS = (
    "open_tcp_stream",
    "create_connection",
    "getaddrinfo",
    "gethostbyname",
    "socket",
    "open_ssl_over_tcp_stream",
)
MAY_DIAL = {
    "p2p_sos/drivers/p2p/dial.py": ["open_tcp_stream"],  # for whoever hides from nobody
    "p2p_sos/drivers/fetching.py": ["open_tcp_stream"],  # for whoever says --in-the-open
    "p2p_sos/drivers/socks.py": ["create_connection", "socket"],  # the proxy's port alone
    "p2p_sos/drivers/api/client.py": ["socket"],  # a file's
    "p2p_sos/drivers/api/server.py": ["socket"],  # a file's
}


def test_one_place_dials() -> None:
    """Nothing in the package opens a connection or looks a name up but the diallers."""
    found: dict[str, list[str]] = {}
    for source in python("p2p_sos"):
        for node in ast.walk(source.tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in OPENERS
            ):
                found.setdefault(source.path, []).append(node.func.attr)
    assert {path: sorted(set(names)) for path, names in found.items()} == MAY_DIAL

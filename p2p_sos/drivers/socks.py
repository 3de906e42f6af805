"""The SOCKS5 port that hides where a victim stands: which one, whether it answers, and connections through it.

Decides that nothing but the proxy is ever dialled, that a name is never looked up here, and that each user name was
taken, since by it Tor keeps circuits apart. In come an address or a name and a port; out goes a stream, or a
`SocksFault` that says at which step it failed. Must not know what the stream carries.
"""

import secrets
import socket
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address
from typing import Any, NamedTuple

import trio
from attrs import frozen

ENVIRONMENT = "SOS_SOCKS"
USER_BYTES = 16
_GREETING = bytes((5, 1, 2))  # version 5, one method: user name and password
_GREETED = bytes((5, 2))
_ANSWER_S = 2.0  # guess: the port stands on this machine


class SocksAddress(NamedTuple):
    """Where the proxy listens: an IP address in digits, never a name, and a port."""

    host: str
    port: int

    @property
    def is_here(self) -> bool:
        """Whether it stands on this machine."""
        return ip_address(self.host).is_loopback

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


# Where the system's Tor and the Tor Browser listen.
USUAL = (SocksAddress("127.0.0.1", 9050), SocksAddress("127.0.0.1", 9150))


class SocksFault(OSError):
    """No connection came of it, and none was tried by any other way."""


class ProxyAway(SocksFault):
    """The proxy itself: nothing answers there, or it broke off, or it takes no user names."""


class ProxyRefused(SocksFault):
    """The proxy answers, and could not reach whom it was asked for."""


@frozen
class User:
    """A SOCKS user name and password, drawn at random: whoever has its own has a circuit of its own."""

    name: str
    password: str

    @classmethod
    def fresh(cls) -> "User":
        """One that nobody had before."""
        return cls(secrets.token_hex(USER_BYTES), secrets.token_hex(USER_BYTES))


def parse_socks(text: str) -> SocksAddress | str:
    """Read `127.0.0.1:9050`, `[::1]:9050` or `localhost:9050`; else say what is wrong with it."""
    shown = text.strip().removeprefix("socks5h://").removeprefix("socks5://").rstrip("/")
    host, _, port = shown.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host  # by definition; nothing is looked up
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if not _is_in_digits(host):
        return f"{text!r} names no SOCKS port: write it in digits, as 127.0.0.1:9050; a name would be looked up in the open."
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65535):
        return f"{text!r} has the port {port!r}: a port is a number from 1 to 65535."
    return SocksAddress(host, int(port))


def candidates(environment: Mapping[str, str]) -> tuple[SocksAddress, ...] | str:
    """The ports worth asking: the one that `SOS_SOCKS` names and no other, else the usual two. Or what is wrong."""
    named = environment.get(ENVIRONMENT, "").strip()
    if not named:
        return USUAL
    parsed = parse_socks(named)
    return f"{ENVIRONMENT}: {parsed}" if isinstance(parsed, str) else (parsed,)


def socks_answers(address: tuple[str, int], within_s: float = _ANSWER_S) -> bool:
    """Whether a SOCKS5 proxy that takes user names, as Tor does, answers there. Blocks; sends a greeting, no more."""
    if not _is_in_digits(address[0]):
        return False
    with suppress(OSError), socket.create_connection(address, timeout=within_s) as stream:
        stream.sendall(_GREETING)
        return _read_exactly(stream, len(_GREETED)) == _GREETED
    return False


def _read_exactly(stream: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count and (more := stream.recv(count - len(got))):
        got += more
    return got


def _is_in_digits(host: str) -> bool:
    for kind in (IPv4Address, IPv6Address):
        with suppress(AddressValueError):
            kind(host)
            return True
    return False


# ------------------------------------------------------------------------- connections


class _Threshold:
    """The way to the proxy's door, for python-socks: dials it and nothing else, and hears how it answers a greeting."""

    def __init__(self, address: SocksAddress) -> None:
        self._address = address
        self._raw: trio.socket.SocketType | None = None
        self._heard = b""

    async def connect(self, **_: Any) -> "_Threshold":
        """Dial the proxy, whomever python-socks asks for. Raises `ProxyAway`."""
        family = trio.socket.AF_INET6 if ":" in self._address.host else trio.socket.AF_INET
        raw, connected = trio.socket.socket(family, trio.socket.SOCK_STREAM), False
        try:
            await raw.connect(tuple(self._address))
            connected = True
        except OSError as fault:
            raise ProxyAway(f"nothing answers at the SOCKS port {self._address}") from fault
        finally:
            if not connected:
                raw.close()
        self._raw = raw
        return self

    async def send(self, data: bytes) -> int:
        """Some of it."""
        return await self.raw.send(data)

    async def recv(self, count: int) -> bytes:
        """At most `count` bytes. Raises `ProxyAway` when the proxy would do without the user name."""
        data = await self.raw.recv(count)
        if len(self._heard) < len(_GREETED):
            self._heard += data
            # Without user names Tor would put all that we do on one circuit.
            if len(self._heard) >= len(_GREETED) and self._heard[:2] != _GREETED:
                raise ProxyAway(f"what answers at {self._address} is no SOCKS5 proxy that takes user names")
        return data

    def close(self) -> None:
        """Close it."""
        self.raw.close()

    @property
    def raw(self) -> trio.socket.SocketType:
        """The socket itself."""
        assert self._raw is not None
        return self._raw


async def open_through(socks: SocksAddress, user: User, host: str, port: int) -> trio.SocketStream:
    """A TCP stream to `host`, which the proxy resolves if it is a name. Raises `SocksFault`."""
    from python_socks import ProxyError, ProxyType
    from python_socks.async_.trio import Proxy

    threshold: Any = _Threshold(socks)
    proxy = Proxy(ProxyType.SOCKS5, *socks, user.name, user.password, rdns=True, forward=threshold)
    try:
        await proxy.connect(host, port, timeout=float("inf"))  # the caller's own patience counts
    except ProxyError as fault:
        if fault.error_code is None:
            raise ProxyAway(f"the proxy at {socks} broke off ({fault})") from fault
        raise ProxyRefused(f"the proxy at {socks} could not reach it ({fault})") from fault
    except SocksFault:
        raise
    except (
        OSError,
        ValueError,
    ) as fault:  # a reset; a name that cannot be written, or an answer that cannot be read
        raise ProxyAway(f"the proxy at {socks} broke off ({fault})") from fault
    return trio.SocketStream(threshold.raw)

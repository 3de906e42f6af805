"""A short text fetched from the web by HTTP/1.1, over whatever way it was given: a proxy alone, or the open.

Decides what is asked, which redirects are followed, and when a text is whole: one that broke off is none. In comes a URL; out
go bytes, or a `FetchFault` with the reason. A way through a proxy has no other in it. Must not know what the text is for.
"""

import re
import ssl
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from urllib.parse import urljoin, urlsplit

import h11
import trio
from attrs import frozen

from p2p_sos.drivers.addresses import is_private
from p2p_sos.drivers.socks import SocksAddress, SocksFault, User, open_through

REDIRECTS_MAX = 3  # guess
URL_LETTERS_MAX = 2048
_RECEIVE_BYTES = 16384
_HEADS_BYTES_MAX = 64 * 1024  # guess: of all heads and the framing of one answer together
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_REDIRECTS = (301, 302, 303, 307, 308)

Way = Callable[[str, int], Awaitable[trio.SocketStream]]  # host and port -> a TCP stream; raises OSError


class FetchFault(Exception):
    """No whole text came of it; the reason in half a sentence."""


@frozen
class WebAddress:
    """An http or https URL, as it is asked for."""

    scheme: str
    host: str  # a name in ASCII, or an address in digits without brackets
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host and port as a URL writes them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_secure(self) -> bool:
        """Whether nobody between can change what comes."""
        return self.scheme == "https"

    @property
    def is_onion(self) -> bool:
        """Whether Tor alone can find it."""
        return self.host.endswith(".onion")

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def parse_url(text: str) -> WebAddress | str:
    """Read an http or https URL; else say what is wrong with it."""
    if len(text) > URL_LETTERS_MAX:
        return f"a URL of {len(text)} letters is too long."
    if not (text.isascii() and text.isprintable()) or " " in text or "\\" in text:
        return (
            f"{text!r} has letters that no URL has: write a name in its ASCII form (xn--...), others as %XX."
        )
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        return f"{text!r} is no URL ({error})."
    if parts.scheme not in _DEFAULT_PORTS:
        return f"{text!r} is no https:// or http:// address."
    host = parts.hostname or ""
    if port == 0 or not (_is_in_digits(host) or _NAME.fullmatch(host)):
        return f"{text!r} names no host: write it as https://cert.example/relays.txt."
    if "@" in parts.netloc:
        return f"{parts.scheme}://{host}/... holds a user name: a list for everybody needs none."
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return WebAddress(parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme], target)


def _is_in_digits(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return "%" not in host


# ------------------------------------------------------------------------- ways


def through(socks: SocksAddress) -> Way:
    """By the proxy and nothing else: each connection under a fresh user name, each name looked up there."""

    async def open_there(host: str, port: int) -> trio.SocketStream:
        # "The proxy is told a user name of its own for each connection" (11-origin §8)
        return await open_through(socks, User.fresh(), host, port)

    return open_there


async def in_the_open(host: str, port: int) -> trio.SocketStream:
    """As any browser: the name is looked up here, and who answers sees where we stand."""
    return await trio.open_tcp_stream(host, port)


# ------------------------------------------------------------------------- fetching


async def fetch(where: WebAddress, way: Way, *, bytes_max: int) -> bytes:
    """The whole text, of at most `bytes_max` bytes. Raises `FetchFault`; waits as long as its caller does."""
    tls = ssl.create_default_context()
    for _ in range(REDIRECTS_MAX + 1):
        answer = await _ask(where, way, tls, bytes_max)
        if isinstance(answer, bytes):
            return answer
        where = _next(where, answer)
    raise FetchFault(f"it sent us on more than {REDIRECTS_MAX} times")


def _next(where: WebAddress, location: str) -> WebAddress:
    """Where a redirect leads, if it is followed."""
    found = parse_url(urljoin(str(where), location))
    if isinstance(found, str):
        raise FetchFault(f"it sends us on to an address that cannot be read: {found.rstrip('.')}")
    if not (where.is_secure and found.is_secure):
        raise FetchFault(f"it sends us on to {found}, and only https to https is followed: name that address")
    if is_private(found.host) and not is_private(where.host):
        raise FetchFault(f"it sends us on to {found}, a machine of one's own network")
    return found


async def _ask(where: WebAddress, way: Way, tls: ssl.SSLContext, bytes_max: int) -> bytes | str:
    """One question: the text, or where a redirect leads. Raises `FetchFault`."""
    stream: trio.abc.Stream
    try:
        stream = await way(where.host, where.port)
    except SocksFault as fault:
        raise FetchFault(str(fault)) from fault
    except OSError as fault:
        raise FetchFault(f"{where.authority} cannot be reached ({fault.strerror or fault})") from fault
    if where.is_secure:
        # Many servers end a connection without TLS's goodbye; what is too short is found by its length.
        stream = trio.SSLStream(stream, tls, server_hostname=where.host, https_compatible=True)
    try:
        return await _converse(stream, where, bytes_max)
    except h11.ProtocolError as fault:
        raise FetchFault(f"the answer broke off, or is none of HTTP ({fault})") from fault
    except trio.BrokenResourceError as fault:
        raise FetchFault(_broken(fault)) from fault
    finally:
        await trio.aclose_forcefully(stream)


def _broken(fault: BaseException) -> str:
    cause = fault.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate does not hold ({cause.verify_message.rstrip('.')})"
    if isinstance(cause, ssl.SSLError):
        return f"no secure connection came of it ({cause.reason or cause})"
    return "the connection broke off"


async def _converse(stream: trio.abc.Stream, where: WebAddress, bytes_max: int) -> bytes | str:
    """Say what every one of us says, and read the answer to its end."""
    connection = h11.Connection(h11.CLIENT)
    headers = [("Host", where.authority), ("Accept", "text/plain"), ("Connection", "close")]
    question = connection.send(h11.Request(method="GET", target=where.target, headers=headers))
    ended = connection.send(h11.EndOfMessage())
    assert question is not None
    assert ended is not None
    await stream.send_all(question + ended)
    text, received = b"", 0
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            data = bytes(await stream.receive_some(_RECEIVE_BYTES))
            received += len(data)
            if received > bytes_max + _HEADS_BYTES_MAX:
                raise FetchFault(f"it sent more than {bytes_max} bytes")
            connection.receive_data(data)
        elif isinstance(event, h11.Response):
            if (location := _moved(event, bytes_max)) is not None:
                return location
        elif isinstance(event, h11.Data):
            text += bytes(event.data)
            if len(text) > bytes_max:
                raise FetchFault(f"it has more than {bytes_max} bytes")
        elif isinstance(event, h11.EndOfMessage):
            return text


def _moved(response: h11.Response, bytes_max: int) -> str | None:
    """Where a redirect leads; None where the text follows. Raises `FetchFault` for any other answer."""
    found = {bytes(name): bytes(value).decode("ascii", "replace") for name, value in response.headers}
    if response.status_code in _REDIRECTS and b"location" in found:
        return found[b"location"]
    if response.status_code != 200:
        raise FetchFault(f"the answer is HTTP {response.status_code}, not 200")
    if found.get(b"content-encoding", "identity").strip().lower() != "identity":
        raise FetchFault("it is compressed, though we did not ask for that")
    if b"transfer-encoding" in found:
        return None
    length = found.get(b"content-length")
    if length is None:
        raise FetchFault(
            "the answer does not say how long it is, so that nobody could tell the whole from a part"
        )
    if int(length) > bytes_max:
        raise FetchFault(f"it has {length} bytes, more than {bytes_max}")
    return None

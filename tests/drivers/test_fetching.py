"""A text fetched from the web: through the proxy alone, whole or not at all, and no further than it may be sent."""

from pathlib import Path

import pytest
import trio

from p2p_sos.drivers.fetching import (
    REDIRECTS_MAX,
    FetchFault,
    WebAddress,
    fetch,
    in_the_open,
    parse_url,
    through,
)
from p2p_sos.drivers.socks import SocksAddress
from tests.drivers.p2p.proxy import Proxy, proxies
from tests.drivers.web import Web, certified, moved, page, webs

TEXT = b"# a list\n"
MAX = 1000
PATIENCE_S = 60.0
NAME = "lists.example"  # known to the proxy alone


async def said(web: Web, path: str, *, name: str = NAME, proxy: Proxy | None = None) -> bytes | FetchFault:
    """The text at a path, or why there is none, asked through a proxy that knows the name."""
    known = proxy or Proxy({name: ("127.0.0.1", web.port)})
    where = parse_url(f"http{'s' if web.tls else ''}://{name}:{web.port}{path}")
    assert isinstance(where, WebAddress)
    with trio.fail_after(PATIENCE_S):
        async with proxies(known):
            try:
                return await fetch(where, through(SocksAddress("127.0.0.1", known.port)), bytes_max=MAX)
            except FetchFault as fault:
                return fault


async def got(web: Web, path: str, *, proxy: Proxy | None = None) -> bytes:
    """The text at a path."""
    answer = await said(web, path, proxy=proxy)
    assert isinstance(answer, bytes), answer
    return answer


async def why(web: Web, path: str, *, name: str = NAME) -> str:
    """Why nothing whole came of it."""
    answer = await said(web, path, name=name)
    assert isinstance(answer, FetchFault), answer
    return str(answer)


# ------------------------------------------------------------------------- URLs


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://cert.example/relays.txt", "https://cert.example/relays.txt"),
        ("HTTPS://Cert.Example:443", "https://cert.example/"),
        ("http://[2001:db8::1]:8080/a?b=c#d", "http://[2001:db8::1]:8080/a?b=c"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/"),
    ],
)
def test_a_url_is_read(text: str, shown: str) -> None:
    """Scheme, host, port and what is asked there; what is shown is read again as the same."""
    found = parse_url(text)
    assert isinstance(found, WebAddress)
    assert str(found) == shown
    assert parse_url(shown) == found


@pytest.mark.parametrize(
    "text",
    ["", "cert.example", "ftp://cert.example/", "https://", "https:///x", "https://:443/", "https://a.example:0/",
     "https://a.example:99999/", "https://a.example:x/", "https://me:secret@a.example/", "https://a b.example/",
     "https://a.example/\r\nHost: b", "https://ä.example/", "https://a..example/", "https://.example/", "https://[::1/",
     f"https://{'x' * 64}.example/", f"https://{'x.' * 127}example/", f"https://a.example/{'x' * 2048}",
     "https://a.example\\@b.example/", "https://[fe80::1%25eth0]/"],
)  # fmt: skip
def test_what_is_no_url_is_refused(text: str) -> None:
    """One sentence, before anybody is asked; a password is not repeated."""
    found = parse_url(text)
    assert isinstance(found, str)
    assert "secret" not in found


# ------------------------------------------------------------------------- one question


@pytest.mark.trio
async def test_a_text_comes_through_the_proxy() -> None:
    """The name is handed to the proxy as a name, under a user name of its own each time, and all of us ask alike."""
    web = Web({"/relays.txt": page(TEXT), "/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
               b"4\r\n# a \r\n5\r\nlist\n\r\n0\r\n\r\n"})  # fmt: skip
    async with webs(web):
        first, second = (Proxy({NAME: ("127.0.0.1", web.port)}) for _ in range(2))
        assert await got(web, "/relays.txt", proxy=first) == TEXT
        assert await got(web, "/chunked", proxy=second) == TEXT
    asked = [*first.asked, *second.asked]
    assert [(one.kind, one.host, one.port) for one in asked] == [(3, NAME, web.port)] * 2
    assert len({one.user for one in asked}) == 2
    host = f"Host: {NAME}:{web.port}\r\n".encode()
    rest = host + b"Accept: text/plain\r\nConnection: close\r\n\r\n"
    assert web.asked == [b"GET /relays.txt HTTP/1.1\r\n" + rest, b"GET /chunked HTTP/1.1\r\n" + rest]


@pytest.mark.trio
async def test_without_a_proxy_it_is_asked_in_the_open() -> None:
    """Where a person said so; the control of all that is refused below."""
    web = Web({"/": page(TEXT, "Content-Encoding: identity")})
    with trio.fail_after(PATIENCE_S):
        async with webs(web):
            where = parse_url(f"http://127.0.0.1:{web.port}")
            assert isinstance(where, WebAddress)
            assert await fetch(where, in_the_open, bytes_max=len(TEXT)) == TEXT
        with pytest.raises(FetchFault, match="cannot be reached"):
            await fetch(where, in_the_open, bytes_max=MAX)


@pytest.mark.trio
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "HTTP 404"),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", "HTTP 304"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "HTTP 302"),
        (b"HTTP/1.0 200 OK\r\n\r\n" + TEXT, "how long it is"),  # it could end anywhere
        (page(TEXT)[:-1], "broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n# a list\n\r\n", "broke off"),
        (page(TEXT, "Content-Encoding: gzip"), "compressed"),
        (page(b"x" * (MAX + 1)), "more than 1000"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001, "more than 1000"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 20000, "more than 1000"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100000, "none of HTTP"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "none of HTTP"),
        (b"", "broke off"),
    ],
)
async def test_what_is_not_whole_is_nothing(answer: bytes, reason: str) -> None:
    """Another status, a text cut short or without a length, compressed, too long, endless, or no HTTP: half a sentence says why."""
    web = Web({"/": answer})
    async with webs(web):
        assert reason in await why(web, "/")


@pytest.mark.trio
async def test_exactly_what_fits_fits() -> None:
    """Control: a text of as many bytes as are allowed is taken."""
    web = Web({"/": page(b"x" * MAX)})
    async with webs(web):
        assert len(await got(web, "/")) == MAX


# ------------------------------------------------------------------------- TLS and redirects


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Web:
    """A server of the name that this machine's authorities vouch for."""
    context, authority = certified(tmp_path, NAME)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    return Web({}, tls=context)


@pytest.mark.trio
async def test_https_is_verified(secure: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate of the name, by an authority of this machine; another name, or another authority, and nothing is asked."""
    secure.answers = {"/": page(TEXT)}
    async with webs(secure):
        assert await got(secure, "/") == TEXT
        assert "certificate" in await why(secure, "/", name="other.example")
        monkeypatch.delenv("SSL_CERT_FILE")
        assert "certificate" in await why(secure, "/")
    assert len(secure.asked) == 1


@pytest.mark.trio
async def test_https_to_https_is_followed_a_few_times(secure: Web) -> None:
    """Each step is a connection of its own, under a user name of its own; one step too many is refused."""
    steps = {f"/{n}": moved(f"/{n + 1}") for n in range(1, 9)}
    secure.answers = {**steps, "/9": page(TEXT), "/absolute": moved(f"https://{NAME}:1/9")}
    async with webs(secure):
        proxy = Proxy({NAME: ("127.0.0.1", secure.port)})
        assert await got(secure, f"/{9 - REDIRECTS_MAX}", proxy=proxy) == TEXT
        assert await got(secure, "/absolute") == TEXT
        assert f"more than {REDIRECTS_MAX} times" in await why(secure, f"/{8 - REDIRECTS_MAX}")
    assert len({one.user for one in proxy.asked}) == REDIRECTS_MAX + 1


@pytest.mark.trio
@pytest.mark.parametrize(
    ("to", "reason"),
    [
        (f"http://{NAME}/", "only https to https"),
        ("https://127.0.0.1/", "one's own network"),
        ("https://router/", "one's own network"),
        ("file:///etc/passwd", "cannot be read"),
        ("https://me:secret@a.example/", "cannot be read"),
        ("\xff", "cannot be read"),
    ],
)
async def test_nobody_is_sent_where_it_is_not_safe(secure: Web, to: str, reason: str) -> None:
    """Not from https to http, not into one's own network, not to what is no web address."""
    secure.answers = {"/": f"HTTP/1.1 301 M\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")}
    async with webs(secure):
        assert reason in await why(secure, "/")
    assert len(secure.asked) == 1


@pytest.mark.trio
async def test_plain_http_is_never_followed(secure: Web) -> None:
    """Whoever stands on the line could send anywhere: the better address is named instead."""
    web = Web({"/": moved("https://lists.example/relays.txt")})
    async with webs(web):
        assert "https://lists.example/relays.txt" in await why(web, "/")

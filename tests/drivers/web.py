"""A web server on loopback that says what it is told to, over TCP or TLS, and notes what it was asked.

Comes in: the bytes of an answer for each path. Goes out: a port, and the questions as they came.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import trio
from attrs import define, field
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@define(eq=False)
class Web:
    """What it answers, and what it was asked; `ends`: whether it hangs up after an answer."""

    answers: Mapping[str, bytes]
    tls: ssl.SSLContext | None = None
    ends: bool = True
    port: int = 0
    asked: list[bytes] = field(factory=list)

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until it is cancelled."""
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.port = listeners[0].socket.getsockname()[1]
        await trio.serve_listeners(self._accept, listeners, task_status=task_status)

    async def _accept(self, raw: trio.SocketStream) -> None:
        stream: trio.abc.Stream = raw
        if self.tls is not None:
            stream = trio.SSLStream(raw, self.tls, server_side=True, https_compatible=True)
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            question = b""
            while b"\r\n\r\n" not in question:
                more = bytes(await stream.receive_some())
                if not more:
                    return
                question += more
            self.asked.append(question)
            await stream.send_all(self.answers[question.split(b" ")[1].decode()])
            if not self.ends:
                await trio.sleep_forever()
        await trio.aclose_forcefully(stream)


@asynccontextmanager
async def webs(*served: Web) -> AsyncIterator[None]:
    """They run, each on its port."""
    async with trio.open_nursery() as nursery:
        for one in served:
            await nursery.start(one.serve)
        yield
        nursery.cancel_scope.cancel()


def page(text: bytes, *more: str) -> bytes:
    """An answer that holds a text, with more heads."""
    heads = "".join(f"{head}\r\n" for head in (f"Content-Length: {len(text)}", *more))
    return f"HTTP/1.1 200 OK\r\n{heads}\r\n".encode() + text


def moved(to: str, status: int = 302) -> bytes:
    """An answer that sends on."""
    return f"HTTP/1.1 {status} Moved\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


def certified(directory: Path, *names: str) -> tuple[ssl.SSLContext, Path]:
    """What a server of these names shows, and the file of the one authority that vouches for it: itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    spoken = [x509.IPAddress(ip_address(one)) if one[0].isdigit() else x509.DNSName(one) for one in names]
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName(spoken), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    shown, secret = directory / "cert.pem", directory / "key.pem"
    shown.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    plain = partial(key.private_bytes, serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    secret.write_bytes(plain(serialization.NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(shown, secret)
    return context, shown

"""A SOCKS5 proxy on loopback for tests: it notes who asks for what, knows names that nobody else knows, and can die.

Comes in: names with their true places, and after how many bytes of one connection to die. Goes out: streams.
"""

import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import trio
from attrs import define, field, frozen

Place = tuple[str, int]
LOST = (trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError)


@frozen
class Asked:
    """One request: under which user name, and for what, as it was written."""

    user: str
    kind: int  # 1 an IPv4 address, 3 a name, 4 an IPv6 address
    host: str
    port: int


class Died(Exception):
    """The proxy is no more."""


@define(eq=False)
class Proxy:
    """What it was asked, and what it let through."""

    names: Mapping[str, Place] = field(factory=dict)
    dies_after: int | None = None  # bytes of one connection, both ways counted, from the greeting on
    accepts: int = 2  # the way to log in that it chooses: user name and password
    garbage: bytes | None = None  # what it answers a greeting instead
    port: int = 0
    asked: list[Asked] = field(factory=list)
    most: int = 0  # bytes of the connection that carried most
    sent: list[int] = field(
        factory=list
    )  # for each connection that is over, the bytes that came from the client
    accepted: int = 0
    died: trio.Event = field(factory=trio.Event)
    _streams: list[trio.SocketStream] = field(factory=list)
    _scope: trio.CancelScope = field(factory=trio.CancelScope)

    async def serve(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until it dies or is cancelled. From then on its port refuses."""
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.port = listeners[0].socket.getsockname()[1]
        with self._scope:
            await trio.serve_listeners(self._accept, listeners, task_status=task_status)

    def die(self) -> None:
        """Reset every connection, and listen no more."""
        for stream in self._streams:
            with suppress(OSError, *LOST):
                stream.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, struct.pack("ii", 1, 0))
            stream.socket.close()
        self.died.set()
        self._scope.cancel()

    async def _accept(self, stream: trio.SocketStream) -> None:
        self.accepted += 1
        self._streams.append(stream)
        wire = Wire(self, stream)
        try:
            with suppress(Died, *LOST):
                await self._converse(wire)
        finally:
            self.sent.append(wire.sent)
            await trio.aclose_forcefully(stream)

    async def _converse(self, wire: "Wire") -> None:
        _, count = await wire.read(2)
        await wire.read(count)
        if self.garbage is not None:
            await wire.write(self.garbage)
            return
        await wire.write(bytes((5, self.accepts)))
        user = ""
        if self.accepts == 2:
            _, length = await wire.read(2)
            user = (await wire.read(length)).decode()
            (length,) = await wire.read(1)
            await wire.read(length)
            await wire.write(b"\x01\x00")
        _, _, _, kind = await wire.read(4)
        if kind == 3:
            host = (await wire.read((await wire.read(1))[0])).decode()
        else:
            host = ".".join(map(str, await wire.read(4)))
        port = int.from_bytes(await wire.read(2), "big")
        self.asked.append(Asked(user, kind, host, port))
        try:
            beyond = await trio.open_tcp_stream(*self.names.get(host, (host, port)))
        except OSError:
            await wire.write(b"\x05\x05\x00\x01" + bytes(6))
            return
        self._streams.append(beyond)
        async with beyond, trio.open_nursery() as nursery:
            await wire.write(b"\x05\x00\x00\x01" + bytes(6))
            nursery.start_soon(self._pump, wire, beyond, nursery.cancel_scope)
            with suppress(Died, *LOST):
                async for data in beyond:
                    await wire.write(bytes(data))
            nursery.cancel_scope.cancel()

    async def _pump(self, wire: "Wire", beyond: trio.SocketStream, scope: trio.CancelScope) -> None:
        with suppress(Died, *LOST):
            while data := await wire.some():
                await beyond.send_all(data)
        scope.cancel()


@define(eq=False)
class Wire:
    """The client's side of one connection, counted byte by byte."""

    proxy: Proxy
    stream: trio.SocketStream
    count: int = 0
    sent: int = 0

    def _left(self) -> int:
        return 65536 if self.proxy.dies_after is None else max(0, self.proxy.dies_after - self.count)

    def _counted(self, size: int) -> None:
        self.count += size
        self.proxy.most = max(self.proxy.most, self.count)
        self._perhaps_die()

    def _perhaps_die(self) -> None:
        if self._left() == 0:
            self.proxy.die()
            raise Died

    async def some(self) -> bytes:
        """At least one byte, or nothing at the end."""
        self._perhaps_die()
        data = bytes(await self.stream.receive_some(min(65536, self._left())))
        self.sent += len(data)
        self._counted(len(data))
        return data

    async def read(self, size: int) -> bytes:
        """Exactly so many."""
        got = b""
        while len(got) < size:
            self._perhaps_die()
            data = bytes(await self.stream.receive_some(min(size - len(got), self._left())))
            if not data:
                raise Died
            got += data
            self.sent += len(data)
            self._counted(len(data))
        return got

    async def write(self, data: bytes) -> None:
        """All of it, or what is left of this proxy's life."""
        piece = data[: self._left()]
        await self.stream.send_all(piece)
        self._counted(len(piece))


@asynccontextmanager
async def proxies(*served: Proxy) -> AsyncIterator[None]:
    """They run, each on its port."""
    async with trio.open_nursery() as nursery:
        for one in served:
            await nursery.start(one.serve)
        yield
        nursery.cancel_scope.cancel()

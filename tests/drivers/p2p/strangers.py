"""Strangers: what comes to a listening node that is no peer of ours, or an ill-behaved one."""

import random
from typing import Any

import trio

from p2p_sos.drivers.p2p.mesh import PROTOCOLS, Libp2pMesh
from p2p_sos.drivers.p2p.protobuf import frame
from tests.drivers.p2p.nodes import QUICK


def place(of: Libp2pMesh) -> tuple[str, int]:
    """Host and port where a mesh listens."""
    parts = of.addresses[0].split("/")
    return parts[2], int(parts[4])


async def until_closed(stream: trio.SocketStream) -> None:
    """Read until the other side closes, by goodbye or reset."""
    try:
        while await stream.receive_some():
            pass
    except trio.BrokenResourceError:
        pass


async def garbage(of: Libp2pMesh, seed: int, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
    """Connect, send bytes that mean nothing, and wait to be closed."""
    stream = await trio.open_tcp_stream(*place(of))
    async with stream:
        task_status.started()
        try:
            await stream.send_all(random.Random(seed).randbytes(1 + seed % 2000))
        except trio.BrokenResourceError:
            return
        await until_closed(stream)


async def silence(of: Libp2pMesh, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
    """Connect, begin the negotiation, and say no more."""
    stream = await trio.open_tcp_stream(*place(of))
    async with stream:
        task_status.started()
        try:
            await stream.send_all(b"\x13/multistream/1.0.0\n")
        except trio.BrokenResourceError:
            return
        await until_closed(stream)


class Rude(Libp2pMesh):
    """A peer with a proper handshake that writes what it likes on its stream."""

    def __init__(self, seed: int, what: bytes) -> None:
        super().__init__(bytes([seed]) * 32, limits=QUICK)
        self.what = what
        self.written = 0

    async def _write_to(self, link: Any) -> None:
        link.served = True
        link.joined.set()
        _, stream = await self._host.open(link.connections[0], PROTOCOLS)
        while True:
            await stream.muxed_stream.write(self.what)
            self.written += 1


class Odd(Libp2pMesh):
    """A peer that opens streams of protocols whose names are no text, or of none, as many as it can."""

    def __init__(self, seed: int, name: bytes, streams: int) -> None:
        super().__init__(bytes([seed]) * 32, limits=QUICK)
        self._name, self._streams = name, streams

    async def bother(self, peer: str) -> None:
        """Open the streams, each with the same name, and leave them open."""
        muxer = self._links[peer].connections[0].muxed_conn
        for _ in range(self._streams):
            stream = await muxer.open_stream()
            await stream.write(frame(b"/multistream/1.0.0\n") + frame(self._name + b"\n"))

"""Yamux, bounded: what is written is read, windows hold, and who breaks the rules loses the connection."""

import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from libp2p.custom_types import TProtocol
from libp2p.stream_muxer.exceptions import MuxedStreamEOF, MuxedStreamReset

from p2p_sos.core.events import PeerJoined, PeerLeft
from p2p_sos.drivers.p2p.yamux import WINDOW_BYTES, MuxedStream, Muxer
from tests.drivers.p2p.nodes import Ears, mesh, running

PROTOCOL = "/test/yamux"
LARGE = bytes(range(256)) * (5 * WINDOW_BYTES // 256)
Handler = Callable[[MuxedStream], Awaitable[None]]


@asynccontextmanager
async def stream_to(handler: Handler) -> AsyncIterator[tuple[MuxedStream, list[Ears]]]:
    """A stream between two meshes; the other side of it is in the handler's hands."""
    a, b = mesh(1), mesh(2)

    async def serve(stream: Any) -> None:
        await handler(stream.muxed_stream)

    a._host.set_stream_handler(TProtocol(PROTOCOL), serve)
    async with running(a, b) as ears:
        b.connect(a.addresses)
        await ears[1].hear(PeerJoined)
        _, stream = await b._host.open(b._links[a.peer_id].connections[0], (PROTOCOL,))
        yield stream.muxed_stream, ears


async def read_all(stream: MuxedStream) -> bytes:
    """Everything until the end."""
    found = bytearray()
    try:
        while True:
            found += await stream.read(1000)
    except MuxedStreamEOF:
        return bytes(found)


@pytest.mark.trio
async def test_much_more_than_a_window_passes_both_ways_at_once() -> None:
    """Each side writes five windows while the other does: all of it arrives, and then the end."""

    async def both(stream: MuxedStream, out: list[bytes]) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(write_all, stream)
            out.append(await read_all(stream))

    async def write_all(stream: MuxedStream) -> None:
        await stream.write(LARGE)
        await stream.close()

    theirs: list[bytes] = []
    ours: list[bytes] = []
    done = trio.Event()

    async def handler(stream: MuxedStream) -> None:
        await both(stream, theirs)
        done.set()

    async with stream_to(handler) as (stream, _):
        await both(stream, ours)
        await done.wait()
    assert theirs == ours == [LARGE]


@pytest.mark.trio
async def test_a_writer_waits_for_a_reader_that_does_not_read() -> None:
    """No more than a window is sent to a stream that nobody reads, and a reset frees the writer."""

    async def handler(stream: MuxedStream) -> None:
        await trio.sleep_forever()

    async with stream_to(handler) as (stream, _):
        with pytest.RaisesGroup(MuxedStreamReset):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(stream.write, LARGE)
                while stream.send_window:
                    await trio.lowlevel.checkpoint()
                await stream.reset()


@pytest.mark.trio
async def test_a_reset_reaches_the_reader() -> None:
    """Who reads a stream that the other side reset is told so."""
    told = trio.Event()

    async def handler(stream: MuxedStream) -> None:
        with pytest.raises(MuxedStreamReset):
            await stream.read()
        told.set()

    async with stream_to(handler) as (stream, _):
        await stream.reset()
        await told.wait()


def header(kind: int, flags: int, number: int, length: int, version: int = 0) -> bytes:
    """A frame's header."""
    return struct.pack("!BBHII", version, kind, flags, number, length)


BREACHES = {
    "another version": header(0, 0, 1, 0, version=1),
    "an unknown type": header(9, 0, 1, 0),
    "more than a window": header(0, 0, 1, WINDOW_BYTES + 1),
    "a stream number of ours": header(1, 1, 2, 0),
    "stream number zero": header(1, 1, 0, 0),
    "a stream opened twice": header(1, 1, 99, 0) * 2,
}


@pytest.mark.parametrize("breach", BREACHES)
@pytest.mark.trio
async def test_who_breaks_the_rules_loses_the_connection(breach: str) -> None:
    """A frame against the rules ends the connection that brought it; the node goes on."""

    async def handler(stream: MuxedStream) -> None:
        await trio.sleep_forever()

    async with stream_to(handler) as (stream, ears):
        muxer: Muxer = stream.muxed_conn
        muxer._channel.queue(BREACHES[breach])
        await muxer._channel.flush()
        await ears[0].hear(PeerLeft)
        await ears[1].hear(PeerLeft)
        assert muxer.is_closed
        await ears[1].hear(PeerJoined, times=2)


@pytest.mark.trio
async def test_what_belongs_to_no_stream_is_skipped() -> None:
    """Control: data and windows of streams that are gone are legal, and end nothing."""
    echoed = trio.Event()

    async def handler(stream: MuxedStream) -> None:
        await stream.write(await stream.read())
        echoed.set()

    async with stream_to(handler) as (stream, ears):
        stream.muxed_conn._channel.queue(header(0, 0, 77, 4), b"late", header(1, 0, 79, 1000))
        await stream.write(b"hello")
        assert await stream.read() == b"hello"
        await echoed.wait()
        assert ears[0].of(PeerLeft) == []

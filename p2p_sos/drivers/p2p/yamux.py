"""Yamux, bounded, over a `SecureChannel`; in the place of py-libp2p's, with the same face.

Decides how bytes of many streams share one connection. In come bytes of the channel and writes of the streams;
out go bytes of the channel, streams that the peer opened, and what was read. It must not know protocols.

py-libp2p's own opens as many streams as a peer asks for, lets it overrun its window, and costs three times as
much (docs/decisions); hosts, negotiation and Noise stay py-libp2p's.
"""

import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

import trio
from libp2p.abc import ConnectionType, IMuxedConn, IMuxedStream
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.peer.id import ID
from libp2p.stream_muxer.exceptions import (
    MuxedConnUnavailable,
    MuxedStreamClosed,
    MuxedStreamEOF,
    MuxedStreamError,
    MuxedStreamReset,
)
from multiaddr import Multiaddr

from p2p_sos.drivers.p2p.channel import SecureChannel
from p2p_sos.wire.registry import MUXED_STREAMS_MAX

YAMUX = "/yamux/1.0.0"

_HEADER = struct.Struct("!BBHII")  # version, type, flags, stream, length
_DATA, _WINDOW, _PING, _GO_AWAY = 0, 1, 2, 3
_SYN, _ACK, _FIN, _RST = 1, 2, 4, 8
_PROTOCOL_ERROR = 1

WINDOW_BYTES = 256 * 1024  # the specification of Yamux; we never grow it
FRAME_BYTES_MAX = 65536 - _HEADER.size  # what others write, and take
OUT_BYTES = 131_072  # guess: from here on a writer waits


Sink = Callable[[bytes], Awaitable[None]]


class ProtocolError(MuxedStreamError):
    """The peer breaks the rules of Yamux."""


class MuxedStream(IMuxedStream):
    """One stream. Reading and writing may go on at once; two readers may not."""

    def __init__(self, number: int, connection: "Muxer") -> None:
        self.stream_id = number
        self.muxed_conn = connection
        self.received = bytearray()
        self.readable = trio.Event()
        self.writable = trio.Event()
        self.send_window = WINDOW_BYTES
        self.receive_window = WINDOW_BYTES
        self.over = trio.Event()  # nothing more will come
        self.sink: Sink | None = None
        self.ended = False  # the peer sends no more
        self.finished = False  # we send no more
        self.was_reset = False

    async def read(self, n: int | None = None) -> bytes:
        """At least one byte and at most `n`. Raises `MuxedStreamEOF` at the end, `MuxedStreamReset`."""
        while not self.received:
            if self.was_reset:
                raise MuxedStreamReset("reset")
            if self.ended:
                raise MuxedStreamEOF("the peer sends no more")
            self.readable = trio.Event()
            await self.readable.wait()
        if n is None or n < 0 or n >= len(self.received):
            data = bytes(self.received)
            self.received.clear()
        else:
            data = bytes(self.received[:n])
            del self.received[:n]
        self.muxed_conn.credit(self)
        return data

    async def pour(self, sink: Sink) -> None:
        """Give all that comes to `sink`, which the connection's own reader awaits, until the stream ends."""
        while self.received:
            waiting = bytes(self.received)
            self.received.clear()
            await sink(waiting)
            self.muxed_conn.credit(self)
        self.sink = sink  # no await since the last look at what was received: nothing slips in between
        try:
            if not self.ended:
                await self.over.wait()
        finally:
            self.sink = None

    async def write(self, data: bytes) -> None:
        """Send all of it, as fast as the peer takes it. Raises `MuxedStreamClosed`, `MuxedStreamReset`."""
        view = memoryview(data)
        while view:
            if self.was_reset:
                raise MuxedStreamReset("reset")
            if self.finished:
                raise MuxedStreamClosed("closed")
            size = min(len(view), self.send_window, FRAME_BYTES_MAX)
            if size == 0:
                self.writable = trio.Event()
                await self.writable.wait()
                continue
            self.send_window -= size
            self.muxed_conn.queue(_DATA, 0, self.stream_id, size, view[:size])
            view = view[size:]
            await self.muxed_conn.push()

    async def close(self) -> None:
        """Send no more; the peer may still."""
        if not self.finished and not self.was_reset:
            self.finished = True
            self.muxed_conn.say(_FIN, self)

    async def reset(self) -> None:
        """End both directions at once."""
        if not self.was_reset:
            over = self.ended and self.finished
            self.break_off()
            if not over:
                self.muxed_conn.say(_RST, self)

    def break_off(self) -> None:
        """Nothing moves any more."""
        self.was_reset = self.ended = self.finished = True
        self.received.clear()
        self.over.set()
        self.wake()

    def wake(self) -> None:
        """Let whoever waits look again."""
        self.readable.set()
        self.writable.set()

    def set_deadline(self, ttl: int) -> None:
        """Not offered."""
        raise NotImplementedError

    def get_remote_address(self) -> tuple[str, int] | None:
        """Host and port of the other side."""
        return self.muxed_conn.get_remote_address()

    async def __aenter__(self) -> "MuxedStream":
        """The stream."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.close()


class Muxer(IMuxedConn):
    """The streams of one connection."""

    def __init__(self, channel: SecureChannel, peer_id: ID, session: Any) -> None:
        self.peer_id = peer_id
        self.on_close: Callable[[], Awaitable[None]] | None = None
        self.event_started = trio.Event()
        self.event_closed = trio.Event()
        self._channel = channel
        self._session = session
        self._initiator = bool(session.is_initiator)
        self._next = 1 if self._initiator else 2
        self._streams: dict[int, MuxedStream] = {}
        self._opened, self._accepted = trio.open_memory_channel[MuxedStream](MUXED_STREAMS_MAX)
        self._unparsed = bytearray()
        self._pinged = 0
        self._answered = trio.Event()
        self._nursery: trio.Nursery | None = None

    # --------------------------------------------------------------------- py-libp2p's face

    @property
    def is_initiator(self) -> bool:
        """Whether we dialled."""
        return self._initiator

    @property
    def is_established(self) -> bool:
        """Whether streams can be opened."""
        return self.event_started.is_set() and not self.event_closed.is_set()

    @property
    def is_closed(self) -> bool:
        """Whether it is over."""
        return self.event_closed.is_set()

    def get_transport_addresses(self) -> list[Multiaddr]:
        """None are told on."""
        return []

    def get_connection_type(self) -> ConnectionType:
        """Always direct."""
        return ConnectionType.DIRECT

    def get_remote_address(self) -> tuple[str, int] | None:
        """Host and port of the other side."""
        remote: tuple[str, int] | None = self._session.get_remote_address()
        return remote

    async def start(self) -> None:
        """Read until the connection ends."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                self.event_started.set()
                await self._read_all()
                nursery.cancel_scope.cancel()
        finally:
            self._nursery = None
            self._end()
        if self.on_close is not None:
            await self.on_close()

    async def open_stream(self) -> MuxedStream:
        """A new stream. Raises `MuxedConnUnavailable`, `MuxedStreamError`."""
        if self.is_closed:
            raise MuxedConnUnavailable("closed")
        if len(self._streams) >= 2 * MUXED_STREAMS_MAX:
            raise MuxedStreamError("too many streams")
        stream = MuxedStream(self._next, self)
        self._next += 2
        self._streams[stream.stream_id] = stream
        self.queue(_WINDOW, _SYN, stream.stream_id, 0)
        await self.push()
        return stream

    async def accept_stream(self) -> MuxedStream:
        """The next stream that the peer opens. Raises `MuxedConnUnavailable`."""
        try:
            return await self._accepted.receive()
        except trio.EndOfChannel as fault:
            raise MuxedConnUnavailable("closed") from fault

    async def close(self) -> None:
        """Say goodbye, send what waits, and close."""
        if self.is_closed:
            return
        with trio.move_on_after(1.0), suppress(ConnectionClosedError):
            self.queue(_GO_AWAY, 0, 0, 0)
            await self._channel.flush()
            await self._channel.below(1)
        self._end()

    async def ping(self) -> float:
        """The round trip in seconds; one at a time. Raises `ConnectionClosedError`."""
        # libp2p's own ping is a protocol that a peer need not serve; this one every Yamux answers
        self._pinged = (self._pinged + 1) % 2**32
        self._answered = trio.Event()
        started = trio.current_time()
        self.queue(_PING, _SYN, 0, self._pinged)
        await self._channel.flush()
        await self._answered.wait()
        return trio.current_time() - started

    # --------------------------------------------------------------------- what streams ask for

    def queue(self, kind: int, flags: int, number: int, length: int, data: memoryview | bytes = b"") -> None:
        """Put a frame behind those that wait. Raises `ConnectionClosedError`."""
        self._channel.queue(_HEADER.pack(0, kind, flags, number, length), data)

    async def push(self) -> None:
        """Send what waits; return when little does."""
        await self._channel.flush()
        await self._channel.below(OUT_BYTES)

    def say(self, flag: int, stream: MuxedStream) -> None:
        """Tell the peer about a stream's end, soon; nothing if the connection has ended."""
        if stream.finished and stream.ended:
            self._streams.pop(stream.stream_id, None)
        if not self.is_closed:
            self.queue(_WINDOW, flag, stream.stream_id, 0)
            self._flush_soon()

    def credit(self, stream: MuxedStream) -> None:
        """Let the peer send more once half of the window was read."""
        free = WINDOW_BYTES - stream.receive_window - len(stream.received)
        if free >= WINDOW_BYTES // 2 and not stream.ended and not self.is_closed:
            stream.receive_window += free
            self.queue(_WINDOW, 0, stream.stream_id, free)
            self._flush_soon()

    def _flush_soon(self) -> None:
        # the reader must never wait for its own writing, or two nodes could wait for one another for ever
        if self._channel.needs_flush and self._nursery is not None:
            self._nursery.start_soon(self._flush)

    async def _flush(self) -> None:
        try:
            await self._channel.flush()
        except ConnectionClosedError:
            self._end()

    # --------------------------------------------------------------------- what the peer sends

    async def _read_all(self) -> None:
        try:
            while not self.is_closed:
                data = await self._channel.receive()
                if not data:
                    return
                self._unparsed += data
                await self._parse()
                self._flush_soon()
        except (OSError, trio.ClosedResourceError, ConnectionClosedError):
            return
        except ProtocolError:
            self.queue(_GO_AWAY, 0, 0, _PROTOCOL_ERROR)
            with trio.move_on_after(1.0):
                await self._channel.flush()

    async def _parse(self) -> None:
        buffer, at = self._unparsed, 0
        while len(buffer) - at >= _HEADER.size:
            version, kind, flags, number, length = _HEADER.unpack_from(buffer, at)
            if version != 0 or kind > _GO_AWAY:
                raise ProtocolError("not Yamux")
            end = at + _HEADER.size
            if kind == _DATA:
                if length > WINDOW_BYTES:
                    raise ProtocolError("more than a window")
                end += length
                if end > len(buffer):
                    break
                await self._on_stream_frame(flags, number, bytes(buffer[end - length : end]), 0)
            elif kind == _WINDOW:
                await self._on_stream_frame(flags, number, b"", length)
            elif kind == _PING and flags & _SYN:
                self.queue(_PING, _ACK, 0, length)
            elif kind == _PING and flags & _ACK and length == self._pinged:
                self._answered.set()
            elif kind == _GO_AWAY:
                self._end()
                return
            at = end
        del buffer[:at]

    async def _on_stream_frame(self, flags: int, number: int, data: bytes, window: int) -> None:
        stream = self._on_new_stream(number) if flags & _SYN else self._streams.get(number)
        if stream is None:
            return  # of a stream that we ended already
        if data:
            if len(data) > stream.receive_window:
                raise ProtocolError("more than the window allows")
            stream.receive_window -= len(data)
            if stream.sink is not None:
                await stream.sink(data)
                self.credit(stream)
            elif not stream.was_reset:
                stream.received += data
                stream.readable.set()
        if window:
            stream.send_window = min(stream.send_window + window, 2**31)
            stream.writable.set()
        if flags & _RST:
            self._streams.pop(number, None)
            stream.break_off()
        elif flags & _FIN:
            stream.ended = True
            stream.over.set()
            stream.wake()
            if stream.finished:
                self._streams.pop(number, None)

    def _on_new_stream(self, number: int) -> MuxedStream | None:
        if number in self._streams or number % 2 == self._next % 2 or number == 0:
            raise ProtocolError("a stream number that is not the peer's to choose")
        stream = MuxedStream(number, self)
        try:
            if sum(other % 2 == number % 2 for other in self._streams) >= MUXED_STREAMS_MAX:
                raise trio.WouldBlock
            self._opened.send_nowait(stream)
        except trio.WouldBlock:
            # "More streams than `muxed_streams_max` at a time are reset." (08-binding §6)
            self.queue(_WINDOW, _RST, number, 0)
            return None
        self._streams[number] = stream
        self.queue(_WINDOW, _ACK, number, 0)
        return stream

    def _end(self) -> None:
        if self.is_closed:
            return
        self.event_closed.set()
        self._channel.abort()
        self._opened.close()
        for stream in self._streams.values():
            stream.break_off()
        self._streams.clear()

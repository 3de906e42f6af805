"""The streams beside gossip, sync and stem: the frames that wait to be written to a peer, and those that come from it.

Decides when the own stream is opened, and what is dropped. In come frames and the bytes of a stream; out go bytes
and events. It must not know what a frame says. Nothing that goes wrong here ends the link.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import trio
from attrs import define, field, frozen
from libp2p.protocol_muxer.exceptions import MultiselectClientError

from p2p_sos.core.events import Event, StemReceived, StemRefused, SyncReceived
from p2p_sos.core.gossip.rpc import PeerId
from p2p_sos.drivers.mesh import Deliver
from p2p_sos.drivers.p2p.host import STRANGERS_FAULTS
from p2p_sos.drivers.p2p.protobuf import FrameReader, FrameTooLongError, frame
from p2p_sos.wire.registry import CELL_BYTES, SYNC_FRAME_BYTES_MAX

_log = logging.getLogger(__name__)

FRAMES_PER_TURN = 8  # guess: a megabyte; then the others have their turn


@frozen
class Side:
    """One protocol beside gossip: its longest frame, and the events that say what came, and that a peer refuses it.

    `refused` is given the peer, and whether it spoke the protocol before on this connection.
    """

    protocol: str
    frame_bytes_max: int
    received: Callable[[PeerId, bytes], Event]
    refused: Callable[[PeerId, bool], Event] | None = None


# "A peer that refuses it gets nothing, and that is no fault." (08-binding §3)
SYNC = Side("/esos/sync/1", SYNC_FRAME_BYTES_MAX, SyncReceived)
# "Every frame holds one cell" (11-origin §3)
STEM = Side("/esos/stem/1", CELL_BYTES, StemReceived, StemRefused)
# "A caller MUST serve exactly the protocols that a node serves, and answer alike." (08-binding §5)
SIDES = (SYNC, STEM)


@frozen
class SideLimits:
    """How much is held for one peer, and written to it at once."""

    queue_bytes_max: int = 4 * SYNC_FRAME_BYTES_MAX  # guess: an answer for each of four questions
    piece_bytes: int = 16_384  # guess: what may stand before an RPC, an eighth of a second at 1 Mbit/s


@define(eq=False)
class SideLine:
    """What waits for one peer. Putting never blocks; what finds no room is dropped, and asked for or said again some day."""

    _side: Side
    _peer: PeerId
    _deliver: Deliver
    _limits: SideLimits
    _waiting: deque[bytes] = field(factory=deque, init=False)
    _waiting_bytes: int = field(default=0, init=False)
    _filled: trio.Event = field(factory=trio.Event, init=False)
    _refused: bool = field(default=False, init=False)
    _spoke: bool = field(
        default=False, init=False
    )  # a stream was opened once, so that something may have been read

    @property
    def waiting_bytes(self) -> int:
        """What is queued and not yet written."""
        return self._waiting_bytes

    @property
    def is_refused(self) -> bool:
        """Whether the peer said that it does not speak the protocol."""
        return self._refused

    def put(self, payload: bytes) -> None:
        """Queue a frame."""
        if self._refused:
            self._say_refused()
            return
        if self._waiting_bytes + len(payload) > self._limits.queue_bytes_max:
            return
        self._waiting.append(payload)
        self._waiting_bytes += len(payload)
        self._filled.set()

    async def run(self, open_stream: Callable[[], Awaitable[tuple[str, Any]]]) -> None:
        """Open the own stream when there is something to write, and write; ends when the peer does not speak the protocol."""
        while not self._refused:
            await self._something()
            try:
                _, stream = await open_stream()
                self._spoke = True
                await self._write(stream.muxed_stream)
            except MultiselectClientError as fault:
                self._refused = str(fault).startswith("protocols not supported")
            except STRANGERS_FAULTS as fault:
                _log.debug("a stream of %s ended: %r", self._side.protocol, fault)
            self._waiting.clear()
            self._waiting_bytes = 0
            if self._refused:
                self._say_refused()

    def _say_refused(self) -> None:
        if self._side.refused is not None:
            self._deliver(self._side.refused(self._peer, self._spoke))

    async def _something(self) -> None:
        while not self._waiting:
            self._filled = trio.Event()
            await self._filled.wait()

    async def _write(self, stream: Any) -> None:
        while True:
            await self._something()
            payload = self._waiting.popleft()
            framed = frame(payload)
            # "A frame SHOULD be written in small pieces, so that an RPC never waits for all of it." (08-binding §3)
            for at in range(0, len(framed), self._limits.piece_bytes):
                await stream.write(framed[at : at + self._limits.piece_bytes])
            self._waiting_bytes -= len(payload)


@define(eq=False)
class SideInbox:
    """Takes the bytes of one peer's stream and delivers its frames; `room` slows the peer down."""

    _side: Side
    _peer: PeerId
    _deliver: Deliver
    _room: Callable[[], Awaitable[None]]
    _reset: Callable[[], Awaitable[None]]
    _reader: FrameReader = field(init=False)

    @_reader.default
    def _make_reader(self) -> FrameReader:
        return FrameReader(self._side.frame_bytes_max)

    async def take(self, data: bytes) -> None:
        """Deliver every frame that these bytes complete."""
        try:
            for number, payload in enumerate(self._reader.feed(data), 1):
                self._deliver(self._side.received(self._peer, payload))
                if number % FRAMES_PER_TURN == 0:
                    await self._room()
        except FrameTooLongError:
            await self._reset()  # nothing after it can be read
        await self._room()

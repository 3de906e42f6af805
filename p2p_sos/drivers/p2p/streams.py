"""One peer's two streams: what waits to be sent to it, and the frames that come from it.

Decides what is joined into one frame, what is dropped when a peer is slow, and when the node hears of a backlog.
In come RPCs and the bytes of a stream; out go frames and events. It must not know how a stream was opened, nor
what a message means.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

import trio
from attrs import define, evolve, field, frozen

from p2p_sos.core.events import BacklogChanged, RpcReceived, RpcUnreadable
from p2p_sos.core.gossip.rpc import PeerId, Rpc
from p2p_sos.drivers.mesh import Deliver
from p2p_sos.drivers.p2p.protobuf import FrameReader, FrameTooLongError, decode, encode, frame, join
from p2p_sos.wire.registry import RPC_BYTES_MAX, RPC_BYTES_WANTED

_ENTRY_BYTES = 24  # an id of 20 bytes and its tag and length, rounded up
_EMPTY = Rpc()


class Sink(Protocol):
    """A stream that can be written."""

    async def write(self, data: bytes) -> None:
        """Everything, or an error."""
        ...


@frozen
class StreamLimits:
    """How much is read and held for one peer."""

    rpc_bytes_max: int = RPC_BYTES_MAX
    joined_bytes_max: int = RPC_BYTES_WANTED
    queue_bytes_max: int = 1_048_576  # guess: 8 s of a line of 1 Mbit/s
    backlog_bytes: int = 65_536  # guess: from here on the router should know
    frames_per_turn: int = 64  # guess: then the others have their turn


def size_of(rpc: Rpc) -> int:
    """About how many bytes an RPC takes on the wire."""
    size = sum(len(carried.data) + 24 for carried in rpc.messages)
    size += _ENTRY_BYTES * (sum(len(ids) for _, ids in rpc.ihave) + len(rpc.iwant) + len(rpc.idontwant))
    return size + 16 * (len(rpc.subscriptions) + len(rpc.graft) + len(rpc.prune) + len(rpc.ihave)) + 4


def pieces(rpc: Rpc, bytes_max: int) -> list[tuple[Rpc, int]]:
    """The RPC and its size, or several with the same content that keep within a frame (document 08 §4)."""
    size = size_of(rpc)
    if size <= bytes_max:
        return [(rpc, size)]
    step = max(1, bytes_max // _ENTRY_BYTES)
    parts = [Rpc(subscriptions=rpc.subscriptions, graft=rpc.graft, prune=rpc.prune)]
    parts += [Rpc(messages=(carried,)) for carried in rpc.messages]
    for topic, ids in rpc.ihave:
        parts += [Rpc(ihave=((topic, ids[at : at + step]),)) for at in range(0, len(ids), step)]
    parts += [Rpc(iwant=rpc.iwant[at : at + step]) for at in range(0, len(rpc.iwant), step)]
    parts += [Rpc(idontwant=rpc.idontwant[at : at + step]) for at in range(0, len(rpc.idontwant), step)]
    return [(part, size_of(part)) for part in parts if part != _EMPTY]


@define
class Outbox:
    """What waits for one peer, oldest first. Putting never blocks; over the limit the least useful goes."""

    _peer: PeerId
    _limits: StreamLimits
    _deliver: Deliver
    _waiting: deque[tuple[Rpc, int]] = field(factory=deque, init=False)
    _waiting_bytes: int = field(default=0, init=False)
    _backlogged: bool = field(default=False, init=False)
    _filled: trio.Event = field(factory=trio.Event, init=False)
    _drained: trio.Event = field(factory=trio.Event, init=False)
    _busy: bool = field(default=False, init=False)

    @property
    def waiting_bytes(self) -> int:
        """What is queued and not yet written."""
        return self._waiting_bytes

    def put(self, rpc: Rpc) -> None:
        """Queue an RPC."""
        for piece, size in pieces(rpc, self._limits.joined_bytes_max):
            self._waiting.append((piece, size))
            self._waiting_bytes += size
        if self._waiting_bytes > self._limits.queue_bytes_max:
            self._shed()
        self._filled.set()
        self._say_backlog()

    async def take(self) -> bytes:
        """Wait for something, and take as much of it as fits into one frame."""
        while not self._waiting:
            self._filled = trio.Event()
            await self._filled.wait()
        rpcs: list[Rpc] = []
        taken_bytes = 0
        # "A writer MAY join what waits for a peer into one RPC." (08-binding §4)
        while self._waiting and (
            not rpcs or taken_bytes + self._waiting[0][1] <= self._limits.joined_bytes_max
        ):
            rpc, size = self._waiting.popleft()
            rpcs.append(rpc)
            taken_bytes += size
        self._busy = True
        self._waiting_bytes -= taken_bytes
        return frame(encode(join(rpcs)))

    def wrote(self) -> None:
        """What was taken has left."""
        self._busy = False
        self._say_backlog()
        if not self._waiting:
            self._drained.set()
            self._drained = trio.Event()

    async def flushed(self) -> None:
        """Wait until nothing is queued or being written."""
        while self._waiting or self._busy:
            await self._drained.wait()

    def _say_backlog(self) -> None:
        over = self._waiting_bytes >= (self._limits.backlog_bytes // (2 if self._backlogged else 1))
        if over != self._backlogged:
            self._backlogged = over
            self._deliver(BacklogChanged(self._peer, self._waiting_bytes))

    def _shed(self) -> None:
        # "It drops the oldest IHAVE first, then the oldest messages, never GRAFT, PRUNE or subscriptions." (08-binding §4)
        for kept in (_without_announcements, _without_messages):
            for index in range(len(self._waiting)):
                if self._waiting_bytes <= self._limits.queue_bytes_max:
                    break
                rpc, size = self._waiting[index]
                rpc = kept(rpc)
                self._waiting[index] = (rpc, size_of(rpc))
                self._waiting_bytes += self._waiting[index][1] - size
        self._waiting = deque(entry for entry in self._waiting if entry[0] != _EMPTY)
        self._waiting_bytes = sum(size for _, size in self._waiting)


def _without_announcements(rpc: Rpc) -> Rpc:
    return evolve(rpc, ihave=(), idontwant=()) if rpc.ihave or rpc.idontwant else rpc


def _without_messages(rpc: Rpc) -> Rpc:
    return evolve(rpc, messages=(), iwant=()) if rpc.messages or rpc.iwant else rpc


async def write_frames(outbox: Outbox, stream: Sink) -> None:
    """Write what the outbox holds, for ever. Raises what the stream raises."""
    while True:
        payload = await outbox.take()
        await stream.write(payload)
        outbox.wrote()


@define
class Inbox:
    """Takes the bytes of one peer's stream and delivers its frames.

    `room` is awaited between turns: that is how a peer is slowed down when the node cannot follow.
    """

    _peer: PeerId
    _deliver: Deliver
    _room: Callable[[], Awaitable[None]]
    _limits: StreamLimits
    _reset: Callable[[], Awaitable[None]]
    _reader: FrameReader = field(init=False)

    @_reader.default
    def _make_reader(self) -> FrameReader:
        return FrameReader(self._limits.rpc_bytes_max)

    async def take(self, data: bytes) -> None:
        """Deliver every frame that these bytes complete."""
        try:
            for number, payload in enumerate(self._reader.feed(data), 1):
                rpc = decode(payload)
                if rpc is None:
                    self._deliver(RpcUnreadable(self._peer, len(payload)))
                else:
                    self._deliver(RpcReceived(self._peer, rpc, len(payload)))
                if number % self._limits.frames_per_turn == 0:
                    await self._room()
        except FrameTooLongError:
            self._deliver(RpcUnreadable(self._peer, len(data)))
            await self._reset()  # nothing after it can be read
        await self._room()

"""A thousand anonymous cells over a line of three nodes, and what their raw frames hold."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from libp2p.pubsub.pb import rpc_pb2

from p2p_sos.drivers.p2p.mesh import Libp2pMesh
from p2p_sos.drivers.p2p.protobuf import FrameReader, frame, fresh_message
from p2p_sos.wire.registry import RPC_BYTES_MAX, TOPIC
from tests.drivers.p2p.nodes import LOOPBACK, QUICK, Relay, Say, cell, relays

CELLS = 1000
IN_FLIGHT_MAX = 100  # so that no budget for strangers is touched, however slow the machine


class _TappedStream:
    """A muxed stream whose bytes are also written down."""

    def __init__(self, muxed: Any, raw: bytearray) -> None:
        self._muxed, self._raw = muxed, raw
        self.reset = muxed.reset

    async def pour(self, sink: Callable[[bytes], Awaitable[None]]) -> None:
        async def both(data: bytes) -> None:
            self._raw.extend(data)
            await sink(data)

        await self._muxed.pour(both)


class _Tap:
    """A stream of py-libp2p's with a tapped muxed stream inside."""

    def __init__(self, stream: Any, raw: bytearray) -> None:
        self.muxed_conn, self.reset = stream.muxed_conn, stream.reset
        self.muxed_stream = _TappedStream(stream.muxed_stream, raw)


class TappedMesh(Libp2pMesh):
    """Writes down every byte that its peers' streams bring, by peer."""

    def __init__(self, *args: Any, **named: Any) -> None:
        self.raw: dict[str, bytearray] = {}
        super().__init__(*args, **named)

    async def _read_from(self, stream: Any) -> None:
        raw = self.raw.setdefault(str(stream.muxed_conn.peer_id), bytearray())
        await super()._read_from(_Tap(stream, raw))


def origins(raw: bytes) -> list[str]:
    """Every trace of an origin in the raw bytes of a stream: fields that py-libp2p's classes find, or do not know."""
    found = []
    for payload in FrameReader(RPC_BYTES_MAX).feed(raw):
        rpc = rpc_pb2.RPC.FromString(payload)
        found += [name for name in ("senderRecord",) if rpc.HasField(name)]
        for message in rpc.publish:
            named = {field.name for field, _ in message.ListFields()}
            found += sorted(named - {"data", "topicIDs"})
            bare = rpc_pb2.Message(data=message.data, topicIDs=message.topicIDs)
            if message.ByteSize() != bare.ByteSize():
                found.append("more than it says")
    return found


def messages(raw: bytes) -> int:
    """How many published messages the raw bytes of a stream hold."""
    return sum(len(rpc_pb2.RPC.FromString(p).publish) for p in FrameReader(RPC_BYTES_MAX).feed(raw))


@pytest.mark.trio
async def test_a_thousand_cells_arrive_and_name_nobody() -> None:
    """All cells of A reach C through B, and no raw frame between them holds from, seqno, key or signature."""
    a, b, c = (TappedMesh(bytes([n]) * 32, LOOPBACK, limits=QUICK) for n in (1, 2, 3))
    async with relays(a, b, c) as ((at_a, runner_a), (at_b, _), (at_c, _)):
        b.connect(a.addresses)
        c.connect(b.addresses)
        while not (_sees(at_a, b) and _sees(at_c, b)):
            await trio.lowlevel.checkpoint()
        for number in range(CELLS):
            await runner_a.ask(Say(cell(number)))  # type: ignore[arg-type]
            await at_c.until(lambda number=number: len(at_c.cells) > number - IN_FLIGHT_MAX)
        await at_c.until(lambda: len(at_c.cells) == CELLS)
        assert set(at_c.cells.values()) == {cell(number) for number in range(CELLS)}
        assert at_b.dropped == at_c.dropped == []
        for raw in (a.raw[b.peer_id], b.raw[a.peer_id], b.raw[c.peer_id], c.raw[b.peer_id]):
            assert origins(raw) == []
        assert messages(b.raw[a.peer_id]) >= CELLS
        assert messages(c.raw[b.peer_id]) >= CELLS


def _sees(relay: Relay, other: Libp2pMesh) -> bool:
    return any(view.peer == other.peer_id for view in relay.router.peers)


@pytest.mark.parametrize(
    ("extra", "name"),
    [
        (b"\x0a" + frame(b"origin"), "from_id"),
        (b"\x1a" + frame(bytes(8)), "seqno"),
        (b"\x2a" + frame(bytes(64)), "signature"),
        (b"\x32" + frame(bytes(36)), "key"),
        (b"\x7a" + frame(b"anything"), "more than it says"),
    ],
)
def test_the_checker_finds_an_origin(extra: bytes, name: str) -> None:
    """Control: a frame whose message carries one of the forbidden fields, or an unknown one, is caught."""
    message = fresh_message(cell(1), TOPIC) + extra
    assert name in origins(frame(b"\x12" + frame(message)))


def test_the_checker_finds_a_peer_record() -> None:
    """Control: a frame with py-libp2p's signed peer record is caught."""
    assert origins(frame(rpc_pb2.RPC(senderRecord=b"record").SerializeToString())) == ["senderRecord"]

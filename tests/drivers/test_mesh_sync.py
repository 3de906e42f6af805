"""The sync stream on loopback: what arrives, what is dropped, and that gossip never waits for it."""

from typing import Any

import pytest
import trio
from libp2p.custom_types import TProtocol

from p2p_sos.core.events import PeerLeft, RpcReceived, SyncReceived
from p2p_sos.core.gossip.rpc import Rpc, Subscription
from p2p_sos.drivers.p2p.mesh import Libp2pMesh
from p2p_sos.drivers.p2p.protobuf import varint
from p2p_sos.drivers.p2p.sideline import SYNC, SideInbox, SideLimits, SideLine
from p2p_sos.wire.registry import SYNC_FRAME_BYTES_MAX, TOPIC
from tests.drivers.p2p.nodes import QUICK, Ears, meet, mesh, running

HELLO = Rpc(subscriptions=(Subscription(TOPIC, True),))
LARGE = bytes(range(256)) * (SYNC_FRAME_BYTES_MAX // 256)


def line(of: Libp2pMesh, peer: Libp2pMesh) -> SideLine:
    """What waits at one for the other."""
    return of._links[peer.peer_id].lines[SYNC]


@pytest.mark.trio
async def test_frames_arrive_both_ways_in_order() -> None:
    """The smallest and the largest, from the dialler and to it."""
    a, b = mesh(1), mesh(2)
    frames = [b"\x01", LARGE, b"\x02" * 70_000, b""]
    async with running(a, b) as (at_a, at_b):
        await meet(a, b, at_a, at_b)
        for payload in frames:
            a.send_sync(b.peer_id, payload)
            b.send_sync(a.peer_id, payload)
        await at_a.hear(SyncReceived, times=4)
        await at_b.hear(SyncReceived, times=4)
        assert at_a.of(SyncReceived) == [SyncReceived(b.peer_id, payload) for payload in frames]
        assert at_b.of(SyncReceived) == [SyncReceived(a.peer_id, payload) for payload in frames]


@pytest.mark.trio
async def test_what_goes_to_nobody_is_dropped() -> None:
    """A frame for a peer that is not there does nothing."""
    a = mesh(1)
    async with running(a):
        a.send_sync("12D3KooWnobody", b"frame")


@pytest.mark.trio
async def test_a_peer_that_does_not_speak_it_stays_a_peer() -> None:
    """It gets nothing, nothing piles up for it, and RPCs still go to and fro."""
    a, b = mesh(1), mesh(2)
    b._host.remove_stream_handler(TProtocol(SYNC.protocol))
    async with running(a, b) as (at_a, at_b):
        await meet(a, b, at_a, at_b)
        a.send_sync(b.peer_id, b"frame")
        with trio.fail_after(20.0):
            while not line(a, b).is_refused:
                await trio.lowlevel.checkpoint()
        a.send_sync(b.peer_id, b"frame")
        a.send(b.peer_id, HELLO)
        b.send(a.peer_id, HELLO)
        await at_a.hear(RpcReceived)
        await at_b.hear(RpcReceived)
        assert at_b.of(SyncReceived) == []
        assert line(a, b).waiting_bytes == 0
        assert at_a.of(PeerLeft) == at_b.of(PeerLeft) == []


@pytest.mark.trio
async def test_a_slow_reader_of_sync_keeps_a_bounded_queue() -> None:
    """Far more than the queue holds is put at once; the rest is dropped, and the peer gets what was queued."""
    a, b = mesh(1), mesh(2)
    async with running(a, b) as (at_a, at_b):
        await meet(a, b, at_a, at_b)
        for _ in range(50):
            a.send_sync(b.peer_id, LARGE)
        most = QUICK.sides.queue_bytes_max
        assert most - len(LARGE) < line(a, b).waiting_bytes <= most
        await at_b.hear(SyncReceived, times=most // len(LARGE))
        a.send_sync(b.peer_id, b"the last")
        await at_b.until(lambda: at_b.of(SyncReceived)[-1].frame == b"the last")
        assert len(at_b.of(SyncReceived)) == most // len(LARGE) + 1


@pytest.mark.trio
async def test_an_rpc_overtakes_sync() -> None:
    """An RPC that is sent behind half a megabyte of sync arrives before its last frame."""
    a, b = mesh(1), mesh(2)
    async with running(a, b) as (at_a, at_b):
        await meet(a, b, at_a, at_b)
        a.send_sync(b.peer_id, b"the stream is open")
        await at_b.hear(SyncReceived)
        for _ in range(4):
            a.send_sync(b.peer_id, LARGE)
        a.send(b.peer_id, HELLO)
        await at_b.hear(SyncReceived, times=5)
        order = [type(event) for event in at_b.events if isinstance(event, RpcReceived | SyncReceived)]
        assert RpcReceived in order[:-1]


async def _open(of: Libp2pMesh, peer: str) -> Any:
    _, stream = await of._host.open(of._links[peer].connections[0], (SYNC.protocol,))
    return stream.muxed_stream


@pytest.mark.trio
async def test_a_frame_that_is_too_long_ends_the_stream_and_nothing_else() -> None:
    """The peer stays, its RPCs arrive, and so does what it sends on a new sync stream."""
    a, b = mesh(1), mesh(2)
    async with running(a, b) as (at_a, at_b):
        await meet(a, b, at_a, at_b)
        stream = await _open(b, a.peer_id)
        await stream.write(varint(SYNC_FRAME_BYTES_MAX + 1) + b"much")
        with trio.fail_after(20.0):
            while not stream.was_reset:
                await trio.lowlevel.checkpoint()
        b.send(a.peer_id, HELLO)
        b.send_sync(a.peer_id, b"anew")
        await at_a.hear(RpcReceived)
        await at_a.hear(SyncReceived)
        assert at_a.of(SyncReceived) == [SyncReceived(b.peer_id, b"anew")]
        assert at_a.of(PeerLeft) == []


@pytest.mark.trio
async def test_a_newer_stream_takes_the_place_of_the_older() -> None:
    """However many a peer opens, one is read."""
    a, b = mesh(1), mesh(2)
    async with running(a, b) as (at_a, at_b):
        await meet(a, b, at_a, at_b)
        streams = []
        for number in range(5):
            streams.append(await _open(b, a.peer_id))
            await streams[-1].write(varint(1) + bytes([number]))
            await at_a.hear(SyncReceived, times=number + 1)
        with trio.fail_after(20.0):
            while not all(one.was_reset for one in streams[:-1]):
                await trio.lowlevel.checkpoint()
        assert not streams[-1].was_reset


@pytest.mark.trio
async def test_a_line_whose_stream_breaks_opens_another() -> None:
    """What waited then is lost; what comes after goes out."""
    opened: list[str] = []
    written: list[bytes] = []

    class Breaking:
        async def write(self, data: bytes) -> None:
            if len(opened) == 1:
                raise trio.BrokenResourceError
            written.append(data)

    class Stream:
        muxed_stream = Breaking()

    async def open_stream() -> tuple[str, Any]:
        opened.append("stream")
        return SYNC.protocol, Stream()

    made = SideLine(SYNC, "peer", Ears(), SideLimits())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.run, open_stream)
        made.put(b"lost")
        made.put(b"lost too")
        while not opened or made.waiting_bytes:
            await trio.lowlevel.checkpoint()
        made.put(b"here")
        while not written:
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    assert written == [b"\x04here"]
    assert len(opened) == 2


@pytest.mark.trio
async def test_a_reader_that_cannot_follow_slows_its_peer_down() -> None:
    """`room` is awaited within a burst of small frames."""
    heard, waits = Ears(), []

    async def room() -> None:
        waits.append(len(heard.events))

    async def reset() -> None:
        raise AssertionError("nothing is wrong")

    await SideInbox(SYNC, "peer", heard, room, reset).take(b"\x01x" * 20)
    assert len(heard.events) == 20
    assert waits == [8, 16, 20]

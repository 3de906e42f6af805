"""The stem stream on loopback: cells arrive, a peer that refuses is told of, and all nodes serve it alike."""

import pytest
import trio
from libp2p.custom_types import TProtocol

from p2p_sos.core.events import PeerJoined, PeerLeft, StemReceived, StemRefused
from p2p_sos.drivers.addresses import network_of_peer
from p2p_sos.drivers.p2p.host import identity_of
from p2p_sos.drivers.p2p.mesh import Libp2pMesh
from p2p_sos.drivers.p2p.protobuf import varint
from p2p_sos.drivers.p2p.sideline import SIDES, STEM
from p2p_sos.wire.registry import CELL_BYTES
from tests.drivers.p2p.nodes import QUICK, meet, mesh, running

CELL = bytes(range(256)) * (CELL_BYTES // 256)


@pytest.mark.trio
async def test_cells_arrive_both_ways_in_order() -> None:
    """From the dialler and to it."""
    a, b = mesh(1), mesh(2)
    cells = [CELL, CELL[::-1], bytes(CELL_BYTES)]
    async with running(a, b) as (at_a, at_b):
        await meet(a, b, at_a, at_b)
        for cell in cells:
            a.send_stem(b.peer_id, cell)
            b.send_stem(a.peer_id, cell)
        await at_a.hear(StemReceived, times=3)
        await at_b.hear(StemReceived, times=3)
        assert at_a.of(StemReceived) == [StemReceived(b.peer_id, cell) for cell in cells]
        assert at_b.of(StemReceived) == [StemReceived(a.peer_id, cell) for cell in cells]


@pytest.mark.trio
async def test_a_peer_that_refuses_is_told_of_each_time() -> None:
    """What was queued and what comes later is refused aloud; one that speaks it is not told of (control)."""
    a, b, c = mesh(1), mesh(2), mesh(3)
    b._host.remove_stream_handler(TProtocol(STEM.protocol))
    async with running(a, b, c) as (at_a, at_b, at_c):
        await meet(a, b, at_b)
        await meet(a, c, at_c)
        await at_a.hear(PeerJoined, times=2)
        a.send_stem(b.peer_id, CELL)
        a.send_stem(c.peer_id, CELL)
        await at_a.hear(StemRefused)
        a.send_stem(b.peer_id, CELL)
        await at_a.hear(StemRefused, times=2)
        await at_c.hear(StemReceived)
        assert at_a.of(StemRefused) == [StemRefused(b.peer_id)] * 2
        assert at_b.of(StemReceived) == []
        assert at_a.of(PeerLeft) == []


@pytest.mark.trio
async def test_a_peer_that_took_a_cell_before_it_refuses_is_told_apart() -> None:
    """It may have read something; one that never spoke the stem did not (the test above)."""
    a, b = mesh(1), mesh(2)
    async with running(a, b) as (at_a, at_b):
        await meet(a, b, at_a, at_b)
        b.send_stem(a.peer_id, CELL)
        await at_a.hear(StemReceived)
        a._host.remove_stream_handler(TProtocol(STEM.protocol))
        b.send_stem(a.peer_id, CELL + b"x")  # ends the stream
        while not at_b.of(StemRefused):
            b.send_stem(a.peer_id, CELL)
            await trio.lowlevel.checkpoint()
        assert at_b.of(StemRefused)[0] == StemRefused(a.peer_id, spoke=True)


@pytest.mark.trio
async def test_a_frame_longer_than_a_cell_ends_the_stream_and_nothing_else() -> None:
    """The peer stays, and what it sends on a new stream arrives."""
    a, b = mesh(1), mesh(2)
    async with running(a, b) as (at_a, at_b):
        await meet(a, b, at_a, at_b)
        _, stream = await b._host.open(b._links[a.peer_id].connections[0], (STEM.protocol,))
        await stream.muxed_stream.write(varint(CELL_BYTES + 1) + b"much")
        with trio.fail_after(20.0):
            while not stream.muxed_stream.was_reset:
                await trio.lowlevel.checkpoint()
        b.send_stem(a.peer_id, CELL)
        await at_a.hear(StemReceived)
        assert at_a.of(StemReceived) == [StemReceived(b.peer_id, CELL)]
        assert at_a.of(PeerLeft) == []


@pytest.mark.trio
async def test_a_caller_serves_what_a_node_serves() -> None:
    """Whether a mesh listens shows in nothing that identify tells; the stem is among it."""
    node, caller = mesh(1), Libp2pMesh(bytes(32), (), (), limits=QUICK)
    served = [sorted(str(p) for p in one._host.get_mux().get_protocols()) for one in (node, caller)]
    assert served[0] == served[1]
    assert all(side.protocol in served[0] for side in SIDES)
    assert identity_of(b"key", served[0]) == identity_of(b"key", served[1])


def test_this_mesh_pushes_nothing() -> None:
    """It has no circuits, and says so before anything could leave by its connections."""
    with pytest.raises(NotImplementedError):
        mesh(1).push(CELL)


@pytest.mark.trio
@pytest.mark.parametrize("apart", [True, False])
async def test_laboratories_count_each_loopback_peer_as_a_network(apart: bool) -> None:
    """Only where it was asked for; else all of loopback is one network, and the stem refuses."""
    a, b, c = mesh(1), mesh(2), mesh(3, loopback_apart=apart)
    async with running(a, b, c) as (_, _, heard):
        c.connect([*a.addresses, *b.addresses])
        await heard.hear(PeerJoined, times=2)
        networks = {event.peer: event.network for event in heard.of(PeerJoined)}
        assert sorted(networks) == sorted((a.peer_id, b.peer_id))
        assert len(dict.fromkeys(networks.values())) == (2 if apart else 1)


@pytest.mark.parametrize("host", ["192.0.2.7", "2001:db8::1", "relay.example"])
def test_only_loopback_is_ever_told_apart(host: str) -> None:
    """Two peers of one network elsewhere are of one network, in a laboratory too."""
    assert network_of_peer(host, "a", loopback_apart=True) == network_of_peer(host, "b", loopback_apart=True)

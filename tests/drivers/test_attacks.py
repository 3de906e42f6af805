"""Attacks on a listening node, bounded and on loopback: the others are served throughout."""

import resource
from collections.abc import Iterator

import pytest
import trio
from attrs import evolve

from p2p_sos.core.events import PeerJoined, RpcReceived, RpcUnreadable
from p2p_sos.core.gossip.rpc import Rpc
from p2p_sos.drivers.p2p.mesh import Libp2pMesh
from p2p_sos.drivers.p2p.protobuf import frame
from p2p_sos.wire.registry import MUXED_STREAMS_MAX, RPC_BYTES_MAX, TOPIC
from tests.drivers.p2p.nodes import QUICK, Ears, Say, Speaker, cell, mesh, relays, running
from tests.drivers.p2p.strangers import Odd, Rude, garbage, silence

GARBAGE, SILENT, HALF_OPEN = 200, 800, 100
FILES = 2 * SILENT + 200
CELLS = 20


@pytest.fixture
def many_files() -> Iterator[None]:
    """Both ends of eight hundred connections need more open files than some shells allow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FILES and (hard == resource.RLIM_INFINITY or hard >= FILES):
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def still_serves(node: Libp2pMesh, ears: Ears, seed: int) -> None:
    """A newcomer joins and is heard."""
    newcomer = mesh(seed, node.addresses)
    async with running(newcomer) as (theirs,):
        await theirs.hear(PeerJoined)
        newcomer.send(node.peer_id, Rpc(graft=(TOPIC,)))
        await ears.until(lambda: any(e.peer == newcomer.peer_id for e in ears.of(RpcReceived)))


@pytest.mark.trio
async def test_garbage_connections_are_closed_and_others_served() -> None:
    """Of 200 connections that speak nonsense each is closed; a newcomer joins among them."""
    node = mesh(1, limits=evolve(QUICK, handshake_s=3.0))
    async with running(node) as (ears,):
        async with trio.open_nursery() as strangers:
            for number in range(GARBAGE):
                await strangers.start(garbage, node, number)
            await still_serves(node, ears, 2)
        assert len(ears.of(PeerJoined)) == 1  # and the nursery ended: every stranger was closed


@pytest.mark.trio
async def test_handshakes_left_open_keep_nobody_out(many_files: None) -> None:
    """With 800 handshakes begun and left, where 100 have room, a newcomer joins; the oldest had to go."""
    node = mesh(1, limits=evolve(QUICK, half_open_max=HALF_OPEN))
    async with running(node) as (ears,), trio.open_nursery() as strangers:
        for _ in range(SILENT):
            await strangers.start(silence, node)
        await still_serves(node, ears, 2)
        assert len(strangers.child_tasks) <= HALF_OPEN, "control: the others were closed, not just ignored"
        strangers.cancel_scope.cancel()


@pytest.mark.trio
async def test_a_flood_of_junk_ends_with_the_flooder() -> None:
    """A peer that sends junk as fast as it can is dropped, while two others go on speaking through the same node."""
    a, b, c = mesh(1), mesh(2), mesh(3)
    flooder = Rude(9, frame(b"\xff\xff\xff junk") * 100)
    async with relays(a, b, c) as ((at_a, _), (at_b, runner_b), (at_c, _)):
        b.connect(a.addresses)
        c.connect(a.addresses)
        await _sees(at_a, b, c)
        await _sees(at_b, a)
        await _sees(at_c, a)
        async with running(flooder):
            flooder.connect(a.addresses)
            for number in range(CELLS):
                await runner_b.ask(Say(cell(number)))  # type: ignore[arg-type]
            await at_a.until(lambda: bool(at_a.dropped))
            await at_c.until(lambda: len(at_c.cells) == CELLS)
        assert [notice.peer for notice in at_a.dropped] == [flooder.peer_id]
        assert {view.peer for view in at_a.router.peers} >= {b.peer_id, c.peer_id}


@pytest.mark.trio
async def test_a_talkative_peer_is_not_dropped() -> None:
    """Control: as many frames of the same size that are RPCs, if empty ones, drop nobody."""
    a, b = mesh(1), mesh(2)
    talker = Talker(9, frame(b"") * 100, times=20)
    async with relays(a, b) as ((at_a, _), (at_b, runner_b)):
        b.connect(a.addresses)
        await _sees(at_a, b)
        await _sees(at_b, a)
        async with running(talker):
            talker.connect(a.addresses)
            await talker.done.wait()
            await runner_b.ask(Say(cell(1)))  # type: ignore[arg-type]
            await at_a.until(lambda: len(at_a.cells) == 1)
            assert at_a.dropped == []


class Talker(Rude):
    """A rude peer that stops after so many writes."""

    def __init__(self, seed: int, what: bytes, times: int) -> None:
        super().__init__(seed, what)
        self._times, self.done = times, trio.Event()

    async def _write_to(self, link: object) -> None:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(super()._write_to, link)
                while self.written < self._times:
                    await trio.lowlevel.checkpoint()
                scope.cancel()
        self.done.set()
        await trio.sleep_forever()


async def _sees(relay: Speaker, *others: Libp2pMesh) -> None:
    wanted = {other.peer_id for other in others}
    while not wanted <= {view.peer for view in relay.router.peers}:
        await trio.lowlevel.checkpoint()


@pytest.mark.trio
async def test_a_frame_that_is_too_long_ends_its_stream() -> None:
    """A frame above the limit is a fault of its sender; what it goes on to say is not read; others are."""
    node, rude = mesh(1), Rude(9, frame(bytes(RPC_BYTES_MAX + 1))[:4096])
    async with running(node, rude) as (ears, _):
        rude.connect(node.addresses)
        assert (await ears.hear(RpcUnreadable)).peer == rude.peer_id
        await still_serves(node, ears, 2)
        assert not any(e.peer == rude.peer_id for e in ears.of(RpcReceived))


@pytest.mark.parametrize("name", [b"\xff\xfe\xfd", b"", b"/nobody/serves/this", b"\x00" * 900])
@pytest.mark.trio
async def test_odd_protocol_names_end_their_streams_alone(name: bytes) -> None:
    """A stream whose protocol is no text, or unknown, ends; its connection and all others go on."""
    node, odd = mesh(1), Odd(9, name, streams=3)
    async with running(node, odd) as (ears, theirs):
        odd.connect(node.addresses)
        await theirs.hear(PeerJoined)
        await odd.bother(node.peer_id)
        odd.send(node.peer_id, Rpc(graft=(TOPIC,)))
        await ears.until(lambda: any(e.peer == odd.peer_id for e in ears.of(RpcReceived)))
        await still_serves(node, ears, 2)


@pytest.mark.trio
async def test_more_streams_than_allowed_are_reset() -> None:
    """A peer that opens streams without end keeps its own stream, and no more than the bound are held."""
    node, greedy = mesh(1), Odd(9, b"/ipfs/ping/1.0.0", streams=MUXED_STREAMS_MAX + 40)
    async with running(node, greedy) as (ears, theirs):
        greedy.connect(node.addresses)
        await theirs.hear(PeerJoined)
        await greedy.bother(node.peer_id)
        greedy.send(node.peer_id, Rpc(graft=(TOPIC,)))
        await ears.until(lambda: any(e.peer == greedy.peer_id for e in ears.of(RpcReceived)))
        muxer = node._links[greedy.peer_id].connections[0].muxed_conn
        assert sum(number % 2 == 1 for number in muxer._streams) <= MUXED_STREAMS_MAX
        await still_serves(node, ears, 2)

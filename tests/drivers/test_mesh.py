"""Meshes on loopback: who joins and leaves, what arrives, what is told of oneself."""

import pytest
import trio
from libp2p import new_host
from libp2p.abc import INetConn, INetStream, INetwork, INotifee
from libp2p.custom_types import TProtocol
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.utils.varint import read_length_prefixed_protobuf
from multiaddr import Multiaddr

from p2p_sos.core.events import PeerJoined, PeerLeft, RoundTripMeasured, RpcReceived
from p2p_sos.core.gossip.rpc import Carried, Prune, Rpc, Subscription
from p2p_sos.drivers.p2p.host import AGENT, PROTOCOL_VERSION
from p2p_sos.drivers.p2p.mesh import PROTOCOLS, Libp2pMesh
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.registry import TOPIC
from tests.drivers.p2p.nodes import PATIENCE_S, QUICK, Ears, cell, mesh, running

IDS = (bytes(20), bytes(range(20)))


def carried(number: int) -> Carried:
    """A message."""
    return Carried(gossip_id(cell(number), canonical=True), cell(number), TOPIC)


EVERYTHING = Rpc(
    subscriptions=(Subscription(TOPIC, True),),
    messages=(carried(1), carried(2)),
    ihave=((TOPIC, IDS),),
    iwant=IDS,
    graft=(TOPIC,),
    prune=(Prune(TOPIC, 60),),
    idontwant=IDS,
)


async def after(listener: Libp2pMesh, caller: Libp2pMesh, ears: list[Ears]) -> tuple[Ears, Ears]:
    """Connect the second to the first; both have joined."""
    caller.connect(listener.addresses)
    theirs, ours = ears
    await theirs.hear(PeerJoined)
    await ours.hear(PeerJoined)
    return theirs, ours


@pytest.mark.trio
async def test_both_sides_join_and_measure() -> None:
    """Each side hears of the other with the best protocol and who dialled, and measures the round trip."""
    a, b = mesh(1), mesh(2)
    async with running(a, b) as ears:
        at_a, at_b = await after(a, b, ears)
        assert at_a.of(PeerJoined) == [PeerJoined(b.peer_id, False, PROTOCOLS[0], "127.0")]
        assert at_b.of(PeerJoined) == [PeerJoined(a.peer_id, True, PROTOCOLS[0], "127.0")]
        assert (await at_a.hear(RoundTripMeasured)).peer == b.peer_id
        assert (await at_b.hear(RoundTripMeasured)).round_trip_s > 0


@pytest.mark.trio
async def test_an_rpc_arrives_as_it_was_sent() -> None:
    """Every part of an RPC arrives, and its size is that of its bytes."""
    a, b = mesh(1), mesh(2)
    async with running(a, b) as ears:
        at_a, _ = await after(a, b, ears)
        b.send(a.peer_id, EVERYTHING)
        received = await at_a.hear(RpcReceived)
        assert received.rpc == EVERYTHING
        assert received.size_bytes > 2 * len(cell(1))


@pytest.mark.trio
async def test_a_large_rpc_arrives_in_pieces() -> None:
    """What is more than a frame should hold arrives whole, in frames that keep within the limit."""
    a, b = mesh(1), mesh(2)
    many = tuple(carried(number) for number in range(200))
    async with running(a, b) as ears:
        at_a, _ = await after(a, b, ears)
        b.send(a.peer_id, Rpc(messages=many))
        await at_a.until(lambda: sum(len(e.rpc.messages) for e in at_a.of(RpcReceived)) == len(many))
        assert tuple(m for e in at_a.of(RpcReceived) for m in e.rpc.messages) == many
        assert max(e.size_bytes for e in at_a.of(RpcReceived)) <= QUICK.streams.joined_bytes_max


@pytest.mark.trio
async def test_what_goes_to_nobody_is_dropped() -> None:
    """Sending to a peer that is not there does nothing."""
    a = mesh(1)
    async with running(a):
        a.send("12D3KooWnobody", EVERYTHING)
        await a.flush(1.0)


@pytest.mark.trio
async def test_a_peer_that_stops_has_left_and_is_found_again() -> None:
    """When the listener stops, the caller hears that it left; when it is back, it joins again."""
    b = mesh(2)
    async with running(b) as (at_b,):
        first = mesh(1)
        async with running(first):
            where = first.addresses[0]
            b.connect([where])
            await at_b.hear(PeerJoined)
        assert await at_b.hear(PeerLeft) == PeerLeft(first.peer_id)
        again = mesh(1, listen=[where.split("/p2p/")[0]])
        async with running(again):
            await at_b.hear(PeerJoined, times=2)


@pytest.mark.trio
async def test_a_disconnected_peer_is_refused() -> None:
    """Both sides hear that it is over, and the caller, which dials again, does not join again."""
    a, b = mesh(1), mesh(2)
    async with running(a, b) as ears:
        at_a, at_b = await after(a, b, ears)
        a.disconnect(b.peer_id, "junk")
        await at_a.hear(PeerLeft)
        await at_b.hear(PeerLeft)
        while not b.faults:
            await trio.lowlevel.checkpoint()
        assert len(at_a.of(PeerJoined)) == 1


@pytest.mark.trio
async def test_two_that_dial_each_other_join_once() -> None:
    """Two connections between two peers make one neighbour, and what is sent arrives once."""
    a, b = mesh(1), mesh(2)
    async with running(a, b) as (at_a, at_b):
        a.connect(b.addresses)
        b.connect(a.addresses)
        await at_a.hear(RoundTripMeasured)
        await at_b.hear(RoundTripMeasured)
        b.send(a.peer_id, Rpc(graft=(TOPIC,)))
        b.send(a.peer_id, EVERYTHING)
        await at_a.until(lambda: any(e.rpc.messages for e in at_a.of(RpcReceived)))
        assert sum(len(e.rpc.messages) for e in at_a.of(RpcReceived)) == len(EVERYTHING.messages)


@pytest.mark.trio
async def test_wrong_addresses_are_named_with_their_fault() -> None:
    """Each address that cannot be kept gets a sentence that says why; the right one joins meanwhile."""
    a, stranger = mesh(1), mesh(9)
    async with running(a) as (at_a,):
        right = a.addresses[0]
        silent = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = silent[0].socket.getsockname()[1]
        wrong = {
            right.replace(a.peer_id, stranger.peer_id): "another peer answers there",
            f"/ip4/127.0.0.1/tcp/1/p2p/{a.peer_id[:-1]}X": "refused",
            f"/dns4/relay.invalid/tcp/4001/p2p/{mesh(8).peer_id}": "the name relay.invalid is not known",
            f"/ip4/127.0.0.1/tcp/{port}/p2p/{mesh(7).peer_id}": "no answer within",
        }
        limits = type(QUICK)(keeper=type(QUICK.keeper)(dial_s=1.0, first_wait_s=0.05, last_wait_s=0.1))
        b = mesh(2, [right, *wrong], limits=limits)
        async with running(b):
            await at_a.hear(PeerJoined)
            while set(b.faults) != set(wrong):
                await trio.lowlevel.checkpoint()
            for address, why in wrong.items():
                assert b.faults[address].startswith(address)
                assert why in b.faults[address]
        await silent[0].aclose()


def test_a_text_that_is_no_address_is_refused_at_once() -> None:
    """A bootstrap address without its peer id is a ValueError with a sentence."""
    with pytest.raises(ValueError, match="lacks /p2p/"):
        mesh(1, ["/ip4/127.0.0.1/tcp/4001"])
    with pytest.raises(ValueError, match="no address to listen on"):
        mesh(1, listen=["/ip4/127.0.0.1/udp/4001"])


class Met(INotifee):
    """Waits for the first peer of a py-libp2p host."""

    def __init__(self) -> None:
        self._sent, self._met = trio.open_memory_channel[ID](1)

    async def somebody(self) -> ID:
        """The first peer."""
        return await self._met.receive()

    async def connected(self, network: INetwork, conn: INetConn) -> None:
        self._sent.send_nowait(conn.muxed_conn.peer_id)

    async def disconnected(self, network: INetwork, conn: INetConn) -> None: ...

    async def opened_stream(self, network: INetwork, stream: INetStream) -> None: ...

    async def closed_stream(self, network: INetwork, stream: INetStream) -> None: ...

    async def listen(self, network: INetwork, multiaddr: Multiaddr) -> None: ...

    async def listen_close(self, network: INetwork, multiaddr: Multiaddr) -> None: ...


async def hold(_: INetStream) -> None:
    """Keep a stream open."""
    await trio.sleep_forever()


async def identity(peer: Libp2pMesh, caller: bool) -> Identify:
    """What py-libp2p's host is told by identify."""
    host = new_host()
    host.set_stream_handler(TProtocol(PROTOCOLS[0]), hold)  # else our side hangs up
    async with host.run([Multiaddr("/ip4/127.0.0.1/tcp/0")]):
        if caller:
            met = Met()
            host.get_network().register_notifee(met)
            peer.connect([str(host.get_addrs()[0])])
            target = await met.somebody()
        else:
            info = info_from_p2p_addr(Multiaddr(peer.addresses[0]))
            await host.connect(info)
            target = info.peer_id
        stream = await host.new_stream(target, ["/ipfs/id/1.0.0"])
        told = Identify.FromString(await read_length_prefixed_protobuf(stream, use_varint_format=True))
        await host.close()
    return told


@pytest.mark.trio
async def test_identify_tells_the_same_of_a_node_and_of_a_caller() -> None:
    """Neither names an address, a version or a system; both serve the same protocols under the same agent."""
    node, caller = mesh(1), mesh(2, listen=())
    async with running(node, caller):
        told = [await identity(node, caller=False), await identity(caller, caller=True)]
        told_by_nobody = Identify(
            protocol_version=PROTOCOL_VERSION,
            agent_version=AGENT,
            protocols=[
                "/esos/stem/1",
                "/esos/sync/1",
                "/ipfs/id/1.0.0",
                "/ipfs/ping/1.0.0",
                "/meshsub/1.1.0",
                "/meshsub/1.2.0",
            ],
        )
        for one in told:
            one.ClearField("public_key")
            assert one == told_by_nobody


@pytest.mark.trio
async def test_an_address_in_use_is_said() -> None:
    """A second mesh on the same port does not start, and does not share the port in silence."""
    a = mesh(1)
    async with running(a):
        b = mesh(2, listen=[a.addresses[0].split("/p2p/")[0]])
        with pytest.RaisesGroup(OSError, flatten_subgroups=True), trio.fail_after(PATIENCE_S):
            await b.run(Ears())

"""The mesh over py-libp2p: who is connected, and the streams of each.

Decides when a peer has joined or left, and whom we refuse. In come addresses to keep, RPCs and frames of sync to send; out go
events. It must not know what an RPC or a frame means.
"""

import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import trio
from attrs import field, frozen
from libp2p.peer.id import ID
from libp2p.protocol_muxer.exceptions import MultiselectClientError

from p2p_sos.core.events import PeerJoined, PeerLeft, RoundTripMeasured
from p2p_sos.core.gossip.rpc import PeerId, Rpc
from p2p_sos.drivers.addresses import Address, network_of_peer, parse_bootstrap, parse_listen
from p2p_sos.drivers.mesh import Deliver
from p2p_sos.drivers.p2p.dial import Dialler, dial_in_the_open
from p2p_sos.drivers.p2p.host import STRANGERS_FAULTS, MeshHost, MeshSwarm, build_host
from p2p_sos.drivers.p2p.keeper import (
    HungUpError,
    Keeper,
    KeeperLimits,
    NotOurProtocolError,
    UnreachableError,
)
from p2p_sos.drivers.p2p.link import Link
from p2p_sos.drivers.p2p.rota import Rota
from p2p_sos.drivers.p2p.sideline import SIDES, STEM, SYNC, Side, SideInbox, SideLimits, SideLine
from p2p_sos.drivers.p2p.streams import Inbox, Outbox, StreamLimits, write_frames

if TYPE_CHECKING:
    from trio_typing import TaskStatus

_log = logging.getLogger(__name__)

# "A node MUST serve both and prefers the first." (08-binding §3)
PROTOCOLS = ("/meshsub/1.2.0", "/meshsub/1.1.0")


@frozen
class MeshLimits:
    """How many strangers are served, and how long they are waited for."""

    peers_max: int = 128  # guess: 16 of them in the mesh, the rest callers and late comers
    half_open_max: int = 512  # measured: 800 handshakes left open cost 40 MB (docs/decisions)
    handshake_s: float = 10.0  # guess: three round trips over Tor
    refuse_s: float = 600.0  # guess: ten minutes; a score of GossipSub has decayed by then
    refused_max: int = 4096  # guess
    ping_every_s: float = 60.0  # guess: a silent peer is noticed within two of them
    ping_answer_s: float = 20.0  # guess
    close_s: float = 2.0  # how long a stop waits for goodbyes
    streams: StreamLimits = field(factory=StreamLimits)
    sides: SideLimits = field(factory=SideLimits)
    keeper: KeeperLimits = field(factory=KeeperLimits)


async def _always_room() -> None:
    return


class Libp2pMesh:
    """A place in the mesh under the Ed25519 key of `host_seed` (32 bytes); `listen` empty for a caller."""

    def __init__(  # noqa: PLR0913 - a mesh is made of that much
        self,
        host_seed: bytes,
        listen: Sequence[str] = (),
        bootstrap: Sequence[str] = (),
        *,
        limits: MeshLimits | None = None,
        dial: Dialler = dial_in_the_open,
        loopback_apart: bool = False,
    ) -> None:
        """Raises ValueError with a sentence about the first address that is wrong.

        `loopback_apart`: each peer on a loopback address counts as a network of its own, as laboratories need it.
        """
        self._network_of = partial(network_of_peer, loopback_apart=loopback_apart)
        self._limits = limits or MeshLimits()
        self._dial = dial
        for text in listen:
            if (wrong := parse_listen(text)) is not None:
                raise ValueError(wrong)
        self._listen = tuple(listen)
        self._host: MeshHost
        self._swarm: MeshSwarm
        self._host, self._swarm = build_host(
            host_seed,
            connections_max=self._limits.peers_max + 16,
            half_open_max=self._limits.half_open_max,
            handshake_s=self._limits.handshake_s,
        )
        self._random = random.Random()  # noqa: S311 - jitter, no secret
        self._keeper: Keeper | Rota = Keeper(self._hold, self.peer_id, self._limits.keeper, self._random)
        self._links: dict[PeerId, Link] = {}
        self._refused: dict[PeerId, float] = {}
        self._addresses: tuple[str, ...] = ()
        self._deliver: Deliver
        self._room: Callable[[], Awaitable[None]] = _always_room
        self._nursery: trio.Nursery | None = None
        for protocol in PROTOCOLS:
            self._host.set_stream_handler(protocol, self._read_from)
        for side in SIDES:
            self._host.set_stream_handler(side.protocol, partial(self._read_side_from, side))
        self._swarm.register_notifee(self)
        self.connect(bootstrap)

    # --------------------------------------------------------------------- the face

    @property
    def peer_id(self) -> str:
        """Who we are to our peers, in base58."""
        return str(self._host.get_id())

    @property
    def addresses(self) -> tuple[str, ...]:
        """The full addresses that we listen on; known once `run` has started."""
        return self._addresses

    @property
    def faults(self) -> Mapping[str, str]:
        """One sentence for each kept address that could not be reached at its last attempt."""
        return self._keeper.faults

    def connect(self, addresses: Sequence[str]) -> None:
        """Keep these peers too. Raises ValueError with a sentence about the first address that is wrong."""
        parsed = [parse_bootstrap(text) for text in addresses]
        for one in parsed:
            if isinstance(one, str):
                raise ValueError(one)
        self._keeper.keep(one for one in parsed if isinstance(one, Address))

    def send(self, peer: PeerId, rpc: Rpc) -> None:
        """Queue an RPC; what goes to nobody is dropped."""
        link = self._links.get(peer)
        if link is not None:
            link.outbox.put(rpc)

    def send_sync(self, peer: PeerId, frame: bytes) -> None:
        """Queue a frame of sync; what goes to nobody, or to who does not speak it, is dropped."""
        link = self._links.get(peer)
        if link is not None:
            link.lines[SYNC].put(frame)

    def send_stem(self, peer: PeerId, cell: bytes) -> None:
        """Queue a cell on the stem stream; what goes to nobody, or finds no room, is dropped."""
        link = self._links.get(peer)
        if link is not None:
            link.lines[STEM].put(cell)

    def push(self, cell: bytes) -> None:
        """Raise NotImplementedError: this mesh has no circuits beside its own connections."""
        raise NotImplementedError("a mesh that pushes stands elsewhere")

    def disconnect(self, peer: PeerId, why: str) -> None:
        """Close every connection to a peer and refuse it for a while."""
        _log.info("disconnecting %s: %s", peer, why)
        while len(self._refused) >= self._limits.refused_max:
            del self._refused[next(iter(self._refused))]
        self._refused.pop(peer, None)
        self._refused[peer] = trio.current_time() + self._limits.refuse_s
        link = self._links.get(peer)
        if link is not None:
            link.scope.cancel()

    async def flush(self, within_s: float) -> None:
        """Wait until what is queued has left, or that long."""
        with trio.move_on_after(within_s):
            async with trio.open_nursery() as nursery:
                for link in self._links.values():
                    if link.joined.is_set():
                        nursery.start_soon(link.outbox.flushed)

    # --------------------------------------------------------------------- running

    async def run(
        self,
        deliver: Deliver,
        *,
        room: Callable[[], Awaitable[None]] | None = None,
        task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Listen, keep the bootstrap peers, deliver events. Raises OSError when an address cannot be listened on."""
        self._deliver = deliver
        self._room = room or _always_room
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            self._swarm.use(nursery)
            try:
                async with trio.open_nursery() as outer:  # ends first: nobody new while we say goodbye
                    listeners = await self._open_listeners()
                    if listeners:
                        outer.start_soon(trio.serve_listeners, self._accept, listeners)
                    outer.start_soon(self._keeper.run)
                    task_status.started()
            finally:
                with trio.CancelScope(shield=True):
                    await self._close()
                nursery.cancel_scope.cancel()

    async def _open_listeners(self) -> list[trio.SocketListener]:
        listeners: list[trio.SocketListener] = []
        addresses: list[str] = []
        for text in self._listen:
            _, family, host, _, port = text.strip().rstrip("/").split("/")
            opened = await trio.open_tcp_listeners(int(port), host=host)
            listeners += opened
            addresses += [
                f"/{family}/{host}/tcp/{one.socket.getsockname()[1]}/p2p/{self.peer_id}" for one in opened
            ]
        self._addresses = tuple(addresses)
        return listeners

    async def _close(self) -> None:
        with trio.move_on_after(self._limits.close_s):
            async with trio.open_nursery() as nursery:
                for connections in list(self._swarm.connections.values()):
                    for connection in list(connections):
                        nursery.start_soon(connection.close)

    async def _accept(self, stream: trio.SocketStream) -> None:
        if sum(not link.outbound for link in self._links.values()) >= self._limits.peers_max:
            return
        try:
            await self._swarm.accept(stream)
        except* STRANGERS_FAULTS as group:
            _log.debug("a connection that came to nothing: %r", group.exceptions)

    # --------------------------------------------------------------------- dialling

    async def _hold(self, address: Address) -> None:
        """Connect to a kept address unless its peer is there, and return when the peer is gone."""
        link = self._links.get(address.peer)
        if link is None:
            await self._wait_out_refusal(address.peer)
            with trio.fail_after(self._limits.keeper.dial_s):
                stream, beyond = await self._dial(address)
                try:
                    await self._swarm.dial(stream, ID.from_base58(address.peer), beyond)
                except STRANGERS_FAULTS as fault:
                    raise UnreachableError("no secure connection") from fault
                finally:
                    if address.peer not in self._links:
                        await trio.aclose_forcefully(stream)
            link = self._links.get(address.peer)
            if link is None:
                raise HungUpError
        await link.gone.wait()
        if not link.served:
            raise NotOurProtocolError if link.foreign else HungUpError

    async def _wait_out_refusal(self, peer: PeerId) -> None:
        until = self._refused.get(peer)
        if until is not None:
            await trio.sleep_until(until)

    def _is_refused(self, peer: PeerId) -> bool:
        until = self._refused.get(peer)
        if until is not None and until <= trio.current_time():
            del self._refused[peer]
            until = None
        return until is not None

    # --------------------------------------------------------------------- what py-libp2p tells

    async def connected(self, _: Any, connection: Any) -> None:
        """A connection is secure and multiplexed."""
        peer = str(connection.muxed_conn.peer_id)
        if self._nursery is None or self._is_refused(peer):
            await connection.close()
            return
        link = self._links.get(peer)
        if link is not None:
            link.connections.append(connection)
            return
        remote = connection.muxed_conn.get_remote_address()
        outbound = bool(connection.muxed_conn.is_initiator)
        outbox = Outbox(peer, self._limits.streams, self._deliver)
        lines = {side: SideLine(side, peer, self._deliver, self._limits.sides) for side in SIDES}
        network = self._network_of(remote[0], peer) if remote else ""
        link = Link(peer, outbound, network, outbox, lines, [connection])
        self._links[peer] = link
        self._nursery.start_soon(self._serve, link)

    async def disconnected(self, _: Any, connection: Any) -> None:
        """A connection is gone."""
        link = self._links.get(str(connection.muxed_conn.peer_id))
        if link is not None and connection in link.connections:
            link.connections.remove(connection)
            if not link.connections:
                link.scope.cancel()

    async def opened_stream(self, _: Any, stream: Any) -> None:
        """Nothing: streams are met in their handlers."""

    async def closed_stream(self, _: Any, stream: Any) -> None:
        """Nothing."""

    async def listen(self, _: Any, address: Any) -> None:
        """Nothing: we listen ourselves."""

    async def listen_close(self, _: Any, address: Any) -> None:
        """Nothing."""

    # --------------------------------------------------------------------- one peer

    async def _serve(self, link: Link) -> None:
        """The life of a peer: open our stream, say that it joined, write, until it is gone."""
        try:
            with link.scope:
                await self._write_to(link)
        except* STRANGERS_FAULTS as group:
            _log.debug("the streams of %s ended: %r", link.peer, group.exceptions)
        finally:
            if self._links.get(link.peer) is link:
                del self._links[link.peer]
            for scope in (link.reading, *link.siding.values()):
                if scope is not None:
                    scope.cancel()
            if link.served:
                self._deliver(PeerLeft(link.peer))
            link.gone.set()
            link.joined.set()  # whoever waits for it finds it gone
        with trio.CancelScope(shield=True), trio.move_on_after(self._limits.close_s):
            for connection in list(link.connections):
                await connection.close()

    async def _write_to(self, link: Link) -> None:
        try:
            protocol, stream = await self._host.open(link.connections[0], PROTOCOLS)
        except MultiselectClientError as fault:
            link.foreign = str(fault).startswith("protocols not supported")  # py-libp2p has no class for it
            return
        link.served = True
        link.joined.set()
        self._deliver(PeerJoined(link.peer, link.outbound, protocol, link.network))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._ping, link)
            for side, line in link.lines.items():
                nursery.start_soon(line.run, partial(self._open_side, link, side))
            await write_frames(link.outbox, stream.muxed_stream)

    async def _read_from(self, stream: Any) -> None:
        """Serve an incoming stream of ours; a newer one of the same peer takes its place."""
        link = self._links.get(str(stream.muxed_conn.peer_id))
        if link is None:
            await stream.reset()
            return
        if link.reading is not None:
            link.reading.cancel()
        with trio.CancelScope() as link.reading:
            # "Nothing is read from a peer before the own stream to it is open." (08-binding §3)
            await link.joined.wait()
            inbox = Inbox(
                link.peer, self._deliver, self._room, self._limits.streams, stream.muxed_stream.reset
            )
            await stream.muxed_stream.pour(inbox.take)
        await stream.reset()

    async def _open_side(self, link: Link, side: Side) -> tuple[str, Any]:
        return await self._host.open(link.connections[0], (side.protocol,))

    async def _read_side_from(self, side: Side, stream: Any) -> None:
        """Serve an incoming stream of sync or stem; a newer one of the same peer takes its place."""
        link = self._links.get(str(stream.muxed_conn.peer_id))
        if link is None:
            await stream.reset()
            return
        if side in link.siding:
            link.siding[side].cancel()
        with trio.CancelScope() as link.siding[side]:
            await link.joined.wait()
            inbox = SideInbox(side, link.peer, self._deliver, self._room, stream.muxed_stream.reset)
            await stream.muxed_stream.pour(inbox.take)
        await stream.reset()

    async def _ping(self, link: Link) -> None:
        """Measure the round trip, rarely; a peer that does not answer is gone."""
        while True:
            with trio.move_on_after(self._limits.ping_answer_s) as patience:
                round_trip_s = await link.connections[0].muxed_conn.ping()
                self._deliver(RoundTripMeasured(link.peer, round_trip_s))
            if patience.cancelled_caught:
                link.scope.cancel()
                return
            await trio.sleep(self._limits.ping_every_s * self._random.uniform(0.5, 1.5))

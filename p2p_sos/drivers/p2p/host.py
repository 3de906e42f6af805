"""A libp2p host cut down to what the binding names: TCP, Noise, Yamux, identify, ping.

Decides which parts of py-libp2p run, and how many strangers may knock at once. In come a host key and accepted
or dialled TCP streams; out go multiplexed connections. It must not know of gossip.

py-libp2p's own listening, dialling, automatic connecting and identifying are left out: they bind ports that are
taken, hold a place for each connection there ever was, dial whom they heard of, and tell peers more than they
need.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import trio
from cryptography.exceptions import InvalidTag
from google.protobuf.message import DecodeError
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_noise_key_pair
from libp2p.custom_types import TProtocol
from libp2p.exceptions import BaseLibp2pError
from libp2p.host.basic_host import BasicHost
from libp2p.host.ping import ID as PING
from libp2p.host.ping import handle_ping
from libp2p.identity.identify.identify import ID as IDENTIFY
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.io.trio import TrioTCPStream
from libp2p.network.auto_connector import AutoConnector
from libp2p.network.config import ConnectionConfig, RetryConfig
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.network.swarm import Swarm
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStore
from libp2p.protocol_muxer.exceptions import MultiselectClientError, MultiselectError
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as NoiseTransport
from libp2p.transport.exceptions import MuxerUpgradeFailure
from libp2p.transport.tcp.tcp import TCP
from libp2p.transport.upgrader import TransportUpgrader
from multiaddr import Multiaddr
from noise.exceptions import NoiseHandshakeError, NoiseInvalidMessage, NoiseMaxNonceError, NoiseValueError

from p2p_sos.drivers.p2p.channel import READ_BYTES, SecureChannel
from p2p_sos.drivers.p2p.protobuf import frame
from p2p_sos.drivers.p2p.yamux import YAMUX, Muxer

AGENT = "p2p-sos"  # the same for all: no version, no system, no user
PROTOCOL_VERSION = "esos/1"

_log = logging.getLogger(__name__)
logging.getLogger("libp2p").setLevel(logging.CRITICAL)  # a stranger's fault is a verdict, not a traceback

# What py-libp2p lets through when a stranger sends nonsense, or leaves: seen, or read in its source.
STRANGERS_FAULTS: tuple[type[Exception], ...] = (
    BaseLibp2pError, DecodeError, InvalidTag, OSError, EOFError, ValueError, TypeError, LookupError,
    ArithmeticError, AttributeError, AssertionError, RuntimeError,
    NoiseHandshakeError, NoiseInvalidMessage, NoiseMaxNonceError, NoiseValueError,
    trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError, trio.TooSlowError,
    trio.EndOfChannel, trio.WouldBlock,
)  # fmt: skip


class BufferedStream(TrioTCPStream):
    """A TCP stream that is read in large pieces, however small the pieces that are asked for."""

    def __init__(self, stream: trio.SocketStream, beyond: tuple[str, int] | None = None) -> None:
        super().__init__(stream)
        self._beyond = beyond
        self._buffer = b""
        self._at = 0

    async def read(self, n: int | None = None) -> bytes:
        """At least one byte and at most `n`; nothing at the end. Raises `ConnectionClosedError` on a reset."""
        if self._at == len(self._buffer):
            try:
                self._buffer, self._at = await self.stream.receive_some(READ_BYTES), 0
            except trio.BrokenResourceError as error:
                raise ConnectionClosedError("reset by the peer", transport="tcp") from error
            except trio.ClosedResourceError:
                return b""
        start = self._at
        self._at = len(self._buffer) if n is None else min(start + n, len(self._buffer))
        return bytes(self._buffer[start : self._at])

    def rest(self) -> bytes:
        """What was read from the kernel and not asked for yet; whoever takes it reads on from the kernel itself."""
        rest, self._buffer, self._at = bytes(self._buffer[self._at :]), b"", 0
        return rest

    def get_remote_address(self) -> tuple[str, int] | None:
        """Host and port of the other side, for IPv6 too; through a proxy, what the proxy was asked for."""
        if self._beyond is not None:
            return self._beyond
        try:
            host, port = self.stream.socket.getpeername()[:2]
        except OSError:
            return None
        return str(host), int(port)


class _NobodyElse(AutoConnector):
    """Connects to nobody: whom we keep, the keeper decides."""

    async def run_background_task(self, nursery: trio.Nursery) -> None:
        """Nothing runs."""

    async def maybe_connect(self) -> None:
        """Nobody is dialled."""

    def record_disconnect(self, peer_id: ID) -> None:
        """Nothing is remembered."""


class _Upgrader(TransportUpgrader):
    """Noise, then our own Yamux."""

    async def upgrade_connection(self, conn: Any, peer_id: ID) -> Muxer:
        """Multiplex a secured connection. Raises `MuxerUpgradeFailure`."""
        try:
            await self.muxer_multistream.select_transport(conn)
        except (MultiselectError, MultiselectClientError) as fault:
            raise MuxerUpgradeFailure("no Yamux") from fault
        return Muxer(SecureChannel(conn), peer_id, conn)


class Tasks:
    """Runs py-libp2p's tasks: a stranger's fault ends the task that met it, never its neighbours.

    Stands in for py-libp2p's service manager, under which any exception of any stream ends the whole host.
    """

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery

    def run_task(self, function: Callable[..., Awaitable[None]], *args: Any, **_: Any) -> None:
        """Run it in the background."""
        self._nursery.start_soon(self._run_guarded, function, *args)

    async def _run_guarded(self, function: Callable[..., Awaitable[None]], *args: Any) -> None:
        try:
            await function(*args)
        except* STRANGERS_FAULTS as group:
            _log.debug("a task of py-libp2p ended: %r", group.exceptions)


class MeshSwarm(Swarm):
    """py-libp2p's connections, with our own door."""

    def __init__(self, *args: Any, half_open_max: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.notifees.clear()  # the one of py-libp2p keeps a record of each peer for ever
        self.auto_connector = _NobodyElse(self)
        self._half_open_max = half_open_max
        self._half_open: dict[int, trio.CancelScope] = {}
        self._knocks = 0

    def use(self, nursery: trio.Nursery) -> None:
        """Run py-libp2p's tasks in this nursery; before the first connection."""
        self._manager = Tasks(nursery)

    async def accept(self, stream: trio.SocketStream) -> None:
        """Serve an accepted TCP stream for as long as it lives. Raises whatever a stranger's handshake provokes."""
        self._knocks += 1
        knock = self._knocks
        # "When too many handshakes are under way, the oldest MUST give way to the newest." (08-binding §6)
        while len(self._half_open) >= self._half_open_max:
            self._half_open.pop(next(iter(self._half_open))).cancel()
        with trio.CancelScope() as scope:
            self._half_open[knock] = scope
            try:
                muxed = await self.upgrade_inbound_raw_conn(
                    RawConnection(BufferedStream(stream), False), _NOWHERE
                )
            finally:
                self._half_open.pop(knock, None)
        if not scope.cancelled_caught:
            await muxed.event_closed.wait()

    async def dial(self, stream: trio.SocketStream, peer: ID, beyond: tuple[str, int] | None) -> Any:
        """Secure and multiplex a TCP stream, dialled perhaps through a proxy: a `SwarmConn`. Raises `SwarmException`."""
        raw = RawConnection(BufferedStream(stream, beyond), True)
        return await self.upgrade_outbound_raw_conn(raw, peer)


class MeshHost(BasicHost):
    """A host that asks nobody who they are: the mesh needs nothing of the answer."""

    def _schedule_identify(self, *_: Any, **__: Any) -> None:
        return

    async def _swarm_stream_handler(self, net_stream: Any) -> None:
        try:
            await super()._swarm_stream_handler(net_stream)
        except* STRANGERS_FAULTS as group:
            _log.debug("a stream of a peer ended: %r", group.exceptions)
            await net_stream.reset()

    async def open(self, connection: Any, protocols: Sequence[str]) -> tuple[str, Any]:
        """Open a stream on this connection: the protocol chosen, and the stream. Raises `MultiselectClientError`."""
        stream = await connection.new_stream()
        chosen = await self.multiselect_client.select_one_of(
            [TProtocol(protocol) for protocol in protocols],
            MultiselectCommunicator(stream),
            int(self.get_network().connection_config.outbound_stream_protocol_negotiation_timeout),
        )
        stream.set_protocol(chosen)
        return str(chosen), stream


_NOWHERE = Multiaddr("/ip4/0.0.0.0/tcp/0")  # py-libp2p wants a listening address for its log


def build_host(
    seed: bytes, *, connections_max: int, half_open_max: int, handshake_s: float
) -> tuple[MeshHost, MeshSwarm]:
    """A host under the Ed25519 key of a 32-byte seed; it serves identify and ping and listens nowhere."""
    keys = create_new_key_pair(seed)
    peer = ID.from_pubkey(keys.public_key)
    peers = PeerStore()
    peers.add_key_pair(peer, keys)
    noise = NoiseTransport(keys, noise_privkey=create_noise_key_pair().private_key)
    swarm = MeshSwarm(
        peer,
        peers,
        _Upgrader({NOISE: noise}, {TProtocol(YAMUX): Muxer}, negotiate_timeout=int(handshake_s)),
        [TCP()],
        RetryConfig(max_retries=0),
        ConnectionConfig(
            max_connections=connections_max,
            min_connections=0,
            low_watermark=connections_max,
            high_watermark=connections_max,
            max_connections_per_peer=2,
            inbound_upgrade_timeout=handshake_s,
            outbound_upgrade_timeout=handshake_s,
            inbound_stream_protocol_negotiation_timeout=handshake_s,
            outbound_stream_protocol_negotiation_timeout=handshake_s,
        ),
        half_open_max=half_open_max,
    )
    host = MeshHost(swarm, default_protocols={PING: handle_ping})
    host.set_stream_handler(IDENTIFY, lambda stream: _tell_who_we_are(host, stream))
    return host, swarm


def identity_of(keys: bytes, protocols: Iterable[str]) -> bytes:
    """What identify tells: key and protocols."""
    # "It MUST NOT name an address of its own, a version or a system, nor the address at which it sees the peer." (08-binding §5)
    told = Identify(
        protocol_version=PROTOCOL_VERSION, agent_version=AGENT, public_key=keys, protocols=sorted(protocols)
    )
    return bytes(told.SerializeToString())


async def _tell_who_we_are(host: MeshHost, stream: Any) -> None:
    protocols = (str(p) for p in host.get_mux().get_protocols() if p is not None)
    await stream.write(frame(identity_of(host.get_public_key().serialize(), protocols)))
    await stream.close()

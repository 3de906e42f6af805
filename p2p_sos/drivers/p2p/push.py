"""One cell's way into the mesh from a victim that nobody may see: three relays, a circuit to each, one RPC, gone.

Decides when a relay has a cell, and when an errand is over. In come a cell, relays and circuits; out goes `Pushed` or
`PushFailed`. Must not know what the cell says, nor any way beside the circuits.

An errand is a whole mesh node for one cell, under a fresh host key: it serves what any node serves and answers alike, says
one RPC, and is gone. So all errands look alike, and a relay learns from one that a cell came out of a proxy.
"""

import secrets
from collections.abc import Callable, Sequence

import trio
from attrs import evolve, frozen

from p2p_sos.core.events import Event, PeerJoined, Pushed, PushFailed, RoundTripMeasured, RpcReceived
from p2p_sos.core.gossip.rpc import Carried, PeerId, Rpc
from p2p_sos.drivers.addresses import Address
from p2p_sos.drivers.p2p.dial import Circuits, Dialled
from p2p_sos.drivers.p2p.host import STRANGERS_FAULTS
from p2p_sos.drivers.p2p.keeper import FAULTS, HungUpError, KeeperLimits, sentence
from p2p_sos.drivers.p2p.mesh import Libp2pMesh, MeshLimits
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.registry import PUSH_RETURN_S, TOPIC

HOST_SEED_BYTES = 32
_FAULTS: tuple[type[Exception], ...] = (*STRANGERS_FAULTS, *FAULTS)

# A circuit of Tor takes seconds to build, and a first one up to half a minute.
THROUGH_PROXY = MeshLimits(handshake_s=20.0, keeper=KeeperLimits(dial_s=30.0))


@frozen
class PushLimits:
    """How long an errand may take, and how many go at once."""

    errand_s: float = PUSH_RETURN_S - 5.0  # guess: over when the cell is pushed again
    at_once: int = 4  # guess: each costs three handshakes
    waiting_max: int = 512  # as many as a node has under way
    listening: MeshLimits = THROUGH_PROXY
    errand: MeshLimits = evolve(THROUGH_PROXY, ping_every_s=1.0)


@frozen
class _Heard:
    """What a relay let us hear: an event, and when what it answers was said."""

    event: Event
    since: float


class Errand(Libp2pMesh):
    """One cell's way to its relays. Used once."""

    def __init__(self, relays: Sequence[Address], circuits: Circuits, limits: PushLimits) -> None:
        super().__init__(secrets.token_bytes(HOST_SEED_BYTES), limits=limits.errand, dial=self._dial_and_note)
        self._circuits = circuits
        self._streams: dict[PeerId, trio.SocketStream] = {}
        self._relays = tuple(relays)
        self._errand_s = limits.errand_s
        self._heard: dict[PeerId, list[_Heard]] = {relay.peer: [] for relay in relays}
        self._news = trio.Event()
        self._took: list[Address] = []
        self._failed: list[str] = []

    async def carry(self, cell: bytes) -> Pushed | PushFailed:
        """Bring the cell to all relays at once; back when each has it or cannot have it."""
        rpc = Rpc(messages=(Carried(gossip_id(cell, canonical=True), cell, TOPIC),))
        async with trio.open_nursery() as nursery:
            await nursery.start(self.run, self._hear)
            async with trio.open_nursery() as ways:
                for relay in self._relays:
                    ways.start_soon(self._bring, relay, rpc)
            nursery.cancel_scope.cancel()
        if self._took:
            return Pushed(cell, len(self._took))
        return PushFailed(cell, self._failed[0] if self._failed else "No relay is known to push to.")

    async def _bring(self, relay: Address, rpc: Rpc) -> None:
        try:
            with trio.fail_after(self._errand_s):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._hold_or_fail, relay)
                    await self._hand_over(relay.peer, rpc)
                    self._took.append(relay)
                    nursery.cancel_scope.cancel()
        except* _FAULTS as group:
            self._failed.append(sentence(relay, _first(group), self._errand_s))
        # No goodbyes: which of them still left would depend on chance, and all errands are to look alike.
        if relay.peer in self._streams:
            await trio.aclose_forcefully(self._streams[relay.peer])

    async def _dial_and_note(self, address: Address) -> Dialled:
        dialled = await self._circuits(address)
        self._streams[address.peer] = dialled.stream
        return dialled

    async def _hold_or_fail(self, relay: Address) -> None:
        await self._hold(relay)
        raise HungUpError  # or the rest would wait for somebody who is gone

    async def _hand_over(self, peer: PeerId, rpc: Rpc) -> None:
        await self._until(peer, lambda heard: isinstance(heard.event, PeerJoined))
        self.send(peer, rpc)
        await self._links[peer].outbox.flushed()
        # It reads from us once it says hello; and a ping that left after that went behind the cell.
        await self._until(peer, lambda heard: isinstance(heard.event, RpcReceived))
        now = trio.current_time()
        await self._until(peer, lambda h: isinstance(h.event, RoundTripMeasured) and h.since >= now)

    def _hear(self, event: Event) -> None:
        peer = getattr(event, "peer", "")
        if peer in self._heard:
            ago_s = event.round_trip_s if isinstance(event, RoundTripMeasured) else 0.0
            self._heard[peer].append(_Heard(event, trio.current_time() - ago_s))
            self._news.set()
            self._news = trio.Event()

    async def _until(self, peer: PeerId, wanted: Callable[[_Heard], bool]) -> None:
        while not any(map(wanted, self._heard[peer])):
            await self._news.wait()


def _first(fault: BaseException) -> BaseException:
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return fault

"""A mesh for a victim by the stem: it shows itself to a few relays, and to another one only in the place of one that fails.

Decides which relays are of no use to the stem. In come addresses, and all that a mesh takes; out go the events of a mesh. Who is
dialled, and how many in all, is the `Rota`'s to say.
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import trio

from p2p_sos.core.events import Event, PeerJoined, StemRefused
from p2p_sos.core.gossip.rpc import PeerId
from p2p_sos.drivers.addresses import Address
from p2p_sos.drivers.mesh import Deliver
from p2p_sos.drivers.p2p.mesh import Libp2pMesh, MeshLimits
from p2p_sos.drivers.p2p.rota import Rota, RotaLimits

if TYPE_CHECKING:
    from trio_typing import TaskStatus


class GuardedMesh(Libp2pMesh):
    """Joins a few of `bootstrap`. `shown`: whom this case dialled before; `noted` is told whenever that changes."""

    def __init__(  # noqa: PLR0913 - whom it may dial, whom it did, and how
        self,
        host_seed: bytes,
        bootstrap: Sequence[str],
        rota: RotaLimits,
        *,
        shown: Sequence[Address],
        noted: Callable[[tuple[Address, ...]], None],
        source: random.Random,
        limits: MeshLimits | None = None,
        loopback_apart: bool = False,
    ) -> None:
        """Raises ValueError with a sentence about the first address that is wrong."""
        super().__init__(host_seed, limits=limits, loopback_apart=loopback_apart)
        self._places = rota.places
        self._rota = Rota(
            self._hold,
            self.peer_id,
            self._limits.keeper,
            rota,
            source,
            list(shown),
            noted,
            loopback_apart,
        )
        self._keeper = self._rota
        self.connect(bootstrap)

    async def run(
        self,
        deliver: Deliver,
        *,
        room: Callable[[], Awaitable[None]] | None = None,
        task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """As a mesh does, and gives up relays that are of no use to the stem while there are others."""

        def look(event: Event) -> None:
            deliver(event)
            match event:
                case StemRefused(peer=peer):
                    self._give_up(peer)
                case PeerJoined(peer=peer) if self._is_one_network():
                    self._give_up(peer)

        await super().run(look, room=room, task_status=task_status)

    def _is_one_network(self) -> bool:
        """Whether every place is taken by one network: names can lead where the list did not show it."""
        networks = [link.network for link in self._links.values() if link.outbound and link.served]
        return len(networks) >= self._places and len(set(networks)) == 1

    def _give_up(self, peer: PeerId) -> None:
        link = self._links.get(peer)
        if link is not None and link.outbound and self._rota.spurn(peer):
            link.scope.cancel()

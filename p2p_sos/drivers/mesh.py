"""What the runner needs of a network: a handful of methods, with libp2p behind them or a fake beside it.

In come RPCs and frames of sync for peers, and addresses to keep; out go events (`PeerJoined`, `RpcReceived`, ...) through `deliver`.
It must not know what a message means, and this module must not load libp2p.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import trio

from p2p_sos.core.events import Event
from p2p_sos.core.gossip.rpc import PeerId, Rpc

if TYPE_CHECKING:
    from trio_typing import TaskStatus

Deliver = Callable[[Event], None]


class Mesh(Protocol):
    """A node's place among its peers. Everything but `run` is synchronous and never blocks."""

    @property
    def peer_id(self) -> str:
        """Who we are to our peers."""
        ...

    @property
    def addresses(self) -> tuple[str, ...]:
        """The full addresses that we listen on, with /p2p/ and our id; empty for a caller."""
        ...

    @property
    def faults(self) -> Mapping[str, str]:
        """One sentence for each kept address that could not be reached at its last attempt."""
        ...

    async def run(
        self,
        deliver: Deliver,
        *,
        room: Callable[[], Awaitable[None]] | None = None,
        task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Listen, keep the bootstrap peers, deliver events; `task_status` once we listen. Cancel to stop.

        `room` is awaited before more is read from a peer: so the node slows down whoever is faster than it.
        """
        ...

    def send(self, peer: PeerId, rpc: Rpc) -> None:
        """Queue an RPC to a peer; what goes to nobody, or over a full queue, is dropped."""
        ...

    def send_sync(self, peer: PeerId, frame: bytes) -> None:
        """Queue a frame of sync; what goes to nobody, to who does not speak it, or over a full queue, is dropped."""
        ...

    def send_stem(self, peer: PeerId, cell: bytes) -> None:
        """Queue a cell on the stem stream; `StemRefused` says that the peer does not speak it. To nobody: dropped."""
        ...

    def push(self, cell: bytes) -> None:
        """Hand a cell to three relays over fresh circuits and deliver `Pushed` or `PushFailed`.

        Raises NotImplementedError where no circuits can be had: whoever builds a node that pushes gives it a mesh that can.
        """
        ...

    def disconnect(self, peer: PeerId, why: str) -> None:
        """Close every connection to a peer and refuse it for a while."""
        ...

    def connect(self, addresses: Sequence[str]) -> None:
        """Keep these peers too, besides the bootstrap list; the full addresses must be valid."""
        ...

    async def flush(self, within_s: float) -> None:
        """Wait until what is queued has left, or that long."""
        ...

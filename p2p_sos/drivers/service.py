"""A node as a whole: home, store, machines, mesh and API in one nursery.

In come a home and settings. Out goes a running node, until it is stopped. Usable several times in one trio loop,
with different homes. Decides the order of start and stop; everything else is decided in the parts.
"""

from collections.abc import Callable, Sequence

import trio
from attrs import define, field

from p2p_sos.drivers.home import Home
from p2p_sos.drivers.settings import Settings


@define
class NodeService:
    """A running node, for the process that started it."""

    home: Home
    peer_id: str
    addresses: tuple[str, ...]  # full ones, with /p2p/ and our id
    responder: str  # the public key as hex; "" for a pure relay
    _stopping: trio.Event = field(factory=trio.Event)

    def stop(self) -> None:
        """End `serve_node`, keeping every claim: a restart goes on with them."""
        self._stopping.set()

    async def down(self) -> None:
        """Release every claim, wait until that is durable and sent, then stop."""
        raise NotImplementedError

    def connect(self, addresses: Sequence[str]) -> None:
        """Keep these peers too."""
        raise NotImplementedError


def _nobody(_service: NodeService) -> None:
    pass


async def serve_node(
    home: Home,
    settings: Settings,
    *,
    bootstrap_extra: Sequence[str] = (),
    ready: Callable[[NodeService], None] = _nobody,
    task_status: trio.TaskStatus[NodeService] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until stopped or cancelled; `ready` and `task_status` once it listens and its API answers.

    Raises `Held`, `HomeError`, `KeyFileError`, `StoreUnusable`, `StoreError`, `MeshError`.
    """
    raise NotImplementedError

"""The one place where a node meets the world: events in, actions performed, in the promised order."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import trio

from p2p_sos.core.actions import Action, Forget, Keep
from p2p_sos.core.events import Event
from p2p_sos.core.notices import Notice
from p2p_sos.core.tables import Table
from p2p_sos.drivers.mesh import Mesh
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.refusals import Refusal

if TYPE_CHECKING:
    from trio_typing import TaskStatus


class Machine(Protocol):
    """A node, seen from its driver."""

    def handle(self, event: Event, now: float) -> list[Action]:
        """Take an event at a monotonic time and say what is to be done."""
        ...


class Keeper(Protocol):
    """A store, seen from the runner."""

    def load(self, table: Table) -> tuple[tuple[bytes, bytes], ...]:
        """All rows of a table."""
        ...

    async def commit(self, changes: Sequence[Keep | Forget]) -> None:
        """Write them all or none; durable on return. Raises `StoreError`."""
        ...


class Runner:
    """Drives one node: queue, store, timers, verifier, mesh."""

    def __init__(
        self,
        node: Machine,
        mesh: Mesh,
        store: Keeper,
        tell: Callable[[Notice], None],
        *,
        check: Callable[[Frame], Refusal | None],
    ) -> None:
        self._node = node
        self._mesh = mesh
        self._store = store
        self._tell = tell
        self._check = check

    async def run(self, *, task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED) -> None:
        """Restore, start, and serve until cancelled or stopped."""
        raise NotImplementedError

    def submit(self, event: Event) -> None:
        """Queue an event."""
        raise NotImplementedError

    async def ask(self, event: Event) -> None:
        """Queue an event and return when it is handled and what it changed is durable."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Stop taking events, flush what is queued to peers, and end `run`."""
        raise NotImplementedError

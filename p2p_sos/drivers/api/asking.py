"""How a request becomes something that is done: the machine is asked whether it would, then does it, durably.

In come a driver's `ask`, a node's `refusal` and an event. Out comes nothing, or a `Fault`. Must not know which request.
"""

from collections.abc import Awaitable, Callable

from attrs import frozen

from p2p_sos.core.events import Event
from p2p_sos.core.node import Node
from p2p_sos.drivers.api.bodies import Fault


@frozen
class Asking:
    """What every request that changes something needs."""

    node: Node
    ask: Callable[[Event], Awaitable[None]]
    ended: Callable[[], bool]

    async def do(self, event: Event) -> None:
        """Have it done; durable on return. Raises `Fault`: 409 when it would do nothing, 507, 503."""
        if self.ended():
            raise Fault(503, "stopping", "This process is stopping: start it again, then repeat.")
        if not self.node.accepting:
            raise Fault(
                507, "disk", f"Nothing can be kept, so nothing is promised: {self.node.why_not_accepting}"
            )
        if (why := self.node.refusal(event)) is not None:
            raise Fault(409, "refused", why)
        await self.ask(event)
        if not self.node.accepting:
            raise Fault(507, "disk", f"It could not be kept: {self.node.why_not_accepting}")

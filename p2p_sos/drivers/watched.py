"""A node with somebody watching it: whoever waits for a state of it is woken when it may have come.

In come the runner's events, handed on as they are. Out goes a wake-up after each of them. Changes nothing.
"""

from collections.abc import Callable

import trio
from attrs import define, field

from p2p_sos.core.actions import Action
from p2p_sos.core.events import Event
from p2p_sos.core.node import Node


@define(eq=False)
class Watched:
    """Stands where the runner expects a node."""

    node: Node
    _turned: trio.Event = field(factory=trio.Event, init=False)

    def handle(self, event: Event, now: float) -> list[Action]:
        """The node's own answer. What it changed may not be durable yet when a waiting task looks."""
        actions = self.node.handle(event, now)
        if self._turned.statistics().tasks_waiting:
            self._turned.set()
            self._turned = trio.Event()
        return actions

    async def until(self, holds: Callable[[Node], bool]) -> None:
        """Wait until this is true of the node; it is asked after every event."""
        while not holds(self.node):
            await self._turned.wait()

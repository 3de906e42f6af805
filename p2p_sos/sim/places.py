"""One place of the world: what stays when the node that sits there dies.

Decides what its clocks show and what its store holds. Comes in: true time, changes of clocks, rows. Goes out: local
times, rows. Must not know links, faults or other places.
"""

import math
from collections import deque
from typing import Any

from attrs import define, field

from p2p_sos.core.actions import Forget, Keep, SendRpc
from p2p_sos.core.case.case import VictimSecrets
from p2p_sos.core.duty.policy import Responder
from p2p_sos.core.events import Event
from p2p_sos.core.node import Node
from p2p_sos.core.origin.way import Way
from p2p_sos.core.tables import Table
from p2p_sos.sim.behaviour import Behaviour, Make, honest
from p2p_sos.sim.links import Direction, Quality
from p2p_sos.wire.messages import Key


@define(eq=False)
class Clocks:
    """A place's monotonic and wall clock, as functions of true time.

    `rate` is that of the crystal, so both run by it. A timer that was set before the rate changed keeps its true time.
    """

    base_s: float = 0.0  # what the monotonic clock showed ...
    since_s: float = 0.0  # ... at this true time
    rate: float = 1.0
    wall_offset_s: float = 0.0  # the wall clock's lead over START + monotonic

    def local(self, true_s: float) -> float:
        """The monotonic clock."""
        return self.base_s + (true_s - self.since_s) * self.rate

    def true(self, local_s: float) -> float:
        """When the monotonic clock shows this, or a hair more: no timer may fire too early."""
        true_s = self.since_s + (local_s - self.base_s) / self.rate
        while self.base_s + (true_s - self.since_s) * self.rate < local_s:
            true_s = math.nextafter(true_s, math.inf)
        return true_s

    def set_rate(self, rate: float, true_s: float) -> None:
        """From now on the crystal runs at another rate."""
        self.base_s, self.since_s, self.rate = self.local(true_s), true_s, rate


@define(eq=False)
class Store:
    """What a node kept, table by table."""

    rows: dict[Table, dict[bytes, bytes]] = field(factory=dict)

    def write(self, action: Keep | Forget) -> None:
        """One change."""
        rows = self.rows.setdefault(action.table, {})
        if isinstance(action, Keep):
            rows[action.key] = action.value
        else:
            rows.pop(action.key, None)

    def sorted_rows(self, table: Table) -> tuple[tuple[bytes, bytes], ...]:
        """The rows of one table, as a start reads them."""
        return tuple(sorted(self.rows.get(table, {}).items()))


@define(eq=False)
class Place:
    """One place: its index in the world, its keys, its store, and whoever sits there now."""

    index: int
    name: str
    responder: Responder | None
    victim: VictimSecrets | None
    make: Make = honest
    clocks: Clocks = field(factory=Clocks)
    store: Store = field(factory=Store)
    links: dict[int, "Road"] = field(factory=dict)  # what this place sends, in the order of linking
    ways: dict[str, "Road"] = field(factory=dict)  # the same by the name of who sits at the other end
    dialled: dict[int, None] = field(factory=dict)  # the links that this place made
    sitter: Behaviour | None = None
    life: int = 0
    disks_lost: int = 0
    backlog: deque[Event] | None = None  # while it is paused: what happened meanwhile
    unsent: list[SendRpc] = field(factory=list)  # what it was about to send when it was stopped
    keys: list[Key] = field(factory=list)
    call_fields: dict[str, Any] = field(factory=dict)
    way: Way = Way.DIRECT  # by which what its victim says enters the mesh

    @property
    def is_honest(self) -> bool:
        """Whether a node of production sits here."""
        return self.make is honest

    @property
    def runs(self) -> bool:
        """Whether something sits here that is not paused."""
        return self.sitter is not None and self.backlog is None

    def link(self, other: "Place", quality: Quality) -> None:
        """What this place sends to another from now on."""
        self.links[other.index] = self.ways[other.name] = Road(quality, to=other)

    def pause(self) -> None:
        """What happens from now on waits."""
        if self.sitter is not None and self.backlog is None:
            self.backlog = deque()

    def resume(self) -> tuple[Event, ...]:
        """What waited, in order."""
        waited, self.backlog = tuple(self.backlog or ()), None
        return waited

    @property
    def node(self) -> Node | None:
        """The honest node here, while it is up."""
        return self.sitter if isinstance(self.sitter, Node) else None


@define(eq=False)
class Road(Direction):
    """One direction of a link, and where it leads."""

    to: Place = field(kw_only=True)

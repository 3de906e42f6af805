"""One peer as the mesh holds it: its connections, its streams, and whether it is still there.

Decides nothing; the mesh does. Must not know what travels.
"""

from collections.abc import Mapping
from typing import Any

import trio
from attrs import define, field

from p2p_sos.core.gossip.rpc import PeerId
from p2p_sos.drivers.p2p.sideline import Side, SideLine
from p2p_sos.drivers.p2p.streams import Outbox


@define(eq=False)
class Link:
    """One peer: its connections and streams."""

    peer: PeerId
    outbound: bool
    network: str
    outbox: Outbox
    lines: Mapping[Side, SideLine]
    connections: list[Any] = field(factory=list)
    joined: trio.Event = field(factory=trio.Event)
    reading: trio.CancelScope | None = None
    siding: dict[Side, trio.CancelScope] = field(factory=dict)
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    gone: trio.Event = field(factory=trio.Event)
    served: bool = False  # it joined, once
    foreign: bool = False  # it refused our protocols

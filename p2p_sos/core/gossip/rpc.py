"""One GossipSub RPC as values: what a peer said in one frame.

The driver reads and writes the protobuf; the router sees only these classes, and so does the simulator.
"""

from attrs import frozen

PeerId = str  # opaque text; equal for equal peers
GossipId = bytes  # 20 bytes (document 04 §3)


@frozen
class Carried:
    """One published message inside an RPC. `canonical` is judged by the driver (document 04 §3)."""

    id: GossipId
    data: bytes
    topic: str
    canonical: bool = True


@frozen
class Subscription:
    """A peer joins or leaves a topic."""

    topic: str
    subscribe: bool


@frozen
class Prune:
    """A peer takes us out of its mesh; we stay away for `backoff_s`."""

    topic: str
    backoff_s: int


@frozen
class Rpc:
    """What one frame holds; every part may be empty.

    `ihave` is a pair (topic, ids) each; `graft` holds topics.
    """

    subscriptions: tuple[Subscription, ...] = ()
    messages: tuple[Carried, ...] = ()
    ihave: tuple[tuple[str, tuple[GossipId, ...]], ...] = ()
    iwant: tuple[GossipId, ...] = ()
    graft: tuple[str, ...] = ()
    prune: tuple[Prune, ...] = ()
    idontwant: tuple[GossipId, ...] = ()

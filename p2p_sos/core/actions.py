"""Everything that a node can ask of its driver.

Frozen and compared by value. A driver performs a list of them in order, with one promise: whatever
`Keep` stands before a `SendRpc`, `SendStem` or `Push` is on disk before that leaves.
"""

from attrs import field, frozen

from p2p_sos.core.events import TimerKey
from p2p_sos.core.gossip.rpc import GossipId, PeerId, Rpc
from p2p_sos.core.notices import Notice
from p2p_sos.core.tables import Table
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import MessageId


@frozen
class SendRpc:
    """Send one RPC to a peer; the driver may join several into one frame."""

    peer: PeerId
    rpc: Rpc


@frozen
class SendSync:
    """Send one frame to a peer on the sync stream; a peer that does not speak it gets nothing."""

    peer: PeerId
    frame: bytes


@frozen
class SendStem:
    """Send one cell to a peer on the stem stream; a peer that does not speak it is told of by `StemRefused`."""

    peer: PeerId
    cell: bytes = field(repr=False)


@frozen
class Push:
    """Hand a cell of the own case to three relays over fresh circuits, never over the mesh's connections.

    Answered by one `Pushed` or `PushFailed` with the same cell.
    """

    cell: bytes = field(repr=False)


@frozen
class Disconnect:
    """Close every connection to a peer and refuse it for a while."""

    peer: PeerId
    why: str


@frozen
class SetTimer:
    """Fire `TimerFired(key)` at `at` (the time of `now`, seconds). Setting a key twice keeps both."""

    key: TimerKey
    at: float


@frozen
class Verify:
    """Check signature and stamp of a frame on a worker thread and answer `Verified`."""

    gossip_id: GossipId
    frame: Frame


@frozen
class Solve:
    """Do the work of a stamp on a worker thread, trying nonces upward from `start`, and answer `Solved`."""

    message: MessageId
    effort: int
    start: bytes


@frozen
class Keep:
    """Write a row; durable before any later action of the same list is performed."""

    table: Table
    key: bytes
    value: bytes


@frozen
class Forget:
    """Delete a row."""

    table: Table
    key: bytes


@frozen
class Tell:
    """Tell the people something: the log, the API's event stream, a page."""

    notice: Notice


Action = SendRpc | SendSync | SendStem | Push | Disconnect | SetTimer | Verify | Solve | Keep | Forget | Tell

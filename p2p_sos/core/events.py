"""Everything that can happen to a node.

Frozen and compared by value. A driver (or the simulator) makes them; `Node.handle(event, now)` takes
them. `now` is local monotonic time in seconds and comes beside the event, never inside it.
"""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from p2p_sos.core.gossip.rpc import GossipId, PeerId, Rpc
from p2p_sos.core.tables import Table
from p2p_sos.wire.frames import Frame, Stamp
from p2p_sos.wire.messages import CallId, Key, MessageId
from p2p_sos.wire.refusals import Refusal
from p2p_sos.wire.registry import Detail, LetterKind, Phase, Reason, SitrepStatus

TimerKey = Any  # a frozen attrs value that names the timer; defined beside the machine that sets it


# ------------------------------------------------------------------------- the mesh


@frozen
class PeerJoined:
    """A peer speaks our protocol. `outbound`: we dialled it. `network` groups addresses (a /16, say)."""

    peer: PeerId
    outbound: bool
    protocol: str
    network: str = ""


@frozen
class PeerLeft:
    """The last stream of a peer is gone."""

    peer: PeerId


@frozen
class RpcReceived:
    """One frame of a peer, decoded; `size_bytes` is its length on the wire."""

    peer: PeerId
    rpc: Rpc
    size_bytes: int


@frozen
class RpcUnreadable:
    """A frame of a peer that is no RPC, or is too long."""

    peer: PeerId
    size_bytes: int


@frozen
class RoundTripMeasured:
    """The round trip to a peer, in seconds."""

    peer: PeerId
    round_trip_s: float


@frozen
class BacklogChanged:
    """How many bytes wait to be sent to a peer; told when it crosses the router's threshold."""

    peer: PeerId
    waiting_bytes: int


@frozen
class SyncReceived:
    """One frame of a peer on the sync stream, as bytes (document 09)."""

    peer: PeerId
    frame: bytes


@frozen
class StemReceived:
    """One cell of a peer on the stem stream, as bytes (document 11)."""

    peer: PeerId
    cell: bytes = field(repr=False)


@frozen
class StemRefused:
    """A peer does not speak the stem: what was sent to it on that stream is lost.

    `spoke`: it did before on this connection, so that it may have read something.
    """

    peer: PeerId
    spoke: bool = False


# ------------------------------------------------------------------------- the driver's answers


@frozen
class Pushed:
    """A `Push` is done: so many relays took the cell, at least one. Whether it is in the mesh, its return tells."""

    cell: bytes = field(repr=False)
    relays: int


@frozen
class PushFailed:
    """A `Push` reached no relay; `why` is a sentence for the people. Nothing left by any other way."""

    cell: bytes = field(repr=False)
    why: str


@frozen
class TimerFired:
    """A timer that was set is due. A stale one is recognised by comparison."""

    key: TimerKey


@frozen
class Verified:
    """A `Verify` action is done: `refusal` is None if signature and stamp hold."""

    gossip_id: GossipId
    frame: Frame
    refusal: Refusal | None = None


@frozen
class ClockRead:
    """The wall clock, in seconds since 1970. Told at the start and about once a minute."""

    unix_s: float


@frozen
class Restored:
    """The rows of one table as the last run left them; told before anything else happens."""

    table: Table
    rows: tuple[tuple[bytes, bytes], ...]


@frozen
class Started:
    """Everything is restored and the clock was read: the machines may set their first timers."""


@frozen
class Solved:
    """A `Solve` action is done; `message` is the id that the stamp belongs to."""

    message: MessageId
    stamp: Stamp


@frozen
class StoreFailed:
    """The store cannot keep what it is given (a full disk): from now on nothing new is accepted."""

    why: str


@frozen
class StoreRecovered:
    """The store keeps things again."""


# ------------------------------------------------------------------------- the people


@frozen
class CallBrought:
    """Somebody brought a call by hand (a file, a code): its cell, to be examined like one that sync brought."""

    cell: bytes = field(repr=False)


@frozen
class OperatorClaims:
    """The person on duty answers a call, in reply to a question or unasked."""

    call: CallId


@frozen
class OperatorDeclines:
    """The person on duty does not answer, and says why."""

    call: CallId
    reason: Reason
    detail: Detail


@frozen
class OperatorReleases:
    """The person on duty gives a claim back. `call` None gives all back (before `sos down`)."""

    call: CallId | None
    reason: Reason
    detail: Detail


@frozen
class OperatorStandsDown:
    """The person on duty believes that the emergency is over."""

    call: CallId


@frozen
class OperatorReports:
    """The person on duty of the lead tells how far it is; it goes out with the next SITREP."""

    call: CallId
    status: SitrepStatus
    phase: Phase


@frozen
class OperatorWrites:
    """A letter of the person on duty to the victim of a call that this node claimed."""

    call: CallId
    text: str


@frozen
class VictimCalls:
    """A finished, signed CALL enters the mesh; its secrets are in the case already (`core.case.case`)."""

    frame: Frame


@frozen
class VictimWrites:
    """A letter of the victim to one responder (or to every accepted one when `responder` is None)."""

    responder: Key | None
    text: str


@frozen
class VictimDecides:
    """The victim accepts or refuses a responder (`kind` is ACCEPT or REFUSE); `text` goes sealed."""

    responder: Key
    kind: LetterKind
    text: str = ""


@frozen
class VictimRequisitions:
    """The victim names its lead and its members."""

    lead: Key
    members: tuple[Key, ...]


@frozen
class VictimUpdates:
    """The victim refines its call: names of CALL's body fields to new values."""

    changes: Mapping[str, Any]


@frozen
class VictimCancels:
    """The victim withdraws its call, without blame."""


@frozen
class VictimClears:
    """The victim says that it is over."""


Event = (
    PeerJoined | PeerLeft | SyncReceived | StemReceived | StemRefused | Pushed | PushFailed
    | RpcReceived | RpcUnreadable | RoundTripMeasured | BacklogChanged
    | TimerFired | Verified | Solved | ClockRead | Restored | Started | StoreFailed | StoreRecovered
    | CallBrought | OperatorClaims | OperatorDeclines | OperatorReleases | OperatorStandsDown | OperatorReports
    | OperatorWrites | VictimCalls | VictimWrites | VictimDecides | VictimRequisitions | VictimUpdates
    | VictimCancels | VictimClears
)  # fmt: skip

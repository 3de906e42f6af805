"""What the machines inside a node say to one another; none of it ever leaves `Node`.

The router says what came (`Examine`, `Sent`, `Echoed`); the node answers with a `Judged`. A machine that
wants to say something to the mesh returns `Publish`; the node keeps the cell, lets every machine see it
as `Admitted`, and hands it to the router.
"""

from enum import Enum

from attrs import field, frozen

from p2p_sos.core.gossip.rpc import Carried, GossipId, PeerId
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import CallId
from p2p_sos.wire.refusals import Refusal


class Verdict(Enum):
    """What becomes of a message: forwarded, silently dropped, or dropped at its forwarder's cost."""

    ACCEPT = "accept"
    IGNORE = "ignore"
    REJECT = "reject"


# ------------------------------------------------------------------------- from the router


@frozen
class Examine:
    """An action of the router: a message not seen before waits for its verdict."""

    carried: Carried
    peer: PeerId


@frozen
class Sent:
    """An action of the router: a message of our own went in full to these peers (sorted)."""

    gossip_id: GossipId
    peers: tuple[PeerId, ...]


@frozen
class Echoed:
    """An action of the router, and an event of the case: a peer sent or announced our own message."""

    gossip_id: GossipId
    peer: PeerId


# ------------------------------------------------------------------------- to the router


@frozen
class Judged:
    """An event for the router: the verdict on what it gave to examine."""

    gossip_id: GossipId
    verdict: Verdict
    refusal: Refusal | None = None


@frozen
class Broadcast:
    """An event for the router: a message of our own. It never goes, nor is announced, to `avoid`.

    It may be said again (a relay joined, or `avoid` changed): then it goes in full to the peers that neither got it
    from us nor told us that they have it, and the newest `avoid` counts.
    """

    gossip_id: GossipId
    data: bytes = field(repr=False)
    avoid: tuple[PeerId, ...] = ()


@frozen
class Announce:
    """An event for the router: tell `peer` by IHAVE that we hold these (a peer just joined)."""

    peer: PeerId
    ids: tuple[GossipId, ...]


# ------------------------------------------------------------------------- between the other machines


@frozen
class Admitted:
    """An event: a verified message entered this node's memory, its own ones included.

    `own` says that this node wrote it; `restored` that it came from the store of the last run.
    """

    frame: Frame
    gossip_id: GossipId
    own: bool = False
    restored: bool = False


@frozen
class ViewChanged:
    """An event: what the board of an open call says has changed, by a message or because time passed.

    `roll_call` says that a lead was lost: everybody who claims says at once that it is there.
    """

    call: CallId
    roll_call: bool = False


@frozen
class CallEnded:
    """An event: a call is over for this node; `how` as in the notice `CallClosed`."""

    call: CallId
    how: str


@frozen
class CallReopened:
    """An event: the victim of a call that its helpers had stood down spoke again; the call is open as before."""

    call: CallId


@frozen
class Publish:
    """An action: this machine says something to the mesh, signed and laid into a cell.

    Publishing a frame again repeats the `Broadcast`; the frame is kept and `Admitted` once.
    """

    frame: Frame
    avoid: tuple[PeerId, ...] = ()


@frozen
class Probe:
    """An action: this node has heard nobody for a while and wants to know at once whether a peer is there."""


@frozen
class Offered:
    """An action of sync: a cell that a peer holds and this node does not, to be examined like one of gossip."""

    cell: bytes = field(repr=False)
    peer: PeerId


# ------------------------------------------------------------------------- hiding the origin


@frozen
class Vet:
    """An action of the stem: a cell that a peer sent on it, to be looked at as the gate looks at what gossip brings."""

    gossip_id: GossipId
    cell: bytes = field(repr=False)
    peer: PeerId


@frozen
class Vetted:
    """An event for the stem: the verdict on a `Vet`. `orphan`: all is well but that its CALL is not known here."""

    gossip_id: GossipId
    peer: PeerId
    frame: Frame | None
    refusal: Refusal | None = None
    orphan: bool = False


@frozen
class Surfaced:
    """An event for the stem: this message was admitted from gossip or sync, so it is in the mesh."""

    frame: Frame
    gossip_id: GossipId


@frozen
class Release:
    """An action of the stem, and an event for the router: the message enters the mesh here, as if a peer had brought it."""

    gossip_id: GossipId
    data: bytes = field(repr=False)


@frozen
class Blame:
    """An action of the stem, and an event for the router: a peer sent what no honest one sends."""

    peer: PeerId
    why: str


@frozen
class Follow:
    """An event for the router: say `Echoed` of every peer that shows that it holds this, and has it not from us."""

    gossip_id: GossipId


@frozen
class Utter:
    """An event for the victim's way: a message of the case is to be brought out. Said again, it changes nothing.

    `avoid`: peers that should not learn of it first. `earlier`: it was signed in an earlier run, and may be out.
    """

    frame: Frame
    gossip_id: GossipId
    avoid: tuple[PeerId, ...] = ()
    earlier: bool = False


@frozen
class Returned:
    """An event for the victim's way: a message of the case came back by gossip or sync."""

    gossip_id: GossipId


@frozen
class Looped:
    """An event for the victim's way: a message of the case came back on the stem, from `peer`."""

    gossip_id: GossipId
    peer: PeerId


@frozen
class Handed:
    """An action of the victim's way: a message of the case went to these, beside gossip."""

    gossip_id: GossipId
    peers: tuple[PeerId, ...]

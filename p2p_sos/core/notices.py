"""What a node tells its people: one frozen class for each thing worth telling.

`drivers.api` turns a notice into JSON by its class name and its fields; so a field holds integers,
floats, text, bytes (shown as hex), enumerations (shown as their registry word), or tuples of these.
"""

from attrs import frozen

from p2p_sos.wire.messages import CallId, Key, MessageId
from p2p_sos.wire.registry import Detail, LetterKind, Manner, Phase, Reason, SitrepStatus


@frozen
class CallHeard:
    """A call entered this node's memory, and is told once."""

    call: CallId


@frozen
class CallRefined:
    """The victim updated the call."""

    call: CallId


@frozen
class CallClosed:
    """The call is over: `how` is cancelled, cleared, stood-down, expired, or crowded-out (by calls of higher effort)."""

    call: CallId
    how: str


@frozen
class CallReopened:
    """The victim of a call that its helpers had stood down spoke again: it is not over."""

    call: CallId


@frozen
class DecisionWanted:
    """Policy says: ask me. The person on duty has until `deadline_s` from now."""

    call: CallId
    deadline_s: float
    page: bool = True  # False for an exercise or a test: it is shown, and wakes nobody


@frozen
class Decided:
    """The duty machine decided about a call: `decision` is claim, decline or silence, with its reason, or guard.

    The latter is told where a person was asked and need not answer any more.
    """

    call: CallId
    decision: str
    reason: Reason | None
    detail: Detail | None
    why: str


@frozen
class ClaimSeen:
    """Somebody answers a call (this node's own claim included)."""

    call: CallId
    responder: Key
    manner: Manner


@frozen
class DeclineSeen:
    """Somebody publicly does not answer a call."""

    call: CallId
    responder: Key
    reason: Reason
    detail: Detail


@frozen
class ReleaseSeen:
    """Somebody answers a call no longer."""

    call: CallId
    responder: Key
    reason: Reason
    detail: Detail


@frozen
class RequisitionSeen:
    """The victim named its helpers; `mine` is lead, member, released or none."""

    call: CallId
    lead: Key
    members: tuple[Key, ...]
    mine: str


@frozen
class ComplySeen:
    """A named responder complied."""

    call: CallId
    responder: Key


@frozen
class AttestSeen:
    """Contact was attested for these responders."""

    call: CallId
    responders: tuple[Key, ...]


@frozen
class LetterArrived:
    """A letter for us was opened, once; `correspondent` is its signer."""

    call: CallId
    correspondent: Key
    kind: LetterKind
    text: str


@frozen
class LetterDelivered:
    """The other side acknowledged our letter of that number."""

    call: CallId
    correspondent: Key
    number: int


@frozen
class CallTaken:
    """The victim's own call was handed to `relays` relays so far. Receipt is not rescue."""

    call: CallId
    relays: int


@frozen
class CallReturned:
    """HEARD: the victim's own call came back from a relay; it is in the mesh."""

    call: CallId


@frozen
class WayFails:
    """What the victim says cannot be brought into the mesh by its `way` (stem or push); `why` names the next step."""

    call: CallId
    way: str
    why: str


@frozen
class PeerDropped:
    """A peer was dropped, and why."""

    peer: str
    why: str


@frozen
class Accepting:
    """Whether the node accepts anything new; `why` says what is wrong when not."""

    accepting: bool
    why: str


@frozen
class LeadChanged:
    """Somebody else leads the help for a call, or (None) nobody does. The token names what it acts under."""

    call: CallId
    lead: Key | None
    requisition: int
    roster: MessageId


@frozen
class SitrepSeen:
    """The lead reported, under the token that this node follows; others' reports are not told."""

    call: CallId
    lead: Key
    requisition: int
    roster: MessageId
    status: SitrepStatus
    phase: Phase
    alive: tuple[Key, ...]


@frozen
class SitrepRefused:
    """Somebody acts under a token that this node does not follow: a lead that was replaced, or never was one."""

    call: CallId
    signer: Key
    requisition: int
    roster: MessageId


@frozen
class StandDownSeen:
    """A responder believes that it is over."""

    call: CallId
    responder: Key


@frozen
class Convicted:
    """A PROOF shows that a key signed two messages that no honest key signs both of."""

    responder: Key


Notice = (
    LeadChanged | SitrepSeen | SitrepRefused | StandDownSeen | Convicted
    | CallHeard | CallRefined | CallClosed | CallReopened | DecisionWanted | Decided | ClaimSeen | DeclineSeen
    | ReleaseSeen | RequisitionSeen | ComplySeen | AttestSeen | LetterArrived | LetterDelivered | CallTaken | CallReturned
    | WayFails | PeerDropped | Accepting
)  # fmt: skip

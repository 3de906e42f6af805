"""What a view is made of: the words in which a board speaks, as frozen values.

Decides nothing. Comes in and goes out: values that `resolve` makes and everybody reads. Must not know how they
follow from a board.
"""

from collections.abc import Mapping

from attrs import field, frozen

from p2p_sos.wire.messages import NOTHING, Call, CallId, Key, MessageId, Update
from p2p_sos.wire.registry import (
    TIMINGS,
    Cause,
    Certainty,
    Detail,
    Manner,
    Nature,
    Reason,
    Sector,
    Severity,
    Status,
    Timing,
    Urgency,
)

Fitness = tuple[int, bytes]  # (minus the tier, H(call | R)): the lower ranks first
Token = tuple[int, MessageId]  # the sequence of the requisition in force, and the roster or NOTHING
NOBODY: Token = (0, NOTHING)


@frozen
class Expired:
    """What the local monotonic clock adds to a board: whose time is over. Two nodes may differ in it for a while.

    `silent`: responders not heard within their lease. `overdue`: not attested within PROG of their first message.
    `lapsed`: rosters whose lead did not renew. `superseded`: rosters that this node left for another lead, for good.
    `unanswered`: (requisition, responder) whose time to comply, or to renew as lead under it, is over.
    `victim_silent`: V was not heard for PROG.
    """

    silent: frozenset[Key] = frozenset()
    overdue: frozenset[Key] = frozenset()
    lapsed: frozenset[MessageId] = frozenset()
    superseded: frozenset[MessageId] = frozenset()
    unanswered: frozenset[tuple[MessageId, Key]] = frozenset()
    victim_silent: bool = False


NOTHING_EXPIRED = Expired()


@frozen
class Description:
    """What a call asks for, after its newest UPDATE; `sequence` is that UPDATE's, 0 before the first."""

    status: Status
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    nature: Nature
    needs: int
    sector: Sector
    languages: tuple[int, ...]
    cell: int
    sequence: int = 0

    @classmethod
    def of(cls, call: Call, update: Update | None = None) -> "Description":
        """The CALL as an UPDATE left it; `status` stays."""
        told = call if update is None else update
        return cls(
            call.status, told.severity, told.urgency, told.certainty, told.nature, told.needs, told.sector,
            told.languages, told.cell, 0 if update is None else update.sequence,
        )  # fmt: skip

    @property
    def timing(self) -> Timing:
        """The timers of the call's class."""
        return TIMINGS[self.severity]


@frozen
class CardStanding:
    """What the board knows of a responder by the card that its newest CLAIM names.

    `tier` 0 to 15, or -1 where that card is not known, was made after the call, or its key is convicted: such a
    responder ranks last and never leads. `group`: who answers for it. `rooted`: a root of the profile vouches for it.
    """

    tier: int
    group: bytes
    rooted: bool
    slots: int


@frozen
class ClaimStanding:
    """One claim that its writer did not take back.

    `attested`: V, or enough groups of others, say that contact was made. `silent`, `overdue`: as in `Expired`.
    `complied`: it accepted the requisition in force. `dismissed`: that requisition is effective and does not name it.
    `void`: its key is convicted, or its slot is beyond those of its card.
    """

    responder: Key
    claim: MessageId
    manner: Manner
    card: MessageId
    attested: bool
    complied: bool
    dismissed: bool
    fitness: Fitness
    group: bytes
    silent: bool = False
    overdue: bool = False
    void: bool = False

    @property
    def live(self) -> bool:
        """Whether somebody is really there: it is shown, and may lead."""
        return not (self.silent or self.void)

    @property
    def fit(self) -> bool:
        """Whether it may lead by a roster: its card is known, not of a later day than the call, and not convicted."""
        return self.fitness[0] <= 0

    @property
    def counts(self) -> bool:
        """Whether it fills one of the places that the call asks for."""
        return self.live and (self.fit or self.attested) and not (self.overdue or self.dismissed)


@frozen
class DeclineStanding:
    """A responder whose newest word is DECLINE."""

    responder: Key
    reason: Reason
    detail: Detail


@frozen
class ReleaseStanding:
    """A responder whose newest word is RELEASE or STAND_DOWN."""

    responder: Key
    reason: Reason
    detail: Detail


@frozen
class RequisitionStanding:
    """The requisition in force: the highest sequence, of two alike the lower id.

    `effective`: somebody named complied and is live; until then the helpers' own agreement goes on.
    """

    requisition: MessageId
    sequence: int
    lead: Key
    members: tuple[Key, ...]
    complied: tuple[Key, ...]
    effective: bool = False

    def names(self, responder: Key) -> bool:
        """Whether the victim asked for this responder."""
        return responder == self.lead or responder in self.members


@frozen
class RosterStanding:
    """The roster that is followed."""

    roster: MessageId
    lead: Key
    members: tuple[Key, ...]
    epoch: int
    cause: Cause


@frozen
class View:
    """What everybody who holds this board, and whose time is over for the same, sees.

    `claims`, `declines`, `releases` are in the order of the responders' fitness. `token` is what the actions of
    the lead must carry. `attested`: somebody live is. Of the ROSTERs of all who may lead, followed or not: `takeovers`
    counts those that name an expiry as their cause; `newest_roster` is the one of the highest epoch (of two alike, of
    the lower id), and `highest_epoch` that epoch.
    """

    call: CallId
    description: Description
    claims: tuple[ClaimStanding, ...]
    declines: tuple[DeclineStanding, ...]
    releases: tuple[ReleaseStanding, ...]
    requisition: RequisitionStanding | None
    lead: Key | None
    closed: str | None
    roster: RosterStanding | None = None
    token: Token = NOBODY
    attested: bool = False
    takeovers: int = 0
    newest_roster: MessageId = NOTHING
    highest_epoch: int = 0
    _by_key: Mapping[Key, ClaimStanding] = field(init=False, repr=False, eq=False)

    @_by_key.default
    def _index(self) -> dict[Key, ClaimStanding]:
        return {claim.responder: claim for claim in self.claims}

    def claim_of(self, responder: Key) -> ClaimStanding | None:
        """The claim of one responder."""
        return self._by_key.get(responder)

    @property
    def helpers(self) -> tuple[ClaimStanding, ...]:
        """The claims that fill places."""
        return tuple(claim for claim in self.claims if claim.counts)

    @property
    def groups(self) -> int:
        """How many groups the helpers are of."""
        return len({claim.group: None for claim in self.helpers})

"""What a board says: one pure function from a set of messages to a view.

Decides who answers a call and with which standing. Comes in: a board, and the ids of the claims whose
time is over. Goes out: a `View`. Must not know clocks, peers, this node's own key, or how and in which
order the messages came.
"""

from p2p_sos.core.board.board import Board
from p2p_sos.core.board.fitness import fitness
from p2p_sos.core.board.standing import (
    NOTHING_EXPIRED,
    CardStanding,
    ClaimStanding,
    DeclineStanding,
    Description,
    Expired,
    ReleaseStanding,
    RequisitionStanding,
    RosterStanding,
    View,
)
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import (
    Attest,
    Call,
    Claim,
    Comply,
    Decline,
    Key,
    MessageId,
    Release,
    Requisition,
    Update,
)
from p2p_sos.wire.registry import Kind

__all__ = [
    "CardStanding",
    "ClaimStanding",
    "DeclineStanding",
    "Description",
    "Expired",
    "ReleaseStanding",
    "RequisitionStanding",
    "RosterStanding",
    "View",
    "closing",
    "describe",
    "requisition_in_force",
    "resolve",
]


def describe(board: Board) -> Description:
    """The CALL as its newest UPDATE left it."""
    call = board.call.message
    assert isinstance(call, Call)
    updates = board.words(Kind.UPDATE)
    told = updates[0].message if updates else call
    assert isinstance(told, Call | Update)
    sequence = told.sequence if isinstance(told, Update) else 0
    return Description(
        call.status, told.severity, told.urgency, told.certainty, told.nature, told.needs, told.sector,
        told.languages, told.cell, sequence,
    )  # fmt: skip


def closing(board: Board) -> str | None:
    """How the victim closed the call, or None."""
    # "A board that holds a CANCEL is cancelled; else, one that holds an ALL_CLEAR is cleared." (05-calls §7)
    if board.words(Kind.CANCEL):
        return "cancelled"
    return "cleared" if board.words(Kind.ALL_CLEAR) else None


def requisition_in_force(board: Board) -> RequisitionStanding | None:
    """The newest REQUISITION and who complied with it."""
    newest = board.words(Kind.REQUISITION)
    if not newest:
        return None
    named = newest[0].message
    assert isinstance(named, Requisition)
    standing = RequisitionStanding(newest[0].id, named.sequence, named.lead, named.members, ())
    complied = tuple(
        responder
        for responder in board.responders()
        if standing.names(responder) and _complied(board.of(responder), newest[0].id)
    )
    return RequisitionStanding(newest[0].id, named.sequence, named.lead, named.members, complied)


def _complied(said: tuple[Frame, ...], requisition: MessageId) -> bool:
    """`said` by one responder, newest first."""
    for frame in said:
        # "A COMPLY counts until a DECLINE or RELEASE of its signer with a higher sequence." (06-board §9)
        if isinstance(frame.message, Decline | Release):
            return False
        if isinstance(frame.message, Comply) and frame.message.requisition == requisition:
            return True
    return False


def _attested(board: Board) -> dict[Key, None]:
    attests = [f.message for f in board.words(Kind.ATTEST) if isinstance(f.message, Attest)]
    return {responder: None for attest in attests for responder in attest.responders}


def resolve(board: Board, expired: Expired = NOTHING_EXPIRED) -> View:
    """The view of a board; equal boards and equal `expired` give equal views."""
    described = describe(board)
    attested, requisition = _attested(board), requisition_in_force(board)
    claims: list[ClaimStanding] = []
    declines: list[DeclineStanding] = []
    releases: list[ReleaseStanding] = []
    for responder in board.responders():
        words = [f for f in board.of(responder) if isinstance(f.message, Claim | Decline | Release)]
        if not words:
            continue
        # "The newest CLAIM, DECLINE or RELEASE of a responder says where it stands." (06-board §5)
        match words[0].message:
            case Claim() as claim:
                standing = board.standing_of(responder, described)
                claims.append(
                    ClaimStanding(
                        responder,
                        words[0].id,
                        claim.manner,
                        claim.card,
                        attested=responder in attested,
                        complied=requisition is not None and responder in requisition.complied,
                        dismissed=requisition is not None and not requisition.names(responder),
                        fitness=fitness(board.call.id, responder, standing.tier),
                        group=standing.group,
                        silent=responder in expired.silent,
                        overdue=responder in expired.overdue,
                    )
                )
            case Decline() as decline:
                declines.append(DeclineStanding(responder, decline.reason, decline.detail))
            case Release() as release:
                releases.append(ReleaseStanding(responder, release.reason, release.detail))
    # "The lead is the named lead of the requisition in force, once it complied." (06-board §9)
    led = requisition is not None and requisition.lead in requisition.complied
    return View(
        board.call.id,
        described,
        tuple(claims),
        tuple(declines),
        tuple(releases),
        requisition,
        requisition.lead if led and requisition is not None else None,
        closing(board),
    )

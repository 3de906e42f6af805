"""What an admitted message means to the people of a node.

Decides which notice a message is worth. Comes in: a frame just admitted, the calls, the own key.
Goes out: notices. Must not know how the message came.
"""

from attrs import fields_dict

from p2p_sos.core.board.board import Board
from p2p_sos.core.board.resolve import RequisitionStanding, View
from p2p_sos.core.calls.calls import Calls
from p2p_sos.core.notices import (
    AttestSeen,
    CallHeard,
    CallRefined,
    ClaimSeen,
    ComplySeen,
    DeclineSeen,
    Notice,
    ReleaseSeen,
    RequisitionSeen,
)
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import (
    Attest,
    Call,
    Claim,
    Comply,
    Decline,
    Key,
    Message,
    Release,
    Requisition,
    Update,
)
from p2p_sos.wire.registry import Kind
from p2p_sos.wire.shapes import shape_of

DESCRIBED = tuple(name for name, one in fields_dict(Update).items() if shape_of(one).place == "body")


def role_in(requisition: RequisitionStanding, view: View, own: Key | None) -> str:
    """What a requisition means for this node: lead, member, released (it had claimed), or none."""
    if own is None:
        return "none"
    if own == requisition.lead:
        return "lead"
    if own in requisition.members:
        return "member"
    return "released" if any(claim.responder == own for claim in view.claims) else "none"


def refines(board: Board, update: Update) -> bool:
    """Whether an UPDATE describes its call anew: it is the newest, and does not say what was said before it."""
    # "One that changes nothing is a sign of life (07-dialogue §7), and MUST NOT be told to people as news." (05-calls §7)
    words, call = [frame.message for frame in board.words(Kind.UPDATE)], board.call.message
    if not words or words[0] != update:
        return False
    before = words[1] if len(words) > 1 else call
    return differs(update, before)


def differs(update: Update, before: Message) -> bool:
    """Whether an UPDATE says anything else than the CALL or UPDATE before it."""
    return any(getattr(update, name) != getattr(before, name) for name in DESCRIBED)


def tidings(frame: Frame, calls: Calls, own: Key | None) -> Notice | None:
    """The notice of one admitted message, if it is worth one."""
    match frame.message:
        case Call():
            return CallHeard(frame.id)
        case Update(call=call):
            return CallRefined(call) if refines(calls.board(call), frame.message) else None
        case Claim(call=call, signer=signer, manner=manner):
            return ClaimSeen(call, signer, manner)
        case Decline(call=call, signer=signer, reason=reason, detail=detail):
            return DeclineSeen(call, signer, reason, detail)
        case Release(call=call, signer=signer, reason=reason, detail=detail):
            return ReleaseSeen(call, signer, reason, detail)
        case Comply(call=call, signer=signer):
            return ComplySeen(call, signer)
        case Attest(call=call, responders=responders):
            return AttestSeen(call, responders)
        case Requisition(call=call, lead=lead, members=members):
            seen = calls[call].view
            # A requisition that a newer one has overtaken on its way is worth no notice.
            if seen.requisition is None or seen.requisition.requisition != frame.id:
                return None
            return RequisitionSeen(call, lead, members, role_in(seen.requisition, seen, own))
        case _:
            return None

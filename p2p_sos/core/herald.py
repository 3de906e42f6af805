"""What an admitted message means to the people of a node.

Decides which notice a message is worth. Comes in: a frame just admitted, the view of its call, the own key.
Goes out: notices. Must not know how the message came.
"""

from p2p_sos.core.board.resolve import RequisitionStanding, View
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
from p2p_sos.wire.messages import Attest, Call, Claim, Comply, Decline, Key, Release, Requisition, Update


def role_in(requisition: RequisitionStanding, view: View, own: Key | None) -> str:
    """What a requisition means for this node: lead, member, released (it had claimed), or none."""
    if own is None:
        return "none"
    if own == requisition.lead:
        return "lead"
    if own in requisition.members:
        return "member"
    return "released" if any(claim.responder == own for claim in view.claims) else "none"


def tidings(frame: Frame, view: View, own: Key | None) -> Notice | None:
    """The notice of one admitted message, if it is worth one."""
    match frame.message:
        case Call():
            return CallHeard(view.call)
        case Update(sequence=sequence) if view.description.sequence == sequence:
            return CallRefined(view.call)
        case Claim(signer=signer, manner=manner):
            return ClaimSeen(view.call, signer, manner)
        case Decline(signer=signer, reason=reason, detail=detail):
            return DeclineSeen(view.call, signer, reason, detail)
        case Release(signer=signer, reason=reason, detail=detail):
            return ReleaseSeen(view.call, signer, reason, detail)
        case Comply(signer=signer):
            return ComplySeen(view.call, signer)
        case Attest(responders=responders):
            return AttestSeen(view.call, responders)
        case Requisition(lead=lead, members=members):
            standing = view.requisition
            # A requisition that a newer one has overtaken on its way is worth no notice.
            if standing is None or standing.requisition != frame.id:
                return None
            return RequisitionSeen(view.call, lead, members, role_in(standing, view, own))
        case _:
            return None

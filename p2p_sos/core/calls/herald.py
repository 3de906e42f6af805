"""What an admitted message means to the people of a node.

Decides which notice a message is worth. Comes in: a frame just admitted, the view of its call, the own key.
Goes out: notices. Must not know how the message came.
"""

from collections.abc import Callable

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


def tidings(frame: Frame, view: Callable[[], View], own: Key | None) -> Notice | None:
    """The notice of one admitted message, if it is worth one; `view` is asked only where it matters."""
    match frame.message:
        case Call():
            return CallHeard(frame.id)
        case Update(call=call, sequence=sequence):
            return CallRefined(call) if view().description.sequence == sequence else None
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
            seen = view()
            # A requisition that a newer one has overtaken on its way is worth no notice.
            if seen.requisition is None or seen.requisition.requisition != frame.id:
                return None
            return RequisitionSeen(call, lead, members, role_in(seen.requisition, seen, own))
        case _:
            return None

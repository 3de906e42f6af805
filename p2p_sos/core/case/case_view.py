"""What the victim's people see of their case: phases, helpers, letters.

Decides the words and the legal steps between them. Comes in and goes out: values. Must not know how the
case machine reaches a phase.
"""

from enum import Enum
from typing import Final

from attrs import field, frozen

from p2p_sos.core.letters.letterbook import LetterRecord
from p2p_sos.wire.messages import CallId, Key
from p2p_sos.wire.registry import Manner


class CasePhase(Enum):
    """How far the call came. Who answers is told apart: receipt is not rescue."""

    QUEUED = "queued"  # signed, and no relay took it yet
    SENT = "sent"  # at least one relay took it
    HEARD = "heard"  # it came back: it is in the mesh
    CLOSED = "closed"  # cancelled, cleared or expired


TRANSITIONS: Final[dict[CasePhase, tuple[CasePhase, ...]]] = {
    CasePhase.QUEUED: (CasePhase.SENT, CasePhase.HEARD, CasePhase.CLOSED),
    CasePhase.SENT: (CasePhase.HEARD, CasePhase.CLOSED),
    CasePhase.HEARD: (CasePhase.CLOSED,),
    CasePhase.CLOSED: (),
}


@frozen
class Helper:
    """One responder that answers the call, as the victim sees it.

    `decision` is "", "accepted" or "refused"; `introduction` is None until its first letter was opened. `number`
    counts in the order of coming, from 1, and stays; 0 is one that neither claimed nor wrote yet.
    """

    responder: Key
    claimed: bool = False
    manner: Manner = Manner.AUTOMATIC
    attested: bool = False
    decision: str = ""
    introduction: str | None = None
    released: bool = False
    complied: bool = False
    number: int = 0


@frozen
class CaseView:
    """The case at one moment. `closed_how` is "", "cancelled", "cleared" or "expired".

    `keys_gone` says that nothing can be sent, read or resumed any more.
    """

    call: CallId
    phase: CasePhase
    relays_taken: int
    heard: bool
    listener: bool
    helpers: tuple[Helper, ...]
    letters: tuple[LetterRecord, ...] = field(repr=False)
    closed_how: str = ""
    keys_gone: bool = False

"""All calls that a node knows: life from heard to closed, and the boards they carry.

Decides which calls are open, which are kept when there are too many, and what state each is in. Comes in:
verified messages with the wall-clock time. Goes out: what was kept, what changed, what had to go. Must not
know peers, signatures or policies, nor what this node thinks of a call.
"""

from enum import Enum

from attrs import frozen

from p2p_sos.core.board.resolve import View
from p2p_sos.wire.frames import Frame


class CallState(Enum):
    """The life of a call at one node; the value is the word that people see."""

    OPEN = "open"
    CANCELLED = "cancelled"
    CLEARED = "cleared"
    STOOD_DOWN = "stood-down"
    EXPIRED = "expired"


# What the victim says last counts most: a call that its helpers stood down may still be cleared or
# cancelled by its victim; a CANCEL outranks an ALL_CLEAR. Nothing leads back to OPEN.
TRANSITIONS: dict[CallState, tuple[CallState, ...]] = {
    CallState.OPEN: (CallState.CANCELLED, CallState.CLEARED, CallState.STOOD_DOWN, CallState.EXPIRED),
    CallState.STOOD_DOWN: (CallState.CANCELLED, CallState.CLEARED),
    CallState.CLEARED: (CallState.CANCELLED,),
    CallState.CANCELLED: (),
    CallState.EXPIRED: (),
}


@frozen
class CallRecord:
    """One call as the people of a node see it.

    `mine` is what this node said: "" (nothing yet), asked, claimed, declined, released or silent.
    """

    frame: Frame
    state: CallState
    heard_unix_s: float
    view: View
    mine: str

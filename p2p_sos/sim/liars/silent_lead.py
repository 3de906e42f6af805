"""Silent lead: claims and writes like an honest responder, takes the lead, and is never heard again.

It goes on relaying for others: only its own words stop.
"""

from p2p_sos.core.actions import Action, Keep, SendSync
from p2p_sos.core.events import Event, SyncReceived
from p2p_sos.core.tables import Table
from p2p_sos.sim.behaviour import Make, Seat
from p2p_sos.sim.liars.mask import ROW_TIME_BYTES, Mask, without
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import Roster


class SilentLead:
    """An honest node whose mouth is shut once its ROSTER is out."""

    def __init__(self, seat: Seat) -> None:
        self.mask = Mask(seat, answers=True)
        self.silent = False
        self._unsaid: dict[bytes, None] = {}  # gossip ids of what it would have said

    def handle(self, event: Event, now: float) -> list[Action]:
        """One event."""
        if self.silent and isinstance(event, SyncReceived):
            return []  # a sync would show what it kept to itself
        actions = self.mask.handle(event, now)
        kept: list[Action] = []
        for action in actions:
            self._note(action)
            if self.silent and isinstance(action, SendSync):
                continue
            left = without(action, tuple(self._unsaid))
            if left is not None:
                kept.append(left)
        return kept

    def _note(self, action: Action) -> None:
        if not isinstance(action, Keep) or action.table is not Table.CELL:
            return
        cell = action.value[ROW_TIME_BYTES:]
        frame = self.mask.seat.shared.decode(cell)
        if not isinstance(frame, Frame) or frame.message.signer != self.mask.me:
            return
        if self.silent:
            self._unsaid[self.mask.seat.shared.gossip_id(cell)] = None
        # The ROSTER itself still leaves.
        self.silent = self.silent or isinstance(frame.message, Roster)


def silent_lead() -> Make:
    """A seat for one."""
    return SilentLead

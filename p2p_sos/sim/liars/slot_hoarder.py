"""Slot hoarder: promises the same hands to every call, or more hands than its card has."""

from p2p_sos.core.actions import Action
from p2p_sos.sim.behaviour import Make, Seat
from p2p_sos.sim.liars.claimer import Claimer
from p2p_sos.wire.messages import CallId
from p2p_sos.wire.registry import SLOTS_MAX


class SlotHoarder(Claimer):
    """Claims every call. `beyond`: each with another slot past its card's; else all with one slot in one epoch."""

    def __init__(self, seat: Seat, *, beyond: bool = False) -> None:
        super().__init__(seat)
        self.beyond = beyond

    def _on_heard(self, call: CallId, now: float) -> list[Action]:
        slot = min(self.mask.slots + len(self.claims), SLOTS_MAX - 1) if self.beyond else 0
        return self.claim(call, now, slot=slot)


def slot_hoarder(*, beyond: bool = False) -> Make:
    """A seat for one."""
    return lambda seat: SlotHoarder(seat, beyond=beyond)

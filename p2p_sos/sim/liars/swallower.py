"""Swallower: an honest node in every other way, which takes what comes on the stem and passes nothing on."""

from collections.abc import Sequence

from p2p_sos.core.actions import Action
from p2p_sos.core.events import Event, StemReceived
from p2p_sos.sim.behaviour import Make, Seat
from p2p_sos.sim.liars.mask import Mask


class Swallower:
    """A black hole on the stem."""

    def __init__(self, seat: Seat) -> None:
        self.mask = Mask(seat, answers=True)

    def handle(self, event: Event, now: float) -> Sequence[Action]:
        """One event."""
        return [] if isinstance(event, StemReceived) else self.mask.handle(event, now)


def swallower() -> Make:
    """A seat for one."""
    return Swallower

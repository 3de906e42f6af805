"""Replayer: keeps every cell that it ever got, and sends them again, old ones most of all."""

from attrs import frozen

from p2p_sos.core.actions import Action, SetTimer
from p2p_sos.core.events import Event, RpcReceived, Started, TimerFired
from p2p_sos.core.gossip.rpc import GossipId
from p2p_sos.sim.behaviour import Make, Seat
from p2p_sos.sim.liars.mask import Mask

CELLS_MAX = 4096
BOUT = 20  # cells at a time
EVERY_S = 2.0


@frozen
class ReplayDue:
    """A timer: once more."""

    at: float


class Replayer:
    """Relays honestly, and repeats itself. `foreign`: cells of other times and calls that it brings along."""

    def __init__(self, seat: Seat, foreign: tuple[bytes, ...] = ()) -> None:
        self.mask = Mask(seat)
        self.cells: dict[GossipId, bytes] = {seat.shared.gossip_id(cell): cell for cell in foreign}

    def handle(self, event: Event, now: float) -> list[Action]:
        """One event."""
        if isinstance(event, TimerFired) and isinstance(event.key, ReplayDue):
            return self._on_due(now)
        actions = self.mask.handle(event, now)
        if isinstance(event, RpcReceived):
            for carried in event.rpc.messages:
                if len(self.cells) < CELLS_MAX:
                    self.cells[carried.id] = carried.data
        if isinstance(event, Started):
            actions.append(SetTimer(ReplayDue(now + EVERY_S), now + EVERY_S))
        return actions

    def _on_due(self, now: float) -> list[Action]:
        cells = list(self.cells.values())
        draws = self.mask.seat.random
        old = cells[: len(cells) // 2]
        chosen = draws.sample(cells, min(BOUT, len(cells))) + draws.sample(old, min(BOUT, len(old)))
        again = SetTimer(ReplayDue(now + EVERY_S), now + EVERY_S)
        return [*self.mask.slip(chosen), again] if chosen else [again]


def replayer(foreign: tuple[bytes, ...] = ()) -> Make:
    """A seat for one."""
    return lambda seat: Replayer(seat, foreign)

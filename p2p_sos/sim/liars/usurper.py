"""Usurper: claims like others, and takes the lead from whoever has it.

`openly`: its ROSTER says that it knows of the one it replaces. Otherwise it pretends that it never heard of it. Its
epoch number is as high as the field allows with `inflated`.
"""

from p2p_sos.core.actions import Action
from p2p_sos.sim.behaviour import Make, Seat
from p2p_sos.sim.liars.claimer import Claimer, LiesDue
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import NOTHING, CallId, MessageId, Roster, Sitrep
from p2p_sos.wire.registry import SEQUENCE_MAX, Cause, Phase, SitrepStatus

COUPS_MAX = 4  # of one call: enough to be a nuisance


class Usurper(Claimer):
    """A roster for each roster of another."""

    def __init__(self, seat: Seat, *, openly: bool = True, inflated: bool = False) -> None:
        super().__init__(seat)
        self.openly, self.inflated = openly, inflated
        self.rosters: dict[CallId, list[MessageId]] = {}

    def _on_word(self, frame: Frame, now: float) -> list[Action]:
        message = frame.message
        if (
            not isinstance(message, Roster)
            or message.signer == self.mask.me
            or message.call not in self.claims
        ):
            return []
        mine = self.rosters.setdefault(message.call, [])
        if len(mine) >= COUPS_MAX:
            return []
        epoch = SEQUENCE_MAX if self.inflated else message.epoch + 1
        coup = self.mask.write(
            Roster,
            message.call,
            heads=(frame.id,) if self.openly else (),
            epoch=epoch,
            cause=Cause.EXPIRED if self.openly else Cause.INITIAL,
            replaces=frame.id if self.openly else NOTHING,
            members=(self.mask.me,),
        )
        mine.append(coup.id)
        first = [self.due(message.call, "sitrep", 0, now, 0.1)] if len(mine) == 1 else []
        return [*self.mask.say(coup, now), *first]

    def _on_due(self, due: LiesDue, now: float) -> list[Action]:
        if due.what != "sitrep":
            return super()._on_due(due, now)
        report = Sitrep(
            call=due.call, signer=self.mask.me, sequence=due.count, requisition=0,
            roster=self.rosters[due.call][-1], status=SitrepStatus.TERMINATED, phase=Phase.INCERFA, alive=(),
        )  # fmt: skip
        pace_s = float(self.mask.timing(due.call).sitrep_s)
        again = self.due(due.call, "sitrep", due.count + 1, now, pace_s)
        return [*self.mask.say(self.mask.seat.sign(report), now), again]


def usurper(*, openly: bool = True, inflated: bool = False) -> Make:
    """A seat for one."""
    return lambda seat: Usurper(seat, openly=openly, inflated=inflated)

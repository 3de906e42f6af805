"""Black hole: claims everything at once, keeps its claims alive, and never writes a letter.

With `leads` it also takes the lead as soon as it may, and reports that all is well.
"""

from p2p_sos.core.actions import Action
from p2p_sos.sim.behaviour import Make, Seat
from p2p_sos.sim.liars.claimer import Claimer, LiesDue
from p2p_sos.wire.messages import NOTHING, CallId, MessageId, Roster, Sitrep
from p2p_sos.wire.registry import Cause, Phase, SitrepStatus


class BlackHole(Claimer):
    """What the victim gets from it is nothing."""

    def __init__(self, seat: Seat, *, leads: bool = False) -> None:
        super().__init__(seat)
        self.leads = leads
        self.rosters: dict[CallId, MessageId] = {}

    def _on_heard(self, call: CallId, now: float) -> list[Action]:
        claimed = super()._on_heard(call, now)
        if not self.leads:
            return claimed
        return [*claimed, self.due(call, "roster", 0, now, float(self.mask.timing(call).hold_s))]

    def _on_due(self, due: LiesDue, now: float) -> list[Action]:
        if due.what == "roster":
            return self._take_the_lead(due.call, now)
        return self._report(due, now) if due.what == "sitrep" else super()._on_due(due, now)

    def _take_the_lead(self, call: CallId, now: float) -> list[Action]:
        view = self.mask.view(call)
        if view is None or view.roster is not None:
            return []  # somebody leads: this one claims, and waits for nothing
        frame = self.mask.write(
            Roster, call, epoch=1, cause=Cause.INITIAL, replaces=NOTHING, members=(self.mask.me,)
        )
        self.rosters[call] = frame.id
        return [*self.mask.say(frame, now), self.due(call, "sitrep", 0, now, 0.1)]

    def _report(self, due: LiesDue, now: float) -> list[Action]:
        report = Sitrep(
            call=due.call, signer=self.mask.me, sequence=due.count, requisition=0,
            roster=self.rosters[due.call], status=SitrepStatus.MITIGATING, phase=Phase.ALERFA,
            alive=(self.mask.me,),
        )  # fmt: skip
        again = self.due(due.call, "sitrep", due.count + 1, now, float(self.mask.timing(due.call).sitrep_s))
        return [*self.mask.say(self.mask.seat.sign(report), now), again]


def black_hole(*, leads: bool = False) -> Make:
    """A seat for one."""
    return lambda seat: BlackHole(seat, leads=leads)

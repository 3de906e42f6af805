"""Black hole: claims everything at once, keeps its claims alive, and never writes a letter.

With `leads` it also takes the lead as soon as it may, and reports that all is well. `wave`: it waits so many times as
long as a claim without contact counts, and claims just before those of the wave before it stop counting.
"""

from p2p_sos.core.actions import Action
from p2p_sos.sim.behaviour import Make, Seat
from p2p_sos.sim.liars.claimer import Claimer, LiesDue
from p2p_sos.wire.messages import NOTHING, CallId, MessageId, Roster, Sitrep
from p2p_sos.wire.registry import Cause, Phase, SitrepStatus

EARLIER_S = 1.0  # so long before the wave before it stops counting


class BlackHole(Claimer):
    """What the victim gets from it is nothing."""

    def __init__(self, seat: Seat, *, leads: bool = False, wave: int = 0) -> None:
        super().__init__(seat)
        self.leads, self.wave = leads, wave
        self.rosters: dict[CallId, MessageId] = {}

    def _on_heard(self, call: CallId, now: float) -> list[Action]:
        if self.wave:
            after_s = self.wave * self.mask.timing(call).progress_online_s - EARLIER_S
            return [self.due(call, "claim", 0, now, after_s)]
        return self._answer(call, now)

    def _answer(self, call: CallId, now: float) -> list[Action]:
        claimed = self.claim(call, now)
        if not self.leads:
            return claimed
        return [*claimed, self.due(call, "roster", 0, now, float(self.mask.timing(call).hold_s))]

    def _on_due(self, due: LiesDue, now: float) -> list[Action]:
        if due.what == "claim":
            return self._answer(due.call, now)
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


def black_hole(*, leads: bool = False, wave: int = 0) -> Make:
    """A seat for one."""
    return lambda seat: BlackHole(seat, leads=leads, wave=wave)

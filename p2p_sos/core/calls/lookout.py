"""The lookout: looks at each call when something came or somebody's time is over, and says what has changed.

Decides when to look, what a report of a lead is worth, and that helpers stood a call down. Comes in: admitted messages,
timers. Goes out: timers, `ViewChanged`, `StoodDown`, notices. Must not know what this node does about it.
"""

from attrs import define, field, frozen

from p2p_sos.core import notices
from p2p_sos.core.actions import SetTimer, Tell
from p2p_sos.core.board.standing import NOBODY, Token, View
from p2p_sos.core.calls.calls import Calls, CallState
from p2p_sos.core.events import Started, TimerFired
from p2p_sos.core.internal import Admitted, CallEnded, CallReopened, ViewChanged
from p2p_sos.core.notices import Convicted, LeadChanged, SitrepRefused, SitrepSeen, StandDownSeen
from p2p_sos.wire.messages import CallId, Key, Proof, Sitrep, StandDown


@frozen
class LeasesDue:
    """Somebody's time may be over. Stale unless the call's next look is `at`."""

    call: CallId
    at: float


@frozen
class StoodDown:
    """An action of the lookout: enough groups say that it is over, and the victim is silent."""

    call: CallId


Step = SetTimer | Tell | ViewChanged | StoodDown


@define(eq=False)
class Lookout:
    """Looks at the calls of one node."""

    calls: Calls
    _due: dict[CallId, float] = field(init=False, factory=dict)
    _told: dict[CallId, tuple[Key | None, Token]] = field(init=False, factory=dict)

    def handle(self, event: object, now: float) -> list[Step]:
        """One event. A message is on its board, and its hearing is noted, before it comes here."""
        match event:
            case Admitted(restored=True):
                return []  # what the messages mean together is looked at when all are there
            case Admitted(frame=frame):
                return [*self.look_around(now), *self._tell_of(frame.message)]
            case TimerFired(key=LeasesDue(call=call, at=at)) if self._due.get(call) == at:
                del self._due[call]
                return self._look(call, now) if self.calls.is_open(call) else []
            case CallEnded(call=call):
                self._due.pop(call, None)
                self._told.pop(call, None)
                return []
            case CallReopened(call=call):
                return [Tell(notices.CallReopened(call)), *self._look(call, now)]
            case Started():
                steps: list[Step] = []
                for call in self.calls.in_state(CallState.OPEN):
                    steps += self._look(call, now)
                return steps
            case _:
                return []

    def stood_down(self, now: float) -> tuple[CallId, ...]:
        """The open calls that count as stood down before anybody looked at them."""
        return tuple(
            call
            for call in self.calls.in_state(CallState.OPEN)
            if self.calls[call].mine != "own" and self.calls.is_stood_down(call, now)
        )

    def look_around(self, now: float) -> list[Step]:
        """Look at every call of which something came since the last time."""
        steps: list[Step] = []
        for call in self.calls.touched():
            steps += self._look(call, now)
        return steps

    def _look(self, call: CallId, now: float) -> list[Step]:
        change = self.calls.look(call, now)
        steps: list[Step] = self._watch(call, change.due_at)
        # "V's own node closes nothing so" (06-board §15)
        if change.view.closed == CallState.STOOD_DOWN.value and self.calls[call].mine != "own":
            return [*steps, StoodDown(call)]
        if change.view is not change.before or change.roll_call:
            steps += self._tell_lead(call, change.view)
            if change.roll_call or change.view != change.before:
                steps.append(ViewChanged(call, change.roll_call))
        return steps

    def _watch(self, call: CallId, due_at: float | None) -> list[Step]:
        """One timer for each call: an earlier one that is under way serves as well."""
        if due_at is None or self._due.get(call, due_at + 1) <= due_at:
            return []
        self._due[call] = due_at
        return [SetTimer(LeasesDue(call, due_at), due_at)]

    def _tell_lead(self, call: CallId, view: View) -> list[Step]:
        told = view.lead, view.token
        if self._told.get(call, (None, NOBODY)) == told:
            return []
        self._told[call] = told
        return [Tell(LeadChanged(call, view.lead, *view.token))]

    def _tell_of(self, message: object) -> list[Step]:
        match message:
            case Sitrep(call=call) if self.calls.is_open(call):
                return [self._tell_sitrep(message, self.calls[call].view)]
            case StandDown(call=call, signer=signer):
                return [Tell(StandDownSeen(call, signer))]
            case Proof(signer=signer):
                return [Tell(Convicted(signer))]
            case _:
                return []

    @staticmethod
    def _tell_sitrep(sitrep: Sitrep, view: View) -> Tell:
        call, signer, token = sitrep.call, sitrep.signer, (sitrep.requisition, sitrep.roster)
        if signer == view.lead and token == view.token:
            return Tell(SitrepSeen(call, signer, *token, sitrep.status, sitrep.phase, sitrep.alive))
        return Tell(SitrepRefused(call, signer, *token))

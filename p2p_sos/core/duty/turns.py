"""Which of several calls this node answers first, where its slots do not suffice for all.

Decides that a call waits for a graver one, and when the waiting ones are looked at again. Comes in: changed views, ended
calls, how many slots are free. Goes out: whether a call is held back, and the timer of the next look at all of them. Must
not know what is said.
"""

from attrs import define, field, frozen

from p2p_sos.core.actions import SetTimer
from p2p_sos.core.board.standing import View
from p2p_sos.core.calls.calls import Calls
from p2p_sos.core.duty.bands import Bands
from p2p_sos.core.duty.hands import Hands
from p2p_sos.core.internal import CallEnded, ViewChanged
from p2p_sos.wire.messages import CallId
from p2p_sos.wire.registry import TIMINGS, Timing

UNDECIDED = ("", "guarding")
PAUSE_S = 0.25  # guess: a quarter of the shortest HOLD; so that a burst of claims is looked at once, not once for each
GRAVITY: dict[str, int] = {timing.name: severity for severity, timing in sorted(TIMINGS.items())}


@frozen
class TurnsDue:
    """A timer: the calls that wait for this node are looked at again. Stale unless `at` is the newest."""

    at: float


@define(eq=False)
class Turns:
    """The order of the calls of one responder."""

    bands: Bands
    hands: Hands
    calls: Calls
    _held_back: dict[CallId, None] = field(init=False, factory=dict)
    _due_at: float | None = field(init=False, default=None)

    def observe(self, event: object, now: float) -> tuple[SetTimer, ...]:
        """One event, before anybody decides: a timer, if the turns of the calls that wait may have changed by it."""
        match event:
            case ViewChanged(call=call) if self.calls.is_open(call):
                changed = self.hands.observe(self.calls[call].view)
            case CallEnded(call=call):
                self._held_back.pop(call, None)
                changed = self.hands.leave(call)
            case _:
                return ()
        if self._due_at is not None or not ((changed and self.bands.waiting) or self._held_back):
            return ()
        self._due_at = now + PAUSE_S
        return (SetTimer(TurnsDue(self._due_at), self._due_at),)

    def is_due(self, due: TurnsDue) -> bool:
        """Whether a timer is the newest; it counts once."""
        if due.at != self._due_at:
            return False
        self._due_at = None
        return True

    def holds_back(self, call: CallId, free: int) -> bool:
        """Whether every free slot is wanted by a graver call that this node has not answered and nobody helps."""
        # "It keeps a slot for each graver call that it has not answered yet and that nobody helps" (06-board §10.2)
        own = _gravity(self.calls[call].view.description.timing)
        graver = 0
        for other in self.bands.waiting:
            record = self.calls[other] if self.calls.is_open(other) else None
            if record is not None and record.mine in UNDECIDED and _is_unhelped(record.view):
                graver += _gravity(record.view.description.timing) > own
        held = 0 < free <= graver
        if held:
            self._held_back[call] = None
        else:
            self._held_back.pop(call, None)
        return held


def _gravity(timing: Timing) -> int:
    return GRAVITY[timing.name]


def _is_unhelped(view: View) -> bool:
    effective = view.requisition is not None and view.requisition.effective
    return not effective and not view.helpers

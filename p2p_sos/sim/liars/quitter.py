"""Quitter: answers at once, helps until contact is attested, then says that it is over, and asks nobody."""

from p2p_sos.core.actions import Action, SetTimer
from p2p_sos.core.events import Event, OperatorClaims, TimerFired
from p2p_sos.core.notices import CallHeard
from p2p_sos.sim.behaviour import Make, Seat
from p2p_sos.sim.liars.claimer import LiesDue
from p2p_sos.sim.liars.mask import Mask
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import CallId, StandDown


class Quitter:
    """An honest responder that stands down `after_s` after it heard the call, whatever the victim needs."""

    def __init__(self, seat: Seat, after_s: float) -> None:
        self.mask = Mask(seat, answers=True)
        self.after_s = after_s
        self.gone: dict[CallId, None] = {}

    def handle(self, event: Event, now: float) -> list[Action]:
        """One event."""
        if isinstance(event, TimerFired) and isinstance(event.key, LiesDue):
            return self._stand_down(event.key.call, now)
        actions = self.mask.handle(event, now)
        heard = [notice.call for notice in self.mask.told(actions) if isinstance(notice, CallHeard)]
        for call in heard:
            # It waits for no band: who stands down must have been there.
            actions += self.mask.handle(OperatorClaims(call), now)
            actions.append(SetTimer(LiesDue(call, "quit", 0), now + self.after_s))
        for frame in self.mask.kept(actions):
            if frame.message.signer == self.mask.me:
                self._follow(frame)
        return actions

    def _follow(self, frame: Frame) -> None:
        """Its own node writes the same log: the liar's pen goes on after it."""
        self.mask.author.observe(frame)

    def _stand_down(self, call: CallId, now: float) -> list[Action]:
        if call in self.gone:
            return []
        self.gone[call] = None
        return self.mask.say(self.mask.write(StandDown, call), now)


def quitter(after_s: float = 45.0) -> Make:
    """A seat for one."""
    return lambda seat: Quitter(seat, after_s)

"""Accomplice: answers at once, attests its friends though nobody met them, and says later that it is over."""

from collections.abc import Sequence

from p2p_sos.core.actions import Action, SetTimer
from p2p_sos.sim.behaviour import Make, Seat
from p2p_sos.sim.liars.claimer import Claimer, LiesDue
from p2p_sos.wire.messages import Attest, CallId, Key, StandDown


class Accomplice(Claimer):
    """`friends`: the keys that it attests, its own left out; it stands down `after_s` after it heard the call."""

    def __init__(self, seat: Seat, friends: Sequence[Key], after_s: float) -> None:
        super().__init__(seat)
        self.friends = friends
        self.after_s = after_s

    def _on_heard(self, call: CallId, now: float) -> list[Action]:
        others = tuple(sorted(friend for friend in self.friends if friend != self.mask.me))
        claimed = self.claim(call, now)
        attested = self.mask.say(self.mask.write(Attest, call, responders=others), now) if others else []
        return [*claimed, *attested, SetTimer(LiesDue(call, "quit", 0), now + self.after_s)]

    def _on_due(self, due: LiesDue, now: float) -> list[Action]:
        if due.what != "quit":
            return super()._on_due(due, now) if due.call in self.claims else []
        del self.claims[due.call]
        return self.mask.say(self.mask.write(StandDown, due.call), now)


def accomplice(friends: Sequence[Key], after_s: float = 60.0) -> Make:
    """A seat for one; `friends` is read when a call comes, and may be filled until then."""
    return lambda seat: Accomplice(seat, friends, after_s)

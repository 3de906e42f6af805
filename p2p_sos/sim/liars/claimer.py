"""What liars do that answer a call: they claim at once, and keep their claim alive.

Decides when such a liar claims and renews. Comes in: events. Goes out: actions. What makes it a liar, each behaviour
adds: `_on_heard` when a call came, `_on_word` for each message that its relay admitted, `_on_due` when its time came.
"""

from typing import Any

from attrs import frozen

from p2p_sos.core.actions import Action, SetTimer
from p2p_sos.core.events import Event, TimerFired
from p2p_sos.core.notices import CallHeard
from p2p_sos.sim.behaviour import Seat
from p2p_sos.sim.liars.mask import Mask
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import CallId, Claim, MessageId, Renew
from p2p_sos.wire.registry import Manner


@frozen
class LiesDue:
    """A timer: something is to be said about a call."""

    call: CallId
    what: str
    count: int


class Claimer:
    """A liar that claims every call the moment it hears of it."""

    def __init__(self, seat: Seat) -> None:
        self.mask = Mask(seat)
        self.claims: dict[CallId, MessageId] = {}

    def handle(self, event: Event, now: float) -> list[Action]:
        """One event."""
        actions = self.mask.handle(event, now)
        lies: list[Action] = []
        for notice in self.mask.told(actions):
            if isinstance(notice, CallHeard):
                lies += self._on_heard(notice.call, now)
        for frame in self.mask.kept(actions):
            lies += self._on_word(frame, now)
        if isinstance(event, TimerFired) and isinstance(event.key, LiesDue):
            lies += self._on_due(event.key, now)
        return actions + lies

    def _on_heard(self, call: CallId, now: float) -> list[Action]:
        return self.claim(call, now)

    def _on_word(self, frame: Frame, now: float) -> list[Action]:  # noqa: ARG002 (a hook: others use it)
        return []

    def _on_due(self, due: LiesDue, now: float) -> list[Action]:
        return self.renew(due, now) if due.what == "renew" else []

    def claim(self, call: CallId, now: float, **fields: Any) -> list[Action]:
        """Say CLAIM, and go on to say that it lives."""
        told = {"slot": 0, "slot_epoch": 0, "card": self.mask.card, "manner": Manner.AUTOMATIC} | fields
        frame = self.mask.write(Claim, call, **told)
        self.claims[call] = frame.id
        return [*self.mask.say(frame, now), self.due(call, "renew", 0, now)]

    def renew(self, due: LiesDue, now: float) -> list[Action]:
        """Say that the claim lives."""
        renewal = Renew(call=due.call, signer=self.mask.me, sequence=due.count, claim=self.claims[due.call])
        said = self.mask.say(self.mask.seat.sign(renewal), now)
        return [*said, self.due(due.call, "renew", due.count + 1, now)]

    def due(self, call: CallId, what: str, count: int, now: float, after_s: float | None = None) -> SetTimer:
        """The next time for something; for RENEW, a third of a lease."""
        wait_s = self.mask.timing(call).lease_s / 3 if after_s is None else after_s
        return SetTimer(LiesDue(call, what, count), now + wait_s)

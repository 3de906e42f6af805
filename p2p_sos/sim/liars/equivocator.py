"""Equivocator: tells its left neighbours another story than its right ones, under one sequence.

In two calls it promises one place of a slot to both, each half of its neighbours hearing of one.
"""

from typing import Any

from p2p_sos.core.actions import Action
from p2p_sos.core.gossip.rpc import PeerId
from p2p_sos.sim.behaviour import Make
from p2p_sos.sim.liars.claimer import Claimer
from p2p_sos.wire.messages import NOTHING, CallId, Claim, Decline
from p2p_sos.wire.registry import Detail, Manner, Reason


class Equivocator(Claimer):
    """Two words at a time."""

    def _halves(self) -> tuple[list[PeerId], list[PeerId]]:
        peers = list(self.mask.peers)
        return peers[::2], peers[1::2]

    def _on_heard(self, call: CallId, now: float) -> list[Action]:
        left, right = self._halves()
        if self.claims:
            # Another call has this slot in this epoch already: one place, two victims.
            frame = self.mask.write(
                Claim, call, slot=0, slot_epoch=0, card=self.mask.card, manner=Manner.AUTOMATIC
            )
            return self.mask.slip([frame.cell], right or left)
        log: dict[str, Any] = {
            "call": call,
            "signer": self.mask.me,
            "sequence": 0,
            "previous": NOTHING,
            "heads": (),
        }
        claimed = self.mask.seat.sign(
            Claim(**log, slot=0, slot_epoch=0, card=self.mask.card, manner=Manner.AUTOMATIC)
        )
        declined = self.mask.seat.sign(Decline(**log, reason=Reason.UNABLE, detail=Detail.BUSY))
        self.claims[call] = claimed.id
        lies = [*self.mask.slip([claimed.cell], left), *self.mask.slip([declined.cell], right)]
        return [*lies, self.due(call, "renew", 0, now)]


def equivocator() -> Make:
    """A seat for one."""
    return Equivocator

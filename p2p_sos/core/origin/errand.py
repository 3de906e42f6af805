"""One message of a victim on its way out: what can become of it, as a table.

Comes in: a state and a step. Goes out: the next state; a pair that does not stand in the table cannot happen.
"""

from enum import Enum
from typing import Final

from attrs import define, field

from p2p_sos.core.gossip.rpc import GossipId, PeerId
from p2p_sos.wire.frames import Frame


class ErrandState(Enum):
    """How far a message of the case came by its hidden way."""

    WAITING = "waiting"  # nobody could take it yet
    AWAY = "away"  # handed over, or said in an earlier run: it should come back by gossip
    SPENT = "spent"  # every try was in vain; it waits until the case says it again
    BACK = "back"  # it came back: it is in the mesh


class ErrandStep(Enum):
    """What can happen to it."""

    HAND = "handed over"
    LOSE = "nobody took it"
    TIRE = "the last try was in vain"
    RETURN = "came back"


ERRAND_TRANSITIONS: Final = {
    (ErrandState.WAITING, ErrandStep.HAND): ErrandState.AWAY,
    (ErrandState.WAITING, ErrandStep.LOSE): ErrandState.WAITING,
    (ErrandState.WAITING, ErrandStep.RETURN): ErrandState.BACK,
    (ErrandState.AWAY, ErrandStep.HAND): ErrandState.AWAY,
    (ErrandState.AWAY, ErrandStep.LOSE): ErrandState.WAITING,
    (ErrandState.AWAY, ErrandStep.TIRE): ErrandState.SPENT,
    (ErrandState.AWAY, ErrandStep.RETURN): ErrandState.BACK,
    (ErrandState.SPENT, ErrandStep.HAND): ErrandState.AWAY,
    (ErrandState.SPENT, ErrandStep.LOSE): ErrandState.WAITING,
    (ErrandState.SPENT, ErrandStep.RETURN): ErrandState.BACK,
}


@define(eq=False)
class Errand:
    """One message. `relays`: whom it was handed to, the newest last; `tries` counts since the case said it last."""

    frame: Frame
    gossip_id: GossipId
    avoid: tuple[PeerId, ...] = ()
    state: ErrandState = ErrandState.WAITING
    tries: int = 0
    due_at: float = 0.0
    relays: list[PeerId] = field(factory=list)

    def step(self, step: ErrandStep) -> None:
        """Move on."""
        self.state = ERRAND_TRANSITIONS[self.state, step]

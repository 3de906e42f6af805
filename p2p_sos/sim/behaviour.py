"""Who sits at a place of the world: an honest node of production, or whatever has the same face.

Decides nothing. Comes in: `Seat`, all that a place gives to whoever sits there. Goes out: the protocol that the world
drives. A liar may own an honest node (`seat.node()`) and change what comes out of it, or make messages of its own.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

from attrs import field, frozen

from p2p_sos.core.actions import Action
from p2p_sos.core.case.case import VictimSecrets
from p2p_sos.core.duty.policy import Responder
from p2p_sos.core.events import Event
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.node import Node
from p2p_sos.core.origin.way import Way
from p2p_sos.sim.shared import Shared, rings
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import Message
from p2p_sos.wire.profiles import Profile


class Behaviour(Protocol):
    """The face of `Node`."""

    def handle(self, event: Event, now: float) -> Sequence[Action]:
        """One event; the world performs the actions in order."""
        ...


@frozen
class Seat:
    """A place, as whoever sits there sees it. `honest` says whose words checkers rely on."""

    name: str
    life: int
    profile: Profile
    gossip: GossipSettings
    random: Random = field(repr=False)
    shared: Shared = field(repr=False)
    responder: Responder | None = None
    victim: VictimSecrets | None = None
    way: Way = Way.DIRECT

    def node(self) -> Node:
        """An honest node with the keys of this place."""
        return Node(
            profile=self.profile,
            gossip=self.gossip,
            random=self.random,
            entropy=self.random.randbytes,
            rings=rings,
            responder=self.responder,
            victim=self.victim,
            accredits=self.shared.accredits,
            cards=self.shared.cards,
            decode=self.shared.decode_for,
            sync=self.shared.sync,
            ranking=self.shared.ranking,
            way=self.way,
        )

    def sign(self, message: Message, *, effort: int = 0) -> Frame:
        """A sealed frame under the responder key of this place; `effort` adds a stamp that was not worked for."""
        assert self.responder is not None, "nobody answers here"
        return self.shared.seal(message, self.responder.key, effort)


Make = Callable[[Seat], Behaviour]


def honest(seat: Seat) -> Behaviour:
    """The behaviour of all who do not lie."""
    return seat.node()

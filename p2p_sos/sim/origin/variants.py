"""Ways to call that we do not use, to measure ours against: plain gossip, diffusion, and a stem that is careless.

Decides how a caller's cell leaves it there. Comes in: the events of a place. Goes out: actions. Must not know spies. All put
their own rules around a node of production, which still admits and gossips as ever.
"""

from collections.abc import Sequence

from attrs import evolve, frozen

from p2p_sos.core.actions import Action, SendRpc, SendStem, SendSync, SetTimer
from p2p_sos.core.events import (
    Event,
    PeerJoined,
    PeerLeft,
    RpcReceived,
    Started,
    StemReceived,
    TimerFired,
    VictimCalls,
)
from p2p_sos.core.gossip.rpc import Carried, PeerId, Rpc
from p2p_sos.sim.behaviour import Seat
from p2p_sos.sim.lives import PROTOCOL
from p2p_sos.wire.registry import TOPIC

DIFFUSION_MEAN_S = 1.0  # guess: Bitcoin's own mean is 2 to 5 s, on links as slow as these
CARELESS_FLUFF = 0.1  # Dandelion++ (Fanti et al., 2018) evaluates 0.1; here drawn for each cell at each hop
PEN = "pen"  # the peer from which a careless node believes to have what it lets out


@frozen
class Leaves:
    """A timer: a frame that diffusion held back goes out."""

    peer: PeerId
    rpc: Rpc


class Outside:
    """A relay of production, and a caller outside of it that hands it cells as a peer would."""

    def __init__(self, seat: Seat) -> None:
        self._node, self._random = evolve(seat, victim=None).node(), seat.random
        self._id_of = seat.shared.gossip_id
        self._peers: dict[PeerId, None] = {}

    def handle(self, event: Event, now: float) -> Sequence[Action]:
        """One event."""
        match event:
            case VictimCalls(frame=frame):
                return self.say(frame.cell, now)
            case PeerJoined(peer=peer):
                self._peers[peer] = None
            case PeerLeft(peer=peer):
                self._peers.pop(peer, None)
        actions = self._node.handle(event, now)
        if isinstance(event, Started):
            actions += self._node.handle(PeerJoined(PEN, False, PROTOCOL, PEN), now)
        return _without_pen(actions)

    def say(self, cell: bytes, now: float) -> Sequence[Action]:
        """The caller speaks."""
        raise NotImplementedError

    def rpc(self, cell: bytes) -> Rpc:
        """A cell in full."""
        return Rpc(messages=(Carried(self._id_of(cell), cell, TOPIC),))

    def let_out(self, cell: bytes, now: float) -> Sequence[Action]:
        """Into the mesh, as what a peer brought."""
        return _without_pen(self._node.handle(RpcReceived(PEN, self.rpc(cell), len(cell)), now))


class Plain(Outside):
    """Plain gossip: a call goes in full to every neighbour at once."""

    def say(self, cell: bytes, now: float) -> Sequence[Action]:
        """To all of them."""
        return [*(SendRpc(peer, self.rpc(cell)) for peer in self._peers), *self.let_out(cell, now)]


class Diffusing(Plain):
    """Diffusion: plain gossip in which each frame with news waits for a random time, drawn for each link anew."""

    def handle(self, event: Event, now: float) -> Sequence[Action]:
        """One event."""
        if isinstance(event, TimerFired) and isinstance(event.key, Leaves):
            return [SendRpc(event.key.peer, event.key.rpc)]
        actions = super().handle(event, now)
        if isinstance(event, RpcReceived) and event.rpc.iwant:
            return actions  # who asks is answered
        return [self._held(action, now) for action in actions]

    def _held(self, action: Action, now: float) -> Action:
        if isinstance(action, SendRpc) and (action.rpc.messages or action.rpc.ihave):
            wait_s = self._random.expovariate(1 / DIFFUSION_MEAN_S)
            return SetTimer(Leaves(action.peer, action.rpc), now + wait_s)
        return action


class Careless(Outside):
    """A stem as one would first write it: any peer, drawn anew for each cell and hop; own cells may go out at once."""

    def handle(self, event: Event, now: float) -> Sequence[Action]:
        """One event."""
        if isinstance(event, StemReceived):
            return self._move(event.cell, event.peer, now)
        return super().handle(event, now)

    def say(self, cell: bytes, now: float) -> Sequence[Action]:
        """As any hop."""
        return self._move(cell, None, now)

    def _move(self, cell: bytes, came_from: PeerId | None, now: float) -> Sequence[Action]:
        others = [peer for peer in self._peers if peer != came_from]
        if not others or self._random.random() < CARELESS_FLUFF:
            return self.let_out(cell, now)
        return [SendStem(others[self._random.randrange(len(others))], cell)]


def _without_pen(actions: Sequence[Action]) -> list[Action]:
    return [a for a in actions if not (isinstance(a, SendRpc | SendSync) and a.peer == PEN)]

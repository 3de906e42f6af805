"""Spies: nodes of production that tell one another what reaches them, and one that listens to nearly everybody.

Decides what a spy does beside relaying: it writes everything down; one that drops lets no stem pass, a mute one nothing. Comes in: the events of
a place. Goes out: the actions of a node, and sightings. Must not know who called.
"""

from collections.abc import Sequence
from enum import Enum

from attrs import evolve

from p2p_sos.core.actions import Action, SendRpc
from p2p_sos.core.events import Event, PeerJoined, PeerLeft, RoundTripMeasured, RpcReceived, StemReceived
from p2p_sos.core.gossip.rpc import GossipId, PeerId, Rpc, Subscription
from p2p_sos.core.origin.way import Way
from p2p_sos.sim.behaviour import Behaviour, Make, Seat
from p2p_sos.sim.origin.notebook import Notebook, Sighting, Via
from p2p_sos.wire.registry import TOPIC


class Ears:
    """What reaches one spy goes into the notebook, with the flight over its own link taken off, as far as it measured it."""

    def __init__(self, seat: Seat, notebook: Notebook) -> None:
        self._name, self._notebook, self._id_of = seat.name, notebook, seat.shared.gossip_id
        self._flights_s: dict[PeerId, float] = {}
        notebook.spies[seat.name] = None

    def hear(self, event: Event, now: float) -> None:
        """One event."""
        match event:
            case RpcReceived(peer=peer, rpc=rpc):
                for carried in rpc.messages:
                    self._write(carried.id, peer, Via.GOSSIP, now)
                for _, ids in rpc.ihave:
                    for gossip_id in ids:
                        self._write(gossip_id, peer, Via.ANNOUNCED, now)
            case StemReceived(peer=peer, cell=cell):
                self._write(self._id_of(cell), peer, Via.STEM, now)
            case PeerJoined(peer=peer):
                self._notebook.meet(self._name, peer, now)
            case PeerLeft(peer=peer):
                self._notebook.part(self._name, peer)
            case RoundTripMeasured(peer=peer, round_trip_s=round_trip_s):
                self._flights_s[peer] = round_trip_s / 2

    def _write(self, gossip_id: GossipId, peer: PeerId, via: Via, now: float) -> None:
        left_at = now - self._flights_s.get(peer, 0.0)
        self._notebook.write(gossip_id, Sighting(now, left_at, self._name, peer, via))


class Conduct(Enum):
    """What spies do with what they are to pass on."""

    RELAYS = "relay"  # all of it, so that nobody tells them from others
    DROPS = "drop"  # nothing that came by stem
    MUTE = "keep mute"  # nothing at all, so that whoever has a cell must show it to them


class Spy:
    """Relays as its kind does, as far as its conduct lets it."""

    def __init__(self, ears: Ears, relay: Behaviour, conduct: Conduct) -> None:
        self._ears, self._relay, self._conduct = ears, relay, conduct

    def handle(self, event: Event, now: float) -> Sequence[Action]:
        """One event."""
        self._ears.hear(event, now)
        if self._conduct is Conduct.RELAYS:
            return self._relay.handle(event, now)
        if isinstance(event, StemReceived):
            return []
        actions = self._relay.handle(event, now)
        return actions if self._conduct is Conduct.DROPS else [_emptied(action) for action in actions]


def _emptied(action: Action) -> Action:
    """Without news."""
    if isinstance(action, SendRpc) and (action.rpc.messages or action.rpc.ihave):
        return evolve(action, rpc=evolve(action.rpc, messages=(), ihave=()))
    return action


class Supernode:
    """Connects to everybody and asks everybody for everything at once; passes nothing on."""

    def __init__(self, ears: Ears) -> None:
        self._ears = ears
        self._asked: dict[PeerId, None] = {}

    def handle(self, event: Event, now: float) -> Sequence[Action]:
        """One event."""
        self._ears.hear(event, now)
        match event:
            case PeerJoined(peer=peer):
                return [SendRpc(peer, Rpc(subscriptions=(Subscription(TOPIC, True),)))]
            case PeerLeft(peer=peer):
                self._asked.pop(peer, None)
            case RpcReceived(peer=peer, rpc=rpc) if rpc.subscriptions and peer not in self._asked:
                self._asked[peer] = None
                return [SendRpc(peer, Rpc(graft=(TOPIC,)))]  # an eager link brings cells in full, and first
        return []


def spy(make: Make, notebook: Notebook, conduct: Conduct = Conduct.RELAYS) -> Make:
    """A spy that relays as `make` does, and has nothing to say of its own."""
    notebook.mute = conduct is Conduct.MUTE
    return lambda seat: Spy(Ears(seat, notebook), make(evolve(seat, victim=None, way=Way.DIRECT)), conduct)


def supernode(notebook: Notebook) -> Make:
    """The listener."""
    return lambda seat: Supernode(Ears(seat, notebook))

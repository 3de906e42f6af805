"""What every liar stands behind: an honest relay that its neighbours meet, and a pen that signs what it likes.

Decides how a lie gets into the mesh. Comes in: the events of a place. Goes out: actions, and what the relay heard.
Must not know what any liar wants.

`say` hands a message to the liar's own relay, which forwards it as if a peer had brought it: it must be valid. `slip`
gives it to peers in full, past the relay; so it may be anything, and may differ from peer to peer.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import evolve

from p2p_sos.core.actions import Action, Keep, SendRpc, SendSync, Tell
from p2p_sos.core.board.resolve import View
from p2p_sos.core.duty.author import Author
from p2p_sos.core.events import Event, PeerJoined, PeerLeft, RpcReceived, Started
from p2p_sos.core.gossip.rpc import Carried, PeerId, Rpc
from p2p_sos.core.notices import Notice
from p2p_sos.core.tables import Table
from p2p_sos.sim.behaviour import Seat
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import NOTHING, Call, CallId, Card, Key, LogMessage, MessageId
from p2p_sos.wire.registry import TIMINGS, TOPIC, Timing

PEN = "pen"  # the peer that the relay believes to have its liar's messages from
ROW_TIME_BYTES = 8
PROTOCOL = "/meshsub/1.2.0"


class Mask:
    """One liar's face. `answers`: the relay is a responder of its own (under the liar's key), not a mere relay."""

    def __init__(self, seat: Seat, *, answers: bool = False) -> None:
        assert seat.responder is not None, "a liar has a key"
        self.seat = seat
        self.node = seat.node() if answers else evolve(seat, responder=None).node()
        self.key = seat.responder.key
        self.peers: dict[PeerId, None] = {}
        self.author = Author(self.key, seat.profile.network)
        self.calls: dict[CallId, Call] = {}

    @property
    def me(self) -> Key:
        """The key under which the liar answers."""
        return self.key.public

    @property
    def card(self) -> MessageId:
        """The id of the liar's card, as the mesh knows it."""
        card = self.node.cards.get(self.me)
        return NOTHING if card is None else card.id

    @property
    def slots(self) -> int:
        """How many slots that card has."""
        card = self.node.cards.get(self.me)
        return card.message.slots if card is not None and isinstance(card.message, Card) else 1

    def timing(self, call: CallId) -> Timing:
        """The timers of a call."""
        return TIMINGS[self.calls[call].severity]

    def view(self, call: CallId) -> View | None:
        """What the board of a call says to the relay."""
        return self.node.calls[call].view if call in self.node.calls else None

    # ------------------------------------------------------------------ in and out

    def handle(self, event: Event, now: float) -> list[Action]:
        """Let the relay do its work."""
        match event:
            case PeerJoined(peer=peer):
                self.peers[peer] = None
            case PeerLeft(peer=peer):
                self.peers.pop(peer, None)
        actions = self._spared(self.node.handle(event, now))
        if isinstance(event, Started):
            actions += self._spared(self.node.handle(PeerJoined(PEN, False, PROTOCOL, PEN), now))
        for frame in self.kept(actions):
            if isinstance(frame.message, Call):
                self.calls[frame.id] = frame.message
        return actions

    def _spared(self, actions: Sequence[Action]) -> list[Action]:
        return [a for a in actions if not (isinstance(a, SendRpc | SendSync) and a.peer == PEN)]

    def kept(self, actions: Sequence[Action]) -> Iterator[Frame]:
        """What the relay admitted just now."""
        for action in actions:
            if isinstance(action, Keep) and action.table is Table.CELL:
                frame = self.seat.shared.decode(action.value[ROW_TIME_BYTES:])
                if isinstance(frame, Frame):
                    yield frame

    @staticmethod
    def told(actions: Sequence[Action]) -> list[Notice]:
        """What the relay told its people just now."""
        return [action.notice for action in actions if isinstance(action, Tell)]

    # ------------------------------------------------------------------ the pen

    def write(self, kind: type[LogMessage], call: CallId, **fields: Any) -> Frame:
        """The next message of the liar's log about a call, as an honest writer would number it."""
        return self.author.sign(kind, call, fields.pop("heads", ()), **fields)[1]

    def say(self, frame: Frame, now: float) -> list[Action]:
        """Into the mesh, by the liar's own relay."""
        return self._spared(self.node.handle(RpcReceived(PEN, self._rpc([frame.cell]), len(frame.cell)), now))

    def slip(self, cells: Sequence[bytes], peers: Sequence[PeerId] | None = None) -> list[Action]:
        """In full to these peers, or to all, whatever it is."""
        rpc = self._rpc(cells)
        return [SendRpc(peer, rpc) for peer in (self.peers if peers is None else peers)]

    def _rpc(self, cells: Sequence[bytes]) -> Rpc:
        name = self.seat.shared.gossip_id
        return Rpc(messages=tuple(Carried(name(cell), cell, TOPIC) for cell in cells))


def without(action: Action, unwanted: Sequence[bytes]) -> Action | None:
    """An action of a relay with these gossip ids taken out of what it sends and announces; None if nothing is left."""
    if not isinstance(action, SendRpc):
        return action
    rpc = action.rpc
    if not rpc.messages and not rpc.ihave:
        return action
    out = dict.fromkeys(unwanted)
    messages = tuple(carried for carried in rpc.messages if carried.id not in out)
    ihave = tuple((topic, tuple(i for i in ids if i not in out)) for topic, ids in rpc.ihave)
    left = evolve(rpc, messages=messages, ihave=tuple((topic, ids) for topic, ids in ihave if ids))
    return None if left == Rpc() else SendRpc(action.peer, left)

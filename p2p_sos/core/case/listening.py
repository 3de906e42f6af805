"""Which peer of a victim only listens, so that a call that comes back from it is in the mesh.

Decides the listener. Comes in: peers that join and leave, and to whom something of the case was sent. Goes out: one
peer or none. Must not know what is sent.
"""

from attrs import define, field

from p2p_sos.core.events import PeerJoined, PeerLeft
from p2p_sos.core.gossip.rpc import PeerId


@define
class Listening:
    """Peers in the order of joining; the listener is one that was never sent anything of the case.

    `everybody`: the case goes beside gossip, so that whoever was dialled and not handed anything bears witness.
    """

    everybody: bool = False
    listener: PeerId | None = None
    _outbound: dict[PeerId, None] = field(factory=dict)
    _told: dict[PeerId, None] = field(factory=dict)

    def notice(self, event: object) -> bool:
        """Peers that come and go; whether the listener changed."""
        match event:
            case PeerJoined(peer=peer, outbound=outbound):
                return self.joined(peer, outbound=outbound)
            case PeerLeft(peer=peer):
                return self.left(peer)
        return False

    def joined(self, peer: PeerId, *, outbound: bool) -> bool:
        """A peer joined; whether the listener changed."""
        if outbound:
            self._outbound[peer] = None
        return self._choose()

    def left(self, peer: PeerId) -> bool:
        """A peer left; whether the listener changed."""
        self._outbound.pop(peer, None)
        return self._choose()

    def told(self, peers: tuple[PeerId, ...]) -> bool:
        """Something of the case went to these peers; whether the listener changed."""
        self._told.update(dict.fromkeys(peers))
        return self._choose()

    def believes(self, peer: PeerId) -> bool:
        """Whether it means something that the call comes back from this peer."""
        # "On a hidden way it came back as soon as a peer that the node dialled, and that the victim gave it to by no way, brings
        # it, or shows that it holds it after it was brought." (11-origin §7)
        return peer == self.listener or (self.everybody and peer in self._outbound and peer not in self._told)

    def _choose(self) -> bool:
        before, untold = self.listener, [peer for peer in self._outbound if peer not in self._told]
        # "With at least two outbound peers, the one that joined last and was sent nothing of the case listens."
        # (07-dialogue §12)
        if len(self._outbound) < 2 or not untold:
            self.listener = None
        elif before not in untold:
            self.listener = untold[-1]
        return self.listener != before

"""One peer as the router sees it."""

from attrs import frozen

from p2p_sos.core.gossip.rpc import PeerId


@frozen
class PeerView:
    """What others may know of a peer."""

    peer: PeerId
    outbound: bool
    protocol: str
    score: float
    round_trip_s: float | None
    in_mesh: bool

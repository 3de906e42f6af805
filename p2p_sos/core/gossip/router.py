"""The gossip router (skeleton)."""

import random as random_module
from collections.abc import Callable

from p2p_sos.core.actions import Disconnect, SendRpc, SetTimer, Tell
from p2p_sos.core.events import (
    BacklogChanged,
    PeerJoined,
    PeerLeft,
    RoundTripMeasured,
    RpcReceived,
    RpcUnreadable,
    Started,
    TimerFired,
)
from p2p_sos.core.gossip.neighbour import PeerView
from p2p_sos.core.gossip.rpc import GossipId
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.internal import Announce, Broadcast, Echoed, Examine, Judged, Sent

RouterEvent = (
    Started | PeerJoined | PeerLeft | RpcReceived | RpcUnreadable | RoundTripMeasured | BacklogChanged
    | TimerFired | Judged | Broadcast | Announce
)  # fmt: skip
RouterAction = SendRpc | Disconnect | SetTimer | Tell | Examine | Sent | Echoed


class Router:
    """GossipSub for one topic."""

    def __init__(
        self,
        settings: GossipSettings,
        random: random_module.Random,
        lookup: Callable[[GossipId], bytes | None],
    ) -> None:
        self._settings = settings
        self._random = random
        self._lookup = lookup

    @property
    def peers(self) -> tuple[PeerView, ...]:
        """Every peer that is here, in the order of joining."""
        return ()

    def seen(self, gossip_id: GossipId) -> bool:
        """Whether this message was seen already."""
        return False

    def handle(self, event: RouterEvent, now: float) -> list[RouterAction]:
        """Take one event, and say what is to be done."""
        return []

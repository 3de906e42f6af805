"""A whole node: the gossip router, the calls, the duty machine, the dialogues and the case, composed.

Decides which machine hears what, in which order. Comes in: every event of the driver. Goes out: actions.
Must not know sockets, disks, clocks or how anything is drawn.
"""

from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType

from p2p_sos.core.actions import Action
from p2p_sos.core.calls import CallRecord
from p2p_sos.core.case import VictimSecrets
from p2p_sos.core.case_view import CaseView
from p2p_sos.core.events import Event
from p2p_sos.core.gossip.neighbour import PeerView
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.letterbook import LetterRecord
from p2p_sos.core.policy import Responder
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import CallId, Key
from p2p_sos.wire.profiles import Profile


class Node:
    """One node. `rings(a, b)` counts H3 rings between two cells, None when they cannot be compared.

    Events at a start, in this order: `Restored` for every table, `ClockRead`, `Started`, then the rest.
    """

    def __init__(
        self,
        *,
        profile: Profile,
        gossip: GossipSettings,
        random: Random,
        entropy: Callable[[int], bytes],
        rings: Callable[[int, int], int | None],
        responder: Responder | None = None,
        victim: VictimSecrets | None = None,
    ) -> None:
        self._profile = profile

    def handle(self, event: Event, now: float) -> list[Action]:
        """One event; the actions are to be performed in order."""
        return []

    def refusal(self, event: Event) -> str | None:
        """Why an operator's or a victim's event would do nothing, in one sentence; None if it would."""
        return None

    @property
    def calls(self) -> Mapping[CallId, CallRecord]:
        """Every call that this node remembers, by id."""
        return MappingProxyType({})

    @property
    def case(self) -> CaseView | None:
        """The victim's case; None at a node that is nobody's."""
        return None

    @property
    def peers(self) -> tuple[PeerView, ...]:
        """The peers, as the router sees them."""
        return ()

    @property
    def accepting(self) -> bool:
        """Whether anything new is accepted; False while the store fails."""
        return True

    @property
    def why_not_accepting(self) -> str:
        """What is wrong with the store; empty while nothing is."""
        return ""

    @property
    def cards(self) -> Mapping[Key, Frame]:
        """The newest CARD of each responder known."""
        return MappingProxyType({})

    def letters(self, call: CallId) -> tuple[LetterRecord, ...]:
        """The letters of one call that were opened or written here."""
        return ()

    def log_lines(self, after: int = 0) -> tuple[bytes, ...]:
        """The lines of the watch log with numbers above `after`, as many as are kept in memory."""
        return ()

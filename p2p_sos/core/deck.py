"""What the people of a node may read of it, at any time.

Decides nothing. Comes in: the parts of a node. Goes out: read-only views of them, and why an order would do nothing.
Must not change anything.
"""

from collections.abc import Mapping
from types import MappingProxyType

from p2p_sos.core.calls.archive import Archive
from p2p_sos.core.calls.calls import CallRecord, Calls
from p2p_sos.core.calls.gate import Gate
from p2p_sos.core.case.case import Case
from p2p_sos.core.case.case_view import CaseView
from p2p_sos.core.crew import Crew
from p2p_sos.core.duty.duty import OPERATOR
from p2p_sos.core.duty.watchlog import WatchLog
from p2p_sos.core.events import Event, OperatorWrites
from p2p_sos.core.gossip.neighbour import PeerView
from p2p_sos.core.gossip.router import Router
from p2p_sos.core.letters.letterbook import LetterRecord
from p2p_sos.core.origin.origin import Origin
from p2p_sos.core.origin.way import Way
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import CallId, Key

OperatorEvent = OPERATOR | OperatorWrites
NO_RESPONDER = "This node answers no calls: it has no responder key."


class Deck:
    """The read-only side of a node, which fills in the parts."""

    _archive: Archive
    _gate: Gate
    _router: Router
    _log: WatchLog
    _crew: Crew | None
    _case: Case | None
    _origin: Origin

    @property
    def calls(self) -> Mapping[CallId, CallRecord]:
        """Every call that this node remembers, by id."""
        return self._archive.calls

    @property
    def archive(self) -> Archive:
        """Everything that this node keeps; only to be read."""
        return self._archive

    @property
    def boards(self) -> Calls:
        """The boards of every call, and what the clock adds to them; only to be read."""
        return self._archive.calls

    @property
    def case(self) -> CaseView | None:
        """The victim's case; None at a node that is nobody's."""
        return None if self._case is None else self._case.view

    @property
    def peers(self) -> tuple[PeerView, ...]:
        """The peers, as the router sees them."""
        return self._router.peers

    @property
    def accepting(self) -> bool:
        """Whether anything new is accepted; False while the store fails."""
        return not self._gate.closed

    @property
    def why_not_accepting(self) -> str:
        """What is wrong with the store; empty while nothing is."""
        return self._gate.closed

    @property
    def way(self) -> Way:
        """By which way what this node's victim says enters the mesh."""
        return self._origin.way

    @property
    def way_fault(self) -> str | None:
        """Why that way can carry nothing at the moment, in one sentence; None if it can, as far as this node knows."""
        return self._origin.fault

    @property
    def cards(self) -> Mapping[Key, Frame]:
        """The newest CARD of each responder known."""
        return MappingProxyType(self._archive.cards.newest)

    @property
    def convicted(self) -> Mapping[Key, Frame]:
        """The PROOF against each key that is convicted here."""
        return self._archive.proofs.convicted

    @property
    def log_fault(self) -> str | None:
        """What is wrong with the watch log of the last run, if anything."""
        return self._log.fault

    def letters(self, call: CallId) -> tuple[LetterRecord, ...]:
        """The letters of one call that were opened or written here."""
        return () if self._crew is None else self._crew.dialogue.letters(call)

    def log_lines(self, after: int = 0) -> tuple[bytes, ...]:
        """The lines of the watch log with numbers above `after`, as many as are kept in memory."""
        return self._log.lines(after)

    def refusal(self, event: Event) -> str | None:
        """Why an operator's or a victim's event would do nothing, in one sentence; None if it would."""
        if self._gate.closed:
            return f"The node can keep nothing at the moment ({self._gate.closed}); make room and try again."
        if not isinstance(event, OperatorEvent):
            return None if self._case is None else self._case.refusal(event)
        if self._crew is None:
            return NO_RESPONDER
        return self._crew.duty.refusal(event) or self._crew.dialogue.refusal(event)

"""Turns what nodes do into records of the trace.

Decides what is worth a record. Comes in: events, the actions that followed, cells that travel. Goes out: records, and
for each honest node and call the newest view. Must not change anything.
"""

from collections.abc import Sequence
from typing import Any

from p2p_sos.core.actions import Action, Keep, SendRpc, Tell
from p2p_sos.core.board.resolve import View, resolve
from p2p_sos.core.calls.calls import about
from p2p_sos.core.events import Event, TimerFired
from p2p_sos.core.notices import (
    AttestSeen,
    CallClosed,
    CallHeard,
    ClaimSeen,
    Convicted,
    LeadChanged,
    LetterArrived,
    SitrepRefused,
    SitrepSeen,
)
from p2p_sos.core.tables import Table
from p2p_sos.sim.fingerprints import board_word, expired_word
from p2p_sos.sim.places import Place
from p2p_sos.sim.shared import Shared
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import NOTHING, Attest, CallId, Key
from p2p_sos.wire.registry import Kind

CLOSED = ("cancelled", "cleared", "stood-down")
ROW_TIME_BYTES = 8


class Observer:
    """Writes the trace of one world."""

    def __init__(self, trace: Trace, shared: Shared) -> None:
        self.trace = trace
        self.owners: dict[Key, Place] = {}
        self.views: dict[tuple[str, CallId], View] = {}
        self._shared = shared
        self.seen: dict[
            bytes, None
        ] = {}  # cells that a record names already: `carried` has nothing to say of them

    def after(self, now: float, place: Place, event: Event, actions: Sequence[Action]) -> None:
        """What followed from one event at one place."""
        looks: dict[CallId, None] = {}
        for action in actions:
            if type(action) is SendRpc:  # nearly every action is one
                continue
            if isinstance(action, Tell):
                self._told(now, place, action.notice, looks)
            elif isinstance(action, Keep) and action.table is Table.CELL:
                cell = action.value[ROW_TIME_BYTES:]
                self._kept(now, place, cell, looks)
        if type(event) is TimerFired and (call := getattr(event.key, "call", None)) is not None:
            looks[call] = None
        if looks:
            self._look(now, place, looks)

    def _kept(self, now: float, place: Place, cell: bytes, looks: dict[CallId, None]) -> None:
        frame = self._shared.decode(cell)
        if not isinstance(frame, Frame):
            return
        self.carried(now, place, frame.cell)
        owner = self.owners.get(frame.message.signer)
        by_liar = owner is not None and not owner.is_honest and hasattr(frame.message, "previous")
        if by_liar and place.is_honest:
            self.trace.add(now, place.name, "held", frame.message.signer, frame.id)
        call = about(frame)
        if frame.message.KIND is Kind.CLAIM and owner is not None and owner.is_honest and place.is_honest:
            # Somebody honest claims, as this node knows.
            self.trace.add(now, place.name, "reached", call, frame.message.signer)
        if call is not None:
            looks[call] = None

    def carried(self, now: float, place: Place, cell: bytes) -> None:
        """A cell is kept, or travels: the first time it is worth a record."""
        if cell in self.seen:
            return
        self.seen[cell] = None
        frame = self._shared.decode(cell)
        if not isinstance(frame, Frame):
            return
        message: Any = frame.message
        owner = self.owners.get(message.signer)
        # A word under an honest key that does not verify is a forger's.
        honest = (
            message.KIND is not Kind.PROOF
            and owner is not None
            and owner.is_honest
            and self._shared.check(frame) is None
        )
        name = place.name if owner is None else owner.name
        call = frame.id if message.KIND is Kind.CALL else getattr(message, "call", b"")
        if message.KIND is not Kind.LETTER:
            self.trace.messages[frame.id] = message
        self.trace.add(now, name, "signed", message.KIND.name, call, message.signer, frame.id, honest)
        if isinstance(message, Attest) and honest and owner is not None and owner.victim is not None:
            for responder in message.responders:
                self.trace.add(now, name, "attested", message.call, responder)

    def _told(self, now: float, place: Place, notice: Any, looks: dict[CallId, None]) -> None:
        add, name = self.trace.add, place.name
        if not place.is_honest:
            return
        match notice:
            case CallHeard(call=call):
                add(now, name, "heard", call)
            case ClaimSeen(call=call, responder=responder) if place.victim is not None:
                add(now, name, "claim-at-victim", call, responder)
            case LeadChanged(call=call, requisition=requisition, roster=roster):
                add(now, name, "follow", call, (requisition, roster))
            case SitrepSeen(call=call, lead=lead, requisition=requisition, roster=roster):
                add(now, name, "sitrep", call, lead, (requisition, roster))
            case SitrepRefused(call=call, signer=signer, requisition=requisition, roster=roster):
                add(now, name, "refused", call, signer, (requisition, roster))
            case CallClosed(call=call, how=how):
                add(now, name, "closed" if how in CLOSED else "ended", call, how)
            case Convicted(responder=responder):
                add(now, name, "convicted", responder)
            case LetterArrived(call=call, kind=kind):
                add(now, name, "letter", call, kind.name)
        if (call_id := getattr(notice, "call", None)) is not None and not isinstance(notice, AttestSeen):
            looks[call_id] = None

    def _look(self, now: float, place: Place, looks: dict[CallId, None]) -> None:
        node = place.node
        if node is None or not place.is_honest:
            return
        for call in looks:
            if call not in node.calls:
                continue
            view = node.calls[call].view
            before = self.views.get((place.name, call))
            if view is before:
                continue
            self.views[place.name, call] = view
            if view.description.sequence:
                self.trace.described.setdefault((place.name, call, view.description), now)
            told = _told_of(view)
            if before is None or told != _told_of(before):
                words = board_word(node.boards.board(call)), expired_word(node.boards.expired_of(call))
                self.trace.add(now, place.name, "view", call, *told, *words)

    def compare(self, now: float, place: Place) -> None:
        """Is what a node sees still what its board says? A view that no event brought up to date leaves no record of its own."""
        node = place.node
        if node is None or not place.is_honest or not place.runs:
            return
        for call in node.calls:
            view, fresh = (
                node.calls[call].view,
                resolve(node.boards.board(call), node.boards.expired_of(call)),
            )
            if view != fresh:
                self.trace.add(now, place.name, "stale-view", call, *_told_of(view), *_told_of(fresh))

    def rest(self, now: float, place: Place) -> None:
        """The run is over: what an honest node that runs holds of each open call."""
        self.compare(now, place)
        node = place.node
        if node is None or not place.is_honest:
            return
        for call in node.calls:
            self.trace.add(now, place.name, "board", call, board_word(node.boards.board(call)))

    def forget(self, place: Place) -> None:
        """A node died: what it saw is gone."""
        for key in [key for key in self.views if key[0] == place.name]:
            del self.views[key]


def _told_of(view: View) -> tuple[Any, ...]:
    helpers: Any = getattr(view, "helpers", view.claims)
    requisition = 0 if view.requisition is None else view.requisition.sequence
    roster: Any = getattr(view, "roster", None)
    attested = sum(claim.attested for claim in view.claims)
    followed = NOTHING if roster is None else roster.roster
    return view.lead, requisition, followed, len(helpers), view.closed, attested

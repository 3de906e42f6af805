"""Pushing: how the messages of this node's own case are handed to the driver, which gives them to relays over circuits.

Decides when a message is pushed, pushed again, and when people are told. Comes in: own messages, their return, what
became of a push, time. Goes out: `Push`, timers, notices. It has no other way out, whatever fails.
"""

from attrs import define, field, frozen

from p2p_sos.core.actions import Push, SetTimer, Tell
from p2p_sos.core.events import Pushed, PushFailed, TimerFired
from p2p_sos.core.gossip.rpc import GossipId
from p2p_sos.core.internal import Handed, Returned, Utter
from p2p_sos.core.notices import WayFails
from p2p_sos.core.origin.errand import Errand, ErrandState, ErrandStep
from p2p_sos.core.origin.stempool import call_of
from p2p_sos.core.origin.way import Way
from p2p_sos.wire.hashing import gossip_id as gossip_id_of
from p2p_sos.wire.registry import PUSH_RETURN_S, PUSH_TRIES_MAX

PusherEvent = Utter | Returned | Pushed | PushFailed | TimerFired
PusherStep = Push | SetTimer | Tell | Handed

ERRANDS_MAX = 512  # guess: as many as a source has
SPENT = "{tries} pushes did not bring a message of your case into the mesh ({why}); it is tried again from time to time. If nobody answers, see whether the proxy works, or call another way."
SILENT = "relays took it, and it did not come back"
UNTOLD = "no word of the proxy"


@frozen
class PushDue:
    """A timer: what was pushed should have come back."""

    gossip_id: GossipId
    at: float


@define(eq=False)
class Pusher:
    """The victim's side of pushing, for one case."""

    _errands: dict[GossipId, Errand] = field(factory=dict)
    _why: dict[GossipId, str] = field(factory=dict)  # what became of the newest push
    _pushes: int = 0

    def handle(self, event: PusherEvent, now: float) -> list[PusherStep]:
        """One event."""
        match event:
            case Utter():
                return self._on_utter(event, now)
            case Returned(gossip_id=gossip_id):
                self._why.pop(gossip_id, None)
                if (errand := self._errands.pop(gossip_id, None)) is not None:
                    errand.step(ErrandStep.RETURN)
            case Pushed(cell=cell, relays=relays):
                return self._on_pushed(gossip_id_of(cell, canonical=True), relays)
            case PushFailed(cell=cell, why=why):
                gossip_id = gossip_id_of(cell, canonical=True)
                if gossip_id in self._errands:
                    self._why[gossip_id] = why
            case TimerFired(key=PushDue() as due):
                return self._on_due(due, now)
        return []

    def _on_utter(self, utter: Utter, now: float) -> list[PusherStep]:
        errand = self._errands.get(utter.gossip_id)
        if errand is None:
            errand = self._errands[utter.gossip_id] = Errand(utter.frame, utter.gossip_id)
            if len(self._errands) > ERRANDS_MAX:
                gone = next(iter(self._errands))
                del self._errands[gone]
                self._why.pop(gone, None)
            if utter.earlier:
                # "What it said before it was restarted it MUST first wait for" (11-origin §6)
                errand.step(ErrandStep.HAND)
                return [self._wait(errand, now)]
        if errand.state is ErrandState.AWAY:
            return []
        errand.tries = 0
        return self._push(errand, now)

    def _push(self, errand: Errand, now: float) -> list[PusherStep]:
        # "Each push is a new one: `push_relays` relays, each over a circuit of its own." (11-origin §8)
        errand.step(ErrandStep.HAND)
        errand.tries += 1
        self._why.pop(errand.gossip_id, None)
        return [Push(errand.frame.cell), self._wait(errand, now)]

    def _wait(self, errand: Errand, now: float) -> SetTimer:
        errand.due_at = now + PUSH_RETURN_S
        return SetTimer(PushDue(errand.gossip_id, errand.due_at), errand.due_at)

    def _on_pushed(self, gossip_id: GossipId, relays: int) -> list[PusherStep]:
        if gossip_id not in self._errands:
            return []
        self._why[gossip_id] = SILENT
        self._pushes += 1
        # Relays at the end of a circuit are no peers: each counts under a name that no peer has.
        names = tuple(f"push {self._pushes}, relay {number}" for number in range(1, relays + 1))
        return [Handed(gossip_id, names)]

    def _on_due(self, due: PushDue, now: float) -> list[PusherStep]:
        errand = self._errands.get(due.gossip_id)
        if errand is None or errand.due_at != due.at or errand.state is not ErrandState.AWAY:
            return []
        # "It is done when the message came back within `push_return_s`; else it is pushed again, `push_tries_max` times at
        # most, and the people of the victim MUST be told." (11-origin §8)
        if errand.tries < PUSH_TRIES_MAX:
            return self._push(errand, now)
        errand.step(ErrandStep.TIRE)
        why = self._why.get(due.gossip_id, UNTOLD)
        return [
            Tell(WayFails(call_of(errand.frame), Way.PUSH.value, SPENT.format(tries=errand.tries, why=why)))
        ]

"""How messages pass through a node: kept, forwarded, thought about; those of its own case, hidden until they come back.

Decides in which order. Comes in: what the gate welcomes, what machines publish, copies of own messages. Goes out: actions.
Must not know events of the driver, nor which machine thinks what.
"""

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from p2p_sos.core.actions import Action, SetTimer, Tell
from p2p_sos.core.calls.archive import Taken
from p2p_sos.core.calls.calls import CallState, about, call_of, ends_unix_s
from p2p_sos.core.calls.gate import Welcomed, judged
from p2p_sos.core.calls.herald import tidings
from p2p_sos.core.clock import Clock
from p2p_sos.core.deck import Deck
from p2p_sos.core.gossip.rpc import GossipId
from p2p_sos.core.internal import (
    Admitted,
    Announce,
    Broadcast,
    CallEnded,
    CallReopened,
    Echoed,
    Examine,
    Follow,
    Offered,
    Publish,
    Returned,
    Surfaced,
)
from p2p_sos.core.notices import CallClosed
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.hashing import gossip_id as gossip_id_of
from p2p_sos.wire.messages import AllClear, CallId, Cancel, Key
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import Kind


@frozen
class CallEnds:
    """The life of a call may be over."""

    call: CallId


class Passage(Deck):
    """The part of a node through which messages go; the node performs what it says."""

    _clock: Clock
    _last_heard_at: float
    _victim_key: Key | None
    _responder_key: Key | None

    def _perform(self, steps: Sequence[Any], out: list[Action], now: float) -> None:
        raise NotImplementedError

    def _hear(self, event: Any, out: list[Action], now: float) -> None:
        raise NotImplementedError

    # ------------------------------------------------------------------ messages in and out

    def _heard_at(self) -> float:
        return self._last_heard_at

    def _unheard(self) -> Key | None:
        """The victim whose call is not in the mesh yet: nobody may learn of it by asking here."""
        view = None if self._case is None else self._case.view
        if self._origin.is_hidden:
            # "Until its CALL came back, a victim treats the whole call as one that it does not know" (11-origin §7)
            return self._victim_key if view is None or self._origin.veil.veils(view.call) else None
        return self._victim_key if view is None or not view.heard else None

    def _shown(self, gossip_id: GossipId) -> bytes | None:
        """The cell that gossip may know this node to hold."""
        # "What did not come back MUST NOT be announced, served, compared or given" (11-origin §7)
        frame, veil = self._archive.memory.named(gossip_id), self._origin.veil
        if frame is None or veil.is_empty:
            return None if frame is None else frame.cell
        about = getattr(frame.message, "call", frame.id)
        return None if veil.hides(gossip_id) or veil.veils(about) else frame.cell

    def _effort_of(self, call: CallId) -> int:
        calls = self._archive.calls
        stamp = calls.board(call).call.stamp if call in calls else None
        return 0 if stamp is None else stamp.effort

    def _is_own(self, frame: Frame) -> bool:
        return frame.message.signer in (self._victim_key, self._responder_key)

    def _mine_of(self, frame: Frame) -> str:
        return "own" if frame.message.signer == self._victim_key else ""

    def _hide_about_own(self, frame: Frame, gossip_id: GossipId) -> None:
        """What others said in an earlier run about a call that is hidden here again."""
        # "After a restart this holds of what others said about it before, too" (11-origin §7)
        call, calls = about(frame), self._archive.calls
        if not self._origin.is_hidden or call is None or call not in calls:
            return
        if calls.board(call).call.message.signer == self._victim_key:
            self._origin.veil.hide(frame, gossip_id)

    def _watch_end(self, frame: Frame, out: list[Action]) -> None:
        if frame.message.KIND is Kind.CALL:
            out.append(SetTimer(CallEnds(frame.id), self._clock.local(ends_unix_s(call_of(frame)))))

    def _admit(self, welcomed: Welcomed, out: list[Action], now: float) -> None:
        """Keep a message of others, forward it, then let it be thought about."""
        frame, gossip_id = welcomed.frame, welcomed.gossip_id
        if self._origin.veil.hides(gossip_id):
            self._came_back(welcomed, out, now)
            return
        known = frame.id in self._archive.memory
        taken = self._take(frame, gossip_id, out, now)
        refusal = None if taken.passed else Refusal(Reason.BOUND, "others stay longer")
        self._perform(self._router.handle(judged(gossip_id, refusal), now), out, now)
        if taken.passed and not self._origin.stem.is_idle:
            self._perform(self._origin.handle(Surfaced(frame, gossip_id), now), out, now)
        if taken.passed and welcomed.synced and self._gate.admission.gossips(frame, now):
            self._announce(gossip_id, out, now)
        if taken.passed and not known:
            self._spread(frame, gossip_id, taken, out, now)
        elif taken.proof is not None:
            self._publish(Publish(taken.proof), out, now)

    def _take(self, frame: Frame, gossip_id: GossipId, out: list[Action], now: float) -> Taken:
        taken = self._archive.take(frame, gossip_id, self._clock.unix_s(now), now, mine=self._mine_of(frame))
        out += taken.rows
        return taken

    def _announce(self, gossip_id: GossipId, out: list[Action], now: float) -> None:
        """What sync brought is offered to every peer by gossip: whoever holds it does not ask."""
        for peer in self._router.peers:
            self._perform(self._router.handle(Announce(peer.peer, (gossip_id,)), now), out, now)

    def _publish(self, publish: Publish, out: list[Action], now: float) -> None:
        """Keep a message of our own, send it, then let every machine see it; a known one is sent again."""
        frame = publish.frame
        gossip_id = gossip_id_of(frame.cell, canonical=True)
        taken = None
        hidden = self._origin.is_hidden and frame.message.signer == self._victim_key
        if frame.id not in self._archive.memory:
            if hidden:
                self._origin.veil.hide(frame, gossip_id)
            taken = self._take(frame, gossip_id, out, now)
            if not taken.passed:
                return  # its call is gone, or nobody would keep it
        if hidden:
            self._utter(publish, gossip_id, out, now, known=taken is None)
        else:
            broadcast = Broadcast(gossip_id, frame.cell, publish.avoid)
            self._perform(self._router.handle(broadcast, now), out, now)
        if taken is not None:
            self._spread(frame, gossip_id, taken, out, now)

    def _utter(
        self, publish: Publish, gossip_id: GossipId, out: list[Action], now: float, *, known: bool
    ) -> None:
        """Every message of the case takes its hidden way; gossip learns of it when it comes back."""
        # "Every message that V signs takes the way of its case, from the CALL to the last letter" (11-origin §2)
        self._origin.veil.prune(self._archive.memory.__contains__)
        self._perform(self._router.handle(Follow(gossip_id), now), out, now)
        self._perform(self._origin.utter(publish, gossip_id, now, known=known), out, now)
        message = publish.frame.message
        if not known and isinstance(message, Cancel | AllClear):
            # Its people are told at once; the board closes when the mesh knows.
            how = CallState.CANCELLED if isinstance(message, Cancel) else CallState.CLEARED
            out.append(Tell(CallClosed(message.call, how.value)))

    def _examine(self, examine: Examine, out: list[Action], now: float) -> None:
        # What this node lets out itself, as a relay of its own cell, no peer brought.
        if examine.peer and self._origin.veil.hides(examine.carried.id):
            self._origin.veil.came(examine.carried.id, examine.peer)
        self._perform(self._gate.examine(examine, now), out, now)

    def _offered(self, offered: Offered, out: list[Action], now: float) -> None:
        veil = self._origin.veil
        if not veil.is_empty and veil.hides(gossip_id := gossip_id_of(offered.cell, canonical=True)):
            veil.came(gossip_id, offered.peer)
        self._perform(self._gate.offered(offered, now), out, now)

    def _came_back(self, welcomed: Welcomed, out: list[Action], now: float) -> None:
        """Own words, from others, who are as welcome as anybody's: from now on they are passed on like those."""
        frame, gossip_id = welcomed.frame, welcomed.gossip_id
        bringers = self._origin.veil.lift(gossip_id)
        self._perform(self._router.handle(judged(gossip_id, None), now), out, now)
        if not self._origin.stem.is_idle:
            self._perform(self._origin.handle(Surfaced(frame, gossip_id), now), out, now)
        if welcomed.synced and self._gate.admission.gossips(frame, now):
            self._announce(gossip_id, out, now)
        for peer in bringers:
            self._hear(Echoed(gossip_id, peer), out, now)
        if bringers:
            self._perform(self._origin.handle(Returned(gossip_id), now), out, now)
        if frame.message.KIND is Kind.CALL:
            self._perform(self._gate.adopt(frame.id, now), out, now)
        elif isinstance(frame.message, Cancel | AllClear):
            closed = self._archive.close(frame.message.call, self._clock.unix_s(now))
            out += closed.rows
            for call, how in closed.ended:  # told when it was said
                self._hear(CallEnded(call, how), out, now)

    def _spread(self, frame: Frame, gossip_id: GossipId, taken: Taken, out: list[Action], now: float) -> None:
        call = about(frame)
        if taken.reopened is not None:
            self._hear(CallReopened(taken.reopened), out, now)
        notice = None if call is None else tidings(frame, self._archive.calls, self._responder_key)
        # One's own call is not heard by making it.
        own_call = call == frame.id and self._mine_of(frame)
        told: list[Action] = [] if notice is None or own_call else [Tell(notice)]
        self._watch_end(frame, out)
        # A victim learns that it is heard before it learns by whom; a responder of a call before it decides.
        out += told if self._case is None else []
        self._hear(Admitted(frame, gossip_id, self._is_own(frame)), out, now)
        out += [] if self._case is None else told
        self._end_calls(taken, out, now)
        if taken.proof is not None:
            self._publish(Publish(taken.proof), out, now)
        if frame.message.KIND is Kind.CALL:
            # "When a CALL is admitted, what waited for it is looked at." (05-calls §3)
            self._perform(self._gate.adopt(frame.id, now), out, now)

    def _expire(self, out: list[Action], now: float) -> None:
        # "What ends by the clock ends only when two readings agree." (05-calls §6)
        if self._clock.leapt:
            return
        self._settle(self._archive.expire(self._clock.unix_s(now)), out, now)

    def _settle(self, taken: Taken, out: list[Action], now: float) -> None:
        out += taken.rows
        self._end_calls(taken, out, now)

    def _end_calls(self, taken: Taken, out: list[Action], now: float) -> None:
        for call, how in taken.ended:
            out.append(Tell(CallClosed(call, how)))
            self._hear(CallEnded(call, how), out, now)

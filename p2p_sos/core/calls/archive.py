"""Everything that a node keeps of what it heard: calls with their boards, cards, proofs, tombstones.

Decides what stays and what goes when a message is admitted or time passes. Comes in: verified messages and
times. Goes out: rows for the store, and what ended. Must not know verdicts, peers, or what this node does.
"""

from attrs import define, field, frozen

from p2p_sos.core.actions import Action, Forget, Keep
from p2p_sos.core.board.board import VICTIM_KEPT, Offer
from p2p_sos.core.calls.accuser import Accuser
from p2p_sos.core.calls.calls import Calls, CallState, about
from p2p_sos.core.calls.cards import EPOCHS_KEPT, Cards, Proofs, card_of
from p2p_sos.core.calls.memory import Arrival, Memory
from p2p_sos.core.gossip.rpc import GossipId
from p2p_sos.core.origin.veil import Veil
from p2p_sos.core.tables import Table
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import CallId, Claim, Key
from p2p_sos.wire.registry import CARD_EPOCH_S, Kind

ANNOUNCED_MAX = 1024  # guess: 20 KB of ids for a peer that joins
CLOSINGS = (Kind.CANCEL, Kind.ALL_CLEAR)
LETTERS_ANNOUNCED_MAX = 4  # guess: of one signer; old ones must leave room in their readers' windows


@frozen
class Taken:
    """What an admitted message changed: rows to write, calls that ended and how.

    `kept`: it is held from now on. `passed`: it may be acted on and forwarded; a LETTER may pass unkept.
    `proof`: what it proves together with a message that was here before. `reopened`: a call that was stood down.
    """

    kept: bool
    passed: bool
    rows: tuple[Action, ...] = ()
    ended: tuple[tuple[CallId, str], ...] = ()
    proof: Frame | None = None
    reopened: CallId | None = None


@define(eq=False)
class Archive:
    """The memory of a node, in memory and on disk."""

    calls: Calls
    cards: Cards = field(factory=Cards)
    proofs: Proofs = field(factory=Proofs)
    memory: Memory = field(factory=Memory)
    accuser: Accuser = field(factory=Accuser)
    veil: Veil = field(factory=Veil)

    # ------------------------------------------------------------------ taking

    def take(
        self, frame: Frame, gossip_id: GossipId, unix_s: float, now: float = 0.0, *, mine: str = ""
    ) -> Taken:
        """Keep a verified message that is welcome; `now` is local time, `unix_s` the wall clock's."""
        if self._is_homeless(frame):
            return Taken(kept=False, passed=False)
        # Before the bounds: two messages convict, whether or not the board keeps both.
        proof = self.accuse(frame)
        offer = self._offer(frame, unix_s, now, mine)
        if not offer.kept:
            # "A LETTER that the bounds do not keep is read and forwarded all the same." (06-board §3)
            passed = frame.message.KIND is Kind.LETTER
            return Taken(kept=False, passed=passed, rows=self._forget(offer.dropped), proof=proof)
        rows: tuple[Action, ...] = (self.memory.keep(frame, gossip_id, unix_s), *self._forget(offer.dropped))
        self.accuser.remember(frame)
        ended = self._ended_by_bound(offer)
        call = getattr(frame.message, "call", None)
        if call is not None:
            closed = self.close(call, unix_s)
            ended, rows = (*ended, *closed.ended), (*rows, *closed.rows)
        reopened = self._reopen(frame, now)
        rows += self._forget(reopened.dropped)
        ended = (*ended, *self._ended_by_bound(reopened))
        return Taken(True, True, rows, ended, proof, call if reopened.kept else None)

    def _reopen(self, frame: Frame, now: float) -> Offer:
        """The victim may have said something after its helpers had stood down."""
        call: CallId | None = getattr(frame.message, "call", None)
        if call is None or self.calls.state(call) is not CallState.STOOD_DOWN:
            return Offer(False)
        # "it opens again as soon as V is heard (§13)" (06-board §15)
        by_victim = frame.message.signer == self.calls.board(call).call.message.signer
        if not by_victim or self.calls.is_stood_down(call, now):
            return Offer(False)
        return self.calls.reopen(call)

    def accuse(self, frame: Frame) -> Frame | None:
        """What a message proves together with one that is held; None of a key that is convicted already."""
        if frame.message.signer in self.proofs.convicted:
            return None
        return self.accuser.accuse(frame)

    def _is_homeless(self, frame: Frame) -> bool:
        call = getattr(frame.message, "call", None)
        return call is not None and call not in self.calls

    def restore(self, arrival: Arrival, now: float = 0.0, at: float = 0.0, *, mine: str = "") -> Taken:
        """Take a message of the last run; it is on disk already. `at`: its arrival, as local time."""
        frame = arrival.frame
        homeless = self._is_homeless(frame)
        proof = None if homeless else self.accuse(frame)
        came = at if frame.message.KIND is Kind.CARD else now
        offer = Offer(False) if homeless else self._offer(frame, arrival.unix_s, came, mine, at)
        if not offer.kept:
            rows = (Forget(Table.CELL, frame.id), *self._forget(offer.dropped))
            return Taken(kept=False, passed=False, rows=rows, proof=proof)
        self.memory.take(frame, arrival.gossip_id)
        self.accuser.remember(frame)
        if frame.message.KIND is Kind.CALL:
            self.calls.heard_earlier(frame.id, at)
        if (call := getattr(frame.message, "call", None)) is not None:
            self._close_by_board(call, arrival.unix_s)
        return Taken(kept=True, passed=True, rows=self._forget(offer.dropped), proof=proof)

    def close(self, call: CallId, unix_s: float) -> Taken:
        """Let the board of a call close it."""
        state = self._close_by_board(call, unix_s)
        return (
            Taken(True, True) if state is None else Taken(True, True, self._prune(), ((call, state.value),))
        )

    def _close_by_board(self, call: CallId, unix_s: float) -> CallState | None:
        # "A closing that did not come back closes nothing here" (11-origin §7)
        if not self.veil.is_empty:
            board = self.calls.board(call)
            words = [frame for kind in CLOSINGS for frame in board.words(kind)]
            if words and all(self.veil.veils(frame.id) for frame in words):
                return None
        return self.calls.close_by_board(call, unix_s)

    def _offer(self, frame: Frame, unix_s: float, now: float, mine: str, came: float | None = None) -> Offer:
        match frame.message.KIND:
            case Kind.CALL:
                return self._open(frame, unix_s, now, mine)
            case Kind.CARD:
                return self._take_card(frame, unix_s, now)
            case Kind.PROOF:
                return self._convict(frame)
            case Kind.CLAIM:
                return self.calls.offer(frame, now, self.card_named_by(frame), came)
            case _:
                return self.calls.offer(frame, now, came=came)

    def _open(self, call: Frame, unix_s: float, now: float, mine: str) -> Offer:
        known = call.id in self.calls
        offer = self.calls.open(call, unix_s, now, mine=mine)
        if offer.kept and not known:
            self.calls.convict(self.proofs.convicted, only=call.id)
        return offer

    def card_named_by(self, frame: Frame) -> Frame | None:
        """The CARD that a CLAIM names, if it is known."""
        if not isinstance(frame.message, Claim):
            return None
        named = self.cards.get(frame.message.card) or self.memory.frame(frame.message.card)
        # A CLAIM may name anything: a DECLINE of its own signer is no card.
        return named if named is not None and named.message.KIND is Kind.CARD else None

    def _take_card(self, card: Frame, unix_s: float, now: float) -> Offer:
        """A CARD serves those that rank by it and the boards whose claims name it."""
        days = max(0, int(unix_s)) // CARD_EPOCH_S - card_of(card).epoch
        offer = self.cards.offer(card, now) if days <= EPOCHS_KEPT else Offer(False)
        # "A CARD that a claim names is part of the board of that claim, and is kept for as long as that claim stays" (05-calls §4)
        adopted = self.calls.adopt(card)
        return Offer(offer.kept or adopted, offer.dropped)

    def _convict(self, proof: Frame) -> Offer:
        known = proof.message.signer in self.proofs.convicted
        offer = self.proofs.offer(proof)
        if offer.kept and not known:
            self.calls.convict((proof.message.signer,))
        return offer

    def _forget(self, frames: tuple[Frame, ...]) -> tuple[Action, ...]:
        rows: list[Action] = []
        for frame in frames:
            if frame.message.KIND is Kind.CARD and (frame.id in self.cards or self.calls.names(frame.id)):
                continue
            self.accuser.forget(frame)
            rows.append(self.memory.drop(frame))
        return tuple(rows)

    def _ended_by_bound(self, offer: Offer) -> tuple[tuple[CallId, str], ...]:
        calls = [frame.id for frame in offer.dropped if frame.message.KIND is Kind.CALL]
        return tuple((call, "crowded-out") for call in calls)

    # ------------------------------------------------------------------ letting go

    def expire(self, unix_s: float) -> Taken:
        """Let go of everything whose time is over."""
        rows: list[Action] = []
        ended: list[tuple[CallId, str]] = []
        for call in self.calls.ended(unix_s):
            if self.calls.is_open(call):
                ended.append((call, CallState.EXPIRED.value))
            rows += self._bury(call)
        rows += self._forget(self.cards.expire(max(0, int(unix_s)) // CARD_EPOCH_S))
        rows += [Forget(Table.TOMBSTONE, call) for call in self.calls.weather(unix_s)]
        return Taken(kept=True, passed=True, rows=tuple(rows), ended=tuple(ended))

    def _prune(self) -> tuple[Action, ...]:
        gone = self.calls.surplus_closed()
        return () if gone is None else self._bury(gone)

    def _bury(self, call: CallId) -> tuple[Action, ...]:
        frames = self.calls.bury(call)
        return (Keep(Table.TOMBSTONE, call, self.calls.tombstone(call).row), *self._forget(frames))

    def stand_down(self, call: CallId, unix_s: float) -> Taken:
        """The helpers of a call stood down while its victim was silent."""
        if not self.calls.close(call, CallState.STOOD_DOWN, unix_s):
            return Taken(kept=True, passed=True)
        ended = ((call, CallState.STOOD_DOWN.value),)
        return Taken(kept=True, passed=True, rows=self._prune(), ended=ended)

    # ------------------------------------------------------------------ for others

    def newest_first(self, hidden: Key | None) -> tuple[GossipId, ...]:
        """What a peer that joins is told of: victims' words, then the rest of the calls that they did not close, then cards.

        Nothing of the call that `hidden` signed is among it: its case alone decides who hears of that.
        """
        victims: list[GossipId] = []
        for call in reversed(tuple(self.calls)):
            board = self.calls.board(call)
            if board.call.message.signer == hidden:
                continue
            said = (board.call, *(frame for kind in VICTIM_KEPT for frame in board.words(kind)))
            victims += [known for frame in said if (known := self.memory.gossip_id(frame.id)) is not None]
        others: list[GossipId] = []
        cards: list[GossipId] = []
        letters: dict[tuple[CallId, Key], int] = {}
        for frame, gossip_id in self.memory.newest_first():
            # Whoever joins must not make us walk through all that we hold.
            if len(victims) + len(others) >= ANNOUNCED_MAX or len(cards) >= ANNOUNCED_MAX:
                break
            subject = about(frame)
            if subject is None:
                cards.append(gossip_id)
                continue
            if frame.message.KIND is Kind.LETTER:
                # "Of older letters it SHOULD announce four of one signer at most." (04-gossip §7)
                writer = subject, frame.message.signer
                letters[writer] = letters.get(writer, 0) + 1
                if letters[writer] > LETTERS_ANNOUNCED_MAX:
                    continue
            victim = self.calls.board(subject).call.message.signer
            by_victim = frame.message.signer == victim and frame.message.KIND is not Kind.LETTER
            if victim != hidden and not by_victim and self.calls.takes(subject):
                others.append(gossip_id)
        return tuple((victims + others + cards)[:ANNOUNCED_MAX])

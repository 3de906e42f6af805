"""Everything that a node keeps of what it heard: calls with their boards, cards, proofs, tombstones.

Decides what stays and what goes when a message is admitted or time passes. Comes in: verified messages and
times. Goes out: rows for the store, and what ended. Must not know verdicts, peers, or what this node does.
"""

from attrs import define, field, frozen

from p2p_sos.core.actions import Action, Forget, Keep
from p2p_sos.core.board.board import VICTIM_KEPT, Offer
from p2p_sos.core.calls.calls import Calls, CallState
from p2p_sos.core.calls.cards import Cards, Proofs
from p2p_sos.core.calls.memory import Arrival, Memory
from p2p_sos.core.gossip.rpc import GossipId
from p2p_sos.core.tables import Table
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import CallId, Key
from p2p_sos.wire.registry import CARD_EPOCH_S, Kind

TIME_BYTES = 8
ANNOUNCED_MAX = 1024  # guess: 20 KB of ids for a peer that joins
LETTERS_ANNOUNCED_MAX = 4  # guess: of one signer; old ones must leave room in their readers' windows


@frozen
class Taken:
    """What an admitted message changed: rows to write, calls that ended and how.

    `kept`: it is held from now on. `passed`: it may be acted on and forwarded; a LETTER may pass unkept.
    """

    kept: bool
    passed: bool
    rows: tuple[Action, ...] = ()
    ended: tuple[tuple[CallId, str], ...] = ()


@define(eq=False)
class Archive:
    """The memory of a node, in memory and on disk."""

    calls: Calls
    cards: Cards = field(factory=Cards)
    proofs: Proofs = field(factory=Proofs)
    memory: Memory = field(factory=Memory)

    # ------------------------------------------------------------------ taking

    def take(self, frame: Frame, gossip_id: GossipId, unix_s: float, *, mine: str = "") -> Taken:
        """Keep a verified message that is welcome."""
        if self._is_homeless(frame):
            return Taken(kept=False, passed=False)
        offer = self._offer(frame, unix_s, mine)
        if not offer.kept:
            # "A LETTER that the bounds do not keep is read and forwarded all the same." (06-board §3)
            passed = frame.message.KIND is Kind.LETTER
            return Taken(kept=False, passed=passed, rows=self._forget(offer.dropped))
        rows: tuple[Action, ...] = (self.memory.keep(frame, gossip_id, unix_s), *self._forget(offer.dropped))
        ended = self._ended_by_bound(offer)
        call = getattr(frame.message, "call", None)
        if call is not None and (state := self.calls.close_by_board(call, unix_s)) is not None:
            ended = (*ended, (call, state.value))
            rows += self._prune()
        return Taken(kept=True, passed=True, rows=rows, ended=ended)

    def _is_homeless(self, frame: Frame) -> bool:
        call = getattr(frame.message, "call", None)
        return call is not None and call not in self.calls

    def restore(self, arrival: Arrival, *, mine: str = "") -> Taken:
        """Take a message of the last run; it is on disk already."""
        frame = arrival.frame
        offer = Offer(False) if self._is_homeless(frame) else self._offer(frame, arrival.unix_s, mine)
        if not offer.kept:
            rows = (Forget(Table.CELL, frame.id), *self._forget(offer.dropped))
            return Taken(kept=False, passed=False, rows=rows)
        self.memory.take(frame, arrival.gossip_id)
        if (call := getattr(frame.message, "call", None)) is not None:
            self.calls.close_by_board(call, arrival.unix_s)
        return Taken(kept=True, passed=True, rows=self._forget(offer.dropped))

    def _offer(self, frame: Frame, unix_s: float, mine: str) -> Offer:
        match frame.message.KIND:
            case Kind.CALL:
                return self.calls.open(frame, unix_s, mine=mine)
            case Kind.CARD:
                return self.cards.offer(frame)
            case Kind.PROOF:
                return self.proofs.offer(frame)
            case _:
                return self.calls.offer(frame)

    def _forget(self, frames: tuple[Frame, ...]) -> tuple[Action, ...]:
        return tuple(self.memory.drop(frame) for frame in frames)

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
        until = self.calls.buried_until_unix_s(call).to_bytes(TIME_BYTES, "big")
        return (Keep(Table.TOMBSTONE, call, until), *self._forget(frames))

    # ------------------------------------------------------------------ for others

    def newest_first(self, hidden: Key | None) -> tuple[GossipId, ...]:
        """What a peer that joins is told of: victims' words, then the rest of the open calls, then cards.

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
            if len(victims) + len(others) >= ANNOUNCED_MAX:
                break
            about = frame.id if frame.message.KIND is Kind.CALL else getattr(frame.message, "call", None)
            if about is None:
                cards.append(gossip_id)
                continue
            if frame.message.KIND is Kind.LETTER:
                # "Of older letters it SHOULD announce four of one signer at most." (04-gossip §7)
                writer = about, frame.message.signer
                letters[writer] = letters.get(writer, 0) + 1
                if letters[writer] > LETTERS_ANNOUNCED_MAX:
                    continue
            victim = self.calls.board(about).call.message.signer
            by_victim = frame.message.signer == victim and frame.message.KIND is not Kind.LETTER
            if victim != hidden and not by_victim and self.calls.is_open(about):
                others.append(gossip_id)
        return tuple((victims + others + cards)[:ANNOUNCED_MAX])

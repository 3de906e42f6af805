"""A member: whoever claimed a call says that it is still there, and whom it met while the victim is silent.

Decides when this node renews its claims and attests other helpers. Comes in: what boards say, timers. Goes out: RENEW,
ATTEST, timers. Must not know policies, slots, rosters or sealed letters.
"""

from collections.abc import Sequence
from random import Random

from attrs import define, field, frozen

from p2p_sos.core.actions import SetTimer
from p2p_sos.core.board.board import Board
from p2p_sos.core.board.standing import ClaimStanding, View
from p2p_sos.core.calls.calls import Calls, CallState
from p2p_sos.core.duty.author import Author
from p2p_sos.core.duty.replies import Step
from p2p_sos.core.events import Event, Started, TimerFired
from p2p_sos.core.internal import Admitted, CallEnded, CallReopened, Publish, ViewChanged
from p2p_sos.wire.messages import Attest, CallId, Claim, Key, Renew
from p2p_sos.wire.registry import ATTESTED_MAX, LEASE_SLOW_FACTOR, Kind

RENEWALS_A_LEASE = 3  # brief: section 3
JITTER = 0.1  # guess: members must not all speak at once
MET_MIN = 2  # a claimer that was heard once may have gone again


@frozen
class RenewDue:
    """A timer: a claim of this node is to be renewed. Stale unless it is the call's newest."""

    call: CallId
    at: float


@frozen
class AttestDue:
    """A timer: if the victim is still silent, this node says whom it met. Stale unless it is the call's newest."""

    call: CallId
    at: float


@define(eq=False)
class _Place:
    renew_at: float = 0.0
    attest_at: float = 0.0
    pace_s: float = 0.0
    renewed_at: float = float("-inf")
    met: dict[Key, None] = field(factory=dict)


@define(eq=False)
class Member:
    """What one responder says because it claimed, call by call."""

    author: Author
    calls: Calls
    random: Random = field(repr=False)
    _places: dict[CallId, _Place] = field(init=False, factory=dict)

    def handle(
        self, event: Event | Admitted | CallEnded | CallReopened | ViewChanged, now: float
    ) -> Sequence[Step]:
        """One event."""
        match event:
            case Admitted(own=True, restored=False, frame=frame) if isinstance(frame.message, Claim):
                return self._on_claimed(frame.message.call, now)
            case ViewChanged(call=call, roll_call=roll_call) if call in self._places:
                return self._on_view(call, roll_call, now)
            case TimerFired(key=RenewDue() as key):
                place = self._places.get(key.call)
                return self._renew(key.call, now) if place is not None and place.renew_at == key.at else []
            case TimerFired(key=AttestDue() as key):
                place = self._places.get(key.call)
                return self._on_attest_due(key.call, now) if place and place.attest_at == key.at else []
            case CallEnded(call=call):
                self._places.pop(call, None)
            case CallReopened(call=call):
                return self._resume(call, now)
            case Started():
                return self._on_started(now)
        return []

    def _on_started(self, now: float) -> list[Step]:
        """The claims of the last run are renewed at once: nobody knows yet that this node was away."""
        steps: list[Step] = []
        for call in self.calls.in_state(CallState.OPEN):
            steps += self._resume(call, now)
        return steps

    def _resume(self, call: CallId, now: float) -> list[Step]:
        return [*self._on_claimed(call, now), *self._renew(call, now)] if self._claim(call) else []

    def _claim(self, call: CallId) -> ClaimStanding | None:
        return self.calls[call].view.claim_of(self.author.key.public)

    def _on_claimed(self, call: CallId, now: float) -> list[Step]:
        if not self.calls.is_open(call) or self._claim(call) is None:
            return []
        place = self._places.setdefault(call, _Place())
        progress_s = self.calls[call].view.description.timing.progress_silent_s
        if place.attest_at <= now:
            # "a claimer that has known the call for half of `progress_silent_s`" (06-board §8)
            place.attest_at = max(now, self.calls.heard_at(call) + progress_s / 2)
        return [
            SetTimer(AttestDue(call, place.attest_at), place.attest_at),
            self._next(call, place, now),
        ]

    # ------------------------------------------------------------------ renewing

    def _pace_s(self, call: CallId) -> float:
        # "a member renews every third of its lease, and slowly once it is attested" (06-board §13)
        claim, timing = self._claim(call), self.calls[call].view.description.timing
        slow = LEASE_SLOW_FACTOR if claim is not None and claim.attested else 1
        return timing.lease_s * slow / RENEWALS_A_LEASE

    def _next(self, call: CallId, place: _Place, now: float) -> SetTimer:
        place.pace_s = self._pace_s(call)
        place.renew_at = now + place.pace_s * (1 - JITTER * self.random.random())
        return SetTimer(RenewDue(call, place.renew_at), place.renew_at)

    def _renew(self, call: CallId, now: float) -> list[Step]:
        claim = self._claim(call) if self.calls.is_open(call) else None
        if claim is None or claim.void:
            self._places.pop(call, None)
            return []
        rows, frame = self.author.sign_register(Renew, call, claim=claim.claim)
        self._places[call].renewed_at = now
        return [*rows, Publish(frame), self._next(call, self._places[call], now)]

    def _on_view(self, call: CallId, roll_call: bool, now: float) -> list[Step]:
        if not self.calls.is_open(call) or self._claim(call) is None:
            self._places.pop(call, None)
            return []
        if roll_call:
            return self._on_roll_call(call, now)
        place = self._places[call]
        # An UPDATE may have made the lease shorter; one that grew is kept up by the next renewal.
        return [self._next(call, place, now)] if self._pace_s(call) < place.pace_s else []

    def _on_roll_call(self, call: CallId, now: float) -> list[Step]:
        place, timing = self._places[call], self.calls[call].view.description.timing
        # "every claimer that notices MUST RENEW at once, unless it did so W + HOLD before or later" (06-board §13)
        if now < place.renewed_at + timing.band_wait_s + timing.hold_s:
            return []
        return self._renew(call, now)

    # ------------------------------------------------------------------ a silent victim

    def _on_attest_due(self, call: CallId, now: float) -> list[Step]:
        if not self.calls.is_open(call) or self._claim(call) is None:
            return []
        board, view, place = self.calls.board(call), self.calls[call].view, self._places[call]
        if board.victim_spoke:
            return []  # it can attest for itself
        place.attest_at = now + view.description.timing.progress_silent_s / 4
        timer = SetTimer(AttestDue(call, place.attest_at), place.attest_at)
        met = self._met(board, view)
        if all(responder in place.met for responder in met):
            return [timer]
        place.met.update(dict.fromkeys(met))
        row, frame = self.author.sign(Attest, call, board.heads(), responders=met)
        return [row, Publish(frame), timer]

    def _met(self, board: Board, view: View) -> tuple[Key, ...]:
        """Other helpers that are really there, ascending: the fittest of those heard more than once."""
        own = self.author.key.public
        there = [
            claim.responder
            for claim in view.claims
            if claim.live and claim.responder != own and _words(board, claim.responder) >= MET_MIN
        ]
        return tuple(sorted(there[:ATTESTED_MAX]))


def _words(board: Board, responder: Key) -> int:
    return sum(frame.message.KIND is not Kind.LETTER for frame in board.of(responder))

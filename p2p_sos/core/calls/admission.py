"""Whether a message is welcome: its epoch, its signer, its call, and how much of it there is already.

Decides a verdict's reason for everything that a signature cannot show. Comes in: decoded frames, times, what
is known. Goes out: a `Refusal` or None, and the verdict that each reason means. Must not know peers, nor
whether signature and stamp hold.
"""

from typing import Any

from attrs import define, field

from p2p_sos.core.board.board import REGISTERS
from p2p_sos.core.calls.budgets import WIDTHS, Bucket, Gauge, Lane, Window, lane_of
from p2p_sos.core.calls.calls import Calls, call_of, ends_unix_s
from p2p_sos.core.calls.cards import Cards, Proofs, card_of
from p2p_sos.core.clock import Clock
from p2p_sos.core.internal import Verdict
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import NOTHING, Attest, Call, Key
from p2p_sos.wire.profiles import Profile
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import (
    CALL_EPOCH_S,
    CARD_EPOCH_S,
    EPOCHS_EITHER_WAY,
    KIND_SIGNERS,
    LETTER_WINDOW_S,
    LETTERS_AFTER_CLOSING_S,
    LETTERS_PER_WINDOW,
    LOG_MESSAGES_PER_WINDOW,
    REGISTERS_PER_WINDOW,
    VICTIM_MESSAGES_PER_EPOCH,
    Kind,
)

# "These reasons mean IGNORE; every other reason means REJECT." (05-calls §3)
IGNORED = (
    Reason.KNOWN, Reason.EPOCH, Reason.CLOSED, Reason.BUDGET, Reason.BOUND, Reason.ORPHAN,
)  # fmt: skip
CARD_EPOCHS_EITHER_WAY = 1
CLOSINGS = (Kind.CANCEL, Kind.ALL_CLEAR)
WINDOW_SLACK_S = 10.0  # guess: delays of one signer's messages differ by less than this
WINDOW_KEYS_MAX = 16_384  # guess: signers under count at once


def verdict_of(refusal: Refusal | None) -> Verdict:
    """What a reason means for the message and its forwarder."""
    if refusal is None:
        return Verdict.ACCEPT
    return Verdict.IGNORE if refusal.reason in IGNORED else Verdict.REJECT


@define(eq=False)
class Admission:
    """The rules of the gate. `welcome` may be asked twice, `afford` counts and is asked once."""

    profile: Profile
    clock: Clock
    calls: Calls
    cards: Cards
    proofs: Proofs
    gauge: Gauge = field(factory=Gauge)
    call_bucket: Bucket = field(init=False)
    _buckets: dict[Lane, Bucket] = field(init=False)
    _letters: Window = field(init=False)
    _victims: Window = field(init=False)
    _attests: Window = field(init=False)
    _logs: Window = field(init=False)
    _registers: Window = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.call_bucket = Bucket(self.profile.calls_per_s, self.profile.calls_burst)
        self._buckets = {
            lane: Bucket(width.per_s, width.burst) for lane, width in WIDTHS.items() if lane is not Lane.CALL
        }
        self._letters = Window(LETTERS_PER_WINDOW, LETTER_WINDOW_S - WINDOW_SLACK_S, WINDOW_KEYS_MAX)
        self._victims = Window(VICTIM_MESSAGES_PER_EPOCH, CALL_EPOCH_S - WINDOW_SLACK_S, WINDOW_KEYS_MAX)
        self._attests = Window(VICTIM_MESSAGES_PER_EPOCH, CALL_EPOCH_S - WINDOW_SLACK_S, WINDOW_KEYS_MAX)

        self._logs = Window(LOG_MESSAGES_PER_WINDOW, LETTER_WINDOW_S - WINDOW_SLACK_S, WINDOW_KEYS_MAX)
        self._registers = Window(REGISTERS_PER_WINDOW, LETTER_WINDOW_S - WINDOW_SLACK_S, WINDOW_KEYS_MAX)

    # ------------------------------------------------------------------ is it welcome?

    def welcome(self, frame: Frame, now: float) -> Refusal | None:
        """Why a message has no place here, whatever its signature is worth; None also for an orphan."""
        match frame.message.KIND:
            case Kind.CALL:
                return self._call(frame, now)
            case Kind.CARD:
                return self._card(frame, now)
            case Kind.PROOF:
                return self._proof(frame)
            case _:
                return self._about_a_call(frame, now)

    def _call(self, frame: Frame, now: float) -> Refusal | None:
        call = call_of(frame)
        if self.calls.is_buried(frame.id) or (frame.id in self.calls and self._is_over(call, now)):
            return Refusal(Reason.CLOSED, "the call is over")
        if not self.calls.outranks(frame):
            return Refusal(Reason.KNOWN)
        epoch = self.clock.call_epoch(now)
        # "From gossip a CALL MUST be admitted only if its epoch lies within two of the reader's own, either
        # way." (05-calls §3)
        if abs(call.epoch - epoch) > EPOCHS_EITHER_WAY:
            return Refusal(Reason.EPOCH, f"epoch {call.epoch} where {epoch} is now")
        return Refusal(Reason.CLOSED, "the call is over") if self._is_over(call, now) else None

    def _is_over(self, call: Call, now: float) -> bool:
        # "A call that has ended is buried from that moment, whenever a node comes to forget its board."
        # (05-calls §6)
        return ends_unix_s(call) <= self.clock.unix_s(now)

    def _card(self, frame: Frame, now: float) -> Refusal | None:
        if not self.cards.outranks(frame):
            return Refusal(Reason.KNOWN)
        card = card_of(frame)
        epoch = max(0, int(self.clock.unix_s(now))) // CARD_EPOCH_S
        # "A CARD is admitted on the day of its epoch, the day before and the day after." (05-calls §4)
        if abs(card.epoch - epoch) > CARD_EPOCHS_EITHER_WAY:
            return Refusal(Reason.EPOCH, f"day {card.epoch} where {epoch} is now")
        # "Where the profile names no roots, the group of a card MUST be its signer's key." (05-calls §4)
        if not self.profile.roots and card.group != card.signer:
            return Refusal(Reason.RULE, "a group that nobody vouches for")
        return None

    def _proof(self, frame: Frame) -> Refusal | None:
        if frame.id in self.proofs:
            return Refusal(Reason.KNOWN)
        return None if self.proofs.has_room_for(frame) else Refusal(Reason.BOUND, "others stay longer")

    def _about_a_call(self, frame: Frame, now: float) -> Refusal | None:
        message: Any = frame.message
        if self.calls.is_buried(message.call):
            return Refusal(Reason.CLOSED, "the call is over")
        if message.call not in self.calls:
            return None
        board = self.calls.board(message.call)
        if self._is_over(call_of(board.call), now):
            return Refusal(Reason.CLOSED, "the call is over")
        if frame.id in board:
            return Refusal(Reason.KNOWN)
        by_victim = message.signer == board.call.message.signer
        signers = KIND_SIGNERS[message.KIND]
        # "A reader MUST reject a message that the victim's key signs where a responder's must, or the
        # reverse." (05-calls §3)
        if (signers == "victim" and not by_victim) or (signers == "responder" and by_victim):
            return Refusal(Reason.SIGNER, f"not a {signers}'s key")
        if isinstance(message, Attest) and by_victim != (
            message.previous == NOTHING and message.sequence > 0
        ):
            # "A reader MUST reject, with the reason `signer`, an ATTEST in the victim's form (02-encoding §5.4)
            # that V did not sign, and one in a responder's form that V signed." (06-board §8)
            return Refusal(Reason.SIGNER, "an ATTEST in another's form")
        # "Of a closed call only a CANCEL or an ALL_CLEAR is admitted, and for a while LETTERs." (05-calls §7)
        closed_s = self.calls.closed_since_s(message.call, self.clock.unix_s(now))
        lingering = message.KIND is Kind.LETTER and closed_s <= LETTERS_AFTER_CLOSING_S
        if not self.calls.is_open(message.call) and message.KIND not in CLOSINGS and not lingering:
            return Refusal(Reason.CLOSED, "the call is closed")
        return None if board.has_room_for(frame) else Refusal(Reason.BOUND, "others stay longer")

    def is_orphan(self, frame: Frame) -> bool:
        """Whether a message is about a call that is not known (yet)."""
        call = getattr(frame.message, "call", None)
        return call is not None and call not in self.calls

    # ------------------------------------------------------------------ is there room?

    def lane(self, frame: Frame) -> Lane:
        """The lane in which a message travels."""
        return lane_of(frame.message, by_victim=self._victim_of(frame) == frame.message.signer)

    def _victim_of(self, frame: Frame) -> Key | None:
        call = getattr(frame.message, "call", None)
        if call is None or call not in self.calls:
            return None
        return self.calls.board(call).call.message.signer

    def afford(self, frame: Frame, now: float) -> Refusal | None:
        """Count a verified message against every budget but the CALLs' own; why it is one too many."""
        message: Any = frame.message
        kind = message.KIND
        # "The first CANCEL and the first ALL_CLEAR of a call MUST NOT be dropped for want of budget." (05-calls §8)
        if kind in CLOSINGS and not self.calls.board(message.call).words(kind):
            return None
        if kind is Kind.LETTER and not self._letters.take((message.call, message.signer), now):
            return Refusal(Reason.BUDGET, "letters of this signer")
        lane = self.lane(frame)
        # "A reader takes of one responder in one call `log_messages_per_window` log messages in any `letter_window_s`."
        # (05-calls §8)
        said = self._registers if kind in REGISTERS else self._logs
        if lane is Lane.BOARD and not said.take((message.call, message.signer), now):
            return Refusal(Reason.BUDGET, "messages of this responder")
        window = self._attests if kind is Kind.ATTEST else self._victims
        if lane is Lane.VICTIM and not window.take((message.call, message.signer), now):
            return Refusal(Reason.BUDGET, "messages of this victim")
        return None if self._buckets[lane].take(now) else Refusal(Reason.BUDGET, f"lane {lane.value}")

"""Whether a message is welcome: its epoch, its signer, its call, and how much of it there is already.

Decides a verdict's reason for everything that a signature cannot show. Comes in: decoded frames, times, what
is known. Goes out: a `Refusal` or None, and the verdict that each reason means. Must not know peers, nor
whether signature and stamp hold.
"""

from collections.abc import Callable
from typing import Any

from attrs import define, field

from p2p_sos.core.board.board import REGISTERS
from p2p_sos.core.calls.archive import CLOSINGS, Archive
from p2p_sos.core.calls.budgets import WIDTHS, Bucket, Gauge, Lane, Window, lane_of
from p2p_sos.core.calls.calls import Calls, call_of, ends_unix_s
from p2p_sos.core.calls.cards import Cards, Proofs, card_of
from p2p_sos.core.clock import Clock
from p2p_sos.core.internal import Verdict
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import NOTHING, Attest, Call, Key, MessageId
from p2p_sos.wire.profiles import Profile
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import (
    CALL_EPOCH_S,
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
BY_VICTIM = ("victim", "either")  # signers of the kinds that a victim may sign
OPEN_TO_ALL = (Kind.CALL, Kind.CARD)  # of these a stamp is asked, and no acquaintance
SAID = tuple(
    kind
    for kind, signers in KIND_SIGNERS.items()
    if signers in ("responder", "either") and kind not in (Kind.CARD, Kind.LETTER)
)
WINDOW_SLACK_S = 10.0  # guess: delays of one signer's messages differ by less than this
WINDOW_KEYS_MAX = 16_384  # guess: signers under count at once


def verdict_of(refusal: Refusal | None) -> Verdict:
    """What a reason means for the message and its forwarder."""
    if refusal is None:
        return Verdict.ACCEPT
    return Verdict.IGNORE if refusal.reason in IGNORED else Verdict.REJECT


def nothing(_message: MessageId) -> bool:
    """No message is veiled."""
    return False


@define(eq=False)
class Admission:
    """The rules of the gate. `welcome` may be asked twice, `afford` counts and is asked once."""

    profile: Profile
    clock: Clock
    archive: Archive
    veils: Callable[[MessageId], bool] = field(default=nothing)  # an own message that did not come back yet
    calls: Calls = field(init=False)
    cards: Cards = field(init=False)
    proofs: Proofs = field(init=False)
    gauge: Gauge = field(factory=Gauge)
    call_bucket: Bucket = field(init=False)
    _buckets: dict[Lane, Bucket] = field(init=False)
    _letters: Window = field(init=False)
    _victims: Window = field(init=False)
    _attests: Window = field(init=False)
    _logs: Window = field(init=False)
    _registers: Window = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.calls, self.cards, self.proofs = self.archive.calls, self.archive.cards, self.archive.proofs
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

    def welcome(self, frame: Frame, now: float, *, synced: bool = False) -> Refusal | None:
        """Why a message has no place here, whatever its signature is worth; None also for an orphan.

        `synced`: it came by sync, whose rule for epochs is wider.
        """
        match frame.message.KIND:
            case Kind.CALL:
                return self._call(frame, now, synced)
            case Kind.CARD:
                return self._card(frame, now, synced)
            case Kind.PROOF:
                return self._proof(frame)
            case _:
                return self._about_a_call(frame, now)

    def _call(self, frame: Frame, now: float, synced: bool) -> Refusal | None:
        call = call_of(frame)
        if self.calls.is_buried(frame.id) or (frame.id in self.calls and self._is_over(call, now)):
            return Refusal(Reason.CLOSED, "the call is over")
        if not self.calls.outranks(frame) and not self.veils(frame.id):
            return Refusal(Reason.KNOWN)
        epoch = self.clock.call_epoch(now)
        ahead = call.epoch - epoch
        # "From gossip a CALL MUST be admitted only if its epoch lies within two of the reader's own, either
        # way." (05-calls §3)
        # "A CALL that comes by sync is admitted until it ends, and from two epochs before its own." (05-calls §3)
        if ahead > EPOCHS_EITHER_WAY or (ahead < -EPOCHS_EITHER_WAY and not synced):
            return Refusal(Reason.EPOCH, f"epoch {call.epoch} where {epoch} is now")
        return Refusal(Reason.CLOSED, "the call is over") if self._is_over(call, now) else None

    def _is_over(self, call: Call, now: float) -> bool:
        # "A call that has ended is buried from that moment, whenever a node comes to forget its board."
        # (05-calls §6)
        return ends_unix_s(call) <= self.clock.unix_s(now)

    def _card(self, frame: Frame, now: float, synced: bool) -> Refusal | None:
        wanted = self.calls.wants(frame.id)
        if not wanted and (self.calls.names(frame.id) or not self.cards.outranks(frame)):
            return Refusal(Reason.KNOWN)
        card = card_of(frame)
        epoch = self.clock.card_epoch(now)
        # "A CARD is admitted on the day of its epoch, the day before and the day after." (05-calls §4)
        # "One that a claim names and that comes by sync is admitted whatever its day." (05-calls §4)
        if abs(card.epoch - epoch) > CARD_EPOCHS_EITHER_WAY and not (synced and wanted):
            return Refusal(Reason.EPOCH, f"day {card.epoch} where {epoch} is now")
        # "Where the profile names no roots, the group of a card MUST be its signer's key." (05-calls §4)
        if not self.profile.roots and card.group != card.signer:
            return Refusal(Reason.RULE, "a group that nobody vouches for")
        return None

    def _proof(self, frame: Frame) -> Refusal | None:
        if self.proofs.holds(frame):
            return Refusal(Reason.KNOWN)
        # "A PROOF MUST be admitted only against a key that the reader is acquainted with" (05-calls §3)
        if not self.is_acquainted(frame.message.signer):
            return Refusal(Reason.BOUND, "against a key that nobody knows")
        return None if self.proofs.has_room_for(frame) else Refusal(Reason.BOUND, "others stay longer")

    def conviction(self, frame: Frame, refusal: Refusal) -> Frame | None:
        """The PROOF that a message makes for which there is no room here, if its signer is no stranger."""
        if (
            refusal.reason not in (Reason.BOUND, Reason.CLOSED)
            or frame.message.signer not in self.cards.newest
        ):
            return None
        return self.archive.accuse(frame)

    def is_acquainted(self, key: Key) -> bool:
        """Whether a key has a card, or a seat on a board."""
        return key in self.cards.newest or self.archive.accuser.knows(key)

    def _about_a_call(self, frame: Frame, now: float) -> Refusal | None:
        message: Any = frame.message
        if self.calls.is_buried(message.call):
            return Refusal(Reason.CLOSED, "the call is over")
        # "Until its CALL came back, a victim treats the whole call as one that it does not know" (11-origin §7)
        if message.call not in self.calls or self.veils(message.call):
            return None
        board = self.calls.board(message.call)
        if self._is_over(call_of(board.call), now):
            return Refusal(Reason.CLOSED, "the call is over")
        if self.veils(frame.id):
            return None
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
        # "Of a call that V closed only a CANCEL or an ALL_CLEAR is admitted, and for a while LETTERs." (05-calls §7)
        closed_s = self.calls.closed_since_s(message.call, self.clock.unix_s(now))
        if message.KIND is Kind.LETTER:
            over = closed_s > LETTERS_AFTER_CLOSING_S
        else:
            # "One that is stood down takes what an open one takes, but LETTERs" (05-calls §7)
            over = message.KIND not in CLOSINGS and not self.calls.takes(message.call)
        if over:
            return Refusal(Reason.CLOSED, "the call is closed")
        if board.has_room_for(frame, self.archive.card_named_by(frame)):
            return None
        return Refusal(Reason.BOUND, "others stay longer")

    def vet(self, frame: Frame, now: float) -> Refusal | None:
        """As `welcome`, for a cell of the stem, where victims alone speak."""
        # "Nothing but a CALL, or what the V of its CALL signed, MUST travel on a stem." (11-origin §3)
        message: Any = frame.message
        if message.KIND is Kind.CALL:
            return self._call(frame, now, False)
        if KIND_SIGNERS[message.KIND] not in BY_VICTIM:
            return Refusal(Reason.SIGNER, "not a kind that a victim signs")
        if (refusal := self._about_a_call(frame, now)) is not None:
            return refusal
        stranger = not self.is_orphan(frame) and self._victim_of(frame) != message.signer
        return Refusal(Reason.SIGNER, "not the victim's key") if stranger else None

    def is_orphan(self, frame: Frame) -> bool:
        """Whether a message is about a call that is not known (yet)."""
        call = getattr(frame.message, "call", None)
        return call is not None and (call not in self.calls or self.veils(call))

    # ------------------------------------------------------------------ is there room?

    def lane(self, frame: Frame) -> Lane:
        """The lane in which a message travels."""
        message = frame.message
        if message.KIND in OPEN_TO_ALL:
            return lane_of(message, by_victim=False)
        lane = lane_of(message, by_victim=self._victim_of(frame) == message.signer)
        # "Strangers are signers of whom the reader holds no card, and convicted ones." (05-calls §8)
        known = message.signer in self.cards.newest and message.signer not in self.proofs.convicted
        by_victim = message.KIND is Kind.LETTER and self._victim_of(frame) == message.signer
        return lane if lane is Lane.VICTIM or known or by_victim else Lane.STRANGER

    def is_full(self, lane: Lane, now: float) -> bool:
        """Whether what a stranger says would find no token when it is verified: then nobody verifies it."""
        return lane is Lane.STRANGER and not self._buckets[lane].has(now)

    def _victim_of(self, frame: Frame) -> Key | None:
        call = getattr(frame.message, "call", None)
        if call is None or call not in self.calls or self.veils(call):
            return None
        return self.calls.board(call).call.message.signer

    def gossips(self, frame: Frame, now: float) -> bool:
        """Whether gossip would admit a message that sync brought."""
        if frame.message.KIND is Kind.CALL:
            return abs(call_of(frame).epoch - self.clock.call_epoch(now)) <= EPOCHS_EITHER_WAY
        if frame.message.KIND is Kind.CARD:
            return abs(card_of(frame).epoch - self.clock.card_epoch(now)) <= CARD_EPOCHS_EITHER_WAY
        return True

    def afford(self, frame: Frame, now: float, *, synced: bool = False) -> Refusal | None:
        """Count a verified message against every budget but the CALLs' own; why it is one too many."""
        message: Any = frame.message
        if synced:
            # "Of what sync brings no windows are counted, and lanes are." (05-calls §8)
            lane = self.lane(frame)
            return None if self._buckets[lane].take(now) else Refusal(Reason.BUDGET, f"lane {lane.value}")
        kind = message.KIND
        # "The first CANCEL and the first ALL_CLEAR of a call MUST NOT be dropped for want of budget." (05-calls §8)
        if kind in CLOSINGS and all(self.veils(one.id) for one in self.calls.board(message.call).words(kind)):
            return None
        if kind is Kind.LETTER and not self._letters.take((message.call, message.signer), now):
            return Refusal(Reason.BUDGET, "letters of this signer")
        lane = self.lane(frame)
        # "A reader takes of one responder in one call `log_messages_per_window` log messages in any `letter_window_s`."
        # (05-calls §8)
        said = self._registers if kind in REGISTERS else self._logs
        by_responder = lane in (Lane.BOARD, Lane.STRANGER) and kind in SAID
        if by_responder and not said.take((message.call, message.signer), now):
            return Refusal(Reason.BUDGET, "messages of this responder")
        window = self._attests if kind is Kind.ATTEST else self._victims
        if lane is Lane.VICTIM and not window.take((message.call, message.signer), now):
            return Refusal(Reason.BUDGET, "messages of this victim")
        return None if self._buckets[lane].take(now) else Refusal(Reason.BUDGET, f"lane {lane.value}")

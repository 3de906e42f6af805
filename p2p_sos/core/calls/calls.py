"""All calls that a node knows: life from heard to closed, and the boards they carry.

Decides which calls are open, which are kept when there are too many, and what state each is in. Comes in:
verified messages with the wall-clock time. Goes out: what was kept, what changed, what had to go. Must not
know peers, signatures or policies, nor what this node thinks of a call.
"""

from collections.abc import Iterator, Mapping
from enum import Enum

from attrs import define, frozen

from p2p_sos.core.board.board import Board, Offer
from p2p_sos.core.board.resolve import View, closing, resolve
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import Call, CallId, MessageId
from p2p_sos.wire.registry import BOARD_LETTER_SEATS_MAX, BOARD_SEATS_MAX, CALL_EPOCH_S, TIMINGS, Kind

TOMBSTONES_MAX = 65_536  # guess: 2.6 MB; a thousand calls a day for two months


class CallState(Enum):
    """The life of a call at one node; the value is the word that people see."""

    OPEN = "open"
    CANCELLED = "cancelled"
    CLEARED = "cleared"
    STOOD_DOWN = "stood-down"
    EXPIRED = "expired"


# What the victim says last counts most: a call that its helpers stood down may still be cleared or
# cancelled by its victim; a CANCEL outranks an ALL_CLEAR. Nothing leads back to OPEN.
TRANSITIONS: dict[CallState, tuple[CallState, ...]] = {
    CallState.OPEN: (CallState.CANCELLED, CallState.CLEARED, CallState.STOOD_DOWN, CallState.EXPIRED),
    CallState.STOOD_DOWN: (CallState.CANCELLED, CallState.CLEARED),
    CallState.CLEARED: (CallState.CANCELLED,),
    CallState.CANCELLED: (),
    CallState.EXPIRED: (),
}
PINNED = ("claimed", "own")  # a node never gives up a call that it answers, nor its own


@frozen
class CallRecord:
    """One call as the people of a node see it.

    `mine` is what this node said: "" (nothing yet), asked, claimed, declined, released, silent, or own (the
    call is this node's own).
    """

    frame: Frame
    state: CallState
    heard_unix_s: float
    view: View
    mine: str


@define(eq=False)
class _Entry:
    board: Board
    heard_unix_s: float
    state: CallState = CallState.OPEN
    mine: str = ""
    closed_unix_s: float = 0.0
    record: CallRecord | None = None


def starts_unix_s(call: Call) -> int:
    """When a call's epoch began."""
    return call.epoch * CALL_EPOCH_S


def ends_unix_s(call: Call) -> int:
    """When a call ends everywhere, whatever anybody said since."""
    # "A call ends at the start of its epoch plus the life of the class that the CALL itself names." (05-calls §6)
    return starts_unix_s(call) + TIMINGS[call.severity].life_s


def forgotten_unix_s(call: Call) -> int:
    """Until when the tombstone of a call stands."""
    # "The tombstone of a call lasts as long again as the call's life." (05-calls §6)
    return ends_unix_s(call) + TIMINGS[call.severity].life_s


def call_of(frame: Frame) -> Call:
    """The message of a frame that is known to be a CALL."""
    assert isinstance(frame.message, Call), "not a CALL"
    return frame.message


def _effort(frame: Frame) -> int:
    return 0 if frame.stamp is None else frame.stamp.effort


def retention(frame: Frame) -> tuple[int, MessageId]:
    """Ascending from the call that stays longest when there are too many."""
    # "When a node knows more open calls than it may keep, those of highest effort stay, of equal effort
    # those of lower id." (05-calls §5)
    return -_effort(frame), frame.id


class Calls(Mapping[CallId, CallRecord]):
    """Every call in memory, as a read-only mapping of records; its methods change it."""

    def __init__(self, open_max: int) -> None:
        self._open_max = open_max
        self._seats = {False: 0, True: 0}  # of all boards together; True: of those who wrote letters
        self._entries: dict[CallId, _Entry] = {}
        self._tombstones: dict[CallId, int] = {}

    # ------------------------------------------------------------------ reading

    def __getitem__(self, call: CallId) -> CallRecord:
        entry = self._entries[call]
        if entry.record is None:
            board = entry.board
            entry.record = CallRecord(board.call, entry.state, entry.heard_unix_s, resolve(board), entry.mine)
        return entry.record

    def __iter__(self) -> Iterator[CallId]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, call: object) -> bool:
        return call in self._entries

    def board(self, call: CallId) -> Board:
        """The board of a known call."""
        return self._entries[call].board

    def is_open(self, call: CallId) -> bool:
        """Whether the call is known and open."""
        return call in self._entries and self._entries[call].state is CallState.OPEN

    def closed_since_s(self, call: CallId, unix_s: float) -> float:
        """For how many seconds a known call has been closed; 0 while it is open."""
        entry = self._entries[call]
        return 0.0 if entry.state is CallState.OPEN else unix_s - entry.closed_unix_s

    def is_buried(self, call: CallId) -> bool:
        """Whether the call is over and gone, with nothing but its tombstone left."""
        return call in self._tombstones

    def in_state(self, *states: CallState) -> tuple[CallId, ...]:
        """The calls in these states, the first heard first."""
        return tuple(call for call, entry in self._entries.items() if entry.state in states)

    def buried_until_unix_s(self, call: CallId) -> int:
        """Until when a buried call is remembered."""
        return self._tombstones[call]

    def outranks(self, call: Frame) -> bool:
        """Whether a CALL is new, or carries more work than the cell of it that we hold."""
        held = self._entries.get(call.id)
        return held is None or _effort(call) > _effort(held.board.call)

    # ------------------------------------------------------------------ changing

    def mark(self, call: CallId, mine: str) -> None:
        """Note what this node said about a call."""
        entry = self._entries[call]
        entry.mine, entry.record = mine, None

    def open(self, call: Frame, heard_unix_s: float, *, mine: str = "") -> Offer:
        """Take a verified CALL; `dropped` are all messages of a call that had to go for it."""
        held = self._entries.get(call.id)
        if held is not None:
            # "Of two cells of one CALL the one of higher effort stays." (05-calls §5)
            if not self.outranks(call):
                return Offer(False)
            held.board.replace_call(call)
            held.record = None
            return Offer(True)
        self._entries[call.id] = _Entry(Board(call), heard_unix_s, mine=mine)
        gone = self._surplus(CallState.OPEN)
        if gone == call.id:
            del self._entries[gone]
            return Offer(False)
        return Offer(True, self._remove(gone) if gone is not None else ())

    def _surplus(self, *states: CallState) -> CallId | None:
        """The call that has to go when there are more in these states than may be kept."""
        there = self.in_state(*states)
        if len(there) <= self._open_max:
            return None
        loose = [call for call in there if self._entries[call].mine not in PINNED]
        return max(loose, key=lambda call: retention(self._entries[call].board.call), default=None)

    def _remove(self, call: CallId) -> tuple[Frame, ...]:
        board = self._entries.pop(call).board
        for letters in self._seats:
            self._seats[letters] -= board.seats(letters=letters)
        return (board.call, *board.frames())

    def offer(self, frame: Frame) -> Offer:
        """Take a verified message about a known call."""
        entry = self._entries[frame.message.call]  # type: ignore[union-attr]
        letters = frame.message.KIND is Kind.LETTER
        before = entry.board.seats(letters=letters)
        offer = entry.board.offer(frame)
        self._seats[letters] += entry.board.seats(letters=letters) - before
        if offer.kept:
            entry.record = None
        gone = self._make_room(letters)
        if frame in gone:
            return Offer(False)
        return Offer(offer.kept, offer.dropped + gone)

    def _make_room(self, letters: bool) -> tuple[Frame, ...]:
        """Who has to go when all boards together remember too many: what is left is everybody's fair share."""
        most = BOARD_LETTER_SEATS_MAX if letters else BOARD_SEATS_MAX
        if self._seats[letters] <= most:
            return ()
        # "When all boards together hold too many, the board that holds most lets its responder of highest rank go."
        # (06-board §3)
        loose = [e for e in self._entries.values() if e.mine not in PINNED] or list(self._entries.values())
        fullest = max(
            loose,
            key=lambda entry: (entry.board.seats(letters=letters), retention(entry.board.call)),
        )
        if not fullest.board.seats(letters=letters):
            return ()
        fullest.record = None
        self._seats[letters] -= 1
        return fullest.board.unseat(letters=letters)

    def close_by_board(self, call: CallId, unix_s: float) -> CallState | None:
        """Let the board of a call close it; the new state, or None when nothing changed."""
        entry = self._entries[call]
        how = closing(entry.board)
        state = None if how is None else CallState(how)
        if state is None or state is entry.state or state not in TRANSITIONS[entry.state]:
            return None
        if entry.state is CallState.OPEN:
            entry.closed_unix_s = unix_s
        entry.state, entry.record = state, None
        return state

    def surplus_closed(self) -> CallId | None:
        """The call that has to go when more are closed than may be kept."""
        return self._surplus(CallState.CANCELLED, CallState.CLEARED, CallState.STOOD_DOWN)

    def bury(self, call: CallId) -> tuple[Frame, ...]:
        """A call ends for good: its messages go, its tombstone stays."""
        self._tombstones[call] = forgotten_unix_s(call_of(self._entries[call].board.call))
        return self._remove(call)

    def ended(self, unix_s: float) -> tuple[CallId, ...]:
        """The calls whose life is over."""
        return tuple(c for c, e in self._entries.items() if ends_unix_s(call_of(e.board.call)) <= unix_s)

    def restore_tombstone(self, call: CallId, until_unix_s: int) -> None:
        """A tombstone of the last run."""
        self._tombstones[call] = until_unix_s

    def weather(self, unix_s: float) -> tuple[CallId, ...]:
        """Drop the tombstones that nobody needs any more, and those beyond the bound that end first."""
        gone = [call for call, until in self._tombstones.items() if until <= unix_s]
        surplus = len(self._tombstones) - len(gone) - TOMBSTONES_MAX
        if surplus > 0:
            kept = sorted((u, c) for c, u in self._tombstones.items() if u > unix_s)
            gone += [call for _, call in kept[:surplus]]
        for call in gone:
            del self._tombstones[call]
        return tuple(gone)

"""All calls that a node knows: life from heard to closed, and the boards they carry.

Decides which calls are open, which are kept when there are too many, and what state each is in. Comes in:
verified messages with the wall-clock time. Goes out: what was kept, what changed, what had to go. Must not
know peers, signatures or policies, nor what this node thinks of a call.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from p2p_sos.core.board.board import REGISTERS, Board, Offer
from p2p_sos.core.board.judge import Judge
from p2p_sos.core.board.leases import Leases
from p2p_sos.core.board.resolve import closing
from p2p_sos.core.board.standing import Expired, View
from p2p_sos.core.calls.entry import CallRecord, CallState, Change, Entry
from p2p_sos.core.calls.named import NamedCards
from p2p_sos.core.calls.tombstones import Tombstone, Tombstones
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import Call, CallId, Key, MessageId
from p2p_sos.wire.registry import BOARD_LETTER_SEATS_MAX, BOARD_SEATS_MAX, CALL_EPOCH_S, TIMINGS, Kind

__all__ = [
    "CallRecord", "CallState", "Calls", "Change", "call_of", "ends_unix_s", "forgotten_unix_s", "starts_unix_s",
]  # fmt: skip


# What the victim says last counts most: a call that its helpers stood down may still be cleared or
# cancelled by its victim, and any other word of the victim opens it again; a CANCEL outranks an ALL_CLEAR.
TRANSITIONS: dict[CallState, tuple[CallState, ...]] = {
    CallState.OPEN: (CallState.CANCELLED, CallState.CLEARED, CallState.STOOD_DOWN, CallState.EXPIRED),
    CallState.STOOD_DOWN: (CallState.OPEN, CallState.CANCELLED, CallState.CLEARED),
    CallState.CLEARED: (CallState.CANCELLED,),
    CallState.CANCELLED: (),
    CallState.EXPIRED: (),
}
GROWING = (CallState.OPEN, CallState.STOOD_DOWN)
ANSWERED = (
    "claimed",
    "declined",
    "released",
    "own",
)  # something may have been signed, under a sequence to be used once
PINNED = ("claimed", "own")  # a node never gives up a call that it answers, nor its own


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


def about(frame: Frame) -> CallId | None:
    """The call that a message is about: a CALL is about itself, a CARD about none."""
    return frame.id if frame.message.KIND is Kind.CALL else getattr(frame.message, "call", None)


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

    def __init__(self, open_max: int, judge: Judge | None = None) -> None:
        self._open_max = open_max
        self._judge = Judge() if judge is None else judge
        self._seats = {False: 0, True: 0}  # of all boards together; True: of those who wrote letters
        self._entries: dict[CallId, Entry] = {}
        self._open: dict[CallId, None] = {}
        self._tombstones = Tombstones()
        self._cards = NamedCards()
        self._touched: dict[CallId, None] = {}

    # ------------------------------------------------------------------ reading

    def __getitem__(self, call: CallId) -> CallRecord:
        return self._entries[call].record

    def __iter__(self) -> Iterator[CallId]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, call: object) -> bool:
        return call in self._entries

    def board(self, call: CallId) -> Board:
        """The board of a known call."""
        return self._entries[call].board

    def leases(self, call: CallId) -> Leases:
        """What the clock adds to the board of a known call."""
        return self._entries[call].leases

    def expired_of(self, call: CallId) -> Expired:
        """Whose time was over when the call was looked at last."""
        return self._entries[call].expired

    def fresh_view(self, call: CallId) -> View:
        """The view of somebody who holds this board and never followed any roster."""
        return self._entries[call].fresh_view

    def heard_at(self, call: CallId) -> float:
        """The local time at which the call was heard; of an earlier run, as far as the wall clock tells."""
        return self._entries[call].heard_at

    def changes(self, call: CallId) -> int:
        """A number that is another whenever what sync compares of a board may be."""
        return self._entries[call].changes

    def state(self, call: CallId) -> CallState:
        """The state of a known call."""
        return self._entries[call].state

    def is_open(self, call: CallId) -> bool:
        """Whether the call is known and open."""
        return call in self._open

    def takes(self, call: CallId) -> bool:
        """Whether the board of a known call still grows: its victim did not close it."""
        return self._entries[call].state in GROWING

    def closed_since_s(self, call: CallId, unix_s: float) -> float:
        """For how many seconds a known call has been closed; 0 while it is open."""
        entry = self._entries[call]
        return 0.0 if entry.state is CallState.OPEN else unix_s - entry.closed_unix_s

    def is_buried(self, call: CallId) -> bool:
        """Whether the call is over and gone, with nothing but its tombstone left."""
        return call in self._tombstones

    def in_state(self, *states: CallState) -> tuple[CallId, ...]:
        """The calls in these states, the first heard first."""
        if states == (CallState.OPEN,):
            return tuple(self._open)
        return tuple(call for call, entry in self._entries.items() if entry.state in states)

    def tombstone(self, call: CallId) -> Tombstone:
        """What remains of a buried call."""
        return self._tombstones[call]

    def outranks(self, call: Frame) -> bool:
        """Whether a CALL is new, or carries more work than the cell of it that we hold."""
        held = self._entries.get(call.id)
        return held is None or _effort(call) > _effort(held.board.call)

    # ------------------------------------------------------------------ looking

    def touched(self) -> tuple[CallId, ...]:
        """The open calls of which something came since this was asked last."""
        if not self._touched:
            return ()
        touched, self._touched = self._touched, {}
        return tuple(call for call in touched if call in self._open)

    def look(self, call: CallId, now: float) -> Change:
        """Let time count at one call, and follow what its view then says."""
        return self._entries[call].look(now)

    def supersede(self, call: CallId, roster: MessageId) -> None:
        """Never follow that roster again at this node."""
        self._entries[call].leases.supersede(roster)
        self._touched[call] = None

    # ------------------------------------------------------------------ changing

    def mark(self, call: CallId, mine: str) -> None:
        """Note what this node said about a call."""
        entry = self._entries[call]
        entry.mine = mine
        entry.standing_changed()

    def open(self, call: Frame, heard_unix_s: float, now: float = 0.0, *, mine: str = "") -> Offer:
        """Take a verified CALL; `dropped` are all messages of a call that had to go for it."""
        held = self._entries.get(call.id)
        if held is not None:
            # "Of two cells of one CALL the one of higher effort stays." (05-calls §5)
            if not self.outranks(call):
                return Offer(False)
            held.board.replace_call(call)
            held.standing_changed()
            return Offer(True)
        told = call_of(call)
        board = Board(call, self._judge)
        leases = Leases(told.signer, TIMINGS[told.severity], now, board.seated)
        self._entries[call.id] = Entry(board, leases, heard_unix_s, now, mine)
        self._open[call.id] = self._touched[call.id] = None
        gone = self._surplus(self._open)
        if gone == call.id:
            self._remove(gone)
            return Offer(False)
        return Offer(True, self._remove(gone) if gone is not None else ())

    def heard_earlier(self, call: CallId, at: float) -> None:
        """A call of an earlier run was heard at this local time."""
        entry = self._entries[call]
        entry.heard_at = entry.leases.victim_at = at

    def _surplus(self, there: Collection[CallId]) -> CallId | None:
        """The call that has to go when there are more of them than may be kept."""
        if len(there) <= self._open_max:
            return None
        loose = [call for call in there if self._entries[call].mine not in PINNED]
        # V may open again what was stood down: such a call goes when no other is left.
        over = [call for call in loose if self._entries[call].state is not CallState.STOOD_DOWN]
        return max(over or loose, key=lambda call: retention(self._entries[call].board.call), default=None)

    def _remove(self, call: CallId) -> tuple[Frame, ...]:
        """Forget a call; the frames that no board holds any more."""
        board = self._entries.pop(call).board
        self._open.pop(call, None)
        self._touched.pop(call, None)
        for letters in self._seats:
            self._seats[letters] -= board.seats(letters=letters)
        return (board.call, *board.frames(), *self._cards.leave(call))

    def offer(
        self, frame: Frame, now: float = 0.0, card: Frame | None = None, came: float | None = None
    ) -> Offer:
        """Take a verified message about a known call; `card`: the one that a CLAIM names, if it is known.

        `came`: when an earlier run heard it, as local time.
        """
        call: CallId = frame.message.call  # type: ignore[union-attr]
        entry = self._entries[call]
        letters = frame.message.KIND is Kind.LETTER
        before = entry.board.seats(letters=letters)
        offer = entry.board.offer(frame, card)
        self._seats[letters] += entry.board.seats(letters=letters) - before
        if offer.kept:
            # Of those who are fit alone: else any key could make every later roster old news.
            highest = entry.board.highest_epoch if frame.message.KIND is Kind.ROSTER else 0
            entry.leases.note(frame, now, came, highest)
        changed = (*((frame,) if offer.kept else ()), *offer.dropped)
        gone: tuple[Frame, ...] = ()
        if not letters and changed:
            self._touched[call] = None
            if any(one.message.KIND not in REGISTERS for one in changed):
                entry.board_changed()
                gone = self._name(entry.board, changed, None if card is None else card.id)
        elif card is not None:
            gone = self._name(entry.board, (frame,), card.id)  # a claim that is held, and now its card
        gone += self._make_room(letters)
        if frame in gone:
            return Offer(False, tuple(one for one in offer.dropped + gone if one is not frame))
        return Offer(offer.kept, offer.dropped + gone)

    def _name(
        self, board: Board, changed: Iterable[Frame], known: MessageId | None = None
    ) -> tuple[Frame, ...]:
        """Whose newest claim may be another now; the cards that nobody names any more."""
        return self._cards.note(board, dict.fromkeys(frame.message.signer for frame in changed), known)

    def wants(self, card: MessageId) -> bool:
        """Whether a claim on some board names a card that is not here."""
        return self._cards.is_wanted(card)

    def names(self, card: MessageId) -> bool:
        """Whether some board holds this card."""
        return self._cards.is_held(card)

    def adopt(self, card: Frame) -> bool:
        """A CARD came: the boards whose claims name it take it; whether one did."""
        taken = False
        for call in self._cards.came(card.id):
            entry = self._entries.get(call)
            if entry is not None and entry.board.adopt(card):
                self._cards.note(entry.board, (card.message.signer,))
                self._touched[call] = None
                entry.board_changed()
                taken = True
        return taken

    def convict(self, keys: Iterable[Key], only: CallId | None = None) -> None:
        """PROOFs show that these keys lied: every board is told, or one alone."""
        for call, entry in self._entries.items() if only is None else ((only, self._entries[only]),):
            for key in keys:
                entry.board.convict(key)
            entry.board_changed()
            self._touched[call] = None

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
        fullest.board_changed()
        self._touched[fullest.board.call.id] = None
        self._seats[letters] -= 1
        gone = fullest.board.unseat(letters=letters)
        return gone if letters else gone + self._name(fullest.board, gone)

    def close(self, call: CallId, state: CallState, unix_s: float) -> bool:
        """A call is over for a reason; whether that changes anything."""
        entry = self._entries[call]
        if state is entry.state or state not in TRANSITIONS[entry.state]:
            return False
        if entry.state is CallState.OPEN:
            entry.closed_unix_s = unix_s
        entry.state = state
        entry.changes += 1
        entry.standing_changed()
        self._open.pop(call, None)
        return True

    def reopen(self, call: CallId) -> Offer:
        """A call that was stood down is open again, where there is room; `dropped` as in `open`."""
        entry = self._entries[call]
        assert CallState.OPEN in TRANSITIONS[entry.state], "closed for good"
        self._open[call] = self._touched[call] = None
        gone = self._surplus(self._open)
        if gone == call:
            del self._open[call]
            return Offer(False)
        entry.state, entry.closed_unix_s, entry.changes = CallState.OPEN, 0.0, entry.changes + 1
        entry.standing_changed()
        return Offer(True, self._remove(gone) if gone is not None else ())

    def is_stood_down(self, call: CallId, now: float) -> bool:
        """Whether its helpers closed a known call, as far as its board and the clock say now."""
        entry = self._entries[call]
        entry.leases.learn(entry.view)
        return closing(entry.board, entry.leases.expired(now)) == CallState.STOOD_DOWN.value

    def close_by_board(self, call: CallId, unix_s: float) -> CallState | None:
        """Let the board of a call close it; the new state, or None when nothing changed."""
        how = closing(self._entries[call].board)
        state = None if how is None else CallState(how)
        return state if state is not None and self.close(call, state, unix_s) else None

    def surplus_closed(self) -> CallId | None:
        """The call that has to go when more are closed than may be kept."""
        return self._surplus([call for call in self._entries if call not in self._open])

    def bury(self, call: CallId) -> tuple[Frame, ...]:
        """A call ends for good: its messages go, its tombstone stays."""
        entry = self._entries[call]
        told = call_of(entry.board.call)
        stone = Tombstone(forgotten_unix_s(told), ends_unix_s(told), entry.mine in ANSWERED)
        self._tombstones.put(call, stone)
        return self._remove(call)

    def ended(self, unix_s: float) -> tuple[CallId, ...]:
        """The calls whose life is over."""
        return tuple(c for c, e in self._entries.items() if ends_unix_s(call_of(e.board.call)) <= unix_s)

    def restore_tombstone(self, call: CallId, row: bytes) -> None:
        """A tombstone of the last run."""
        self._tombstones.put(call, Tombstone.of_row(row))

    def weather(self, unix_s: float) -> tuple[CallId, ...]:
        """Drop the tombstones that nobody needs any more, and those beyond the bound."""
        return self._tombstones.weather(unix_s)

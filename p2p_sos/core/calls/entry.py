"""One call as a node keeps it: its board, what the clock adds to it, and the view that follows from both.

Decides when a view is made anew. Comes in: messages of the board, local time, what this node said. Goes out: views,
and what changed between two looks. Must not know other calls, stores or peers.
"""

from enum import Enum

from attrs import define, evolve, field, frozen

from p2p_sos.core.board.board import Board
from p2p_sos.core.board.leases import Leases
from p2p_sos.core.board.resolve import resolve
from p2p_sos.core.board.standing import NOTHING_EXPIRED, Expired, View
from p2p_sos.wire.frames import Frame

ROUNDS_MAX = 4  # a change of the lead may change what is superseded, and that the lead: once is enough


class CallState(Enum):
    """The life of a call at one node; the value is the word that people see."""

    OPEN = "open"
    CANCELLED = "cancelled"
    CLEARED = "cleared"
    STOOD_DOWN = "stood-down"
    EXPIRED = "expired"


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


@frozen
class Change:
    """What a look at a call showed: the view, the one of the look before, whether a lead was lost since.

    `due_at`: when time alone changes it next; None: never.
    """

    view: View
    before: View | None
    roll_call: bool
    due_at: float | None


@define(eq=False)
class Entry:
    """A call in memory. `heard_at` is local time, and may lie before this run; `changes` counts what sync compares."""

    board: Board
    leases: Leases
    heard_unix_s: float
    heard_at: float
    mine: str = ""
    state: CallState = CallState.OPEN
    closed_unix_s: float = 0.0
    changes: int = 0
    expired: Expired = field(init=False, default=NOTHING_EXPIRED)
    _told: View | None = field(init=False, default=None)
    _view: View | None = field(init=False, default=None)
    _record: CallRecord | None = field(init=False, default=None)

    @property
    def view(self) -> View:
        """What the board says, with whose time was over when it was looked at last."""
        if self._view is None:
            self._view, self._record = resolve(self.board, self.expired), None
        return self._view

    @property
    def fresh_view(self) -> View:
        """What it would say to somebody who never followed any roster."""
        if not self.expired.superseded:
            return self.view
        return resolve(self.board, evolve(self.expired, superseded=frozenset()))

    @property
    def record(self) -> CallRecord:
        """The call as people see it."""
        view = self.view
        if self._record is None:
            self._record = CallRecord(self.board.call, self.state, self.heard_unix_s, view, self.mine)
        return self._record

    def board_changed(self) -> None:
        """The board holds something new, or lost something: the view is to be made anew."""
        self._view = self._record = None
        self.changes += 1

    def standing_changed(self) -> None:
        """The state, or what this node said, is another."""
        self._record = None

    def look(self, now: float) -> Change:
        """Let time count, and follow what the view then says."""
        leases, due_at = self.leases, None
        if self.view is not self._told:
            leases.learn(self.view)
        rolled = leases.call_roll(now)
        for _ in range(ROUNDS_MAX):
            expired, due_at = leases.survey(now)
            if expired != self.expired:
                self.expired, self._view = expired, None
                if leases.learn(self.view):
                    continue
            if self.view is self._told or not leases.follow(self.view, now):
                break
        before, self._told = self._told, self.view
        return Change(self.view, before, rolled, due_at)

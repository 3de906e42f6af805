"""The asker: one session with one peer, question by question.

Decides what is asked next, what is fetched and what is given. Comes in: answers. Goes out: the next question, and
the cells that came. Must not know who the peer is, whether it lies, or what becomes of a cell.
"""

from collections import deque
from collections.abc import Callable, Iterable
from enum import IntEnum

from attrs import define, field

from p2p_sos.core.sync.answers import newest
from p2p_sos.core.sync.forest import Forest
from p2p_sos.core.sync.tree import TreeName, is_board
from p2p_sos.wire.messages import CallId, MessageId
from p2p_sos.wire.registry import SYNC_ASKS_MAX, SYNC_CELLS_MAX, SYNC_LISTED_MAX
from p2p_sos.wire.sync import (
    CHILDREN,
    EMPTY,
    FINGERPRINT_BYTES,
    REPLIES,
    Ask,
    Branch,
    Branches,
    Cells,
    Equal,
    Fetch,
    Give,
    Newest,
    Open,
    Registers,
    Reply,
    Request,
    Roll,
    Trees,
    Wish,
    cell_fingerprint,
)

LISTED = 64  # guess: ids that cost less than another round would
ROLLS_BYTES_MAX = 65_536  # guess: fingerprints of registers that one question names
CARD_NAME_BYTES = 4


class Rank(IntEnum):
    """What comes first."""

    CALLS = 0
    BOARDS = 1
    CARDS = 2


def _rank(name: TreeName) -> Rank:
    # "Boards and proofs come first, and in them the CALLs; cards come after them." (09-sync §6)
    return Rank.CARDS if len(name) == CARD_NAME_BYTES else Rank.BOARDS


@define(eq=False)
class Fetched:
    """Ids whose cells came a moment ago and may still wait for their verification."""

    _settle_s: float
    _until: dict[MessageId, float] = field(factory=dict)

    def note(self, ids: Iterable[MessageId], now: float) -> None:
        """These came now."""
        while self._until and next(iter(self._until.values())) <= now:
            del self._until[next(iter(self._until))]
        for one in ids:
            self._until.pop(one, None)
            self._until[one] = now + self._settle_s

    def is_fresh(self, message: MessageId, now: float) -> bool:
        """Whether it need not be fetched again yet."""
        return self._until.get(message, now) > now


@define(eq=False)
class Session:
    """One session. `question` is what waits for its answer; None once all is said."""

    _forest: Forest
    _fetched: Fetched
    number: int
    rounds_max: int
    bytes_max: int
    opened_at: float
    question: Request | None = None
    bytes_passed: int = 0
    asked_at: float = field(init=False)
    _rounds: int = 0
    _wishes: dict[Rank, deque[Wish]] = field(factory=lambda: {rank: deque() for rank in Rank})
    _wants: dict[Rank, dict[MessageId, None]] = field(factory=lambda: {rank: {} for rank in Rank})
    _gifts: dict[Rank, dict[MessageId, None]] = field(factory=lambda: {rank: {} for rank in Rank})
    _boards: deque[CallId] = field(factory=deque)
    _registers: list[bytes] = field(factory=list)

    @asked_at.default
    def _asked_when_opened(self) -> float:
        return self.opened_at

    def open(self) -> Request:
        """The first question."""
        self.question = Open(self.number, self._forest.root)
        return self.question

    def expects(self, reply: Reply) -> bool:
        """Whether this may be the answer to what was asked."""
        question = self.question
        return (
            question is not None and reply.session == self.number and type(reply) in REPLIES[type(question)]
        )

    def take(self, reply: Reply, now: float) -> tuple[bytes, ...]:
        """Look at an answer; `question` is the next one, the result the cells that came."""
        question, good = self.question, True
        cells: tuple[bytes, ...] = ()
        self.question, self.asked_at = None, now
        match question, reply:
            case Open(), Trees(trees=trees):
                self._compare(dict(trees))
            case Ask(wishes=wishes), Branches(branches=branches):
                good = self._descend(wishes, branches)
            case Fetch(ids=ids), Cells(cells=cells):
                good = len(cells) <= len(ids)
                if len(cells) == len(ids):
                    self._fetched.note(ids, now)
            case Registers(rolls=rolls), Newest(cells=cells, lacked=lacked):
                self._lend(rolls, lacked)
            case Open(), Equal():
                return ()
            case _:
                pass
        if not good:
            return ()  # it does not say what was asked: there is no use in going on
        # "A session ends after `sync_rounds_max` times *ask*, and once `sync_session_bytes_max` bytes went to and fro."
        # (09-sync §6)
        if self.bytes_passed < self.bytes_max:
            self.question = self._next(now)
        return cells

    # ------------------------------------------------------------------ comparing

    def _compare(self, theirs: dict[TreeName, bytes]) -> None:
        mine = self._forest.trees
        for name, print_ in theirs.items():
            if name in mine and mine[name].fingerprint() == print_:
                continue
            if name not in mine and is_board(name):
                self._wants[Rank.CALLS][name] = None
            self._wish(name, b"")
        for name, tree in mine.items():
            if name not in theirs:
                self._offer(name, tree.ids)
            if is_board(name) and theirs.get(name) != tree.fingerprint():
                self._boards.append(name)
        self._boards += [name for name in theirs if is_board(name) and name not in mine]

    def _wish(self, name: TreeName, prefix: bytes) -> None:
        # "Where it holds nothing, it SHOULD let as many ids be listed as it may." (09-sync §6)
        most = LISTED if self._forest.tree(name).under(prefix) else SYNC_LISTED_MAX
        self._wishes[_rank(name)].append(Wish(name, prefix, most))

    def _offer(self, name: TreeName, ids: Iterable[MessageId]) -> None:
        for one in ids:
            self._gifts[Rank.CALLS if one == name else _rank(name)][one] = None

    def _descend(self, wishes: tuple[Wish, ...], branches: tuple[Branch, ...]) -> bool:
        """Whether these are answers to the first of the wishes; the other wishes are asked again."""
        if not 0 < len(branches) <= len(wishes):
            return False
        for wish, branch in zip(wishes, branches, strict=False):
            if (branch.name, branch.prefix) != (wish.name, wish.prefix):
                return False
            if branch.ids is None:
                self._compare_children(branch)
            else:
                self._compare_ids(branch, branch.ids)
        for wish in reversed(wishes[len(branches) :]):
            self._wishes[_rank(wish.name)].appendleft(wish)
        return True

    def _compare_ids(self, branch: Branch, theirs: tuple[MessageId, ...]) -> None:
        mine = self._forest.tree(branch.name).under(branch.prefix)
        held, listed = frozenset(mine), frozenset(theirs)
        rank = _rank(branch.name)
        self._wants[rank].update((one, None) for one in theirs if one not in held)
        self._offer(branch.name, (one for one in mine if one not in listed))

    def _compare_children(self, branch: Branch) -> None:
        tree = self._forest.tree(branch.name)
        for nibble in range(CHILDREN):
            prefix = branch.prefix + bytes([nibble])
            if branch.children[nibble] == EMPTY:
                self._offer(branch.name, tree.under(prefix))
            elif branch.children[nibble] != tree.fingerprint(prefix):
                self._wish(branch.name, prefix)

    def _lend(self, rolls: tuple[Roll, ...], lacked: tuple[bytes, ...]) -> None:
        """Registers that the other side does not hold."""
        names = frozenset(lacked)
        for roll in rolls:
            cells = self._forest.holdings.registers(roll.call)
            self._registers += [cell for cell in cells if cell_fingerprint(cell) in names]

    # ------------------------------------------------------------------ asking

    def _next(self, now: float) -> Request | None:
        """The next question, the most important one first."""
        steps: tuple[Callable[[], Request | None], ...] = (
            lambda: self._fetch(Rank.CALLS, now),
            lambda: self._give(Rank.CALLS),
            lambda: self._ask(Rank.BOARDS),
            lambda: self._fetch(Rank.BOARDS, now),
            lambda: self._give(Rank.BOARDS),
            self._ask_registers,
            self._give_registers,
            lambda: self._ask(Rank.CARDS),
            lambda: self._fetch(Rank.CARDS, now),
            lambda: self._give(Rank.CARDS),
        )
        for step in steps:
            if (question := step()) is not None:
                return question
        return None

    def _ask(self, rank: Rank) -> Request | None:
        wishes = self._wishes[rank]
        if not wishes or self._rounds >= self.rounds_max:
            return None
        self._rounds += 1
        asked = tuple(wishes.popleft() for _ in range(min(len(wishes), SYNC_ASKS_MAX)))
        return Ask(self.number, asked)

    def _fetch(self, rank: Rank, now: float) -> Request | None:
        wants = self._wants[rank]
        ids: list[MessageId] = []
        while wants and len(ids) < SYNC_CELLS_MAX:
            one = next(iter(wants))
            del wants[one]
            # "An id that was fetched a moment ago SHOULD NOT be fetched again" (09-sync §6)
            if self._forest.holdings.cell(one) is None and not self._fetched.is_fresh(one, now):
                ids.append(one)
        return Fetch(self.number, tuple(ids)) if ids else None

    def _give(self, rank: Rank) -> Request | None:
        gifts = self._gifts[rank]
        cells: list[bytes] = []
        while gifts and len(cells) < SYNC_CELLS_MAX:
            one = next(iter(gifts))
            del gifts[one]
            if (cell := self._forest.holdings.cell(one)) is not None:
                cells.append(cell)
        return Give(self.number, tuple(cells)) if cells else None

    def _ask_registers(self) -> Request | None:
        rolls: list[Roll] = []
        room = ROLLS_BYTES_MAX
        while self._boards and len(rolls) < SYNC_ASKS_MAX and room > 0:
            call = self._boards.popleft()
            held, _ = newest(self._forest, call, ())
            rolls.append(Roll(call, tuple(cell_fingerprint(cell) for cell in held)))
            room -= FINGERPRINT_BYTES * len(held)
        return Registers(self.number, tuple(rolls)) if rolls else None

    def _give_registers(self) -> Request | None:
        cells, self._registers = self._registers[:SYNC_CELLS_MAX], self._registers[SYNC_CELLS_MAX:]
        return Give(self.number, tuple(cells)) if cells else None

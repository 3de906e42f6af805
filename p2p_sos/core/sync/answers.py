"""The answerer: one question in, one answer out, and nothing remembered but how much each peer asked for.

Decides what an answer holds and who asks for too much. Comes in: questions. Goes out: answers, and cells that were
given. Must not know sessions of its own, nor what a cell says.
"""

from attrs import define, field

from p2p_sos.core.gossip.rpc import PeerId
from p2p_sos.core.sync.forest import Forest
from p2p_sos.wire.messages import CallId
from p2p_sos.wire.registry import (
    CELL_BYTES,
    SYNC_CELLS_MAX,
    SYNC_FRAME_BYTES_MAX,
    SYNC_LISTED_MAX,
    SYNC_TREES_MAX,
)
from p2p_sos.wire.sync import (
    FINGERPRINT_BYTES,
    ID_BYTES,
    Ask,
    Branch,
    Branches,
    Cells,
    Equal,
    Fetch,
    Fingerprint,
    Give,
    Newest,
    Open,
    Registers,
    Reply,
    Request,
    Taken,
    Trees,
    cell_fingerprint,
)

ENTRY_BYTES = 64 + ID_BYTES + 16  # the longest prefix and name of a branch, and what msgpack adds
ROOM_BYTES = SYNC_FRAME_BYTES_MAX - 64
WISH_BYTES = 256  # guess: what looking for a branch costs, counted as if it were bytes
QUESTION_BYTES = (
    1024  # guess: what any question costs, likewise; a thousand calls are looked through for each
)
REGISTER_BYTES = 64  # guess: what hashing a register costs, likewise


@define
class Allowance:
    """Bytes that one peer may still cause: they grow by `per_s` up to `burst`. May be overdrawn once."""

    per_s: float
    burst: float
    _left: float = field(init=False)
    _at: float | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._left = self.burst

    def has_any(self, now: float) -> bool:
        """Whether there is something left."""
        if self._at is not None:
            self._left = min(self.burst, self._left + max(0.0, now - self._at) * self.per_s)
        self._at = now
        return self._left > 0

    def spend(self, bytes_: int) -> None:
        """Take so many bytes away."""
        self._left -= bytes_


def newest(
    forest: Forest, call: CallId, named: tuple[Fingerprint, ...]
) -> tuple[list[bytes], list[Fingerprint]]:
    """The registers of a board that were not named, and the names that are none of its registers."""
    held = {cell_fingerprint(cell): cell for cell in forest.holdings.registers(call)}
    known = frozenset(named)
    return (
        [cell for print_, cell in held.items() if print_ not in known],
        [print_ for print_ in named if print_ not in held],
    )


@define(eq=False)
class Answerer:
    """Answers whoever asks, within an allowance for each peer."""

    _forest: Forest
    _per_s: float
    _burst: float
    _allowances: dict[PeerId, Allowance] = field(factory=dict)

    def joined(self, peer: PeerId) -> None:
        """A peer is there."""
        self._allowances.setdefault(peer, Allowance(self._per_s, self._burst))

    def left(self, peer: PeerId) -> None:
        """A peer is gone."""
        self._allowances.pop(peer, None)

    def may_ask(self, peer: PeerId, frame_bytes: int, now: float) -> bool:
        """Whether a frame of this peer is looked at; it is charged for it."""
        allowance = self._allowances.get(peer)
        if allowance is None or not allowance.has_any(now):
            return False
        allowance.spend(frame_bytes)
        return True

    def charge(self, peer: PeerId, bytes_: int) -> None:
        """A peer pays for its answer."""
        allowance = self._allowances.get(peer)
        if allowance is not None:
            allowance.spend(bytes_)

    def refund(self, peer: PeerId, bytes_: int) -> None:
        """What was read was an answer that this node had asked for."""
        self.charge(peer, -bytes_)

    def answer(self, question: Request, peer: PeerId) -> Reply:
        """The answer to a question."""
        self.charge(peer, QUESTION_BYTES)
        match question:
            case Open(session=session, root=root):
                return Equal(session) if root == self._forest.root else self._trees(session)
            case Ask():
                self.charge(peer, WISH_BYTES * len(question.wishes))
                return Branches(question.session, self._branches(question))
            case Fetch(session=session, ids=ids):
                held = [self._forest.holdings.cell(one) for one in dict.fromkeys(ids)]
                return Cells(session, tuple(cell for cell in held if cell is not None))
            case Give(session=session):
                return Taken(session)
            case Registers():
                return self._newest(question, peer)

    def _trees(self, session: int) -> Trees:
        named = [(name, tree.fingerprint()) for name, tree in self._forest.trees.items()]
        return Trees(session, tuple(named[:SYNC_TREES_MAX]))

    def _branches(self, question: Ask) -> tuple[Branch, ...]:
        """As many as fit, in the order in which they were asked for; at least one."""
        branches: list[Branch] = []
        room = ROOM_BYTES
        for wish in question.wishes:
            room -= ENTRY_BYTES
            listed_max = max(0, min(wish.listed_max, room // ID_BYTES, SYNC_LISTED_MAX))
            if branches and (room < FINGERPRINT_BYTES * 16 or listed_max < wish.listed_max):
                break
            branch = self._forest.tree(wish.name).branch(wish.name, wish.prefix, listed_max)
            listed = 0 if branch.ids is None else ID_BYTES * len(branch.ids)
            room -= listed + FINGERPRINT_BYTES * len(branch.children)
            branches.append(branch)
        return tuple(branches)

    def _newest(self, question: Registers, peer: PeerId) -> Newest:
        cells: list[bytes] = []
        lacked: list[Fingerprint] = []
        # Each board once, however often it is named: its registers are hashed for it.
        for roll in {roll.call: roll for roll in question.rolls}.values():
            self.charge(peer, REGISTER_BYTES * len(self._forest.holdings.registers(roll.call)))
            mine, missing = newest(self._forest, roll.call, roll.held)
            cells += mine
            lacked += missing
        room = ROOM_BYTES
        given = tuple(cells[: min(SYNC_CELLS_MAX, room // CELL_BYTES)])
        room -= CELL_BYTES * len(given)
        return Newest(
            question.session, given, tuple(lacked[: min(SYNC_LISTED_MAX, room // FINGERPRINT_BYTES)])
        )

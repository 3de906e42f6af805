"""What a node holds, as sync compares it: trees of ids, one for each board, each day of cards, and the proofs.

Decides which messages are compared, and which travel along without being compared. Comes in: the archive. Goes out:
ids, cells. Must not know peers, nor how trees are compared.
"""

from collections.abc import Callable, Iterable, Mapping

from attrs import define, field

from p2p_sos.core.board.board import REGISTERS, Board
from p2p_sos.core.calls.archive import CLOSINGS, Archive
from p2p_sos.core.calls.calls import CallState, about
from p2p_sos.core.origin.veil import Veil
from p2p_sos.core.sync.tree import NO_TREE, Tree
from p2p_sos.wire.messages import CallId, Claim, Key, MessageId
from p2p_sos.wire.registry import Kind

PROOFS = b""
NOT_COMPARED = (*REGISTERS, Kind.LETTER)
# Of a call that its victim closed nothing is admitted any more but what closes it.
CLOSED_BY_VICTIM = (CallState.CANCELLED, CallState.CLEARED)


def nobody() -> Key | None:
    """No call is hidden."""
    return None


@define(eq=False)
class ArchiveHoldings:
    """The archive of a node. `hidden`: the victim's key whose call nobody may learn of from here."""

    _archive: Archive
    _hidden: Callable[[], Key | None] = field(default=nobody)
    _veil: Veil = field(factory=Veil)
    _boards: dict[CallId, tuple[int, Tree]] = field(init=False, factory=dict)
    _proofs: Tree = field(init=False, default=NO_TREE)
    _proofs_at: int = field(init=False, default=-1)

    def trees(self) -> Mapping[bytes, Tree]:
        """What is held, by the name of its tree; the same trees while nothing changed."""
        trees = self._board_trees()
        trees.update(self._archive.cards.days)
        if (proofs := self._proof_tree()).ids:
            trees[PROOFS] = proofs
        return trees

    def cell(self, message: MessageId) -> bytes | None:
        """The cell of a message that is compared; of what is hidden nothing is known here, asked for by name or not."""
        # "It MUST NOT give a cell that stands in none of them because it is hidden" (09-sync §5)
        frame = self._archive.memory.frame(message) or self._archive.cards.get(message)
        if frame is None or frame.message.KIND in NOT_COMPARED:
            return None
        call = about(frame)
        hidden = self._veil.veils(message) or (call is not None and self._is_hidden(call))
        return None if hidden else frame.cell

    def registers(self, call: CallId) -> tuple[bytes, ...]:
        """The newest registers of a board, the SITREPs first."""
        calls = self._archive.calls
        if call not in calls or self._is_hidden(call):
            return ()
        held = [frame for frame in calls.board(call).frames() if frame.message.KIND in REGISTERS]
        found = [frame for frame in held if not self._veil.veils(frame.id)]
        found.sort(key=lambda frame: (frame.message.KIND is not Kind.SITREP, frame.id))
        return tuple(frame.cell for frame in found)

    # ------------------------------------------------------------------ trees

    def _is_hidden(self, call: CallId) -> bool:
        hidden = self._hidden()
        return hidden is not None and self._signer_of(call) == hidden

    def _signer_of(self, call: CallId) -> Key:
        return self._archive.calls.board(call).call.message.signer

    def _board_trees(self) -> dict[bytes, Tree]:
        calls, before = self._archive.calls, self._boards
        self._boards = {}
        for call in calls:
            at = calls.changes(call) + self._veil.changes  # neither ever shrinks
            known = before.get(call)
            self._boards[call] = (
                known if known is not None and known[0] == at else (at, self._board_tree(call))
            )
        hidden = self._hidden()
        trees = {call: tree for call, (_, tree) in self._boards.items()}
        if hidden is not None:
            # Asked once, not for each call: what is hidden depends on nothing that happens in between.
            trees = {call: tree for call, tree in trees.items() if self._signer_of(call) != hidden}
        return trees

    def _board_tree(self, call: CallId) -> Tree:
        calls = self._archive.calls
        board = calls.board(call)
        if calls.state(call) in CLOSED_BY_VICTIM:
            closing = [frame.id for kind in CLOSINGS for frame in board.words(kind)]
            return self._tree(call, *closing)
        said = [frame.id for frame in board.frames() if frame.message.KIND not in NOT_COMPARED]
        return self._tree(call, *said, *self._cards_of(board))

    def _cards_of(self, board: Board) -> Iterable[MessageId]:
        """The cards that its claims name; a claim that is hidden names none."""
        if self._veil.is_empty:
            return board.cards
        claims = [frame.message for frame in board.frames() if not self._veil.veils(frame.id)]
        named = [message.card for message in claims if isinstance(message, Claim)]
        return [card for card in board.cards if card in named]

    def _tree(self, *ids: MessageId) -> Tree:
        seen = ids if self._veil.is_empty else tuple(one for one in ids if not self._veil.veils(one))
        return Tree(tuple(sorted(seen)))

    def _proof_tree(self) -> Tree:
        proofs = self._archive.proofs
        if self._proofs_at != proofs.changes:
            self._proofs = Tree(tuple(sorted(frame.id for frame in proofs.frames())))
            self._proofs_at = proofs.changes
        return self._proofs

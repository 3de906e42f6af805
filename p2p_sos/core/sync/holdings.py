"""What sync must know of a node's memory: which ids it holds, in which trees, and the cells behind them.

Decides nothing. The archive's side stands in `core.calls.holdings`. Must not know peers or frames.
"""

from collections.abc import Mapping
from typing import Protocol

from p2p_sos.wire.messages import CallId, MessageId

TreeName = bytes  # a board: the id of its CALL; the cards of a day: their epoch, 4 bytes; the proofs: nothing


class Holdings(Protocol):
    """A node's memory as sync sees it."""

    def trees(self) -> Mapping[TreeName, tuple[MessageId, ...]]:
        """The ids held, ascending, by tree; no tree is empty.

        The same objects come back while nothing changed: that is how an unchanged tree costs nothing.
        """
        ...

    def cell(self, message: MessageId) -> bytes | None:
        """The cell of a message that stands in a tree."""
        ...

    def registers(self, call: CallId) -> tuple[bytes, ...]:
        """The cells of the newest registers of a board, the SITREPs first; nothing for an unknown call."""
        ...

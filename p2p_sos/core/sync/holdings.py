"""What sync must know of a node's memory: which ids it holds, in which trees, and the cells behind them.

Decides nothing. The archive's side stands in `core.calls.holdings`. Must not know peers or frames.
"""

from collections.abc import Mapping
from typing import Protocol

from p2p_sos.core.sync.tree import Tree, TreeName
from p2p_sos.wire.messages import CallId, MessageId


class Holdings(Protocol):
    """A node's memory as sync sees it."""

    def trees(self) -> Mapping[TreeName, Tree]:
        """What is held, by tree; no tree is empty. A tree that did not change is the same object as before.

        Nodes of one process may share trees: so what all of them hold is hashed once.
        """
        ...

    def cell(self, message: MessageId) -> bytes | None:
        """The cell of a message that stands in a tree; of no other."""
        ...

    def registers(self, call: CallId) -> tuple[bytes, ...]:
        """The cells of the newest registers of a board, the SITREPs first; nothing for an unknown call."""
        ...

"""A prefix tree of fingerprints over ids, made when somebody asks.

Decides what a branch holds and how it is told. Comes in: ids. Goes out: ids, fingerprints. Must not know peers,
sessions or messages.
"""

from bisect import bisect_left, bisect_right

from attrs import define, field

from p2p_sos.wire.messages import MessageId
from p2p_sos.wire.sync import (
    CHILDREN,
    EMPTY,
    ID_BYTES,
    PREFIX_MAX,
    Branch,
    Fingerprint,
    fingerprint,
)

TreeName = bytes  # a board: the id of its CALL; the cards of a day: their epoch, 4 bytes; the proofs: nothing
REMEMBERED_MIN = 16  # ids: the fingerprint of a smaller branch is made again when asked for


def _bound(prefix: bytes, fill: int) -> bytes:
    """The first (`fill` 0) or the last (`fill` 15) id that begins with these nibbles."""
    whole = prefix + bytes([fill]) * (PREFIX_MAX - len(prefix))
    return bytes(whole[at] << 4 | whole[at + 1] for at in range(0, PREFIX_MAX, 2))


@define(eq=False)
class Tree:
    """The ids of one tree, ascending, and the fingerprints of its larger branches. Whoever holds other ids makes another."""

    ids: tuple[MessageId, ...]
    _known: dict[bytes, Fingerprint] = field(factory=dict)

    def under(self, prefix: bytes) -> tuple[MessageId, ...]:
        """The ids that begin with these nibbles."""
        if not prefix:
            return self.ids
        first = bisect_left(self.ids, _bound(prefix, 0))
        return self.ids[first : bisect_right(self.ids, _bound(prefix, CHILDREN - 1), first)]

    def fingerprint(self, prefix: bytes = b"") -> Fingerprint:
        """The fingerprint of a branch."""
        known = self._known.get(prefix)
        if known is not None:
            return known
        ids = self.under(prefix)
        made = fingerprint(ids) if ids else EMPTY
        if len(ids) >= REMEMBERED_MIN or not prefix:
            self._known[prefix] = made
        return made

    def children(self, prefix: bytes) -> tuple[Fingerprint, ...]:
        """The fingerprints of the branches one nibble longer."""
        return tuple(self.fingerprint(prefix + bytes([nibble])) for nibble in range(CHILDREN))

    def branch(self, name: TreeName, prefix: bytes, listed_max: int) -> Branch:
        """A branch as it is told: listed when it holds no more than may be."""
        ids = self.under(prefix)
        # "It lists the ids of a branch that holds no more than may be listed, as long as they fit;
        # otherwise it gives the fingerprints of the children." (09-sync §5)
        if len(ids) <= listed_max or len(prefix) == PREFIX_MAX:
            return Branch(name, prefix, ids)
        return Branch(name, prefix, None, self.children(prefix))


NO_TREE = Tree(())


def is_board(name: TreeName) -> bool:
    """Whether a tree is a board; its name is then its call."""
    return len(name) == ID_BYTES

"""Prefix trees of fingerprints over what a node holds, made when somebody asks.

Decides what a branch holds and how it is told. Comes in: holdings. Goes out: ids, fingerprints. Must not know
peers, sessions or messages. What did not change is never hashed again.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping

from attrs import define, field

from p2p_sos.core.sync.holdings import Holdings, TreeName
from p2p_sos.wire.messages import MessageId
from p2p_sos.wire.sync import (
    CHILDREN,
    EMPTY,
    ID_BYTES,
    PREFIX_MAX,
    Branch,
    Fingerprint,
    fingerprint,
    root_fingerprint,
)

REMEMBERED_MIN = 16  # ids: the fingerprint of a smaller branch is made again when asked for


def _bound(prefix: bytes, fill: int) -> bytes:
    """The first (`fill` 0) or the last (`fill` 15) id that begins with these nibbles."""
    whole = prefix + bytes([fill]) * (PREFIX_MAX - len(prefix))
    return bytes(whole[at] << 4 | whole[at + 1] for at in range(0, PREFIX_MAX, 2))


@define(eq=False)
class Tree:
    """The ids of one tree, ascending, and the fingerprints of its larger branches."""

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


@define(eq=False)
class Forest:
    """All trees of a node, as they were at the last `look`. What the holdings give back unchanged is unchanged."""

    holdings: Holdings
    _seen: Mapping[TreeName, tuple[MessageId, ...]] | None = None
    _trees: dict[TreeName, Tree] = field(factory=dict)
    _root: Fingerprint = b""

    @property
    def trees(self) -> Mapping[TreeName, Tree]:
        """Each tree by its name, names ascending."""
        return self._trees

    def look(self) -> None:
        """See what is held now."""
        held = self.holdings.trees()
        if held is self._seen:
            return
        fresh: dict[TreeName, Tree] = {}
        changed = self._seen is None or len(held) != len(self._trees)
        for name in sorted(held):
            tree = self._trees.get(name)
            if tree is None or (tree.ids is not held[name] and tree.ids != held[name]):
                tree, changed = Tree(held[name]), True
            fresh[name] = tree
        self._seen, self._trees = held, fresh
        if changed:
            self._root = b""

    @property
    def root(self) -> Fingerprint:
        """The fingerprint of everything."""
        if not self._root:
            named = tuple((name, tree.fingerprint()) for name, tree in self._trees.items())
            self._root = root_fingerprint(named)
        return self._root

    def tree(self, name: TreeName) -> Tree:
        """The tree of a name; the empty one if it is not held."""
        return self._trees.get(name, NO_TREE)


def is_board(name: TreeName) -> bool:
    """Whether a tree is a board; its name is then its call."""
    return len(name) == ID_BYTES

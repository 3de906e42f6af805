"""All trees of a node, and the one fingerprint of everything.

Decides what changed since the last look. Comes in: holdings. Goes out: trees. Must not know peers, sessions or
messages. What did not change is never hashed again.
"""

from collections.abc import Mapping

from attrs import define, field

from p2p_sos.core.sync.holdings import Holdings
from p2p_sos.core.sync.tree import NO_TREE, Tree, TreeName
from p2p_sos.wire.sync import Fingerprint, root_fingerprint


@define(eq=False)
class Forest:
    """All trees of a node, as they were at the last `look`."""

    holdings: Holdings
    _trees: dict[TreeName, Tree] = field(factory=dict)
    _root: Fingerprint = b""

    @property
    def trees(self) -> Mapping[TreeName, Tree]:
        """Each tree by its name, names ascending."""
        return self._trees

    def look(self) -> None:
        """See what is held now."""
        held = self.holdings.trees()
        known = self._trees
        if len(held) == len(known) and all(known.get(name) is tree for name, tree in held.items()):
            return
        self._trees, self._root = {name: held[name] for name in sorted(held)}, b""

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

"""Whom the spies name as the caller, from what they wrote down.

Decides the guess. Comes in: a notebook, and which cells belong to one case (every spy reads the id of the call in a cell).
Goes out: one name, or None where nothing was seen. Must not know what really happened, except `classes`, which bounds what
any estimator could reach.

`first_spy` is the estimator of Dandelion++ (Fanti et al., 2018, section 3): whoever handed a cell to a spy first. A sighting by
stem counts before any by gossip, since after the stem the first one in the mesh is a relay.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from p2p_sos.core.gossip.rpc import GossipId, PeerId
from p2p_sos.sim.origin.notebook import Notebook, Sighting

NEW_S = 12.0  # guess: `sos call` dials and calls within seconds, and its call is out some seconds later
Guess = PeerId | None
Estimator = Callable[[Notebook, Sequence[GossipId]], Guess]


def _by_stem(notebook: Notebook, cells: Iterable[GossipId]) -> list[Sighting]:
    return sorted((s for cell in cells for s in notebook.stem(cell)), key=lambda s: s.at)


def _by_gossip(notebook: Notebook, cells: Iterable[GossipId]) -> list[Sighting]:
    return sorted((s for cell in cells for s in notebook.gossip(cell)), key=lambda s: s.at)


def first_spy(notebook: Notebook, cells: Sequence[GossipId]) -> Guess:
    """Whoever handed any cell of the case to a spy first, by stem if any came so."""
    seen = _by_stem(notebook, cells) or _by_gossip(notebook, cells)
    return seen[0].peer if seen else None


def earliest_sender(notebook: Notebook, cells: Sequence[GossipId]) -> Guess:
    """The same, but by gossip the one who sent it first: flights that the spies know are taken off."""
    if by_stem := _by_stem(notebook, cells):
        return by_stem[0].peer
    seen = sorted(_by_gossip(notebook, cells), key=lambda s: s.left_at)
    return seen[0].peer if seen else None


def most_often(notebook: Notebook, cells: Sequence[GossipId]) -> Guess:
    """Whoever handed cells of the case to most spies by stem: a caller tries another relay, a relay mostly does not."""
    hands: dict[PeerId, dict[PeerId, None]] = {}
    for sighting in _by_stem(notebook, cells):
        hands.setdefault(sighting.peer, {})[sighting.spy] = None
    if not hands:
        return earliest_sender(notebook, cells)
    return max(hands, key=lambda peer: len(hands[peer]))  # of equals the first


def last_stem(notebook: Notebook, cells: Sequence[GossipId]) -> Guess:
    """Whoever handed over a cell by stem last: where spies drop, it is the caller who begins again."""
    by_stem = _by_stem(notebook, cells)
    return by_stem[-1].peer if by_stem else earliest_sender(notebook, cells)


def silence(notebook: Notebook, cells: Sequence[GossipId]) -> Guess:
    """Whoever hides the case from most mute spies: everybody else shows it to them sooner or later."""
    if not notebook.mute or _by_stem(notebook, cells):
        return earliest_sender(notebook, cells)
    hiding: dict[PeerId, int] = {}
    for cell in cells:
        for peer in notebook.silent(cell):
            hiding[peer] = hiding.get(peer, 0) + 1
    return max(hiding, key=lambda peer: hiding[peer]) if hiding else earliest_sender(notebook, cells)


def newcomer(notebook: Notebook, cells: Sequence[GossipId]) -> Guess:
    """Whoever came to the mesh just before the call did: a caller that starts in order to call has no other reason.

    Where nobody did it is as `earliest_sender`. It stands apart from the others, since in a mesh where everybody has been for
    long it is none.
    """
    by_stem = _by_stem(notebook, cells)
    seen = by_stem or _by_gossip(notebook, cells)
    newest = notebook.newest(seen[0].at) if seen else None
    if by_stem or newest is None or seen[0].at - newest[1] > NEW_S:
        return earliest_sender(notebook, cells)
    return newest[0]


ESTIMATORS: Mapping[str, Estimator] = {
    "first_spy": first_spy,
    "earliest_sender": earliest_sender,
    "most_often": most_often,
    "last_stem": last_stem,
    "silence": silence,
}

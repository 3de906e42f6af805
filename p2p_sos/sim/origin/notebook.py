"""What colluding spies write down about each cell: who handed it to whom, how, and when.

Decides what is remembered. Comes in: cells and announcements as they reach a spy. Goes out: for each cell, the sightings in
the order of time. Must not know who called, nor what an estimator makes of it.
"""

from enum import Enum

from attrs import define, field, frozen

from p2p_sos.core.gossip.rpc import GossipId, PeerId

EARLIEST_MAX = 16  # by gossip: so many are kept for having come early


class Via(Enum):
    """How a cell, or word of it, reached a spy."""

    STEM = "stem"
    GOSSIP = "gossip"
    ANNOUNCED = "announced"


@frozen
class Sighting:
    """`peer` showed `spy` that it has a cell, at `at` by the spies' clocks; `left_at`: without the flight, as far as it is known."""

    at: float
    left_at: float
    spy: PeerId
    peer: PeerId
    via: Via


@define(eq=False)
class Notebook:
    """One for all spies of a world: they tell one another everything, at once."""

    spies: dict[PeerId, None] = field(factory=dict)  # themselves, whom they suspect of nothing
    mute: bool = (
        False  # they tell honest nodes nothing: so each of these shows them all that it does not hide
    )
    _links: dict[tuple[PeerId, PeerId], float] = field(factory=dict)  # (spy, peer) -> since when
    _shown: dict[GossipId, dict[tuple[PeerId, PeerId], None]] = field(factory=dict)
    _stem: dict[GossipId, list[Sighting]] = field(factory=dict)
    _gossip: dict[GossipId, list[Sighting]] = field(factory=dict)

    def write(self, cell: GossipId, sighting: Sighting) -> None:
        """One more sighting; those of a spy by a spy say nothing."""
        if sighting.peer in self.spies:
            return
        if sighting.via is Via.STEM:
            self._stem.setdefault(cell, []).append(sighting)
            return
        self._shown.setdefault(cell, {})[sighting.spy, sighting.peer] = None
        known = self._gossip.setdefault(cell, [])
        # One that comes late over a long link may have left before all others.
        if len(known) < EARLIEST_MAX or sighting.left_at < min(s.left_at for s in known):
            known.append(sighting)

    def meet(self, spy: PeerId, peer: PeerId, at: float) -> None:
        """A link of a spy is made."""
        self._links[spy, peer] = at

    def part(self, spy: PeerId, peer: PeerId) -> None:
        """It is gone."""
        self._links.pop((spy, peer), None)

    def newest(self, before: float) -> tuple[PeerId, float] | None:
        """Who met a spy last before a moment, and when it met its first one."""
        since: dict[PeerId, float] = {}
        for (_, peer), at in self._links.items():
            if peer not in self.spies:
                since[peer] = min(at, since.get(peer, at))
        known = [(at, peer) for peer, at in since.items() if at < before]
        return (max(known)[1], max(known)[0]) if known else None

    def silent(self, cell: GossipId) -> tuple[PeerId, ...]:
        """Who has a link to a spy and never showed it this cell, once for each such link; of use where spies are mute."""
        shown = self._shown.get(cell, {})
        return tuple(peer for spy, peer in self._links if (spy, peer) not in shown and peer not in self.spies)

    def stem(self, cell: GossipId) -> tuple[Sighting, ...]:
        """By stem, the first one first."""
        return tuple(self._stem.get(cell, ()))

    def gossip(self, cell: GossipId) -> tuple[Sighting, ...]:
        """By gossip and announcement, the first one first: those that came first, and those that left first."""
        return tuple(self._gossip.get(cell, ()))

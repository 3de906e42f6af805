"""Whose turn it is to be asked.

Decides which peer is asked next. Comes in: who is there, who kept silent. Goes out: a peer. Must not know what is
asked.
"""

from collections.abc import Collection
from random import Random

from attrs import define, field

from p2p_sos.core.gossip.rpc import PeerId


@define(eq=False)
class Turns:
    """All peers in turn, in random order; every second time one that this node dialled itself."""

    _random: Random
    _outbound: dict[PeerId, bool] = field(factory=dict)
    _silent: dict[PeerId, None] = field(factory=dict)
    _decks: dict[str, list[PeerId]] = field(factory=dict)
    _dialled: bool = False

    def __contains__(self, peer: object) -> bool:
        return peer in self._outbound

    def joined(self, peer: PeerId, *, outbound: bool) -> None:
        """A peer is there."""
        self._outbound[peer] = outbound

    def left(self, peer: PeerId) -> None:
        """A peer is gone."""
        self._outbound.pop(peer, None)
        self._silent.pop(peer, None)

    def kept_silent(self, peer: PeerId) -> None:
        """A peer did not answer."""
        self._silent[peer] = None

    def answered(self, peer: PeerId) -> None:
        """A peer answered."""
        self._silent.pop(peer, None)

    def next(self, busy: Collection[PeerId]) -> PeerId | None:
        """Who is asked now; None if there is nobody."""
        free = [peer for peer in self._outbound if peer not in busy]
        eligible = [peer for peer in free if peer not in self._silent] or free
        # "It SHOULD ask all its peers in turn, in random order, and every second time one that it dialled itself."
        # (09-sync §6)
        self._dialled = not self._dialled
        if self._dialled:
            eligible = [peer for peer in eligible if self._outbound[peer]] or eligible
        return self._draw("dialled" if self._dialled else "all", eligible)

    def next_silent(self, busy: Collection[PeerId]) -> PeerId | None:
        """Whose silence is tried once more; None if there is nobody."""
        return self._draw("silent", [peer for peer in self._silent if peer not in busy])

    def _draw(self, name: str, eligible: list[PeerId]) -> PeerId | None:
        if not eligible:
            return None
        deck = self._decks.get(name, [])
        waiting = [peer for peer in deck if peer in eligible]
        if not waiting:
            waiting = deck = self._random.sample(eligible, len(eligible))
        drawn = waiting[0]
        self._decks[name] = [peer for peer in deck if peer in self._outbound and peer != drawn]
        return drawn

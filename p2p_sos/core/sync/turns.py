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
    _silent_s: float
    _outbound: dict[PeerId, bool] = field(factory=dict)
    _silent_until: dict[PeerId, float] = field(factory=dict)
    _decks: dict[bool, list[PeerId]] = field(factory=lambda: {True: [], False: []})
    _dialled: bool = False

    def __contains__(self, peer: object) -> bool:
        return peer in self._outbound

    def joined(self, peer: PeerId, *, outbound: bool) -> None:
        """A peer is there."""
        self._outbound[peer] = outbound

    def left(self, peer: PeerId) -> None:
        """A peer is gone."""
        self._outbound.pop(peer, None)
        self._silent_until.pop(peer, None)

    def kept_silent(self, peer: PeerId, now: float) -> None:
        """A peer did not answer: for a while others go first."""
        if peer in self._outbound:
            self._silent_until[peer] = now + self._silent_s

    def next(self, busy: Collection[PeerId], now: float) -> PeerId | None:
        """Who is asked now; None if there is nobody."""
        free = [peer for peer in self._outbound if peer not in busy]
        heard = [peer for peer in free if self._silent_until.get(peer, now) <= now]
        eligible = heard or free
        # "It SHOULD ask all its peers in turn, in random order, and every second time one that it dialled itself."
        # (09-sync §6)
        self._dialled = not self._dialled
        if self._dialled:
            eligible = [peer for peer in eligible if self._outbound[peer]] or eligible
        return self._draw(eligible) if eligible else None

    def _draw(self, eligible: list[PeerId]) -> PeerId:
        deck = self._decks[self._dialled]
        waiting = [peer for peer in deck if peer in eligible]
        if not waiting:
            waiting = deck = self._random.sample(eligible, len(eligible))
        drawn = waiting[0]
        self._decks[self._dialled] = [peer for peer in deck if peer in self._outbound and peer != drawn]
        return drawn

"""Links: when, and how often, what one node sends reaches another.

Decides the fate of one frame on one direction of one link. Comes in: the size of the frame, the time, a source of draws.
Goes out: the moments of arrival, none if it is lost. Must not know what the frame says.

A frame is lost or doubled whole, with its control parts, and later ones may overtake it when there is jitter. TCP would
send a lost segment again instead; so this is worse than what the mesh meets on the Internet, and a crude picture of
a relay that fails. The greeting of a link (its subscription) is spared: a real stream that fails is opened anew.
"""

from random import Random
from typing import Any

from attrs import define, evolve, field, frozen


@frozen
class Quality:
    """How a link behaves in both directions. `bandwidth` in bytes per second, None without bound."""

    latency_s: float = 0.05
    jitter_s: float = 0.0
    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0  # share of frames that take up to `reordering_s` longer
    reordering_s: float = 0.2
    bandwidth: int | None = None

    def worse(self, **changes: Any) -> "Quality":
        """The same link with some numbers changed."""
        return evolve(self, **changes)


@define(eq=False)
class Direction:
    """One direction of one link."""

    _quality: Quality
    plain_s: float | None = field(init=False)  # the flight of every frame, where nothing varies
    open: bool = True  # False: nothing arrives
    joined: bool = False  # whether there is a connection to send on
    stale: bool = False  # the sender has not noticed yet that the connection is gone
    torn: bool = False  # a cut broke the connection, and both ends noticed
    busy_until: float = 0.0

    def __attrs_post_init__(self) -> None:
        self.quality = self._quality

    @property
    def quality(self) -> Quality:
        """How it behaves now."""
        return self._quality

    @quality.setter
    def quality(self, quality: Quality) -> None:
        self._quality = quality
        varies = quality.loss or quality.duplication or quality.jitter_s or quality.reordering
        self.plain_s = None if varies or quality.bandwidth is not None else quality.latency_s

    def arrivals(self, size_bytes: int, now: float, random: Random, *, spared: bool) -> tuple[float, ...]:
        """When a frame that is sent now arrives."""
        if not (self.open and self.joined):
            return ()
        if self.plain_s is not None:
            return (now + self.plain_s,)
        quality = self._quality
        if quality.loss and not spared and random.random() < quality.loss:
            return ()
        leaves = now
        if quality.bandwidth is not None:
            leaves = self.busy_until = max(now, self.busy_until) + size_bytes / quality.bandwidth
        first = leaves + self._flight_s(random)
        if quality.duplication and not spared and random.random() < quality.duplication:
            return first, leaves + self._flight_s(random)
        return (first,)

    def _flight_s(self, random: Random) -> float:
        quality = self._quality
        flight_s = quality.latency_s
        if quality.jitter_s:
            flight_s += random.uniform(0.0, quality.jitter_s)
        if quality.reordering and random.random() < quality.reordering:
            flight_s += random.uniform(0.0, quality.reordering_s)
        return flight_s

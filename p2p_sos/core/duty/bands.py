"""Bands: who of those that are able answers first, and who waits and looks again.

Decides when this node may answer a call, and whether one more answer is wanted. Comes in: calls, what their
boards say, the cards that are known, timers. Goes out: timers. Must not know policies, slots, or what is said.
"""

from collections.abc import Callable, Collection, Mapping
from random import Random

from attrs import define, field, frozen

from p2p_sos.core.actions import SetTimer
from p2p_sos.core.board.standing import Fitness
from p2p_sos.core.calls.calls import Calls
from p2p_sos.core.events import TimerKey
from p2p_sos.wire.messages import CallId, Key

RankingKey = tuple[CallId, int, bytes]  # the call, the sequence of its description, the cards' fingerprint


@frozen
class BandOpens:
    """A timer: the band of this node opens for a call. Stale unless the call's next look is `at`."""

    call: CallId
    at: float


@frozen
class GuardLooks:
    """A timer: this node looks again whether a call lacks helpers. Stale unless the call's next look is `at`."""

    call: CallId
    at: float


@frozen
class Order:
    """Everybody able, in the order of fitness for one call."""

    fitness: Mapping[Key, Fitness]
    places: tuple[Fitness, ...]


@define(eq=False)
class Ranking:
    """Orders by call, description and cards; nodes that know the same cards may share one."""

    _orders: dict[RankingKey, Order] = field(factory=dict)

    def order(self, key: RankingKey, make: Callable[[], Order]) -> Order:
        """The order of this key, made once."""
        if key not in self._orders:
            self._orders[key] = make()
        return self._orders[key]


@define(eq=False)
class Bands:
    """The waiting of one responder, call by call."""

    own: Key
    calls: Calls
    random: Random = field(repr=False)
    ranking: Ranking = field(factory=Ranking)
    convicted: Callable[[], Collection[Key]] = field(default=tuple)

    def watch(self, call: CallId, now: float) -> list[SetTimer]:
        """A call that concerns this node was heard, or described anew: the timer of its band."""
        return []

    def leave(self, call: CallId) -> None:
        """The call is over, or nobody here answers it any more."""

    def look(self, call: CallId, now: float) -> bool:
        """Whether this node should answer the call now."""
        return self.calls.is_open(call)

    def is_due(self, timer: TimerKey) -> bool:
        """Whether a timer is the newest one of its call."""
        return isinstance(timer, BandOpens | GuardLooks)

    def has_opened(self, call: CallId, now: float) -> bool:
        """Whether the band of this node opened for a call."""
        return self.calls.is_open(call)

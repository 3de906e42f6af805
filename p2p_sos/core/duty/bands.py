"""Bands: who of those that are able answers first, and who waits and looks again.

Decides when this node's band opens for a call, and whether one more answer is wanted. Comes in: calls, what their boards
say, the cards that are known, whether a person is to be asked here, time. Goes out: a look, and the timer of the next.
Must not know policies, slots, or what is said.

The places that a call lacks are offered to those who have not answered yet, in the order of fitness, band by band. When
a call is heard it lacks k helpers and nobody has answered: those are the bands of the specification. When a helper falls
away later the same rule keeps a thousand guards from jumping up together.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping
from random import Random
from typing import Protocol

from attrs import define, field, frozen

from p2p_sos.core.actions import SetTimer
from p2p_sos.core.board.fitness import UNFIT, band_of, capable, day_of, fitness, group_of
from p2p_sos.core.board.judge import Judge
from p2p_sos.core.board.standing import Description, Fitness, View
from p2p_sos.core.calls.calls import Calls, call_of
from p2p_sos.core.calls.cards import card_of
from p2p_sos.core.events import TimerKey
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import Call, CallId, Card, Key
from p2p_sos.wire.registry import PAGE_FACTOR, WAVES_MAX, Severity, Timing

LOOK_JITTER = 0.5  # brief: section 8, a guard looks every W to 1.5 W
EARLY_S = 1e-3  # a timer may fire that much before its time, where clocks run at different rates
PLACES_MAX = 2**18  # guess: 40 MB; the orders of sixteen calls among all the cards that a node keeps
BEFORE_MIN = 256  # guess: of whom it is remembered how they were ranked, whoever they were
URGENT = Severity.SEVERE  # calls of the gravest class are not held back

RankingKey = tuple[CallId, int, bytes]  # the call, the sequence of its description, the cards' fingerprint
Order = tuple[Fitness, ...]  # of everybody able, ascending from the fittest


class KnownCards(Protocol):
    """The cards that a node knows."""

    @property
    def newest(self) -> Mapping[Key, Frame]:
        """The card of each responder that counts."""
        ...

    @property
    def fingerprint(self) -> bytes:
        """Equal for equal cards."""
        ...

    def known_since(self, responder: Key) -> float | None:
        """The local time since which some card of a responder is here without a gap; None if none is."""
        ...

    def of_day(self, responder: Key, day: int) -> Frame | None:
        """The newest card of a responder that is not later than a day, else its newest."""
        ...


@frozen
class BandOpens:
    """A timer: a place is free, and the band of this node opens. Stale unless the call's next look is `at`."""

    call: CallId
    at: float


@frozen
class GuardLooks:
    """A timer: this node looks again whether a call lacks helpers. Stale unless the call's next look is `at`."""

    call: CallId
    at: float


@frozen
class Look:
    """What a node sees when it looks: `wanted` says that it should answer now, `stands_by` that others suffice."""

    wanted: bool = False
    stands_by: bool = False
    timers: tuple[SetTimer, ...] = ()


@define(eq=False)
class Ranking:
    """Orders by call, description and cards; nodes that judge alike and know the same cards may share one."""

    _orders: dict[RankingKey, Order] = field(factory=dict)
    _places: int = 0

    def order(self, key: RankingKey, make: Callable[[], Order]) -> Order:
        """The order of this key; the oldest go when there are too many."""
        order = self._orders.get(key)
        if order is None:
            order = self._orders[key] = make()
            self._places += len(order)
            while self._places > PLACES_MAX and len(self._orders) > 1:
                self._places -= len(self._orders.pop(next(iter(self._orders))))
        return order


@define(eq=False)
class _Watch:
    heard_at: float
    sequence: int
    fitness: Fitness
    place: int
    group: bytes
    lacks_since: float | None
    spread: float
    look_at: float = 0.0
    unmet_since: float | None = None  # since when fewer than k that help are attested; None while k are
    calm: View | None = None  # a view in which nothing is lacking, whatever the hour
    opened: bool = False
    rests_until: float = 0.0
    before: dict[Key, Fitness | None] = field(factory=dict)  # who was ranked here, as far as asked
    groups: tuple[bytes, int, int] = (b"", 0, 0)  # the cards' fingerprint, groups found, groups looked for


@define(eq=False)
class Bands:
    """The waiting of one responder, call by call."""

    own: Key
    calls: Calls
    cards: KnownCards
    judge: Judge
    random: Random = field(repr=False)
    ranking: Ranking = field(factory=Ranking, repr=False)
    convicted: Callable[[], Collection[Key]] = field(default=tuple, repr=False)
    full: Callable[[], Collection[Key]] = field(default=tuple, repr=False)
    asks: Callable[[float], bool] = field(
        default=lambda _now: False, repr=False
    )  # a person decides at that time
    _watches: dict[CallId, _Watch] = field(init=False, factory=dict)

    def __contains__(self, call: CallId) -> bool:
        return call in self._watches

    # ------------------------------------------------------------------ which calls

    def watch(self, call: CallId, now: float, earlier: float | None = None) -> None:
        """A call that concerns this node was heard, or is described anew; `earlier`: heard then, in an earlier run."""
        held, asked = self._watches.get(call), self.calls[call].view.description
        # "A node that restarts counts bands and waves from when it heard the call" (06-board §10.2)
        heard_at = held.heard_at if held is not None else now if earlier is None else earlier
        message = call_of(self.calls[call].frame)
        card = self._card_before(self.own, message, heard_at)
        group = self.judge.standing(card, asked, message, responder=self.own).group
        order = self._order(call, asked, message, heard_at)
        own = fitness(call, self.own, UNFIT if card is None else self._tier(card, asked, message))
        # "For S2 to S4 that is HOLD later, so that S1 gets the slots first." (06-board §10.2) And for a node that knows
        # nobody else: it may have come just now, and the answers of others be on their way.
        place = bisect_left(order, own)
        alone = len(order) == (place < len(order) and order[place] == own)
        hold_s = asked.timing.hold_s if alone or asked.severity < URGENT else 0
        watch = _Watch(
            heard_at,
            asked.sequence,
            own,
            place,
            group,
            lacks_since=heard_at + hold_s if held is None else held.lacks_since,
            spread=self.random.random(),
            unmet_since=heard_at if held is None else held.unmet_since,
        )
        if held is not None:
            watch.opened, watch.rests_until = held.opened, held.rests_until
        elif earlier is not None:
            watch.rests_until = now + asked.timing.band_wait_s
        self._watches[call] = watch

    def leave(self, call: CallId) -> None:
        """The call is over."""
        self._watches.pop(call, None)

    def rest(self, call: CallId, until: float) -> None:
        """Do not answer again before `until`: a claim was given back because others suffice."""
        if (watch := self._watches.get(call)) is not None:
            watch.rests_until = until

    @property
    def waiting(self) -> tuple[CallId, ...]:
        """The calls that lacked helpers when they were looked at last, the first heard first."""
        return tuple(call for call, watch in self._watches.items() if watch.lacks_since is not None)

    def has_opened(self, call: CallId) -> bool:
        """Whether a place was ever offered to this node."""
        return call in self._watches and self._watches[call].opened

    def is_due(self, timer: TimerKey) -> bool:
        """Whether a timer is the newest one of its call."""
        if not isinstance(timer, BandOpens | GuardLooks):
            return False
        watch = self._watches.get(timer.call)
        return watch is not None and watch.look_at == timer.at

    # ------------------------------------------------------------------ the order

    def _card_before(self, responder: Key, message: Call, heard_at: float) -> Frame | None:
        """By which card a responder is ranked: it had one before the call, so its key was not made for it."""
        known_at = self.cards.known_since(responder)
        if known_at is None or known_at > heard_at:
            return None
        return self.cards.of_day(responder, day_of(message))

    def _tier(self, card: Frame, asked: Description, message: Call) -> int:
        rooted = self.judge.accredits(card) is not None
        return self.judge.tier_of(card_of(card), asked, message, rooted=rooted)

    def _order(self, call: CallId, asked: Description, message: Call, heard_at: float) -> Order:
        """The fitness of everybody able of whom a card was here before the call was."""

        def rank() -> Order:
            order = []
            for responder in self.cards.newest:
                card = self._card_before(responder, message, heard_at)
                if card is not None and capable(card_of(card), asked):
                    order.append(fitness(call, responder, self._tier(card, asked, message)))
            return tuple(sorted(order))

        return self.ranking.order((call, asked.sequence, self.cards.fingerprint), rank)

    def _place_among_the_rest(self, call: CallId, view: View, watch: _Watch) -> int:
        """How many fitter ones have not said yet whether they come."""
        # "the number of fitter ones among the ranked that hold no claim, neither declined nor released, and whose hands
        # are not full" (06-board §10.2)
        spoke = dict.fromkeys(claim.responder for claim in view.claims)
        spoke.update(dict.fromkeys(decline.responder for decline in view.declines))
        spoke.update(dict.fromkeys(release.responder for release in view.releases))
        spoke.update(dict.fromkeys(self.convicted()))
        spoke.update(dict.fromkeys(self.full()))
        if len(watch.before) > 2 * len(spoke) + BEFORE_MIN:
            watch.before.clear()  # most of them left the board again
        fitter = 0
        for responder in spoke:
            if responder not in watch.before:
                watch.before[responder] = self._fitness_before(call, view.description, responder, watch)
            ranked = watch.before[responder]
            fitter += ranked is not None and ranked < watch.fitness
        return max(0, watch.place - fitter)

    def _fitness_before(
        self, call: CallId, asked: Description, responder: Key, watch: _Watch
    ) -> Fitness | None:
        message = call_of(self.calls[call].frame)
        card = self._card_before(responder, message, watch.heard_at)
        if card is None or not capable(card_of(card), asked):
            return None
        return fitness(call, responder, self._tier(card, asked, message))

    # ------------------------------------------------------------------ looking

    def look(self, call: CallId, now: float) -> Look:
        """Whether this node should answer the call now, and when it looks again."""
        watch = self._watches[call]
        view = self.calls[call].view
        timing = view.description.timing
        if self._is_met(view, watch):
            watch.unmet_since = None
        elif watch.unmet_since is None:
            watch.unmet_since = now
        if view is watch.calm:
            return Look(stands_by=True, timers=self._again(call, watch, timing.band_wait_s, now))
        lack = self._lack(view, watch, now)
        if lack <= 0:
            # Neither time nor more cards change what was found now, until the view itself changes.
            if _met(view) >= timing.k and _filled(view, watch.fitness) >= timing.k:
                watch.calm = view
            if watch.lacks_since is not None and now >= watch.lacks_since - EARLY_S:
                watch.lacks_since = None
            return Look(stands_by=True, timers=self._again(call, watch, timing.band_wait_s, now))
        if watch.lacks_since is None:
            watch.lacks_since, watch.spread = now, self.random.random()
        place = self._place_among_the_rest(call, view, watch)
        waits_s = (
            asked_after_s(place, lack, timing)
            if self.asks(now)
            else _opens_after_s(place, lack, timing, watch)
        )
        opens_at = max(watch.lacks_since + waits_s, watch.rests_until)
        if now >= opens_at - EARLY_S:
            watch.opened = True
            return Look(wanted=True, timers=self._again(call, watch, timing.band_wait_s, now))
        return Look(timers=self._again(call, watch, timing.band_wait_s, now, opens_at))

    def is_needless(self, call: CallId) -> bool:
        """Whether a question that waits for its answer has become needless: V met as many as it needs, and did not name this node."""
        view, watch = self.calls[call].view, self._watches.get(call)
        if watch is None or (view.requisition is not None and view.requisition.names(self.own)):
            return False
        # "A question that waits is withdrawn when `k` groups of attested claims count, and not before" (06-board §10.2)
        return self._is_met(view, watch)

    def spares(self, call: CallId, now: float) -> bool:
        """Whether one helper less would still be enough."""
        view, watch = self.calls[call].view, self._watches.get(call)
        waves = WAVES_MAX if watch is None else self._waves(view, watch, now)
        return view.groups > view.description.timing.k << waves

    def _lack(self, view: View, watch: _Watch, now: float) -> int:
        """How many more groups are wanted, as far as this node may help: none where its own group helps already."""
        # "Nothing is lacking for a node whose own group has one, nor while a requisition is effective." (06-board §10.2)
        if view.requisition is not None and view.requisition.effective:
            return 0
        if any(claim.group == watch.group for claim in view.helpers):
            return 0
        k = view.description.timing.k
        wanted = k << self._waves(view, watch, now)
        if self.asks(now):
            # "more than `k` only by as many as claimed and do not count any more, or gave their claim back" (06-board §10.2)
            wanted = min(wanted, k + _lost(view))
        known = self._groups_known(view.description, watch, wanted)
        return min(wanted, known) - _filled(view, watch.fitness)

    def _is_met(self, view: View, watch: _Watch) -> bool:
        """Whether V met as many as it needs, or all that are able: one alone, which may be a liar, says nothing of the rest."""
        met, k = _met(view), view.description.timing.k
        return met >= k or 0 < met >= self._groups_known(view.description, watch, k)

    def _waves(self, view: View, watch: _Watch, now: float) -> int:
        """How often k has doubled: after PROG, after two more, after four more, while too few are attested."""
        if watch.unmet_since is None or self._is_met(view, watch):
            return 0
        timing = view.description.timing
        spoke = self.calls.board(view.call).victim_spoke
        progress_s = timing.progress_online_s if spoke else timing.progress_silent_s
        return min(WAVES_MAX, int((now - watch.unmet_since) / progress_s + 1).bit_length() - 1)

    def _groups_known(self, asked: Description, watch: _Watch, most: int) -> int:
        """How many groups are able, this node's own included, counted up to `most`."""
        fingerprint, found, looked_for = watch.groups
        # Who found fewer than it looked for has seen them all.
        if found < most and (fingerprint != self.cards.fingerprint or found == looked_for):
            groups: dict[bytes, None] = {watch.group: None}
            for responder, card in self.cards.newest.items():
                if len(groups) >= most:
                    break
                if isinstance(card.message, Card) and capable(card.message, asked):
                    roots = bool(self.judge.profile.roots)
                    vouched = self.judge.accredits(card) if roots else None
                    groups[group_of(responder, vouched, roots)] = None
            found = len(groups)
            watch.groups = (self.cards.fingerprint, found, most)
        return found

    def _again(
        self, call: CallId, watch: _Watch, wait_s: float, now: float, opens_at: float | None = None
    ) -> tuple[SetTimer, ...]:
        """The timer of the next look, unless the one that runs is early enough."""
        runs = now < watch.look_at - EARLY_S
        if opens_at is not None:
            if runs and watch.look_at <= opens_at:
                return ()
            watch.look_at = opens_at
            return (SetTimer(BandOpens(call, opens_at), opens_at),)
        if runs:
            return ()
        # "Else it *guards*: it looks again every W to 1.5 W, at random, until the call closes." (06-board §10.2)
        watch.look_at = now + wait_s * (1 + LOOK_JITTER * self.random.random())
        return (SetTimer(GuardLooks(call, watch.look_at), watch.look_at),)


def _opens_after_s(place: int, lack: int, timing: Timing, watch: _Watch) -> float:
    """How long after the call began to lack a machine at this place answers it."""
    # "Band b opens b · W after the call began to lack" (06-board §10.2)
    band = band_of(place, lack)
    # A later band is larger than the lack: its first ones make the others stay.
    spread = watch.spread * LOOK_JITTER if band else 0.0
    return (band + spread) * timing.band_wait_s


def asked_after_s(place: int, lack: int, timing: Timing) -> float:
    """How long after the call began to lack the person at this place is asked: at once in band 0, then one after the other."""
    band, size = band_of(place, lack), lack << band_of(place, lack)
    if band == 0:
        return 0.0
    # "from band 1 on they are asked one after the other, in the order of their places and without chance" (06-board §10.2)
    share = (place + 1 - (size - lack)) / size
    return (band - 1 + share) * PAGE_FACTOR * timing.band_wait_s


def _lost(view: View) -> int:
    """How many answered and are no help any more, whatever became of them."""
    return sum(not claim.counts for claim in view.claims) + len(view.releases)


def _filled(view: View, own: Fitness) -> int:
    """How many groups hold places that a responder of this fitness leaves them."""
    # "A claim that nobody attested fills no place for a responder that is fitter." (06-board §10.2)
    return len({claim.group: None for claim in view.helpers if claim.attested or claim.fitness < own})


def _met(view: View) -> int:
    """How many groups of those that count V met, or others in its place."""
    return len({claim.group for claim in view.helpers if claim.attested})

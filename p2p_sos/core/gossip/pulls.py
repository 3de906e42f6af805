"""What was announced to us and is not here: whom to ask for it, when, and who broke a promise.

Comes in: announcements, arrivals, the time. Goes out: ids to ask of a peer, and broken promises. Must not know
what the messages say.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from random import Random

from attrs import define, field

from p2p_sos.core.gossip.rpc import GossipId, PeerId
from p2p_sos.core.gossip.settings import GossipSettings

NEVER = float("inf")


@define(eq=False)
class Wanted:
    """One id that we lack."""

    first: PeerId  # who announced it first: the room is counted against it
    announcers: dict[PeerId, float]  # -> when we asked it last, NEVER if not yet
    due: float  # when to ask the next one, NEVER if nobody is left to ask
    asked_at: float = -NEVER
    patient_until: float = -NEVER  # by then whoever was asked last should have answered


@define
class Pulls:
    """The ids that we lack, and the promises of those we asked."""

    _settings: GossipSettings
    _wanted: dict[GossipId, Wanted] = field(factory=dict)
    _firsts: dict[PeerId, dict[GossipId, None]] = field(factory=dict)  # who takes how much room
    _due: list[tuple[float, GossipId]] = field(factory=list)  # a heap; stale when `Wanted.due` differs
    _promises: dict[tuple[PeerId, GossipId], float] = field(factory=dict)  # oldest first

    def __len__(self) -> int:
        return len(self._wanted)

    @property
    def next_due(self) -> float:
        """When somebody must be asked, NEVER if nothing is due."""
        while self._due:
            due, gossip_id = self._due[0]
            wanted = self._wanted.get(gossip_id)
            if wanted is not None and wanted.due == due:
                return due
            heappop(self._due)
        return NEVER

    def make_room(self, peer: PeerId) -> GossipId | None:
        """What has to go so that one more announced by `peer` fits: the newest of whoever takes the most room."""
        if len(self._wanted) < self._settings.wanted_max:
            return None
        mine = len(self._firsts.get(peer, ()))
        if (mine + 1) * len(self._firsts) > self._settings.wanted_max:
            return None
        # "When it finds no room, the peer with the most ids in it gives way." (04-gossip §7)
        greedy = max(self._firsts.values(), key=len)
        if len(greedy) <= mine + 1:
            return None
        gossip_id = next(reversed(greedy))
        self._give_up(gossip_id, forgiven=True)
        return gossip_id

    def _give_up(self, gossip_id: GossipId, *, forgiven: bool) -> None:
        wanted = self._wanted.pop(gossip_id, None)
        if wanted is None:
            return
        if forgiven:
            for peer in wanted.announcers:
                self._promises.pop((peer, gossip_id), None)
        firsts = self._firsts[wanted.first]
        del firsts[gossip_id]
        if not firsts:
            del self._firsts[wanted.first]

    def announced(self, gossip_id: GossipId, peer: PeerId, now: float) -> bool:
        """A peer holds what we lack; False if we cannot remember it."""
        settings = self._settings
        wanted = self._wanted.get(gossip_id)
        if wanted is None:
            # "A reader MUST bound what it remembers of announcements." (04-gossip §7)
            if len(self._wanted) >= settings.wanted_max:
                return False
            wanted = self._wanted[gossip_id] = Wanted(peer, {}, NEVER)
            self._firsts.setdefault(peer, {})[gossip_id] = None
        asked_at = wanted.announcers.get(peer)
        if asked_at is None and len(wanted.announcers) >= settings.announcers_max:
            return True
        if asked_at is None or now - asked_at >= settings.promise_s:
            wanted.announcers[peer] = NEVER
        if wanted.due == NEVER and wanted.announcers[peer] == NEVER:
            # "A reader SHOULD wait 5 ms before it asks, so that the nearest announcer can be chosen." (04-gossip §7)
            wanted.due = max(now + settings.want_delay_s, wanted.patient_until)
            heappush(self._due, (wanted.due, gossip_id))
        return True

    def ask(
        self, now: float, distance_s: Callable[[PeerId], float], random: Random
    ) -> dict[PeerId, list[GossipId]]:
        """Whom to ask now for what; some ids of each peer's are its promises."""
        asks: dict[PeerId, list[GossipId]] = {}
        while self.next_due <= now:
            _, gossip_id = heappop(self._due)
            wanted = self._wanted[gossip_id]
            wanted.due = NEVER
            left = [p for p, at in wanted.announcers.items() if at == NEVER and distance_s(p) < NEVER]
            if not left:
                continue
            nearest = min(left, key=distance_s)
            wanted.announcers[nearest] = wanted.asked_at = now
            asks.setdefault(nearest, []).append(gossip_id)
            wanted.patient_until = now + distance_s(nearest) + self._settings.want_delay_s
            if len(left) > 1:
                wanted.due = wanted.patient_until
                heappush(self._due, (wanted.due, gossip_id))
        # "One id of every `announce_ids_max` of it, drawn at random, is the peer's promise." (04-gossip §7)
        frame = self._settings.announce_ids_max
        for peer, ids in asks.items():
            for start in range(0, len(ids), frame):
                self._promises[peer, random.choice(ids[start : start + frame])] = (
                    now + self._settings.promise_s
                )
        return asks

    def arrived(self, gossip_id: GossipId) -> None:
        """A message is here: nobody need be asked, and every promise of it is kept."""
        self._give_up(gossip_id, forgiven=True)

    def forgive(self, peer: PeerId) -> None:
        """Our own limit, or a lost connection, kept a peer from keeping its promises."""
        for promise in [p for p in self._promises if p[0] == peer]:
            del self._promises[promise]

    def forgive_all(self) -> None:
        """We slept: what was promised may well lie unread."""
        self._promises.clear()

    def broken(self, now: float) -> dict[PeerId, int]:
        """Who broke how many promises since the last time."""
        count: dict[PeerId, int] = {}
        for promise in [p for p, until in self._promises.items() if until <= now]:
            del self._promises[promise]
            count[promise[0]] = count.get(promise[0], 0) + 1
        return count

    def expire(self, now: float) -> list[GossipId]:
        """Give up what nobody is left to ask for; a new announcement brings it back."""
        old = [
            i
            for i, wanted in self._wanted.items()
            if wanted.due == NEVER and now - wanted.asked_at >= self._settings.promise_s
        ]
        for gossip_id in old:
            self._give_up(gossip_id, forgiven=False)
        return old

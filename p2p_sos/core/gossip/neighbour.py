"""One peer as the router sees it: its link, its conduct, its budget.

Comes in: what the peer did, and when. Goes out: its score and whether it may still be read. Must not know the
messages' meaning, nor the other peers.
"""

from attrs import Factory, define, frozen

from p2p_sos.core.gossip.rpc import GossipId, PeerId
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.gossip.states import LINK_TRANSITIONS, LinkState, LinkStep

COUNTS_AS_NOTHING = 0.01


@frozen
class PeerView:
    """What others may know of a peer."""

    peer: PeerId
    outbound: bool
    protocol: str
    score: float
    round_trip_s: float | None
    in_mesh: bool


@frozen
class Record:
    """What is remembered of a peer that left."""

    invalid: float
    behaviour: float
    backoff_until: float
    left_at: float


@define
class Allowance:
    """What a peer used up since the last heartbeat."""

    ihave_frames: int = 0
    ihave_ids: int = 0
    iwant_ids: int = 0
    iwant_bytes: int = 0
    idontwant_ids: int = 0
    mesh_requests: int = 0
    subscriptions: int = 0
    announced_frames: int = 0  # the two that we use up ourselves
    announced_ids: int = 0


@define(eq=False)
class Neighbour:
    """A connected peer."""

    peer: PeerId
    outbound: bool
    protocol: str
    tokens: float  # bytes that may still be read now
    tokens_at: float

    link: LinkState = LinkState.STRANGER
    subscribed: bool = False  # link is not STRANGER ...
    eager: bool = False  # ... and link is EAGER: plain flags, since every message asks
    chosen: bool = False  # we grafted it, not it us
    backoff_until: float = 0.0
    backoff_of_old: bool = False  # told on an earlier connection, perhaps to a process that is no more
    dropped: bool = False
    round_trip_s: float | None = None
    waiting_bytes: int = 0

    mesh_since: float = 0.0
    first: float = 0.0  # P2
    expected: int = 0  # P3: messages accepted while the link was eager ...
    brought: int = 0  # ... and how many of them it brought or announced in time
    invalid: float = 0.0  # P4
    behaviour: float = 0.0  # P7
    score: float = 0.0

    allowance: Allowance | None = None  # of this heartbeat, once anything is used up
    queue: dict[GossipId, None] = Factory(dict)  # ids to announce
    unwanted: dict[GossipId, int] = Factory(dict)  # IDONTWANT of the peer -> heartbeats left
    served: dict[GossipId, int] = Factory(dict)  # how often the peer fetched what

    @property
    def used(self) -> Allowance:
        """What the peer used up since the last heartbeat."""
        if self.allowance is None:
            self.allowance = Allowance()
        return self.allowance

    @property
    def takes_idontwant(self) -> bool:
        """Whether it speaks version 1.2 or later."""
        return self.protocol.rpartition("/")[2].split(".")[:2] >= ["1", "2"]

    def step(self, step: LinkStep, now: float) -> None:
        """Move the link."""
        before, self.link = self.link, LINK_TRANSITIONS[self.link, step]
        self.subscribed = self.link is not LinkState.STRANGER
        self.eager = self.link is LinkState.EAGER
        if self.eager and before is not LinkState.EAGER:
            self.mesh_since, self.expected, self.brought = now, 0, 0
        if not self.eager:
            self.chosen = False

    def take(self, size_bytes: int, settings: GossipSettings, now: float) -> bool:
        """Pay for a frame; False when the peer sent more than its share."""
        tokens = self.tokens + (now - self.tokens_at) * settings.budget_bytes_per_s
        tokens = min(tokens, settings.budget_burst_bytes)
        self.tokens_at = now
        paid = size_bytes <= tokens
        self.tokens = tokens - size_bytes if paid else tokens
        return paid

    def owe(self, announced: tuple[GossipId, ...]) -> None:
        """What was announced again is served once more, or we would break our word."""
        # "Announced again, it is served once more." (04-gossip §7)
        for gossip_id in announced if self.served else ():
            if self.served.get(gossip_id):
                self.served[gossip_id] -= 1

    def expect(self, brought: bool, settings: GossipSettings) -> None:
        """Count a message accepted while the link is eager."""
        self.expected += 1
        self.brought += brought
        if self.expected >= settings.quiet_memory:
            self.expected //= 2
            self.brought //= 2

    def quietness(self, settings: GossipSettings, now: float) -> float:
        """0 for a link that brings messages, up to 1 for one that, in the mesh, brought none for long."""
        if not self.eager or self.expected < settings.quiet_expected:
            return 0.0
        if now - self.mesh_since < settings.quiet_after_s:
            return 0.0
        return max(0.0, 1.0 - self.brought / (self.expected * settings.quiet_share))

    def weigh(self, settings: GossipSettings, now: float) -> float:
        """Compute the score anew."""
        # Most links have nothing but time in the mesh to their name, and each is weighed at every heartbeat.
        score = 0.0
        if self.eager:
            score += settings.mesh_time_weight * min(now - self.mesh_since, settings.mesh_time_max_s)
        if self.first:
            score += settings.first_weight * self.first
        if self.expected >= settings.quiet_expected:
            score += settings.quiet_weight * self.quietness(settings, now) ** 2
        if self.invalid:
            score += settings.invalid_weight * self.invalid**2
        if self.behaviour > settings.behaviour_threshold:
            score += settings.behaviour_weight * (self.behaviour - settings.behaviour_threshold) ** 2
        self.score = score
        return self.score

    def beat(self, settings: GossipSettings, now: float) -> None:
        """A heartbeat: forgive and forget its worth, and weigh the peer anew."""
        self._decay(settings)
        self.weigh(settings, now)

    def _decay(self, settings: GossipSettings) -> None:
        if self.first:
            self.first = _decayed(self.first, settings.first_decay)
        if self.invalid:
            self.invalid = _decayed(self.invalid, settings.invalid_decay)
        if self.behaviour:
            self.behaviour = _decayed(self.behaviour, settings.behaviour_decay)
        if self.unwanted:
            self.unwanted = {i: beats - 1 for i, beats in self.unwanted.items() if beats > 1}

    def record(self, now: float) -> Record | None:
        """What must outlive the connection, if anything."""
        if self.invalid == 0 and self.behaviour == 0 and self.backoff_until <= now:
            return None
        return Record(self.invalid, self.behaviour, self.backoff_until, now)

    def resume(self, record: Record, settings: GossipSettings, now: float) -> None:
        """Take up a record of an earlier connection."""
        beats = (now - record.left_at) / settings.heartbeat_s
        self.invalid = _decayed(record.invalid, settings.invalid_decay**beats)
        self.behaviour = _decayed(record.behaviour, settings.behaviour_decay**beats)
        self.backoff_until, self.backoff_of_old = record.backoff_until, True
        self.weigh(settings, now)

    def distance_s(self, settings: GossipSettings) -> float:
        """The round trip, or what we take it for until it is measured."""
        return settings.round_trip_guess_s if self.round_trip_s is None else self.round_trip_s

    def view(self) -> PeerView:
        """What others may know."""
        return PeerView(self.peer, self.outbound, self.protocol, self.score, self.round_trip_s, self.eager)


def _decayed(value: float, factor: float) -> float:
    left = value * factor
    return left if left >= COUNTS_AS_NOTHING else 0.0

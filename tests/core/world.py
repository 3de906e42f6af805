"""A small world: whole nodes, an event heap, links with a delay, stores that outlive their nodes.

Deterministic: one seed gives one trace. Verification is immediate, with the real checks; a node can be killed
between two events and started again from its rows.
"""

import hashlib
import heapq
import itertools
import random
from typing import Any

from attrs import define, evolve, field

from p2p_sos.core.actions import (
    Action,
    Disconnect,
    Forget,
    Keep,
    SendRpc,
    SendSync,
    SetTimer,
    Solve,
    Tell,
    Verify,
)
from p2p_sos.core.case.case import VictimSecrets, case_rows, compose_call
from p2p_sos.core.duty.policy import Policy, Responder
from p2p_sos.core.events import (
    ClockRead,
    Event,
    PeerJoined,
    PeerLeft,
    Restored,
    RpcReceived,
    Solved,
    Started,
    SyncReceived,
    TimerFired,
    Verified,
    VictimCalls,
)
from p2p_sos.core.gossip.rpc import Carried, Rpc
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.node import Node
from p2p_sos.core.notices import Notice
from p2p_sos.core.tables import Table
from p2p_sos.wire.checks import check
from p2p_sos.wire.frames import Frame, id_of, seal
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import Call, CallId
from p2p_sos.wire.profiles import PROFILES, Profile
from p2p_sos.wire.registry import (
    CALL_EPOCH_S,
    TOPIC,
    Certainty,
    Nature,
    Need,
    Sector,
    Severity,
    Status,
    Urgency,
)
from p2p_sos.wire.stamps import solve

PROFILE = evolve(PROFILES["laboratory"], name="small world", stamp_effort_min=1)
START_UNIX_S = 1_790_000_000.0
CLOCK_EVERY_S = 60.0
NONCE = bytes(16)


def seed_of(text: str) -> bytes:
    """32 bytes that belong to a name."""
    return hashlib.blake2b(text.encode(), digest_size=32).digest()


def responder(name: str, policy: Policy | None = None) -> Responder:
    """A responder whose keys follow from its name."""
    key = SigningKey(seed_of(f"{name} key"))
    return Responder(key, policy or Policy(), f"we are {name}")


def victim(name: str = "victim", situation: str = "all files are encrypted") -> VictimSecrets:
    """A victim whose keys follow from its name."""
    return VictimSecrets(SigningKey(seed_of(f"{name} call")), seed_of(f"{name} exchange"), situation)


def stamped_call(secrets: VictimSecrets, profile: Profile = PROFILE, **fields: Any) -> Frame:
    """A finished CALL; `fields` change those of an ordinary one."""
    told: dict[str, Any] = {
        "epoch": int(START_UNIX_S) // CALL_EPOCH_S,
        "status": Status.ACTUAL,
        "severity": Severity.SEVERE,
        "urgency": Urgency.IMMEDIATE,
        "certainty": Certainty.OBSERVED,
        "nature": Nature.OTHER__UNDETERMINED,
        "needs": 1 << Need.RESTORE_DATA,
        "sector": Sector.HEALTH,
    }
    effort = fields.pop("effort", profile.stamp_effort_min)
    call: Call = compose_call(secrets, **(told | fields))
    stamp = solve(id_of(call, profile.network), effort, start=NONCE)
    return seal(call, profile.network, secrets.call_key, stamp)


@define
class Store:
    """What a node kept, table by table."""

    rows: dict[Table, dict[bytes, bytes]] = field(factory=lambda: {table: {} for table in Table})

    def write(self, action: Keep | Forget) -> None:
        """One change."""
        if isinstance(action, Keep):
            self.rows[action.table][action.key] = action.value
        else:
            self.rows[action.table].pop(action.key, None)


@define(eq=False)
class Place:
    """One node's place in the world: it stays when the node is killed."""

    name: str
    responder: Responder | None
    victim: VictimSecrets | None
    store: Store = field(factory=Store)
    node: Node | None = None
    life: int = 0
    links: dict[str, bool] = field(factory=dict)
    notices: list[tuple[float, Notice]] = field(factory=list)

    def told(self, kind: type[Any]) -> list[Any]:
        """The notices of one class."""
        return [notice for _, notice in self.notices if isinstance(notice, kind)]


class World:
    """Places and the links between them; `now` is everybody's monotonic time."""

    def __init__(self, seed: int = 0, *, delay_s: float = 0.02, profile: Profile = PROFILE) -> None:
        self.now = 0.0
        self.delay_s = delay_s
        self.profile = profile
        self.places: dict[str, Place] = {}
        self.lost: list[tuple[str, str]] = []  # ordered pairs between which nothing arrives
        self._seed = seed
        self._strangers: list[tuple[str, str, int]] = []
        self._heap: list[tuple[float, int, str, int, Event]] = []
        self._count = itertools.count()
        self._trace = hashlib.blake2b(digest_size=16)

    @property
    def digest(self) -> str:
        """What happened, in one word."""
        return self._trace.hexdigest()

    def __getitem__(self, name: str) -> Place:
        return self.places[name]

    def node(self, name: str) -> Node:
        """A living node."""
        node = self.places[name].node
        assert node is not None, f"{name} is down"
        return node

    # ------------------------------------------------------------------ building

    def add(
        self, name: str, *, responder: Responder | None = None, victim: VictimSecrets | None = None
    ) -> Place:
        """A new place with a living node."""
        place = self.places[name] = Place(name, responder, victim)
        if victim is not None:
            for key, value in case_rows(victim):
                place.store.write(Keep(Table.CASE, key, value))
        self.start(name)
        return place

    def start(self, name: str) -> None:
        """Start a node from its rows, and connect it again."""
        place = self.places[name]
        assert place.node is None, f"{name} is up"
        place.life += 1
        draws = random.Random(f"{self._seed} {name} {place.life}")
        place.node = Node(
            profile=self.profile,
            gossip=GossipSettings(),
            random=draws,
            entropy=draws.randbytes,
            rings=lambda a, b: 0 if a == b else None,
            responder=place.responder,
            victim=place.victim,
        )
        for table in Table:
            self.tell(name, Restored(table, tuple(sorted(place.store.rows[table].items()))))
        self.tell(name, ClockRead(START_UNIX_S + self.now))
        self.tell(name, Started())
        self._push(name, CLOCK_EVERY_S, ClockRead(0.0))
        for other, outbound in place.links.items():
            self._join(name, other, outbound)

    def kill(self, name: str) -> None:
        """SIGKILL: nothing survives but the rows."""
        place = self.places[name]
        place.node = None
        place.life += 1
        for other in place.links:
            if self.places[other].node is not None:
                self.tell(other, PeerLeft(name))

    def link(self, dialler: str, other: str) -> None:
        """Connect two places for good."""
        self.places[dialler].links[other] = True
        self.places[other].links[dialler] = False
        self._join(dialler, other, True)

    def _join(self, name: str, other: str, outbound: bool) -> None:
        if self.places[name].node is None or self.places[other].node is None:
            return
        self._push(name, self.delay_s, PeerJoined(other, outbound, "/meshsub/1.2.0", name))
        self._push(other, self.delay_s, PeerJoined(name, not outbound, "/meshsub/1.2.0", other))

    def ring(self, names: list[str], chords: int = 1) -> None:
        """Link places in a ring, with chords to the places that many steps further."""
        for step in range(1, chords + 1):
            for index, name in enumerate(names):
                other = names[(index + step) % len(names)]
                if other != name and other not in self.places[name].links:
                    self.link(name, other)

    # ------------------------------------------------------------------ happening

    def _push(self, name: str, after_s: float, event: Event) -> None:
        life = self.places[name].life
        heapq.heappush(self._heap, (self.now + after_s, next(self._count), name, life, event))

    def tell(self, name: str, event: Event) -> None:
        """Let an event happen to a node now."""
        self._perform(name, self.node(name).handle(event, self.now))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + max(0.0, seconds)
        while self._heap and self._heap[0][0] <= until:
            self.now, _, name, life, event = heapq.heappop(self._heap)
            place = self.places[name]
            if place.node is None or place.life != life:
                continue
            if isinstance(event, ClockRead):
                event = ClockRead(START_UNIX_S + self.now)
                self._push(name, CLOCK_EVERY_S, event)
            self.tell(name, event)
        self.now = until

    def _perform(self, name: str, actions: list[Action]) -> None:
        place = self.places[name]
        for action in actions:
            self._trace.update(f"{self.now:.6f} {name} {type(action).__name__}".encode())
            match action:
                case Keep() | Forget():
                    self._trace.update(action.key)
                    place.store.write(action)
                case SendRpc(peer=peer, rpc=rpc):
                    self._trace.update(repr([message.id for message in rpc.messages]).encode())
                    self._send(name, peer, rpc)
                case SendSync(peer=peer, frame=frame):
                    self._trace.update(frame)
                    self._send_sync(name, peer, frame)
                case SetTimer(key=key, at=at):
                    self._push(name, max(0.0, at - self.now), TimerFired(key))
                case Verify(gossip_id=gossip_id, frame=frame):
                    self._push(name, 0.0, Verified(gossip_id, frame, check(frame, self.profile)))
                case Solve(message=message, effort=effort, start=start):
                    self._push(name, 0.0, Solved(message, solve(message, effort, start=start)))
                case Tell(notice=notice):
                    self._trace.update(type(notice).__name__.encode())
                    place.notices.append((self.now, notice))
                case Disconnect(peer=peer):
                    place.links.pop(peer, None)

    def _send(self, name: str, peer: str, rpc: Rpc) -> None:
        if peer not in self.places or self.places[peer].node is None or (name, peer) in self.lost:
            return
        size = 16 + sum(2048 for _ in rpc.messages)
        self._push(peer, self.delay_s, RpcReceived(name, rpc, size))

    def _send_sync(self, name: str, peer: str, frame: bytes) -> None:
        if peer not in self.places or self.places[peer].node is None or (name, peer) in self.lost:
            return
        self._push(peer, self.delay_s, SyncReceived(name, frame))

    def inject(self, name: str, *frames: Frame, stranger: str = "stranger") -> None:
        """A stranger joins a node, if it has not yet, and sends it cells."""
        met = (name, stranger, self.places[name].life)
        if met not in self._strangers:
            self._strangers.append(met)
            self.tell(name, PeerJoined(stranger, False, "/meshsub/1.2.0", stranger))
        for frame in frames:
            carried = Carried(gossip_id(frame.cell, canonical=True), frame.cell, TOPIC)
            self.tell(name, RpcReceived(stranger, Rpc(messages=(carried,)), 2100))

    # ------------------------------------------------------------------ the usual story

    def call(self, name: str, **fields: Any) -> CallId:
        """The victim at `name` calls."""
        secrets = self.places[name].victim
        assert secrets is not None, f"{name} is no victim"
        told = {"epoch": int(START_UNIX_S + self.now) // CALL_EPOCH_S} | fields
        frame = stamped_call(secrets, self.profile, **told)
        self.tell(name, VictimCalls(frame))
        return frame.id


def city(count: int = 8, seed: int = 0, *, policy: Policy | None = None) -> World:
    """`count` responders in a ring with chords, and a victim linked to three of them."""
    world = World(seed)
    names = [f"node{index}" for index in range(count)]
    for name in names:
        world.add(name, responder=responder(name, policy))
    world.ring(names, chords=2)
    world.run(2.0)
    world.add("victim", victim=victim())
    for name in names[:3]:
        world.link("victim", name)
    world.run(2.0)
    return world

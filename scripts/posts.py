"""Real nodes in one process, as they run in production, and callers that come and go: over libp2p on loopback.

Comes in: a folder, a number of nodes, the weather between them. Goes out: posts that run, die and come back, and what each
was told, with its time. What is missing is the local API and the log alone. Judges nothing.
"""

import os
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import trio
from attrs import define, field
from shaping import ShapedMesh, Weather

from p2p_sos.core.actions import Keep
from p2p_sos.core.case.case import VictimSecrets, case_rows, compose_call
from p2p_sos.core.duty.policy import Policy, Responder
from p2p_sos.core.events import VictimCalls, VictimClears
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.node import Node
from p2p_sos.core.notices import (
    CallClosed,
    CallHeard,
    ClaimSeen,
    LeadChanged,
    Notice,
    SitrepRefused,
    SitrepSeen,
)
from p2p_sos.core.tables import Table
from p2p_sos.drivers.cells import rings
from p2p_sos.drivers.p2p.mesh import Libp2pMesh
from p2p_sos.drivers.runner import Runner
from p2p_sos.drivers.store import NodeStore
from p2p_sos.wire import registry as r
from p2p_sos.wire.checks import check
from p2p_sos.wire.frames import Frame, id_of, seal
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import CallId, Key
from p2p_sos.wire.profiles import PROFILES
from p2p_sos.wire.stamps import solve

PROFILE = PROFILES["laboratory"]
DIALS = 4  # as in the simulator: about eight neighbours each
RELAYS = 3  # that a caller knows
SLOTS = 16
START_S = 60.0


@define
class Told:
    """What one node knows of one call, as it told its people."""

    heard_at: float | None = None
    lead: Key | None = None
    closed: str = ""
    claims: dict[Key, float] = field(factory=dict)  # when each was seen first
    own_claims: int = 0
    sitreps: int = 0
    refused: int = 0


@define(eq=False)
class Post:
    """One place: its keys and its store outlive the node that runs there."""

    number: int
    folder: Path
    weather: Weather
    dials: list["Post"] = field(factory=list)
    host_seed: bytes = field(factory=partial(os.urandom, 32))
    responder: Responder | None = None
    victim: VictimSecrets | None = None
    listen: str = "/ip4/127.0.0.1/tcp/0"
    told: dict[CallId, Told] = field(factory=dict)
    changed: Callable[[], None] = lambda: None
    node: Node = field(init=False)
    mesh: Libp2pMesh = field(init=False)
    runner: Runner = field(init=False)
    _scope: trio.CancelScope = field(init=False, factory=trio.CancelScope)
    _ended: trio.Event = field(init=False, factory=trio.Event)

    @property
    def key(self) -> Key:
        """Who answers here; empty for a caller."""
        return b"" if self.responder is None else self.responder.key.public

    def about(self, call: CallId) -> Told:
        """What it told of a call."""
        return self.told.setdefault(call, Told())

    def _hear(self, notice: Notice) -> None:
        call = getattr(notice, "call", None)
        if call is None:
            return
        told, now = self.about(call), trio.current_time()
        match notice:
            case CallHeard():
                told.heard_at = now
            case ClaimSeen(responder=responder):
                told.claims.setdefault(responder, now)
                told.own_claims += responder == self.key
            case LeadChanged(lead=lead):
                told.lead = lead
            case CallClosed(how=how):
                told.closed = how
            case SitrepSeen():
                told.sitreps += 1
            case SitrepRefused():
                told.refused += 1
        self.changed()

    async def live(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run a node here until it is killed."""
        self._scope, self._ended = trio.CancelScope(), trio.Event()
        known = [address for post in self.dials for address in post.mesh.addresses]
        self.mesh = Libp2pMesh(self.host_seed, [self.listen] if self.victim is None else [], known)
        self.node = Node(
            profile=PROFILE,
            gossip=GossipSettings(),
            random=random.Random(os.urandom(16)),
            entropy=os.urandom,
            rings=rings,
            responder=self.responder,
            victim=self.victim,
        )
        store = NodeStore(self.folder / f"{self.number}.db")
        shaped = ShapedMesh(self.mesh, self.weather)
        self.runner = Runner(self.node, shaped, store, self._hear, check=partial(check, profile=PROFILE))
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    await nursery.start(self.runner.run)
                    if self.victim is None:  # whoever dialled it finds it again at the same port
                        self.listen = self.mesh.addresses[0].split("/p2p/")[0]
                    task_status.started()
        finally:
            store.close()
            self._ended.set()

    async def die(self) -> None:
        """Stop at once, as by SIGKILL: nothing more is said, not even what was queued."""
        self.weather.take_out(self.mesh.peer_id)
        self._scope.cancel()
        await self._ended.wait()

    async def call(self, call: Frame) -> None:
        """The victim here calls."""
        await self.runner.ask(VictimCalls(call))

    async def clear(self) -> None:
        """The victim here says that it is over."""
        await self.runner.ask(VictimClears())


@define(eq=False)
class Posts:
    """All posts of one network, and a bell that rings when any of them was told something."""

    weather: Weather
    draws: random.Random
    nursery: trio.Nursery
    folder: Path
    posts: list[Post] = field(factory=list)
    _news: trio.Event = field(factory=trio.Event)
    _callers: int = 0

    def ring(self) -> None:
        """Something happened."""
        self._news.set()

    async def until(self, holds: Callable[[], bool], within_s: float) -> bool:
        """Wait until it is so, or that long; whether it became so. Looked at whenever anybody is told something."""
        with trio.move_on_after(within_s):
            while not holds():
                self._news = trio.Event()
                await self._news.wait()
            return True
        return holds()

    async def start(self, count: int) -> None:
        """Start `count` responders, each linked with some before it; return once all know all cards."""
        for number in range(count):
            policy = Policy(sectors=1 << r.Sector.HEALTH if self.draws.random() < 0.5 else 0, slots=SLOTS)
            who = Responder(SigningKey(os.urandom(32)), policy, f"Post {number}.")
            dials = self.draws.sample(self.posts, min(DIALS, len(self.posts)))
            post = Post(number, self.folder, self.weather, dials, responder=who, changed=self.ring)
            await self.nursery.start(post.live)
            self.posts.append(post)
        await self.settle()

    async def settle(self) -> None:
        """Return once everybody has its neighbours again and every card. Raises `TimeoutError`."""
        count = len(self.posts)
        with trio.fail_after(START_S):
            while not all(  # noqa: ASYNC110 (peers and cards are told to nobody)
                len(post.node.cards) >= count and len(post.node.peers) >= min(DIALS, count - 1)
                for post in self.posts
            ):
                await trio.sleep(0.1)

    async def caller(self, among: list[Post]) -> Post:
        """A victim's own node, joined to some of these."""
        secrets = VictimSecrets(SigningKey(os.urandom(32)), os.urandom(32), "")
        self._callers += 1
        relays = self.draws.sample(among, min(RELAYS, len(among)))
        number = len(self.posts) + self._callers
        post = Post(number, self.folder, self.weather, relays, victim=secrets, changed=self.ring)
        store = NodeStore(self.folder / f"{number}.db")
        await store.commit([Keep(Table.CASE, key, value) for key, value in case_rows(secrets)])
        store.close()
        await self.nursery.start(post.live)
        with trio.fail_after(START_S):
            while len(post.node.peers) < len(relays):  # noqa: ASYNC110 (peers are told to nobody)
                await trio.sleep(0.02)
        return post

    async def revive(self, post: Post) -> None:
        """A killed node starts again with its store, and finds its neighbours."""
        self.weather.bring_back(post.mesh.peer_id)
        post.told.clear()
        await self.nursery.start(post.live)
        await self.settle()


def made_call(secrets: VictimSecrets) -> Frame:
    """A stamped S1 call of now."""
    message = compose_call(
        secrets, epoch=int(time.time()) // r.CALL_EPOCH_S, status=r.Status.ACTUAL, severity=r.Severity.SEVERE,
        urgency=r.Urgency.IMMEDIATE, certainty=r.Certainty.OBSERVED, nature=r.Nature.AVAILABILITY__DDOS,
        needs=1 << r.Need.FILTER_UPSTREAM | 1 << r.Need.INVESTIGATE, sector=r.Sector.HEALTH,
    )  # fmt: skip
    start = os.urandom(r.STAMP_NONCE_BYTES)
    stamp = solve(id_of(message, PROFILE.network), PROFILE.stamp_effort_min, start=start)
    return seal(message, PROFILE.network, secrets.call_key, stamp)

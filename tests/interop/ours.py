"""Our own nodes as they run in production, but for a store in memory: libp2p, runner, router, checks."""

import os
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import trio

from p2p_sos.core.actions import Forget, Keep
from p2p_sos.core.case.case import VictimSecrets
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.node import Node
from p2p_sos.core.notices import CallHeard, Notice
from p2p_sos.core.tables import Table
from p2p_sos.drivers.p2p.mesh import Libp2pMesh
from p2p_sos.drivers.runner import Runner
from p2p_sos.wire import registry as r
from p2p_sos.wire.checks import check
from p2p_sos.wire.frames import Frame, id_of, seal
from p2p_sos.wire.keys import ExchangeKey, SigningKey
from p2p_sos.wire.messages import Call
from p2p_sos.wire.profiles import PROFILES
from p2p_sos.wire.stamps import solve

PROFILE = PROFILES["laboratory"]
SEED_BYTES = 32
NOTICES_MAX = 10_000


class MemoryStore:
    """Rows that live as long as the test."""

    def __init__(self) -> None:
        self._rows: dict[tuple[Table, bytes], bytes] = {}

    def load(self, table: Table) -> tuple[tuple[bytes, bytes], ...]:
        """All rows of a table."""
        return tuple((key, value) for (of, key), value in self._rows.items() if of is table)

    async def commit(self, changes: Sequence[Keep | Forget]) -> None:
        """Change them all."""
        for change in changes:
            if isinstance(change, Keep):
                self._rows[change.table, change.key] = change.value
            else:
                self._rows.pop((change.table, change.key), None)
        await trio.lowlevel.checkpoint()


class OurNode:
    """One running node and what it told its people."""

    def __init__(self, node: Node, mesh: Libp2pMesh, store: MemoryStore) -> None:
        self.node, self.mesh = node, mesh
        self._told, self._notices = trio.open_memory_channel[Notice](NOTICES_MAX)
        self.runner = Runner(node, mesh, store, self._told.send_nowait, check=partial(check, profile=PROFILE))

    @property
    def address(self) -> str:
        """Where others reach it."""
        return self.mesh.addresses[0]

    async def notice(self, kind: type[Notice]) -> Notice:
        """The next notice of that kind."""
        while True:
            notice = await self._notices.receive()
            if isinstance(notice, kind):
                return notice

    async def hears(self, *cells: Frame) -> None:
        """Return once the node told its people of all these calls, each once, and of no other before."""
        awaited = [cell.id for cell in cells]
        while awaited:
            notice = await self.notice(CallHeard)
            assert isinstance(notice, CallHeard)
            awaited.remove(notice.call)
        for cell in cells:
            assert self.node.calls[cell.id].frame == cell


@asynccontextmanager
async def our_node(
    seed: int, *, bootstrap: Sequence[str] = (), listens: bool = True, victim: VictimSecrets | None = None
) -> AsyncIterator[OurNode]:
    """A relay, or a victim's node, on loopback."""
    drawn = random.Random(seed)
    node = Node(
        profile=PROFILE,
        gossip=GossipSettings(),
        random=drawn,
        entropy=os.urandom,
        rings=lambda _one, _other: None,
        responder=None,
        victim=victim,
    )
    listen = ["/ip4/127.0.0.1/tcp/0"] if listens else []
    ours = OurNode(node, Libp2pMesh(drawn.randbytes(SEED_BYTES), listen, bootstrap), MemoryStore())
    async with trio.open_nursery() as nursery:
        await nursery.start(ours.runner.run)
        try:
            yield ours
        finally:
            nursery.cancel_scope.cancel()


def secrets(seed: int) -> VictimSecrets:
    """A victim's secrets."""
    drawn = random.Random(seed)
    return VictimSecrets(SigningKey(drawn.randbytes(SEED_BYTES)), drawn.randbytes(SEED_BYTES), "")


def call_of(victim: VictimSecrets) -> Frame:
    """A valid CALL of now, stamped and signed."""
    message = Call(
        signer=victim.call_key.public,
        epoch=int(time.time()) // r.CALL_EPOCH_S,
        status=r.Status.TEST,
        severity=r.Severity.HIGH,
        urgency=r.Urgency.IMMEDIATE,
        certainty=r.Certainty.OBSERVED,
        nature=r.Nature.AVAILABILITY__DDOS,
        needs=1 << r.Need.FILTER_UPSTREAM,
        sector=r.Sector.OTHER,
        languages=(),
        cell=0,
        exchange_key=ExchangeKey(victim.exchange_seed).public,
    )
    identity = id_of(message, PROFILE.network)
    stamp = solve(identity, PROFILE.stamp_effort_min, start=bytes(r.STAMP_NONCE_BYTES))
    return seal(message, PROFILE.network, victim.call_key, stamp)

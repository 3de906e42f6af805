"""Real nodes on loopback as relays of the stem: what a victim answers whoever hands it its own cell, and what a relay's log holds."""

import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random

import pytest
import trio

from p2p_sos.core.actions import Action
from p2p_sos.core.events import ClockRead, Event, PeerJoined, RpcReceived, StemReceived, VictimCalls
from p2p_sos.core.gossip.rpc import Rpc, Subscription
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.node import Node
from p2p_sos.core.origin.way import Way
from p2p_sos.drivers.cells import rings
from p2p_sos.drivers.runner import Runner
from p2p_sos.drivers.watched import Watched
from p2p_sos.wire.checks import check
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.registry import CELL_BYTES, TOPIC
from tests.drivers.handmade import LABORATORY, SECRETS, call
from tests.drivers.p2p.nodes import Ears, NoStore, mesh, running
from tests.drivers.services import RELAY, node

CHECK = partial(check, profile=LABORATORY)


def passes_on(way: Way | None) -> Node:
    """A node that is no diffuser in its first epoch; a victim by that way, or None: one that only relays."""
    for seed in range(40):
        draws = Random(seed)
        made = Node(
            profile=LABORATORY, gossip=GossipSettings(), random=draws, entropy=draws.randbytes, rings=rings,
            victim=None if way is None else SECRETS, way=way or Way.DIRECT,
        )  # fmt: skip
        if not made._origin.relays.is_diffuser(trio.current_time()):
            return made
    raise AssertionError("no such seed")


def subscribed(made: Node) -> bool:
    """Whether all three said hello."""
    return sum(one.subscribed for one in made._router._memory.neighbours.values()) == 3


class Probed(Watched):
    """A node that counts the cells which it was handed by stem."""

    handed = 0

    def handle(self, event: Event, now: float) -> list[Action]:
        """As ever."""
        self.handed += isinstance(event, StemReceived)
        return super().handle(event, now)


class Stage:
    """A node, two relays that it dialled, and a prober that dialled it; all but the node only listen."""

    def __init__(self, made: Node, said: Frame) -> None:
        self.said = said
        self.relays, self.prober = (mesh(1), mesh(2)), mesh(3)
        self.watched = Probed(made)
        self.ears: list[Ears] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """All there, and subscribed, as those are who want to see everything."""
        async with running(*self.relays, self.prober) as self.ears:
            known = [address for relay in self.relays for address in relay.addresses]
            self.mesh = mesh(4, known, loopback_apart=True)
            self.runner = Runner(self.watched, self.mesh, NoStore(), lambda notice: None, check=CHECK)
            async with trio.open_nursery() as nursery:
                await nursery.start(self.runner.run)
                self.prober.connect(self.mesh.addresses)
                for one, heard in zip((*self.relays, self.prober), self.ears, strict=True):
                    await heard.hear(PeerJoined)
                    one.send(self.mesh.peer_id, Rpc(subscriptions=(Subscription(TOPIC, True),)))
                await self.watched.until(subscribed)
                yield
                nursery.cancel_scope.cancel()
            assert self.runner.faults == 0

    async def settle(self) -> None:
        """Wait until all that the node said so far has arrived: what is sent now goes behind it."""
        await self.watched.until(lambda made: not made._origin.stem._vetting)
        await self.runner.ask(ClockRead(time.time()))
        mark = secrets.token_bytes(CELL_BYTES)
        name = gossip_id(mark, canonical=True)
        for one, heard in zip((*self.relays, self.prober), self.ears, strict=True):
            self.mesh.send_stem(one.peer_id, mark)
            self.mesh.send(one.peer_id, Rpc(iwant=(name,)))
            await heard.until(lambda h=heard: any(e.cell == mark for e in h.of(StemReceived)))
            await heard.until(lambda h=heard: any(name in e.rpc.iwant for e in h.of(RpcReceived)))

    async def probe(self) -> None:
        """The prober hands the node the cell."""
        before = self.watched.handed
        self.prober.send_stem(self.mesh.peer_id, self.said.cell)
        await self.watched.until(lambda made: self.watched.handed > before)
        await self.settle()

    def by_stem(self) -> list[int]:
        """How often each relay, and the prober, got the cell by stem."""
        return [[e.cell for e in heard.of(StemReceived)].count(self.said.cell) for heard in self.ears]

    def shown(self) -> bool:
        """Whether gossip showed it to anybody, in full or by name."""
        name = gossip_id(self.said.cell, canonical=True)
        rpcs = [event.rpc for heard in self.ears for event in heard.of(RpcReceived)]
        return any(c.id == name for r in rpcs for c in r.messages) or any(
            name in ids for r in rpcs for _, ids in r.ihave
        )


@pytest.mark.trio
async def test_a_victim_handed_its_own_cell_answers_as_a_node() -> None:
    """Whoever hands it over, three times: in the end each relay got it once, the prober never, gossip showed nothing. In the open it is known (control)."""
    said, ends = call(), {}
    for way in (Way.STEM, Way.DIRECT, None):
        stage = Stage(passes_on(way), said)
        counts = []
        async with stage.running():
            if way is not None:
                await stage.runner.ask(VictimCalls(said))
                await stage.settle()
            counts.append(sum(stage.by_stem()))
            for _ in range(3):
                await stage.probe()
                counts.append(sum(stage.by_stem()))
            ends[way] = counts, stage.by_stem(), stage.shown()
    assert ends[Way.STEM] == ([1, 2, 2, 2], [1, 1, 0], False)
    assert ends[None] == ([0, 1, 2, 2], [1, 1, 0], False)
    assert ends[Way.DIRECT] == ([0, 0, 0, 0], [0, 0, 0], True)


SPOILED = 64  # as many as one peer may send at once; long before that it is dropped


@pytest.mark.trio
async def test_the_log_of_a_relay_links_no_peer_to_a_cell(tmp_path: Path) -> None:
    """A cell came by stem from one peer, went to another and into the mesh; a third sent bad ones. No line names a peer and a cell."""
    said = call()
    good, bad = mesh(5), mesh(6)
    async with (
        running(good, bad) as (at_good, at_bad),
        node(tmp_path / "a", RELAY) as a,
        node(tmp_path / "b", RELAY, a) as b,
    ):
        for one in (good, bad):
            one.connect(b.addresses)
        await b.until(lambda made: len(made.peers) == 3)
        await at_good.hear(PeerJoined)
        await at_bad.hear(PeerJoined)
        peer = b.node.peers[0].peer
        host = next(e.peer for e in at_good.of(PeerJoined))
        good.send_stem(host, said.cell)
        for number in range(SPOILED):
            bad.send_stem(host, said.cell[:-1] + bytes([1 + number]))
        for one in (a, b):
            await one.until(lambda made: said.id in made.calls)
        await b.until(lambda made: len(made.peers) == 2)
        assert b.node._origin.stem.is_idle
    names = [said.id.hex(), gossip_id(said.cell, canonical=True).hex(), said.cell.hex()[:64]]
    peers = [good.peer_id, bad.peer_id, peer, host]
    for home in ("a", "b"):
        lines = (tmp_path / home / "node.log").read_text().splitlines()
        cells = [line for line in lines if any(name in line for name in names)]
        assert cells, "control: the log says that there is a call"
        assert not any(who in line for line in cells for who in peers)
        assert all(json.loads(line)["level"] == "info" for line in lines)
    log = (tmp_path / "b" / "node.log").read_text()
    assert bad.peer_id in log, "control: a peer that was dropped stands there"
    assert good.peer_id not in log

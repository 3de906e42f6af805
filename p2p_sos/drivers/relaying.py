"""Handing a call that somebody else made to the mesh, from a machine where no node runs.

In come a call's frame and addresses of relays. Out goes an `Outcome`: how many relays took it, and whether it came back.
Decides nothing about the call: it was judged before, and keeps its id.

Two hosts, each under a key of its own, listen nowhere. The first joins all relays and looks whether the call is there
already. Then it keeps one relay and only listens there; the second gives the call to the others. What comes back to the
first came through the mesh. With one relay there is nobody to listen at: then a claim alone tells that the call is heard.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import trio
from attrs import define, field, frozen

from p2p_sos.core.actions import Forget, Keep
from p2p_sos.core.calls.holdings import CLOSED_BY_VICTIM
from p2p_sos.core.calls.memory import ARRIVAL_BYTES
from p2p_sos.core.events import Event, RpcReceived
from p2p_sos.core.gossip.rpc import PeerId, Rpc
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.node import Node
from p2p_sos.core.tables import Table
from p2p_sos.drivers.cells import rings
from p2p_sos.drivers.keyfile import SEED_BYTES
from p2p_sos.drivers.mesh import Deliver, Mesh
from p2p_sos.drivers.runner import Runner
from p2p_sos.drivers.store import Rows
from p2p_sos.drivers.watched import Watched
from p2p_sos.wire import sync
from p2p_sos.wire.checks import check
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.messages import CallId
from p2p_sos.wire.profiles import Profile

if TYPE_CHECKING:
    from trio_typing import TaskStatus

JOIN_MORE_S = 3.0  # guess: how long the other relays are waited for once one is there
SETTLE_S = 1.0  # guess: a relay says what it holds as soon as we join; slower ones only cost a needless copy
LOOK_EVERY_S = 0.05


@frozen
class Outcome:
    """How far it came. `taken`: relays that got it from us in full; none of them where all had it already."""

    joined: int
    taken: int
    heard: bool
    known: bool
    faults: Mapping[str, str]  # why relays could not be reached, by address


@define(eq=False)
class Witness:
    """A mesh that remembers which peers were sent one cell, and which showed that they have it."""

    inner: Mesh
    cell: bytes = field(repr=False)
    sent: dict[PeerId, None] = field(factory=dict)
    showed: dict[PeerId, None] = field(factory=dict)
    _id: bytes = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._id = gossip_id(self.cell, canonical=True)

    @property
    def peer_id(self) -> str:
        """Who we are to our peers."""
        return self.inner.peer_id

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where we listen: nowhere."""
        return self.inner.addresses

    @property
    def faults(self) -> Mapping[str, str]:
        """Why relays could not be reached."""
        return self.inner.faults

    async def run(
        self,
        deliver: Deliver,
        *,
        room: Callable[[], Awaitable[None]] | None = None,
        task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """As the mesh inside does, looking at what comes."""

        def look(event: Event) -> None:
            if isinstance(event, RpcReceived) and self._names(event.rpc):
                self.showed[event.peer] = None
            deliver(event)

        await self.inner.run(look, room=room, task_status=task_status)

    def _names(self, rpc: Rpc) -> bool:
        """Whether an RPC brings the cell, or says that its sender has it."""
        announced = any(self._id in ids for _topic, ids in rpc.ihave)
        return announced or self._id in rpc.idontwant or any(one.id == self._id for one in rpc.messages)

    def send(self, peer: PeerId, rpc: Rpc) -> None:
        """Queue an RPC."""
        if any(one.id == self._id for one in rpc.messages):
            self.sent[peer] = None
        self.inner.send(peer, rpc)

    def send_sync(self, peer: PeerId, frame: bytes) -> None:
        """Queue a frame of sync."""
        if self.cell in getattr(sync.decode(frame), "cells", ()):
            self.sent[peer] = None
        self.inner.send_sync(peer, frame)

    def send_stem(self, peer: PeerId, cell: bytes) -> None:
        """Queue a cell on the stem stream."""
        self.inner.send_stem(peer, cell)

    def push(self, cell: bytes) -> None:
        """Hand a cell to relays over circuits: nothing here asks for it."""
        self.inner.push(cell)

    def disconnect(self, peer: PeerId, why: str) -> None:
        """Close every connection to a peer."""
        self.inner.disconnect(peer, why)

    def connect(self, addresses: Sequence[str]) -> None:
        """Keep these peers too."""
        self.inner.connect(addresses)

    async def flush(self, within_s: float) -> None:
        """Wait until what is queued has left."""
        await self.inner.flush(within_s)


@frozen
class _Shelf:
    """A store that holds what it was made with, and forgets the rest with its process."""

    rows: Rows = ()

    def load(self, table: Table) -> Rows:
        """The cells; of every other table nothing."""
        return self.rows if table is Table.CELL else ()

    async def commit(self, changes: Sequence[Keep | Forget]) -> None:
        """Nothing lasts here."""


@define(eq=False)
class _Guest:
    """One host of ours among the relays, for a while."""

    node: Node
    runner: Runner
    mesh: Witness

    def peers(self) -> list[PeerId]:
        """Who is connected, in the order of joining."""
        return [view.peer for view in self.node.peers]

    def answered(self, call: CallId) -> bool:
        """Whether somebody spoke about the call: who answers it, or its victim, who closed it."""
        record = self.node.calls.get(call)
        return record is not None and bool(
            record.view.claims
            or record.view.declines
            or record.view.releases
            or record.state in CLOSED_BY_VICTIM
        )

    def is_heard(self, call: CallId) -> bool:
        """Whether more than one relay shows the call, or somebody spoke about it: what one says of itself is no proof."""
        return self.answered(call) or len(self.mesh.showed) > 1


@asynccontextmanager
async def _guest(profile: Profile, relays: Sequence[str], call: Frame, rows: Rows) -> AsyncIterator[_Guest]:
    from p2p_sos.drivers.p2p.mesh import Libp2pMesh  # half a second and 85 MB

    mesh = Witness(Libp2pMesh(secrets.token_bytes(SEED_BYTES), (), relays), call.cell)
    node = Node(
        profile=profile,
        gossip=GossipSettings(),
        random=Random(secrets.randbits(256)),  # noqa: S311 - jitter and choices, no secret
        entropy=secrets.token_bytes,
        rings=rings,
    )
    runner = Runner(Watched(node), mesh, _Shelf(rows), _nothing, check=partial(check, profile=profile))
    async with trio.open_nursery() as nursery:
        await nursery.start(runner.run)
        yield _Guest(node, runner, mesh)
        await runner.stop()


def _nothing(_notice: Any) -> None:
    pass


async def relay_call(call: Frame, profile: Profile, relays: Sequence[str], *, patience_s: float) -> Outcome:
    """Hand a judged call to the mesh. Waits `patience_s` for a first relay, and as long for the call to come back."""
    async with _guest(profile, relays, call, ()) as listener:
        with trio.move_on_after(patience_s):
            await _look_around(listener, call.id, len(relays))
        peers, faults = listener.peers(), dict(listener.mesh.faults)
        if call.id in listener.node.calls:
            with trio.move_on_after(patience_s):
                await _until(lambda: listener.is_heard(call.id))
            return Outcome(len(peers), 0, listener.is_heard(call.id), True, faults)
        if not peers:
            return Outcome(0, 0, False, False, faults)
        givers = peers[:-1] or peers
        if len(peers) > 1:
            for peer in givers:
                listener.mesh.disconnect(peer, "another host of ours goes on with it")
        to = [address for address in relays if address.rpartition("/")[2] in givers]
        # The call lies in the second host's store from the start, so that it offers it to whoever it joins.
        async with _guest(profile, to, call, ((call.id, bytes(ARRIVAL_BYTES) + call.cell),)) as giver:
            came_back = False
            with trio.move_on_after(patience_s):
                came_back = await _came_back(giver, listener, call.id, alone=len(peers) == 1)
            return Outcome(
                len(peers), len(giver.mesh.sent), came_back, not giver.mesh.sent and came_back, faults
            )


async def listen_for(call: Frame, profile: Profile, relays: Sequence[str], *, patience_s: float) -> bool:
    """Whether other nodes show a call that the node of this machine brought, within `patience_s`."""
    async with _guest(profile, relays, call, ()) as listener:
        with trio.move_on_after(patience_s):
            await _until(lambda: call.id in listener.node.calls)
        return call.id in listener.node.calls


async def _look_around(listener: _Guest, call: CallId, relays: int) -> None:
    """Until the relays were reached that can be, and had time to say what they hold."""
    await _until(lambda: bool(listener.peers()))
    with trio.move_on_after(JOIN_MORE_S):
        await _until(lambda: len(listener.peers()) + len(listener.mesh.faults) >= relays)
    with trio.move_on_after(SETTLE_S):
        await _until(lambda: call in listener.node.calls)


async def _came_back(giver: _Guest, listener: _Guest, call: CallId, *, alone: bool) -> bool:
    """Until the call is in the mesh: it reached the listener, or somebody speaks about it."""

    def heard() -> bool:
        # A lone relay that sends it back shows no more than that it has it.
        reached = not alone and call in listener.node.calls
        return reached or giver.answered(call) or listener.answered(call)

    await _until(heard)
    return True


async def _until(holds: Callable[[], bool]) -> None:
    """Wait until it is so. Looks now and then: two nodes and their lines have no one event in common."""
    while not holds():  # noqa: ASYNC110 (see above)
        await trio.sleep(LOOK_EVERY_S)

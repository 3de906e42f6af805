"""Our own nodes under the load of the gossip measurement: as they run in production.

Comes in: a load. Goes out: what was measured. Everything that a message costs is in it: the router, the gate with
its budgets, the signature check on its worker thread, boards, and a store on disk that is durable before a message
goes on. Only the local API and the log are missing, which a message does not touch.

The messages are LETTER cells of many signers about one open CALL, since of all kinds they come most often.
"""

import os
import random
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import trio
from attrs import define, field, frozen
from bench_load import Load, Measured

from p2p_sos.core.actions import Action
from p2p_sos.core.events import Event, RoundTripMeasured, RpcReceived, Verified
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.internal import Publish
from p2p_sos.core.node import Node
from p2p_sos.drivers.p2p.mesh import Libp2pMesh
from p2p_sos.drivers.runner import Runner
from p2p_sos.drivers.store import NodeStore
from p2p_sos.wire import registry as r
from p2p_sos.wire.checks import check
from p2p_sos.wire.frames import Frame, id_of, seal
from p2p_sos.wire.keys import ExchangeKey, SigningKey
from p2p_sos.wire.messages import Call, Letter
from p2p_sos.wire.profiles import PROFILES
from p2p_sos.wire.stamps import solve

PROFILE = PROFILES["laboratory"]
LETTERS_OF_ONE = 4  # a board keeps eight of one signer, and admits twenty
SETTLE_S = 5.0  # five heartbeats: meshes have formed and round trips are known
LAST_COPIES_S = 0.5
PATIENCE_S = 60.0


@frozen
class Say:
    """An event of the measurement: a node publishes this frame as if one of its machines had made it."""

    frame: Frame


@define
class Tally:
    """What arrived, and when; nodes together."""

    sent_at: dict[bytes, float] = field(factory=dict)  # by message id
    latencies_s: list[float] = field(factory=list)
    copies: int = 0
    measured: int = 0
    _news: trio.Event = field(factory=trio.Event)

    def note(self, message: bytes) -> None:
        """A node found a message of another's true: it is delivered."""
        if message in self.sent_at:
            self.latencies_s.append(time.perf_counter() - self.sent_at[message])
            self._news.set()

    def round_trip(self) -> None:
        """A node measured the way to a neighbour: it joined."""
        self.measured += 1
        self._news.set()

    async def until(self, satisfied: Callable[[], bool]) -> None:
        """Wait."""
        while not satisfied():
            self._news = trio.Event()
            await self._news.wait()


class _CountingNode(Node):
    """A node that counts what arrives, and publishes what it is told to."""

    tally: Tally

    def handle(self, event: Event | Say, now: float) -> list[Action]:
        match event:
            case Say(frame=frame):
                out: list[Action] = []
                self._publish(Publish(frame), out, now)
                return out
            case RpcReceived(rpc=rpc):
                self.tally.copies += len(rpc.messages)
            case Verified(frame=frame, refusal=None):
                self.tally.note(frame.id)  # once: a known message is not verified again
            case RoundTripMeasured():
                self.tally.round_trip()
        return super().handle(event, now)


def _call(drawn: random.Random) -> Frame:
    key = SigningKey(drawn.randbytes(32))
    message = Call(
        signer=key.public,
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
        exchange_key=ExchangeKey(drawn.randbytes(32)).public,
    )
    stamp = solve(id_of(message, PROFILE.network), PROFILE.stamp_effort_min, start=bytes(r.STAMP_NONCE_BYTES))
    return seal(message, PROFILE.network, key, stamp)


def _letters(call: Frame, count: int, drawn: random.Random) -> list[Frame]:
    frames = []
    for number in range(count):
        if number % LETTERS_OF_ONE == 0:
            key = SigningKey(drawn.randbytes(32))
        message = Letter(
            call=call.id,
            signer=key.public,
            number=number % LETTERS_OF_ONE + 1,
            part=0,
            parts=1,
            sealed=drawn.randbytes(r.LETTER_PART_BYTES_MAX),
        )
        frames.append(seal(message, PROFILE.network, key, None))
    return frames


async def _start(load: Load, tally: Tally, nursery: trio.Nursery, folder: Path) -> list[Runner]:
    meshes = [Libp2pMesh(os.urandom(32), ["/ip4/127.0.0.1/tcp/0"]) for _ in range(load.nodes)]
    runners = []
    for number, mesh in enumerate(meshes):
        node = _CountingNode(
            profile=PROFILE,
            gossip=GossipSettings(),
            random=random.Random(load.seed + number),
            entropy=os.urandom,
            rings=lambda _one, _other: None,
        )
        node.tally = tally
        store = NodeStore(folder / f"{number}.db")
        runners.append(Runner(node, mesh, store, lambda _: None, check=partial(check, profile=PROFILE)))
        await nursery.start(runners[-1].run)
    for one, other in load.edges:
        meshes[one].connect(meshes[other].addresses)
    return runners


async def measure(load: Load) -> Measured:
    """Run the load in this process."""
    drawn, tally = random.Random(load.seed), Tally()
    call = _call(drawn)
    letters = _letters(call, load.messages, drawn)
    with tempfile.TemporaryDirectory() as folder:
        async with trio.open_nursery() as nursery:
            runners = await _start(load, tally, nursery, Path(folder))
            with trio.fail_after(PATIENCE_S):
                await tally.until(lambda: tally.measured == 2 * len(load.edges))
                tally.sent_at[call.id] = time.perf_counter()
                await runners[0].ask(Say(call))  # type: ignore[arg-type]
                await tally.until(lambda: len(tally.latencies_s) == load.nodes - 1)
            await trio.sleep(SETTLE_S)
            tally.copies = 0
            tally.latencies_s.clear()
            before = sum(os.times()[:2])
            await _publish(load, letters, runners, tally)
            cpu_s = sum(os.times()[:2]) - before
            nursery.cancel_scope.cancel()
    return Measured(len(tally.latencies_s), tally.copies, cpu_s, tally.latencies_s)


async def _publish(load: Load, letters: list[Frame], runners: list[Runner], tally: Tally) -> None:
    for number, letter in enumerate(letters):
        tally.sent_at[letter.id] = time.perf_counter()
        runners[number % load.nodes].submit(Say(letter))  # type: ignore[arg-type]
        await trio.sleep(load.interval_s)
    with trio.move_on_after(PATIENCE_S):
        await tally.until(lambda: len(tally.latencies_s) >= load.deliveries)
    await trio.sleep(LAST_COPIES_S)

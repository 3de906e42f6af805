"""The weather between real nodes, on a virtual clock; and the program around it, once, whatever the clock says."""

import json
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing

from p2p_sos.core.events import PeerJoined, RoundTripMeasured
from p2p_sos.core.gossip.rpc import Rpc
from scripts.shaping import Quality, ShapedMesh, Weather
from tests.interop.foreign import ROOT

KEYS = (
    "scenario", "nodes", "runs", "violations", "failing_runs", "first_claim_p50_s", "first_claim_p99_s", "lead_p99_s",
    "claims_p50", "claims_p99", "helpers_p50", "sides_led_p99_s", "recovery_p99_s", "late_max_s", "wall_s",
)  # fmt: skip


class Wire:
    """The inner mesh: remembers what reached it and when; gives its `deliver` away."""

    peer_id, addresses, faults = "a", ("here",), {}

    def __init__(self) -> None:
        self.sent: list[tuple[float, str, Any]] = []
        self.deliver: Any = None

    def send(self, peer: str, rpc: Rpc) -> None:
        self.sent.append((trio.current_time(), peer, rpc))

    def send_sync(self, peer: str, frame: bytes) -> None:
        self.sent.append((trio.current_time(), peer, frame))

    def send_stem(self, peer: str, cell: bytes) -> None:
        self.sent.append((trio.current_time(), peer, cell))

    def push(self, cell: bytes) -> None:
        self.sent.append((trio.current_time(), "", cell))

    async def run(
        self, deliver: Any, *, room: Any = None, task_status: Any = trio.TASK_STATUS_IGNORED
    ) -> None:
        self.deliver = deliver
        task_status.started()
        await trio.sleep_forever()


@asynccontextmanager
async def shaped(weather: Weather, events: list[Any]) -> AsyncIterator[tuple[ShapedMesh, Wire]]:
    wire = Wire()
    mesh = ShapedMesh(wire, weather)  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:
        await nursery.start(mesh.run, events.append)
        yield mesh, wire
        nursery.cancel_scope.cancel()


def weather(latency_s: float = 0.1, loss: float = 0.0) -> Weather:
    return Weather(Quality(latency_s, latency_s, loss), random.Random(3))


@pytest.mark.trio
async def test_what_goes_out_waits_its_latency_in_order(autojump_clock: trio.testing.MockClock) -> None:
    """Each link has its own latency, the same both ways; RPCs and sync keep their order on it."""
    one = Weather(Quality(0.01, 0.5), random.Random(3))
    assert one.latency_s("a", "b") == one.latency_s("b", "a") != one.latency_s("a", "c")
    async with shaped(weather(0.1), []) as (mesh, wire):
        begun = trio.current_time()
        mesh.send_sync("b", b"1")
        await trio.sleep(0.05)
        mesh.send("b", Rpc())
        mesh.send_sync("c", b"3")
        await trio.sleep(1)
        assert [(round(at - begun, 3), peer) for at, peer, _ in wire.sent] == [
            (0.1, "b"),
            (0.15, "b"),
            (0.15, "c"),
        ]
        assert wire.sent[0][2] == b"1"


@pytest.mark.trio
async def test_a_cut_link_loses_what_is_under_way_and_what_comes(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Between two sides nothing passes, within one all; healed, it passes again. Who is gone is out of reach for all."""
    air = weather(0.1)
    async with shaped(air, []) as (mesh, wire):
        mesh.send_sync("b", b"under way")
        await trio.sleep(0.05)
        air.split({"b": 1})
        mesh.send_sync("b", b"cut")
        mesh.send_sync("c", b"same side")
        await trio.sleep(1)
        air.heal()
        air.take_out("c")
        mesh.send_sync("b", b"healed")
        mesh.send_sync("c", b"gone")
        await trio.sleep(1)
        air.bring_back("c")
        mesh.send_sync("c", b"back")
        await trio.sleep(1)
        assert [frame for _, _, frame in wire.sent] == [b"same side", b"healed", b"back"]


@pytest.mark.trio
async def test_loss_is_a_share_of_the_frames(autojump_clock: trio.testing.MockClock) -> None:
    """A fifth of a thousand, within what chance allows; the control loses none."""
    for share, low, high in ((0.2, 700, 900), (0.0, 1000, 1000)):
        async with shaped(weather(0.1, share), []) as (mesh, wire):
            for _ in range(1000):
                mesh.send_sync("b", b"x")
            await trio.sleep(1)
            assert low <= len(wire.sent) <= high


@pytest.mark.trio
async def test_round_trips_are_those_of_the_weather(autojump_clock: trio.testing.MockClock) -> None:
    """The ping below knows of no latency and no cut; what it tells is set right."""
    events: list[Any] = []
    air = weather(0.1)
    async with shaped(air, events) as (_, wire):
        wire.deliver(PeerJoined("b", True, "x"))
        wire.deliver(RoundTripMeasured("b", 0.001))
        air.split({"b": 1})
        wire.deliver(RoundTripMeasured("b", 0.001))
    assert events == [PeerJoined("b", True, "x"), RoundTripMeasured("b", pytest.approx(0.201))]


def test_the_program_prints_its_figures() -> None:
    """Three nodes, one run, no latency: one object with every figure, each run on standard error."""
    words = ("--scenario", "baseline", "--nodes", "3", "--runs", "1", "--latency-ms", "0:1", "--json")
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "realnet.py", *words],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    told = json.loads(done.stdout.splitlines()[-1])
    assert set(KEYS) <= told.keys()
    assert (told["scenario"], told["nodes"], told["runs"], told["claims_p50"]) == ("baseline", 3, 1, 3.0)
    assert done.returncode == (1 if told["violations"] else 0)
    assert done.stderr.startswith("run   0")

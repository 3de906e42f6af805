"""Whoever sits at a place only to write down what happens there."""

from collections.abc import Sequence
from typing import Any

from p2p_sos.core.actions import Action, SendRpc, SetTimer
from p2p_sos.core.events import RpcReceived, TimerFired
from p2p_sos.core.gossip.rpc import Carried, Rpc
from p2p_sos.sim.behaviour import Seat
from p2p_sos.sim.links import Quality
from p2p_sos.sim.world import World
from p2p_sos.wire.registry import TOPIC


class Listener:
    """Keeps every event with its local time, and does what it is asked at once."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.heard: list[tuple[float, Any]] = []
        self.todo: list[Action] = []

    def handle(self, event: Any, now: float) -> Sequence[Action]:
        self.heard.append((now, event))
        todo, self.todo = self.todo, []
        return todo

    def of(self, kind: type) -> list[tuple[float, Any]]:
        return [(at, event) for at, event in self.heard if isinstance(event, kind)]


def two(seed: int = 0, **quality: Any) -> World:
    """Places a and b, linked, that only listen."""
    world = World(seed)
    world.preloaded = False
    for name in ("a", "b"):
        world.add_node(name, make=Listener)
    world.link("a", "b", Quality(**quality))
    world.begin()
    world.run(0.0)
    return world


def do(world: World, name: str, *actions: Action) -> None:
    """Let whoever sits there do something now."""
    sitter: Any = world[name].sitter
    sitter.todo.extend(actions)
    world.tell(world[name], TimerFired("go"))


def send(world: World, name: str, other: str, text: str = "x") -> None:
    """One frame with one message."""
    data = text.encode().ljust(2048, b"\x00")
    do(world, name, SendRpc(other, Rpc(messages=(Carried(b"", data, TOPIC),))))


def timer(world: World, name: str, after_s: float, key: str) -> None:
    """A timer, so many local seconds from now."""
    place = world[name]
    do(world, name, SetTimer(key, place.clocks.local(world.now) + after_s))


def arrivals(world: World, name: str) -> list[tuple[float, str]]:
    """(local time, text) of every message that arrived."""
    sitter: Any = world[name].sitter
    return [
        (at, event.rpc.messages[0].data.rstrip(b"\x00").decode())
        for at, event in sitter.of(RpcReceived)
        if event.rpc.messages
    ]


def fired(world: World, name: str, key: str) -> list[float]:
    """The local times at which a timer fired."""
    sitter: Any = world[name].sitter
    return [at for at, event in sitter.of(TimerFired) if event.key == key]

"""Some py-libp2p nodes with its own GossipSub in one process, driven by JSON lines on standard input.

Speaks the same lines as `js/mesh.mjs`, which tells them one by one. Two things are changed in its router,
without which it carries no anonymous message at all: the equivocation check, which keys on the origin that
is absent, and the ten messages a second that it takes from a neighbour. Everything else is as shipped.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

os.environ.setdefault("PY_YAMUX_RELEASE_ON_READ", "0")

import trio
from libp2p import new_host
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.pubsub.gossipsub import PROTOCOL_ID_V11, PROTOCOL_ID_V12, GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.tools.anyio_service import background_trio_service
from multiaddr import Multiaddr

NUMBER_BYTES = 4
LAST_COPIES_S = 0.5
PATIENCE_STEPS, PATIENCE_STEP_S = 1200, 0.05


def gossip_id(message: Any) -> bytes:
    """The id of a canonical message (04-gossip)."""
    return hashlib.sha256(b"\x01" + bytes(message.data)).digest()[:20]


class AnonymousGossipSub(GossipSub):  # type: ignore[misc]
    """Its GossipSub, which otherwise takes the second anonymous message for a lie about the first."""

    def _check_equivocation(self, _message: Any) -> bool:
        return True


class CountingPubsub(Pubsub):  # type: ignore[misc]
    """Its Pubsub, with every copy that arrives reported, duplicates too."""

    on_copy: Callable[[], None]

    async def push_msg(self, msg_forwarder: Any, msg: Any) -> None:
        """Count what neighbours send; pass everything on."""
        if msg_forwarder != self.my_id:
            self.on_copy()
        await super().push_msg(msg_forwarder, msg)


def say(thing: dict[str, Any]) -> None:
    """One line out."""
    sys.stdout.write(json.dumps(thing) + "\n")
    sys.stdout.flush()


class Peers:
    """The nodes of this process and what is being measured."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._nodes: list[tuple[Any, CountingPubsub]] = []
        self._topic = "/esos/1"
        self._watching = False
        self._bytes = -1
        self._copies = 0
        self._latencies_s: list[float] = []
        self._sent_at_s: list[float] = []

    def _copy(self) -> None:
        self._copies += 1

    async def _serve_node(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        index = len(self._nodes)
        host = new_host()
        router = AnonymousGossipSub(
            protocols=[PROTOCOL_ID_V12, PROTOCOL_ID_V11],
            degree=6,
            degree_low=5,
            degree_high=12,
            heartbeat_interval=1,
            max_messages_per_topic_per_second=1e9,
        )
        pubsub = CountingPubsub(host, router, strict_signing=False, msg_id_constructor=gossip_id)
        pubsub.on_copy = self._copy
        async with (
            host.run(listen_addrs=[Multiaddr("/ip4/127.0.0.1/tcp/0")]),
            background_trio_service(pubsub),
            background_trio_service(router),
        ):
            await pubsub.wait_until_ready()
            self._nodes.append((host, pubsub))
            subscription = await pubsub.subscribe(self._topic)
            task_status.started()
            while True:
                message = await subscription.get()
                self._delivered(index, bytes(message.data))

    def _delivered(self, index: int, data: bytes) -> None:
        if self._watching:
            say({"event": "message", "node": index, "data": data.hex()})
        if len(data) == self._bytes:
            number = int.from_bytes(data[:NUMBER_BYTES], "big")
            if number % len(self._nodes) != index:  # its own message is told to the publisher too
                self._latencies_s.append(time.perf_counter() - self._sent_at_s[number])

    def _address(self, index: int) -> str:
        address = str(self._nodes[index][0].get_addrs()[0])
        name = self._nodes[index][0].get_id().to_string()
        return address if "/p2p/" in address else f"{address}/p2p/{name}"

    async def _join(self, index: int, address: str) -> None:
        await self._nodes[index][0].connect(info_from_p2p_addr(Multiaddr(address)))

    async def start(self, *, nodes: int, edges: list[list[int]] | None = None, topic: str = "") -> None:
        """Start nodes and join them along the edges."""
        self._topic = topic or self._topic
        for _ in range(nodes):
            await self._nursery.start(self._serve_node)
        async with trio.open_nursery() as joining:
            for one, other in edges or []:
                joining.start_soon(self._join, one, self._address(other))
        told = [
            {"peer": host.get_id().to_string(), "address": self._address(index)}
            for index, (host, _) in enumerate(self._nodes)
        ]
        say({"event": "started", "nodes": told})

    async def dial(self, *, node: int, address: str) -> None:
        """Join a node to any other."""
        await self._join(node, address)
        say({"event": "dialled", "node": node})

    async def subscribers(self, *, node: int) -> None:
        """Which peers subscribed, as far as a node knows."""
        peers = self._nodes[node][1].peer_topics.get(self._topic, ())
        say({"event": "subscribers", "node": node, "peers": sorted(peer.to_string() for peer in peers)})

    async def _publish(self, index: int, data: bytes) -> None:
        # Not Pubsub.publish, which names the origin even with strict_signing off.
        message = rpc_pb2.Message(data=data, topicIDs=[self._topic])
        pubsub = self._nodes[index][1]
        await pubsub.push_msg(pubsub.my_id, message)

    async def publish(self, *, node: int, data: str) -> None:
        """Publish one anonymous message."""
        await self._publish(node, bytes.fromhex(data))
        say({"event": "published", "node": node})

    async def watch(self) -> None:
        """Report every delivery from now on."""
        self._watching = True
        say({"event": "watching"})

    async def run(self, *, messages: int, bytes: int, interval_ms: float) -> None:
        """Publish messages from the nodes in turn, and measure."""
        self._bytes, self._copies, self._latencies_s, self._sent_at_s = bytes, 0, [], []
        wanted = messages * (len(self._nodes) - 1)
        before = time.process_time()
        for number in range(messages):
            filler = hashlib.sha512(str(number).encode()).digest() * (bytes // 64 + 1)
            cell = number.to_bytes(NUMBER_BYTES, "big") + filler[: bytes - NUMBER_BYTES]
            self._sent_at_s.append(time.perf_counter())
            await self._publish(number % len(self._nodes), cell)
            await trio.sleep(interval_ms / 1000)
        for _ in range(PATIENCE_STEPS):
            if len(self._latencies_s) >= wanted:
                break
            await trio.sleep(PATIENCE_STEP_S)
        await trio.sleep(LAST_COPIES_S)
        cpu_us = (time.process_time() - before) * 1e6
        told = [latency * 1000 for latency in self._latencies_s]
        say({"event": "measured", "deliveries": len(told), "wanted": wanted, "copies": self._copies,
             "cpu_us": cpu_us, "latencies_ms": told})  # fmt: skip


async def lines() -> AsyncIterator[str]:
    """Standard input, a line at a time."""
    while line := await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True):
        yield line


async def main() -> None:
    """Obey until the input ends or says stop."""
    async with trio.open_nursery() as nursery:
        peers = Peers(nursery)
        commands: dict[str, Callable[..., Awaitable[None]]] = {
            name: getattr(peers, name) for name in ("start", "dial", "subscribers", "publish", "watch", "run")
        }
        async for line in lines():
            command = json.loads(line)
            name = command.pop("cmd")
            if name == "stop":
                break
            await commands[name](**command)
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main)

"""What a victim behind a proxy says reaches relays by errands, each a stranger to the others, and all alike."""

import logging
import random
from typing import Any

import pytest
import trio
import trio.testing
from attrs import evolve

from p2p_sos.core.events import PeerJoined, PeerLeft, Pushed, PushFailed, RpcReceived, SyncReceived
from p2p_sos.core.gossip.rpc import Carried, Rpc
from p2p_sos.drivers.addresses import Address, bootstrap_address, draw, network_of
from p2p_sos.drivers.mesh import Deliver
from p2p_sos.drivers.p2p.hidden import HiddenMesh
from p2p_sos.drivers.p2p.mesh import Libp2pMesh
from p2p_sos.drivers.p2p.push import PushLimits
from p2p_sos.drivers.socks import SocksAddress
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.registry import TOPIC
from p2p_sos.wire.sync import Give, encode
from tests.drivers.p2p.caller import LIMITS
from tests.drivers.p2p.nodes import LOOPBACK, QUICK, Ears, cell, mesh, relays, running
from tests.drivers.p2p.proxy import Proxy, proxies

NOBODY = "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWCoTqyyBdth6UYTpf3MXu5TMRNoYGgxP97Z8JYPyUBFtu"


class Overheard(Libp2pMesh):
    """A relay's mesh that lets a test hear what it delivers."""

    def __init__(self, seed: int) -> None:
        super().__init__(bytes([seed]) * 32, LOOPBACK, limits=QUICK)
        self.ears = Ears()

    async def run(self, deliver: Deliver, **named: Any) -> None:
        """As ever."""

        def both(event: Any) -> None:
            self.ears(event)
            deliver(event)

        await super().run(both, **named)

    @property
    def strangers(self) -> list[str]:
        """Who joined, in order."""
        return [joined.peer for joined in self.ears.of(PeerJoined)]


def addresses(*meshes: Libp2pMesh) -> list[Address]:
    return [bootstrap_address(one.addresses[0]) for one in meshes]


def hidden(
    proxy: Proxy, listened: list[Address], pushed: list[Address], limits: PushLimits = LIMITS
) -> HiddenMesh:
    return HiddenMesh(
        bytes([77]) * 32, listened, pushed, SocksAddress("127.0.0.1", proxy.port), limits=limits
    )


@pytest.mark.trio
async def test_a_cell_reaches_three_relays_under_a_name_of_its_own() -> None:
    """Three relays of four get each cell; no two cells share a host key, no two connections a user name, and none uses the listener's."""
    nodes, proxy = [Overheard(number) for number in range(1, 5)], Proxy()
    async with relays(*nodes) as made, proxies(proxy):
        victim = hidden(proxy, addresses(nodes[0]), addresses(*nodes))
        async with running(victim) as (ears,):
            await ears.hear(PeerJoined)
            for number in range(4):
                victim.push(cell(number))
            await ears.hear(Pushed, times=4)
            assert sorted(ears.of(Pushed), key=lambda pushed: pushed.cell) == [
                Pushed(cell(n), 3) for n in range(4)
            ]
    for number in range(4):
        assert sum(cell(number) in speaker.cells.values() for speaker, _ in made) == 3
    strangers = [peer for node in nodes for peer in node.strangers if peer != victim.peer_id]
    assert {strangers.count(peer) for peer in strangers} == {3}
    assert len(set(strangers)) == 4
    assert len(proxy.asked) == len({asked.user for asked in proxy.asked}) == 1 + 4 * 3


@pytest.mark.trio
async def test_all_errands_look_alike() -> None:
    """Six pushes, of different cells to different relays, send as many bytes, but for one Noise message more or less."""
    nodes, proxy = [mesh(number) for number in range(1, 4)], Proxy()
    async with relays(*nodes), proxies(proxy):
        victim = hidden(proxy, [], addresses(*nodes), PushLimits())
        async with running(victim) as (ears,):
            victim.push(cell(1))
            victim.push(bytes(reversed(cell(2))))
            await ears.hear(Pushed, times=2)
        while len(proxy.sent) < 6:
            await trio.lowlevel.checkpoint()
    assert len(proxy.sent) == 6
    assert max(proxy.sent) - min(proxy.sent) in {0, 18}  # two frames that met in one message, or did not


@pytest.mark.trio
async def test_the_listener_is_an_ordinary_caller_of_the_relays_network() -> None:
    """Through the proxy a relay is known by its own name and network, not by the proxy's; what it gossips arrives."""
    node = mesh(1)
    proxy = Proxy({"relay.invalid": ("127.0.0.1", 0)})
    async with relays(node), proxies(proxy):
        _, _, host, _, port, _, peer = node.addresses[0].split("/")
        proxy.names = {"relay.invalid": (host, int(port))}
        victim = hidden(proxy, [Address("dns4", "relay.invalid", int(port), peer)], [])
        async with running(victim) as (ears,):
            joined = await ears.hear(PeerJoined)
            assert (joined.peer, joined.outbound, joined.network) == (peer, True, "relay.invalid")
    assert [(asked.kind, asked.host) for asked in proxy.asked] == [(3, "relay.invalid")]


@pytest.mark.trio
async def test_one_relay_is_enough() -> None:
    """Where two of three relays are gone, the third gets the cell, and the push counts one."""
    node, proxy = mesh(1), Proxy()
    async with relays(node) as [(speaker, _)], proxies(proxy):
        gone = bootstrap_address(NOBODY)
        victim = hidden(proxy, [], [*addresses(node), gone, evolve(gone, port=2)])
        async with running(victim) as (ears,):
            victim.push(cell(1))
            assert await ears.hear(Pushed) == Pushed(cell(1), 1)
            await speaker.until(lambda: cell(1) in speaker.cells.values())


@pytest.mark.trio
async def test_who_is_pushed_to_bears_no_witness() -> None:
    """A relay with both parts joins as one that we did not dial; one that only listens, as one that we did."""
    node, other, proxy = mesh(1), mesh(2), Proxy()
    async with relays(node, other), proxies(proxy):
        victim = hidden(proxy, addresses(node, other), addresses(node))
        async with running(victim) as (ears,):
            await ears.hear(PeerJoined, times=2)
            assert {one.peer: one.outbound for one in ears.of(PeerJoined)} == {
                node.peer_id: False,
                other.peer_id: True,
            }


@pytest.mark.trio
async def test_a_cell_that_comes_back_before_its_errand_was_taken() -> None:
    """A relay that brings it has it: that is told first, by gossip and by sync; of another cell nothing is told."""
    mute, proxy = mesh(1), Proxy()  # a mesh without a router: the errand waits for it
    async with running(mute), proxies(proxy):
        victim = hidden(proxy, [], addresses(mute))
        async with running(victim) as (ears,):
            victim.push(cell(1))
            await trio.testing.wait_all_tasks_blocked()
            said = [Carried(gossip_id(one, canonical=True), one, TOPIC) for one in (cell(2), cell(1))]
            brought = [RpcReceived(mute.peer_id, Rpc(messages=(one,)), 1) for one in said]
            given = SyncReceived(mute.peer_id, encode(Give(1, (cell(2), cell(1)))))
            for event in (*brought, given):
                victim._deliver(event)
            told = [one for one in ears.events if isinstance(one, (Pushed, RpcReceived, SyncReceived))]
            assert told == [brought[0], Pushed(cell(1), 1), brought[1], Pushed(cell(1), 1), given]


@pytest.mark.trio
async def test_where_nobody_else_takes_it_a_listener_is_pushed_to() -> None:
    """Of two relays the one to push to is gone: the other gets the cell, and its word counts no more. With three to push to it never does."""
    node, proxy = mesh(1), Proxy()
    gone = [evolve(bootstrap_address(NOBODY), port=port) for port in (1, 2, 3)]
    async with relays(node) as [(speaker, _)], proxies(proxy):
        apart = hidden(proxy, addresses(node), gone)
        async with running(apart) as (ears,):
            await ears.hear(PeerJoined)
            apart.push(cell(2))
            assert (await ears.hear(PushFailed)).cell == cell(2)
        victim = hidden(proxy, addresses(node), gone[:1])
        async with running(victim) as (ears,):
            assert (await ears.hear(PeerJoined)).outbound
            victim.push(cell(1))
            assert await ears.hear(Pushed) == Pushed(cell(1), 1)
            assert not (await ears.hear(PeerJoined, times=2)).outbound
            kinds = [type(event) for event in ears.events]
            assert kinds.index(PeerLeft) < kinds.index(Pushed)
        assert cell(2) not in speaker.cells.values()


@pytest.mark.trio
async def test_a_push_that_reaches_nobody_says_why() -> None:
    """A relay that is down, an impostor and an empty list each fail with a sentence; what waits beyond the bound fails at once."""
    node, proxy = mesh(1), Proxy()
    async with running(node), proxies(proxy):
        (address,) = addresses(node)
        impostor = evolve(address, peer=bootstrap_address(NOBODY).peer)
        for pushed, why in (
            ([bootstrap_address(NOBODY)], "could not reach it"),
            ([impostor], "another peer answers there"),
            ([], "No relay is known"),
        ):
            victim = hidden(proxy, [], pushed)
            async with running(victim) as (ears,):
                victim.push(cell(1))
                failed = await ears.hear(PushFailed)
                assert failed.cell == cell(1)
                assert why in failed.why
        full = hidden(proxy, [], [], evolve(LIMITS, at_once=1, waiting_max=1))
        full.push(cell(8))
        full.push(cell(8))  # waits already
        full.push(cell(9))  # before it runs
        async with running(full) as (ears,):
            await ears.hear(PushFailed, times=2)
            assert {failed.cell: failed.why for failed in ears.of(PushFailed)} == {
                cell(9): "Too many messages wait to be pushed.",
                cell(8): "No relay is known to push to.",
            }


@pytest.mark.trio
async def test_a_relay_that_says_nothing_is_given_up() -> None:
    """A relay that never says hello has not taken the cell: the errand ends when its time is over."""
    mute, proxy = mesh(1), Proxy()  # a mesh without a router
    async with running(mute) as (heard,), proxies(proxy):
        victim = hidden(proxy, [], addresses(mute), evolve(LIMITS, errand_s=1.0))
        async with running(victim) as (ears,):
            victim.push(cell(1))
            assert "no answer within 1 s" in (await ears.hear(PushFailed)).why
            assert heard.of(PeerJoined)


@pytest.mark.trio
async def test_nothing_is_logged_that_links_a_peer_to_a_cell(caplog: pytest.LogCaptureFixture) -> None:
    """At the default level no line holds a peer or an id while a cell is pushed, whether it arrives or not."""
    caplog.set_level(logging.INFO)
    node, proxy = Overheard(1), Proxy()
    async with relays(node), proxies(proxy):
        victim = hidden(proxy, addresses(node), [*addresses(node), bootstrap_address(NOBODY)])
        async with running(victim) as (ears,):
            victim.push(cell(1))
            await ears.hear(Pushed)
            proxy.die()
            victim.push(cell(2))
            await ears.hear(PushFailed)
    names = [*node.strangers, node.peer_id, *(gossip_id(cell(n), canonical=True).hex() for n in (1, 2))]
    assert [record for record in caplog.records for name in names if name in record.getMessage()] == []


def test_relays_are_drawn_from_different_networks() -> None:
    """As long as there are networks enough, no two of the three drawn share one; every relay is drawn some time."""
    source = random.Random(1)
    peer = bootstrap_address(NOBODY).peer
    many = [Address("ip4", f"198.{18 + n // 4}.{n}.1", 4001, peer) for n in range(12)]
    drawn = [draw(many, 3, source) for _ in range(200)]
    assert all(len({one.host.split(".")[1] for one in three}) == 3 for three in drawn)
    assert {one.host for three in drawn for one in three} == {one.host for one in many}
    few = many[:4]
    assert {len(draw(few, 3, source)) for _ in range(20)} == {3}
    assert draw(few[:2], 3, source) in (tuple(few[:2]), tuple(reversed(few[:2])))


def test_a_network_with_many_relays_is_drawn_no_oftener() -> None:
    """Forty relays of one owner among two others': each of the three is first in a third of the draws, and one of two in two thirds."""
    source = random.Random(2)
    peer = bootstrap_address(NOBODY).peer
    many = [Address("ip4", f"198.18.{n}.1", 4001, peer) for n in range(40)]
    others = [Address("ip4", f"198.{19 + n}.0.1", 4001, peer) for n in range(2)]
    draws = [draw([*many, *others], 2, source) for _ in range(900)]
    assert 240 < sum(drawn[0] in many for drawn in draws) < 360
    assert 540 < sum(any(one in many for one in drawn) for drawn in draws) < 660
    assert {one for drawn in draws for one in drawn} == {*many, *others}, "and any relay of the many"
    assert len({network_of(one.host) for one in draw([*many, *others], 4, source)[:3]}) == 3

"""A few of many relays are dialled: who fails is replaced, one after another, and there is an end to it."""

import random
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
import trio
import trio.testing

from p2p_sos.core.events import PeerJoined, StemRefused
from p2p_sos.drivers.addresses import Address, network_of, peer_id_of
from p2p_sos.drivers.p2p.guarded import GuardedMesh
from p2p_sos.drivers.p2p.keeper import KeeperLimits
from p2p_sos.drivers.p2p.rota import Rota, RotaLimits
from tests.drivers.p2p.nodes import QUICK, mesh, running

LIMITS = RotaLimits(places=3, shown_max=6)
RELAYS = [
    Address("ip4", f"198.{18 + number // 4}.{number}.1", 4001, peer_id_of(bytes([number]) * 32))
    for number in range(12)
]


class Yard:
    """Relays that are up or down, and who was dialled when, by a clock that jumps to what is waited for next."""

    def __init__(self, up: Mapping[str, bool], **named: Any) -> None:
        self.up = dict(up)
        self.dialled: list[tuple[float, Address]] = []
        self.there: list[Address] = []
        self.most = 0
        self.cuts: dict[str, trio.Event] = {}
        self.noted: tuple[Address, ...] = ()
        limits = named.pop("limits", LIMITS)
        self.rota = Rota(self.dial, "", KeeperLimits(), limits, random.Random(3), noted=self.note, **named)
        self.rota.keep(RELAYS)

    def note(self, shown: tuple[Address, ...]) -> None:
        """What a case file would keep."""
        self.noted = shown

    async def dial(self, address: Address) -> None:
        """Stay as long as it is up."""
        self.dialled.append((trio.current_time(), address))
        if not self.up.get(address.peer, False):
            raise ConnectionRefusedError
        self.cuts[address.peer] = trio.Event()
        self.there.append(address)
        self.most = max(self.most, len(self.there))
        await self.cuts[address.peer].wait()
        self.there.remove(address)

    async def run(self, for_s: float) -> None:
        """As long by the clock."""
        with trio.move_on_after(for_s):
            await self.rota.run()

    @property
    def seen(self) -> list[Address]:
        """Everybody who was dialled, in order."""
        return list(dict.fromkeys(address for _, address in self.dialled))


@pytest.mark.trio
async def test_while_all_is_well_three_see_us(autojump_clock: trio.testing.MockClock) -> None:
    """Of twelve relays in three networks three are dialled, in three networks, once each."""
    yard = Yard({one.peer: True for one in RELAYS})
    await yard.run(3600.0)
    assert len(yard.dialled) == 3
    assert len({network_of(one.host) for one in yard.seen}) == 3
    assert set(yard.noted) == set(yard.seen)


@pytest.mark.trio
async def test_who_fails_is_replaced_one_by_one(autojump_clock: trio.testing.MockClock) -> None:
    """All are down: three at once, then one at a time with a pause between, never more than the most in all; those are tried again."""
    yard = Yard({})
    await yard.run(3600.0)
    firsts = [min(at for at, one in yard.dialled if one == each) for each in yard.seen]
    assert len(firsts) == LIMITS.shown_max
    assert len({at for at in firsts[:3]}) == 1
    assert all(later - at >= 2.5 for at, later in pairwise(firsts[2:]))
    assert len(yard.dialled) > 3 * LIMITS.shown_max
    assert {str(one) for one in yard.noted} == {str(one) for one in yard.seen}
    yard.up = {yard.seen[0].peer: True, yard.seen[-1].peer: True}  # control: whoever comes back is found
    await yard.run(3600.0)
    assert {one.peer for one in yard.there} == set(yard.up)


@pytest.mark.trio
async def test_dead_relays_give_way_to_living_ones(autojump_clock: trio.testing.MockClock) -> None:
    """Whoever is there keeps its place through a short cut; one that stays away loses it; never are there more than three."""
    yard = Yard({one.peer: number % 2 == 0 for number, one in enumerate(RELAYS)}, limits=RotaLimits(3, 12))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(yard.rota.run)
        await trio.sleep(600.0)
        assert len(yard.there) == 3
        shown, first = len(yard.seen), yard.there[0]
        yard.cuts[first.peer].set()
        await trio.sleep(60.0)
        assert first in yard.there
        assert len(yard.seen) == shown
        yard.up[first.peer] = False
        yard.cuts[first.peer].set()
        await trio.sleep(600.0)
        assert first not in yard.there
        assert len(yard.there) == yard.most == 3
        assert len(yard.seen) > shown
        nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_a_restart_shows_us_to_nobody_new(autojump_clock: trio.testing.MockClock) -> None:
    """Whom the case dialled before it dials first, those that failed last; the count goes on."""
    yard = Yard({})
    await yard.run(3600.0)
    again = Yard({}, shown=list(yard.noted))
    await again.run(3600.0)
    assert set(again.seen) == set(yard.seen)
    assert tuple(again.seen[:3]) == yard.noted[:3]


@pytest.mark.trio
async def test_a_relay_without_a_stem_gives_its_place_up(autojump_clock: trio.testing.MockClock) -> None:
    """It is cut for one that was never dialled; where there is none it stays."""
    yard = Yard({one.peer: True for one in RELAYS})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(yard.rota.run)
        await trio.testing.wait_all_tasks_blocked()
        for _ in range(LIMITS.shown_max - LIMITS.places):
            useless = yard.there[0]
            assert yard.rota.spurn(useless.peer)
            yard.cuts[useless.peer].set()
            await trio.sleep(60.0)
            assert useless not in yard.there
            assert len(yard.there) == 3
        assert not yard.rota.spurn(yard.there[0].peer)
        nursery.cancel_scope.cancel()


@pytest.mark.trio
async def test_a_mesh_for_the_stem_joins_three_of_four() -> None:
    """Over real connections; and the fourth takes the place of one that refuses the stem."""
    nodes = [mesh(number) for number in range(1, 5)]
    async with running(*nodes):
        addresses = [node.addresses[0] for node in nodes]
        noted = list[int]()
        victim = GuardedMesh(
            bytes([77]) * 32,
            addresses,
            RotaLimits(3, 16, next_s=0.05),
            shown=[],
            noted=lambda shown: noted.append(len(shown)),
            source=random.Random(1),
            limits=QUICK,
            loopback_apart=True,
        )
        async with running(victim) as (ears,):
            await ears.hear(PeerJoined, times=3)
            assert noted == [1, 2, 3]
            assert len(victim._links) == 3
            victim._deliver(StemRefused(ears.of(PeerJoined)[0].peer, spoke=False))
            fourth = await ears.hear(PeerJoined, times=4)
            assert {node.peer_id for node in nodes} == {one.peer for one in ears.of(PeerJoined)}
            assert fourth.outbound
            assert max(noted) == 4

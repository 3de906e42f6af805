"""What a victim behind a proxy says reaches relays by errands, and nothing of it goes any other way."""

import logging
from pathlib import Path

import pytest
import trio

from p2p_sos.core.events import PeerJoined, Pushed, PushFailed, RpcReceived
from p2p_sos.drivers.p2p.hidden import HiddenMesh
from p2p_sos.drivers.p2p.mesh import Libp2pMesh
from p2p_sos.drivers.socks import SocksAddress
from tests.drivers.p2p.nodes import Ears, cell, mesh, relays, running
from tests.drivers.p2p.proxy import Proxy, proxies


def hidden(proxy: Proxy, listened: list[str], pushed: list[str]) -> HiddenMesh:
    return HiddenMesh(bytes([77]) * 32, listened, pushed, SocksAddress("127.0.0.1", proxy.port))


@pytest.mark.trio
async def test_a_cell_reaches_three_relays() -> None:
    """Three relays of four hold the cell, each got it from a stranger under one fresh key, and one user name asked for all."""
    nodes = [mesh(number) for number in range(1, 5)]
    proxy = Proxy()
    async with relays(*nodes) as made, proxies(proxy):
        victim = hidden(proxy, [], [node.addresses[0] for node in nodes])
        async with running(victim) as (ears,):
            victim.push(cell(1))
            assert await ears.hear(Pushed) == Pushed(cell(1), 3)
    holding = [speaker for speaker, _ in made if cell(1) in speaker.cells.values()]
    assert len(holding) >= 3
    assert len(proxy.asked) == 3
    assert len({asked.user for asked in proxy.asked}) == 1

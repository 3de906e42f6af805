"""Our nodes among nodes of js-libp2p and of py-libp2p's own router: the same wire, both ways.

js-libp2p runs with StrictNoSign and the message id of 04-gossip, and knows nothing else of e-SOS. In
py-libp2p the equivocation check and the ten messages a second are out of the way; all else is as it ships.
"""

import pytest
import trio

from p2p_sos.core.events import VictimCalls
from tests.interop.foreign import PATIENCE_S, foreign, javascript, python
from tests.interop.ours import call_of, our_node, secrets

SOURCE, RELAY = 0, 1
CELLS = 5  # a router that keys on the origin, which is absent, loses all but the first
JAVASCRIPT = javascript()
UNFETCHED = "the js-libp2p packages are not there: python3 scripts/javascript.py fetches them"

both = pytest.mark.parametrize(
    "command",
    [
        pytest.param(
            JAVASCRIPT, id="js-libp2p", marks=pytest.mark.skipif(JAVASCRIPT is None, reason=UNFETCHED)
        ),
        pytest.param(python(), id="py-libp2p"),
    ],
)


@both
@pytest.mark.trio
async def test_it_takes_our_cells_relays_them_and_sends_cells_that_we_accept(command: list[str]) -> None:
    """Foreign cells are accepted by A, and go from A over a foreign relay to B, which A has no link to."""
    cells = [call_of(secrets(number)) for number in range(CELLS)]
    async with our_node(11) as ours_a, our_node(12) as ours_b, foreign(command, nodes=2, edges=[]) as peers:
        with trio.fail_after(PATIENCE_S):
            await peers.join(SOURCE, ours_a)
            await peers.join(RELAY, ours_a)
            await peers.join(RELAY, ours_b)
            for cell in cells:
                await peers.ask("publish", "published", node=SOURCE, data=cell.cell.hex())
            await ours_a.hears(*cells)
            passed = [await peers.cell(RELAY) for _ in cells]
            assert sorted(passed) == sorted(cell.cell for cell in cells)
            await ours_b.hears(*cells)
            assert [view.peer for view in ours_b.node.peers] == [peers.nodes[RELAY]["peer"]]


@both
@pytest.mark.trio
async def test_a_victim_behind_it_is_heard(command: list[str]) -> None:
    """A caller with no listen address that dials a foreign node alone: its call reaches our node behind it."""
    victim = secrets(102)
    cell = call_of(victim)
    async with our_node(13) as ours, foreign(command, nodes=1, edges=[]) as peers:
        with trio.fail_after(PATIENCE_S):
            await peers.join(0, ours)
            bootstrap = [peers.nodes[0]["address"]]
            async with our_node(14, bootstrap=bootstrap, listens=False, victim=victim) as caller:
                await caller.runner.ask(VictimCalls(cell))
                assert await peers.cell(0) == cell.cell
                await ours.hears(cell)


@both
@pytest.mark.trio
async def test_what_is_no_message_of_ours_stops_at_our_node(command: list[str]) -> None:
    """Control: a foreign cell that we refuse does not pass our node, though a valid one after it does."""
    noise, cell = bytes(2048), call_of(secrets(103))
    async with our_node(15) as ours, foreign(command, nodes=2, edges=[]) as peers:
        with trio.fail_after(PATIENCE_S):
            await peers.join(SOURCE, ours)
            await peers.join(RELAY, ours)
            await peers.ask("publish", "published", node=SOURCE, data=noise.hex())
            await peers.ask("publish", "published", node=SOURCE, data=cell.cell.hex())
            await ours.hears(cell)
            assert await peers.cell(RELAY) == cell.cell

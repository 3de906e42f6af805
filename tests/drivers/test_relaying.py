"""A call that somebody brings by hand reaches real nodes on loopback: as a guest, and through a running node's API."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from p2p_sos.core.gossip.rpc import Carried, Rpc
from p2p_sos.drivers.api.client import LocalApi
from p2p_sos.drivers.p2p.mesh import Libp2pMesh
from p2p_sos.drivers.relaying import Witness, listen_for, relay_call
from p2p_sos.drivers.service import NodeService
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.registry import Need
from p2p_sos.wire.sync import Fetch, Give, encode
from tests.drivers.handmade import LABORATORY, call, cancel
from tests.drivers.services import DUTY, RELAY, ask, node, refused

DEAD = "/ip4/127.0.0.1/tcp/9/p2p/12D3KooWKhoRBoZCmcNE7FnCAqJdEKBhhRXNgMSRP4kXobYzv4Vg"
LONG_S, SHORT_S = 50.0, 1.5


@asynccontextmanager
async def two(root: Path) -> AsyncIterator[tuple[NodeService, NodeService]]:
    async with node(root / "a", RELAY) as a, node(root / "b", RELAY, a) as b:
        yield a, b


def cell_in(frame: Frame) -> dict[str, str]:
    return {"cell": base64.b64encode(frame.cell).decode()}


@pytest.mark.trio
@pytest.mark.parametrize("ago", [0, 20])
async def test_a_guest_brings_a_call_and_sees_it_come_back(tmp_path: Path, ago: int) -> None:
    """Fresh by gossip or hours old by sync, it is at both nodes, under its own id; a second time it is known."""
    made = call(ago=ago)
    async with two(tmp_path) as (a, b):
        relays = [*a.addresses, *b.addresses]
        first = await relay_call(made, LABORATORY, relays, patience_s=LONG_S)
        assert (first.joined, first.taken, first.heard, first.known) == (2, 1, True, False)
        for one in (a, b):
            await one.until(lambda node_: made.id in node_.calls)
            assert one.node.calls[made.id].frame.cell == made.cell
        again = await relay_call(made, LABORATORY, relays, patience_s=LONG_S)
        assert (again.taken, again.heard, again.known) == (0, True, True)
        assert len(a.node.calls) == 1


@pytest.mark.trio
async def test_a_lone_relay_is_no_proof(tmp_path: Path) -> None:
    """It took the call, and what it alone sends back does not count as heard; an answer does."""
    made = call()
    async with node(tmp_path / "a", RELAY) as a:
        outcome = await relay_call(made, LABORATORY, [*a.addresses, DEAD], patience_s=SHORT_S)
        assert (outcome.joined, outcome.taken, outcome.heard, outcome.known) == (1, 1, False, False)
        assert list(outcome.faults) == [DEAD]
        await a.until(lambda node_: made.id in node_.calls)
        again = await relay_call(made, LABORATORY, list(a.addresses), patience_s=SHORT_S)
        assert (again.joined, again.taken, again.heard, again.known) == (1, 0, False, True)


@pytest.mark.trio
async def test_an_answer_counts_as_heard_even_with_one_relay(tmp_path: Path) -> None:
    """A claim can come from the mesh alone."""
    made = call(needs=1 << Need.INVESTIGATE)
    async with node(tmp_path / "a", RELAY) as a, node(tmp_path / "b", DUTY, a) as b:
        await a.until(lambda node_: bool(node_.cards))
        assert b.responder
        assert (await relay_call(made, LABORATORY, list(a.addresses), patience_s=LONG_S)).heard


@pytest.mark.trio
async def test_nobody_reachable_is_said(tmp_path: Path) -> None:
    """No peer, nothing taken, and why."""
    outcome = await relay_call(call(), LABORATORY, [DEAD], patience_s=SHORT_S)
    assert (outcome.joined, outcome.taken, outcome.heard, outcome.known) == (0, 0, False, False)
    assert "refused" in outcome.faults[DEAD]


@pytest.mark.trio
@pytest.mark.parametrize("ago", [0, 20])
async def test_a_running_node_takes_a_call_over_its_api(tmp_path: Path, ago: int) -> None:
    """It holds it, hands it to its peers, where a guest finds it, and says the second time that it was there."""
    made = call(ago=ago)
    async with two(tmp_path) as (a, b):
        api = LocalApi(a.home.socket_path)
        said = await ask(api.post, "/relay", cell_in(made))
        assert (said["id"], said["known"], said["peers"]) == (made.id.hex(), False, 1)
        assert await listen_for(made, LABORATORY, list(b.addresses), patience_s=LONG_S)
        assert (await ask(api.post, "/relay", cell_in(made)))["known"]
        assert not await listen_for(call(ago=1), LABORATORY, list(b.addresses), patience_s=SHORT_S)


@pytest.mark.trio
async def test_a_node_refuses_what_is_no_call_of_its_network(tmp_path: Path) -> None:
    """Whatever program asks: a slug and a sentence, and nothing is admitted."""
    over, made = call(ago=150), call()
    async with node(tmp_path / "a", RELAY) as a:
        api = LocalApi(a.home.socket_path)
        for body, code in (
            ({"cell": "no base64!"}, "no-cell"),
            ({"cell": ""}, "call-broken"),
            ({"cell": base64.b64encode(bytes(2048)).decode()}, "call-broken"),
            (cell_in(cancel(made)), "not-a-call"),
            (cell_in(over), "call-over"),
            ({}, "no-text"),
        ):
            assert (await refused(api.post, "/relay", body)).code == code
        assert not a.node.calls


class Silent:
    """A mesh that swallows what it is given."""

    def send(self, _peer: str, _rpc: Rpc) -> None:
        pass

    def send_sync(self, _peer: str, _frame: bytes) -> None:
        pass


def test_a_witness_counts_what_leaves_in_full() -> None:
    """An announcement is no copy; a message, and a cell given by sync, are."""
    made, other = call(), call(ago=1)
    name = gossip_id(made.cell, canonical=True)
    witness = Witness(Silent(), made.cell)  # type: ignore[arg-type]
    witness.send("a", Rpc(ihave=(("/esos/1", (name,)),)))
    witness.send("b", Rpc(messages=(Carried(gossip_id(other.cell, canonical=True), other.cell, "/esos/1"),)))
    witness.send_sync("c", encode(Give(1, (other.cell,))))
    witness.send_sync("d", encode(Fetch(1, (made.id,))))
    assert not witness.sent
    witness.send("e", Rpc(messages=(Carried(name, made.cell, "/esos/1"),)))
    witness.send_sync("f", encode(Give(1, (other.cell, made.cell))))
    assert list(witness.sent) == ["e", "f"]


@pytest.mark.trio
async def test_a_witness_is_the_mesh_inside() -> None:
    """Who we are, where, and what failed are the inner mesh's."""
    inner = Libp2pMesh(bytes(range(32)))
    witness = Witness(inner, call().cell)
    assert (witness.peer_id, witness.addresses, witness.faults) == (inner.peer_id, (), {})

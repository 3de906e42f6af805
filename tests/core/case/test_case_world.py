"""The case and the dialogue inside whole nodes: a session with every process killed in the middle of it."""

import pytest

from p2p_sos.core.case.case import CasePhase
from p2p_sos.core.events import (
    OperatorWrites,
    VictimCalls,
    VictimCancels,
    VictimClears,
    VictimDecides,
    VictimWrites,
)
from p2p_sos.core.gossip.rpc import Rpc
from p2p_sos.core.notices import CallReturned, CallTaken, ClaimSeen, LetterArrived
from p2p_sos.core.tables import Table
from p2p_sos.wire.frames import Frame, decode
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.registry import CELL_BYTES, LetterKind
from tests.core.world import World, city, responder, victim

HELPER = "node5"
R = responder(HELPER).key.public


def read(world: World, name: str, call: bytes, direction: str = "in") -> list[str]:
    """The texts that one node holds of its conversations about a call."""
    node = world.node(name)
    letters = node.case.letters if node.case is not None else node.letters(call)
    return [x.text for x in letters if x.direction == direction and x.kind is LetterKind.TEXT]


def accepted(world: World) -> bytes:
    call = world.call("victim")
    world.run(10.0)
    world.tell("victim", VictimDecides(R, LetterKind.ACCEPT))
    world.run(10.0)
    return call


def test_heard_is_told_before_any_claim() -> None:
    """Also where no listener can say so first: a victim with one relay learns it from the first CLAIM."""
    world = city(0)
    for name in ("node0", "node1"):
        world.add(name, responder=responder(name))
    world.link("node0", "node1")
    world.link("victim", "node0")
    world.run(2.0)
    world.call("victim")
    world.run(20.0)
    kinds = [type(notice) for _, notice in world["victim"].notices]
    assert kinds.index(CallReturned) < kinds.index(ClaimSeen)


def test_a_session_of_whole_nodes() -> None:
    """Five claim, write and are attested; one is accepted and learns the situation; letters cross; all is clear."""
    world = city()
    call = accepted(world)
    case = world.node("victim").case
    assert case is not None
    assert case.phase is CasePhase.HEARD
    assert world["victim"].told(CallReturned)
    assert world["victim"].told(CallTaken)[-1].relays == 2, "two relays took it, the third listens"
    assert len([h for h in case.helpers if h.claimed and h.attested and h.introduction]) == 5
    assert [(n.kind, n.text) for n in world[HELPER].told(LetterArrived)] == [
        (LetterKind.ACCEPT, "all files are encrypted")
    ]
    world.tell(HELPER, OperatorWrites(call, "since when?"))
    world.tell("victim", VictimWrites(None, "since noon"))
    world.run(20.0)
    assert read(world, "victim", call) == ["since when?"]
    assert read(world, HELPER, call) == ["since noon"]
    assert all(x.delivered for x in world.node("victim").case.letters)  # type: ignore[union-attr]
    world.tell("victim", VictimClears())
    world.run(120.0)
    for name in [f"node{index}" for index in range(8)]:
        assert world.node(name).calls[call].state.value == "cleared"
        assert world[name].store.rows[Table.SESSION] == {}


@pytest.mark.parametrize("pause_s", [0.0, 0.03, 0.1, 0.5, 2.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_everyone_is_killed_with_letters_under_way(pause_s: float, seed: int) -> None:
    """The victim and its helper are killed right after writing and come back: each letter is there once, both sides."""
    world = city(seed=seed)
    call = accepted(world)
    for number in range(3):
        world.tell("victim", VictimWrites(R, f"v{number}"))
        world.tell(HELPER, OperatorWrites(call, f"r{number}"))
        world.run(pause_s)
        for name in ("victim", HELPER)[: 1 + number % 2]:
            world.kill(name)
        world.run(3.0)
        for name in ("victim", HELPER)[: 1 + number % 2]:
            world.start(name)
        world.run(3.0)
    world.run(300.0)
    assert read(world, HELPER, call) == ["v0", "v1", "v2"]
    assert read(world, "victim", call) == ["r0", "r1", "r2"]
    for name in ("victim", HELPER):
        told = [(n.correspondent, n.kind, n.text) for n in world[name].told(LetterArrived)]
        assert len(told) == len(set(told))
    case = world.node("victim").case
    assert case is not None
    assert all(x.delivered for x in case.letters)


@pytest.mark.parametrize("down_s", [0.05, 0.2, 1.0])
def test_a_victim_killed_while_claims_arrive(down_s: float) -> None:
    """A victim that was down when the claims passed learns them all from the letters, and attests all."""
    world = city()
    call = world.call("victim")
    world.run(down_s)
    world.kill("victim")
    world.run(5.0)
    world.start("victim")
    world.run(60.0)
    case = world.node("victim").case
    assert case is not None
    assert case.call == call
    assert case.phase is CasePhase.HEARD
    assert len([h for h in case.helpers if h.claimed and h.attested]) == 5


def test_a_case_that_was_closed_stays_closed() -> None:
    """A victim killed right after its CANCEL comes back closed, tells late relays, and loses its keys in time."""
    world = city()
    call = accepted(world)
    world.tell("victim", VictimCancels())
    world.kill("victim")
    world.run(5.0)
    world.start("victim")
    world.run(100.0)
    case = world.node("victim").case
    assert case is not None
    assert (case.phase, case.closed_how, case.keys_gone) == (CasePhase.CLOSED, "cancelled", True)
    assert {world.node(f"node{index}").calls[call].state.value for index in range(8)} == {"cancelled"}
    refusal = world.node("victim").refusal(VictimWrites(R, "too late"))
    assert refusal is not None
    assert "closed" in refusal


def watched(world: World) -> list[tuple[str, Rpc]]:
    """What the victim's node sends to whom from now on."""
    sent, send = [], world._send

    def watch(name: str, peer: str, rpc: Rpc) -> None:
        if name == "victim":
            sent.append((peer, rpc))
        send(name, peer, rpc)

    world._send = watch  # type: ignore[method-assign]
    return sent


@pytest.mark.parametrize("crash", [False, True])
def test_nothing_of_the_case_reaches_the_listener(crash: bool) -> None:
    """Neither in full nor by IHAVE is the listener ever told a cell that the victim signed; the relays are told all."""
    world = city()
    sent = watched(world)
    accepted(world)
    if crash:
        world.kill("victim")
        world.start("victim")
    world.tell("victim", VictimWrites(None, "since noon"))
    world.run(60.0)
    node = world.node("victim")
    assert node.case is not None
    assert node.case.listener
    cells = list(world["victim"].store.rows[Table.CELL].values())
    frames = [decode(row[-CELL_BYTES:], world.profile.network) for row in cells]
    signer = victim().call_key.public
    own = {
        gossip_id(f.cell, canonical=True)
        for f in frames
        if isinstance(f, Frame) and f.message.signer == signer
    }
    assert len(own) >= 4
    told: dict[str, set[bytes]] = {}
    for peer, rpc in sent:
        ids = {m.id for m in rpc.messages} | {i for _, announced in rpc.ihave for i in announced}
        told.setdefault(peer, set()).update(ids & own)
    assert sorted(len(ids) for ids in told.values())[0] == 0
    assert len([ids for ids in told.values() if ids]) == 2


def test_the_node_answers_for_the_case() -> None:
    """The node's refusals are the case's, so that the people learn the next step before anything is tried."""
    world = city()
    assert "No call" in (world.node("victim").refusal(VictimCancels()) or "")
    call = accepted(world)
    assert call in world.node("victim").calls
    assert "already" in (world.node("victim").refusal(VictimDecides(R, LetterKind.ACCEPT)) or "")
    assert world.node("victim").refusal(VictimWrites(R, "hello")) is None
    frame = world.node("victim").calls[call].frame
    assert "already" in (world.node("victim").refusal(VictimCalls(frame)) or "")


def test_the_listener_relays_when_nobody_else_is_left() -> None:
    """When the only relay leaves, the peer that listened gets the call: better told than alone."""
    world = city(0)
    for name in ("node0", "node1", "node2"):
        world.add(name, responder=responder(name))
    world.link("node1", "node2")
    world.link("victim", "node0")
    world.link("victim", "node1")
    world.run(2.0)
    world.lost.append(("victim", "node0"))
    call = world.call("victim")
    world.run(5.0)
    assert call not in world.node("node2").calls
    world.kill("node0")
    world.run(5.0)
    assert call in world.node("node2").calls
    case = world.node("victim").case
    assert case is not None
    assert case.heard, "the claims say so"

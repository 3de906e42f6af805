"""Many routers, one world: everything arrives, in few copies, whatever is lost, silent or crashed."""

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from attrs import evolve

from p2p_sos.core.gossip.settings import GossipSettings
from tests.core.gossip.harness import World, random_graph, spread

ROOT = Path(__file__).resolve().parents[3]


def equal_world(nodes: int, seed: int, **options) -> World:
    return World(nodes, random_graph(nodes, 7, Random(seed)), seed, **options)


def plane_world(nodes: int, mean_degree: float, seed: int, **options) -> World:
    """Nodes on a plane: round trips of 10 to 250 ms, and which links are near matters."""
    random = Random(f"plane {seed}")
    at = [complex(random.random(), random.random()) for _ in range(nodes)]
    latency = lambda a, b: 0.005 + 0.085 * abs(at[a] - at[b])  # noqa: E731  # one expression of the world
    return World(nodes, random_graph(nodes, mean_degree, Random(seed)), seed, latency_s=latency, **options)


@pytest.mark.parametrize(("nodes", "seed"), [(20, 1), (20, 2), (50, 1), (50, 2)])
def test_everything_arrives_in_less_than_four_copies(nodes, seed):
    """Mean degree 7, equal round trips: delivered 1.0, at most 4.0 copies, and no longer than a few hops."""
    world = equal_world(nodes, seed)
    spread(world, 30, every_s=0.05)
    assert world.delivered_share() == 1.0
    assert world.copies_per_delivery() <= 4.0
    assert world.delays_s()[-1] <= 0.25
    assert world.disconnected == []


def test_a_full_mesh_costs_more_copies():
    """The control of the bound: with every link eager, copies come near the degree."""
    wasteful = evolve(GossipSettings(), degree=7, degree_low=6, degree_high=16, near=5)
    world = equal_world(20, 1, settings=wasteful)
    spread(world, 10, every_s=0.05)
    assert world.copies_per_delivery() > 4.5


@pytest.mark.parametrize("seed", [1, 2])
def test_everything_arrives_though_a_fifth_of_all_frames_is_lost(seed):
    """GRAFT, IHAVE, IWANT and messages alike are lost at 20 %; repeated announcements repair, and nobody is dropped."""
    world = equal_world(20, seed, loss=0.2)
    spread(world, 40, every_s=0.1, rest_s=60.0)
    assert world.delivered_share() == 1.0
    assert world.copies_per_delivery() <= 4.0
    assert world.disconnected == []


@pytest.mark.parametrize("nodes", [20, 50])
def test_everything_arrives_though_a_tenth_crashed_silently(nodes):
    """Their connections stand and say nothing: the mesh around them still delivers."""
    world = equal_world(nodes, 3)
    world.run(10.0)
    world.crashed.update(dict.fromkeys(world.random.sample(world.names, nodes // 10)))
    spread(world, 20, every_s=0.05)
    assert world.delivered_share() == 1.0


def test_everything_arrives_though_the_nearest_turn_silent():
    """Turncoats: the tenth with the shortest links keeps its links and passes nothing on."""
    world = plane_world(50, 10, 1)
    world.run(10.0)
    shortest = {n: min(s for (a, _), s in world.latency.items() if a == n) for n in world.names}
    world.mute.update(dict.fromkeys(sorted(world.names, key=lambda n: shortest[n])[:5]))
    spread(world, 20, every_s=0.05)
    assert world.delivered_share() == 1.0


def test_near_links_make_the_mesh_fast():
    """p99 stays below 1.3 times the shortest paths'; a mesh by chance (the control) does worse."""
    ratios = []
    for near in (3, 0):
        world = plane_world(60, 12, 2, settings=evolve(GossipSettings(), near=near))
        spread(world, 20, every_s=0.05)
        delays, shortest = world.delays_s(), world.shortest_s()
        ratios.append(delays[len(delays) * 99 // 100] / shortest[len(shortest) * 99 // 100])
        assert world.delivered_share() == 1.0
        assert world.copies_per_delivery() <= 4.5
    assert ratios[0] < 1.3 < ratios[1]


def test_idontwant_saves_copies():
    """Switched on for all large messages, it never loses one, and costs fewer copies than without."""
    copies = []
    for waiting_bytes in (None, 0):
        always = evolve(GossipSettings(), idontwant_waiting_bytes=waiting_bytes)
        world = equal_world(20, 1, settings=always, verdict_s=0.05)
        spread(world, 10, every_s=0.1)
        assert world.delivered_share() == 1.0
        copies.append(world.copies_per_delivery())
    assert copies[1] < copies[0]


def test_who_is_avoided_gets_it_from_others_alone():
    """The listener: the call never comes from its author, and comes all the same; the author hears so."""
    world = equal_world(20, 4)
    world.run(10.0)
    listener = world.routers["0"].peers[0].peer
    identity = world.publish("0", "call", avoid=(listener,))
    world.run(20.0)
    assert (listener, identity) in world.arrived
    assert [peers for name, i, peers in world.sent if (name, i) == ("0", identity)]
    assert not [
        p for name, i, peers in world.sent if (name, i) == ("0", identity) for p in peers if p == listener
    ]
    assert ("0", identity, listener) in world.echoed


def test_a_message_crosses_a_line():
    """No mesh of degree D is needed: three nodes in a row, a thousand messages."""
    world = World(3, [(0, 1), (1, 2)], 5)
    world.run(3.0)
    for number in range(1000):
        world.publish("0", f"{number}")
        world.run(world.now + 0.002)
    world.run(world.now + 5.0)
    assert world.delivered_share() == 1.0
    assert world.copies_per_delivery() == 1.0


def digest() -> str:
    """Everything that 20 routers did with 10 messages, under loss, as one hash."""
    world = plane_world(20, 7, 6, loss=0.1, traced=True)
    spread(world, 10, every_s=0.1)
    return world.trace.hexdigest()


def test_one_seed_gives_one_trace_under_two_hash_seeds():
    """Nothing depends on the order of a set, nor on the interpreter's own randomness."""
    program = "from tests.core.gossip.test_spread import digest; print(digest())"
    digests = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert digests[0] == digests[1]
    assert len(digests[0]) == 64

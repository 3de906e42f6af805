"""Whole nodes in a small world: the main job, crashes, and determinism."""

from p2p_sos.core.notices import CallHeard, ClaimSeen
from tests.core.world import World, city

NAMES = [f"node{index}" for index in range(8)]


def _claims(world: World, name: str, call: bytes) -> tuple[bytes, ...]:
    return tuple(claim.responder for claim in world.node(name).calls[call].view.claims)


def test_all_hear_and_claim() -> None:
    """A call reaches every node once, each claims it, and all boards come to be equal."""
    world = city()
    call = world.call("victim")
    world.run(10.0)
    for name in NAMES:
        assert [n.call for n in world[name].told(CallHeard)] == [call]
        assert len(world[name].told(ClaimSeen)) == 8
        assert world.node(name).calls[call].mine == "claimed"
    views = {world.node(name).calls[call].view for name in (*NAMES, "victim")}
    assert len(views) == 1

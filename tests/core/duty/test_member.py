"""Members: they say that they are there, say whom they met while the victim is silent, and go when they are too many."""

from p2p_sos.core.events import OperatorClaims
from p2p_sos.core.notices import AttestSeen
from p2p_sos.wire.messages import CallId, Renew
from p2p_sos.wire.registry import LEASE_SLOW_FACTOR, S1
from tests.core.world import World, city, responder

NAMES = [f"node{index}" for index in range(8)]


def renewals(world: World, call: CallId, name: str) -> int:
    """How often a responder renewed, as the victim's neighbour knows."""
    key = responder(name).key.public
    frames = world.node("node0").boards.board(call).frames()
    found = [f.message.sequence for f in frames if isinstance(f.message, Renew) and f.message.signer == key]
    return found[0] + 1 if found else 0


def claiming(world: World, call: CallId) -> list[str]:
    """Who claims."""
    return [name for name in NAMES if world.node(name).calls[call].mine == "claimed"]


def test_members_renew_slowly_after_contact() -> None:
    """Who was attested renews every third of a lease that is ten times as long; who was not, at full pace."""
    world = city(8)
    call = world.call("victim")
    world.run(90.0)
    assert [renewals(world, call, name) <= 3 for name in claiming(world, call)] == [True] * 5
    quiet = city(8)
    call = quiet.call("victim")
    quiet.run(0.1)
    quiet.kill("victim")
    quiet.run(18.0)
    pace_s = S1.lease_s / 3
    for name in claiming(quiet, call):
        assert renewals(quiet, call, name) >= int(18.0 / pace_s), "the control"
    assert LEASE_SLOW_FACTOR > 1


def test_a_restart_renews_at_once() -> None:
    """A helper that was away says first of all that it is there."""
    world = city(8)
    call = world.call("victim")
    world.run(60.0)
    name = claiming(world, call)[0]
    before = renewals(world, call, name)
    world.kill(name)
    world.run(2.0)
    world.start(name)
    world.run(1.0)
    assert renewals(world, call, name) > before


def test_others_attest_in_place_of_a_silent_victim() -> None:
    """After half of PROG without a word of V helpers attest one another, once; where V speaks none does (control)."""
    world = city(8)
    call = world.call("victim")
    world.run(0.1)
    world.kill("victim")
    world.run(S1.progress_silent_s / 2 - 1.0)
    assert not world.node("node0").calls[call].view.attested
    world.run(60.0)
    view = world.node("node0").calls[call].view
    assert all(claim.attested for claim in view.claims)
    assert len(view.claims) == S1.k, "and so no wave was needed"
    assert len(world["node0"].told(AttestSeen)) <= 2 * S1.k
    calm = city(8)
    call = calm.call("victim")
    calm.run(60.0)
    victim_key = calm.node("victim").calls[call].frame.message.signer
    frames = calm.node("node0").boards.board(call).frames()
    attests = [f.message.signer for f in frames if type(f.message).__name__ == "Attest"]
    assert set(attests) == {victim_key}


def test_excess_helpers_go() -> None:
    """When more than 2k claim, those whom a full roster leaves out release; up to 2k stay, by hand or not."""
    world = city(13)
    names = [f"node{index}" for index in range(13)]
    call = world.call("victim")
    world.run(5.0)
    for name in names:
        if world.node(name).calls[call].mine == "guarding":
            world.tell(name, OperatorClaims(call))
    world.run(1.0)
    assert len(world.node("victim").calls[call].view.claims) == 13
    world.run(60.0)
    marks = [world.node(name).calls[call].mine for name in names]
    assert (marks.count("claimed"), marks.count("released")) == (2 * S1.k, 3)
    fewer = city(9)
    call = fewer.call("victim")
    fewer.run(5.0)
    for name in names[:9]:
        if fewer.node(name).calls[call].mine == "guarding":
            fewer.tell(name, OperatorClaims(call))
    fewer.run(60.0)
    assert len(fewer.node("victim").calls[call].view.claims) == 9, "the control"

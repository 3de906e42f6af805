"""The lead: one head, replaced when it falls silent, and nobody's zombie."""

from typing import Any

from p2p_sos.core.events import (
    OperatorReleases,
    OperatorReports,
    OperatorStandsDown,
    VictimRequisitions,
)
from p2p_sos.core.notices import LeadChanged, SitrepRefused, SitrepSeen
from p2p_sos.wire.messages import CallId, Roster, Sitrep
from p2p_sos.wire.registry import S1, Cause, Detail, Phase, Reason, SitrepStatus
from tests.core.rough import RoughWorld
from tests.core.world import World, city, responder, victim

NAMES = [f"node{index}" for index in range(8)]


def led() -> tuple[World, CallId, str]:
    """A city in which a victim called ten seconds ago, and who leads."""
    world = city(8)
    call = world.call("victim")
    world.run(10.0)
    return world, call, lead(world, call)


def lead(world: World, call: CallId, at: str = "victim") -> str:
    """The lead's place, as one node sees it; empty for nobody."""
    key = world.node(at).calls[call].view.lead
    return next((name for name in NAMES if responder(name).key.public == key), "")


def said(world: World, name: str, kind: type[Any], since: float = 0.0) -> list[Any]:
    """What a node was told of one class, from some time on."""
    return [notice for at, notice in world[name].notices if at >= since and isinstance(notice, kind)]


def rosters(world: World, call: CallId, at: str = "victim") -> list[Roster]:
    """The rosters on one board."""
    frames = world.node(at).boards.board(call).frames()
    return [frame.message for frame in frames if isinstance(frame.message, Roster)]


def test_one_lead_within_three_seconds() -> None:
    """The fittest names a roster of all helpers after HOLD, and reports at once and at its pace; all follow the same."""
    world = city(8)
    call = world.call("victim")
    world.run(3.0)
    assert len({world.node(name).calls[call].view.token for name in [*NAMES, "victim"]}) == 1
    (roster,) = rosters(world, call)
    view = world.node("victim").calls[call].view
    assert (roster.cause, roster.signer) == (Cause.INITIAL, view.claims[0].responder)
    assert roster.members == tuple(sorted(claim.responder for claim in view.claims))
    world.run(30.0)
    assert 10 <= len(said(world, "victim", SitrepSeen)) <= 13
    assert said(world, "victim", SitrepRefused) == []


def test_a_report_of_the_person_on_duty_goes_out() -> None:
    """Contact makes it mitigating by itself; what the person says counts from then on; a member's word is refused."""
    world, call, name = led()
    assert said(world, "victim", SitrepSeen)[-1].status is SitrepStatus.MITIGATING
    report = OperatorReports(call, SitrepStatus.ATTACK_STOPPED, Phase.ALERFA)
    other = next(place for place in NAMES if place != name)
    assert world.node(other).refusal(report) is not None
    world.tell(name, report)
    world.run(1.0)
    seen = said(world, "victim", SitrepSeen)[-1]
    assert (seen.status, seen.phase) == (SitrepStatus.ATTACK_STOPPED, Phase.ALERFA)


def test_a_dead_lead_is_replaced() -> None:
    """Within LEASE and HOLD somebody else leads, for the reason that the old lead's time was over."""
    world, call, name = led()
    world.kill(name)
    world.run(S1.lease_s + S1.hold_s + 1.0)
    assert lead(world, call) not in ("", name)
    assert Cause.EXPIRED in [roster.cause for roster in rosters(world, call)]


def test_a_dead_roster_is_replaced() -> None:
    """When all that helped die at once, others come and one of them leads: the roll call finds the silent."""
    world, call, _ = led()
    members = [claim.responder for claim in world.node("victim").calls[call].view.claims]
    dead = [name for name in NAMES if responder(name).key.public in members]
    for name in dead:
        world.kill(name)
    world.run(35.0)
    assert lead(world, call) not in ("", *dead)


def test_the_roll_is_called() -> None:
    """When a lead is lost every other helper renews at once, though members renew rarely after contact."""
    world, call, name = led()
    world.run(60.0)
    before = len(said(world, "victim", LeadChanged))
    world.kill(name)
    world.run(S1.lease_s + S1.hold_s + S1.band_wait_s + 1.0)
    silent = [c.responder for c in world.node("victim").calls[call].view.claims if c.silent]
    assert silent == [responder(name).key.public]
    assert len(said(world, "victim", LeadChanged)) > before


def test_each_takeover_waits_longer() -> None:
    """The wait before a roster doubles with every takeover on the board."""
    world, call, _ = led()
    waits = []
    for _ in range(2):
        world.kill(lead(world, call))
        lost = world.now
        while lead(world, call) and world.now < lost + 30:
            world.run(0.1)
        lost = world.now
        while not lead(world, call) and world.now < lost + 30:
            world.run(0.1)
        waits.append(world.now - lost)
    assert abs(waits[0] - S1.hold_s) < 0.5
    assert abs(waits[1] - 2 * S1.hold_s) < 0.7


def test_a_lead_that_goes_hands_over() -> None:
    """Releasing and standing down hand over first: nobody waits for a lease."""
    for leaves in ("release", "stand down"):
        world, call, name = led()
        world.tell(
            name,
            OperatorReleases(call, Reason.UNABLE, Detail.EQUIPMENT)
            if leaves == "release"
            else OperatorStandsDown(call),
        )
        world.run(0.5)
        assert lead(world, call) not in ("", name), leaves
        assert rosters(world, call)[-1].cause is Cause.HANDOVER


def test_after_a_partition_one_lead_stays() -> None:
    """Each half is led; when they meet the later lead yields, the earlier leads on under a new roster, and soon."""
    world, call, name = led()
    halves = (NAMES[:4], NAMES[4:])
    near = next(half for half in halves if name in half)
    far = [other for other in [*NAMES, "victim"] if other not in near]
    world.lost = [pair for a in near for b in far for pair in ((a, b), (b, a))]
    world.run(60.0)
    inside = [other for other in far if other != "victim"]
    leads = {lead(world, call, other) for other in inside}
    assert len(leads) == 1
    assert leads.isdisjoint({"", name})
    world.lost = []
    world.run(15.0)
    assert {lead(world, call, other) for other in [*NAMES, "victim"]} == {name}
    assert Cause.HANDOVER in [roster.cause for roster in rosters(world, call)]


def paused(seconds: float) -> tuple[RoughWorld, CallId, str, float]:
    """A lead whose process stands still for so long."""
    world = RoughWorld(3)
    for name in NAMES:
        world.add(name, responder=responder(name))
    for index, name in enumerate(NAMES):
        world.link(NAMES[index - 1], name)
    world.run(2.0)
    world.add("victim", victim=victim())
    world.link("victim", "node0")
    world.link("victim", "node4")
    world.run(2.0)
    call = world.call("victim")
    world.run(10.0)
    name = lead(world, call)
    world.stall(name, seconds)
    began = world.now
    world.run(seconds + 20.0)
    return world, call, name, began


def test_a_paused_lead_commands_nobody() -> None:
    """A lead that stood still for a minute sends no report under its old roster; one paused for a moment leads on."""
    world, call, name, began = paused(60.0)
    assert lead(world, call) not in ("", name)
    assert lead(world, call, name) == lead(world, call)
    refused = said(world, "victim", SitrepRefused, since=began + 1.0)
    assert [notice for notice in refused if notice.signer == responder(name).key.public] == []
    calm, same, leader, _ = paused(3.0)
    assert lead(calm, same) == leader, "the control"


def test_a_lead_that_hears_nobody_falls_silent() -> None:
    """Cut off from everybody a lead stops before its lease is over, though its process runs."""
    world, call, name = led()
    others = [other for other in [*NAMES, "victim"] if other != name]
    world.lost = [pair for b in others for pair in ((name, b), (b, name))]
    began = world.now
    world.run(S1.lease_s)
    own = [
        frame.message
        for frame in world.node(name).boards.board(call).frames()
        if isinstance(frame.message, Sitrep) and frame.message.signer == responder(name).key.public
    ]
    last = own[-1].sequence
    world.run(60.0)
    assert [m.sequence for m in _own_sitreps(world, call, name)] == [last]
    assert lead(world, call, name) != name
    assert world.now > began


def _own_sitreps(world: World, call: CallId, name: str) -> list[Sitrep]:
    frames = world.node(name).boards.board(call).frames()
    key = responder(name).key.public
    return [f.message for f in frames if isinstance(f.message, Sitrep) and f.message.signer == key]


def test_a_requisition_names_the_lead() -> None:
    """The named lead leads at once under the requisition's token; the old one stops, and all others are released."""
    world, call, name = led()
    view = world.node("victim").calls[call].view
    other, member = view.claims[-1].responder, view.claims[1].responder
    world.tell("victim", VictimRequisitions(other, (member,)))
    world.run(5.0)
    after = world.node("victim").calls[call].view
    assert (after.lead, after.token[0]) == (other, after.requisition.sequence)  # type: ignore[union-attr]
    assert {claim.responder for claim in after.claims} == {other, member}
    assert lead(world, call, name) == lead(world, call)
    world.kill(lead(world, call))
    world.run(20.0)
    assert world.node("victim").calls[call].view.lead == member, "falls through to the next one named"


def test_a_lead_that_restarts_goes_on() -> None:
    """Back within its lease with its rows it leads on, under the same roster, and repeats no sequence."""
    world, call, name = led()
    token = world.node("victim").calls[call].view.token
    world.kill(name)
    world.run(4.0)
    world.start(name)
    world.run(60.0)
    assert world.node("victim").calls[call].view.token == token
    assert said(world, "victim", SitrepRefused) == []
    assert said(world, "victim", SitrepSeen)[-1].lead == responder(name).key.public


def test_a_lead_that_restarts_late_follows() -> None:
    """Back after it was replaced it follows the new lead, and never reports under its old roster."""
    world, call, name = led()
    world.kill(name)
    world.run(60.0)
    world.start(name)
    world.run(30.0)
    assert lead(world, call) not in ("", name)
    assert lead(world, call, name) == lead(world, call)
    assert said(world, "victim", SitrepRefused) == []

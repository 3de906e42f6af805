"""What the victim says publicly: requisitions, updates within their budget, and that it is there."""

from p2p_sos.core.case.orders import REFINABLE
from p2p_sos.core.events import VictimCalls, VictimCancels, VictimRequisitions, VictimUpdates
from p2p_sos.wire import registry as r
from p2p_sos.wire.frames import seal
from p2p_sos.wire.messages import Attest, Comply, Requisition, Update
from tests.core.case.test_case import R0, R1, admit, published
from tests.core.correspondents import NETWORK, World, joined, key, met

# ------------------------------------------------------------------------- public words


def test_requisition() -> None:
    """The lead must claim; named helpers that comply are shown; the lead is no member beside."""
    world = met(World(14, responders=2))
    victim = world.victim.machine
    assert "does not" in victim.refusal(VictimRequisitions(key(9).public, ()))
    assert "leave it out" in victim.refusal(VictimRequisitions(R0, (key(9).public,)))
    world.victim.give(VictimRequisitions(R0, (R1, R0, R1)))
    (said,) = published(world.victim, Requisition)
    assert (said.lead, said.members) == (R0, (R1,))
    (frame,) = [p.frame for _, p in world.victim.published if p.frame.message == said]
    comply = Comply(world.call.id, R0, 1, b"\x01" * 32, (), frame.id)
    admit(world.victim, seal(comply, NETWORK, key(100)))
    assert [h.complied for h in victim.view.helpers if h.responder == R0] == [True]
    assert [h.complied for h in victim.view.helpers if h.responder == R1] == [False]


def test_updates_and_their_budget() -> None:
    """Eight public words in ten minutes; the ninth is refused in a sentence until the next ten; sequences grow."""
    world = met(World(15))
    victim = world.victim
    assert "'colour'" in victim.machine.refusal(VictimUpdates({"colour": 3}))
    assert "will not do" in victim.machine.refusal(VictimUpdates({"severity": 9}))
    assert "already" in victim.machine.refusal(VictimUpdates({"severity": r.Severity.SEVERE}))
    for number in range(8):
        victim.give(VictimUpdates({"needs": 1 << (number + 1)}))
    assert len(published(victim, Update)) == 8
    wish = VictimUpdates({"severity": r.Severity.HIGH})
    assert "ten minutes" in victim.machine.refusal(wish)
    victim.give(wish)
    victim.start()
    assert "ten minutes" in victim.machine.refusal(wish), "a crash opens no budget"
    assert victim.machine.refusal(VictimCancels()) is None
    world.run(600)
    victim.give(wish)
    updates = {u.sequence: u for u in published(victim, Update)}
    assert len(updates) == 9
    newest = updates[max(updates)]
    assert newest.severity is r.Severity.HIGH
    assert newest.needs == 1 << 8, "an update refines the one before it"
    attested = {a.sequence for a in published(victim, Attest)}
    assert not attested & set(updates)


# ------------------------------------------------------------------------- signs of life


def test_a_victim_that_met_nobody_shows_that_it_is_there() -> None:
    """Four times, ever more rarely, it says again what it said; nothing of it goes to the listener."""
    world = World(40, responders=0)
    victim = world.victim
    joined(victim, "relay")
    joined(victim, "listener")
    victim.give(VictimCalls(world.call))
    half_s = r.TIMINGS[world.call.message.severity].progress_online_s / 2
    world.run(half_s - 0.1)
    assert not published(victim, Update), "control: not before"
    world.run(100 * half_s)
    signs = {p.frame.id: p for _, p in victim.published if isinstance(p.frame.message, Update)}
    assert [p.frame.message.sequence for p in signs.values()] == [1, 2, 3, 4]
    assert all(
        getattr(p.frame.message, n) == getattr(world.call.message, n)
        for p in signs.values()
        for n in REFINABLE
    )
    assert all("listener" in p.avoid for _, p in victim.published)


def test_who_met_somebody_or_closed_its_call_shows_nothing() -> None:
    """An ATTEST says it already; a closed call needs no word."""
    world = met(World(41))
    world.run(600)
    assert published(world.victim, Attest)
    assert not published(world.victim, Update)
    world = World(42, responders=0)
    world.victim.give(VictimCalls(world.call))
    world.victim.give(VictimCancels())
    world.run(600)
    assert not published(world.victim, Update)


def test_a_sign_is_counted_and_waits_for_room() -> None:
    """Eight words in ten minutes, signs among them: a victim that said so much itself signs nothing on top."""
    world = World(43, responders=0)
    victim = world.victim
    victim.give(VictimCalls(world.call))
    for number in range(8):
        victim.give(VictimUpdates({"needs": 1 << (number + 1)}))
    world.run(200)
    assert len({u.sequence for u in published(victim, Update)}) == 8

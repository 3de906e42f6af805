"""Bands: who answers first, who guards, and what makes a guard answer."""

import pytest

from p2p_sos.core.duty import member
from p2p_sos.core.duty.bands import Ranking
from p2p_sos.core.duty.policy import Policy
from p2p_sos.core.events import OperatorClaims, VictimRequisitions
from p2p_sos.core.notices import DecisionWanted
from p2p_sos.wire.messages import CallId
from p2p_sos.wire.registry import S1, Detail, Manner, Need, Severity
from tests.core.world import World, city, responder, victim

PERSON = Policy(manner=Manner.PERSON, answer_within_s=5)


def calling(count: int, policy: Policy | None = None, **fields: object) -> tuple[World, CallId, list[str]]:
    """A city of responders in which a victim called a second ago."""
    world = city(count, policy=policy)
    call = world.call("victim", **fields)
    world.run(1.0)
    return world, call, [f"node{index}" for index in range(count)]


def marked(world: World, call: CallId, names: list[str], mine: str) -> list[str]:
    """The living nodes that say this of a call."""
    alive = [name for name in names if world[name].node is not None]
    return [name for name in alive if world.node(name).calls[call].mine == mine]


def test_as_many_answer_as_are_wanted() -> None:
    """Of eight or of thirteen able nodes k claim; of three all three. The others guard and say nothing."""
    for count in (8, 13):
        world, call, names = calling(count)
        world.run(60.0)
        assert len(marked(world, call, names, "claimed")) == S1.k
        assert len(marked(world, call, names, "guarding")) == count - S1.k
        assert len(world.node("victim").calls[call].view.claims) == S1.k
    world, call, names = calling(3)
    assert len(marked(world, call, names, "claimed")) == 3


def test_a_class_has_its_own_number() -> None:
    """A call of the mildest class wants one helper, and holds back so that grave calls get the slots first."""
    world, call, names = calling(6, severity=Severity.LOW)
    assert marked(world, call, names, "claimed") == []
    world.run(30.0)
    assert len(marked(world, call, names, "claimed")) == 1


def test_guards_stay_silent_while_enough_live() -> None:
    """A guard that sees k live claims never answers; when one helper falls silent exactly one guard takes its place."""
    world, call, names = calling(9)
    world.run(120.0)
    helpers = marked(world, call, names, "claimed")
    assert len(helpers) == S1.k, "the control: all live"
    lead = world.node("victim").calls[call].view.lead
    gone = next(name for name in helpers if key(name) == lead)
    world.kill(gone)
    world.run(40.0 + 150.0)
    assert len(marked(world, call, names, "claimed")) == S1.k
    assert len(world.node("victim").calls[call].view.helpers) == S1.k


def key(name: str) -> bytes:
    return responder(name).key.public


def test_the_fitter_answer_first() -> None:
    """Who has all skills asked for is in the first band, and who has none is not able."""
    world = World()
    asked = (1 << Need.RESTORE_DATA) | (1 << Need.PATCH)
    for index in range(10):
        skills = asked if index < 5 else 1 << Need.PATCH
        world.add(f"node{index}", responder=responder(f"node{index}", Policy(skills=skills)))
    names = [f"node{index}" for index in range(10)]
    world.ring(names, chords=2)
    world.run(2.0)
    world.add("victim", victim=victim())
    for name in names[:3]:
        world.link("victim", name)
    world.run(2.0)
    call = world.call("victim", needs=asked)
    world.run(5.0)
    assert marked(world, call, names, "claimed") == names[:5]


def test_a_silent_band_is_passed_over() -> None:
    """When nobody of the first band lives, the second answers W later and the third after that: suppression only delays."""
    world = city(12)
    names = [f"node{index}" for index in range(12)]
    told = world.call("victim")
    world.run(1.0)
    first = marked(world, told, names, "claimed")
    again = city(12)
    for name in first:
        if name not in ("node0", "node1", "node2"):
            again.kill(name)
    call = again.call("victim")
    again.run(1.0)
    early = len(marked(again, call, names, "claimed"))
    again.run(2 * S1.band_wait_s + 0.5)  # the third band has opened, half a W late at most
    late = len(marked(again, call, names, "claimed"))
    assert early < S1.k
    assert S1.k <= late <= 2 * S1.k


def test_waves_double_what_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """While nobody is attested k doubles at PROG and again 2 PROG later; where the victim attests it does not."""
    calm, call, names = calling(16)
    calm.run(140.0)
    assert len(marked(calm, call, names, "claimed")) == S1.k, "control"
    # Helpers that never meet anybody often enough: nobody attests, in the victim's place or otherwise.
    monkeypatch.setattr(member, "MET_MIN", 1_000_000)
    world = city(16)
    call = world.call("victim")
    world.run(0.05)
    world.kill("victim")
    world.run(S1.progress_silent_s - 5.0)
    before = len(marked(world, call, names, "claimed"))
    world.run(15.0)
    after = len(marked(world, call, names, "claimed"))
    assert before == S1.k
    assert after >= 3 * S1.k, "five that are overdue, and twice as many who count"


def test_a_question_holds_up_nobody() -> None:
    """In its turn a node asks its person, and when nobody answers it declines publicly; the next ones are asked meanwhile."""
    world, call, names = calling(9, PERSON)
    asked = marked(world, call, names, "asked")
    assert len(asked) == S1.k
    assert all(world[name].told(DecisionWanted) for name in asked)
    world.run(30.0)
    declines = world.node("victim").calls[call].view.declines
    assert [decline.detail for decline in declines] == [Detail.NO_OPERATOR] * 9
    guard = names[0]
    world.tell(guard, OperatorClaims(call))
    world.run(1.0)
    (claim,) = world.node("victim").calls[call].view.claims
    assert (claim.responder, claim.manner) == (key(guard), Manner.PERSON)


def test_a_person_may_answer_outside_any_band() -> None:
    """A guard's operator claims by hand though enough help; the claim is admitted like any other."""
    world, call, names = calling(8)
    guard = marked(world, call, names, "guarding")[0]
    world.tell(guard, OperatorClaims(call))
    world.run(1.0)
    claims = {claim.responder: claim for claim in world.node("victim").calls[call].view.claims}
    assert claims[key(guard)].manner is Manner.PERSON
    assert len(claims) == S1.k + 1


def test_nobody_answers_twice_for_one_effective_requisition() -> None:
    """While the named help, no guard answers though fewer than k claims count."""
    world, call, names = calling(8)
    world.run(5.0)
    helpers = marked(world, call, names, "claimed")
    world.tell("victim", VictimRequisitions(key(helpers[0]), ()))
    world.run(60.0)
    assert marked(world, call, names, "claimed") == helpers[:1]
    world.kill(helpers[0])
    world.run(40.0)
    assert len(marked(world, call, names, "claimed")) >= S1.k - 1, "the control: when it is gone others come"


def test_a_ranking_is_made_once() -> None:
    """Nodes that share a table make an order once for each call and set of cards, within its bound."""
    table, made = Ranking(), []

    def make() -> tuple[tuple[int, bytes], ...]:
        made.append(1)
        return ((0, bytes(32)),)

    for _ in range(1000):
        table.order((b"call", 0, b"cards"), make)
    assert len(made) == 1
    table.order((b"call", 1, b"cards"), make)
    assert len(made) == 2

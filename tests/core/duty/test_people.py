"""People are asked in their turn, at their own pace: who is asked when, who is told to sleep on, and who never is."""

from itertools import pairwise
from math import log2

import pytest

from p2p_sos.core.duty.bands import asked_after_s
from p2p_sos.core.duty.policy import Policy, asks
from p2p_sos.core.events import (
    OperatorClaims,
    OperatorDeclines,
    OperatorReleases,
)
from p2p_sos.core.notices import Decided, DecisionWanted
from p2p_sos.wire.frames import seal
from p2p_sos.wire.messages import CallId, Requisition
from p2p_sos.wire.registry import PAGE_FACTOR, S1, Detail, Manner, Reason, Severity
from tests.core import mail
from tests.core.duty.test_bands import calling, key, marked
from tests.core.duty.test_waiting import CROWD, EVERY_HOUR, HEARD_AT, ME, Post
from tests.core.world import World, victim

PERSON = Policy(manner=Manner.PERSON, answer_within_s=600)
PAGE_S = PAGE_FACTOR * S1.band_wait_s
MORE = [mail.key(f"fitter still {index}") for index in range(40)]


def waiting(*fitter: object, person: bool) -> Post:
    """A node behind this crowd of fitter ones, that say nothing."""
    post = Post()
    post.bands.asks = lambda _now: person
    post.know(ME)
    post.know(*fitter, duty_hours=EVERY_HOUR)  # type: ignore[arg-type]
    post.hear()
    return post


def asked(world: World, names: list[str]) -> list[str]:
    """Whose person was asked."""
    return [name for name in names if world[name].told(DecisionWanted)]


def test_people_are_asked_one_after_the_other() -> None:
    """As many as are wanted at once, then each a little after the one before, and twice as many in each P."""
    times = [asked_after_s(place, S1.k, S1) / PAGE_S for place in range(75)]
    assert times[:5] == [0.0] * 5
    assert (times[5], times[14], times[15], times[34], times[74]) == (0.1, 1.0, 1.05, 2.0, 3.0)
    assert all(earlier < later for earlier, later in pairwise(times[4:]))
    assert all(
        time <= log2((place + 1 + S1.k) / (2 * S1.k)) + 1e-9 for place, time in enumerate(times[5:], 5)
    )


@pytest.mark.parametrize(("person", "opens_s"), [(True, 1.3 * PAGE_S), (False, 2.5 * S1.band_wait_s)])
def test_a_person_is_asked_at_a_persons_pace(person: bool, opens_s: float) -> None:
    """Twenty fitter ones are silent: a machine answers within seconds as ever, a person is not asked before its time."""
    post = waiting(*CROWD, person=person)
    assert not post.is_wanted(opens_s - 1.1 * S1.band_wait_s)
    assert post.is_wanted(opens_s)


def test_a_lone_person_is_asked_at_once() -> None:
    """Nobody else is known: after HOLD, as a machine would answer."""
    post = waiting(person=True)
    assert not post.is_wanted(S1.hold_s - 0.1)
    assert post.is_wanted(S1.hold_s)


def test_off_duty_nobody_waits_for_a_person() -> None:
    """Out of duty hours a node declines by itself, so that it need not take anybody's time; on duty, or a machine (controls)."""
    four = 4 * 3600.0
    assert not asks(Policy(manner=Manner.PERSON, duty_hours=1 << 3), four)
    assert asks(Policy(manner=Manner.PERSON, duty_hours=1 << 4), four)
    assert not asks(Policy(manner=Manner.AUTOMATIC), four)


@pytest.mark.parametrize(("came", "wanted"), [("nobody", False), ("gone", True), ("unfit", True)])
def test_waves_ask_people_only_for_those_who_came_to_nothing(came: str, wanted: bool) -> None:
    """Silence alone doubles nothing for a person, or one call would ask everybody after all; claims that failed do, as for a machine."""
    post = waiting(*CROWD, *MORE, person=True)
    for helper in CROWD[: S1.k]:
        if came == "gone":
            assert post.calls.offer(mail.release(post.call, helper), HEARD_AT).kept
        elif came == "unfit":
            assert post.calls.offer(mail.claim(post.call, helper, card=bytes(32)), HEARD_AT).kept
    assert not post.is_wanted(S1.progress_silent_s - 1)
    assert post.is_wanted(S1.progress_silent_s + 1) is wanted
    assert post.is_wanted(2.65 * PAGE_S)


def test_one_call_does_not_page_everybody() -> None:
    """Of thirty people nobody answers: five are asked at once, then one after the other, and in the end all: nobody starves."""
    world, _, names = calling(30, PERSON)
    assert len(asked(world, names)) == S1.k
    world.run(PAGE_S / 2)
    assert len(asked(world, names)) == 2 * S1.k
    world.run(PAGE_S / 2)
    assert len(asked(world, names)) == 3 * S1.k
    world.run(PAGE_S)
    assert len(asked(world, names)) == 30


@pytest.mark.parametrize("says_no", [True, False])
def test_a_no_passes_the_place_on_at_once(says_no: bool) -> None:
    """Who declines is followed by the next within a moment, not after P; without a word nobody is (control)."""
    world, call, names = calling(9, PERSON)
    first = asked(world, names)
    if says_no:
        world.tell(first[0], OperatorDeclines(call, Reason.UNABLE, Detail.BUSY))
    world.run(0.5)
    assert len(asked(world, names)) == S1.k + says_no


def served(*, meets: bool) -> tuple[World, CallId, list[str], str]:
    """Nine people, of whom six were asked; the first five claim. `meets`: the victim is there to meet them. Who waits still."""
    world, call, names = calling(9, PERSON)
    first = asked(world, names)
    world.run(1.5)
    (waits,) = [name for name in asked(world, names) if name not in first]
    if not meets:
        world.kill("victim")
    for name in first:
        world.tell(name, OperatorClaims(call))
    world.run(5.0)
    return world, call, names, waits


def test_who_is_not_needed_any_more_may_sleep_on() -> None:
    """Once the victim met k the question is withdrawn: the node stands by, tells its person, and declines nothing at the deadline."""
    world, call, names, waits = served(meets=True)
    assert marked(world, call, names, "asked") == []
    assert world.node(waits).calls[call].mine == "guarding"
    assert [told.decision for told in world[waits].told(Decided)] == ["guard"]
    world.run(PERSON.answer_within_s)
    assert world.node(waits).calls[call].view.declines == ()


def test_claims_that_nobody_met_withdraw_no_question() -> None:
    """Else liars that claim would send those home who are about to come."""
    world, call, names, waits = served(meets=False)
    assert marked(world, call, names, "asked") == [waits]
    assert world[waits].told(Decided) == []


def test_whose_question_was_withdrawn_is_asked_again_when_a_helper_goes() -> None:
    """A guard that is a person is asked like any guard, and may still claim."""
    world, call, _, waits = served(meets=True)
    helper = next(c.responder for c in world.node(waits).calls[call].view.claims)
    goes = next(name for name in world.places if name != "victim" and key(name) == helper)
    world.tell(goes, OperatorReleases(call, Reason.UNABLE, Detail.EQUIPMENT))
    world.run(3.0)
    assert len(world[waits].told(DecisionWanted)) == 2
    world.tell(waits, OperatorClaims(call))
    assert world.node(waits).calls[call].mine == "claimed"


def test_whom_the_victim_named_is_asked_whoever_else_helps() -> None:
    """A requisition asks at once, and its question is not withdrawn because k are met."""
    world, call, _, waits = served(meets=True)
    own = victim().call_key
    order = Requisition(call=call, signer=own.public, sequence=9, lead=key(waits), members=())
    world.inject(waits, seal(order, mail.NETWORK, own))
    world.run(5.0)
    assert len(world[waits].told(DecisionWanted)) == 2
    assert world.node(waits).calls[call].mine == "asked"


def test_a_restart_keeps_the_pace() -> None:
    """Whose turn had not come is not asked because its node starts anew; at its time it is."""
    world, _, names = calling(30, PERSON)
    for name in [name for name in names if name not in asked(world, names)]:
        world.kill(name)
        world.start(name)
    world.run(PAGE_S / 2)
    assert len(asked(world, names)) == 2 * S1.k
    world.run(1.5 * PAGE_S)
    assert len(asked(world, names)) == 30


def test_a_milder_call_asks_at_its_own_pace() -> None:
    """P follows the class: the second person of the least grave call is asked minutes later."""
    world, _, names = calling(3, PERSON, severity=Severity.LOW)
    world.run(120.0)
    assert len(asked(world, names)) == 1
    world.run(60.0)
    assert len(asked(world, names)) == 2

"""Pushing: a cell goes to the driver, and nowhere else, until it comes back."""

from p2p_sos.core.case.case import CasePhase
from p2p_sos.core.events import Pushed, PushFailed, VictimCalls, VictimUpdates
from p2p_sos.core.notices import CallReturned, CallTaken, WayFails
from p2p_sos.core.origin.way import Way
from p2p_sos.wire.registry import PUSH_RETURN_S, PUSH_TRIES_MAX, Need
from tests.core.origin.aboard import Aboard
from tests.core.world import stamped_call, victim

CALL = stamped_call(victim())


def caller() -> Aboard:
    """A victim with neighbours, that called."""
    aboard = Aboard(way=Way.PUSH, victim=victim())
    aboard.join("a", "b")
    aboard.join("c", outbound=False)
    aboard.run(2.0)
    aboard.tell(VictimCalls(CALL))
    return aboard


def pushes(aboard: Aboard) -> list[float]:
    """When the CALL was pushed."""
    return [at for at, cell in aboard.pushed if cell == CALL.cell]


def test_a_call_is_pushed_and_done_when_it_comes_back() -> None:
    """Three relays took it, a neighbour brings it: HEARD, one push, and then it goes on like anything."""
    aboard = caller()
    aboard.tell(Pushed(CALL.cell, 3))
    assert [notice.relays for notice in aboard.told(CallTaken)] == [3]
    aboard.run(5.0)
    assert not aboard.shows(CALL)
    aboard.gossip("a", CALL)
    assert len(aboard.told(CallReturned)) == 1
    aboard.run(300.0)
    assert len(pushes(aboard)) == 1
    assert aboard.shows(CALL)


def test_four_tries_half_a_minute_apart_then_a_notice() -> None:
    """Whether the driver is silent, says that it failed, or that relays took it; the last word is told."""
    for answer, word in (
        (None, "no word"),
        (PushFailed(CALL.cell, "the proxy is dead"), "dead"),
        (Pushed(CALL.cell, 3), "took"),
    ):
        aboard = caller()
        for _ in range(PUSH_TRIES_MAX):
            if answer is not None:
                aboard.tell(answer)
            assert aboard.told(WayFails) == []
            aboard.run(PUSH_RETURN_S)
        times = pushes(aboard)
        assert [later - times[0] for later in times[:4]] == [PUSH_RETURN_S * n for n in range(PUSH_TRIES_MAX)]
        assert len(aboard.told(WayFails)) == 1
        assert word in aboard.told(WayFails)[0].why
        assert not aboard.shows(CALL)


def test_all_that_the_victim_says_is_pushed() -> None:
    """And nothing of it is sent on the stem, or asked for here by name."""
    aboard = caller()
    aboard.tell(VictimUpdates({"needs": 1 << Need.EXPERTISE}))
    assert len(dict.fromkeys(cell for _, cell in aboard.pushed)) == 2
    assert aboard.stemmed == []
    assert aboard.ask("a", CALL) == []
    assert aboard.node.case is not None
    assert aboard.node.case.phase is CasePhase.QUEUED


def test_an_answer_about_nothing_does_nothing() -> None:
    """A driver that answers twice, or too late."""
    aboard = caller()
    aboard.gossip("a", CALL)
    before = len(aboard.notices)
    aboard.tell(Pushed(CALL.cell, 3))
    aboard.tell(PushFailed(CALL.cell, "too late"))
    aboard.tell(Pushed(b"another", 3))
    assert len(aboard.notices) == before


def test_without_need_of_relays_there_is_no_fault() -> None:
    """The stem's conditions are not those of a push."""
    assert Aboard(way=Way.PUSH, victim=victim()).node.way_fault is None
    assert Aboard(way=Way.STEM, victim=victim()).node.way_fault is not None

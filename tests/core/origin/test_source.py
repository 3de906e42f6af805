"""The source: what it gives to whom, how long it waits, and that nothing of its case shows before it comes back."""

from itertools import pairwise
from random import Random

import pytest

from p2p_sos.core.actions import Keep, SendStem, SetTimer
from p2p_sos.core.case.case import CasePhase
from p2p_sos.core.events import (
    PeerJoined,
    PeerLeft,
    Restored,
    StemRefused,
    TimerFired,
    VictimCalls,
    VictimCancels,
    VictimUpdates,
)
from p2p_sos.core.internal import Returned, Utter
from p2p_sos.core.notices import CallTaken, WayFails
from p2p_sos.core.origin.draws import Draws
from p2p_sos.core.origin.relays import Relays
from p2p_sos.core.origin.source import Source
from p2p_sos.core.origin.way import Way
from p2p_sos.core.tables import Table
from p2p_sos.wire.frames import Frame, decode
from p2p_sos.wire.registry import STEM_PATIENCE_MIN_S, STEM_RELAYS_MAX, STEM_TRIES_MAX, Need, Severity
from tests.core import mail
from tests.core.origin.aboard import PROTOCOL, Aboard, named
from tests.core.world import PROFILE, stamped_call, victim

CALL = stamped_call(victim())
PEERS = ("r1", "r2", "r3", "r4")
HOUR_S = 3600.0


def caller(seed: int = 0, *, peers: tuple[str, ...] = PEERS, way: Way = Way.STEM) -> Aboard:
    """A victim that dialled these, and called."""
    aboard = Aboard(seed, way=way, victim=victim())
    aboard.join(*peers)
    aboard.run(2.0)
    aboard.tell(VictimCalls(CALL))
    return aboard


def own(aboard: Aboard) -> list[Frame]:
    """Every message of the case that the victim holds."""
    frames = [decode(row[8:], PROFILE.network) for row in aboard.store.rows[Table.CELL].values()]
    return [f for f in frames if isinstance(f, Frame) and f.message.signer == CALL.message.signer]


def run_with_returns(aboard: Aboard, seconds: int) -> None:
    """Let time pass in a mesh that brings back within a second whatever the victim says."""
    for _ in range(seconds):
        aboard.run(1.0)
        for frame in own(aboard):
            if aboard.node._origin.veil.veils(frame.id):
                aboard.gossip("r4", frame)


def went_to(aboard: Aboard) -> list[str]:
    """The relays that the case used, in the order of their first cell."""
    return list(dict.fromkeys(peer for _, peer, _ in aboard.stemmed))


# ------------------------------------------------------------------------- who gets it


def test_a_call_goes_to_one_relay_and_nowhere_else() -> None:
    """By the direct way it goes to all but the listener at once (control)."""
    aboard = caller()
    assert len(aboard.hops(CALL)) == 1
    assert not aboard.shows(CALL)
    assert aboard.node.case is not None
    assert aboard.node.case.phase is CasePhase.SENT
    assert [notice.relays for notice in aboard.told(CallTaken)] == [1]
    direct = caller(way=Way.DIRECT)
    assert direct.stemmed == []
    assert direct.shows(CALL)


@pytest.mark.parametrize("networks", [{}, {"r1": "one"}, {"r1": "one", "r2": "one", "r3": "one"}])
def test_the_stem_refuses_too_few_relays_or_networks(networks: dict[str, str]) -> None:
    """Nothing leaves by any way; the people are told once, with what lacks; a relay elsewhere ends it."""
    aboard = Aboard(way=Way.STEM, victim=victim())
    for peer, network in networks.items():
        aboard.join(peer, network=network)
    aboard.join("in1", "in2", outbound=False)
    aboard.tell(VictimCalls(CALL))
    assert aboard.node.way_fault is not None
    aboard.run(HOUR_S)
    assert aboard.stemmed == []
    assert not any(aboard.shows(frame) for frame in own(aboard))
    assert [notice.why for notice in aboard.told(WayFails)] == [aboard.node.way_fault]
    aboard.join("r8", "r9")
    assert aboard.node.way_fault is None
    assert len(aboard.hops(CALL)) == 1


def test_a_case_keeps_its_relay() -> None:
    """Every message, over several epochs, as long as they come back; with a node for each message it would not (control)."""
    aboard = caller()
    for need in (Need.EXPERTISE, Need.INVESTIGATE, Need.BLOCK_HOST, Need.RATE_LIMIT):
        aboard.tell(VictimUpdates({"needs": 1 << need}))
        run_with_returns(aboard, 900)
    assert len(dict.fromkeys(cell for _, _, cell in aboard.stemmed)) >= 5
    assert len(went_to(aboard)) == 1
    assert len(dict.fromkeys(went_to(caller(seed))[0] for seed in range(12))) > 1


def test_what_does_not_come_back_takes_another_relay_three_in_all() -> None:
    """Ever more rarely, and never a fourth, however many peers there are and however long it takes."""
    aboard = caller(peers=tuple(f"r{number}" for number in range(9)))
    aboard.run(HOUR_S)
    times = [at for at, _, cell in aboard.stemmed if cell == CALL.cell]
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert min(waits) >= STEM_PATIENCE_MIN_S
    assert waits[4] > 1.5 * max(waits[:2])
    assert len(dict.fromkeys(aboard.hops(CALL)[:3])) == 3
    assert len(went_to(aboard)) == STEM_RELAYS_MAX
    assert len(times) > STEM_TRIES_MAX, "the case says it again, and it is tried again"
    assert aboard.told(WayFails)
    assert not any(aboard.shows(frame) for frame in own(aboard))


def test_the_relay_that_worked_is_the_one_to_begin_with() -> None:
    """The first one swallowed the CALL; the UPDATE goes to the second at once."""
    aboard = caller()
    aboard.run(40.0)
    first, second = aboard.hops(CALL)[:2]
    worked = aboard.hops(CALL)[-1]
    assert first != second
    spare = next(peer for peer in PEERS if peer not in aboard.hops(CALL)[:3])
    aboard.gossip(spare, CALL)
    aboard.tell(VictimUpdates({"severity": Severity.EMERGENCY}))
    assert aboard.stemmed[-1][1] == worked


def test_a_relay_that_refuses_got_nothing_and_does_not_count() -> None:
    """The next one gets the cell at once, and three more may follow."""
    aboard = caller(peers=tuple(f"r{number}" for number in range(6)))
    (first,) = aboard.hops(CALL)
    aboard.tell(StemRefused(first))
    assert len(aboard.hops(CALL)) == 2
    aboard.run(HOUR_S)
    assert len([peer for peer in went_to(aboard) if peer != first]) == STEM_RELAYS_MAX


@pytest.mark.parametrize("came_back", [False, True])
def test_a_relay_that_read_a_cell_and_refuses_later_counts(came_back: bool) -> None:
    """On the same connection or another: two more may follow, not three; what waited goes to the next at once."""
    aboard = caller(peers=tuple(f"r{number}" for number in range(9)))
    (first,) = aboard.hops(CALL)
    aboard.gossip(next(peer for peer in ("r7", "r8") if peer != first), CALL)
    if came_back:
        aboard.tell(PeerLeft(first))
        aboard.join(first)
    aboard.tell(VictimUpdates({"needs": 1 << Need.EXPERTISE}))
    update = next(frame for frame in own(aboard) if frame.id != CALL.id)
    assert aboard.hops(update) == [first]
    aboard.tell(StemRefused(first, spoke=not came_back))
    assert len(aboard.hops(update)) == 2
    aboard.run(HOUR_S)
    assert len(went_to(aboard)) == STEM_RELAYS_MAX


def test_a_refusal_hurries_only_what_waited_for_that_relay() -> None:
    """The CALL is with another relay by now: it stays there until its time is over."""
    aboard = caller(peers=tuple(f"r{number}" for number in range(9)))
    (first,) = aboard.hops(CALL)
    while len(aboard.hops(CALL)) < 2:
        aboard.run(1.0)
    aboard.tell(StemRefused(first, spoke=True))
    assert len(aboard.hops(CALL)) == 2
    aboard.tell(StemRefused(aboard.hops(CALL)[1]))
    assert len(aboard.hops(CALL)) == 3, "control"


def test_its_relays_are_remembered_through_a_restart() -> None:
    """A second process uses those of the first; what was said before is first waited for."""
    before = caller()
    again = Aboard(99, way=Way.STEM, victim=victim(), store=before.store, now=before.now)
    again.join(*PEERS)
    again.run(STEM_PATIENCE_MIN_S - 1.0)
    assert again.stemmed == []
    again.run(300.0)
    assert again.hops(CALL)[0] == before.hops(CALL)[0]
    others = {caller(seed).hops(CALL)[0] for seed in range(12)}
    assert len(others) > 1, "control: another process might have drawn another"


def test_an_own_cell_that_loops_is_treated_like_anybodys() -> None:
    """It takes the other relay once, as that of another would, and nothing of it shows."""
    aboard = caller()
    (first,) = aboard.hops(CALL)
    aboard.join("in1", outbound=False)
    aboard.stem("in1", CALL)
    assert len(aboard.hops(CALL)) == 2
    assert aboard.hops(CALL)[1] != first
    aboard.stem("in1", CALL)
    aboard.stem(first, CALL)
    assert len(aboard.hops(CALL)) == 2
    assert not aboard.shows(CALL)


def test_returns_alone_show_the_case_to_two_relays() -> None:
    """Over four epochs, whoever sends every message back, twice: the same two; patience alone brings a third (control)."""
    aboard = caller(peers=tuple(f"r{number}" for number in range(9)))
    aboard.join("in1", "in2", outbound=False)
    for need in (Need.EXPERTISE, Need.INVESTIGATE, Need.BLOCK_HOST, Need.RATE_LIMIT):
        for frame in own(aboard):
            if aboard.node._origin.veil.veils(frame.id):
                aboard.stem("in1", frame)
                aboard.stem("in2", frame)
                assert len(aboard.hops(frame)) == 2
        run_with_returns(aboard, 730)
        aboard.tell(VictimUpdates({"needs": 1 << need}))
    assert len(went_to(aboard)) == 2
    pairs = aboard.node._origin.relays.pair(aboard.now)
    assert sorted(pairs) != sorted(went_to(aboard)), "control: the pair of this epoch is another"
    aboard.run(300.0)
    assert len(went_to(aboard)) == STEM_RELAYS_MAX


# ------------------------------------------------------------------------- never a fluff


@pytest.mark.parametrize("way", [Way.STEM, Way.PUSH])
@pytest.mark.parametrize("seed", range(6))
def test_the_source_lets_nothing_out_itself(way: Way, seed: int) -> None:
    """Hours long, over many epochs, diffuser or not, whatever joins and leaves, though nothing ever comes back."""
    aboard = caller(seed, way=way)
    aboard.tell(VictimUpdates({"needs": 1 << Need.EXPERTISE}))
    for hour in range(4):
        aboard.tell(PeerLeft(PEERS[hour % 4]))
        aboard.run(HOUR_S)
        aboard.join(PEERS[hour % 4], f"late{hour}")
        aboard.join(f"in{hour}", outbound=False)
    aboard.tell(VictimCancels())
    aboard.run(100.0)
    said = own(aboard)
    assert len(said) >= 3
    assert not any(aboard.shows(frame) for frame in said)
    assert not any(aboard.ask("r1", frame) for frame in said)


def test_a_source_that_is_a_diffuser_lets_out_others_cells() -> None:
    """Control: in the same epoch the same node lets out what is not its own."""
    other = stamped_call(victim("somebody else"))
    for seed in range(40):
        aboard = caller(seed)
        if aboard.node._origin.relays.is_diffuser(aboard.now):
            break
    aboard.join("in1", outbound=False)
    aboard.stem("in1", other)
    aboard.run(15.0)
    assert aboard.shows(other)
    assert not aboard.shows(CALL)
    assert aboard.hops(CALL)


@pytest.mark.parametrize("way", [Way.STEM, None])
def test_a_source_that_forgot_what_it_said_lets_out_nothing_of_it(way: Way | None) -> None:
    """An UPDATE of V's whose row is lost, on the stem before its CALL and after: never shown; a bystander shows it (control)."""
    lost = mail.update(CALL, 7)
    for seed in range(6):
        aboard = caller(seed) if way is not None else Aboard(seed)
        aboard.join(*PEERS, "in1")
        aboard.stem("in1", lost)
        aboard.gossip("r4", CALL)
        aboard.stem("in1", lost)
        aboard.run(400.0)
        assert aboard.shows(lost) == (way is None)
        assert bool(aboard.hops(lost)) <= (way is None)
        assert aboard.score("in1") >= 0


def test_a_message_that_is_veiled_no_longer_still_goes_to_relays_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So many of its own are out that some are let go of: one of these on the stem takes the other relay, and is never let out."""
    monkeypatch.setattr("p2p_sos.core.origin.veil.PRUNE_FROM", 1)
    aboard = caller()
    aboard.gossip("r4", CALL)
    aboard.tell(VictimUpdates({"needs": 1 << Need.EXPERTISE}))
    update = next(frame for frame in own(aboard) if frame.id != CALL.id)
    aboard.node._archive._forget((update,))
    aboard.node._archive.calls.board(CALL.id)._held.pop(update.id)
    aboard.node._origin.veil.prune(aboard.node.archive.memory.__contains__)
    assert not aboard.node._origin.veil.hides(named(update.cell))
    aboard.join("in1", outbound=False)
    aboard.stem("in1", update)
    assert len(aboard.hops(update)) == 2
    aboard.run(400.0)
    assert not aboard.shows(update)


# ------------------------------------------------------------------------- the machine alone


def test_a_return_is_waited_for_between_its_bounds() -> None:
    """Never shorter than the least, and not all alike."""
    waits = []
    for seed in range(200):
        draws = Draws(Random(seed).randbytes)
        relays = Relays(draws)
        for peer in PEERS:
            relays.joined(peer, peer, outbound=True)
        steps = Source(relays, draws).handle(Utter(CALL, named(CALL.cell)), 0.0)
        assert [type(step) for step in steps if isinstance(step, SendStem)] == [SendStem]
        waits += [step.at for step in steps if isinstance(step, SetTimer)]
    assert min(waits) >= STEM_PATIENCE_MIN_S
    assert 14.0 < sum(waits) / len(waits) < 16.0
    assert len(dict.fromkeys(waits)) == 200


def test_a_stale_timer_and_a_late_return_do_nothing() -> None:
    """What came back is never sent again."""
    draws = Draws(Random(1).randbytes)
    relays = Relays(draws)
    source = Source(relays, draws)
    for peer in PEERS:
        relays.joined(peer, peer, outbound=True)
        source.handle(PeerJoined(peer, True, PROTOCOL, peer), 0.0)
    steps = source.handle(Utter(CALL, named(CALL.cell)), 0.0)
    due = next(step for step in steps if isinstance(step, SetTimer))
    assert source.handle(Returned(named(CALL.cell)), 1.0) == []
    assert source.handle(TimerFired(due.key), due.at) == []
    assert source.handle(Returned(named(CALL.cell)), 1.0) == []
    kept = next(step for step in steps if isinstance(step, Keep))
    other = Source(relays, draws)
    other.handle(Restored(Table.CASE, ((kept.key, kept.value),)), 0.0)
    assert other.relays == source.relays
    assert len(other.relays) == 1

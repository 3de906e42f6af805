"""A relay of the stem: what it takes, passes on, keeps to itself and lets out."""

from random import Random
from statistics import fmean

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from p2p_sos.core.actions import SendStem, SetTimer
from p2p_sos.core.events import PeerJoined, RpcReceived, StemReceived, StemRefused, SyncReceived, TimerFired
from p2p_sos.core.gossip.rpc import Rpc
from p2p_sos.core.internal import Release, Surfaced, Vet, Vetted
from p2p_sos.core.origin.draws import Draws
from p2p_sos.core.origin.relays import Relays
from p2p_sos.core.origin.stem import Stem
from p2p_sos.core.origin.stempool import Stemmed, Stempool
from p2p_sos.core.tables import Table
from p2p_sos.wire.frames import Frame, Stamp, seal
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.registry import STEM_CELLS_BURST, STEM_CELLS_PER_S, STEM_EMBARGO_S, TOPIC
from p2p_sos.wire.sync import Equal, Open, encode, root_fingerprint
from tests.core import mail
from tests.core.origin.aboard import PROTOCOL, Aboard, named
from tests.core.world import PROFILE, stamped_call, victim

CALL = stamped_call(victim())
OTHER = stamped_call(victim("somebody else"))
RELAYS = ("r1", "r2", "r3")
PASSES_ON, DIFFUSES = 0, 7  # seeds of nodes; a test below holds what they are


def relay(seed: int = PASSES_ON) -> Aboard:
    """A node that dialled three and was dialled by two."""
    aboard = Aboard(seed)
    aboard.join(*RELAYS)
    aboard.join("in1", "in2", outbound=False)
    aboard.run(2.0)
    return aboard


def test_the_seeds_are_what_their_names_say() -> None:
    """One node passes cells on, the other is a diffuser."""
    assert [relay(seed).node._origin.relays.is_diffuser(0.0) for seed in (PASSES_ON, DIFFUSES)] == [
        False,
        True,
    ]


def test_a_cell_goes_on_at_once_and_unseen() -> None:
    """To one relay, and nothing of it shows; a diffuser passes nothing on (control)."""
    aboard = relay()
    aboard.stem("in1", CALL)
    assert len(aboard.hops(CALL)) == 1
    assert aboard.hops(CALL)[0] in RELAYS
    assert not aboard.shows(CALL)
    diffuser = relay(DIFFUSES)
    diffuser.stem("in1", CALL)
    assert diffuser.hops(CALL) == []


def test_a_diffuser_lets_it_out_after_a_moment() -> None:
    """As if a peer had brought it: admitted, kept, forwarded; not at once, and once."""
    aboard = relay(DIFFUSES)
    aboard.stem("in1", CALL)
    assert not aboard.shows(CALL)
    aboard.run(15.0)
    assert aboard.shows(CALL)
    assert CALL.id in aboard.node.calls
    assert CALL.id in aboard.store.rows[Table.CELL]
    assert [c.data for to, r in aboard.said for c in r.messages if to == "in1"].count(CALL.cell) <= 1


def test_the_embargo_lets_out_what_did_not_surface() -> None:
    """Also where the next relay swallows it."""
    aboard = relay()
    aboard.stem("in1", CALL)
    aboard.run(300.0)
    assert aboard.shows(CALL)
    assert CALL.id in aboard.node.calls


def test_what_surfaced_is_let_out_by_nobody() -> None:
    """A cell that gossip brought leaves the stempool; its embargo ends in nothing."""
    aboard = relay()
    aboard.stem("in1", CALL)
    aboard.gossip("in2", CALL)
    assert aboard.node._origin.stem.is_idle
    frames = len(aboard.said)
    aboard.run(0.0)
    machine, calls = machine_and_calls(PASSES_ON)
    steps = take(machine, "in1", calls[0], 0.0)
    due = next(step for step in steps if isinstance(step, SetTimer))
    machine.handle(Surfaced(calls[0], named(calls[0].cell)), 1.0)
    assert machine.handle(TimerFired(due.key), due.at) == []
    assert len(aboard.said) == frames


# ------------------------------------------------------------------------- the machine alone


def machine_and_calls(seed: int, count: int = 1) -> tuple[Stem, list[Frame]]:
    """A relay's machine, and CALLs that differ."""
    draws = Draws(Random(seed).randbytes)
    relays = Relays(draws)
    for peer in RELAYS:
        relays.joined(peer, peer, outbound=True)
    machine = Stem(relays, draws, lambda call: 0)
    for peer in (*RELAYS, "in1", "in2"):
        machine.handle(PeerJoined(peer, peer in RELAYS, PROTOCOL, peer), 0.0)
    return machine, [numbered(number) for number in range(count)]


def numbered(number: int, effort: int = 1) -> Frame:
    """One of many CALLs; nobody worked for its stamp."""
    return seal(
        mail.the_call(epoch=mail.EPOCH - number).message, PROFILE.network, mail.V, Stamp(bytes(16), effort)
    )


def take(machine: Stem, peer: str, frame: Frame, now: float) -> list[object]:
    """A cell comes from a peer and is found good."""
    steps: list[object] = list(machine.handle(StemReceived(peer, frame.cell), now))
    if not any(isinstance(step, Vet) for step in steps):
        return steps
    return list(machine.handle(Vetted(named(frame.cell), peer, frame), now))


def passing() -> tuple[Stem, list[Frame]]:
    """A machine that is no diffuser, and one CALL."""
    for seed in range(50):
        machine, calls = machine_and_calls(seed)
        if not machine._relays.is_diffuser(0.0):
            return machine, calls
    raise AssertionError("no such seed")


def test_embargoes_are_drawn_with_the_mean_of_the_registry() -> None:
    """Exponential: the mean, and a spread as wide as the mean."""
    waits = []
    for seed in range(1500):
        machine, calls = machine_and_calls(seed)
        steps = take(machine, "in1", calls[0], 0.0)
        if any(isinstance(step, SendStem) for step in steps):
            waits += [step.at for step in steps if isinstance(step, SetTimer)]
    assert 1000 < len(waits) < 1400
    assert STEM_EMBARGO_S * 0.9 < fmean(waits) < STEM_EMBARGO_S * 1.1
    assert 0.55 < sum(wait < STEM_EMBARGO_S for wait in waits) / len(waits) < 0.71


def test_the_end_of_the_embargo_comes_before_the_letting_out() -> None:
    """A stale timer does nothing; the right one lets it out after a further moment."""
    machine, calls = passing()
    steps = take(machine, "in1", calls[0], 0.0)
    due = next(step for step in steps if isinstance(step, SetTimer))
    assert machine.handle(TimerFired(evolve(due.key, at=due.at - 1)), due.at) == []
    (soon,) = machine.handle(TimerFired(due.key), due.at)
    assert isinstance(soon, SetTimer)
    assert machine.handle(TimerFired(soon.key), soon.at) == [Release(named(calls[0].cell), calls[0].cell)]
    assert machine.handle(TimerFired(soon.key), soon.at) == []


def test_a_cell_that_returns_takes_the_other_relay_once() -> None:
    """Neither its predecessors nor who had it from here get it, and the third time nothing happens."""
    machine, calls = passing()
    first = [step.peer for step in take(machine, "in1", calls[0], 0.0) if isinstance(step, SendStem)]
    again = [step.peer for step in take(machine, "in2", calls[0], 1.0) if isinstance(step, SendStem)]
    assert sorted(first + again) == sorted(machine._relays.pair(0.0))
    assert take(machine, "in2", calls[0], 2.0) == []
    machine, calls = passing()
    (one,) = [step.peer for step in take(machine, "in1", calls[0], 0.0) if isinstance(step, SendStem)]
    other = next(peer for peer in machine._relays.pair(0.0) if peer != one)
    assert take(machine, other, calls[0], 1.0) == [], "the only other relay sent it itself"


@given(st.integers(0, 500), st.lists(st.sampled_from([*RELAYS, "in1", "in2"]), min_size=1, max_size=12))
def test_never_back_whoever_sends_it_again(seed: int, senders: list[str]) -> None:
    """Of all that ever sent a cell nobody gets it afterwards, and nobody gets it twice."""
    machine, calls = machine_and_calls(seed)
    sent: list[str] = []
    for number, sender in enumerate(senders):
        steps = take(machine, sender, calls[0], float(number))
        went = [step.peer for step in steps if isinstance(step, SendStem)]
        assert not any(peer in senders[: number + 1] for peer in went)
        sent += went
    assert len(sent) == len(dict.fromkeys(sent))


def test_a_relay_that_refuses_costs_a_hop_and_no_cell() -> None:
    """What it was sent goes to the other relay; with no other one it is let out."""
    machine, calls = passing()
    (one,) = [step.peer for step in take(machine, "in1", calls[0], 0.0) if isinstance(step, SendStem)]
    machine._relays.refused(one)
    (more,) = [s.peer for s in machine.handle(StemRefused(one), 1.0) if isinstance(s, SendStem)]
    assert more != one
    machine._relays.refused(more)
    last = [s.peer for s in machine.handle(StemRefused(more), 2.0) if isinstance(s, SendStem)]
    machine._relays.refused(last[0])
    (wait,) = machine.handle(StemRefused(last[0]), 3.0)
    assert isinstance(wait, SetTimer)
    assert [type(step) for step in machine.handle(TimerFired(wait.key), wait.at)] == [Release]


def test_one_peer_has_a_budget_and_others_have_theirs() -> None:
    """What is over it is dropped and not even hashed for nothing; it grows again."""
    machine, calls = machine_and_calls(0, STEM_CELLS_BURST + 2)
    vetted = [machine.handle(StemReceived("in1", call.cell), 0.0) for call in calls]
    assert [len(steps) for steps in vetted] == [1] * STEM_CELLS_BURST + [0, 0]
    assert len(machine.handle(StemReceived("in2", calls[-1].cell), 0.0)) == 1
    assert len(machine.handle(StemReceived("in1", calls[-2].cell), 1.0 / STEM_CELLS_PER_S)) == 1
    assert machine.handle(StemReceived("nobody", calls[0].cell), 0.0) == []


@given(st.permutations(range(8)))
def test_what_the_pool_keeps_does_not_depend_on_the_order(order: list[int]) -> None:
    """Of many calls those of highest effort, of one call the CALL and the lowest ids."""
    pool = Stempool(pool_max=5, per_call_max=3)
    calls = [numbered(number, effort=1 + number % 4) for number in range(8)]
    for number in order:
        call = calls[number]
        assert call.stamp is not None
        pool.put(Stemmed(call, named(call.cell), call.stamp.effort, ["in1"]))
    ranked = sorted(calls, key=lambda call: (-call.stamp.effort if call.stamp else 0, named(call.cell)))
    assert [call for call in ranked if pool.get(named(call.cell))] == ranked[:5]
    said = [mail.update(calls[0], number) for number in range(1, 6)]
    for frame in (*said, calls[0]) if order[0] % 2 else (calls[0], *reversed(said)):
        pool.put(Stemmed(frame, named(frame.cell), 9, ["in1"]))
    kept = sorted(said, key=lambda frame: named(frame.cell))[:2]
    held = [pool.get(named(frame.cell)) is not None for frame in (calls[0], *kept)]
    assert held == [True] * 3
    assert sum(pool.get(named(frame.cell)) is not None for frame in said) == 2


# ------------------------------------------------------------------------- out of sight


def shows_to_anybody(aboard: Aboard, frame: Frame) -> list[str]:
    """By which of its faces a node gives away that it has a cell."""
    found = ["IHAVE or in full"] if aboard.shows(frame) else []
    if aboard.ask("in2", frame):
        found.append("IWANT")
    aboard.join(f"late {len(aboard.said)}", outbound=False)
    aboard.run(1.0)
    if aboard.shows(frame):
        found.append("IHAVE to who joins")
    before = len(aboard.synced)
    aboard.tell(SyncReceived("in2", encode(Open(7, root_fingerprint(())))))
    if not all(isinstance(told, Equal) for _, told in aboard.synced[before:]):
        found.append("sync")
    before = len(aboard.said)
    aboard.tell(RpcReceived("in2", Rpc(ihave=((TOPIC, (named(frame.cell),)),)), 60))
    aboard.run(1.0)
    if not any(named(frame.cell) in rpc.iwant for _, rpc in aboard.said[before:]):
        found.append("it does not ask for it")
    if frame.id in aboard.node.calls or frame.id in aboard.store.rows[Table.CELL]:
        found.append("kept")
    return found


def test_the_stempool_shows_nowhere() -> None:
    """A node with the cell of another in its stempool looks like one that never saw it; the same cell by gossip shows (control)."""
    aboard = relay()
    aboard.stem("in1", CALL)
    assert not aboard.node._origin.stem.is_idle
    assert shows_to_anybody(aboard, CALL) == []
    by_gossip = relay()
    by_gossip.gossip("in1", CALL)
    by_gossip.run(1.0)
    assert {"IWANT", "sync", "it does not ask for it", "kept"} <= set(shows_to_anybody(by_gossip, CALL))


# ------------------------------------------------------------------------- what is taken


def spoiled(frame: Frame) -> bytes:
    """The same with another signature."""
    at = frame.cell.index(frame.signature)
    return frame.cell[:at] + bytes([frame.cell[at] ^ 1]) + frame.cell[at + 1 :]


@pytest.mark.parametrize(
    "cell",
    [
        spoiled(CALL),
        b"too short",
        CALL.cell[:-1] + b"x",
        seal(CALL.message, PROFILE.network, victim().call_key).cell,
        mail.claim(CALL, mail.key("A")).cell,
        mail.card(mail.key("A")).cell,
    ],
    ids=["signature", "size", "padding", "stamp", "claim", "card"],
)
def test_what_gossip_would_reject_costs_its_sender(cell: bytes) -> None:
    """It goes nowhere, and the peer pays; a good cell costs nothing (control)."""
    aboard = relay()
    aboard.stem("in1", cell)
    assert aboard.stemmed == []
    assert aboard.score("in1") < 0
    assert aboard.score("in2") >= 0
    aboard.stem("in2", OTHER)
    assert aboard.hops(OTHER)
    assert aboard.score("in2") >= 0


def test_what_was_refused_on_the_stem_is_not_remembered_by_gossip() -> None:
    """A CLAIM has no place on a stem, and every place in gossip, from the same bytes."""
    claim, aboard = mail.claim(CALL, mail.key("A")), relay()
    aboard.stem("in1", claim)
    aboard.gossip("in2", CALL, claim)
    assert claim.id in aboard.store.rows[Table.CELL]


def test_what_gossip_would_ignore_costs_nobody() -> None:
    """An old CALL, one that is known, one that is over: dropped, at nobody's cost."""
    old = stamped_call(victim("old"), epoch=mail.EPOCH - 5)
    aboard = relay()
    aboard.stem("in1", old)
    aboard.gossip("in2", CALL, mail.cancel(CALL))
    aboard.stem("in1", CALL, mail.update(CALL, 3))
    assert aboard.stemmed == []
    assert aboard.score("in1") >= 0


def test_what_follows_a_call_waits_for_it() -> None:
    """An UPDATE before its CALL goes nowhere, and after it, by the stem or by gossip, it does."""
    update = mail.update(CALL, 1)
    by_stem, by_gossip, never = relay(), relay(), relay()
    for aboard in (by_stem, by_gossip, never):
        aboard.stem("in1", update)
        assert aboard.hops(update) == []
    by_stem.stem("in2", CALL)
    by_gossip.gossip("in2", CALL)
    never.run(300.0)
    never.gossip("in2", CALL)
    assert len(by_stem.hops(update)) == len(by_gossip.hops(update)) == 1
    assert never.hops(update) == [], "it waited too long"
    assert all(aboard.score("in1") >= 0 for aboard in (by_stem, by_gossip, never))


STRANGER, A, B = victim("stranger").call_key, mail.key("A"), mail.key("B")
FORGED = seal(evolve(mail.update(CALL, 1).message, signer=STRANGER.public), PROFILE.network, STRANGER)


@pytest.mark.parametrize("call_by", ["stem", "gossip"])
@pytest.mark.parametrize("first", ["call", "other"])
@pytest.mark.parametrize(
    "other", [FORGED, mail.letter(CALL, A, 0), mail.vouch(CALL, A, B)], ids=["update", "letter", "attest"]
)
def test_only_the_victim_follows_its_call(call_by: str, first: str, other: Frame) -> None:
    """What another key signed goes nowhere and costs its sender, in whatever order the two come."""
    aboard = relay()
    bring = {"stem": aboard.stem, "gossip": aboard.gossip}[call_by]
    steps = [lambda: bring("in2", CALL), lambda: aboard.stem("in1", other)]
    for step in steps if first == "call" else reversed(steps):
        step()
    assert aboard.hops(other) == []
    assert aboard.score("in1") < 0
    assert aboard.score("in2") >= 0


def test_the_budgets_of_a_victim_are_counted_once() -> None:
    """Eight UPDATEs pass on the stem and then by gossip: the hop took nothing of what V may say."""
    aboard = relay()
    aboard.gossip("in2", CALL)
    updates = [mail.update(CALL, number) for number in range(1, 9)]
    aboard.stem("in1", *updates)
    assert all(aboard.hops(update) for update in updates)
    aboard.gossip("in2", *updates)
    assert all(aboard.ask("in1", update) for update in updates), "gossip accepted all of them"
    ninth = mail.update(CALL, 9)
    aboard.gossip("in2", ninth)
    assert not aboard.ask("in1", ninth), "control: one more than V may say"


def test_both_ways_at_once_are_judged_apart() -> None:
    """The same bytes on the stem and in gossip while both wait for one signature: the mesh gets it, the stem lets go."""
    assert gossip_id(CALL.cell, canonical=True) == named(CALL.cell)
    aboard = relay()
    carried = named(CALL.cell)
    aboard.stem("in1", CALL)
    aboard.gossip("in2", CALL)
    assert aboard.node._router.seen(carried)
    assert aboard.node._origin.stem.is_idle

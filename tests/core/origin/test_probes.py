"""Whoever holds a victim's cells asks a victim and a node that never saw the call, and gets the same answers."""

from collections.abc import Callable

import pytest
from attrs import evolve

from p2p_sos.core.events import RpcReceived, SyncReceived, VictimCalls, VictimCancels, VictimUpdates
from p2p_sos.core.gossip.rpc import Rpc
from p2p_sos.core.notices import CallClosed, CallReturned
from p2p_sos.core.origin.way import Way
from p2p_sos.wire.frames import Frame, seal
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.registry import PUSH_RETURN_S, TOPIC, Kind, Need
from p2p_sos.wire.stamps import solve
from p2p_sos.wire.sync import Give, Open, encode, root_fingerprint
from tests.core import mail
from tests.core.origin.aboard import Aboard, named
from tests.core.origin.test_source import PEERS, own
from tests.core.world import NONCE, PROFILE, stamped_call, victim

CALL = stamped_call(victim())
OLD = stamped_call(victim(), epoch=mail.EPOCH - 5)
STRANGER, A = victim("stranger").call_key, mail.key("A")
FLOOD = tuple(stamped_call(victim(f"flood {number}"), effort=3) for number in range(PROFILE.calls_burst + 8))


def of_stranger(number: int) -> Frame:
    """An UPDATE of the victim's call that another key signed."""
    said = evolve(mail.update(CALL, number).message, signer=STRANGER.public)
    return seal(said, PROFILE.network, STRANGER)


def update_of(aboard: Aboard) -> Frame:
    """The UPDATE that the victim said."""
    return next(frame for frame in own(aboard) if frame.message.KIND is Kind.UPDATE)


def aboard_of(way: Way | None, call: Frame = CALL) -> Aboard:
    """A victim that called and refined, by that way; or None: a node that knows nothing of it."""
    aboard = Aboard(5) if way is None else Aboard(5, way=way, victim=victim())
    aboard.join(*PEERS)
    aboard.run(2.0)
    if way is not None:
        aboard.tell(VictimCalls(call))
        aboard.tell(VictimUpdates({"needs": 1 << Need.EXPERTISE}))
    return aboard


SAID = update_of(aboard_of(Way.STEM))


def forged_by_gossip(aboard: Aboard) -> None:
    """What only V may sign, under another key, from r4."""
    aboard.gossip("r4", *(of_stranger(number) for number in range(1, 4)))


def forged_by_sync(aboard: Aboard) -> None:
    """The same given by sync, and then by gossip from another."""
    aboard.tell(SyncReceived("r3", encode(Give(7, (of_stranger(1).cell,)))))
    aboard.gossip("r4", of_stranger(1))


def forged_by_stem(aboard: Aboard) -> None:
    """The same on the stem, then the CALL by gossip: it waited, and is judged now."""
    aboard.stem("r4", of_stranger(1))
    aboard.gossip("r3", CALL)


def refined_before_its_call(aboard: Aboard) -> None:
    """The victim's own UPDATE, which the spy has from the stem, while the CALL is kept back."""
    aboard.gossip("r4", SAID)


def announced_then_given(aboard: Aboard) -> None:
    """The same, announced first."""
    aboard.tell(RpcReceived("r4", Rpc(ihave=((TOPIC, (named(SAID.cell),)),)), 60))
    aboard.run(1.0)
    aboard.gossip("r4", SAID)
    aboard.gossip("r3", SAID)


def refined_by_sync(aboard: Aboard) -> None:
    """And by sync."""
    aboard.tell(SyncReceived("r4", encode(Give(7, (SAID.cell,)))))


def in_a_flood(aboard: Aboard) -> None:
    """The CALL, after so many others that no token is left."""
    aboard.gossip("r3", *FLOOD)
    aboard.gossip("r4", CALL)


def in_order(aboard: Aboard) -> None:
    """CALL, then UPDATE; and the UPDATE first."""
    aboard.gossip("r4", SAID, CALL)


def seen_of(aboard: Aboard, *frames: Frame) -> list[object]:
    """What the spies see of a node: whom it punished, what it passes on, asks for, gives, and compares."""
    scores = [aboard.score(peer) for peer in PEERS]
    tree = len(aboard.synced)
    aboard.tell(SyncReceived("r2", encode(Open(9, root_fingerprint(())))))
    return [
        scores,
        [aboard.shows(frame) for frame in frames],
        [bool(aboard.ask("r1", frame)) for frame in frames],
        [any(named(f.cell) in rpc.iwant for _, rpc in aboard.said) for f in frames],
        repr(aboard.synced[tree:]),
        [aboard.node._router._memory.seen.state(named(frame.cell)) for frame in frames],
    ]


@pytest.mark.parametrize("way", [Way.STEM, Way.PUSH])
@pytest.mark.parametrize(
    "probe",
    [
        forged_by_gossip,
        forged_by_sync,
        forged_by_stem,
        refined_before_its_call,
        announced_then_given,
        refined_by_sync,
        in_a_flood,
        in_order,
    ],
)
def test_a_probe_tells_a_victim_from_no_node(probe: Callable[[Aboard], None], way: Way) -> None:
    """The same at once, after a moment, and when the CALL has come at last."""
    caller, bystander = aboard_of(way), aboard_of(None)
    in_the_open = aboard_of(Way.DIRECT)
    for aboard in (caller, bystander, in_the_open):
        probe(aboard)
    for wait_s in (0.0, 1.0, 12.0):
        for aboard in (caller, bystander):
            aboard.run(wait_s)
        frames = (CALL, SAID, of_stranger(1))
        assert seen_of(caller, *frames) == seen_of(bystander, *frames)
    assert seen_of(in_the_open, *frames) != seen_of(bystander, *frames), "control"


@pytest.mark.parametrize("way", [Way.STEM, Way.PUSH])
def test_an_old_call_is_as_old_at_its_victim(way: Way) -> None:
    """By gossip nobody takes one of an hour ago, by sync everybody does."""
    caller, bystander = aboard_of(way, OLD), aboard_of(None)
    for aboard in (caller, bystander):
        aboard.gossip("r4", OLD)
        aboard.run(1.0)
    assert seen_of(caller, OLD) == seen_of(bystander, OLD)
    assert not caller.shows(OLD)
    for aboard in (caller, bystander):
        aboard.tell(SyncReceived("r4", encode(Give(7, (OLD.cell,)))))
    assert caller.ask("r2", OLD) == bystander.ask("r2", OLD) == [OLD.cell]


@pytest.mark.parametrize("way", [Way.STEM, Way.PUSH])
def test_a_call_that_its_victim_closed_is_compared_as_before_until_that_comes_back(way: Way) -> None:
    """Then it is compared as everywhere: the CANCEL alone is left of it."""
    caller, bystander = aboard_of(way), aboard_of(None)
    for aboard in (caller, bystander):
        aboard.gossip("r4", CALL, SAID, mail.claim(CALL, A))
    caller.tell(VictimCancels())
    cancel = next(frame for frame in own(caller) if frame.message.KIND is Kind.CANCEL)
    fresh = mail.claim(CALL, mail.key("B"))
    for aboard in (caller, bystander):
        aboard.gossip("r3", fresh)
    frames = (CALL, SAID, mail.claim(CALL, A), cancel, fresh)
    assert seen_of(caller, *frames) == seen_of(bystander, *frames)
    for aboard in (caller, bystander):
        aboard.join("late", outbound=False)
        aboard.run(0.5)
    to_late = [sorted(i for to, r in a.said if to == "late" for _, ids in r.ihave for i in ids)
               for a in (caller, bystander)]  # fmt: skip
    assert to_late[0] == to_late[1]
    assert [notice.how for notice in caller.told(CallClosed)] == ["cancelled"], "its people know at once"
    again = Aboard(6, way=way, victim=victim(), store=caller.store, now=caller.now)
    again.join(*PEERS)
    again.gossip("r4", CALL)
    again.gossip("r3", SAID, *frames[2:3], fresh)
    assert seen_of(again, *frames)[4] == seen_of(bystander, *frames)[4]
    open_still = seen_of(bystander, *frames)[4]
    for aboard in (caller, bystander):
        aboard.gossip("r4", cancel)
    assert len(caller.told(CallClosed)) == 1
    assert caller.node.calls[CALL.id].state is bystander.node.calls[CALL.id].state
    assert seen_of(caller, *frames)[4] == seen_of(bystander, *frames)[4] != open_still


def stamped_card(who: SigningKey) -> Frame:
    """A CARD that gossip admits."""
    card = mail.card(who)
    return seal(card.message, PROFILE.network, who, solve(card.id, PROFILE.stamp_effort_min, start=NONCE))


CARDS = tuple(stamped_card(mail.key(name)) for name in "AB")
CLAIMS = tuple(mail.claim(CALL, mail.key(n), card=c.id) for n, c in zip("AB", CARDS, strict=True))


def claims_after_the_call(aboard: Aboard) -> None:
    """What everybody says again, in its order."""
    aboard.gossip("r4", CALL, SAID, *CLAIMS)


def claims_before_the_call(aboard: Aboard) -> None:
    """They wait, then they are as new as the CALL."""
    aboard.gossip("r4", CLAIMS[0])
    aboard.tell(SyncReceived("r3", encode(Give(7, (CLAIMS[1].cell,)))))
    aboard.run(1.0)
    aboard.gossip("r2", CALL)


def the_call_alone(aboard: Aboard) -> None:
    """Nobody says again what others said about it, and one asks for it by name."""
    aboard.gossip("r4", CALL)
    aboard.tell(RpcReceived("r3", Rpc(ihave=((TOPIC, tuple(named(one.cell) for one in CLAIMS)),)), 60))


@pytest.mark.parametrize("way", [Way.STEM, Way.PUSH])
@pytest.mark.parametrize("probe", [claims_after_the_call, claims_before_the_call, the_call_alone])
def test_after_a_restart_others_words_are_as_new_as_the_call(
    probe: Callable[[Aboard], None], way: Way
) -> None:
    """A victim that comes back takes them, passes them on, asks for them and compares them as a node that never saw them."""
    first = aboard_of(way)
    first.gossip("r4", CALL, SAID, *CARDS, *CLAIMS, mail.sitrep(CALL, A))
    before = aboard_of(None)
    before.gossip("r4", *CARDS)
    bystander = Aboard(6, store=before.store, now=first.now)
    again = Aboard(6, way=way, victim=victim(), store=first.store, now=first.now)
    in_the_open = Aboard(6, victim=victim(), store=first.store, now=first.now)
    for aboard in (again, bystander, in_the_open):
        aboard.join(*PEERS)
    assert again.node.cards == bystander.node.cards != {}
    frames = (CALL, *CLAIMS)
    for wait_s in (0.0, 1.0):
        for aboard in (again, bystander, in_the_open):
            if not wait_s:
                probe(aboard)
            aboard.run(wait_s)
        assert seen_of(again, *frames) == seen_of(bystander, *frames)
    registers = [one.node._sync._holdings.registers(CALL.id) for one in (again, bystander, in_the_open)]
    assert [len(one) for one in registers] == [0, 0, 1]
    assert seen_of(in_the_open, *frames) != seen_of(bystander, *frames), "control"
    assert again.node.case is not None
    assert len(again.node.case.helpers) == 2, "its people lost nobody"


# ------------------------------------------------------------------------- its own cell, on the stem


def outcome(aboard: Aboard, frame: Frame) -> tuple[int, bool, bool]:
    """What becomes of a cell on the stem: hops at once, whether it shows at once, and whether it does in the end."""
    aboard.stem("r4", frame)
    hops, at_once = aboard.hops(frame), aboard.shows(frame)
    assert "r4" not in hops
    aboard.run(400.0)
    return len(hops), at_once, aboard.shows(frame)


def test_a_victim_by_push_relays_its_own_cell_as_anybody_does() -> None:
    """A diffuser lets it out, another passes it on and lets it out when the embargo is over; neither swallows it."""
    outcomes = {}
    for seed in range(16):
        caller, bystander = Aboard(seed, way=Way.PUSH, victim=victim()), Aboard(seed)
        for aboard in (caller, bystander):
            aboard.join(*PEERS)
            aboard.run(2.0)
        caller.tell(VictimCalls(CALL))
        for aboard in (caller, bystander):
            diffuses = aboard.node._origin.relays.is_diffuser(aboard.now)
            assert outcome(aboard, CALL) == (0 if diffuses else 1, False, True)
            outcomes[aboard is caller, diffuses] = True
    assert len(outcomes) == 4, "control: both kinds of node, at a victim and at a bystander"


@pytest.mark.parametrize("probe", [in_order, refined_before_its_call, in_a_flood, forged_by_stem])
def test_what_a_victim_by_push_lets_out_shows_as_at_a_relay(probe: Callable[[Aboard], None]) -> None:
    """Its CALL and its UPDATE on the stem, then all else that a spy may ask: the same answers as a node's."""
    caller, bystander = aboard_of(Way.PUSH), aboard_of(None)
    for aboard in (caller, bystander):
        aboard.stem("r3", SAID)
        assert not aboard.hops(SAID), "it waits for its CALL"
        aboard.stem("r3", CALL)
        aboard.run(400.0)
        probe(aboard)
    assert seen_of(caller, CALL, SAID) == seen_of(bystander, CALL, SAID)
    assert caller.shows(CALL)


def test_letting_its_own_cell_out_is_no_return() -> None:
    """It is pushed again and not HEARD until a peer that was never sent it shows that it holds it."""
    caller = Aboard(5, way=Way.PUSH, victim=victim())
    caller.join(*(f"r{number}" for number in range(12)))
    caller.run(2.0)
    caller.tell(VictimCalls(CALL))

    def pushes() -> int:
        return [cell for _, cell in caller.pushed].count(CALL.cell)

    caller.stem("r4", CALL)
    caller.run(PUSH_RETURN_S * 2.5)
    assert caller.shows(CALL)
    assert pushes() == 3
    assert caller.told(CallReturned) == []
    given = [to for to, rpc in caller.said for carried in rpc.messages if carried.data == CALL.cell]
    other = next(peer.peer for peer in caller.node.peers if peer.peer not in (*given, "r4"))
    caller.tell(RpcReceived(other, Rpc(ihave=((TOPIC, (named(CALL.cell),)),)), 60))
    caller.run(PUSH_RETURN_S * 3)
    assert pushes() == 3
    assert len(caller.told(CallReturned)) == 1

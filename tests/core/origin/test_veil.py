"""Until it comes back: by none of its faces does a victim on a hidden way show that it has a message of its own."""

from typing import Any

from p2p_sos.core.events import (
    RpcReceived,
    SyncReceived,
    VictimUpdates,
)
from p2p_sos.core.gossip.rpc import Rpc
from p2p_sos.core.notices import CallReturned
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.registry import TOPIC, Need
from p2p_sos.wire.sync import Cells, Equal, Fetch, Give, Open, Request, Trees, encode, root_fingerprint
from tests.core import mail
from tests.core.origin.aboard import Aboard, named
from tests.core.origin.test_source import CALL, PEERS, caller, own
from tests.core.world import stamped_call, victim


def shown_by_name(aboard: Aboard, frame: Frame) -> list[str]:
    """By which of its faces the victim admits that it has a message."""
    found = ["IWANT"] if aboard.ask("r2", frame) else []
    aboard.join(f"late {len(aboard.said)}", outbound=False)
    aboard.run(0.5)
    before = len(aboard.synced)
    aboard.tell(SyncReceived("r2", encode(Open(7, root_fingerprint(())))))
    if not all(isinstance(told, Equal) for _, told in aboard.synced[before:]):
        found.append("sync")
    return [*found, "IHAVE"] if aboard.shows(frame) else found


def test_what_did_not_come_back_shows_nowhere() -> None:
    """Not asked for by name, not to who joins, not to sync; once a peer brought it, it shows everywhere (control)."""
    aboard = caller()
    assert shown_by_name(aboard, CALL) == []
    aboard.gossip("r4", CALL)
    assert shown_by_name(aboard, CALL) == ["IWANT", "sync", "IHAVE"]


def answer(aboard: Aboard, question: Request) -> Any:
    """What sync says to a peer that asks."""
    aboard.tell(SyncReceived("r2", encode(question)))
    return aboard.synced[-1][1]


def test_each_message_is_hidden_until_it_comes_back_itself() -> None:
    """The CALL is back and shows; the UPDATE is in no tree and given to nobody, until it is back too (control)."""
    aboard = caller()
    aboard.gossip("r4", CALL)
    before = answer(aboard, Open(1, root_fingerprint(())))
    assert isinstance(before, Trees)
    aboard.tell(VictimUpdates({"needs": 1 << Need.EXPERTISE}))
    update = next(frame for frame in own(aboard) if frame.id != CALL.id)
    assert answer(aboard, Open(1, root_fingerprint(()))) == before
    assert answer(aboard, Fetch(2, (update.id,))) == Cells(2, ())
    assert aboard.ask("r2", update) == []
    aboard.join("late", outbound=False)
    aboard.run(0.5)
    assert not aboard.shows(update)
    aboard.gossip("r4", update)
    assert answer(aboard, Open(1, root_fingerprint(()))) != before
    assert answer(aboard, Fetch(2, (update.id,))) == Cells(2, (update.cell,))
    assert aboard.ask("r2", update) == [update.cell]


def test_what_came_back_by_sync_shows_too() -> None:
    """A peer gives it: verified like a stranger's it is announced like anything that sync brings; another's cell does nothing."""
    aboard = caller()
    aboard.tell(SyncReceived("r4", encode(Give(7, (stamped_call(victim("another")).cell,)))))
    aboard.run(1.0)
    assert not aboard.shows(CALL)
    aboard.tell(SyncReceived("r4", encode(Give(8, (CALL.cell,)))))
    aboard.run(1.0)
    assert aboard.shows(CALL)
    assert len(aboard.told(CallReturned)) == (0 if aboard.hops(CALL) == ["r4"] else 1)


def test_announced_it_is_asked_for_like_what_one_lacks() -> None:
    """A peer that announces the victim's own CALL is asked for it; after it came, nobody is (control)."""
    aboard = caller()
    announce = Rpc(ihave=((TOPIC, (named(CALL.cell),)),))
    aboard.tell(RpcReceived("r4", announce, 60))
    aboard.run(1.0)
    assert any(named(CALL.cell) in rpc.iwant for to, rpc in aboard.said if to == "r4")
    aboard.gossip("r4", CALL)
    before = len(aboard.said)
    aboard.tell(RpcReceived("r3", announce, 60))
    aboard.run(1.0)
    assert not any(rpc.iwant for _, rpc in aboard.said[before:])


def test_words_about_a_veiled_call_wait_as_orphans() -> None:
    """A CLAIM that a neighbour brings before the CALL goes nowhere, as at any node; then both go on."""
    claim = mail.claim(CALL, mail.key("A"))
    aboard = caller()
    aboard.gossip("r4", claim)
    aboard.run(1.0)
    assert not aboard.shows(claim)
    aboard.gossip("r4", CALL)
    aboard.run(1.0)
    assert aboard.shows(claim)


def test_heard_needs_a_peer_that_was_not_given_it() -> None:
    """The relay alone proves nothing, and what it sends is forwarded all the same; any other peer's word is HEARD."""
    aboard = caller(peers=tuple(f"r{number}" for number in range(9)))
    (relay,) = aboard.hops(CALL)
    aboard.gossip(relay, CALL)
    assert aboard.told(CallReturned) == []
    given = [to for to, rpc in aboard.said for carried in rpc.messages if carried.data == CALL.cell]
    assert given, "it is forwarded as by any node"
    other = next(peer.peer for peer in aboard.node.peers if peer.peer not in (relay, *given))
    aboard.tell(RpcReceived(other, Rpc(ihave=((TOPIC, (named(CALL.cell),)),)), 60))
    assert len(aboard.told(CallReturned)) == 1
    at_once = caller()
    (relay,) = at_once.hops(CALL)
    at_once.gossip(next(peer for peer in PEERS if peer != relay), CALL)
    assert len(at_once.told(CallReturned)) == 1


def test_a_name_alone_is_no_return() -> None:
    """Whoever a relay told the name says that it has it, and wants no copy: nothing, until the message itself was brought."""
    aboard = caller(peers=tuple(f"r{number}" for number in range(9)))
    (relay,) = aboard.hops(CALL)
    spy = next(peer for peer in ("r1", "r2") if peer != relay)
    name = named(CALL.cell)
    aboard.tell(RpcReceived(spy, Rpc(idontwant=(name,), ihave=((TOPIC, (name,)),)), 60))
    assert aboard.told(CallReturned) == []
    aboard.gossip(relay, CALL)
    assert aboard.told(CallReturned) == []
    given = [to for to, rpc in aboard.said for carried in rpc.messages if carried.data == CALL.cell]
    honest = next(peer.peer for peer in aboard.node.peers if peer.peer not in (relay, spy, *given))
    aboard.tell(RpcReceived(honest, Rpc(idontwant=(name,)), 60))
    assert len(aboard.told(CallReturned)) == 1, "control: now it says something"


def test_who_dialled_the_victim_bears_no_witness() -> None:
    """Twenty that dialled it bring the message itself: it goes on, and is not HEARD; one that it dialled is enough."""
    aboard = caller()
    (relay,) = aboard.hops(CALL)
    spies = [f"in{number}" for number in range(20)]
    aboard.join(*spies, outbound=False)
    for spy in spies:
        aboard.gossip(spy, CALL)
    assert aboard.shows(CALL)
    assert aboard.told(CallReturned) == []
    given = [to for to, rpc in aboard.said for carried in rpc.messages if carried.data == CALL.cell]
    aboard.join("late")
    assert "late" not in given
    aboard.gossip("late", CALL)
    assert len(aboard.told(CallReturned)) == 1
    assert aboard.hops(CALL) == [relay]


def test_who_has_it_from_the_victim_proves_nothing() -> None:
    """After the relay brought it the victim forwards it; whoever it went to may show it for ever."""
    aboard = caller(seed=1)
    (relay,) = aboard.hops(CALL)
    aboard.gossip(relay, CALL)
    given = [to for to, rpc in aboard.said for c in rpc.messages if c.data == CALL.cell]
    assert given, "it has eager links"
    for peer in given:
        aboard.tell(RpcReceived(peer, Rpc(ihave=((TOPIC, (named(CALL.cell),)),)), 60))
    assert aboard.told(CallReturned) == []


def test_a_letter_that_came_back_is_not_hidden_again_when_its_bound_dropped_it() -> None:
    """Said again it is where it was, in the mesh: no relay gets it; one that never came back is tried (control)."""
    for came_back in (True, False):
        aboard = caller()
        aboard.gossip("r4", CALL)
        letter = mail.letter(CALL, mail.V, 1)
        aboard.say(letter)
        assert aboard.hops(letter)
        if came_back:
            aboard.gossip("r4", letter)
        aboard.node._archive._forget((letter,))
        aboard.node._archive.calls.board(CALL.id)._held.pop(letter.id)
        before = len(aboard.hops(letter))
        aboard.say(letter)
        aboard.run(60.0)
        assert (len(aboard.hops(letter)) == before) == came_back
        assert aboard.shows(letter) == came_back

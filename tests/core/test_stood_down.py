"""A call that its helpers stood down: its board grows on, nobody claims it, a restart does not open it, its victim does."""

from random import Random

import pytest
from attrs import evolve

from p2p_sos.core.actions import Action, Keep, SetTimer, Tell, Verify
from p2p_sos.core.calls.admission import Admission
from p2p_sos.core.calls.calls import CallState
from p2p_sos.core.duty.bands import BandOpens, GuardLooks
from p2p_sos.core.events import ClockRead, PeerJoined, Restored, RpcReceived, Started, TimerFired, Verified
from p2p_sos.core.gossip.rpc import Carried, Rpc
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.node import Node
from p2p_sos.core.notices import CallClosed, CallReopened, Decided
from p2p_sos.core.tables import Table
from p2p_sos.wire.frames import Frame, decode
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import Renew
from p2p_sos.wire.registry import CALL_EPOCH_S, S1, TOPIC, Severity
from tests.core import mail
from tests.core.door import Door
from tests.core.world import PROFILE, responder, stamped_call, victim

HELPERS = [mail.key(name) for name in ("A", "B", "C", "D")]
UNIX_S = mail.EPOCH * CALL_EPOCH_S
ROOTED = evolve(PROFILE, roots=(b"r" * 32,))
CALL = mail.the_call(severity=Severity.SEVERE)


@pytest.fixture
def rooted(monkeypatch: pytest.MonkeyPatch) -> Frame:
    """The same call in a network whose profile names a root."""
    monkeypatch.setattr(mail, "NETWORK", ROOTED.network)
    return mail.the_call(severity=Severity.SEVERE)


def words(call: Frame) -> list[Frame]:
    """Four claim, V attests them, and enough of them stand down."""
    cards = [mail.card(helper) for helper in HELPERS]
    claims = [mail.claim(call, who, card=card.id) for who, card in zip(HELPERS, cards, strict=True)]
    gone = [mail.stand_down(call, helper) for helper in HELPERS[: S1.stand_down_f + 1]]
    return [call, *cards, *claims, mail.attest(call, *HELPERS), *gone]


def restarted(
    call: Frame, after_s: float, *more: Frame, key: SigningKey | None = None
) -> tuple[Node, list[Action]]:
    """An able responder that heard all this and `more`, slept for so long, and is there again."""
    node = Node(
        profile=ROOTED,
        gossip=GossipSettings(),
        random=Random(1),
        entropy=Random(2).randbytes,
        rings=lambda a, b: None,
        responder=responder("E") if key is None else evolve(responder("E"), key=key),
        accredits=lambda card: card.message.signer,
    )
    rows = tuple((frame.id, UNIX_S.to_bytes(8, "big") + frame.cell) for frame in (*words(call), *more))
    out: list[Action] = []
    for event in (Restored(Table.CELL, rows), ClockRead(UNIX_S + after_s), Started()):
        out += node.handle(event, 5.0)
    return node, out


def test_a_restart_does_not_open_it_again(rooted: Frame) -> None:
    """V's silence counts from its last message: at the start the call is stood down, nobody claims it or is told again."""
    node, out = restarted(rooted, S1.progress_silent_s + 1.0)
    told = [action.notice for action in out if isinstance(action, Tell)]
    assert node.calls[rooted.id].state is CallState.STOOD_DOWN
    assert not [notice for notice in told if isinstance(notice, Decided | CallClosed)]


def test_a_victim_that_spoke_a_moment_ago_is_not_silent_after_a_restart(rooted: Frame) -> None:
    """Control: within its time the same call is open, and this node decides about it W after its start."""
    node, started = restarted(rooted, S1.progress_silent_s - 10.0)
    assert node.calls[rooted.id].state is CallState.OPEN
    waits = [timer for timer in started if isinstance(timer, SetTimer) and isinstance(timer.key, BandOpens)]
    assert waits
    out = [action for timer in waits for action in node.handle(TimerFired(timer.key), timer.at)]
    assert [action for action in out if isinstance(action, Tell) and isinstance(action.notice, Decided)]


@pytest.mark.parametrize("stood_down", [True, False])
def test_its_board_takes_what_an_open_one_takes(stood_down: bool) -> None:
    """Whether a call is stood down depends on local clocks; so boards go on alike. One that V closed (control) does not."""
    door = Door(start_unix_s=float(UNIX_S))
    claim = mail.claim(CALL, HELPERS[0])
    for frame in (CALL, mail.card(HELPERS[0])):
        door.archive.take(frame, bytes(20), float(UNIX_S))
    if stood_down:
        door.archive.stand_down(CALL.id, float(UNIX_S))
    else:
        door.archive.take(mail.cancel(CALL), bytes(20), float(UNIX_S))
    admission: Admission = door.gate.admission
    refusals = [
        admission.welcome(frame, 0.0)
        for frame in (claim, mail.update(CALL, 3), mail.renew(CALL, HELPERS[0], 1))
    ]
    assert [refusal is None for refusal in refusals] == [stood_down] * 3
    assert admission.welcome(mail.letter(CALL, HELPERS[0], 0), 700.0) is not None


def told(node: Node, frame: Frame, now: float) -> list[Action]:
    """A peer brings this message, and it is verified."""
    carried = Carried(gossip_id(frame.cell, canonical=True), frame.cell, TOPIC)
    out = node.handle(PeerJoined("peer", outbound=True, protocol="/meshsub/1.1.0"), now)
    out += node.handle(RpcReceived("peer", Rpc(messages=(carried,)), len(frame.cell)), now)
    for verify in [action for action in out if isinstance(action, Verify)]:
        out += node.handle(Verified(verify.gossip_id, verify.frame), now)
    return out


def words_of_victim(call: Frame) -> dict[str, Frame]:
    """What V may say after its helpers stood down."""
    return {
        "update": mail.update(call, 2),
        "attest": mail.attest(call, HELPERS[0], sequence=2),
        "requisition": mail.requisition(call, HELPERS[3], sequence=2),
        "letter": mail.letter(call, mail.V, 1),
    }


@pytest.mark.parametrize("word", ["update", "attest", "requisition", "letter"])
def test_its_victim_opens_it_again(rooted: Frame, word: str) -> None:
    """V is supreme over its call: a word of V after the stand-down opens it, and an able node thinks about it anew."""
    node, _ = restarted(rooted, S1.progress_silent_s + 1.0)
    out = told(node, words_of_victim(rooted)[word], 6.0)
    assert node.calls[rooted.id].state is CallState.OPEN
    assert node.calls[rooted.id].view.closed is None
    assert [a.notice.call for a in out if isinstance(a, Tell) and isinstance(a.notice, CallReopened)] == [
        rooted.id
    ]
    waits = [a for a in out if isinstance(a, SetTimer) and isinstance(a.key, BandOpens)]
    late = [action for timer in waits for action in node.handle(TimerFired(timer.key), timer.at)]
    assert [a for a in late if isinstance(a, Tell) and isinstance(a.notice, Decided)]


@pytest.mark.parametrize("word", ["cancel", "all-clear", "another's", "an old one"])
def test_nothing_else_opens_it(rooted: Frame, word: str) -> None:
    """CANCEL and ALL_CLEAR close it for good; helpers cannot open it, nor can a word of V that was overtaken."""
    node, _ = restarted(rooted, S1.progress_silent_s + 1.0, mail.attest(rooted, HELPERS[1], sequence=9))
    frame = {
        "cancel": mail.cancel(rooted, 10),
        "all-clear": mail.all_clear(rooted, 10),
        "another's": mail.renew(rooted, HELPERS[3], 5),
        "an old one": mail.update(rooted, 3),
    }[word]
    told(node, frame, 6.0)
    ended = {"cancel": CallState.CANCELLED, "all-clear": CallState.CLEARED}.get(word, CallState.STOOD_DOWN)
    assert node.calls[rooted.id].state is ended


def test_it_closes_again_when_its_victim_falls_silent_again(rooted: Frame) -> None:
    """One word does not hold it open for ever: the stand-downs still stand; and a new word opens it once more."""
    node, _ = restarted(rooted, S1.progress_silent_s + 1.0)
    due = [a for a in told(node, mail.update(rooted, 2), 6.0) if isinstance(a, SetTimer)]
    states = []
    for _ in range(200):
        timer = min(due, key=lambda t: t.at)
        due.remove(timer)
        if timer.at > 6.0 + S1.progress_silent_s + 1.0:
            break
        due += [a for a in node.handle(TimerFired(timer.key), timer.at) if isinstance(a, SetTimer)]
        states.append((timer.at, node.calls[rooted.id].state))
    assert states[-1][1] is CallState.STOOD_DOWN
    assert all(state is CallState.OPEN for at, state in states if at < 6.0 + S1.progress_silent_s)
    told(node, mail.update(rooted, 3), 60.0)
    assert node.calls[rooted.id].state is CallState.OPEN


@pytest.mark.parametrize("claims", [True, False])
def test_its_helpers_go_on(rooted: Frame, claims: bool) -> None:
    """Who still claims renews at once and keeps its slot; who stood down is free to answer again, in its band."""
    own = HELPERS[3 if claims else 0]
    node, _ = restarted(rooted, S1.progress_silent_s + 1.0, key=own)
    out = told(node, mail.update(rooted, 2), 6.0)
    cells = [decode(a.value[8:], mail.NETWORK) for a in out if isinstance(a, Keep) and a.table is Table.CELL]
    renewed = [f for f in cells if isinstance(f, Frame) and isinstance(f.message, Renew)]
    assert [frame.message.signer for frame in renewed] == ([own.public] if claims else [])
    assert node.calls[rooted.id].mine == ("claimed" if claims else "")


def test_who_declined_a_requisition_does_not_claim_because_the_call_is_open_again(rooted: Frame) -> None:
    """A person's refusal outlives a stand-down as it outlives a restart."""
    own = HELPERS[3]
    asked, declined = mail.requisition(rooted, own, own, sequence=5), mail.decline(rooted, own, 5)
    node, _ = restarted(rooted, S1.progress_silent_s + 1.0, asked, declined, key=own)
    out = told(node, mail.letter(rooted, mail.V, 1), 6.0)
    assert node.calls[rooted.id].state is CallState.OPEN
    assert node.calls[rooted.id].mine == "declined"
    assert not [a for a in out if isinstance(a, Tell) and isinstance(a.notice, Decided)]


def test_a_helper_whose_slot_went_and_that_has_others_looks_at_the_call_again(rooted: Frame) -> None:
    """While the call was stood down its hand was promised elsewhere: it gives that claim back, and may answer anew."""
    node, _ = restarted(rooted, S1.progress_silent_s + 1.0, key=HELPERS[3])
    other = stamped_call(victim("second"), profile=ROOTED, epoch=mail.EPOCH)
    told(node, other, 6.0)
    out = told(node, mail.update(rooted, 2), 30.0)
    assert [a.notice.decision for a in out if isinstance(a, Tell) and isinstance(a.notice, Decided)] == [
        "release"
    ]
    looks = [a for a in out if isinstance(a, SetTimer) and isinstance(a.key, BandOpens | GuardLooks)]
    assert {timer.key.call for timer in looks} == {rooted.id}

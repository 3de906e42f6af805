"""A call that its helpers stood down: its board grows on, nobody claims it, and a restart does not open it again."""

from random import Random

import pytest
from attrs import evolve

from p2p_sos.core.actions import Action, SetTimer, Tell
from p2p_sos.core.calls.admission import Admission
from p2p_sos.core.calls.calls import CallState
from p2p_sos.core.duty.bands import BandOpens
from p2p_sos.core.events import ClockRead, Restored, Started, TimerFired
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.node import Node
from p2p_sos.core.notices import CallClosed, Decided
from p2p_sos.core.tables import Table
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.registry import CALL_EPOCH_S, S1, Severity
from tests.core import mail
from tests.core.door import Door
from tests.core.world import PROFILE, responder

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


def restarted(call: Frame, after_s: float) -> tuple[Node, list[Action]]:
    """An able responder that heard all this, slept for so long, and is there again."""
    node = Node(
        profile=ROOTED,
        gossip=GossipSettings(),
        random=Random(1),
        entropy=Random(2).randbytes,
        rings=lambda a, b: None,
        responder=responder("E"),
        accredits=lambda card: card.message.signer,
    )
    rows = tuple((frame.id, UNIX_S.to_bytes(8, "big") + frame.cell) for frame in words(call))
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

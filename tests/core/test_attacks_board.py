"""Attacks on boards, leases and sync by keys that cost nothing and by liars with cards; each once worked."""

import random

import pytest

from p2p_sos.core.actions import SendSync
from p2p_sos.core.board.board import LOG_KEPT, rank
from p2p_sos.core.board.standing import View
from p2p_sos.core.calls.calls import Calls
from p2p_sos.core.case.case import VictimSecrets
from p2p_sos.core.events import PeerJoined, SyncReceived
from p2p_sos.core.sync.sync import Sync, SyncSettings
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import CallId
from p2p_sos.wire.record import Entry, Record, frames_of, open_record, seal_record
from p2p_sos.wire.refusals import Refusal
from p2p_sos.wire.registry import S1, SEQUENCE_MAX, Tlp
from p2p_sos.wire.sync import Give, Registers, Roll, encode
from tests.core import mail
from tests.core.sync.neighbourhood import Shelf
from tests.core.world import PROFILE, World, city, stamped_call


def called(count: int) -> tuple[World, list[str], Frame]:
    """A city that heard a call a moment ago, and the names of its nodes."""
    world = city(count)
    call = world.call("victim")
    world.run(0.3)
    names = [f"node{index}" for index in range(count)]
    return world, names, frame_of(world, call)


def frame_of(world: World, call: CallId) -> Frame:
    """The CALL as the victim's node holds it."""
    return world.node("victim").calls[call].frame


def view(world: World, name: str, call: Frame) -> View:
    """What a node believes of a call."""
    return world.node(name).calls[call.id].view


@pytest.mark.parametrize("epoch", [1, SEQUENCE_MAX])
def test_a_stranger_that_names_the_highest_epoch_keeps_nobody_from_leading(epoch: int) -> None:
    """A key without a card writes a ROSTER of the highest epoch there is: it made every later roster old news."""
    world, names, call = called(5)
    for name in names:
        world.inject(name, mail.roster(call, mail.key("nobody"), epoch=epoch, sequence=0))
    world.run(20)
    leads = {view(world, name, call).lead: None for name in names}
    assert len(leads) == 1
    assert None not in leads


@pytest.mark.parametrize("named", ["decline", "renew", "card"])
def test_a_claim_that_names_another_word_of_its_signer_as_its_card_stops_no_node(named: str) -> None:
    """`card` of a CLAIM is 32 bytes of its writer's choice: the id of a DECLINE ended every node that held both."""
    world, names, call = called(2)
    liar = mail.key("nobody")
    word = {
        "decline": mail.decline(call, liar),
        "renew": mail.renew(call, liar, 0),
        "card": mail.card(liar),
    }[named]
    claim = mail.claim(call, liar, 1, card=word.id)
    for name in names:
        world.inject(name, word, claim)
    world.run(20)
    for name in names:
        standing = view(world, name, call).claim_of(liar.public)
        assert standing is not None
        assert not standing.fit


def test_keys_that_cost_nothing_make_no_node_forget_a_dead_lead() -> None:
    """Seven hundred strangers, each outranking the one before, pushed a lead out of the leases: it never lapsed."""
    call = mail.the_call()
    calls, now = Calls(8), 100.0
    calls.open(call, 0.0, now)
    helpers = [mail.key(name) for name in "AB"]
    for helper in helpers:
        card = mail.card(helper)
        assert calls.offer(mail.claim(call, helper, card=card.id), now, card).kept
    best = calls.look(call.id, now).view.claims[0].responder
    lead, other = sorted(helpers, key=lambda key: key.public != best)
    calls.offer(mail.roster(call, lead, other), now)
    assert calls.look(call.id, now).view.lead == lead.public
    strangers = sorted((mail.key(f"stranger {n}") for n in range(700)), key=lambda k: rank(call.id, k.public))
    for number, stranger in enumerate(reversed(strangers)):
        now = 101.0 + number / 1000
        assert calls.offer(mail.decline(call, stranger), now).kept
    now = 100.0 + S1.lease_s
    calls.offer(mail.renew(call, other, 1), now)
    view = calls.look(call.id, now).view
    assert view.lead is None
    standing = view.claim_of(lead.public)
    assert standing is not None
    assert standing.silent


def test_rosters_that_come_and_go_leave_nothing_behind() -> None:
    """Each ROSTER took a bit for good: a lead that wrote anew for a day made every later look slower and larger."""
    call = mail.the_call()
    calls = Calls(8)
    calls.open(call, 0.0, 0.0)
    liars = [mail.key(name) for name in "AB"]
    for liar in liars:
        card = mail.card(liar)
        calls.offer(mail.claim(call, liar, card=card.id), 0.0, card)
    for number in range(1, 300):
        for liar in liars:
            calls.offer(mail.roster(call, liar, sequence=number), 0.0)
        calls.look(call.id, 0.0)
    assert calls.board(call.id).past.bit(b"the next") < 1 << (4 * LOG_KEPT)


def test_whoever_closes_a_record_in_the_victims_name_is_refused() -> None:
    """A record of a real CALL with a CANCEL that its exporter signed with a key of his own read as cancelled."""
    key, exporter = mail.V, mail.key("exporter")
    call = stamped_call(VictimSecrets(key, bytes(32), ""))
    helper = mail.key("helper")
    words = {
        "in the victim's name": (mail.cancel(call, by=exporter), False),
        "an ATTEST in another's form": (mail.attest(call, helper, by=exporter), False),
        "the victim's": (mail.cancel(call), True),
        "a helper's": (mail.claim(call, helper), True),
        "the victim as a helper": (mail.claim(call, key), False),
    }
    for why, (word, holds) in words.items():
        entries = (Entry(call.cell, 0), Entry(word.cell, 0))
        record = Record(PROFILE.network, exporter.public, Tlp.AMBER, 0, entries, ())
        opened = open_record(seal_record(record, exporter))
        assert isinstance(opened, Record)
        read = frames_of(opened, PROFILE)
        assert isinstance(read, Refusal) is not holds, why


@pytest.mark.parametrize("boards", [1, 256])
def test_a_question_about_one_board_is_paid_for_and_answered_once(boards: int) -> None:
    """256 times the name of one full board, in 9 KB, cost a second; an empty GIVE of 5 bytes cost a millisecond."""
    looked: list[bytes] = []

    class Watched(Shelf):
        def registers(self, call: CallId) -> tuple[bytes, ...]:
            looked.append(call)
            return super().registers(call)

    sync = Sync(Watched(), random.Random(0), SyncSettings(period_s=None))
    sync.handle(PeerJoined("liar", False, "/meshsub/1.2.0", "liar"), 0.0)
    frame = encode(Registers(1, (Roll(bytes(32), ()),) * boards))
    assert [type(step) for step in sync.handle(SyncReceived("liar", frame), 0.0)] == [SendSync]
    assert len(looked) == 2, "once to count, once to compare"
    empty, answered = SyncReceived("liar", encode(Give(1, ()))), 0
    while sync.handle(empty, 0.0):
        answered += 1
        assert answered < 5000, "a burst of four megabytes is no eight hundred thousand questions"

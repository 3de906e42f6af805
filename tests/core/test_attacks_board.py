"""Attacks on boards, leases and sync by keys that cost nothing and by liars with cards; each once worked."""

import pytest

from p2p_sos.core.board.standing import View
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import CallId
from p2p_sos.wire.registry import SEQUENCE_MAX
from tests.core import mail
from tests.core.world import World, city


def called(count: int) -> tuple[World, list[str], Frame]:
    """A city that heard a call a moment ago, and the names of its nodes."""
    world = city(count)
    call = world.call("victim")
    world.run(0.3)
    names = [f"node{index}" for index in range(count)]
    return world, names, frame_of(world, call)


def frame_of(world: World, call: CallId) -> Frame:
    """The CALL as the victim's node holds it."""
    return world.node("victim").calls.board(call).call


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

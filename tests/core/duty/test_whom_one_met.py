"""Whom a member attests while the victim is silent, and who is too many: read off what others really said."""

from random import Random

from p2p_sos.core.actions import SetTimer
from p2p_sos.core.calls.calls import Calls
from p2p_sos.core.duty.author import Author
from p2p_sos.core.duty.member import AttestDue, Member
from p2p_sos.core.events import TimerFired
from p2p_sos.core.internal import Admitted, Publish
from p2p_sos.wire.frames import Frame, seal
from p2p_sos.wire.messages import Attest
from p2p_sos.wire.registry import CARD_EPOCH_S, S1, Sector
from p2p_sos.wire.stamps import solve
from tests.core import mail
from tests.core.duty.test_duty import ME, alone, call, hear, mine
from tests.core.world import START_UNIX_S

A, B = mail.key("a"), mail.key("b")
CALL = mail.the_call()
OTHERS = [mail.key(f"other {index}") for index in range(2 * S1.k)]


def attested(*said: Frame) -> list[tuple[bytes, ...]]:
    """Whom a member attests when half of PROG is over and this was said."""
    calls = Calls(8)
    calls.open(CALL, 0.0, 100.0)
    member = Member(Author(A, mail.NETWORK), calls, Random(1))
    own = mail.claim(CALL, A)
    for frame in (own, *said):
        assert calls.offer(frame, 100.0).kept
    member.author.observe(own)
    steps = member.handle(Admitted(own, bytes(20), own=True), 100.0)
    (timer,) = [step for step in steps if isinstance(step, SetTimer) and isinstance(step.key, AttestDue)]
    told = [s.frame.message for s in member.handle(TimerFired(timer.key), timer.at) if isinstance(s, Publish)]
    return [message.responders for message in told if isinstance(message, Attest)]


def test_who_was_heard_once_is_not_attested() -> None:
    """A CLAIM alone shows nobody; a CLAIM and a RENEW do (control)."""
    claim = mail.claim(CALL, B)
    assert attested() == []
    assert attested(claim) == []
    assert attested(claim, mail.renew(CALL, B, 0)) == [(B.public,)]


def test_only_who_was_seen_is_too_many() -> None:
    """A full roster that was written without knowing of a claim releases nobody; the next one, that knows it, does."""
    world, one = alone(), call()
    assert hear(world, one) == "claimed"
    (claim,) = world.node("me").calls[one.id].view.claims
    assert claim.responder == ME.public
    lead, day = OTHERS[0], int(START_UNIX_S) // CARD_EPOCH_S
    for who in OTHERS:
        card = mail.card(who, epoch=day, sectors=1 << Sector.HEALTH, duty_hours=2**24 - 1)
        named = seal(card.message, mail.NETWORK, who, solve(card.id, 1, start=bytes(16)))
        world.inject("me", named, mail.claim(one, who, card=named.id))
        world.run(0.01)
    world.inject("me", mail.roster(one, lead, *OTHERS))
    world.run(0.5)
    view = world.node("me").calls[one.id].view
    assert (view.lead, len(view.claims)) == (lead.public, 2 * S1.k + 1)
    assert mine(world, one.id) == "claimed"
    world.inject("me", mail.roster(one, lead, *OTHERS, sequence=2, heads=(claim.claim,)))
    world.run(0.5)
    assert mine(world, one.id) == "released"

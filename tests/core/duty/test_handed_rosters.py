"""What is handed to a lead, and by whom: no giver takes the room of the others, and nothing counts that is not there."""

from p2p_sos.core.duty.post import OF_ONE_MAX
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import Handover, Roster
from p2p_sos.wire.registry import S1
from tests.core import mail
from tests.core.duty.test_lead_alone import CALL, FITTER, ME, OTHER, Bridge, leading


def rosters(bridge: Bridge) -> int:
    """How many it wrote."""
    return sum(isinstance(frame.message, Roster) for frame in bridge.said)


def claims(bridge: Bridge, who: SigningKey) -> None:
    """Somebody else claims; its card is known."""
    card = mail.card(who)
    bridge.calls.offer(mail.claim(CALL, who, card=card.id), bridge.now, card)
    bridge.look()


def test_a_roster_that_nobody_saw_is_not_taken_up() -> None:
    """A claimer that hands over what does not exist makes nobody write; what it really wrote (control) is answered."""
    bridge, liar = leading(), mail.key("liar")
    claims(bridge, liar)
    real = mail.roster(CALL, liar, liar, sequence=20)
    before = rosters(bridge)
    for number in range(8):
        made_up = mail.handover(
            CALL, liar, mail.roster(CALL, liar, epoch=number + 2), ME.public, sequence=number + 1
        )
        bridge.hear(made_up)
    assert rosters(bridge) == before
    bridge.hear(real, mail.handover(CALL, liar, real, ME.public, sequence=21))
    assert rosters(bridge) == before + 1


def test_one_giver_is_answered_twice_and_leaves_room_for_others() -> None:
    """Real rosters handed over by one liar again and again: two answers; then whoever is honest is answered still."""
    bridge, liar = leading(), mail.key("liar")
    claims(bridge, liar)
    before = rosters(bridge)
    for number in range(2, 2 + 2 * OF_ONE_MAX):
        roster = mail.roster(CALL, liar, liar, sequence=2 * number, epoch=number)
        bridge.hear(roster, mail.handover(CALL, liar, roster, ME.public, sequence=2 * number + 1))
    assert rosters(bridge) == before + OF_ONE_MAX
    theirs = mail.roster(CALL, OTHER, OTHER)
    bridge.hear(theirs, mail.handover(CALL, OTHER, theirs, ME.public))
    assert rosters(bridge) == before + OF_ONE_MAX + 1


def test_who_comes_and_goes_before_it_delays_the_next_lead_by_hold_alone() -> None:
    """Each time that somebody fitter claims and releases its place changes; from HOLD after the loss it waits no more."""
    bridge, toggler = Bridge(), mail.key("toggler")
    bridge.timers.clear()
    lined_at, at = bridge.now, bridge.now
    card = mail.card(toggler, duty_hours=FITTER, sectors=2**20 - 1)
    for number in range(8):
        at = lined_at + 0.4 * (number + 1)
        bridge.now = at
        word = (
            mail.release(CALL, toggler, 2 * number + 1)
            if number % 2
            else mail.claim(CALL, toggler, 2 * number, card=card.id)
        )
        bridge.calls.offer(word, bridge.now, None if number % 2 else card)
        bridge.look()
    due = bridge.lead._posts[CALL.id]
    assert due.placed_at <= lined_at + S1.hold_s
    assert [frame for frame in bridge.said if isinstance(frame.message, Handover)] == []

"""Conversations with the gate: what is admitted, what waits, what is refused and why."""

from typing import Any

from attrs import evolve

from p2p_sos.core.events import Verified
from p2p_sos.core.internal import Verdict
from p2p_sos.wire.frames import Frame, id_of, seal
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import NOTHING, Card, Handover, Renew, Roster, Sitrep, StandDown
from p2p_sos.wire.registry import (
    BOARD_RESPONDERS_MAX,
    CALL_EPOCH_S,
    CARD_EPOCH_S,
    LETTERS_AFTER_CLOSING_S,
    LETTERS_PER_WINDOW,
    ORPHAN_WAIT_S,
    ORPHANS_MAX,
    VICTIM_MESSAGES_PER_EPOCH,
    Cause,
    Phase,
    Severity,
    SitrepStatus,
)
from p2p_sos.wire.stamps import solve
from tests.core import mail
from tests.core.door import Door
from tests.core.world import PROFILE, START_UNIX_S, seed_of, stamped_call, victim

A, B = mail.key("a"), mail.key("b")
EPOCH = int(START_UNIX_S) // CALL_EPOCH_S


def call(name: str = "victim", **fields: Any) -> Frame:
    """A stamped CALL."""
    return stamped_call(victim(name), PROFILE, **fields)


def test_a_call_is_admitted_once() -> None:
    """A CALL is accepted; the very same again is known."""
    door, one = Door(), call()
    assert door.ask(one) == "accept"
    assert door.ask(one) == "ignore known"


def test_a_higher_effort_replaces() -> None:
    """A cell of a known CALL with more work is accepted and replaces it; one with less is known."""
    door = Door()
    assert door.ask(call(effort=2)) == "accept"
    assert door.ask(call(effort=3)) == "accept"
    assert door.ask(call(effort=2)) == "ignore known"
    stamp = door.archive.calls[call().id].frame.stamp
    assert stamp is not None
    assert stamp.effort == 3
    assert len(door.archive.calls) == 1


def test_epochs() -> None:
    """Two epochs either way are admitted; the third is ignored, since clocks differ without guilt."""
    for distance, verdict in ((-3, "ignore epoch"), (-2, "accept"), (2, "accept"), (3, "ignore epoch")):
        assert Door().ask(call(epoch=EPOCH + distance)) == verdict


def test_bad_bytes_are_rejected_with_their_reason() -> None:
    """Whatever no honest node sends is rejected: no cell, no message, no signature, no stamp, another form."""
    door, good = Door(), call()
    door.bring(good.cell[:-1])
    assert door.said(good.cell[:-1]) == "reject cell-size"
    forged = good.cell[:300] + bytes([good.cell[300] ^ 1]) + good.cell[301:]
    door.bring(forged)
    assert door.said(forged).startswith("reject")
    unstamped = mail.the_call(epoch=EPOCH)
    assert door.ask(unstamped) == "reject stamp"
    door.bring(good.cell, canonical=False)
    judged = door.verdicts[gossip_id(good.cell, canonical=False)]
    assert judged.verdict is Verdict.REJECT


def test_only_the_victim_speaks_for_its_call() -> None:
    """A CANCEL of another key is rejected, and so is a CLAIM of the victim's; control: the right ones pass."""
    door, one = Door(), call()
    door.ask(one)
    assert door.ask(mail.cancel(one, by=A)) == "reject signer"
    assert door.ask(mail.claim(one, mail.V)) == "reject signer"
    assert door.ask(mail.attest(one, B, by=A)) == "reject signer"
    assert door.ask(mail.claim(one, A)) == "accept"
    assert door.ask(mail.attest(one, A)) == "accept"
    assert door.ask(mail.cancel(one, 2)) == "accept"


def test_orphans_wait_for_their_call() -> None:
    """A CLAIM before its CALL has no verdict, and is accepted when the CALL comes."""
    door, one = Door(), call()
    early, false = mail.claim(one, A), mail.cancel(one, by=B)
    assert door.ask(early) == "waits"
    assert door.ask(false) == "waits"
    assert door.ask(one) == "accept"
    assert door.said(early.cell) == "accept"
    assert door.said(false.cell) == "reject signer"


def test_orphans_do_not_wait_for_ever() -> None:
    """After the wait an orphan is ignored, and nobody is blamed."""
    door, early = Door(), mail.claim(call(), A)
    door.ask(early)
    door.wait(ORPHAN_WAIT_S - 1)
    assert door.said(early.cell) == "waits"
    door.wait(2)
    assert door.said(early.cell) == "ignore orphan"


def test_a_flood_of_orphans_costs_its_own_call_first() -> None:
    """Beyond the bound, the call with most orphans loses its oldest; the single orphan of another stays."""
    door, one = Door(), call()
    single = mail.claim(one, A)
    door.ask(single)
    junk = mail.the_call(epoch=1)
    flood = [mail.letter(junk, B, number) for number in range(ORPHANS_MAX + 5)]
    for frame in flood:
        door.ask(frame)
    assert door.said(single.cell) == "waits"
    assert door.said(flood[0].cell) == "ignore orphan"
    assert door.said(flood[-1].cell) == "waits"


def test_calls_come_at_the_profile_s_rate_the_highest_effort_first() -> None:
    """Beyond the burst CALLs wait for tokens, and those that did most work go first."""
    door = Door(evolve(PROFILE, calls_per_s=1, calls_burst=2))
    calls = [stamped_call(victim(f"v{i}"), door.profile, effort=1 + i) for i in range(6)]
    assert [door.ask(frame) for frame in calls] == ["accept", "accept", "waits", "waits", "waits", "waits"]
    door.wait(1.01)
    assert [door.said(frame.cell) for frame in calls[2:]] == ["waits", "waits", "waits", "accept"]
    door.wait(3)
    assert [door.said(frame.cell) for frame in calls] == ["accept"] * 6


def test_calls_that_wait_too_long_are_ignored() -> None:
    """Who waits in vain for a token is ignored for want of budget, never blamed."""
    door = Door(evolve(PROFILE, calls_per_s=1, calls_burst=1))
    calls = [stamped_call(victim(f"v{i}"), door.profile, effort=1) for i in range(80)]
    for frame in calls:
        door.ask(frame)
    door.wait(ORPHAN_WAIT_S + 5)
    said = [door.said(frame.cell) for frame in calls]
    assert said.count("accept") + said.count("ignore budget") == 80
    assert said.count("ignore budget") > 10


def test_too_many_open_calls_keep_the_highest_effort() -> None:
    """What stays when there are too many calls does not depend on their order."""
    profile = evolve(PROFILE, open_calls_max=3)
    calls = [stamped_call(victim(f"v{i}"), profile, effort=1 + i) for i in range(6)]
    kept = []
    for order in (calls, calls[::-1]):
        door = Door(profile)
        for frame in order:
            door.ask(frame)
        kept.append(sorted(door.archive.calls))
    assert kept[0] == kept[1] == sorted(frame.id for frame in calls[3:])
    assert door.said(calls[0].cell) == "ignore bound"


def test_a_closed_call_takes_no_more() -> None:
    """After CANCEL only the victim's other closing is admitted, and letters for a while."""
    door, one = Door(), call()
    for frame in (one, mail.claim(one, A), mail.cancel(one)):
        assert door.ask(frame) == "accept"
    assert door.ask(mail.claim(one, B)) == "ignore closed"
    assert door.ask(mail.update(one, 2)) == "ignore closed"
    assert door.ask(mail.all_clear(one, 2)) == "accept"
    assert door.ask(mail.letter(one, A, 0)) == "accept"
    door.wait(LETTERS_AFTER_CLOSING_S + 1)
    assert door.ask(mail.letter(one, A, 1)) == "ignore closed"


def test_a_buried_call_stays_buried() -> None:
    """When its life is over a call goes; the replayed CALL and its messages find the tombstone."""
    door, one = Door(), call()
    door.ask(one)
    door.archive.expire(START_UNIX_S + 1.5 * 86400)
    assert door.ask(one) == "ignore closed"
    assert door.ask(mail.claim(one, A)) == "ignore closed"
    assert len(door.archive.calls) == 0


def test_the_victim_has_a_budget_and_its_closing_has_none() -> None:
    """Eight messages of a victim an epoch; CANCEL passes whatever came before; the next epoch is new."""
    door, one = Door(), call()
    door.ask(one)
    said = [door.ask(mail.update(one, s)) for s in range(1, VICTIM_MESSAGES_PER_EPOCH + 3)]
    assert said.count("accept") == VICTIM_MESSAGES_PER_EPOCH
    assert said[-1] == "ignore budget"
    door.wait(CALL_EPOCH_S)
    assert door.ask(mail.update(one, 20)) == "accept"
    assert door.ask(mail.cancel(one, 21)) == "accept"


def test_closing_passes_at_the_height_of_a_victim_s_flood() -> None:
    """Control for the budget: the very next message of a victim that spent all is its CANCEL, and it passes."""
    door, one = Door(), call()
    door.ask(one)
    for sequence in range(1, 30):
        door.ask(mail.update(one, sequence))
    assert door.ask(mail.cancel(one, 30)) == "accept"


def test_only_the_first_closing_of_each_kind_is_free() -> None:
    """A victim that spent all closes its call once; a row of CANCELs finds its budget like anything else."""
    door, one = Door(), call()
    door.ask(one)
    for sequence in range(1, VICTIM_MESSAGES_PER_EPOCH + 1):
        door.ask(mail.update(one, sequence))
    assert door.ask(mail.cancel(one, 30)) == "accept"
    assert door.ask(mail.all_clear(one, 31)) == "accept"
    assert door.ask(mail.cancel(one, 32)) == "ignore budget"


def test_attests_take_no_room_from_other_words_of_the_victim() -> None:
    """Who claims under many keys makes the victim attest often; its other words pass all the same."""
    door, one = Door(), call()
    door.ask(one)
    attests = [mail.attest(one, A, sequence=s) for s in range(1, VICTIM_MESSAGES_PER_EPOCH + 2)]
    said = [door.ask(attest) for attest in attests]
    assert said == ["accept"] * VICTIM_MESSAGES_PER_EPOCH + ["ignore budget"]
    assert door.ask(mail.update(one, 20)) == "accept"


def test_letters_have_a_budget_per_signer_and_call() -> None:
    """The 21st letter of a signer is ignored; another signer, another call and the next window are not."""
    door, one, other = Door(), call(), call("other")
    door.ask(one)
    door.ask(other)
    said = [door.ask(mail.letter(one, A, number)) for number in range(LETTERS_PER_WINDOW + 1)]
    assert said == ["accept"] * LETTERS_PER_WINDOW + ["ignore budget"]
    assert door.ask(mail.letter(one, B, 0)) == "accept"
    assert door.ask(mail.letter(other, A, 0)) == "accept"
    door.wait(600)
    assert door.ask(mail.letter(one, A, 50)) == "accept"


def test_a_flood_of_letters_leaves_the_victims_lane_free() -> None:
    """With every place of the letters' lane under verification, CALLs, claims and CANCEL still pass."""
    door, one = Door(), call()
    door.ask(one)
    flooders = [mail.key(f"junk {index}") for index in range(400)]
    for flooder in (*flooders, A):
        assert door.ask(card(flooder, int(START_UNIX_S) // CARD_EPOCH_S)) == "accept"
    door.verify_at_once = False
    flood = [mail.letter(one, flooder, 0) for flooder in flooders]
    said = [door.ask(frame) for frame in flood]
    assert said[0] == "waits"
    assert said[-1] == "ignore budget"
    door.verify_at_once = True
    assert door.ask(call("other")) == "accept"
    assert door.ask(mail.claim(one, A)) == "accept"
    assert door.ask(mail.cancel(one)) == "accept"


def test_messages_of_unknown_calls_cannot_fill_the_victims_lane() -> None:
    """A kind alone opens no lane: false CANCELs about unknown calls leave a known victim's lane free."""
    door, one = Door(), call()
    door.ask(one)
    door.verify_at_once = False
    junk = mail.the_call(epoch=1)
    for index in range(400):
        door.ask(mail.cancel(junk, index + 1, by=A))
    door.verify_at_once = True
    assert door.ask(mail.cancel(one)) == "accept"


def test_nothing_is_admitted_while_the_store_fails() -> None:
    """A full disk: everything new is ignored for want of budget, and admitted again afterwards."""
    door, one = Door(), call()
    door.gate.closed = "the disk is full"
    assert door.ask(one) == "ignore budget"
    door.gate.closed = ""
    assert door.ask(one) == "accept"


def test_what_changed_during_verification_counts() -> None:
    """Two copies under verification at once: the second to be done is known. A closing overtakes a claim."""
    door, one = Door(), call()
    door.ask(one)
    door.verify_at_once = False
    late, closing = mail.claim(one, A), mail.cancel(one)
    door.ask(late)
    door.ask(closing)
    for verify in door.verifying[::-1]:
        door.answer(verify)
    assert door.said(closing.cell) == "accept"
    assert door.said(late.cell) == "ignore closed"


def test_the_board_s_bound_is_no_fault() -> None:
    """A responder that ranks behind a full board is ignored, with the reason bound."""
    door, one, today = Door(), call(), int(START_UNIX_S) // CARD_EPOCH_S
    door.ask(one)
    said = []
    for index in range(BOARD_RESPONDERS_MAX + 40):
        own = card(mail.key(f"many {index}"), today)
        door.ask(own)
        said.append(door.ask(mail.claim(one, mail.key(f"many {index}"), card=own.id)))
    assert "ignore bound" in said
    assert not any(word.startswith("reject") for word in said)


def test_cards_are_admitted_on_their_days() -> None:
    """A CARD of yesterday, today or tomorrow passes; others are ignored; a group that nobody vouches for is rejected."""
    door, day = Door(), int(START_UNIX_S) // CARD_EPOCH_S
    for distance, verdict in (
        (-2, "ignore epoch"),
        (-1, "accept"),
        (0, "accept"),
        (1, "accept"),
        (2, "ignore epoch"),
    ):
        assert door.ask(card(A, day + distance)) == verdict
    assert door.ask(card(A, day)) == "ignore known"
    assert door.ask(card(A, day, group=B.public)) == "reject rule"


def card(who: SigningKey, epoch: int, group: bytes | None = None) -> Frame:
    """A stamped CARD."""
    message = Card(
        signer=who.public, epoch=epoch, skills=1, sectors=0, languages=(), cell=0, duty_hours=0, slots=1,
        group=group or who.public, accreditation=b"",
    )  # fmt: skip
    return seal(message, PROFILE.network, who, solve(id_of(message, PROFILE.network), 1, start=bytes(16)))


def test_leases_rosters_and_stand_downs_are_kept() -> None:
    """RENEW, SITREP, ROSTER, HANDOVER and STAND_DOWN are admitted; one whose card nobody knows leads nobody."""
    door, one = Door(), call()
    door.ask(one)
    door.ask(mail.claim(one, A))
    log = {"call": one.id, "signer": A.public, "previous": mail.EARLIER, "heads": ()}
    register = {"call": one.id, "signer": A.public, "sequence": 1}
    later = [
        Renew(**register, claim=NOTHING),
        Sitrep(
            **register,
            requisition=0,
            roster=NOTHING,
            status=SitrepStatus.MITIGATING,
            phase=Phase.ALERFA,
            alive=(),
        ),
        Roster(**log, sequence=1, epoch=0, cause=Cause.INITIAL, replaces=NOTHING, members=(A.public,)),
        Handover(**log, sequence=2, roster=NOTHING, successor=B.public),
        StandDown(**log, sequence=3),
    ]
    assert [door.ask(seal(message, PROFILE.network, A)) for message in later] == ["accept"] * 5
    view = door.archive.calls[one.id].view
    assert (view.lead, view.roster, view.newest_roster, view.takeovers) == (None, None, NOTHING, 0)
    assert [release.responder for release in view.releases] == [A.public]


def test_a_claimed_call_is_not_crowded_out() -> None:
    """Calls of more work push out others, never one that this node answers."""
    door = Door(evolve(PROFILE, open_calls_max=2))
    mine, *others = [stamped_call(victim(f"v{i}"), door.profile, effort=1 + i) for i in range(5)]
    door.ask(mine)
    door.archive.calls.mark(mine.id, "claimed")
    for frame in others:
        door.ask(frame)
    assert sorted(door.archive.calls) == sorted((mine.id, others[-1].id))


def test_an_unasked_verification_is_nobody_s() -> None:
    """An answer to a verification that the gate did not ask for does nothing."""
    door, one = Door(), call()
    assert door.gate.verified(Verified(bytes(20), one, None), 0.0) == []


def test_the_class_of_the_call_decides_its_end() -> None:
    """A severity-0 call outlives a severity-5 one; an UPDATE moves no end."""
    door = Door()
    short, long = call("short", severity=Severity.EMERGENCY), call("long", severity=Severity.BASELINE)
    for frame in (short, long):
        door.ask(frame)
    door.archive.expire(START_UNIX_S + 2 * 86400)
    assert tuple(door.archive.calls) == (long.id,)


def test_seeds_differ() -> None:
    """Control for the helpers: two names are two keys."""
    assert seed_of("a") != seed_of("b")

"""Leases: what local time adds to a board, to the moment."""

import random

import pytest
from attrs import define, field

from p2p_sos.core.board.leases import HEARD_MAX, Leases
from p2p_sos.core.board.standing import NOBODY, Expired, View
from p2p_sos.core.calls.calls import Calls, Change
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import NOTHING
from p2p_sos.wire.registry import LEASE_SLOW_FACTOR, S1, S3, Severity
from tests.core import mail

A, B, C, D = sorted((mail.key(name) for name in "ABCD"), key=lambda key: key.public)
LEASE_S, W, HOLD = S1.lease_s, S1.band_wait_s, S1.hold_s
EPS = 1e-6


@define
class Watch:
    """One call of class S1, heard at 100, whose claimers' cards are known; looked at after each message."""

    call: Frame = field(factory=lambda: mail.the_call(severity=Severity.SEVERE))
    calls: Calls = field(init=False, factory=lambda: Calls(8))
    now: float = 100.0
    slot: int = 0

    def __attrs_post_init__(self) -> None:
        self.calls.open(self.call, 0.0, self.now)
        self.look()

    def at(self, seconds: float, *frames: Frame) -> Change:
        """These come so many seconds after the call."""
        self.now = 100.0 + seconds
        for frame in frames:
            assert self.calls.offer(frame, self.now).kept
        return self.look()

    def look(self) -> Change:
        """Look now."""
        return self.calls.look(self.call.id, self.now)

    def claims(self, seconds: float, *helpers: SigningKey) -> None:
        """These claim, with a card each."""
        self.now = 100.0 + seconds
        for helper in helpers:
            card = mail.card(helper)
            assert self.calls.offer(mail.claim(self.call, helper, card=card.id), self.now, card).kept
        self.look()

    def expired(self, seconds: float) -> Expired:
        """Whose time is over then, if nothing comes."""
        return self.leases.expired(100.0 + seconds)

    @property
    def leases(self) -> Leases:
        """The leases of the call."""
        return self.calls.leases(self.call.id)

    @property
    def view(self) -> View:
        """What was seen last."""
        return self.calls[self.call.id].view


def test_a_claim_is_silent_after_its_lease_and_not_before() -> None:
    """A claimer is heard by its CLAIM and by each newer RENEW; an old RENEW again is no hearing."""
    watch = Watch()
    watch.claims(0, A)
    assert watch.expired(LEASE_S - EPS).silent == frozenset()
    assert watch.expired(LEASE_S).silent == {A.public}
    watch.at(5, mail.renew(watch.call, A, 3))
    assert watch.expired(LEASE_S).silent == frozenset()
    watch.now += 5
    watch.leases.note(mail.renew(watch.call, A, 2), watch.now)
    watch.leases.note(mail.renew(watch.call, A, 3), watch.now)
    assert watch.expired(5 + LEASE_S).silent == {A.public}


def test_attested_claims_have_a_slow_lease() -> None:
    """The victim's ATTEST stretches the lease of who it names."""
    watch = Watch()
    watch.claims(0, A, B)
    watch.at(1, mail.attest(watch.call, A))
    assert watch.expired(LEASE_S).silent == {B.public}
    assert watch.expired(LEASE_S * LEASE_SLOW_FACTOR - EPS).silent == {B.public}
    assert watch.expired(LEASE_S * LEASE_SLOW_FACTOR).silent == {A.public, B.public}


def test_who_made_no_contact_in_time_is_overdue() -> None:
    """Counted from the first message, not from the CLAIM; sooner where the victim speaks; never who is attested."""
    watch = Watch()
    watch.at(0, mail.decline(watch.call, A))
    watch.claims(3, B)
    card = mail.card(A)
    watch.calls.offer(mail.claim(watch.call, A, 1, card=card.id), watch.now, card)
    watch.look()
    assert watch.expired(S1.progress_silent_s - EPS).overdue == frozenset()
    assert watch.expired(S1.progress_silent_s).overdue == {A.public}
    watch.at(4, mail.attest(watch.call, B))
    assert watch.expired(S1.progress_online_s - EPS).overdue == frozenset()
    assert watch.expired(S1.progress_online_s + 100).overdue == {A.public}


def test_a_sitrep_renews_the_roster_that_it_names() -> None:
    """By its writer alone, and it may come before the ROSTER."""
    watch = Watch()
    roster = mail.roster(watch.call, A, A, B)
    watch.claims(0, A, B)
    watch.at(1, mail.sitrep(watch.call, A, 0, roster.id))
    watch.at(2, roster)
    watch.at(3, mail.sitrep(watch.call, B, 7, roster.id))
    assert watch.expired(2 + LEASE_S - EPS).lapsed == frozenset()
    assert watch.expired(2 + LEASE_S).lapsed == {roster.id}
    watch.at(5, mail.sitrep(watch.call, A, 1, roster.id))
    watch.at(6, mail.sitrep(watch.call, A, 2))
    assert watch.expired(5 + LEASE_S).lapsed == {roster.id}


def led(*helpers: SigningKey) -> tuple[Watch, Frame]:
    """A call that the first of these leads by a ROSTER, of which all are members."""
    watch = Watch()
    watch.claims(0, *helpers)
    roster = mail.roster(watch.call, helpers[0], *helpers)
    watch.at(1, roster)
    assert watch.view.lead == helpers[0].public
    return watch, roster


def test_a_roll_is_called_when_the_lead_is_lost() -> None:
    """Who is not heard from W before until W after is silent, though its own lease runs on; a control is."""
    watch, roster = led(A, B, C)
    watch.at(2, mail.attest(watch.call, A, B, C))
    lost = 1.0 + LEASE_S
    assert not watch.at(lost - EPS).roll_call
    assert watch.at(lost).roll_call
    assert not watch.look().roll_call, "it is called once"
    watch.at(lost + 0.5, mail.renew(watch.call, B, 1))
    end = lost + W
    assert watch.expired(end - EPS).silent == frozenset()
    assert watch.expired(end).silent == {A.public, C.public}
    watch.at(end + 1, mail.renew(watch.call, C, 1))
    assert watch.expired(end + 1).silent == {A.public}
    assert roster.id in watch.expired(end).lapsed


def test_a_roster_that_was_left_is_superseded_for_good() -> None:
    """After another one was followed, the first is not followed again, whatever its writer says; fresh eyes may."""
    watch, first = led(A, B)
    watch.at(1 + LEASE_S)
    assert watch.view.lead is None
    watch.at(1 + LEASE_S + 1, mail.renew(watch.call, B, 1))
    second = mail.roster(watch.call, B, B, epoch=2, replaces=first.id)
    watch.at(1 + LEASE_S + 2, second)
    assert watch.view.token == (0, second.id)
    assert watch.leases.expired(watch.now).superseded == {first.id}
    watch.at(1 + LEASE_S + 3, mail.renew(watch.call, A, 1), mail.sitrep(watch.call, A, 1, first.id))
    assert watch.view.token == (0, second.id)
    assert first.id not in watch.leases.expired(watch.now).lapsed


def test_a_lead_that_only_slept_is_followed_again() -> None:
    """Control: where nobody else was followed meanwhile nothing is superseded."""
    watch, first = led(A, B)
    watch.at(1 + LEASE_S)
    watch.at(2 + LEASE_S, mail.sitrep(watch.call, A, 1, first.id))
    assert watch.view.token == (0, first.id)


def test_a_named_lead_that_does_not_answer_in_w_is_passed_over() -> None:
    """W after the REQUISITION came it is unanswered, until it complies."""
    watch = Watch()
    watch.claims(0, A, B)
    named = mail.requisition(watch.call, A, B)
    watch.at(1, named)
    watch.at(1.5, mail.comply(watch.call, B, named))
    assert watch.expired(1 + W - EPS).unanswered == frozenset()
    assert watch.expired(1 + W).unanswered == {(named.id, A.public)}
    assert watch.at(1 + W).roll_call
    assert watch.view.lead == B.public
    watch.at(4 + W, mail.comply(watch.call, A, named))
    assert watch.expired(4 + W).unanswered == frozenset()
    assert watch.view.lead == A.public


def test_a_named_lead_that_declines_is_passed_over_at_once() -> None:
    """Nobody waits for who said no."""
    watch = Watch()
    watch.claims(0, A, B)
    named = mail.requisition(watch.call, A, B)
    watch.at(1, named, mail.comply(watch.call, B, named))
    watch.at(1.2, mail.release(watch.call, A))
    assert watch.expired(1.2).unanswered == {(named.id, A.public)}


def test_leads_under_a_requisition_are_replaced_in_turn() -> None:
    """A lead that reports no more is unanswered a lease after its last word; the next one's lease begins then."""
    watch = Watch()
    watch.claims(0, A, B, C)
    named = mail.requisition(watch.call, A, B, C)
    watch.at(1, named, *(mail.comply(watch.call, who, named) for who in (A, B, C)))
    watch.at(2, mail.sitrep(watch.call, A, 0, requisition=1), mail.attest(watch.call, A, B, C, sequence=2))
    first_lost = 2.0 + LEASE_S
    assert watch.at(first_lost - EPS).view.lead == A.public
    second = watch.at(first_lost).view.lead
    assert second in (B.public, C.public)
    watch.at(first_lost + 0.5, *(mail.renew(watch.call, who, 0) for who in (B, C)))
    assert watch.at(first_lost + LEASE_S - EPS).view.lead == second
    watch.at(first_lost + LEASE_S - 0.5, *(mail.renew(watch.call, who, 1) for who in (B, C)))
    third = watch.at(first_lost + LEASE_S).view.lead
    assert {second, third} == {B.public, C.public}
    watch.at(first_lost + LEASE_S + 1, mail.sitrep(watch.call, A, 1, requisition=1))
    assert watch.view.lead == A.public, "who reports again is back"


def test_the_victim_is_silent_after_progress() -> None:
    """Any word of V that is new, a letter too, makes it heard."""
    watch = Watch()
    assert not watch.expired(S1.progress_silent_s - EPS).victim_silent
    assert watch.expired(S1.progress_silent_s).victim_silent
    watch.at(10, mail.letter(watch.call, mail.V, 5))
    assert not watch.expired(S1.progress_silent_s).victim_silent
    watch.now += 10
    watch.leases.note(mail.letter(watch.call, mail.V, 4), watch.now)
    assert watch.expired(10 + S1.progress_silent_s).victim_silent


def test_an_update_changes_the_pace() -> None:
    """The class of the newest description counts."""
    watch = Watch()
    watch.claims(0, A)
    watch.at(1, mail.update(watch.call, severity=Severity.MEDIUM))
    assert watch.expired(S3.lease_s - EPS).silent == frozenset()
    assert watch.expired(S3.lease_s).silent == {A.public}


def draw(watch: Watch, rng: random.Random, sequence: int, rosters: list[Frame]) -> Frame:
    """Some message about the call."""
    call, who = watch.call, rng.choice((A, B, C, D))
    match rng.randrange(7):
        case 0:
            return mail.renew(call, who, sequence)
        case 1:
            return mail.sitrep(call, who, sequence, rng.choice(rosters).id)
        case 2:
            return mail.sitrep(call, who, sequence, requisition=rng.randint(1, 3))
        case 3:
            rosters.append(mail.roster(call, who, who, sequence=sequence))
            return rosters[-1]
        case 4:
            return rng.choice((mail.claim, mail.release, mail.stand_down))(call, who, sequence)
        case 5:
            return mail.comply(call, who, rng.choice([f for f in (NAMED[1], NAMED[2])]), sequence)
        case _:
            return mail.attest(call, who, sequence=sequence)


CALL = mail.the_call(severity=Severity.SEVERE)
NAMED = [mail.requisition(CALL, who, B, C, sequence=s) for s, who in enumerate((A, B, C), 1)]


@pytest.mark.parametrize("seed", range(12))
def test_nothing_changes_between_now_and_the_next_instant(seed: int) -> None:
    """What is over stays the same until `due_at`, and is another there; whatever was said before."""
    rng = random.Random(seed)
    watch, rosters, seconds = Watch(CALL), [mail.roster(CALL, A, A)], 0.0
    watch.claims(0, A, B, C, D)
    for sequence in range(2, 80):
        seconds += rng.expovariate(0.3)
        frame = NAMED[rng.randrange(3)] if rng.random() < 0.05 else draw(watch, rng, sequence, rosters)
        watch.now = 100.0 + seconds
        watch.calls.offer(frame, watch.now)
        change = watch.look()
        seen = watch.leases.expired(watch.now)
        assert seen == watch.calls.expired_of(CALL.id)
        due = change.due_at
        until = watch.now + 400 if due is None else due
        for _ in range(5):
            assert watch.leases.expired(min(rng.uniform(watch.now, until), until - EPS)) == seen
        if due is not None:
            assert watch.leases.expired(due) != seen or watch.leases.due_at(due) != due


def test_what_is_remembered_is_bounded() -> None:
    """Of a crowd those that were heard last are remembered."""
    watch = Watch()
    for number in range(HEARD_MAX + 50):
        watch.leases.note(mail.claim(watch.call, mail.key(number)), 100.0 + number)
    silent = watch.leases.expired(1e6).silent
    assert len(silent) == HEARD_MAX
    assert mail.key(0).public not in silent


def test_a_roll_is_called_where_nobody_comes_to_lead() -> None:
    """The fittest was met by the victim, and is cut off before it led: its slow lease must not leave all without a lead."""
    watch = Watch()
    watch.claims(0, A, B, C)
    watch.at(0.5, mail.attest(watch.call, A, B, C))
    assert watch.view.lead is None
    due = HOLD + HOLD + 2 * W
    assert not watch.at(due - EPS).roll_call
    assert watch.at(due).roll_call
    assert not watch.look().roll_call, "it is called once"
    watch.at(due + 0.5, mail.renew(watch.call, B, 1), mail.renew(watch.call, C, 1))
    assert watch.expired(due + W).silent == {A.public}
    assert watch.at(due + LEASE_S).roll_call, "and again, once a lease, while nobody leads"


def test_nobody_is_called_while_somebody_leads_unseen() -> None:
    """Control: reports under a roster that this board does not hold yet, or a lead in time, and no roll is called."""
    watch = Watch()
    watch.claims(0, A, B)
    roster = mail.roster(watch.call, A, A, B)
    due = HOLD + HOLD + 2 * W
    watch.at(3, mail.sitrep(watch.call, A, 1, roster.id))
    assert watch.view.lead is None
    assert not watch.at(due).roll_call
    watch.at(due + 1, roster)
    assert watch.view.lead == A.public
    assert not watch.at(due + 2).roll_call


def test_leads_of_the_past_are_not_followed_one_after_another() -> None:
    """A board that comes piece by piece: an old ROSTER is over when it comes, unless its writer reports under it.

    Seed 1 of `partition` with 16 nodes: a node that came back followed a lead of the past for a moment, and so left for
    good the one that everybody followed.
    """
    for epochs, leads in (((2, 5), False), ((5, 5), True)):
        watch = Watch()
        watch.claims(0, A, B)
        key = {who.public: who for who in (A, B)}
        best, other = (key[claim.responder] for claim in watch.view.claims)
        old = mail.roster(watch.call, best, best, epoch=epochs[0])
        new = mail.roster(watch.call, other, other, epoch=epochs[1])
        watch.at(1, new)
        watch.at(2, old)
        assert watch.view.token == (0, old.id if leads else new.id), "the fitter one, were it news"
        assert (old.id in watch.expired(2).lapsed) is not leads
        watch.at(3, mail.sitrep(watch.call, best, 1, old.id))
        assert watch.view.token == (0, old.id), "it lives all the same"


def test_a_victim_that_speaks_up_late_outdates_nobody_at_once() -> None:
    """Whom others attested keeps its standing for PROG after V's first word; who had made no contact keeps nothing.

    Seed 5 of `partition`: a victim came back, its first ATTEST named a few, and half of the helpers, the lead among
    them, were silent and overdue at that moment.
    """
    vouched, other, *witnesses = A, B, C, D, mail.key("E")
    watch = Watch()
    watch.claims(0, vouched, other, *witnesses)
    watch.at(1, *(mail.vouch(watch.call, who, vouched) for who in witnesses))
    assert watch.view.claim_of(vouched.public).attested
    late = S1.progress_silent_s + 10
    watch.at(late - 1, mail.renew(watch.call, vouched, 1))
    watch.at(late, mail.attest(watch.call, C))
    assert not watch.view.claim_of(vouched.public).attested, "V speaks for itself now"
    over = watch.expired(late)
    assert other.public in over.overdue, "control: nobody ever met it"
    assert vouched.public not in {**dict.fromkeys(over.overdue), **dict.fromkeys(over.silent)}
    end = watch.expired(late + S1.progress_online_s - EPS)
    assert vouched.public not in {**dict.fromkeys(end.overdue), **dict.fromkeys(end.silent)}
    assert vouched.public in watch.expired(late + S1.progress_online_s).overdue
    assert vouched.public in watch.expired(late + S1.progress_online_s).silent


def test_a_lead_that_writes_anew_before_it_hears_of_higher_epochs_goes_on() -> None:
    """Its roster lives as long as the one that it replaces would have; one that replaces nothing is old news.

    Seed 9 of `partition`: a lead wrote its roster anew while the other half's board came in, and led nobody.
    """
    for replaces in (True, False):
        watch, first = led(A, B)
        watch.at(2, mail.sitrep(watch.call, A, 1, first.id))
        watch.claims(2.5, C)
        # Of one who claims no longer: a lead of the past.
        watch.at(3, mail.release(watch.call, C, 2), mail.roster(watch.call, C, C, epoch=9))
        anew = mail.roster(
            watch.call, A, A, B, sequence=2, epoch=2, replaces=first.id if replaces else NOTHING
        )
        watch.at(4, anew)
        assert watch.view.token == ((0, anew.id) if replaces else NOBODY)
        assert (anew.id in watch.expired(2 + LEASE_S - EPS).lapsed) is not replaces
        assert anew.id in watch.expired(2 + LEASE_S).lapsed

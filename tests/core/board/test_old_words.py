"""What a key said before, and comes late: it stands on the board, and is no sign of life."""

from p2p_sos.wire.registry import S1
from tests.core import mail
from tests.core.board.test_leases import EPS, LEASE_S, A, B, Watch


def test_an_older_entry_of_a_log_is_no_hearing() -> None:
    """An entry that somebody kept back, or that sync brings late, renews nothing; a newer one does (control)."""
    watch = Watch()
    card = mail.card(A)
    watch.calls.offer(mail.claim(watch.call, A, 5, card=card.id), watch.now, card)
    watch.at(10, mail.vouch(watch.call, A, B, sequence=3))
    assert watch.expired(LEASE_S).silent == {A.public}
    watch.at(11, mail.vouch(watch.call, A, B, sequence=6))
    assert watch.expired(LEASE_S).silent == frozenset()
    assert watch.expired(11 + LEASE_S).silent == {A.public}


def test_an_older_report_renews_no_roster() -> None:
    """Nor the claim of its writer; the next report does (control)."""
    watch = Watch()
    roster = mail.roster(watch.call, A, A, B)
    watch.claims(0, A, B)
    watch.at(1, roster, mail.sitrep(watch.call, A, 5, roster.id))
    watch.now += 9
    watch.leases.note(mail.sitrep(watch.call, A, 4, roster.id), watch.now)
    watch.leases.note(mail.sitrep(watch.call, A, 5, roster.id), watch.now)
    assert watch.expired(1 + LEASE_S - EPS).lapsed == frozenset()
    assert watch.expired(1 + LEASE_S).lapsed == {roster.id}
    assert A.public in watch.expired(1 + LEASE_S).silent
    watch.leases.note(mail.sitrep(watch.call, A, 6, roster.id), watch.now)
    assert watch.expired(1 + LEASE_S).lapsed == frozenset()


def test_an_older_report_renews_no_lead_by_requisition() -> None:
    """The word of a lead that V named counts once."""
    watch = Watch()
    watch.claims(0, A, B)
    named = mail.requisition(watch.call, A, B)
    watch.at(1, named, mail.comply(watch.call, A, named), mail.sitrep(watch.call, A, 5, requisition=1))
    watch.now += 9
    watch.leases.note(mail.sitrep(watch.call, A, 5, requisition=1), watch.now)
    assert (named.id, A.public) in watch.expired(1 + LEASE_S).unanswered
    watch.leases.note(mail.sitrep(watch.call, A, 6, requisition=1), watch.now)
    assert (named.id, A.public) not in watch.expired(1 + LEASE_S).unanswered


def test_an_older_word_of_v_is_no_sign_of_v() -> None:
    """A REQUISITION or an ATTEST that comes late does not make a silent victim speak; a newer word does (control)."""
    watch = Watch()
    watch.at(0, mail.attest(watch.call, A, sequence=5))
    watch.at(10, mail.attest(watch.call, B, sequence=3), mail.update(watch.call, 4))
    assert watch.expired(S1.progress_silent_s).victim_silent
    watch.at(11, mail.update(watch.call, 6))
    assert not watch.expired(S1.progress_silent_s).victim_silent

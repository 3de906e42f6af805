"""How long a lead that falls silent is waited for: time that was heard makes its lease slow, and no number."""

from p2p_sos.wire.registry import LEASE_SLOW_FACTOR, LEASE_UNPROVEN_FACTOR, S1, SITREPS_FAST
from tests.core import mail
from tests.core.board.test_leases import EPS, LEASE_S, A, B, Watch, led


def test_a_lead_that_reported_for_long_has_a_slow_lease() -> None:
    """The fortieth report makes it slow for who heard the first at the pace of an honest lead, a tenth early included."""
    for pace_s, factor in (
        (0.9 * S1.sitrep_s, LEASE_SLOW_FACTOR),
        (0.5 * S1.sitrep_s, LEASE_UNPROVEN_FACTOR),
    ):
        watch, roster = led(A, B)
        for number in range(SITREPS_FAST + 1):
            reported_s = 1 + number * pace_s
            watch.at(reported_s, mail.sitrep(watch.call, A, number, roster.id))
        lease_s = LEASE_S * factor
        assert roster.id not in watch.expired(reported_s + lease_s - EPS).lapsed
        assert roster.id in watch.expired(reported_s + lease_s + EPS).lapsed


def test_a_high_number_buys_no_slow_lease() -> None:
    """A lead that counts from forty on is missed after three leases; who comes late keeps an honest slow one meanwhile."""
    watch, roster = led(A, B)
    watch.at(2, mail.sitrep(watch.call, A, SITREPS_FAST + 1000, roster.id))
    unproven_s = LEASE_S * LEASE_UNPROVEN_FACTOR
    assert unproven_s > 1.4 * S1.sitrep_s * LEASE_SLOW_FACTOR, "of the slow pace one report may be late"
    assert roster.id not in watch.expired(2 + unproven_s - EPS).lapsed
    assert roster.id in watch.expired(2 + unproven_s).lapsed


def test_a_report_that_comes_before_its_roster_ends_no_lease() -> None:
    """A lead reports under a roster that is still on its way: the one that it wrote before lives on meanwhile.

    Seed 1 of `partition`: a node took the lead's own report for the end of its roster, left it for a worse one, and
    never followed that lead again, since what it wrote later went on from what was left.
    """
    watch = Watch()
    watch.claims(0, A)
    first = mail.roster(watch.call, A, A)
    watch.at(0, first)
    watch.at(LEASE_S - 1, mail.sitrep(watch.call, A, 1, first.id))
    watch.at(LEASE_S, mail.sitrep(watch.call, A, 2, b"n" * 32))
    assert first.id not in watch.expired(2 * LEASE_S - 1 - EPS).lapsed
    assert first.id in watch.expired(2 * LEASE_S - 1).lapsed, "control: that report renews nothing"

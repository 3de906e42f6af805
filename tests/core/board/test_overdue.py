"""Who is overdue: time counts against a claimer only where the victim was there to attest it."""

from p2p_sos.wire.registry import S1
from tests.core import mail
from tests.core.board.test_leases import EPS, A, B, C, Watch


def test_who_was_never_heard_by_the_victim_is_overdue_as_if_it_were_silent() -> None:
    """V spoke before these came, and then no more: on the far side of a cut nobody can be attested. Then it is heard again."""
    watch, silent_s, online_s = Watch(), S1.progress_silent_s, S1.progress_online_s
    watch.claims(0, A)
    watch.at(1, mail.attest(watch.call, A))
    watch.claims(5, B)
    assert B.public not in watch.expired(5 + online_s).overdue
    assert B.public in watch.expired(5 + silent_s).overdue
    watch.claims(30, C)
    watch.at(31, mail.update(watch.call, 2))
    assert C.public not in watch.expired(30 + online_s - EPS).overdue
    assert C.public in watch.expired(30 + online_s).overdue, "control: V was there and did not attest it"
    assert B.public in watch.expired(5 + silent_s).overdue, "who was late already gains nothing"

"""When a lead comes and goes: what one node remembers of it, and how long it waits then."""

from p2p_sos.core.duty.post import Unrest

LEASE_S = 15.0


def unrest(*changes: tuple[bytes | None, float]) -> Unrest:
    """Who led from when on."""
    found = Unrest()
    for lead, at in changes:
        found.note(lead, at)
    return found


def test_a_lead_that_came_back_within_two_changes_and_four_leases_is_unrest() -> None:
    """Counted from the first of the last two; a lead that is lost and found has not changed, nor has the first one."""
    assert not unrest((b"a", 0.0), (None, 5.0), (b"a", 6.0), (b"b", 7.0)).lasts(LEASE_S, 8.0)
    both = unrest((b"a", 0.0), (b"b", 7.0), (b"a", 30.0))
    assert both.lasts(LEASE_S, 66.9)
    assert not both.lasts(LEASE_S, 67.0)
    assert not unrest((b"a", 0.0), (b"b", 7.0), (b"c", 30.0)).lasts(LEASE_S, 31.0), "a side of a cut, say"


def test_only_who_saw_somebody_come_back_is_patient() -> None:
    """Leads that die one after another are replaced at the usual pace; where one came back, two leases late at most."""
    assert unrest((b"a", 0.0), (b"b", 7.0), (b"c", 30.0)).patience_s(LEASE_S, 31.0) == 0.0
    flapped = unrest((b"a", 0.0), (b"b", 7.0), (b"a", 30.0))
    assert flapped.patience_s(LEASE_S, 31.0) == 2 * LEASE_S
    assert flapped.patience_s(LEASE_S, 57.0) == 10.0
    assert flapped.patience_s(LEASE_S, 67.0) == 0.0

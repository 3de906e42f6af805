"""Usurpers and silent leads do what they are there to do, and are left."""

import pytest

from p2p_sos.sim.liars.silent_lead import silent_lead
from p2p_sos.sim.liars.usurper import usurper
from p2p_sos.wire.messages import NOTHING
from p2p_sos.wire.registry import SEQUENCE_MAX
from tests.sim.liars.stage import NODES, lie


@pytest.mark.parametrize(("openly", "inflated"), [(True, False), (False, False), (False, True)])
def test_a_usurper_writes_a_roster_over_each_other(openly: bool, inflated: bool) -> None:
    """With or without saying what it replaces, with an honest or an inflated number."""
    lied = lie(usurper(openly=openly, inflated=inflated))
    rosters = lied.signed("ROSTER")
    assert rosters
    assert all((roster.replaces != NOTHING) is openly for roster in rosters)
    assert all((roster.epoch == SEQUENCE_MAX) is inflated for roster in rosters)
    assert all(bool(roster.heads) is openly for roster in rosters)
    assert lied.signed("SITREP")


def test_an_open_usurper_is_never_followed() -> None:
    """Its roster comes after a live lead's, and says so."""
    lied = lie(usurper())
    mine = {r[6] for r in lied.of("signed") if r[3] == "ROSTER" and r[5] == lied.liar}
    assert mine
    assert not [r for r in lied.of("follow") if r[4][1] in mine]


def test_silent_leads_stop_at_their_rosters() -> None:
    """All but two lie; whoever of them led said nothing more, and another leads in the end."""
    lied = lie(*[silent_lead()] * (NODES - 2), duration_s=70.0)
    rosters = [r for r in lied.of("signed") if r[3] == "ROSTER" and not r[7]]
    assert rosters
    for roster in rosters:
        heard = [r for r in lied.of("sitrep") + lied.of("refused") if r[4] == roster[5]]
        assert heard == [], "somebody heard a report of it"
    led = {r[4] for r in lied.of("view") if r[1] == "victim" and r[4] is not None}
    assert len(led) >= 2

"""What a REQUISITION does: in force at once, effective when somebody named answers, and never a gap between."""

import pytest

from p2p_sos.wire.messages import NOTHING
from tests.core import mail
from tests.core.board.story import A, B, C, D, Story, over

ASKED = mail.requisition(mail.the_call(), A, B, C, sequence=4)


def asked() -> Story:
    """A to D claim, D leads by a roster, and V asks for A to lead B and C."""
    story = Story()
    for who in (A, B, C, D):
        story.claim(who)
    story.roster(D)
    story.hear(ASKED)
    return story


def test_an_ineffective_requisition_dismisses_nobody() -> None:
    """Until somebody named complied the helpers' own lead goes on, under a token that names the requisition."""
    story = asked()
    view = story.view()
    assert view.requisition is not None
    assert not view.requisition.effective
    assert view.lead == D.public
    assert view.roster is not None
    assert view.token == (4, view.roster.roster)
    assert not any(claim.dismissed for claim in view.claims)
    assert view.groups == 4


def test_the_named_lead_leads_once_it_complied() -> None:
    """And who is not named is dismissed; the roster leads nobody any more."""
    story = asked()
    story.comply(A, ASKED)
    view = story.view()
    assert view.requisition is not None
    assert view.requisition.effective
    assert (view.lead, view.roster, view.token) == (A.public, None, (4, NOTHING))
    assert {c.responder for c in view.claims if c.dismissed} == {D.public}
    assert view.groups == 3


def test_a_member_complied_first() -> None:
    """The requisition is effective; nobody leads until the named lead answers or its time is over."""
    story = asked()
    story.comply(B, ASKED)
    story.comply(C, ASKED)
    assert story.view().lead is None
    assert story.view().token == (4, NOTHING)
    fittest = story.fittest(B, C)[0]
    assert story.view(over(unanswered=[(ASKED.id, A.public)])).lead == fittest.public
    other = next(who for who in (B, C) if who is not fittest)
    both = over(unanswered=[(ASKED.id, A.public), (ASKED.id, fittest.public)])
    assert story.view(both).lead == other.public


@pytest.mark.parametrize("how", ["silent", "unanswered", "released", "convicted"])
def test_the_next_one_leads_when_the_named_lead_is_gone(how: str) -> None:
    """A named lead that fell silent, gave its claim back or was convicted does not hold the place."""
    story = asked()
    story.comply(A, ASKED)
    story.comply(B, ASKED)
    expired = over(unanswered=[(ASKED.id, A.public)])
    if how == "silent":
        expired = over(silent=[A.public])
    elif how == "released":
        story.release(A)
    elif how == "convicted":
        story.board.convict(A.public)
        expired = over()
    assert story.view(expired).lead == B.public


def test_who_answers_again_is_back() -> None:
    """Nothing of it is for good: it depends on what is over now."""
    story = asked()
    story.comply(A, ASKED)
    story.comply(B, ASKED)
    assert story.view(over(unanswered=[(ASKED.id, A.public)])).lead == B.public
    assert story.view().lead == A.public


@pytest.mark.parametrize("how", ["silent", "unanswered", "declined", "convicted"])
def test_nobody_answers(how: str) -> None:
    """When all who complied are gone, the helpers lead themselves again, dismissed by nobody."""
    story = asked()
    story.comply(A, ASKED)
    expired = over()
    if how == "silent":
        expired = over(silent=[A.public])
    elif how == "unanswered":
        expired = over(unanswered=[(ASKED.id, A.public)])
    elif how == "declined":
        story.decline(A)
    else:
        story.board.convict(A.public)
    view = story.view(expired)
    assert view.lead == D.public
    assert not any(claim.dismissed for claim in view.claims)
    assert view.token[0] == 4


def test_whom_v_names_may_lead_without_a_known_card() -> None:
    """V's word needs no card: only rosters do."""
    story = Story()
    story.claim(A, known=False)
    story.hear(ASKED)
    story.comply(A, ASKED)
    assert story.view().lead == A.public


def test_a_comply_counts_for_its_own_requisition_alone() -> None:
    """A newer REQUISITION names everybody anew."""
    story = asked()
    story.comply(A, ASKED)
    newer = story.hear(mail.requisition(story.call, A, sequence=5))
    view = story.view()
    assert view.lead == D.public
    assert view.token[0] == 5
    story.comply(A, newer)
    assert story.view().lead == A.public


def test_a_comply_without_a_claim_is_not_effective() -> None:
    """Who complies claims; a COMPLY alone is shown and leads nobody."""
    story = Story()
    story.hear(ASKED)
    story.comply(A, ASKED)
    view = story.view()
    assert view.requisition is not None
    assert view.requisition.complied == (A.public,)
    assert not view.requisition.effective
    assert view.lead is None


def test_a_stand_down_takes_a_comply_back() -> None:
    """Like a DECLINE and a RELEASE."""
    story = asked()
    story.comply(A, ASKED)
    story.stand_down(A)
    view = story.view()
    assert view.requisition is not None
    assert view.requisition.complied == ()

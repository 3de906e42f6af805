"""Who leads by a roster: of the live ones, never an usurper's, and the fittest where they were concurrent."""

import pytest

from p2p_sos.core.board.resolve import resolve
from p2p_sos.core.board.standing import NOBODY, View
from p2p_sos.wire.messages import NOTHING
from p2p_sos.wire.registry import Cause
from tests.core import mail
from tests.core.board.story import A, B, C, Story, over


def told(*, better: int = 1) -> tuple[Story, list]:
    """A and B claim, `better` of them the fitter one; the fitter stands first in the list."""
    story = Story()
    for who in (A, B):
        story.claim(who)
    first, second = story.fittest(A, B)
    return story, [first, second] if better else [second, first]


def lead_of(view: View) -> bytes | None:
    """Who leads; the roster and the token agree with it."""
    if view.roster is None:
        assert view.token == NOBODY
        assert view.lead is None
        return None
    assert view.token == (0, view.roster.roster)
    assert view.lead == view.roster.lead
    return view.lead


def test_a_roster_leads() -> None:
    """One ROSTER of a live claimer is followed, under its own id as the token."""
    story, (first, _) = told()
    assert lead_of(story.view()) is None
    roster = story.roster(first, epoch=7)
    view = story.view()
    assert lead_of(view) == first.public
    assert view.roster is not None
    assert (view.roster.roster, view.roster.epoch, view.roster.members) == (roster.id, 7, (first.public,))
    assert (view.newest_roster, view.highest_epoch, view.takeovers) == (roster.id, 7, 0)


@pytest.mark.parametrize("epochs", [(1, 1), (1, 9), (9, 1)])
def test_of_concurrent_rosters_the_fitter_lead_is_followed(epochs: tuple[int, int]) -> None:
    """Neither epoch number nor order of arrival decides between two that did not know each other."""
    story, (first, second) = told()
    mine, _ = story.roster(first, epoch=epochs[0]), story.roster(second, epoch=epochs[1])
    view = story.view()
    assert lead_of(view) == first.public
    assert view.token == (0, mine.id)


def test_a_fitter_usurper_is_ignored() -> None:
    """Who had seen a live lead's roster cannot take the lead, however fit it is: by heads, by a chain, by `replaces`."""
    for way in ("heads", "chain", "replaces"):
        story, (first, second) = told()
        lawful = story.roster(second)
        if way == "heads":
            story.roster(first, lawful, epoch=99)
        elif way == "chain":
            other = story.claim(C, lawful)
            story.vouch(first, second)
            story.roster(first, other, epoch=99)
        else:
            story.roster(first, replaces=lawful, epoch=99)
        assert lead_of(story.view()) == second.public, way


def test_who_had_not_seen_it_is_no_usurper() -> None:
    """Control: the same two rosters without the reference are concurrent, and the fitter one is followed."""
    story, (first, second) = told()
    story.roster(second)
    story.roster(first, epoch=99)
    assert lead_of(story.view()) == first.public


def test_a_successor_leads_where_the_old_roster_is_over() -> None:
    """A roster that replaces another is followed once that one lapsed, was left, handed over, or its lead is gone."""
    for way in ("lapsed", "superseded", "silent", "handed", "released", "convicted"):
        story, (first, second) = told()
        old = story.roster(first)
        new = story.roster(second, old, replaces=old, cause=Cause.EXPIRED, epoch=2)
        assert lead_of(story.view()) == first.public, way
        expired = over()
        if way in ("lapsed", "superseded"):
            expired = over(**{way: [old.id]})
        elif way == "silent":
            expired = over(silent=[first.public])
        elif way == "handed":
            story.hand_over(first, old, second.public)
        elif way == "released":
            story.release(first)
        else:
            story.board.convict(first.public)
        view = story.view(expired)
        assert view.token == (0, new.id), way
        assert view.takeovers == 1
        assert view.newest_roster == new.id


def test_a_zombie_that_was_left_is_never_followed_again() -> None:
    """Where the old lead's roster is superseded, hearing it again changes nothing; elsewhere it still leads."""
    story, (first, second) = told()
    old = story.roster(first)
    new = story.roster(second, old, replaces=old, cause=Cause.EXPIRED)
    assert story.view(over(superseded=[old.id])).token == (0, new.id)
    assert story.view(over()).token == (0, old.id), "what a fresh look says: the earlier lead is back"


def test_the_newest_roster_of_a_signer_replaces_its_own() -> None:
    """A lead rewrites its roster without usurping itself."""
    story, (first, _) = told()
    story.roster(first)
    newer = story.roster(first, epoch=2)
    assert story.view().token == (0, newer.id)
    assert story.view(over(lapsed=[newer.id])).lead is None, "the older one does not come back"


def test_no_roster_without_a_claim_that_stands() -> None:
    """A ROSTER of somebody who does not claim, or released, leads nobody and is no claim to have led."""
    story = Story()
    story.roster(A)
    assert lead_of(story.view()) is None
    story, (first, _) = told()
    story.roster(first)
    story.release(first)
    assert lead_of(story.view()) is None


@pytest.mark.parametrize("known", [True, False])
def test_a_card_made_after_the_call_never_leads(known: bool) -> None:
    """Nor does one that the board does not know: not even when nobody else is there."""
    story = Story()
    fields = {"epoch": mail.EPOCH * 600 // 86_400 + 1} if known else {}
    story.claim(A, known=known, **fields)
    story.roster(A, cause=Cause.EXPIRED)
    view = story.view()
    assert lead_of(view) is None
    assert view.claims[0].fitness[0] == 1
    assert not view.claims[0].counts
    assert (view.takeovers, view.newest_roster) == (0, NOTHING)
    card = mail.card(A)
    if not known:
        assert story.board.adopt(card)
        assert lead_of(story.view()) == A.public, "control: with the card it leads"


def test_a_card_of_the_day_of_the_call_leads() -> None:
    """Control: the day itself is not later."""
    story = Story()
    story.claim(A, epoch=mail.EPOCH * 600 // 86_400)
    story.roster(A)
    assert lead_of(story.view()) == A.public


def test_an_overdue_lead_yields_to_somebody_proven() -> None:
    """Its roster is live only while nobody live and fit is not overdue."""
    story, (first, second) = told()
    roster = story.roster(first)
    assert story.view(over(overdue=[first.public, second.public])).token == (0, roster.id)
    assert story.view(over(overdue=[first.public])).lead is None
    gone = over(overdue=[first.public], silent=[second.public])
    assert story.view(gone).token == (0, roster.id), "the other one is not there"
    story.hear(mail.attest(story.call, first))
    assert story.view(over(overdue=[first.public])).token == (0, roster.id), "late contact is contact"


def test_while_the_victim_is_silent_an_overdue_lead_yields_to_whom_it_met_alone() -> None:
    """Nobody else can be proven then: one lead after the other would be overdue. Control: V is heard."""
    story, (first, second) = told()
    roster = story.roster(first)
    late = {"overdue": [first.public]}
    assert story.view(over(**late)).lead is None
    assert story.view(over(**late, victim_silent=True)).token == (0, roster.id)
    story.hear(mail.attest(story.call, second))
    assert story.view(over(**late, victim_silent=True)).lead is None


def test_the_claim_of_an_overdue_helper_fills_no_place() -> None:
    """Others are wanted then; its claim still stands there."""
    story, (first, second) = told()
    view = story.view(over(overdue=[first.public]))
    assert [claim.responder for claim in view.helpers] == [second.public]
    assert view.groups == 1
    assert len(view.claims) == 2


def test_takeovers_and_epochs_are_those_of_helpers() -> None:
    """A stranger's ROSTERs neither slow the helpers' HOLD nor raise their epochs."""
    story, (first, _) = told()
    story.claim(C, known=False)
    story.roster(C, cause=Cause.EXPIRED, epoch=1000)
    lawful = story.roster(first, cause=Cause.EXPIRED, epoch=3)
    view = story.view()
    assert (view.takeovers, view.highest_epoch, view.newest_roster) == (1, 3, lawful.id)


def test_a_usurper_that_is_first_to_come_would_win() -> None:
    """Control: whoever follows the roster that came last, or the highest epoch, would follow the usurper."""
    story, (first, second) = told()
    lawful = story.roster(second)
    usurper = story.roster(first, lawful, epoch=99)
    assert story.board.had_seen(usurper.id, lawful.id)
    assert not story.board.had_seen(lawful.id, usurper.id)
    assert resolve(story.board).token != (0, usurper.id)


def test_a_lead_that_writes_its_roster_anew_keeps_its_place() -> None:
    """Having seen a worse concurrent roster since, it goes on to lead; one that starts a row of its own would not.

    Found by the model (`protocol/models`, run `mutant-no-place`): two lead, meet, and the better one changes its members.
    """
    story, (first, second) = told()
    mine, other = story.roster(first), story.roster(second)
    assert story.view().token == (0, mine.id)
    anew = story.roster(first, other, replaces=mine, epoch=2)
    assert story.board.had_seen(anew.id, other.id)
    assert story.view().token == (0, anew.id)
    assert story.view(over(lapsed=[other.id])).token == (0, anew.id)

    story, (first, second) = told()
    story.roster(first)
    other = story.roster(second)
    story.roster(first, other, epoch=2)
    assert story.view().token == (0, other.id), "control: it replaces nothing, and had seen a live lead's"


def test_who_had_seen_any_of_a_row_usurps_all_of_it() -> None:
    """Whoever took over from a roster that its lead wrote anew meanwhile is no less a usurper where that one lives."""
    story, (first, second) = told()
    mine = story.roster(second)
    story.roster(first, mine, replaces=mine, cause=Cause.EXPIRED)
    anew = story.roster(second, replaces=mine, epoch=2)
    assert story.view().token == (0, anew.id)


def test_a_successor_may_have_seen_others() -> None:
    """Whom a HANDOVER names usurps nobody by answering it, though it had seen a third, worse, live roster."""
    for handed in (True, False):
        story = Story()
        for who in (A, B, C):
            story.claim(who)
        best, middle, worst = story.fittest(A, B, C)
        old, others = story.roster(middle), story.roster(worst)
        story.hand_over(middle, old, best.public if handed else worst.public)
        new = story.roster(best, old, others, replaces=old, cause=Cause.HANDOVER)
        assert story.view().token == (0, new.id if handed else others.id), handed


def test_a_roster_that_was_left_is_not_followed_and_what_its_writer_writes_anew_is() -> None:
    """Else whoever followed another for a moment would refuse the lead of all others for good."""
    for cause in (Cause.HANDOVER, Cause.INITIAL, Cause.EXPIRED):
        story, (first, _) = told()
        left = story.roster(first)
        assert story.view(over(superseded=[left.id])).roster is None
        anew = story.roster(first, replaces=left, cause=cause, epoch=2)
        assert story.view(over(superseded=[left.id])).token[1] == anew.id

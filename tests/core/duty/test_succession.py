"""Who should lead and whom a roster names, read off a view by everybody alike."""

import pytest
from attrs import evolve

from p2p_sos.core.duty import succession
from p2p_sos.wire.messages import NOTHING
from p2p_sos.wire.registry import S1, S3, Severity, Timing
from tests.core import mail
from tests.core.board.story import A, B, C, Story, over

CROWD = [mail.key(f"helper {index}") for index in range(2 * S1.k + 3)]


def test_the_wait_doubles_and_never_exceeds_a_lease() -> None:
    """HOLD, twice, four times as long with each takeover; at last the time in which a lead is given up anyway."""
    view = Story().view()
    waits = [succession.hold_s(evolve(view, takeovers=takeovers)) for takeovers in (0, 1, 2, 3, 4, 5, 60)]
    assert waits == [float(min(S1.hold_s * factor, S1.lease_s)) for factor in (1, 2, 4, 8, 16, 16, 16)]
    assert waits[-1] == S1.lease_s


def test_whoever_let_its_lease_lapse_comes_last() -> None:
    """The fittest leads next; if its own roster lapsed, the next one; the dismissed, silent and unfit never."""
    story = Story()
    for who in (A, B, C):
        story.claim(who)
    first, second, third = story.fittest(A, B, C)
    assert succession.next_lead(story.view(), story.board, over()) == first.public
    roster = story.roster(first)
    lapsed = over(lapsed=[roster.id])
    assert succession.next_lead(story.view(lapsed), story.board, lapsed) == second.public
    overdue = over(lapsed=[roster.id], overdue=[second.public, third.public])
    assert succession.next_lead(story.view(overdue), story.board, overdue) == first.public
    alone = over(silent=[second.public, third.public], lapsed=[roster.id])
    assert succession.next_lead(story.view(alone), story.board, alone) == first.public, "last, and not never"
    view = story.view()
    assert succession.next_lead(view, story.board, over(), but=first.public) == second.public
    for who in (A, B, C):
        story.board.convict(who.public)
    assert succession.next_lead(story.view(), story.board, over()) == NOTHING


def test_whom_v_met_earlier_stays_before_whom_it_met_later() -> None:
    """A later ATTEST puts nobody before those of an earlier one, however fit; whom V did not meet comes after both."""
    story = Story()
    for who in (A, B, C):
        story.claim(who)
    first, second, third = story.fittest(A, B, C)

    def in_line() -> list[bytes]:
        return succession.line(story.view(), story.board, over())

    assert in_line() == [first.public, second.public, third.public]
    early = mail.attest(story.call, third, sequence=1)
    later = mail.attest(story.call, second, third, sequence=2)
    story.hear(later)
    assert in_line() == [second.public, third.public, first.public], "of one ATTEST the fitter"
    story.hear(early)
    assert in_line() == [third.public, second.public, first.public], "in whatever order they came"


def test_whom_others_met_stands_by_fitness() -> None:
    """A victim that never spoke gives no order: of those whom others attested the fitter comes first, as ever."""
    story = Story()
    for who in CROWD:
        story.claim(who)
    *_, next_to_last, last = story.fittest(*CROWD)
    for witness in CROWD:
        if witness not in (last, next_to_last):
            story.vouch(witness, last)
            story.vouch(witness, next_to_last)
    assert succession.line(story.view(), story.board, over())[:2] == [next_to_last.public, last.public]


@pytest.mark.parametrize(("severity", "timing"), [(Severity.SEVERE, S1), (Severity.MEDIUM, S3)])
def test_a_roster_names_the_fittest_and_its_writer(severity: Severity, timing: Timing) -> None:
    """2k at most, ascending, the writer among them however unfit; those overdue after the others, the silent not."""
    story = Story(call=mail.the_call(severity=severity))
    for who in CROWD:
        story.claim(who)
    order = story.fittest(*CROWD)
    last = order[-1].public
    named = succession.members(story.view(), last)
    assert named == tuple(sorted([last, *(who.public for who in order[: 2 * timing.k - 1])]))
    late = over(overdue=[order[0].public], silent=[order[1].public])
    named = succession.members(story.view(late), last)
    assert order[0].public not in named
    assert order[1].public not in named
    assert len(named) == 2 * timing.k

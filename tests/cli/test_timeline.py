"""The words for what happens: every notice has some, and none is shown as it came."""

from typing import get_args

import pytest
from attrs import fields

from p2p_sos.cli.timeline import MARK_WIDTH, TELLERS, News, happening
from p2p_sos.core.notices import (
    Convicted,
    DecisionWanted,
    LeadChanged,
    Notice,
    SitrepRefused,
    SitrepSeen,
    StandDownSeen,
)
from p2p_sos.drivers.api.notices import name_of, notice_json
from p2p_sos.wire.messages import NOTHING
from p2p_sos.wire.registry import Phase, SitrepStatus

CALL, A, B = b"\x1f" * 32, b"\xaa" * 32, b"\xbb" * 32
ROSTER = b"\xcc" * 32


def words(notice: Notice) -> str:
    said = happening(notice_json(notice, 1_000_000.0))
    assert len(said.mark) < MARK_WIDTH
    return said.sentence


def test_every_notice_has_words() -> None:
    """What a node may tell, the timeline can tell."""
    names = {name_of(object.__new__(kind)) for kind in get_args(Notice)}
    assert names == set(TELLERS)
    assert all(fields(kind) for kind in get_args(Notice))


@pytest.mark.parametrize(
    ("notice", "expected"),
    [
        (LeadChanged(CALL, A, 0, ROSTER), "call 1f1f1f1f: aaaaaaaa leads, by the helpers' roster"),
        (LeadChanged(CALL, A, 4, NOTHING), "call 1f1f1f1f: aaaaaaaa leads, named by the victim"),
        (LeadChanged(CALL, A, 4, ROSTER), "call 1f1f1f1f: aaaaaaaa leads, by the helpers' roster"),
        (LeadChanged(CALL, None, 0, NOTHING), "call 1f1f1f1f: nobody leads its helpers now"),
        (
            SitrepSeen(CALL, A, 0, ROSTER, SitrepStatus.ATTACK_STOPPED, Phase.ALERFA, (A, B)),
            "call 1f1f1f1f: aaaaaaaa reports attack-stopped, alerfa; 2 members heard",
        ),
        (
            SitrepRefused(CALL, B, 0, ROSTER),
            "call 1f1f1f1f: bbbbbbbb reports as lead, and is not; nobody follows it",
        ),
        (StandDownSeen(CALL, B), "bbbbbbbb believes that it is over"),
        (Convicted(B), "bbbbbbbb signed what no honest key signs: nothing it says counts any more"),
    ],
)
def test_the_boards_news_are_plain_sentences(notice: Notice, expected: str) -> None:
    """Who leads and under what, what was reported, who acts without being followed, who lied."""
    assert words(notice) == expected


def test_a_report_that_says_the_same_is_shown_once() -> None:
    """People are spared the pace of a lease; another status, another lead or another call is told."""
    news = News()
    report = SitrepSeen(CALL, A, 0, ROSTER, SitrepStatus.MITIGATING, Phase.ALERFA, (A,))
    other = SitrepSeen(CALL, A, 0, ROSTER, SitrepStatus.TERMINATED, Phase.ALERFA, (A,))
    elsewhere = SitrepSeen(B, A, 0, ROSTER, SitrepStatus.MITIGATING, Phase.ALERFA, (A,))
    shown = [
        report,
        report,
        other,
        report,
        elsewhere,
        report,
        LeadChanged(CALL, A, 0, ROSTER),
        StandDownSeen(CALL, B),
    ]
    told = [news.is_new(notice_json(notice, 1.0)) for notice in [*shown, StandDownSeen(CALL, B)]]
    assert told == [True, False, True, True, True, False, True, True, True]


def test_a_question_shows_its_deadline() -> None:
    """How long, until when, and the two commands that answer."""
    said = words(DecisionWanted(CALL, 300.0))
    assert "300 s, until " in said
    assert "sos claim 1f1f1f1f" in said
    assert "sos decline 1f1f1f1f unable" in said

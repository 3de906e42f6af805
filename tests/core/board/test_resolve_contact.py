"""Contact and closing: V's word, the word of enough others while V is silent, and who may never close a call."""

from p2p_sos.core.board.judge import Judge
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import Card
from p2p_sos.wire.registry import Detail, Reason, Severity
from tests.core import mail
from tests.core.board.story import ROOTED, A, B, C, D, E, F, Story, over

ALL = (A, B, C, D, E, F)
SILENCE = over(victim_silent=True)


def vouched(card: Frame) -> bytes | None:
    """A root that vouches for everybody whose card says so, each in the group that it names."""
    assert isinstance(card.message, Card)
    return card.message.group if card.message.accreditation else None


UNDER_ROOTS = Judge(ROOTED, accredits=vouched)


def story_of(*helpers: SigningKey, judge: Judge | None = None, **card: object) -> Story:
    """These claim."""
    story = Story(Judge() if judge is None else judge)
    for who in helpers:
        story.claim(who, **card)
    return story


def attested(story: Story) -> set[bytes]:
    """Who is attested on the board."""
    return {claim.responder for claim in story.view().claims if claim.attested}


# ---------------------------------------------------------------------- contact


def test_enough_groups_attest_while_v_says_nothing() -> None:
    """S1: three groups other than R's own; two are not enough."""
    story = story_of(A, B, C, D)
    story.vouch(B, A)
    story.vouch(C, A)
    assert attested(story) == set()
    assert not story.view().attested
    story.vouch(D, A)
    assert attested(story) == {A.public}
    assert story.view().attested


def test_the_groups_must_be_distinct() -> None:
    """Three members of one group are one group, and R's own group says nothing about R."""
    same = {"group": b"g" * 32, "accreditation": b"yes"}
    story = story_of(B, C, D, judge=UNDER_ROOTS, **same)
    story.claim(A, group=b"a" * 32, accreditation=b"yes")
    for who in (B, C, D):
        story.vouch(who, A)
    assert attested(story) == set()
    story = story_of(A, B, judge=UNDER_ROOTS, **same)
    for name, who in (("c", C), ("d", D)):
        story.claim(who, group=name.encode() * 32, accreditation=b"yes")
    for who in (A, B, C, D):
        story.vouch(who, A)
    assert attested(story) == set(), "A's own group and two others"
    story.claim(E, group=b"e" * 32, accreditation=b"yes")
    story.vouch(E, A)
    assert attested(story) == {A.public}, "control: a third group"


def test_who_has_no_root_is_in_one_group_with_all_of_them() -> None:
    """Where the profile names roots, keys without one cost nothing: together they are one group."""
    story = story_of(*ALL, judge=UNDER_ROOTS)
    for who in (B, C, D, E, F):
        story.vouch(who, A)
    assert attested(story) == set()


def test_whose_word_counts() -> None:
    """Not that of who released, of who was convicted, nor of a key without a known card; a STAND_DOWN leaves it."""
    for way in ("released", "convicted", "stranger", "stood down"):
        story = story_of(A, B, C)
        story.claim(D, known=way != "stranger")
        for who in (B, C, D):
            story.vouch(who, A)
        if way == "released":
            story.release(D)
        elif way == "convicted":
            story.board.convict(D.public)
        elif way == "stood down":
            story.stand_down(D)
        assert bool(attested(story)) is (way == "stood down"), way


def test_once_v_spoke_v_alone_attests() -> None:
    """One word of V beside the CALL, whatever it is; a letter, which not everybody holds, is none."""
    story = story_of(*ALL)
    for who in (B, C, D):
        story.vouch(who, A)
    story.hear(mail.letter(story.call, mail.V, 1))
    assert attested(story) == {A.public}
    story.hear(mail.update(story.call, 1))
    assert attested(story) == set()
    story.hear(mail.attest(story.call, B, sequence=2))
    assert attested(story) == {B.public}


def test_contact_with_somebody_gone_is_none() -> None:
    """`attested` of a view asks for somebody who is there."""
    story = story_of(A, B)
    story.hear(mail.attest(story.call, A))
    assert story.view().attested
    assert not story.view(over(silent=[A.public])).attested


# ---------------------------------------------------------------------- closing


def stood_down(
    *helpers: SigningKey, judge: Judge = UNDER_ROOTS, rooted: bool = True, groups: str = ""
) -> Story:
    """All claim and are attested by V, and `helpers` stand down."""
    story = Story(judge)
    for index, who in enumerate(ALL):
        group = (groups[index] if groups else "abcdef"[index]).encode() * 32
        story.claim(who, group=group, accreditation=b"yes" if rooted else b"")
    story.hear(mail.attest(story.call, *ALL))
    for who in helpers:
        story.stand_down(who)
    return story


def test_enough_groups_close_the_call_of_a_silent_victim() -> None:
    """S1: three groups under a root, all attested, V silent."""
    assert stood_down(A, B, C).view(SILENCE).closed == "stood-down"
    assert stood_down(A, B).view(SILENCE).closed is None


def test_a_victim_that_is_heard_is_never_closed_by_others() -> None:
    """However many stand down."""
    assert stood_down(*ALL).view().closed is None


def test_closing_needs_roots() -> None:
    """Neither keys that no root vouches for, nor a profile without roots, can close anything."""
    assert stood_down(*ALL, rooted=False).view(SILENCE).closed is None
    assert stood_down(*ALL, judge=Judge()).view(SILENCE).closed is None


def test_closing_needs_distinct_groups() -> None:
    """Six members of two groups are two."""
    assert stood_down(*ALL, groups="aaabbb").view(SILENCE).closed is None
    assert stood_down(*ALL, groups="aabbcc").view(SILENCE).closed == "stood-down"


def test_closing_needs_contact() -> None:
    """Who was never attested cannot say that it is over."""
    story = Story(UNDER_ROOTS)
    for index, who in enumerate(ALL):
        story.claim(who, group="abcdef"[index].encode() * 32, accreditation=b"yes")
        story.stand_down(who)
    assert story.view(SILENCE).closed is None


def test_the_convicted_and_the_late_do_not_close() -> None:
    """A conviction takes a stand-down away, and with it the closing."""
    story = stood_down(A, B, C)
    story.board.convict(B.public)
    assert story.view(SILENCE).closed is None


def test_who_claims_again_does_not_stand_down() -> None:
    """The newest word counts."""
    story = stood_down(A, B, C)
    story.claim(C, group=b"c" * 32, accreditation=b"yes")
    assert story.view(SILENCE).closed is None


def test_v_outranks_those_who_stood_down() -> None:
    """Cancelled before cleared before stood down."""
    story = stood_down(A, B, C)
    story.hear(mail.all_clear(story.call, 5))
    assert story.view(SILENCE).closed == "cleared"
    story.hear(mail.cancel(story.call, 4))
    assert story.view(SILENCE).closed == "cancelled"


def test_f_is_that_of_the_class() -> None:
    """S3 and S4 need two groups."""
    story = stood_down(A, B)
    story.hear(mail.update(story.call, 9, severity=Severity.LOW))
    assert story.view(SILENCE).closed == "stood-down"


def test_a_stand_down_releases_its_sender() -> None:
    """Whatever else it does: the claim is given back, without a reason of its own."""
    story = story_of(A, B)
    story.stand_down(A)
    view = story.view()
    assert [claim.responder for claim in view.claims] == [B.public]
    (release,) = view.releases
    assert (release.responder, release.reason, release.detail) == (
        A.public, Reason.UNNECESSARY, Detail.UNSPECIFIED,
    )  # fmt: skip


# ---------------------------------------------------------------------- void


def test_a_convicted_key_counts_for_nothing() -> None:
    """Its claim is void, its fitness gone."""
    story = story_of(A, B)
    story.board.convict(A.public)
    view = story.view()
    claim = view.claim_of(A.public)
    assert claim is not None
    assert (claim.void, claim.live, claim.counts, claim.fitness[0]) == (True, False, False, 1)
    assert view.groups == 1


def test_a_claim_beyond_the_slots_is_void() -> None:
    """A card of two slots carries the slots 0 and 1."""
    story = Story()
    story.claim(A, slot=1, slots=2)
    story.claim(B, slot=2, slots=2)
    assert {claim.responder for claim in story.view().claims if claim.void} == {B.public}


def test_of_two_groups_one_helper_each_counts() -> None:
    """Places are counted by groups."""
    story = Story(UNDER_ROOTS)
    for who in (A, B, C):
        story.claim(who, group=b"g" * 32, accreditation=b"yes")
    assert len(story.view().helpers) == 3
    assert story.view().groups == 1


def test_a_stranger_fills_no_place_until_v_met_it() -> None:
    """Keys are free: a claim without a known card suppresses nobody; contact that V attests counts."""
    story = Story()
    story.claim(A, known=False)
    assert story.view().groups == 0
    story.hear(mail.attest(story.call, A))
    assert story.view().groups == 1

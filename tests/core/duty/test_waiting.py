"""One node's waiting for its turn, with nothing around it: who is counted, who is ranked, and whose word frees the way."""

from random import Random

import pytest
from attrs import define, field

from p2p_sos.core.board.judge import Judge
from p2p_sos.core.calls.calls import Calls
from p2p_sos.core.calls.cards import Cards
from p2p_sos.core.duty.bands import Bands
from p2p_sos.core.duty.hands import Hands
from p2p_sos.core.duty.turns import Turns
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.registry import S1, S4, WAVES_MAX, Sector, Severity
from tests.core import mail
from tests.core.board.story import ROOTED

ME = mail.key("me")
EVERY_HOUR = 2**24 - 1
CROWD = [mail.key(f"fitter {index}") for index in range(20)]
HEARD_AT = 100.0
HOLD_S = S1.hold_s  # who knows nobody else waits that much longer

HEALTH = 1 << Sector.HEALTH


def by_group(card: Frame) -> bytes:
    """A root that vouches for everybody, in the group that the card names."""
    return card.message.group  # type: ignore[union-attr]


@define
class Post:
    """One call, the cards that are known, and the bands of one node."""

    judge: Judge = field(factory=Judge)
    call: Frame = field(factory=mail.the_call)
    convicted: list[bytes] = field(factory=list)
    calls: Calls = field(init=False)
    cards: Cards = field(init=False, factory=Cards)
    bands: Bands = field(init=False)
    hands: Hands = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.calls = Calls(8, self.judge)
        self.bands = Bands(
            ME.public, self.calls, self.cards, self.judge, Random(1),
            convicted=lambda: tuple(self.convicted), full=lambda: self.hands.full,
        )  # fmt: skip
        self.hands = Hands(self.cards)

    def know(self, *responders: SigningKey, at: float = 0.0, **told: object) -> list[Frame]:
        """Their cards come at a time."""
        cards = [mail.card(who, **told) for who in responders]
        for card in cards:
            assert self.cards.offer(card, at).kept
        return cards

    def hear(self) -> None:
        """The call comes."""
        self.calls.open(self.call, 0.0, HEARD_AT)
        self.bands.watch(self.call.id, HEARD_AT)

    def claims(self, *helpers: SigningKey, **told: object) -> None:
        """These claim, and their cards are known."""
        for helper in helpers:
            card = mail.card(helper, **told)
            assert self.calls.offer(mail.claim(self.call, helper, card=card.id), HEARD_AT, card).kept

    def is_wanted(self, after_s: float) -> bool:
        """Whether this node should answer so long after the call."""
        return self.bands.look(self.call.id, HEARD_AT + after_s).wanted


def test_whose_group_helps_does_not_answer() -> None:
    """However long the call lacks helpers; a member of another group does not hold it back (control)."""
    for group, wanted in ((b"g" * 32, False), (b"h" * 32, True)):
        post = Post(Judge(ROOTED, accredits=by_group))
        post.know(ME, CROWD[0], group=b"g" * 32)
        post.know(*CROWD[1:6], group=b"i" * 32)
        post.hear()
        post.claims(CROWD[0], group=group)
        assert post.is_wanted(S1.progress_silent_s) is wanted


def test_waves_end() -> None:
    """After the last wave no more helpers are wanted, whoever never met the victim; one fewer, and one is (control)."""
    most = S4.k << WAVES_MAX
    for helpers, wanted in ((most, False), (most - 1, True)):
        post = Post(call=mail.the_call(severity=Severity.LOW))
        fitter = {"sectors": 1 << Sector.HEALTH}
        post.know(ME)
        post.know(*CROWD, **fitter)
        post.hear()
        post.claims(*CROWD[:helpers], **fitter)
        post.is_wanted(0.0)
        assert post.is_wanted(1000 * S4.progress_silent_s) is wanted


@pytest.mark.parametrize(
    ("theirs", "attested", "wanted"), [(0, 0, True), (0, S1.k, False), (HEALTH, 0, False)]
)
def test_claims_of_the_unfit_hold_no_place_against_the_fit(theirs: int, attested: int, wanted: bool) -> None:
    """Whoever is fitter than all claimers answers at once, until V attests them; among its equals it waits (control)."""
    post = Post()
    post.know(ME, sectors=0 if theirs else HEALTH)
    post.know(*CROWD, sectors=theirs)
    post.hear()
    post.claims(*CROWD[: S1.k], sectors=theirs)
    if attested:
        assert post.calls.offer(mail.attest(post.call, *CROWD[:attested]), HEARD_AT).kept
    assert post.is_wanted(1.0) is wanted


@pytest.mark.parametrize(("met", "wanted"), [(1, True), (S1.k, False)])
def test_one_attested_helper_does_not_end_the_waves(met: int, wanted: bool) -> None:
    """Else a liar that lets itself be attested would hold back all who would come for those that do nothing beside it."""
    post, fitter = Post(), {"sectors": HEALTH}
    post.know(ME)
    post.know(*CROWD, **fitter)
    post.hear()
    post.claims(*CROWD[: S1.k], **fitter)
    assert post.calls.offer(mail.attest(post.call, *CROWD[:met]), HEARD_AT).kept
    assert not post.is_wanted(1.0)
    assert post.is_wanted(8 * S1.progress_online_s) is wanted


def test_waves_begin_anew_when_nobody_is_attested_any_more() -> None:
    """Helpers that V had met go after an hour: one band is called up, not all that an hour without contact would call."""
    post, fitter, late_s = Post(), {"sectors": HEALTH}, 3600.0
    post.know(ME)
    post.know(*CROWD, **fitter)
    post.hear()
    post.claims(*CROWD[: S1.k], **fitter)
    assert post.calls.offer(mail.attest(post.call, *CROWD[: S1.k]), HEARD_AT).kept
    assert not post.is_wanted(1.0)
    for helper in CROWD[: S1.k]:
        assert post.calls.offer(mail.release(post.call, helper), HEARD_AT).kept
    assert not post.is_wanted(late_s)
    assert post.is_wanted(late_s + 8 * S1.progress_online_s), "the control: then the waves have come"


def test_cards_that_come_after_the_call_rank_nowhere() -> None:
    """A crowd of better keys that show up once the call is known holds nobody back, also when it is described anew."""
    for at, wanted in ((HEARD_AT + 0.5, True), (0.0, False)):
        post = Post()
        post.know(ME)
        post.know(*CROWD, at=at, duty_hours=EVERY_HOUR)
        post.hear()
        post.calls.offer(mail.update(post.call, 1), HEARD_AT + 0.6)
        post.bands.watch(post.call.id, HEARD_AT + 0.6)
        assert post.is_wanted(HOLD_S + 0.1) is wanted


def test_whoever_said_no_or_lied_holds_nobody_back() -> None:
    """The fitter that declined, released or are convicted leave their places to the next; silent, they do not (control)."""
    for way in ("silent", "declined", "released", "convicted"):
        post = Post()
        post.know(ME)
        post.know(*CROWD, duty_hours=EVERY_HOUR)
        post.hear()
        for who in CROWD:
            if way == "declined":
                post.calls.offer(mail.decline(post.call, who), HEARD_AT)
            elif way == "released":
                post.calls.offer(mail.release(post.call, who), HEARD_AT)
            elif way == "convicted":
                post.convicted.append(who.public)
        assert post.is_wanted(0.1) is (way != "silent"), way


def test_whose_hands_are_full_holds_nobody_back() -> None:
    """Who claims as many other calls as its card has slots need not decline; with a slot left, or the other call over, it does hold."""
    for slots, over, wanted in ((1, False, True), (2, False, False), (1, True, False)):
        post = Post()
        other = mail.the_call(languages=(7,))
        post.know(ME)
        cards = post.know(*CROWD, duty_hours=EVERY_HOUR, slots=slots)
        post.calls.open(other, 0.0, HEARD_AT)
        post.hear()
        for who, card in zip(CROWD, cards, strict=True):
            post.calls.offer(mail.claim(other, who, card=card.id), HEARD_AT, card)
        assert post.hands.observe(post.calls[other.id].view) is (slots == 1)
        assert not post.hands.observe(post.calls[other.id].view), "nothing changed"
        if over:
            assert post.hands.leave(other.id)
        assert post.is_wanted(0.1) is wanted


def test_a_slot_is_kept_for_a_graver_call_without_help() -> None:
    """Its band is not open yet, and a milder call's is: the last slot waits for the graver one, and no longer than it lacks all help."""
    post = Post()
    mild = mail.the_call(severity=Severity.LOW)
    post.know(ME, *CROWD)
    post.calls.open(mild, 0.0, HEARD_AT)
    post.hear()
    post.bands.watch(mild.id, HEARD_AT)
    turns = Turns(post.bands, post.hands, post.calls)
    assert turns.holds_back(mild.id, 1)
    assert not turns.holds_back(post.call.id, 1), "the graver waits for nobody"
    assert not turns.holds_back(mild.id, 2), "control: a slot for each"
    post.claims(CROWD[0])
    assert not turns.holds_back(mild.id, 1)

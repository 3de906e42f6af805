"""Words: every member has one, every word has its member, and a wrong one is answered with the nearest."""

from enum import IntEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_sos.wire import registry
from p2p_sos.wire.messages import LANGUAGE_MAX
from p2p_sos.wire.registry import Nature, Need, Sector, Severity
from p2p_sos.wire.vocabulary import (
    EVERYDAY,
    LANGUAGES,
    Unknown,
    language_code,
    language_word,
    lookup,
    mask_of,
    word_of,
    words,
    words_of_mask,
)

VOCABULARIES = [
    v for v in vars(registry).values() if isinstance(v, type) and issubclass(v, IntEnum) and len(v)
]


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda v: v.__name__)
def test_every_word_finds_its_member(vocabulary: type[IntEnum]) -> None:
    """Words and members are one to one, however the word is typed."""
    assert len(dict.fromkeys(words(vocabulary))) == len(vocabulary)
    for member in vocabulary:
        word = word_of(member)
        for typed in (word, word.upper(), f" {word} ", word.replace("-", "_"), word.replace("-", " ")):
            assert lookup(vocabulary, typed) is member


@pytest.mark.parametrize("vocabulary", list(EVERYDAY), ids=lambda v: v.__name__)
def test_everyday_words_mean_a_word_of_the_vocabulary(vocabulary: type[IntEnum]) -> None:
    """Each everyday word means exactly what the registry says, and hides no exact word."""
    for everyday, exact in EVERYDAY[vocabulary].items():
        member = lookup(vocabulary, everyday)
        assert not isinstance(member, Unknown)
        assert word_of(member) == exact
        assert everyday not in words(vocabulary)


def test_the_type_alone_is_enough_where_one_class_has_it() -> None:
    """`brute-force` needs no class; ransomware is what the taxonomy calls it."""
    assert lookup(Nature, "brute force") is Nature.INTRUSION_ATTEMPTS__BRUTE_FORCE
    ransomware = Nature.INFORMATION_CONTENT_SECURITY__UNAUTHORISED_INFORMATION_MODIFICATION
    assert lookup(Nature, "Ransomware") is ransomware


@pytest.mark.parametrize(
    ("vocabulary", "typed", "nearest"),
    [
        (Severity, "hgih", "high"),
        (Need, "block hosts", "block-host"),
        (Nature, "ransmware", "ransomware"),
        (Nature, "fishing", "fraud/phishing"),
        (Sector, "helth", "health"),
    ],
)
def test_a_wrong_word_is_answered_with_the_nearest(
    vocabulary: type[IntEnum], typed: str, nearest: str
) -> None:
    """The nearest right word is one that `lookup` takes."""
    answer = lookup(vocabulary, typed)
    assert isinstance(answer, Unknown)
    near = lookup(vocabulary, answer.nearest)
    assert near == lookup(vocabulary, nearest)
    assert answer.nearest in str(answer)


@given(vocabulary=st.sampled_from(VOCABULARIES), typed=st.text(max_size=40))
def test_any_text_gives_a_member_or_a_word_that_is_one(vocabulary: type[IntEnum], typed: str) -> None:
    """Whatever is typed, the answer is a member or names one."""
    answer = lookup(vocabulary, typed)
    if isinstance(answer, Unknown):
        answer = lookup(vocabulary, answer.nearest)
    assert isinstance(answer, vocabulary)


@given(members=st.lists(st.sampled_from(Need)))
def test_masks_and_words_are_one_to_one(members: list[Need]) -> None:
    """The words of a mask give the mask again, whatever their order."""
    mask = mask_of(Need, [word_of(member) for member in members])
    assert isinstance(mask, int)
    assert mask_of(Need, words_of_mask(Need, mask)) == mask
    assert len(words_of_mask(Need, mask)) == len(dict.fromkeys(members))


def test_a_mask_names_its_first_unknown_word() -> None:
    """One wrong word among right ones is the answer."""
    answer = mask_of(Need, ["patch", "pach", "nothing"])
    assert answer == Unknown("pach", "patch")


def test_languages_are_two_letters() -> None:
    """Every language has a code of its own that a message may hold, and comes back from it."""
    codes = [language_code(word) for word in LANGUAGES]
    assert len(dict.fromkeys(codes)) == len(LANGUAGES)
    for word, code in zip(LANGUAGES, codes, strict=True):
        assert isinstance(code, int)
        assert 0 <= code <= LANGUAGE_MAX
        assert language_word(code) == word
    assert language_word(LANGUAGE_MAX) == "zz"
    assert language_code("DE ") == language_code("de")
    for wrong in ("english", "", "qq", "日本語"):
        answer = language_code(wrong)
        assert isinstance(answer, Unknown)
        assert answer.nearest in LANGUAGES

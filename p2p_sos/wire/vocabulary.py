"""The words of the public vocabularies: members to words, words to members, and the nearest right word.

Comes in: a member, a mask, or what a person typed. Goes out: the other, or an `Unknown` with the nearest
word. Knows nothing of messages.
"""

import difflib
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import TypeVar

from attrs import field, frozen

from p2p_sos.wire.registry import EVERYDAY_NATURE, EVERYDAY_NEED, Nature, Need

Member = TypeVar("Member", bound=IntEnum)

EVERYDAY: dict[type[IntEnum], dict[str, str]] = {Nature: EVERYDAY_NATURE, Need: EVERYDAY_NEED}

_ISO_639_1 = (
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz "
    "ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik "
    "io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml "
    "mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd "
    "se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi "
    "vo wa wo xh yi yo za zh zu"
)
LANGUAGES = tuple(_ISO_639_1.split())
_NEAR = 0.55  # below this a suggestion looks like chance
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@frozen
class Unknown:
    """A word that is in no vocabulary, and the nearest that is; `known` is every word when none is really near."""

    text: str
    nearest: str
    known: tuple[str, ...] = field(default=(), eq=False, repr=False)

    def __str__(self) -> str:
        return f"unknown word {self.text!r}: {self.advice}"

    @property
    def advice(self) -> str:
        """What to write instead."""
        return f"there are: {', '.join(self.known)}." if self.known else f"did you mean {self.nearest!r}?"


def word_of(member: IntEnum) -> str:
    """The registry's word for a member: NATURE's AVAILABILITY__DDOS is "availability/ddos"."""
    return member.name.lower().replace("__", "/").replace("_", "-")


def words(vocabulary: type[IntEnum]) -> tuple[str, ...]:
    """Every word of a vocabulary, in the registry's order."""
    return tuple(word_of(member) for member in vocabulary)


def _nearest(text: str, among: Iterable[str]) -> str:
    return difflib.get_close_matches(text, list(among), n=1, cutoff=0.0)[0]


def suggestion(text: str, among: Sequence[str]) -> str:
    """The nearest right word as a question, or all of them when none is near."""
    near = difflib.get_close_matches(text, among, n=1, cutoff=_NEAR)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(among)}."


def lookup(vocabulary: type[Member], text: str) -> Member | Unknown:
    """The member that a typed word means: the exact word, an everyday one, or the type of one class alone."""
    typed = "-".join(text.strip().lower().replace("_", " ").replace("-", " ").split())
    exact = {word_of(member): member for member in vocabulary}
    if typed in exact:
        return exact[typed]
    everyday = EVERYDAY.get(vocabulary, {})
    if typed in everyday:
        return exact[everyday[typed]]
    tails: dict[str, list[str]] = {}
    for word in exact:
        tails.setdefault(word.rpartition("/")[2], []).append(word)
    if len(tails.get(typed, [])) == 1:
        return exact[tails[typed][0]]
    every = tuple(dict.fromkeys([*exact, *everyday, *tails]))
    named = [word for word in typed.split("-") if word in everyday or len(tails.get(word, [])) == 1]
    near = named[0] if named else _nearest(typed, every)
    is_near = bool(named or difflib.get_close_matches(typed, every, n=1, cutoff=_NEAR))
    short = tuple(
        dict.fromkeys([*everyday, *(tail if len(full) == 1 else full[0] for tail, full in tails.items())])
    )
    meant = near if near in exact or near in everyday or len(tails[near]) == 1 else tails[near][0]
    return Unknown(text, meant, () if is_near else short)


def members_of_mask(vocabulary: type[Member], mask: int) -> tuple[Member, ...]:
    """The members whose bits are set, in the registry's order."""
    return tuple(member for member in vocabulary if mask >> int(member) & 1)


def words_of_mask(vocabulary: type[IntEnum], mask: int) -> tuple[str, ...]:
    """The words whose bits are set, in the registry's order."""
    return tuple(word_of(member) for member in members_of_mask(vocabulary, mask))


def mask_of_members(members: Iterable[IntEnum]) -> int:
    """The mask with one bit a member."""
    mask = 0
    for member in members:
        mask |= 1 << int(member)
    return mask


def mask_of(vocabulary: type[IntEnum], typed: Iterable[str]) -> int | Unknown:
    """The mask of typed words, or the first of them that is unknown."""
    members: list[IntEnum] = []
    for text in typed:
        member = lookup(vocabulary, text)
        if isinstance(member, Unknown):
            return member
        members.append(member)
    return mask_of_members(members)


def language_code(text: str) -> int | Unknown:
    """The code of a two-letter language (ISO 639-1): 26 times the first letter and the second, a being 0."""
    typed = text.strip().lower()
    if typed not in LANGUAGES:
        is_near = typed[:2] in LANGUAGES
        return Unknown(text, _nearest(typed[:2], LANGUAGES), () if is_near else LANGUAGES)
    return 26 * _LETTERS.index(typed[0]) + _LETTERS.index(typed[1])


def language_word(code: int) -> str:
    """The two letters of a language's code."""
    return _LETTERS[code // 26] + _LETTERS[code % 26]

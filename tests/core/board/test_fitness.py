"""Fitness in integers: what each part of a tier gives, and which band a rank is in."""

import pytest

from p2p_sos.core.board.fitness import TIER_MAX, band_of, capable, fitness, tier
from p2p_sos.core.board.judge import Judge
from p2p_sos.core.board.standing import Description
from p2p_sos.wire.messages import Call, Card
from p2p_sos.wire.registry import Need, Sector
from tests.core import mail
from tests.core.board.story import ROOTED, A

NEEDS = (Need.RESTORE_DATA, Need.INVESTIGATE, Need.PATCH)
CELL, OTHER_CELL = 0x0820007FFFFFFFFF, 0x0821007FFFFFFFFF


def mask(*bits: int) -> int:
    """A mask of these."""
    return sum(1 << bit for bit in bits)


def call_of(**fields: object) -> Call:
    """A CALL that asks for three things, of the seventh hour of its day."""
    told = {"needs": mask(*NEEDS), "languages": (3, 9), "cell": CELL, "epoch": 144 * 20_000 + 7 * 6} | fields
    message = mail.the_call(**told).message
    assert isinstance(message, Call)
    return message


def card_of(**fields: object) -> Card:
    """A CARD that fits in nothing but one skill."""
    told = {"epoch": 19_999, "skills": mask(Need.PATCH), "cell": 0} | fields
    message = mail.card(A, **told).message
    assert isinstance(message, Card)
    return message


def tier_of(card: Card, rings: int | None = None, *, rooted: bool = False, roots: bool = False) -> int:
    """The tier of a card for the call."""
    call = call_of()
    return tier(card, Description.of(call), call, rings, rooted, roots)


@pytest.mark.parametrize(
    ("fields", "rings", "expected"),
    [
        ({"skills": mask(Need.BANDWIDTH)}, None, 0),
        ({}, None, 1),  # 5 * 1 // 3
        ({"skills": mask(Need.PATCH, Need.INVESTIGATE)}, None, 3),  # 5 * 2 // 3
        ({"skills": mask(*NEEDS, Need.BANDWIDTH)}, None, 5),
        ({"cell": OTHER_CELL}, None, 1),
        ({"cell": OTHER_CELL}, 0, 5),
        ({"cell": OTHER_CELL}, 3, 2),
        ({"cell": OTHER_CELL}, 4, 1),
        ({"cell": OTHER_CELL}, 40, 1),
        ({"cell": 0}, 0, 1),
        ({"sectors": mask(Sector.HEALTH)}, None, 3),
        ({"sectors": mask(Sector.ENERGY)}, None, 1),
        ({"languages": (9,)}, None, 3),
        ({"languages": (4,)}, None, 1),
        ({"duty_hours": 1 << 7}, None, 3),
        ({"duty_hours": (2**24 - 1) ^ 1 << 7}, None, 1),
    ],
)
def test_parts_of_a_tier(fields: dict[str, object], rings: int | None, expected: int) -> None:
    """Each part gives what the specification says, alone."""
    assert tier_of(card_of(**fields), rings) == expected


def test_the_highest_tier_and_the_cap_without_a_root() -> None:
    """All parts together are 15; where the profile names roots, 7 without one."""
    best = card_of(
        skills=mask(*NEEDS), cell=CELL, sectors=mask(Sector.HEALTH), languages=(3,), duty_hours=1 << 7
    )
    assert tier_of(best, 0) == TIER_MAX == 15
    assert tier_of(best, 0, roots=True) == 7
    assert tier_of(best, 0, roots=True, rooted=True) == 15
    assert tier_of(card_of(), roots=True) == 1


def test_a_call_that_names_no_language_is_for_all() -> None:
    """The language part is given to everybody then."""
    call = call_of(languages=())
    assert tier(card_of(languages=()), Description.of(call), call, None, rooted=False, roots=False) == 3


def test_capable() -> None:
    """One skill, and a common language if the call names any."""
    asked = Description.of(call_of())
    assert capable(card_of(languages=(3,)), asked)
    assert not capable(card_of(languages=(4,)), asked)
    assert not capable(card_of(languages=(3,), skills=mask(Need.BANDWIDTH)), asked)
    assert capable(card_of(), Description.of(call_of(languages=())))


def test_order() -> None:
    """The higher tier first; within one, the lower hash, which nobody chooses."""
    call = mail.the_call().id
    assert fitness(call, b"\x01" * 32, 9) < fitness(call, b"\x02" * 32, 8)
    pair = sorted(fitness(call, bytes([n]) * 32, 4) for n in range(9))
    assert [place[0] for place in pair] == [-4] * 9
    assert len({place[1] for place in pair}) == 9


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_bands(k: int) -> None:
    """Band b holds the ranks from k(2^b - 1) to k(2^(b+1) - 1) - 1."""
    for band in range(6):
        first, after = k * (2**band - 1), k * (2 ** (band + 1) - 1)
        assert [band_of(rank, k) for rank in range(first, after)] == [band] * (after - first)


def test_a_judge_brings_profile_globe_and_roots() -> None:
    """The standing of a card; rings are asked only where both told a cell."""
    asked: list[tuple[int, int]] = []

    def rings(first: int, second: int) -> int:
        asked.append((first, second))
        return 1

    call, near = call_of(), mail.card(A, epoch=19_999, cell=OTHER_CELL, skills=mask(Need.PATCH))
    judge = Judge(rings=rings)
    standing = judge.standing(near, Description.of(call), call)
    assert (standing.tier, standing.group, standing.rooted, standing.slots) == (1 + 3, A.public, False, 4)
    assert asked == [(CELL, OTHER_CELL)]
    judge.standing(mail.card(A, cell=0), Description.of(call), call)
    assert len(asked) == 1
    assert judge.standing(near, Description.of(call), call, convicted=True).tier == -1
    tomorrow = mail.card(A, epoch=20_001)
    assert judge.standing(tomorrow, Description.of(call), call).tier == -1
    assert judge.standing(mail.card(A, epoch=20_000), Description.of(call), call).tier >= 0
    unknown = judge.standing(None, Description.of(call), call, responder=A.public)
    assert (unknown.tier, unknown.group, unknown.rooted) == (-1, A.public, False)


def test_groups() -> None:
    """Under roots: the group that one vouches for, else the one group of all the rest."""
    call, card = call_of(), mail.card(A, epoch=1)
    asked = Description.of(call)
    assert Judge(ROOTED).standing(card, asked, call).group == bytes(32)
    assert Judge(ROOTED).standing(None, asked, call, responder=A.public).group == bytes(32)
    known = Judge(ROOTED, accredits=lambda _: b"g" * 32).standing(card, asked, call)
    assert (known.group, known.rooted) == (b"g" * 32, True)

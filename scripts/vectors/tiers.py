"""Cards with their tiers for a call, ranks with their bands, cells with the rings between them.

Comes in: fixed seeds. Goes out: what becomes JSON. The numbers are written here by hand.
"""

from typing import Any

from p2p_sos.core.board.judge import Judge
from p2p_sos.core.board.standing import Description
from p2p_sos.drivers.cells import rings as rings_between
from p2p_sos.wire import registry as r
from p2p_sos.wire.messages import Call
from vectors.boards import DAY, DESCRIPTION, EPOCH, A
from vectors.samples import LABORATORY, NETWORK, VICTIM, VICTIM_EXCHANGE, open_cell_bytes, seed, stamped
from vectors.staging import ROOTED, card_of

NEEDS = (r.Need.RESTORE_DATA, r.Need.INVESTIGATE, r.Need.PATCH)
HERE, THERE = 0x0820007FFFFFFFFF, 0x0821007FFFFFFFFF
HOUR = EPOCH * r.CALL_EPOCH_S // 3600 % 24
EVERY_HOUR = 2**24 - 1


def _mask(*bits: int) -> int:
    return sum(1 << bit for bit in bits)


ASKED = {**DESCRIPTION, "needs": _mask(*NEEDS), "languages": (3, 9), "cell": HERE}
CALL = stamped(
    Call(signer=VICTIM.public, epoch=EPOCH, status=r.Status.ACTUAL, exchange_key=VICTIM_EXCHANGE.public, **ASKED),
    LABORATORY.stamp_effort_min,
)  # fmt: skip
BEST: dict[str, Any] = {
    "skills": _mask(*NEEDS), "cell": HERE, "sectors": _mask(r.Sector.HEALTH), "languages": (3,),
    "duty_hours": EVERY_HOUR,
}  # fmt: skip
ONE_SKILL = {"skills": _mask(r.Need.PATCH)}


def _tiers() -> list[tuple[str, dict[str, Any], int | None, dict[str, Any], int]]:
    """Why, fields of the card, rings to the call, what else is so, and the tier."""
    none: dict[str, Any] = {}
    return [
        ("no skill that is asked for", {"skills": _mask(r.Need.BANDWIDTH)}, None, none, 0),
        ("one skill of three, rounded down", ONE_SKILL, None, none, 1),
        ("two skills of three", {"skills": _mask(r.Need.PATCH, r.Need.INVESTIGATE)}, None, none, 3),
        ("all skills, and one more", {"skills": _mask(*NEEDS, r.Need.BANDWIDTH)}, None, none, 5),
        ("the same cell", {**ONE_SKILL, "cell": HERE}, 0, none, 5),
        ("three rings away", {**ONE_SKILL, "cell": THERE}, 3, none, 2),
        ("four rings away", {**ONE_SKILL, "cell": THERE}, 4, none, 1),
        ("more rings away than are counted", {**ONE_SKILL, "cell": THERE}, None, none, 1),
        ("a card without a cell", {**ONE_SKILL, "cell": 0}, 0, none, 1),
        ("the sector", {**ONE_SKILL, "sectors": _mask(r.Sector.HEALTH, r.Sector.FOOD)}, None, none, 3),
        ("another sector", {**ONE_SKILL, "sectors": _mask(r.Sector.FOOD)}, None, none, 1),
        ("a common language", {**ONE_SKILL, "languages": (4, 9)}, None, none, 3),
        ("no common language", {**ONE_SKILL, "languages": (4,)}, None, none, 1),
        ("on duty in the hour of the call", {**ONE_SKILL, "duty_hours": 1 << HOUR}, None, none, 3),
        ("on duty in all other hours", {**ONE_SKILL, "duty_hours": EVERY_HOUR ^ 1 << HOUR}, None, none, 1),
        ("everything", BEST, 0, none, 15),
        ("everything but a root, where the profile names roots", BEST, 0, {"roots": True}, 7),
        ("everything, and a root", BEST, 0, {"roots": True, "vouched": seed("group 0")}, 15),
        ("little, where the profile names roots", ONE_SKILL, None, {"roots": True}, 1),
        ("a card of the day of the call", {**BEST, "epoch": DAY}, 0, none, 15),
        ("a card of the day after", {**BEST, "epoch": DAY + 1}, 0, none, -1),
        ("convicted", BEST, 0, {"convicted": True}, -1),
    ]


BANDS = [
    (5, 0, 0), (5, 4, 0), (5, 5, 1), (5, 14, 1), (5, 15, 2), (5, 34, 2), (5, 35, 3), (3, 2, 0), (3, 3, 1),
    (3, 8, 1), (3, 9, 2), (2, 6, 2), (1, 0, 0), (1, 1, 1), (1, 2, 1), (1, 3, 2), (1, 7, 3), (1, 1022, 9),
]  # fmt: skip

VIENNA, PENTAGON = 0x0821E07FFFFFFFFF, 0x0820807FFFFFFFFF
RINGS = [
    ("the same cell", VIENNA, VIENNA, 0),
    ("one ring", VIENNA, 0x0821E0FFFFFFFFFF, 1),
    ("two rings", VIENNA, 0x0821E57FFFFFFFFF, 2),
    ("three rings", VIENNA, 0x0821E47FFFFFFFFF, 3),
    ("four rings", VIENNA, 0x0820897FFFFFFFFF, 4),
    ("five rings", VIENNA, 0x0820887FFFFFFFFF, None),
    ("the other side of the globe", HERE, THERE, None),
    ("the ancestor of resolution 1", VIENNA, 0x0811E3FFFFFFFFFF, 0),
    ("the ancestor of resolution 0", VIENNA, 0x0801FFFFFFFFFFFF, 0),
    ("beside a coarse cell: one ring of coarse cells", 0x0821E57FFFFFFFFF, 0x0811E3FFFFFFFFFF, 1),
    ("a pentagon and its neighbour", PENTAGON, 0x082082FFFFFFFFFF, 1),
    ("neighbours of a pentagon that are neighbours", 0x0820817FFFFFFFFF, 0x082081FFFFFFFFFF, 1),
    ("neighbours of a pentagon on two sides of it", 0x0820817FFFFFFFFF, 0x0820827FFFFFFFFF, 2),
    ("past a pentagon", 0x08208A7FFFFFFFFF, 0x082091FFFFFFFFFF, 3),
    ("past a pentagon, farther", 0x08208A7FFFFFFFFF, 0x082090FFFFFFFFFF, 4),
    ("base cells, one of them a pentagon", 0x08009FFFFFFFFFFF, 0x08001FFFFFFFFFFF, 1),
]


def _rings() -> list[dict[str, Any]]:
    cases = []
    for why, first, second, rings in RINGS:
        assert rings_between(first, second) == rings, why
        cases.append({"why": why, "first": f"{first:016x}", "second": f"{second:016x}", "rings": rings})
    return cases


def tiers() -> dict[str, Any]:
    """Cards and their tiers for one call; places and their bands for n lacking helpers; rings between cells."""
    call = CALL.message
    assert isinstance(call, Call), "a CALL"
    cases = []
    for why, fields, rings, beside, tier in _tiers():
        card, vouched = card_of(A, **fields), beside.get("vouched")
        judge = Judge(
            ROOTED if "roots" in beside else LABORATORY,
            rings=lambda _first, _second, rings=rings: rings,  # type: ignore[misc]
            accredits=lambda _card, vouched=vouched: vouched,  # type: ignore[misc]
        )
        standing = judge.standing(card, Description.of(call), call, "convicted" in beside)
        assert standing.tier == tier, why
        cases.append({
            "why": why, "card": open_cell_bytes(card).hex(), "rings": rings, "roots": "roots" in beside,
            "vouched": None if vouched is None else vouched.hex(), "convicted": "convicted" in beside,
            "tier": tier, "group": standing.group.hex(),
        })  # fmt: skip
    bands = [{"lacking": n, "place": place, "band": band} for n, place, band in BANDS]
    return {
        "network": NETWORK.hex(),
        "call": open_cell_bytes(CALL).hex(),
        "tiers": cases,
        "bands": bands,
        "rings": _rings(),
    }

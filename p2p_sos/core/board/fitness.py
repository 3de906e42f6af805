"""How well a responder fits a call, in integers, so that every node finds the same.

Decides tiers, the order of responders, who is able at all, and which band a rank is in. Comes in: a card, a call as it is
described, the rings between their cells. Goes out: numbers. Must not know boards, clocks, or who vouches for whom
and why.
"""

from p2p_sos.core.board.standing import Description, Fitness
from p2p_sos.wire.hashing import responder_key_hash
from p2p_sos.wire.messages import Call, CallId, Card, Key
from p2p_sos.wire.registry import CALL_EPOCH_S, CARD_EPOCH_S, TIER_WITHOUT_ROOT_MAX

SKILLS_TIER, NEARNESS_TIER, SECTOR_TIER, LANGUAGE_TIER, DUTY_TIER = 5, 4, 2, 2, 2
TIER_MAX = SKILLS_TIER + NEARNESS_TIER + SECTOR_TIER + LANGUAGE_TIER + DUTY_TIER
UNFIT = -1  # the tier of who ranks last and never leads
HOUR_S = 3600
UNROOTED = bytes(32)  # the one group of all whom no root vouches for, where the profile names roots


def speaks(card: Card, asked: Description) -> bool:
    """Whether the caller and the responder have a language in common, or the caller names none."""
    return not asked.languages or any(language in card.languages for language in asked.languages)


def capable(card: Card, asked: Description) -> bool:
    """Whether a call is meant for the responder of a card."""
    # "A call concerns a responder that has one of the skills asked for." (05-calls §9)
    return bool(card.skills & asked.needs) and speaks(card, asked)


def starts_unix_s(call: Call) -> int:
    """When the epoch of a call began; the hour and the day at which fitness is judged."""
    return call.epoch * CALL_EPOCH_S


def day_of(call: Call) -> int:
    """The epoch of a card that was made when the call was."""
    return starts_unix_s(call) // CARD_EPOCH_S


def is_later(card: Card, call: Call) -> bool:
    """Whether a card was made on a later day than the call."""
    return card.epoch > day_of(call)


def tier(  # noqa: PLR0913, PLR0917 (what a tier is made of)
    card: Card,
    asked: Description,
    call: Call,
    rings: int | None,
    rooted: bool,
    roots: bool,
) -> int:
    """0 to 15, the higher the fitter. `rooted`: a root vouches for the card; `roots`: the profile names any."""
    points = SKILLS_TIER * (card.skills & asked.needs).bit_count() // asked.needs.bit_count()
    if card.cell and asked.cell and rings is not None:
        points += max(0, NEARNESS_TIER - rings)
    if card.sectors >> asked.sector & 1:
        points += SECTOR_TIER
    if speaks(card, asked):
        points += LANGUAGE_TIER
    if card.duty_hours >> (starts_unix_s(call) // HOUR_S % 24) & 1:
        points += DUTY_TIER
    return min(points, TIER_WITHOUT_ROOT_MAX) if roots and not rooted else points


def fitness(call: CallId, responder: Key, tier_of_it: int) -> Fitness:
    """A responder's place among all that answer one call, ascending from the fittest."""
    return -tier_of_it, responder_key_hash(call, responder)


def band_of(rank: int, k: int) -> int:
    """The band of a rank counted from 0: band b holds the ranks from k(2^b - 1) to k(2^(b+1) - 1) - 1."""
    return (rank // k + 1).bit_length() - 1


def group_of(signer: Key, vouched: bytes | None, roots: bool) -> bytes:
    """Who answers for a responder; `vouched` is the group that a root names for it."""
    if vouched is not None:
        return vouched
    return UNROOTED if roots else signer

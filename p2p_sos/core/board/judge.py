"""What a responder's card is worth for one call: fitness, group, slots.

Decides nothing of its own: it brings the profile, the globe and the roots to the rules of `fitness`. Comes in: cards and
calls. Goes out: `CardStanding`s. Must not know boards, clocks, or which responder is this node's own.
"""

from collections.abc import Callable

from attrs import field, frozen

from p2p_sos.core.board.fitness import UNFIT, group_of, is_later, tier
from p2p_sos.core.board.standing import CardStanding, Description
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import NOTHING, Call, Card, Key
from p2p_sos.wire.profiles import PROFILES, Profile
from p2p_sos.wire.registry import SLOTS_MAX

Rings = Callable[[int, int], int | None]
Accredits = Callable[[Frame], bytes | None]


def nowhere(_first: int, _second: int) -> int | None:
    """Rings where nobody knows the globe: nothing is near."""
    return None


def nobody(_card: Frame) -> bytes | None:
    """Roots that vouch for nobody."""
    return None


@frozen
class Judge:
    """One for each node. `rings` counts H3 rings between two cells, None when they cannot be compared.

    `accredits` gives the group under which a root of the profile vouches for a CARD, or None.
    """

    profile: Profile = PROFILES["laboratory"]
    rings: Rings = field(default=nowhere, eq=False)
    accredits: Accredits = field(default=nobody, eq=False)

    def standing(
        self,
        card: Frame | None,
        asked: Description,
        call: Call,
        convicted: bool = False,
        responder: Key = NOTHING,
    ) -> CardStanding:
        """What a card is worth for a call as it is described; `responder` matters where its card is not known."""
        roots = bool(self.profile.roots)
        if card is None:
            return CardStanding(UNFIT, group_of(responder, None, roots), rooted=False, slots=SLOTS_MAX)
        message = card.message
        assert isinstance(message, Card), "a standing is judged by a CARD"
        vouched = self.accredits(card)
        rooted = vouched is not None
        group = group_of(message.signer, vouched, roots)
        if convicted or is_later(message, call):
            return CardStanding(UNFIT, group, rooted, message.slots)
        return CardStanding(self.tier_of(message, asked, call, rooted=rooted), group, rooted, message.slots)

    def tier_of(self, card: Card, asked: Description, call: Call, *, rooted: bool) -> int:
        """0 to 15, whatever the day of the card; `rooted`: a root vouches for it."""
        rings = self.rings(asked.cell, card.cell) if asked.cell and card.cell else None
        return tier(card, asked, call, rings, rooted, bool(self.profile.roots))

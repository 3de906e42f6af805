"""One responder with a seat on a board: what its log says, what its card is worth, and what a view shows of it.

Decides how one responder stands without looking at the others. Comes in: its log and its card's standing. Goes out: a
`Speaker`, made once for each change of either. Must not know other responders or time.
"""

from attrs import define, field

from p2p_sos.core.board.said import Said
from p2p_sos.core.board.standing import (
    CardStanding,
    ClaimStanding,
    DeclineStanding,
    Fitness,
    ReleaseStanding,
)
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import Claim, Decline, Key, MessageId, Release, Roster, StandDown
from p2p_sos.wire.registry import Detail, Reason


@define(eq=False)
class Speaker:
    """`fit`: its words may count among helpers, since its card is known, of no later day, and not convicted.

    `claims`: it claims, and did not take that back. `roster`: its newest one, if it claims, is fit, and did not hand it
    over. `epochs`: of all its rosters. `stood_down`: that is its newest word.
    """

    responder: Key
    fitness: Fitness
    said: Said
    card: CardStanding
    convicted: bool
    fit: bool = field(init=False)
    claims: bool = field(init=False)
    stood_down: bool = field(init=False)
    roster: Frame | None = field(init=False)
    epochs: tuple[tuple[int, MessageId], ...] = field(init=False)
    decline: DeclineStanding | None = field(init=False, default=None)
    release: ReleaseStanding | None = field(init=False, default=None)
    _shown: dict[tuple[bool, bool], ClaimStanding] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        said = self.said
        self.fit = self.card.tier >= 0
        self.claims = said.claims
        self.roster = said.roster if self.fit and self.claims else None
        self.epochs = tuple(_age(frame) for frame in said.rosters) if self.fit else ()
        message = None if said.stance is None else said.stance.message
        self.stood_down = isinstance(message, StandDown)
        match message:
            case Decline():
                self.decline = DeclineStanding(self.responder, message.reason, message.detail)
            case Release():
                self.release = ReleaseStanding(self.responder, message.reason, message.detail)
            case StandDown():
                self.release = ReleaseStanding(self.responder, Reason.UNNECESSARY, Detail.UNSPECIFIED)

    @property
    def group(self) -> bytes:
        """Who answers for it."""
        return self.card.group

    def claim(self, *, attested: bool, complied: bool) -> ClaimStanding:
        """Its claim as a view shows it, before time is looked at."""
        shown = self._shown.get((attested, complied))
        if shown is None:
            shown = self._shown[attested, complied] = self._claim(attested, complied)
        return shown

    def _claim(self, attested: bool, complied: bool) -> ClaimStanding:
        frame = self.said.claim
        assert frame is not None, "who claims has a CLAIM"
        claim = frame.message
        assert isinstance(claim, Claim), "who claims has a CLAIM"
        # "A claim is void if its key is convicted, or its slot is not below the `slots` of its card." (06-board §5)
        void = self.convicted or claim.slot >= self.card.slots
        return ClaimStanding(
            self.responder,
            frame.id,
            claim.manner,
            claim.card,
            attested,
            complied,
            dismissed=False,
            fitness=self.fitness,
            group=self.card.group,
            void=void,
        )


def _age(frame: Frame) -> tuple[int, MessageId]:
    """Ascending from the ROSTER of the highest epoch; of two alike, that of the lower id."""
    assert isinstance(frame.message, Roster), "the rosters of a log"
    return -frame.message.epoch, frame.id

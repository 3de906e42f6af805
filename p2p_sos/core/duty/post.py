"""What a lead remembers of one call: its place in the line, its reports, what it took over and gave away.

Decides nothing. Comes in and goes out: values, and the timers of a lead. Must not know boards, views or messages.
"""

from attrs import define, field, frozen

from p2p_sos.core.board.standing import Token
from p2p_sos.wire.messages import NOTHING, CallId, Handover, MessageId
from p2p_sos.wire.registry import ORPHAN_WAIT_S, Phase, SitrepStatus

INHERITED_MAX = 8  # guess: rosters that one node takes over by HANDOVER in one call, and HANDOVERs that wait

@frozen
class HoldEnds:
    """A timer: nobody leads, and this node waited long enough. Stale unless it is the call's newest."""

    call: CallId
    at: float


@frozen
class SitrepDue:
    """A timer: the lead reports; one that fires late shows that this process stood still. Stale unless the newest."""

    call: CallId
    at: float


@define(eq=False)
class Post:
    """One call that this node claimed.

    `place`, `placed_at`: while nobody leads, where it stands in the line, and since when.
    `waits_for`: what was said and is not on the board yet. `offered`: by the roster, HANDOVERs that came before what
    shows that their giver may give, and when. `fenced_at`: since when this node does not act as a lead.
    """

    hold_at: float | None = None
    place: int | None = None
    placed_at: float = 0.0
    sitrep_at: float | None = None
    reported: Token | None = None
    slow: bool = False
    wrote_at: float = 0.0
    rewrites: int = 0
    followed: MessageId = NOTHING
    waits_for: MessageId | None = None
    offered: dict[MessageId, tuple[Handover, float]] = field(factory=dict)
    inherited: dict[MessageId, None] = field(factory=dict)
    yielded: dict[MessageId, None] = field(factory=dict)
    fenced_at: float | None = None
    said: tuple[SitrepStatus, Phase] | None = None

    def stop(self) -> None:
        """It does not lead, or no longer."""
        self.sitrep_at = self.reported = None

    def offer(self, handover: Handover, now: float) -> None:
        """A HANDOVER names this node; of those that wait the newest stay."""
        self.offered[handover.roster] = handover, now
        if len(self.offered) > INHERITED_MAX:
            del self.offered[next(iter(self.offered))]

    def offers(self, now: float) -> list[Handover]:
        """The HANDOVERs that still wait, the first that came first."""
        # "A HANDOVER that comes before both waits for one of them, `orphan_wait_s` at most." (06-board §11.2)
        self.offered = {
            roster: waiting for roster, waiting in self.offered.items() if now < waiting[1] + ORPHAN_WAIT_S
        }
        return [handover for handover, _ in self.offered.values()]

"""What a lead remembers of one call: its place in the line, its reports, what it took over and gave away.

Decides how long this node waits in the line, and which handed rosters find room. Comes in and goes out: values, views of
the call, HANDOVERs, and the timers of a lead. Must not know boards, nor what is said.
"""

from attrs import define, field, frozen

from p2p_sos.core.board.standing import Token, View
from p2p_sos.wire.messages import NOTHING, CallId, Handover, Key, MessageId
from p2p_sos.wire.registry import ORPHAN_WAIT_S, Phase, SitrepStatus

OFFERED_MAX = 8  # guess: HANDOVERs that wait
INHERITED_MAX, OF_ONE_MAX = (
    64,
    2,
)  # guess: rosters that one node takes over by HANDOVER in one call; of one giver
UNREST_LEASES = 4  # a minute of S1: the aim is three changes of lead in it at most
PATIENCE_LEASES = 2  # guess: a lead that comes and goes is waited for so long at most
NEWCOMERS_SHARE = 0.5  # of HOLD (s): slow, seeds 0:40
LED_MAX = 16  # guess: leads of before that one node remembers of a call


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


@frozen
class LeadChange:
    """Another one leads; `back`: it led before."""

    at: float
    back: bool


@define(eq=False)
class Unrest:
    """Who led one call last, as this node saw it, and the last two changes of that."""

    lead: Key | None = None
    _changes: tuple[LeadChange, ...] = ()
    _led: dict[Key, None] = field(factory=dict)

    def note(self, lead: Key | None, now: float) -> None:
        """Somebody leads, or nobody; to lose a lead and find the same one again is no change."""
        if lead is None or lead == self.lead:
            return
        if self.lead is not None:
            self._changes = (*self._changes[-1:], LeadChange(now, lead in self._led))
        self.lead = lead
        self._led[lead] = None
        if len(self._led) > LED_MAX:
            del self._led[next(iter(self._led))]

    def lasts(self, lease_s: float, now: float) -> bool:
        """Whether both changes were lately, and somebody came back: a line comes and goes, and a third may bring a fourth."""
        if len(self._changes) < 2 or now >= self._changes[0].at + UNREST_LEASES * lease_s:
            return False
        # "and at one of these changes somebody came to lead who had led before" (06-board §11.2)
        return any(change.back for change in self._changes)

    def patience_s(self, lease_s: float, since: float) -> float:
        """How long to wait for a lead lost at `since`: where somebody came back this one may be no dead one."""
        if not self.lasts(lease_s, since):
            return 0.0
        # "instead of HOLD it waits until the first of these is four leases ago, two leases at most" (06-board §11.2)
        return min(self._changes[0].at + UNREST_LEASES * lease_s - since, PATIENCE_LEASES * lease_s)


@define(eq=False)
class Post:
    """One call that this node claimed.

    `place`, `placed_at`: while nobody leads, where it stands in the line, and since when; `lined_at`: since when at all.
    `claims`: how many it saw then.
    `waits_for`: what was said and is not on the board yet. `offered`: by the roster, HANDOVERs that came before what
    shows that their giver may give, and when. `fenced_at`: since when this node does not act as a lead.
    """

    hold_at: float | None = None
    place: int | None = None
    placed_at: float = 0.0
    lined_at: float = 0.0
    claims: int = 0
    sitrep_at: float | None = None
    reported: Token | None = None
    slow: bool = False
    wrote_at: float = 0.0
    rewrites: int = 0
    followed: MessageId = NOTHING
    waits_for: MessageId | None = None
    offered: dict[MessageId, tuple[Handover, float]] = field(factory=dict)
    inherited: dict[MessageId, Key] = field(factory=dict)  # and who gave it
    yielded: dict[MessageId, None] = field(factory=dict)
    fenced_at: float | None = None
    said: tuple[SitrepStatus, Phase] | None = None

    def stand(self, place: int, claims: int, view: View, now: float) -> None:
        """Nobody leads, and it stands here in the line."""
        hold_s = view.description.timing.hold_s
        if self.place is None:
            self.lined_at = now
        if place != self.place:
            # "or from HOLD after it came to stand in the line, whichever is sooner" (06-board §11.2): else whoever comes and
            # goes before it would keep the call without a lead.
            self.place, self.placed_at = place, min(now, self.lined_at + hold_s)
        if claims > self.claims and view.newest_roster == NOTHING:
            # "Before there is any roster it counts from the last claim that came, or half of HOLD after the first moment at
            # which it stood in the line, whichever is sooner." (06-board §11.2)
            self.placed_at = max(self.placed_at, min(now, self.lined_at + NEWCOMERS_SHARE * hold_s))
        self.claims = claims

    def stop(self) -> None:
        """It does not lead, or no longer."""
        self.sitrep_at = self.reported = None

    def offer(self, handover: Handover, now: float) -> None:
        """A HANDOVER names this node; of those that wait the newest stay."""
        self.offered[handover.roster] = handover, now
        if len(self.offered) > OFFERED_MAX:
            del self.offered[next(iter(self.offered))]

    def may_inherit(self, handover: Handover) -> bool:
        """Whether there is room for one more: no giver may take up the room of the others."""
        # "once for each roster, and twice for one giver at most" (06-board §11.2)
        of_one = sum(giver == handover.signer for giver in self.inherited.values())
        return of_one < OF_ONE_MAX and len(self.inherited) < INHERITED_MAX

    def offers(self, now: float) -> list[Handover]:
        """The HANDOVERs that still wait, the first that came first."""
        # "A HANDOVER that comes before waits for it, `orphan_wait_s` at most." (06-board §11.2)
        self.offered = {
            roster: waiting for roster, waiting in self.offered.items() if now < waiting[1] + ORPHAN_WAIT_S
        }
        return [handover for handover, _ in self.offered.values()]

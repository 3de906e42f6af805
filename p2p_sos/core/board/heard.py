"""What was heard of one responder about one call, and when.

Decides how long the lease of such a lead is. Comes in: values that `Leases` notes. Goes out: instants and spans. Must not
know boards, views, or what is done about it.
"""

from attrs import define, field

from p2p_sos.wire.messages import NOTHING, MessageId
from p2p_sos.wire.registry import LEASE_SLOW_FACTOR, LEASE_UNPROVEN_FACTOR, SITREPS_FAST, Timing

Newness = tuple[int, MessageId]
REPORTED_MAX = 2  # a report may come before the roster that it names, and the one before that still counts
EARLY_SHARE = 0.1  # as early as a report may be, of its pace


@define(eq=False)
class Heard:
    """What was heard of one responder, and when."""

    first: float
    newest: float
    met_at: float | None = None  # when V was heard first since `first`
    log: int = -1
    renew: int = -1
    sitrep: int = -1
    reports_from: float = 0.0  # when its first SITREP was heard
    sitrep_at: float = 0.0
    stance: Newness | None = None  # of its newest CLAIM, DECLINE, RELEASE or STAND_DOWN
    claims: bool = False
    left: int = -1  # the sequence of its newest word that takes a claim back
    left_at: float = 0.0
    roster: Newness | None = None
    roster_at: float = 0.0
    reported: dict[MessageId, float] = field(
        factory=dict
    )  # under which rosters lately, and when; the newest last
    comply: int = -1
    complied: MessageId = NOTHING
    complied_at: float = 0.0
    acted: tuple[int, float] = (0, 0.0)  # the sequence of the requisition under which it reported, and when

    @property
    def renewed_at(self) -> float:
        """Since when the lease of its newest ROSTER runs."""
        if self.roster is None:
            return self.roster_at
        return max(self.roster_at, self.reported.get(self.roster[1], self.roster_at))

    def report(self, roster: MessageId, now: float) -> None:
        """It reports under a roster."""
        # "A report under another roster, which may be on its way, takes nothing from that lease." (06-board §14)
        self.reported.pop(roster, None)
        self.reported[roster] = now
        if len(self.reported) > REPORTED_MAX:
            del self.reported[next(iter(self.reported))]

    def lead_lease_s(self, timing: Timing) -> float:
        """How long this one stays the lead without a report."""
        if self.sitrep < SITREPS_FAST:
            return float(timing.lease_s)
        # "Long enough is a tenth less than `sitreps_fast` · `sitrep_s`" (06-board §13): a number alone shows nothing.
        enough_s = (1 - EARLY_SHARE) * SITREPS_FAST * timing.sitrep_s
        proven = self.sitrep_at >= self.reports_from + enough_s
        return float(timing.lease_s * (LEASE_SLOW_FACTOR if proven else LEASE_UNPROVEN_FACTOR))

"""The lead of a call, and its members: who says what so that the help for a call has one head.

Decides when this node renews its claim, names a roster, reports, hands over, and falls silent as a lead that hears
nobody. Comes in: what boards say, timers, the word of the person on duty. Goes out: signed messages, timers, a
probe. Must not know policies, slots, cards or sealed letters.
"""

from collections.abc import Callable
from random import Random

from attrs import define, field, frozen

from p2p_sos.core.actions import Action
from p2p_sos.core.calls.calls import Calls
from p2p_sos.core.duty.author import Author
from p2p_sos.core.events import Event, OperatorReports
from p2p_sos.core.internal import Admitted, CallEnded, Probe, Publish, ViewChanged
from p2p_sos.wire.messages import CallId

Step = Action | Publish | Probe


@frozen
class RenewDue:
    """A timer: a claim of this node is to be renewed. Stale unless it is the call's newest."""

    call: CallId
    at: float


@frozen
class HoldEnds:
    """A timer: nobody leads, and this node waited long enough to name a roster."""

    call: CallId
    at: float


@frozen
class SitrepDue:
    """A timer: the lead reports. One that fires late shows that this process stood still."""

    call: CallId
    at: float


@define(eq=False)
class Lead:
    """What one responder says as a member and as the lead of the calls that it claimed.

    `heard()`: the local time at which any peer was heard last.
    """

    author: Author
    calls: Calls
    random: Random = field(repr=False)
    heard: Callable[[], float] = field(repr=False)

    def handle(self, event: Event | Admitted | CallEnded | ViewChanged, now: float) -> list[Step]:
        """One event."""
        return []

    def hand_over(self, call: CallId, now: float) -> list[Step]:
        """Before this node gives its claim back: whoever leads names a successor."""
        return []

    def report(self, event: OperatorReports, now: float) -> list[Step]:
        """The person on duty says how far it is."""
        return []

    def leads(self, call: CallId) -> bool:
        """Whether this node leads the help for a call, as far as it knows."""
        return False

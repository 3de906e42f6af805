"""The router's timers, as values. A stale one differs from what the router expects, and is passed over."""

from attrs import frozen


@frozen
class HeartbeatDue:
    """The n-th heartbeat."""

    number: int


@frozen
class AnnounceDue:
    """Waiting announcements go out."""

    at: float


@frozen
class WantDue:
    """Somebody must be asked for what is missing."""

    at: float


GossipTimer = HeartbeatDue | AnnounceDue | WantDue

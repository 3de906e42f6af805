"""Sync: every node asks one peer every few seconds what it lacks, and answers those who ask.

Decides whom to ask and when. Comes in: peers, frames of the sync stream, time. Goes out: `SendSync`, timers, and
`Offered` cells for the gate. Must not know what a message means, nor whether it is welcome.
"""

from random import Random

from attrs import define, field, frozen

from p2p_sos.core.actions import SendSync, SetTimer
from p2p_sos.core.events import PeerJoined, PeerLeft, Started, SyncReceived, TimerFired
from p2p_sos.core.internal import Offered, Probe
from p2p_sos.core.sync.holdings import Holdings
from p2p_sos.wire.registry import SYNC_PERIOD_S

SyncEvent = PeerJoined | PeerLeft | SyncReceived | TimerFired | Started | Probe
SyncStep = SendSync | SetTimer | Offered


@frozen
class SyncSettings:
    """What a node may choose for itself. `period_s` None: it asks nobody, and answers."""

    period_s: float | None = float(SYNC_PERIOD_S)


@frozen
class SyncDue:
    """It is time to ask a peer."""

    at: float


@define(eq=False)
class Sync:
    """One node's reconciliation with its peers."""

    _holdings: Holdings
    _random: Random
    _settings: SyncSettings = field(factory=SyncSettings)

    def handle(self, event: SyncEvent, now: float) -> list[SyncStep]:
        """One event."""
        match event:
            case Started() if self._settings.period_s is not None:
                at = now + self._random.uniform(0.0, self._settings.period_s)
                return [SetTimer(SyncDue(at), at)]
            case _:
                return []

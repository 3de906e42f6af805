"""A victim's case as a whole: composed, stamped, sealed on disk, then carried into the mesh.

In come what the victim says, a secret and relays. Out goes a case file, and a process that serves it until it is
stopped. Joins as an ephemeral peer: no listen address, a fresh host key at each start.
"""

from collections.abc import Callable, Sequence
from enum import Enum

import trio
from attrs import define, field, frozen

from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.drivers.casefile import CaseFile
from p2p_sos.drivers.home import CaseHome, Home
from p2p_sos.wire.registry import Certainty, Nature, Sector, Severity, Status, Urgency


@frozen
class CallPlan:
    """What the victim says: all public but `situation`, which goes sealed to accepted helpers."""

    needs: int
    status: Status = Status.ACTUAL
    severity: Severity = Severity.HIGH
    urgency: Urgency = Urgency.IMMEDIATE
    certainty: Certainty = Certainty.OBSERVED
    nature: Nature = Nature.OTHER__UNDETERMINED
    sector: Sector = Sector.OTHER
    languages: tuple[int, ...] = ()
    cell: int = 0
    situation: str = ""


@frozen
class NewCase:
    """A case that is on disk and not yet sent. `recovery_code` is shown once and kept nowhere."""

    home: CaseHome
    file: CaseFile
    call: bytes
    recovery_code: str | None
    effort: int


class CaseEnd(Enum):
    """Why `serve_case` returned."""

    STOPPED = "stopped"
    NO_RELAY = "no-relay"  # nobody took the call in time: it stays queued in the case file
    OVER = "over"  # the case was closed already: nothing to serve


@define
class CaseService:
    """A case that is being served, for the process that serves it."""

    home: CaseHome
    _stopping: trio.Event = field(factory=trio.Event)

    def stop(self) -> None:
        """End `serve_case`; the case stays open and can be resumed."""
        self._stopping.set()


async def create_case(
    home: Home,
    plan: CallPlan,
    *,
    passphrase: str | None,
    recovery_code: bool,
    bootstrap: Sequence[str],
    profile: str = "laboratory",
) -> NewCase:
    """Compose, stamp (in a thread), sign and keep a call; nothing is sent. Raises `Exists`, `HomeError`, `StoreError`."""
    raise NotImplementedError


def _nobody(_service: CaseService) -> None:
    pass


async def serve_case(
    case: CaseHome,
    file: CaseFile,
    bootstrap: Sequence[str],
    *,
    profile: str = "laboratory",
    gossip: GossipSettings = GossipSettings(),
    no_relay_after_s: float | None = None,
    ready: Callable[[CaseService], None] = _nobody,
    task_status: trio.TaskStatus[CaseService] = trio.TASK_STATUS_IGNORED,
) -> CaseEnd:
    """Serve an open case file until stopped; a case with a call that is not out yet sends it.

    With `no_relay_after_s`, ends with `NO_RELAY` when no relay ever took the call within that time of this start.
    The file is closed on return. Raises `Held`, `StoreError`.
    """
    raise NotImplementedError

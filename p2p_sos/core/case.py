"""The victim's case: one call from the first relay that takes it to its closing.

Decides what the victim signs, with which sequence, to whom it writes, and when it may say HEARD. Comes in:
the victim's decisions, admitted messages, peers, what the router sent or saw return, rows of the last run.
Goes out: rows, messages to publish, what to tell. Must not know how the call was stamped or relayed.
"""

from collections.abc import Callable, Sequence
from random import Random

from attrs import define, field, frozen

from p2p_sos.core.actions import Action
from p2p_sos.core.case_view import TRANSITIONS, CasePhase, CaseView, Helper
from p2p_sos.core.events import Event
from p2p_sos.core.gossip.rpc import PeerId
from p2p_sos.core.internal import Admitted, Echoed, Publish, Sent
from p2p_sos.core.letterbook import LetterRecord
from p2p_sos.wire.hashing import NetworkId
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import Call, CallId
from p2p_sos.wire.registry import Certainty, Nature, Sector, Severity, Status, Urgency

__all__ = [
    "TRANSITIONS", "Case", "CasePhase", "CaseView", "Helper", "LetterRecord", "VictimSecrets",
    "case_rows", "closed_case", "compose_call", "secrets_of",
]  # fmt: skip


@frozen
class VictimSecrets:
    """What makes a case: its signing key, its exchange key's seed (32 bytes), and the sealed situation."""

    call_key: SigningKey = field(repr=False)
    exchange_seed: bytes = field(repr=False)
    situation: str = field(repr=False)


def compose_call(  # noqa: PLR0913 (a call has that many fields, each named by its caller)
    secrets: VictimSecrets, *, epoch: int, status: Status, severity: Severity, urgency: Urgency,
    certainty: Certainty, nature: Nature, needs: int, sector: Sector, languages: tuple[int, ...] = (),
    cell: int = 0,
) -> Call:  # fmt: skip
    """The CALL of a case, to be stamped and sealed by the driver; `epoch` counts 600 s since 1970."""
    raise NotImplementedError


def case_rows(secrets: VictimSecrets) -> tuple[tuple[bytes, bytes], ...]:
    """The rows of `Table.CASE` that a new case file starts with, to be durable before `VictimCalls`."""
    raise NotImplementedError


def secrets_of(rows: Sequence[tuple[bytes, bytes]]) -> VictimSecrets | None:
    """The secrets in a case file's rows of `Table.CASE`; None once they were destroyed."""
    raise NotImplementedError


def closed_case(rows: Sequence[tuple[bytes, bytes]]) -> CaseView | None:
    """The view of a case that is over for good (keys gone), from its rows of `Table.CASE`; else None."""
    raise NotImplementedError


@define
class Case:
    """The victim's machine; one per process, one call per case."""

    secrets: VictimSecrets = field(repr=False)
    network: NetworkId
    entropy: Callable[[int], bytes] = field(repr=False)
    random: Random = field(repr=False)

    def handle(self, event: Event | Admitted | Sent | Echoed, now: float) -> list[Action | Publish]:
        """One event; Keep always stands before the Publish that depends on it."""
        del event, now
        return []

    def refusal(self, event: Event) -> str | None:
        """Why a victim's event would do nothing, in one sentence that names the next step; else None."""
        del event
        return None

    @property
    def call(self) -> CallId | None:
        """The id of the call, once it was made."""
        return None

    @property
    def listener(self) -> PeerId | None:
        """The peer to which nothing of the case is ever sent, so that its echo means HEARD."""
        return None

    @property
    def view(self) -> CaseView | None:
        """The case as the people see it; None before the call was made."""
        return None

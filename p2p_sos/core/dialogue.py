"""The responder's side of the sealed dialogue: one conversation with the victim of each call it claimed.

Decides when the first letter goes and which letters it can read. Comes in: own CLAIMs, LETTERs, the
operator's words, timers, the rows of the last run. Goes out: rows, LETTERs to publish, what to tell.
Must not know why the node claimed, nor who forwards its cells.
"""

from collections.abc import Callable
from random import Random

from attrs import define, field

from p2p_sos.core.actions import Action
from p2p_sos.core.events import Event
from p2p_sos.core.internal import Admitted, Publish
from p2p_sos.core.letterbook import LetterRecord
from p2p_sos.wire.hashing import NetworkId
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import CallId


@define
class Dialogue:
    """A responder's letters, of all its calls. `introduction` is sealed into each first letter."""

    network: NetworkId
    key: SigningKey = field(repr=False)
    introduction: str
    entropy: Callable[[int], bytes] = field(repr=False)
    random: Random = field(repr=False)

    def handle(self, event: Event | Admitted, now: float) -> list[Action | Publish]:
        """One event; Keep always stands before the Publish that depends on it."""
        del event, now
        return []

    def refusal(self, event: Event) -> str | None:
        """Why an operator's event would do nothing, in one sentence; None if it would."""
        del event
        return None

    def letters(self, call: CallId) -> tuple[LetterRecord, ...]:
        """Every letter of one call, both directions, as far as this process remembers."""
        del call
        return ()

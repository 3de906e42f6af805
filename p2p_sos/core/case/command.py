"""What the victim says in public about its own call, under its own sequence.

Decides the sequence, and whether the epoch has room. Comes in: what to say, rows of the last run, own messages that
turn up. Goes out: a signed frame and the row to keep before it. Must not know why it is said, nor who helps.
"""

from collections.abc import Sequence
from typing import Any

from attrs import define, field

from p2p_sos.core.actions import Forget, Keep
from p2p_sos.core.tables import Table
from p2p_sos.wire.canonical import pack, unpack
from p2p_sos.wire.frames import Frame, seal
from p2p_sos.wire.hashing import NetworkId
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import AllClear, Attest, CallId, Cancel, Requisition, Update
from p2p_sos.wire.registry import CALL_EPOCH_S, SEQUENCE_MAX, VICTIM_MESSAGES_PER_EPOCH

_TAG = b"victim"
UNCOUNTED = (Attest, Cancel, AllClear)
ATTEST_AFTER_S = 0.5  # guess: who makes contact within it is attested by one message
ATTEST_SLOWER = 3.0  # guess: each ATTEST of the last 600 s makes the next one wait so many times longer


@define
class Command:
    """The victim's sequence in one call. Sequence numbers begin at 1 and are used once."""

    key: SigningKey = field(repr=False)
    network: NetworkId
    _sequence: int = 0
    _epoch: int = 0
    _used: int = 0
    _attested_at: list[float] = field(factory=list)

    def restore(self, rows: Sequence[tuple[bytes, bytes]]) -> None:
        """Take the row of `Table.COUNTER` that is ours."""
        for key, value in rows:
            if key == _TAG + self.key.public:
                match unpack(value):
                    case [int(sequence), int(epoch), int(used)] if sequence <= SEQUENCE_MAX:
                        self._sequence, self._epoch, self._used = sequence, epoch, used

    def seen(self, sequence: int) -> None:
        """A message of our own carries this sequence: a lost counter must not repeat it."""
        self._sequence = max(self._sequence, sequence)

    def refusal(self, epoch: int) -> str | None:
        """Why nothing more may be said in this epoch of 600 s; ATTEST, CANCEL and ALL_CLEAR always may."""
        if epoch == self._epoch and self._used >= VICTIM_MESSAGES_PER_EPOCH:
            return (
                f"{VICTIM_MESSAGES_PER_EPOCH} public messages went out in these ten minutes, and relays take no more: "
                "wait for the next ten minutes, or write letters."
            )
        return None

    def attest_after_s(self, now: float) -> float:
        """How long to gather responders for the next ATTEST, so that readers have room for it."""
        # "It waits half a second for others, and three times longer for each ATTEST that it sent within
        # `call_epoch_s`." (07-dialogue §7)
        self._attested_at = [at for at in self._attested_at if at > now - CALL_EPOCH_S]
        return min(ATTEST_AFTER_S * ATTEST_SLOWER ** len(self._attested_at), CALL_EPOCH_S)

    def attested(self, now: float) -> None:
        """An ATTEST went out."""
        self._attested_at.append(now)

    def sign(
        self,
        kind: type[Update | Cancel | AllClear | Requisition | Attest],
        call: CallId,
        epoch: int,
        **said: Any,
    ) -> tuple[Keep, Frame]:
        """The next public message, and the row to keep before it is published."""
        if epoch != self._epoch:
            self._epoch, self._used = epoch, 0
        if kind not in UNCOUNTED:
            self._used += 1
        self._sequence += 1
        message = kind(call=call, signer=self.key.public, sequence=self._sequence, **said)
        # "The victim's sequence MUST be on disk before the message that carries it leaves." (07-dialogue §11)
        row = pack([self._sequence, self._epoch, self._used])
        return Keep(Table.COUNTER, _TAG + self.key.public, row), seal(message, self.network, self.key)

    def forget(self) -> Forget:
        """The row goes with the key."""
        return Forget(Table.COUNTER, _TAG + self.key.public)

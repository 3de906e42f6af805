"""The slots of one responder: how many calls it answers at once.

Decides which slot a claim takes, and that no slot epoch is used twice. Comes in: calls, rows of the last run.
Goes out: a slot and its epoch, with the row that must be durable first. Must not know why a call is claimed.
"""

from collections.abc import Sequence

from attrs import define, field

from p2p_sos.core.actions import Keep
from p2p_sos.core.tables import Table
from p2p_sos.wire.messages import CallId, Claim

PREFIX = b"slot:"
EPOCH_BYTES = 8
SLOT_EPOCH_MAX = 2**32 - 1


@define(eq=False)
class Slots:
    """Slots 0 to `most - 1`."""

    most: int
    _taken: dict[int, CallId] = field(factory=dict)
    _next_epoch: dict[int, int] = field(factory=dict)

    def restore(self, rows: Sequence[tuple[bytes, bytes]]) -> None:
        """Take the rows of `Table.COUNTER`; those of others are left alone."""
        for key, value in rows:
            epoch, whole = int.from_bytes(value, "big"), len(key) == len(PREFIX) + 1
            if key.startswith(PREFIX) and whole and epoch <= SLOT_EPOCH_MAX:
                self._next_epoch[key[len(PREFIX)]] = epoch

    def observe(self, claim: Claim) -> None:
        """An own CLAIM turned up: its slot epoch is used, whatever the counter says."""
        self._next_epoch[claim.slot] = max(self._next_epoch.get(claim.slot, 0), claim.slot_epoch + 1)

    def occupy(self, slot: int, call: CallId) -> None:
        """An own CLAIM that lives sits in this slot."""
        self._taken[slot] = call

    def is_free(self, slot: int) -> bool:
        """Whether no call sits in this slot."""
        return slot not in self._taken

    @property
    def free(self) -> int:
        """How many more calls may be answered."""
        return max(0, self.most - len(self._taken))

    def take(self, call: CallId) -> tuple[int, int, Keep]:
        """The lowest free slot, its next epoch, and the row to keep before the CLAIM is published."""
        assert self.free, "no slot is free"
        slot = next(s for s in range(self.most) if s not in self._taken)
        epoch = self._next_epoch.get(slot, 0)
        self._taken[slot], self._next_epoch[slot] = call, epoch + 1
        # "A slot and its epoch MUST NOT stand in two messages of one responder." (06-board §5)
        row = Keep(Table.COUNTER, PREFIX + bytes([slot]), (epoch + 1).to_bytes(EPOCH_BYTES, "big"))
        return slot, epoch, row

    def leave(self, call: CallId) -> bool:
        """Free the slot of a call; False if it had none."""
        slots = [slot for slot, taker in self._taken.items() if taker == call]
        for slot in slots:
            del self._taken[slot]
        return bool(slots)

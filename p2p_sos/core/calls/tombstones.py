"""The tombstones of a node: what remains of calls that are over, so that none of them is told again.

Decides which go when there are too many. Comes in: buried calls, rows of the last run, the time. Goes out: rows, and whose
tombstone went. Must not know boards, nor how a call ended.
"""

from collections.abc import Iterator

from attrs import define, field, frozen

from p2p_sos.wire.messages import CallId

TOMBSTONES_MAX = 65_536  # guess: 6 MB; a thousand calls a day for two months
TIME_BYTES = 8


@frozen
class Tombstone:
    """Until when a call is remembered, until when it could be admitted again without that, whether this node answered it."""

    until_unix_s: int
    ends_unix_s: int
    answered: bool

    @property
    def row(self) -> bytes:
        """The row of `Table.TOMBSTONE`."""
        times = self.until_unix_s.to_bytes(TIME_BYTES, "big") + self.ends_unix_s.to_bytes(TIME_BYTES, "big")
        return times + bytes([self.answered])

    @classmethod
    def of_row(cls, row: bytes) -> "Tombstone":
        """A row; an older one says only until when, and is taken as that of an answered call that could come back."""
        until, ends = (int.from_bytes(row[at : at + TIME_BYTES], "big") for at in (0, TIME_BYTES))
        if len(row) <= 2 * TIME_BYTES:
            return cls(until, until, True)
        return cls(until, ends, bool(row[2 * TIME_BYTES]))


@define(eq=False)
class Tombstones:
    """All of them, within a bound."""

    most: int = TOMBSTONES_MAX
    _held: dict[CallId, Tombstone] = field(factory=dict)

    def __contains__(self, call: object) -> bool:
        return call in self._held

    def __getitem__(self, call: CallId) -> Tombstone:
        return self._held[call]

    def __iter__(self) -> Iterator[CallId]:
        return iter(self._held)

    def put(self, call: CallId, tombstone: Tombstone) -> None:
        """A call is buried, now or in the last run."""
        self._held[call] = tombstone

    def weather(self, unix_s: float) -> tuple[CallId, ...]:
        """Drop those that nobody needs any more, and those beyond the bound."""
        gone = [call for call, stone in self._held.items() if stone.until_unix_s <= unix_s]
        for call in gone:
            del self._held[call]
        surplus = len(self._held) - self.most
        if surplus > 0:
            crowded = sorted(self._held, key=lambda call: self._order(call, unix_s))[:surplus]
            for call in crowded:
                del self._held[call]
            gone += crowded
        return tuple(gone)

    def _order(self, call: CallId, unix_s: float) -> tuple[bool, bool, int, CallId]:
        """Ascending from the one that goes first."""
        # "those of calls that have ended go first, then those of calls that the node never answered, and of each sort
        # those that end last" (05-calls §6)
        stone = self._held[call]
        return stone.ends_unix_s > unix_s, stone.answered, -stone.ends_unix_s, call

"""In which order helpers came to the victim: the number by which its people name each.

Decides who has which number, and that none ever becomes another's while the case lasts. Comes in: keys as they come,
rows of the last run. Goes out: numbers, a row of `Table.CASE`. Must not know what a helper said.
"""

from collections.abc import Container, Sequence

from attrs import define, field

from p2p_sos.core.actions import Keep
from p2p_sos.core.letters.letterbook import ROW_BYTES_MAX
from p2p_sos.core.tables import Table
from p2p_sos.wire.canonical import pack, unpack
from p2p_sos.wire.keys import KEY_BYTES
from p2p_sos.wire.messages import Key
from p2p_sos.wire.registry import BOARD_RESPONDERS_MAX

HELPERS = b"helpers"
NUMBER_BYTES = 8
# In one string: an array of the canonical encoding has too few elements for all of them.
PAIR_BYTES = KEY_BYTES + NUMBER_BYTES


@define
class Arrivals:
    """One number each, counted from 1; by key they could be had by grinding, and would move when somebody comes."""

    _numbers: dict[Key, int] = field(factory=dict)
    _last: int = 0
    _kept: bool = True

    def number(self, responder: Key, seated: Container[Key]) -> int:
        """The number of a responder; the next one if it has none. Of those not `seated` the oldest is forgotten."""
        if responder not in self._numbers:
            self._last += 1
            self._numbers[responder], self._kept = self._last, False
            if len(self._numbers) > BOARD_RESPONDERS_MAX:
                gone = next((key for key in self._numbers if key not in seated), responder)
                del self._numbers[gone]
                return self._last
        return self._numbers[responder]

    def keep(self) -> list[Keep]:
        """The row, if it changed since it was asked for last."""
        if self._kept:
            return []
        self._kept = True
        pairs = b"".join(key + number.to_bytes(NUMBER_BYTES, "big") for key, number in self._numbers.items())
        return [Keep(Table.CASE, HELPERS, pack([self._last, pairs]))]

    def restore(self, rows: Sequence[tuple[bytes, bytes]]) -> None:
        """The numbers of the last run; a case of an earlier version has none, and numbers anew."""
        match unpack(dict(rows).get(HELPERS, b""), longest=ROW_BYTES_MAX):
            case [int(last), bytes(pairs)] if len(pairs) % PAIR_BYTES == 0:
                self._last = last
                for at in range(0, len(pairs), PAIR_BYTES):
                    key, number = pairs[at : at + KEY_BYTES], pairs[at + KEY_BYTES : at + PAIR_BYTES]
                    self._numbers[key] = int.from_bytes(number, "big")

"""How many cells one signer may still send in one call, and with which numbers.

Decides when a letter may leave. Comes in: how many cells are wanted, and the wall clock. Goes out: numbers and
the row that makes them durable. Must not know what the cells hold.

The wall clock counts here, not the monotonic one, because the relays' budget outlasts a crash of ours.
"""

import math

from attrs import define, field

from p2p_sos.core.actions import Forget, Keep
from p2p_sos.core.tables import Table
from p2p_sos.wire.canonical import pack, unpack
from p2p_sos.wire.messages import CallId, Key
from p2p_sos.wire.registry import LETTER_WINDOW_S, LETTERS_PER_WINDOW, SEQUENCE_MAX

ACKNOWLEDGEMENT_RESERVE = 6  # guess: cells of a window that only acknowledgements may use
STRANGER_RESERVE = 10  # guess: cells of a window that are never spent on who was not accepted
WINDOW_MARGIN_S = 15  # guess: relays count at arrival, which wanders against our sending
_TAG = b"postage"


def postage_key(call: CallId, signer: Key) -> bytes:
    """The row of `Table.COUNTER` that holds one signer's postage in one call."""
    return _TAG + call + signer


@define
class Postage:
    """The outer numbers of one signer's LETTERs in one call, and the cells of its current window."""

    call: CallId
    signer: Key
    _next: int = 1
    _sent_unix_s: list[int] = field(factory=list)

    def _window(self, unix_s: float) -> list[float]:
        # A clock that was set back must not lock the signer up: nothing was sent later than now.
        sent = [min(float(at), unix_s) for at in self._sent_unix_s]
        return sorted(at for at in sent if at > unix_s - LETTER_WINDOW_S - WINDOW_MARGIN_S)

    def free(self, unix_s: float, reserve: int = 0) -> int:
        """How many cells may leave now, `reserve` left untouched."""
        return LETTERS_PER_WINDOW - reserve - len(self._window(unix_s))

    def free_at_unix_s(self, unix_s: float, count: int, reserve: int = 0) -> float:
        """When `count` cells may leave, `reserve` left untouched."""
        window = self._window(unix_s)
        too_many = len(window) + count - (LETTERS_PER_WINDOW - reserve)
        if too_many <= 0:
            return unix_s
        assert too_many <= len(window), "more cells wanted than a window ever gives"
        return window[too_many - 1] + LETTER_WINDOW_S + WINDOW_MARGIN_S + 1

    def take(self, count: int, unix_s: float) -> tuple[int, Keep]:
        """The first of `count` consecutive numbers, and the row to keep before the cells leave."""
        first = self._next
        self._next += count
        # Whole seconds, rounded up: rounding down would open the window early.
        now_unix_s = max(0, math.ceil(unix_s))
        self._sent_unix_s = [*map(int, self._window(unix_s)), *[now_unix_s] * count]
        row = pack([self._next, [*self._sent_unix_s]])
        return first, Keep(Table.COUNTER, postage_key(self.call, self.signer), row)

    def seen(self, number: int) -> None:
        """A cell of our own carries this number: a lost counter must not repeat it."""
        self._next = max(self._next, number + 1)

    def forget(self) -> Forget:
        """The row goes with the call."""
        return Forget(Table.COUNTER, postage_key(self.call, self.signer))


def read_postage(key: bytes, value: bytes, signer: Key) -> Postage | None:
    """The postage that an earlier run kept for `signer`; None if the row is none of it."""
    if not key.startswith(_TAG) or not key.endswith(signer) or len(key) != len(_TAG) + 64:
        return None
    match unpack(value):
        case [int(following), [*sent]] if 1 <= following <= SEQUENCE_MAX:
            times = [at for at in sent if isinstance(at, int)][-LETTERS_PER_WINDOW:]
            return Postage(key[len(_TAG) : -32], signer, following, times)
    return None

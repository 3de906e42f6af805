"""Notices as JSON, and the fan-out of them to whoever listens.

In come notices, one by one, in order. Out go objects such as `{"notice": "call-heard", "at_unix_s": t, "call": "ab.."}` to
each listener. A listener that reads too slowly is cut off, so that it can cost neither memory nor anybody's time.
"""

import math
from enum import Enum, IntEnum
from typing import Any

import trio
from attrs import define, field, fields

from p2p_sos.core.notices import Notice
from p2p_sos.wire.vocabulary import word_of

WAITING_MAX = 1024  # guess: notices that may wait for one listener
LISTENERS_MAX = 64  # guess

Json = dict[str, Any]


def plain(value: Any) -> Any:
    """A field of a notice or a view as JSON: bytes as hex, words as words."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, IntEnum):
        return word_of(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def name_of(notice: Notice) -> str:
    """`CallHeard` is "call-heard"."""
    name = type(notice).__name__
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


def notice_json(notice: Notice, at_unix_s: float) -> Json:
    """One notice as the event stream shows it."""
    told = {attribute.name: plain(getattr(notice, attribute.name)) for attribute in fields(type(notice))}
    return {"notice": name_of(notice), "at_unix_s": at_unix_s, **told}


@define(eq=False)
class Hub:
    """Everybody who listens to the event stream."""

    _listeners: dict[int, "trio.MemorySendChannel[Json]"] = field(factory=dict)
    _next: int = 0
    _closed: bool = False

    def publish(self, told: Json) -> None:
        """Hand one object to every listener; one whose queue is full is cut off."""
        for number, channel in list(self._listeners.items()):
            try:
                channel.send_nowait(told)
            except (trio.WouldBlock, trio.BrokenResourceError):
                self._drop(number)

    def listen(self) -> "trio.MemoryReceiveChannel[Json] | None":
        """What is published from now on; None when there are too many listeners or the hub is closed."""
        if self._closed or len(self._listeners) >= LISTENERS_MAX:
            return None
        send, receive = trio.open_memory_channel[Json](WAITING_MAX)
        self._listeners[self._next] = send
        self._next += 1
        return receive

    def close(self) -> None:
        """End every stream."""
        self._closed = True
        for number in list(self._listeners):
            self._drop(number)

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def _drop(self, number: int) -> None:
        self._listeners.pop(number).close()

"""How much of anything a node takes: buckets of tokens, sliding windows, lanes.

Decides whether one more fits. Comes in: local times. Goes out: yes or no, never a punishment: "Overload
is never a peer's fault." Must not know what is counted.
"""

from enum import Enum

from attrs import define, field, frozen

from p2p_sos.wire.messages import Message
from p2p_sos.wire.registry import Kind


class Lane(Enum):
    """What shares a reserve: a flood in one lane leaves the others as they were."""

    __hash__ = object.__hash__  # Enum's own is a function of Python, and every message asks for its lane

    VICTIM = "victim"
    CALL = "call"
    BOARD = "board"
    LETTER = "letter"
    CARD = "card"
    STRANGER = "stranger"


LANES: dict[Kind, Lane] = {
    Kind.CALL: Lane.CALL,
    Kind.LETTER: Lane.LETTER,
    Kind.CARD: Lane.CARD,
    Kind.PROOF: Lane.CARD,
}


def lane_of(message: Message, *, by_victim: bool) -> Lane:
    """The lane of a message.

    The victims' lane is for the signers of known calls alone: anybody may write a victim's kind.
    """
    if by_victim and message.KIND is not Kind.LETTER:
        return Lane.VICTIM
    return LANES.get(message.KIND, Lane.BOARD)


@frozen
class Width:
    """A lane's share: messages under verification at once, and admitted a second, with a burst."""

    verifying_max: int
    per_s: float
    burst: int


# guess, all of it: one core verifies 20,000 signatures or 2,000 stamps a second, and a store keeps
# 5,000 rows; together the lanes stay far below either. Calls have the profile's own numbers.
WIDTHS: dict[Lane, Width] = {
    Lane.VICTIM: Width(256, 200.0, 512),
    Lane.CALL: Width(128, 0.0, 0),
    Lane.BOARD: Width(256, 300.0, 1024),
    Lane.LETTER: Width(256, 200.0, 1024),
    Lane.CARD: Width(128, 100.0, 2048),
    Lane.STRANGER: Width(32, 20.0, 256),
}


@define
class Bucket:
    """Tokens that grow by `per_s` up to `burst`."""

    per_s: float
    burst: float
    _tokens: float = field(init=False)
    _at: float | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._tokens = self.burst

    def has(self, now: float) -> bool:
        """Whether there is a token; none is taken."""
        grown = 0.0 if self._at is None else (now - self._at) * self.per_s
        return self._tokens + grown >= 1

    def take(self, now: float) -> bool:
        """Take one token if there is one."""
        if self._at is not None:
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.per_s)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def due_s(self) -> float:
        """Seconds after the last `take` until the next token."""
        return max(0.0, (1 - self._tokens) / self.per_s)


@define
class Window:
    """At most `most` in any `length_s` seconds for each key; the keys longest unused are forgotten first."""

    most: int
    length_s: float
    keys_max: int
    _times: dict[tuple[bytes, bytes], list[float]] = field(factory=dict, init=False)

    def take(self, key: tuple[bytes, bytes], now: float) -> bool:
        """Count one for `key` if there is room."""
        times = self._times.pop(key, None) or []  # few: a deque of one takes six times the room
        self._times[key] = times
        while len(self._times) > self.keys_max:
            del self._times[next(iter(self._times))]
        if times and times[0] <= now - self.length_s:
            times[:] = [at for at in times if at > now - self.length_s]
        if len(times) >= self.most:
            return False
        times.append(now)
        return True


@define
class Gauge:
    """How many of each lane are under verification."""

    _there: dict[Lane, int] = field(factory=lambda: dict.fromkeys(Lane, 0), init=False)

    def enter(self, lane: Lane) -> bool:
        """One more, if the lane has room."""
        if self._there[lane] >= WIDTHS[lane].verifying_max:
            return False
        self._there[lane] += 1
        return True

    def leave(self, lane: Lane) -> None:
        """One less."""
        self._there[lane] -= 1
        assert self._there[lane] >= 0, "left twice"

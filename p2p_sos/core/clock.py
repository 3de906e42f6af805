"""The wall clock, as far as a pure machine may know it: what the driver last said, carried on.

Decides the epochs of UTC. Comes in: `ClockRead` with the local monotonic time beside it. Goes out: seconds
since 1970. Must not know where either comes from.
"""

from attrs import define

from p2p_sos.wire.registry import CALL_EPOCH_S, CARD_EPOCH_S

LEAP_S = 600.0  # guess: more than any drift in a minute, less than what ends a call


@define
class Clock:
    """Wall-clock time by the last reading. Before the first one every time is 0."""

    _unix_s: float = 0.0
    _read_at: float = 0.0
    leapt: bool = False  # the last reading was far from what the one before it promised

    def read(self, unix_s: float, now: float) -> None:
        """The driver looked at the clock."""
        self.leapt = self._unix_s > 0 and abs(unix_s - self.unix_s(now)) > LEAP_S
        self._unix_s, self._read_at = unix_s, now

    def unix_s(self, now: float) -> float:
        """Seconds since 1970 at local time `now`."""
        return self._unix_s + (now - self._read_at)

    def local(self, unix_s: float) -> float:
        """The local time at which the wall clock will show `unix_s`, if it runs well."""
        return self._read_at + (unix_s - self._unix_s)

    def call_epoch(self, now: float) -> int:
        """The epoch that a CALL made now carries."""
        return max(0, int(self.unix_s(now))) // CALL_EPOCH_S

    def card_epoch(self, now: float) -> int:
        """The UTC day."""
        return max(0, int(self.unix_s(now))) // CARD_EPOCH_S

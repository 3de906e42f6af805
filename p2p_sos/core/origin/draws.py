"""Draws that hide an origin: from true entropy, each for itself.

Decides nothing. Comes in: entropy. Goes out: shares, waits, choices. A generator whose other draws show in the times of
gossip would, in the end, show these too; and nothing is drawn where no origin is hidden.
"""

from collections.abc import Callable, Sequence
from math import log1p
from typing import TypeVar

from attrs import field, frozen

Thing = TypeVar("Thing")
BYTES, BITS = 8, 53  # a share has as many bits as a float holds


@frozen
class Draws:
    """`entropy(n)` gives n bytes that nobody foresees."""

    entropy: Callable[[int], bytes] = field(repr=False)

    def share(self) -> float:
        """A number from 0 to 1, 1 left out."""
        return float((int.from_bytes(self.entropy(BYTES), "big") >> (8 * BYTES - BITS)) / 2**BITS)

    def exponential(self, mean: float) -> float:
        """A waiting time of that mean."""
        return -mean * log1p(-self.share())

    def choice(self, among: Sequence[Thing]) -> Thing:
        """One of these, each as likely as any other."""
        return among[int(self.share() * len(among))]

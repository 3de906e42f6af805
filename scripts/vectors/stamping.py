"""Stamps: single tries, and searches.

Comes in: fixed seeds. Goes out: what becomes JSON.
"""

from typing import Any

from p2p_sos.wire import stamps
from p2p_sos.wire.frames import Stamp
from vectors.samples import seed


def stamp_cases() -> dict[str, Any]:
    """Single tries, and the first stamps found from a nonce."""
    tries, found = [], []
    for number in range(8):
        identity, stamp = seed(f"stamped {number}"), Stamp(seed(f"nonce {number}", 16), 1 + number % 4)
        value = stamps.stamp_value(identity, stamp)
        holds = stamps.holds(identity, stamp)
        tries.append(
            {
                "id": identity.hex(),
                "nonce": stamp.nonce.hex(),
                "effort": stamp.effort,
                "r": value,
                "holds": holds,
            }
        )
    for effort in (1, 16, 64):
        identity = seed(f"solved {effort}")
        start = b"\xff" * 16
        stamp = stamps.solve(identity, effort, start=start)
        found.append(
            {"id": identity.hex(), "effort": effort, "start": start.hex(), "nonce": stamp.nonce.hex()}
        )
    return {"tries": tries, "found": found}

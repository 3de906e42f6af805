"""Stamps: the memory-hard work that a CALL or a CARD carries.

Decides whether a stamp holds. Comes in: the id of a message, a nonce, an effort. Goes out: a `Stamp`, or a
`Refusal`. Draws no randomness: whoever solves gives the nonce to start from. One try costs about 0.5 ms.
"""

import itertools
from collections.abc import Iterator

from argon2.low_level import ARGON2_VERSION, Type, hash_secret_raw

from p2p_sos.wire.frames import Stamp
from p2p_sos.wire.hashing import blake2b
from p2p_sos.wire.messages import MessageId
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import (
    STAMP_LANES,
    STAMP_MEMORY_KIB,
    STAMP_NONCE_BYTES,
    STAMP_OUTPUT_BYTES,
    STAMP_PASSES,
)

EFFORT_BYTES = 4
EFFORT_MAX = 2**32 - 1
TARGET = 2**32 - 1


def stamp_value(message_id: MessageId, stamp: Stamp) -> int:
    """R: the 32-bit number that a stamp comes to; the smaller, the more work stands behind it."""
    effort = stamp.effort.to_bytes(EFFORT_BYTES, "big")
    output = hash_secret_raw(
        secret=stamp.nonce + effort,
        salt=blake2b("esos/1 stamp salt", message_id, size=16),
        time_cost=STAMP_PASSES,
        memory_cost=STAMP_MEMORY_KIB,
        parallelism=STAMP_LANES,
        hash_len=STAMP_OUTPUT_BYTES,
        type=Type.ID,
        version=ARGON2_VERSION,
    )
    return int.from_bytes(blake2b("esos/1 stamp", output, effort, size=4), "big")


def holds(message_id: MessageId, stamp: Stamp) -> bool:
    """Whether the work was done that the stamp claims; true of one try in `effort`."""
    # "A stamp holds if and only if R · E is at most 2^32 - 1." (03-keys §6)
    return stamp_value(message_id, stamp) * stamp.effort <= TARGET


def verify_stamp(message_id: MessageId, stamp: Stamp | None, minimum: int) -> Refusal | None:
    """Why the stamp does not let the message in, or None."""
    if stamp is None:
        return Refusal(Reason.STAMP, "no stamp")
    if stamp.effort < minimum:
        return Refusal(Reason.STAMP, f"effort {stamp.effort} where {minimum} is the least")
    return None if holds(message_id, stamp) else Refusal(Reason.STAMP, "the work was not done")


def search(message_id: MessageId, effort: int, *, start: bytes) -> Iterator[Stamp | None]:
    """One try an item: None for a failure, and the stamp, last, for success. Stop it whenever you like."""
    assert 1 <= effort <= EFFORT_MAX, f"effort {effort}"
    assert len(start) == STAMP_NONCE_BYTES, f"a nonce has {STAMP_NONCE_BYTES} bytes"
    first = int.from_bytes(start, "big")
    for step in itertools.count():
        nonce = (first + step) % 2 ** (8 * STAMP_NONCE_BYTES)
        stamp = Stamp(nonce.to_bytes(STAMP_NONCE_BYTES, "big"), effort)
        if holds(message_id, stamp):
            yield stamp
            return
        yield None


def solve(message_id: MessageId, effort: int, *, start: bytes) -> Stamp:
    """Try nonces upward from the 16 bytes `start`; takes `effort` tries on average."""
    return next(stamp for stamp in search(message_id, effort, start=start) if stamp is not None)

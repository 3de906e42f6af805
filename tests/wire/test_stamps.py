"""Stamps: the work is what it claims to be, and no step of it is hidden."""

import itertools
from hashlib import blake2b

from argon2.low_level import Type, hash_secret_raw
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_sos.wire.frames import Stamp
from p2p_sos.wire.refusals import Reason
from p2p_sos.wire.stamps import EFFORT_MAX, holds, search, solve, stamp_value, verify_stamp

ID = b"\x07" * 32


@settings(max_examples=20)
@given(effort=st.integers(1, 40), start=st.binary(min_size=16, max_size=16))
def test_a_solved_stamp_holds(effort: int, start: bytes) -> None:
    """Whatever nonce it starts from, the search ends at a stamp that verifies."""
    stamp = solve(ID, effort, start=start)
    assert stamp.effort == effort
    assert verify_stamp(ID, stamp, effort) is None


def test_the_search_is_deterministic_and_can_be_stopped() -> None:
    """Each item is one try; taking them one by one ends at the stamp that `solve` finds."""
    steps = list(search(ID, 32, start=bytes(16)))
    assert steps[-1] == solve(ID, 32, start=bytes(16))
    assert all(step is None for step in steps[:-1])
    assert len(list(itertools.islice(search(ID, EFFORT_MAX, start=bytes(16)), 3))) == 3


def test_the_nonce_wraps_around() -> None:
    """A search that starts at the last nonce goes on at the first."""
    start = b"\xff" * 16
    tries = list(itertools.islice(search(ID, 4, start=start), 20))
    found = tries[-1]
    assert found is not None
    assert found.nonce == ((2**128 - 1 + len(tries) - 1) % 2**128).to_bytes(16, "big")


@settings(max_examples=30)
@given(nonce=st.binary(min_size=16, max_size=16), effort=st.integers(1, EFFORT_MAX))
def test_a_stamp_holds_by_its_value_alone(nonce: bytes, effort: int) -> None:
    """R times E is at most 2^32 - 1, with both in 32 bits; effort 1 always holds."""
    stamp = Stamp(nonce, effort)
    value = stamp_value(ID, stamp)
    assert 0 <= value < 2**32
    assert holds(ID, stamp) == (value * effort < 2**32)
    assert holds(ID, Stamp(nonce, 1))


def test_the_value_is_the_one_of_the_specification() -> None:
    """R is made of Argon2id over nonce and effort, salted with the id, and of the effort once more."""
    stamp, effort = Stamp(bytes(range(16)), 0x01020304), bytes([1, 2, 3, 4])
    salt = blake2b(bytes([17]) + b"esos/1 stamp salt" + ID, digest_size=16).digest()
    output = hash_secret_raw(bytes(range(16)) + effort, salt, 1, 1024, 1, 32, Type.ID)
    value = blake2b(bytes([12]) + b"esos/1 stamp" + output + effort, digest_size=4).digest()
    assert stamp_value(ID, stamp) == int.from_bytes(value, "big")


def test_the_effort_takes_part_in_the_value() -> None:
    """A nonce found for a small effort cannot be sold as a larger one."""
    values = [stamp_value(ID, Stamp(bytes(16), effort)) for effort in range(1, 9)]
    assert len(dict.fromkeys(values)) == len(values)


def test_what_is_missing_or_too_little_is_named() -> None:
    """No stamp, too little effort and undone work are refused as a stamp."""
    for stamp in (None, solve(ID, 3, start=bytes(16)), Stamp(bytes(16), EFFORT_MAX)):
        refusal = verify_stamp(ID, stamp, 4)
        assert refusal is not None
        assert refusal.reason is Reason.STAMP

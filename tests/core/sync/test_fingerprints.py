"""Why a fingerprint is a hash of the sorted ids, and no sum of them."""

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_sos.core.sync import tree as tree_module
from p2p_sos.core.sync.tree import Tree
from p2p_sos.wire.messages import MessageId
from p2p_sos.wire.sync import EMPTY, fingerprint, nibbles
from tests.core.sync.neighbourhood import DAY, Neighbourhood, name_id

Ids = st.lists(st.binary(min_size=32, max_size=32), unique=True, max_size=80).map(sorted).map(tuple)


def exclusive_or(ids: tuple[MessageId, ...]) -> bytes:
    """The tempting fingerprint: the exclusive or of a hash of each id."""
    total = 0
    for one in ids:
        total ^= int.from_bytes(hashlib.blake2b(one, digest_size=16).digest(), "big")
    return total.to_bytes(16, "big")


def unseen(candidates: list[MessageId]) -> list[MessageId]:
    """A set of ids whose exclusive or is nothing, by elimination; it takes milliseconds."""
    rows: dict[int, tuple[int, int]] = {}
    for number, one in enumerate(candidates):
        value, chosen = int.from_bytes(exclusive_or((one,)), "big"), 1 << number
        while value and value.bit_length() in rows:
            other, others = rows[value.bit_length()]
            value, chosen = value ^ other, chosen ^ others
        if not value:
            return [c for at, c in enumerate(candidates) if chosen >> at & 1]
        rows[value.bit_length()] = value, chosen
    raise AssertionError("129 vectors of 128 bits are dependent")


def _meet(seed: int) -> bool:
    """Whether two nodes agree, one of which alone was given a liar's set of ids."""
    draws = random.Random(seed)
    two = Neighbourhood()
    for name in ("one", "two"):
        two.add(name)
        two.hold(name, DAY, [name_id(f"card {index}") for index in range(300)])
    two.hold("one", DAY, unseen([draws.randbytes(32) for _ in range(129)]))
    two.link("two", "one")
    return two.is_agreed()


def test_ids_cannot_be_chosen_so_that_nobody_misses_them() -> None:
    """A set that an exclusive or would not see is seen, and travels."""
    assert _meet(1)


def test_an_exclusive_or_would_be_fooled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: with that fingerprint the two nodes call themselves equal, and stay different."""
    monkeypatch.setattr(tree_module, "fingerprint", exclusive_or)
    assert not _meet(1)


@given(Ids, Ids)
def test_other_ids_other_fingerprint(one: tuple[bytes, ...], other: tuple[bytes, ...]) -> None:
    """Equal if and only if the sets are."""
    assert (fingerprint(one) == fingerprint(other)) == (one == other)


@given(Ids, st.binary(max_size=4).map(lambda b: bytes(n & 15 for n in b)))
def test_a_branch_is_what_begins_with_its_prefix(ids: tuple[bytes, ...], prefix: bytes) -> None:
    """`under`, its fingerprint, and those of its children, by the book."""
    made = Tree(ids)
    under = tuple(one for one in ids if nibbles(one, len(prefix)) == prefix)
    assert made.under(prefix) == under
    assert made.fingerprint(prefix) == (fingerprint(under) if under else EMPTY)
    for nibble, child in enumerate(made.children(prefix)):
        longer = prefix + bytes([nibble])
        assert child == fingerprint(tuple(one for one in under if nibbles(one, len(longer)) == longer))

"""Which calls stay buried when there are too many graves."""

from p2p_sos.core.calls.tombstones import Tombstone, Tombstones

NOW = 1_000_000
DAY_S = 86_400


def stone(ends_in_s: int, *, answered: bool = False) -> Tombstone:
    """The tombstone of a call that ends in so many seconds, of a life of a week."""
    return Tombstone(NOW + ends_in_s + 7 * DAY_S, NOW + ends_in_s, answered)


def test_a_flood_of_long_lived_calls_digs_out_nobody_else() -> None:
    """A cancelled call that could come back by sync stays buried, whoever closes how many calls of a longer life."""
    graves = Tombstones(most=10)
    graves.put(b"cancelled", stone(DAY_S))
    graves.put(b"answered", stone(7 * DAY_S, answered=True))
    for index in range(100):
        graves.put(b"flood %02d" % index, stone(6 * DAY_S + index))
        graves.weather(NOW)
    assert b"cancelled" in graves
    assert b"answered" in graves
    assert len(tuple(graves)) == 10


def test_what_cannot_come_back_goes_first() -> None:
    """Then what this node never answered; an answered call, whose sequences must not be used twice, goes last."""
    graves = Tombstones(most=3)
    graves.put(b"ended", stone(-1, answered=True))
    graves.put(b"stranger", stone(DAY_S))
    graves.put(b"answered", stone(2 * DAY_S, answered=True))
    for index, expected in enumerate((b"ended", b"stranger", b"new 0")):
        graves.put(b"new %d" % index, stone(index, answered=True) if index else stone(2 * DAY_S))
        gone = graves.weather(NOW)
        if index == 0:
            assert gone == (expected,)
    assert b"answered" in graves
    assert b"ended" not in graves


def test_what_stays_depends_on_no_order() -> None:
    """The same graves, dug in another order, and the same stay."""
    stones = {b"call %d" % index: stone(index * 997 % 50, answered=index % 3 == 0) for index in range(40)}
    one, other = Tombstones(most=12), Tombstones(most=12)
    for call, grave in stones.items():
        one.put(call, grave)
    for call, grave in reversed(stones.items()):
        other.put(call, grave)
    one.weather(NOW)
    other.weather(NOW)
    assert sorted(one) == sorted(other)


def test_rows_come_back() -> None:
    """Also those of an earlier version, which say only until when: they are kept as the dearest."""
    for one in (stone(5), stone(DAY_S, answered=True)):
        assert Tombstone.of_row(one.row) == one
    old = Tombstone.of_row((NOW + 5).to_bytes(8, "big"))
    assert (old.until_unix_s, old.ends_unix_s, old.answered) == (NOW + 5, NOW + 5, True)

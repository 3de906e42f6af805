"""Slots by themselves: what is given back is another promise when it is given again."""

from p2p_sos.core.duty.slots import Slots


def test_no_slot_epoch_is_given_twice() -> None:
    """Not even where nobody showed the CLAIM between, and the row that is kept always lies ahead of what was used."""
    slots, given = Slots(2), []
    for turn in range(20):
        slot, epoch, row = slots.take(bytes([turn]))
        given.append((slot, epoch))
        assert int.from_bytes(row.value, "big") > epoch
        slots.leave(bytes([turn]))
    assert len(set(given)) == len(given)

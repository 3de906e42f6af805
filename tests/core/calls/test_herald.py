"""What is news to people, and what is none."""

from p2p_sos.core.calls.herald import DESCRIBED, tidings
from p2p_sos.core.notices import CallRefined
from tests.core import mail
from tests.core.calls.test_gate import Door, call


def test_an_update_that_changes_nothing_is_no_news() -> None:
    """A sign of life is told to nobody; one that changes a word is, and so is the one that takes it back."""
    door, one = Door(), call()
    door.ask(one)
    same = {name: getattr(one.message, name) for name in DESCRIBED}
    told = []
    for sequence, needs in ((1, 1), (2, 1), (3, 3), (4, 3), (5, 1)):
        word = mail.update(one, sequence, **{**same, "needs": needs})
        assert door.ask(word) == "accept"
        told.append(tidings(word, door.archive.calls, None))
    assert same["needs"] != 1
    assert told == [CallRefined(one.id), None, CallRefined(one.id), None, CallRefined(one.id)]
    late = mail.update(one, 4, **{**same, "needs": 5})
    assert tidings(late, door.archive.calls, None) is None, "not the newest"

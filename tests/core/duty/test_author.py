"""The own log: each sequence once, whatever crashes."""

from p2p_sos.core.duty.author import RESERVED, Author
from p2p_sos.core.duty.slots import Slots
from p2p_sos.wire.frames import decode
from p2p_sos.wire.messages import NOTHING, Claim, Release, Renew, Sitrep
from p2p_sos.wire.refusals import Refusal
from p2p_sos.wire.registry import Detail, Phase, Reason, SitrepStatus
from tests.core import mail

KEY = mail.key("author")
CALL = mail.the_call()
REPORT = {
    "requisition": 0,
    "roster": NOTHING,
    "status": SitrepStatus.MITIGATING,
    "phase": Phase.ALERFA,
    "alive": (),
}
RELEASE = {"reason": Reason.UNABLE, "detail": Detail.BUSY}


def test_a_chain() -> None:
    """Sequences rise by one, each entry names the one before, and every frame decodes."""
    author = Author(KEY, mail.NETWORK)
    rows, frames = zip(*(author.sign(Release, CALL.id, (), **RELEASE) for _ in range(3)), strict=True)
    messages = [frame.message for frame in frames]
    assert [m.sequence for m in messages] == [0, 1, 2]
    assert [m.previous for m in messages] == [NOTHING, frames[0].id, frames[1].id]
    assert not any(isinstance(decode(frame.cell, mail.NETWORK), Refusal) for frame in frames)
    assert len({row.key for row in rows}) == 1


def test_a_restart_goes_on() -> None:
    """From the row that stood before the message, the next sequence follows and none is used twice."""
    author = Author(KEY, mail.NETWORK)
    row, first = author.sign(Release, CALL.id, (), **RELEASE)
    again = Author(KEY, mail.NETWORK)
    again.restore([(row.key, row.value), (b"slot:\x00", bytes(8))])
    _, second = again.sign(Release, CALL.id, (), **RELEASE)
    assert (second.message.sequence, second.message.previous) == (1, first.id)


def test_a_lost_counter_is_noticed() -> None:
    """An own message beyond the counter moves it; a known one, or another's, does not."""
    author = Author(KEY, mail.NETWORK)
    stray = mail.claim(CALL, KEY, 4)
    assert author.observe(stray)
    assert not author.observe(stray)
    assert not author.observe(mail.claim(CALL, mail.key("another"), 9))
    _, frame = author.sign(Release, CALL.id, (), **RELEASE)
    assert (frame.message.sequence, frame.message.previous) == (5, stray.id)


def test_logs_are_per_call() -> None:
    """Two calls have two chains."""
    author, other = Author(KEY, mail.NETWORK), mail.the_call(epoch=1)
    for call in (CALL, other):
        assert author.sign(Release, call.id, (), **RELEASE)[1].message.sequence == 0


def test_heads_never_repeat_the_previous_entry() -> None:
    """What stands in `previous` does not stand in `heads` again."""
    author = Author(KEY, mail.NETWORK)
    _, first = author.sign(Release, CALL.id, (), **RELEASE)
    seen = mail.claim(CALL, mail.key("another")).id
    _, second = author.sign(Release, CALL.id, sorted([first.id, seen]), **RELEASE)
    assert second.message.heads == (seen,)


def test_registers_count_by_themselves() -> None:
    """RENEW and SITREP have rows of their own beside the log, and most need no write."""
    author = Author(KEY, mail.NETWORK)
    rows, sequences = [], []
    for _ in range(RESERVED + 1):
        kept, frame = author.sign_register(Renew, CALL.id, claim=NOTHING)
        rows += kept
        sequences.append(frame.message.sequence)  # type: ignore[union-attr]
    assert sequences == list(range(RESERVED + 1))
    assert len(rows) == 2, "one before the first, one when the block is used up"
    assert author.sign(Release, CALL.id, (), **RELEASE)[1].message.sequence == 0
    assert author.sign_register(Sitrep, CALL.id, **REPORT)[1].message.sequence == 0


def test_a_restart_repeats_no_register() -> None:
    """Wherever the crash falls in a block, the next run begins after all that the block covers."""
    author = Author(KEY, mail.NETWORK)
    rows, used = [], []
    for _ in range(5):
        kept, frame = author.sign_register(Renew, CALL.id, claim=NOTHING)
        rows += [(row.key, row.value) for row in kept]
        used.append(frame.message.sequence)  # type: ignore[union-attr]
    again = Author(KEY, mail.NETWORK)
    again.restore(rows)
    assert not again.observe(frame), "what the block covers is no loss"
    later = again.sign_register(Renew, CALL.id, claim=NOTHING)[1].message.sequence  # type: ignore[union-attr]
    assert later > max(used)
    lost = Author(KEY, mail.NETWORK)
    assert lost.observe(frame), "without the rows it is one"
    assert lost.sign_register(Renew, CALL.id, claim=NOTHING)[1].message.sequence == max(used) + 1  # type: ignore[union-attr]


def test_slot_epochs_are_used_once() -> None:
    """A slot that was left and taken again has a new epoch, over restarts and lost counters too."""
    slots = Slots(2)
    assert slots.take(b"a")[:2] == (0, 0)
    slot, epoch, row = slots.take(b"b")
    assert (slot, epoch, slots.free) == (1, 0, 0)
    assert slots.leave(b"b")
    assert not slots.leave(b"b")
    again = Slots(2)
    again.restore([(row.key, row.value)])
    again.occupy(0, b"a")
    assert again.take(b"c")[:2] == (1, 1)
    claim = mail.claim(CALL, KEY, slot=1, slot_epoch=9).message
    assert isinstance(claim, Claim)
    again.observe(claim)
    again.leave(b"c")
    assert again.take(b"d")[:2] == (1, 10)

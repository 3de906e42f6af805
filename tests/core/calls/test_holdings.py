"""What sync compares of a node, and what it brings."""

from p2p_sos.core.calls.admission import verdict_of
from p2p_sos.core.calls.archive import Archive
from p2p_sos.core.calls.budgets import WIDTHS, Lane
from p2p_sos.core.calls.calls import Calls
from p2p_sos.core.calls.gate import Welcomed
from p2p_sos.core.calls.holdings import PROOFS, ArchiveHoldings
from p2p_sos.core.internal import Offered
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.registry import CALL_EPOCH_S, CARD_EPOCH_S, S1, VICTIM_MESSAGES_PER_EPOCH
from tests.core import mail
from tests.core.calls.test_gate import call, card
from tests.core.door import Door
from tests.core.world import START_UNIX_S

A, B = mail.key("A"), mail.key("B")
CALL = mail.the_call()
UNIX_S = float(mail.EPOCH * CALL_EPOCH_S)


def archive_of(*frames: Frame) -> Archive:
    """An archive that took these."""
    archive = Archive(Calls(8))
    for frame in frames:
        archive.take(frame, gossip_id(frame.cell, canonical=True), UNIX_S)
    return archive


def ids_of(holdings: ArchiveHoldings) -> dict[bytes, tuple[bytes, ...]]:
    """The ids of every tree."""
    return {name: tree.ids for name, tree in holdings.trees().items()}


def test_a_board_is_compared_with_its_cards_and_without_registers_or_letters() -> None:
    """Logs, V's words, the CALL and the cards that claims name; in whatever order they came."""
    named = mail.card(A)
    claim = mail.claim(CALL, A, card=named.id)
    said = [CALL, claim, named, mail.update(CALL, 1), mail.release(CALL, B)]
    beside = [mail.renew(CALL, A, 1), mail.sitrep(CALL, A, 1), mail.letter(CALL, A, 0)]
    holdings = ArchiveHoldings(archive_of(*said, *beside))
    assert holdings.trees()[CALL.id].ids == tuple(sorted(frame.id for frame in said))
    other = ArchiveHoldings(archive_of(CALL, *reversed(said[1:])))
    assert ids_of(other) == ids_of(holdings)
    day = named.message.epoch.to_bytes(4, "big")  # type: ignore[union-attr]
    assert holdings.trees()[day].ids == (named.id,)
    assert PROOFS not in holdings.trees()
    assert holdings.cell(claim.id) == claim.cell
    assert holdings.registers(CALL.id) == (beside[1].cell, beside[0].cell)
    assert holdings.registers(bytes(32)) == ()


def test_what_did_not_change_is_the_same_object() -> None:
    """A tree is made anew when something that it compares came, and never else."""
    archive = archive_of(CALL, mail.claim(CALL, A))
    holdings = ArchiveHoldings(archive)
    before = holdings.trees()[CALL.id]
    archive.take(mail.renew(CALL, A, 1), bytes(20), UNIX_S)
    assert holdings.trees()[CALL.id] is before
    archive.take(mail.claim(CALL, B), bytes(20), UNIX_S)
    assert holdings.trees()[CALL.id] is not before


def test_of_a_call_that_its_victim_closed_the_closing_alone_is_compared() -> None:
    """Two nodes that missed different claims of a closed call have nothing more to tell each other."""
    cancel = mail.cancel(CALL, 3)
    one = ArchiveHoldings(archive_of(CALL, mail.claim(CALL, A), cancel))
    other = ArchiveHoldings(archive_of(CALL, mail.claim(CALL, B), cancel))
    assert ids_of(one) == ids_of(other) == {CALL.id: tuple(sorted((CALL.id, cancel.id)))}


def test_a_hidden_call_is_not_told() -> None:
    """Whoever asks a victim's own process learns nothing of its call until it is in the mesh."""
    archive = archive_of(CALL, mail.renew(CALL, A, 1))
    holdings = ArchiveHoldings(archive, lambda: mail.V.public)
    assert holdings.trees() == {}
    assert holdings.registers(CALL.id) == ()
    assert ArchiveHoldings(archive).trees() != {}


# ------------------------------------------------------------------------- what sync brings


def bring(door: Door, frame: Frame) -> str:
    """Offer a cell as sync does, and say what became of it."""
    door.verdicts.pop(gossip_id(frame.cell, canonical=True), None)
    door.perform(door.gate.offered(Offered(frame.cell, "peer"), door.now))
    return door.said(frame.cell)


def test_a_call_comes_by_sync_until_it_ends() -> None:
    """A CALL of hours ago is too old for gossip and not for sync; one of the future, or that ended, is for neither."""
    door, now = Door(), int(START_UNIX_S) // CALL_EPOCH_S
    late, ended = call("late", epoch=now - 50), call("over", epoch=now - S1.life_s // CALL_EPOCH_S - 1)
    future = call("future", epoch=now + 3)
    assert [door.ask(frame) for frame in (late, ended, future)] == ["ignore epoch"] * 3
    assert [bring(door, frame) for frame in (late, ended, future)] == [
        "accept",
        "ignore closed",
        "ignore epoch",
    ]
    assert not door.gate.admission.gossips(late, door.now)
    assert door.ask(mail.claim(late, A)) == "accept"


def test_sync_obeys_the_bound_of_calls_and_not_their_rate() -> None:
    """A node that slept gets more calls at once than the rate allows; gossip (control) makes them wait."""
    door, crowd = Door(), [call(f"crowd {index}") for index in range(103)]
    assert [bring(door, frame) for frame in crowd] == ["accept"] * len(crowd)
    control = Door()
    assert "waits" in [control.ask(frame) for frame in crowd]


def test_sync_counts_no_windows_and_keeps_to_the_lanes() -> None:
    """A whole board comes at once; junk of strangers is bounded by their lane."""
    door, one = Door(), call()
    others = [call(f"other {number}") for number in range(30)]
    for each in (one, *others):
        bring(door, each)
    words = [mail.attest(one, mail.key(s), sequence=s + 1) for s in range(2 * VICTIM_MESSAGES_PER_EPOCH)]
    assert [bring(door, word) for word in words] == ["accept"] * len(words)
    junk = [bring(door, mail.claim(each, mail.key(f"junk {i}"))) for i in range(10) for each in others]
    assert junk.count("accept") <= WIDTHS[Lane.STRANGER].burst
    assert "ignore budget" in junk
    assert bring(door, mail.update(one, 90)) == "accept"


def test_an_old_card_comes_by_sync_if_a_claim_names_it() -> None:
    """Whoever joins on the third day of a call still learns what its helpers are worth."""
    door, now = Door(), int(START_UNIX_S)
    one, old = call("old", epoch=now // CALL_EPOCH_S - 100), card(A, now // CARD_EPOCH_S - 4)
    bring(door, one)
    assert bring(door, old) == "ignore epoch"
    assert bring(door, mail.claim(one, A, card=old.id)) == "accept"
    assert door.ask(old) == "ignore epoch"
    assert bring(door, old) == "accept"
    assert bring(door, old) == "ignore known"
    assert old.id in door.archive.calls.board(one.id).cards


def test_what_comes_both_ways_is_verified_once() -> None:
    """A cell that sync offers while gossip's copy is verified waits for the same verdict."""
    door, one = Door(), call()
    door.verify_at_once = False
    door.ask(one)
    assert bring(door, one) == "waits"
    assert len(door.verifying) == 1
    door.answer(door.verifying.pop())
    assert door.said(one.cell) == "accept"
    assert verdict_of(None).value == "accept"
    assert Welcomed(one, bytes(20)).synced is False


def test_whose_call_is_hidden_is_asked_once_for_all_boards() -> None:
    """A victim's node looks at its case once, not once for each of a hundred calls; the hidden board alone is left out."""
    asked: list[None] = []

    def hidden() -> bytes:
        asked.append(None)
        return CALL.message.signer

    others = [call("another"), call("a third")]
    holdings = ArchiveHoldings(archive_of(CALL, *others), hidden)
    assert sorted(holdings.trees()) == sorted(call.id for call in others)
    assert len(asked) == 1

"""What a node keeps: cards with the boards whose claims name them, convictions, and conflicts that it notices."""

from attrs import define, evolve, field

from p2p_sos.core.actions import Forget
from p2p_sos.core.calls.accuser import Accuser, places, proof_of
from p2p_sos.core.calls.archive import Archive, Taken
from p2p_sos.core.calls.calls import Calls
from p2p_sos.core.calls.cards import Cards
from p2p_sos.core.calls.memory import Arrival
from p2p_sos.wire.checks import check_proof
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.messages import Claim, Proof
from p2p_sos.wire.registry import CALL_EPOCH_S, CARD_EPOCH_S
from tests.core import mail

A, B = mail.key("A"), mail.key("B")
CALL, OTHER = mail.the_call(), mail.the_call(cell=0, epoch=mail.EPOCH + 1)
UNIX_S = float(mail.EPOCH * CALL_EPOCH_S)


@define
class Shelf:
    """An archive that knows `CALL`; `rows` are the ids that a store would hold."""

    archive: Archive = field(factory=lambda: Archive(Calls(8), Cards(1), accuser=Accuser(mail.NETWORK)))
    rows: dict[bytes, None] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.take(CALL)

    def take(self, frame: Frame, now: float = 0.0) -> Taken:
        """A frame is admitted."""
        taken = self.archive.take(frame, gossip_id(frame.cell, canonical=True), UNIX_S, now)
        for row in taken.rows:
            if isinstance(row, Forget):
                self.rows.pop(row.key, None)
            else:
                self.rows[row.key] = None
        return taken

    def tier(self, call: Frame = CALL) -> int:
        """What A's claim on the board of a call is worth."""
        claim = self.archive.calls[call.id].view.claim_of(A.public)
        assert claim is not None
        return -claim.fitness[0]


def test_a_board_takes_the_card_that_a_claim_names_in_either_order() -> None:
    """Card first or claim first: the view is the same; without the card the claimer ranks last."""
    card = mail.card(A)
    claim = mail.claim(CALL, A, card=card.id)
    one, other, without = Shelf(), Shelf(), Shelf()
    for frame in (card, claim):
        one.take(frame)
    for frame in (claim, card):
        other.take(frame)
    without.take(claim)
    assert one.tier() == other.tier() > 0
    assert one.archive.calls[CALL.id].view == other.archive.calls[CALL.id].view
    assert without.tier() == -1
    assert without.archive.calls.wants(card.id)
    assert not other.archive.calls.wants(card.id)


def test_a_card_that_a_claim_names_stays_with_the_board() -> None:
    """A card that the table has no room for, or whose days are over, stays while a board needs it, and no longer."""
    shelf, card = Shelf(), mail.card(A)
    shelf.take(card)
    shelf.take(mail.claim(CALL, A, card=card.id))
    shelf.take(mail.card(B, slots=9))
    shelf.take(mail.card(B, slots=8))
    shelf.archive.cards.expire(card.message.epoch + 9)  # type: ignore[union-attr]
    assert not len(shelf.archive.cards)
    assert card.id in shelf.rows
    assert shelf.tier() > 0
    assert shelf.archive.memory.frame(card.id) == card
    shelf.take(OTHER)
    shelf.take(mail.claim(OTHER, A, 0, card=card.id, slot=1))
    for call in (CALL, OTHER):
        assert card.id in shelf.rows
        taken = shelf.archive.calls.bury(call.id)
        for row in shelf.archive._forget(taken):
            shelf.rows.pop(row.key, None)  # type: ignore[union-attr]
    assert card.id not in shelf.rows


def test_an_old_card_is_taken_for_a_board_alone() -> None:
    """A card of a day long past serves the board whose claim names it, and nobody ranks by it."""
    shelf = Shelf()
    card = mail.card(A, epoch=int(UNIX_S) // CARD_EPOCH_S - 5)
    assert not shelf.take(card).kept
    shelf.take(mail.claim(CALL, A, card=card.id))
    assert shelf.take(card).kept
    assert shelf.tier() > 0
    assert A.public not in shelf.archive.cards.newest


def test_conflicting_messages_give_one_proof_wherever_they_meet() -> None:
    """Two entries for one place, or one slot epoch in two calls, in either order: the same PROOF, and it holds."""
    entry = [mail.claim(CALL, A, slot=slot) for slot in (0, 1)]
    slots = [mail.claim(CALL, A, 0), mail.claim(OTHER, A, 1)]
    for first, second in (entry, slots):
        proofs = []
        for pair in ((first, second), (second, first)):
            shelf = Shelf()
            shelf.take(OTHER)
            assert shelf.take(pair[0]).proof is None
            proofs.append(shelf.take(pair[1]).proof)
        assert proofs[0] is not None
        assert proofs[0] == proofs[1]
        assert isinstance(proofs[0].message, Proof)
        assert check_proof(proofs[0].message, mail.NETWORK) is None
    honest = Shelf()
    honest.take(OTHER)
    said = [
        mail.claim(CALL, A),
        mail.release(CALL, A),
        mail.claim(OTHER, A, slot_epoch=1),
        mail.renew(CALL, A, 1),
    ]
    assert [honest.take(frame).proof for frame in said] == [None] * 4
    assert [honest.take(frame).proof for frame in said] == [None] * 4, "the same again is no conflict"


def test_a_conflict_that_the_bounds_do_not_keep_is_seen() -> None:
    """An old entry in two versions convicts though the board keeps only newer ones."""
    shelf = Shelf()
    for sequence in range(20):
        shelf.take(mail.claim(CALL, A, sequence, slot_epoch=sequence))
    kept = min(f.message.sequence for f in shelf.archive.calls.board(CALL.id).of(A.public))  # type: ignore[union-attr]
    second = mail.claim(CALL, A, kept, slot_epoch=99)
    taken = shelf.take(second)
    assert taken.proof is not None


def test_the_accuser_remembers_what_is_held_and_nothing_else() -> None:
    """What goes from the boards goes from it, and a victim's ATTESTs never come in."""
    accuser = Accuser(mail.NETWORK)
    claims = [mail.claim(CALL, A, sequence, slot_epoch=sequence) for sequence in range(5)]
    for claim in claims:
        accuser.remember(claim)
    assert accuser.knows(A.public)
    for claim in claims:
        accuser.forget(claim)
    assert not accuser.knows(A.public)
    assert not accuser._held
    assert places(mail.attest(CALL, A)) == ()
    assert places(mail.vouch(CALL, A, B)) != ()


def test_a_proof_convicts_on_every_board_and_on_those_that_come() -> None:
    """Claims of a convicted key are void, on boards that are there and on later ones; its cards count no more."""
    shelf, card = Shelf(), mail.card(A)
    shelf.take(card)
    shelf.take(mail.claim(CALL, A, card=card.id))
    proof = proof_of(*(mail.claim(CALL, A, 7, slot=slot) for slot in (0, 1)), mail.NETWORK)
    assert shelf.take(proof).kept
    assert shelf.tier() == -1
    shelf.take(OTHER)
    shelf.take(mail.claim(OTHER, A, card=card.id, slot=3))
    assert shelf.tier(OTHER) == -1
    assert A.public in shelf.archive.proofs.convicted
    again = shelf.take(mail.claim(CALL, A, card=card.id, slot=2))
    assert again.proof is None, "once is enough"


def test_cards_know_since_when_they_are_held() -> None:
    """A card keeps the time of its first cell; a restart keeps the order of cards and calls."""
    cards, card = Cards(), mail.card(A)
    cards.offer(card, 5.0)
    before = cards.fingerprint
    cards.offer(mail.card(B), 6.0)
    assert cards.since(card.id) == 5.0
    assert cards.since(CALL.id) is None
    assert cards.fingerprint != before
    cards.expire(10**6)
    assert cards.fingerprint == Cards().fingerprint
    archive = Archive(Calls(8))
    for frame, at in ((CALL, -40.0), (card, -60.0), (mail.card(B), -20.0)):
        arrival = Arrival(frame, gossip_id(frame.cell, canonical=True), int(UNIX_S))
        assert archive.restore(arrival, 1.0, at).kept
    earlier, later = (archive.cards.since(frame.id) for frame in (card, mail.card(B)))
    assert earlier is not None
    assert later is not None
    assert earlier < archive.calls.heard_at(CALL.id) < later
    assert archive.calls.leases(CALL.id).heard_at == 1.0, "leases begin anew"


def test_a_claim_with_another_body_is_another_message() -> None:
    """Control of the accuser's places: a CLAIM that differs in its body alone conflicts too."""
    claim = mail.claim(CALL, A).message
    assert isinstance(claim, Claim)
    other = evolve(claim, card=bytes([9]) * 32)
    shelf = Shelf()
    shelf.take(mail.claim(CALL, A))
    assert shelf.take(mail.claim(CALL, A, card=other.card)).proof is not None

"""What a node can tell of one call afterwards: its messages, and the last report of its lead.

Decides which messages belong to the account of a call. Comes in: an archive. Goes out: frames. Must not
know keys of this node, disks, or the words in which people are told. Letters stay out: they are between two.
"""

from p2p_sos.core.calls.archive import Archive
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import CallId, Claim, Sitrep
from p2p_sos.wire.registry import Kind


def account_of(archive: Archive, call: CallId) -> tuple[Frame, ...]:
    """The CALL, then by id: what was said publicly about it, the cards that claims name, proofs against its responders."""
    board = archive.calls.board(call)
    said = [frame for frame in board.frames() if frame.message.KIND is not Kind.LETTER]
    named = {frame.message.card: None for frame in said if isinstance(frame.message, Claim)}
    signers = {frame.message.signer: None for frame in said}
    cards = (*archive.cards.frames(), *board.cards.values())
    found = {card.id: card for card in cards if card.id in named}
    against = [proof for proof in archive.proofs.frames() if proof.message.signer in signers]
    return (board.call, *sorted((*said, *found.values(), *against), key=lambda frame: frame.id))


def report_of(archive: Archive, call: CallId) -> Sitrep | None:
    """What the lead of a call reported last; None while it did not."""
    lead = archive.calls[call].view.lead
    if lead is None:
        return None
    said = [frame.message for frame in archive.calls.board(call).of(lead)]
    return next((message for message in said if isinstance(message, Sitrep)), None)

"""PROOFs at the gate: which are admitted, and which are kept."""

from p2p_sos.wire.frames import body_bytes, header_bytes, seal
from p2p_sos.wire.hashing import body_hash
from p2p_sos.wire.messages import Proof
from p2p_sos.wire.registry import CARD_EPOCH_S
from tests.core import mail
from tests.core.calls.test_gate import A, B, call, card
from tests.core.door import Door
from tests.core.world import PROFILE, START_UNIX_S


def test_proofs_are_kept_once_a_key() -> None:
    """A PROOF that holds is admitted and then known; one that proves nothing is rejected.

    One against a key that has neither a card nor a seat on a board is ignored: nobody is asked to remember it.
    """
    door, one, today = Door(), call(), int(START_UNIX_S) // CARD_EPOCH_S
    frames = [mail.claim(one, A, slot=slot) for slot in (0, 1)]
    halves = sorted((header_bytes(f.message), body_hash(body_bytes(f.message)), f.signature) for f in frames)
    proof = seal(Proof(A.public, *halves[0], *halves[1]), PROFILE.network, None)
    assert door.ask(proof) == "ignore bound"
    assert door.ask(card(A, today)) == "accept"
    assert door.ask(proof) == "accept"
    assert door.ask(proof) == "ignore known"
    door.ask(card(B, today))
    false = seal(Proof(B.public, *halves[0], *halves[1]), PROFILE.network, None)
    assert door.ask(false) == "reject rule"

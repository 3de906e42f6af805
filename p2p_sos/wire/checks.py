"""What costs time to judge in a frame: its signature, its stamp, its proof. Runs on worker threads.

Decides whether a decoded frame is what it says. Comes in: a `Frame` decoded for the profile's network. Goes
out: a `Refusal`, or None. Knows no clock and no board: whether a true message is welcome, the core judges.
"""

from p2p_sos.wire.frames import STAMPED_KINDS, Frame, read_header
from p2p_sos.wire.hashing import NetworkId, signing_digest
from p2p_sos.wire.keys import can_be_exchanged_with, verifies
from p2p_sos.wire.messages import NOTHING, Attest, Call, Claim, Proof
from p2p_sos.wire.profiles import Profile
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import KIND_FORMS
from p2p_sos.wire.stamps import verify_stamp

LOG_FORMS = ("log", "claim")
NO_STAMP = b"\x90"  # the empty array


def check(frame: Frame, profile: Profile) -> Refusal | None:
    """Why a frame is refused, cheapest check first; None if all that it says of itself holds."""
    message = frame.message
    if isinstance(message, Proof):
        return check_proof(message, profile.network)
    if not verifies(message.signer, frame.digest, frame.signature):
        return Refusal(Reason.SIGNATURE, "not its signer's signature")
    if isinstance(message, Call) and not can_be_exchanged_with(message.exchange_key):
        return Refusal(Reason.KEY, "nothing can be sealed to the exchange key")
    if message.KIND in STAMPED_KINDS:
        return verify_stamp(frame.id, frame.stamp, profile.stamp_effort_min)
    return None


def check_proof(proof: Proof, network: NetworkId) -> Refusal | None:
    """Why two headers convict nobody; None if no honest key signs both."""
    first, second = read_header(proof.first_header), read_header(proof.second_header)
    if isinstance(first, Refusal):
        return first
    if isinstance(second, Refusal):
        return second
    # "Both headers MUST be of the log form or the claim form and name the signer of the PROOF." (03-keys §5)
    for header in (first, second):
        if KIND_FORMS[header.kind] not in LOG_FORMS or header.values["signer"] != proof.signer:
            return Refusal(Reason.RULE, "a header that can convict nobody, or somebody else")
        # "A header in the victim's form of ATTEST convicts nobody." (03-keys §5)
        chained = header.values["sequence"] == 0 or header.values["previous"] != NOTHING
        if header.kind is Attest.KIND and not chained:
            return Refusal(Reason.RULE, "a victim's word, which can convict nobody")
    same_entry = all(first.values[name] == second.values[name] for name in ("call", "sequence"))
    both_claim = first.kind == second.kind == Claim.KIND
    same_slot = both_claim and all(first.values[n] == second.values[n] for n in ("slot", "slot_epoch"))
    if not (same_entry or same_slot):
        return Refusal(Reason.RULE, "two messages that do not conflict")
    for header_bytes, body_digest, signature in (
        (proof.first_header, proof.first_body_hash, proof.first_signature),
        (proof.second_header, proof.second_body_hash, proof.second_signature),
    ):
        digest = signing_digest(network, header_bytes, body_digest, NO_STAMP)
        if not verifies(proof.signer, digest, signature):
            return Refusal(Reason.SIGNATURE, "a header that its signer did not sign")
    return None

"""The rules between the fields of one message.

Decides whether fields that are each well formed may stand together. Comes in: a message. Goes out: a
`Refusal`, or None. Knows nothing of bytes, nor of any other message.
"""

from p2p_sos.wire.messages import NOTHING, Attest, Letter, LogMessage, Message, Proof
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import SEQUENCE_MAX


def rule_broken(message: Message) -> Refusal | None:
    """Why the fields of a message do not go together, or None."""
    if isinstance(message, LogMessage):
        return _log_rule(message)
    if isinstance(message, Letter):
        return _letter_rule(message)
    if isinstance(message, Proof):
        return _proof_rule(message)
    return None


def _log_rule(message: LogMessage) -> Refusal | None:
    first, chained = message.sequence == 0, message.previous != NOTHING
    # "The entry with sequence 0 has no previous entry, and every later one has." (02-encoding §5)
    if first and chained:
        return Refusal(Reason.RULE, "the first entry of a log has no previous one")
    if first or chained:
        return None
    # "An ATTEST of the victim has a sequence from 1, no previous entry and no heads." (02-encoding §5)
    if not isinstance(message, Attest):
        return Refusal(Reason.RULE, "a later entry of a log names no previous one")
    return Refusal(Reason.RULE, "the victim's ATTEST has no heads") if message.heads else None


def _letter_rule(letter: Letter) -> Refusal | None:
    # "The number of part p of a letter is the letter's number plus p." (02-encoding §5)
    if letter.part >= letter.parts or letter.number < letter.part:
        return Refusal(Reason.RULE, "a part beyond its letter")
    if letter.number - letter.part + letter.parts - 1 > SEQUENCE_MAX:
        return Refusal(Reason.RULE, "a letter that runs beyond the last number")
    return None


def _proof_rule(proof: Proof) -> Refusal | None:
    # "The first pair of header and body hash MUST be the lower of the two." (02-encoding §5)
    first = (proof.first_header, proof.first_body_hash)
    second = (proof.second_header, proof.second_body_hash)
    return None if first < second else Refusal(Reason.RULE, "the two headers are not in order")

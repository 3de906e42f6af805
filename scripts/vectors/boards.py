"""Conversations at the gate with the verdict on each message, and the messages that boards are made of.

Comes in: fixed seeds. Goes out: what becomes JSON. The verdicts are written here by hand.
"""

from typing import Any

from attrs import frozen

from p2p_sos.wire import registry as r
from p2p_sos.wire import stamps
from p2p_sos.wire.frames import Frame, body_bytes, header_bytes, seal
from p2p_sos.wire.hashing import body_hash
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import (
    NOTHING,
    AllClear,
    Attest,
    Call,
    Cancel,
    Card,
    Claim,
    Letter,
    Message,
    Proof,
    Renew,
    Requisition,
    StandDown,
    Update,
)
from vectors.samples import (
    LABORATORY,
    NETWORK,
    VICTIM,
    VICTIM_EXCHANGE,
    open_cell_bytes,
    seed,
    stamped,
)

UNIX_S = 1_800_000_000
EPOCH = UNIX_S // r.CALL_EPOCH_S
DAY = UNIX_S // r.CARD_EPOCH_S
HELPERS = [SigningKey(seed(f"helper {index}")) for index in range(4)]
A, B, C, D = HELPERS
DESCRIPTION: dict[str, Any] = {
    "severity": r.Severity.SEVERE,
    "urgency": r.Urgency.IMMEDIATE,
    "certainty": r.Certainty.OBSERVED,
    "nature": r.Nature.OTHER__UNDETERMINED,
    "needs": 1 << r.Need.RESTORE_DATA,
    "sector": r.Sector.HEALTH,
    "languages": (),
    "cell": 0,
}
GROUNDS = {"reason": r.Reason.UNABLE, "detail": r.Detail.BUSY}


def a_call(epoch: int = EPOCH, effort: int = LABORATORY.stamp_effort_min) -> Frame:
    """The CALL that all of this is about."""
    told = {"status": r.Status.ACTUAL, **DESCRIPTION, "exchange_key": VICTIM_EXCHANGE.public}
    return stamped(Call(signer=VICTIM.public, epoch=epoch, **told), effort)


CALL = a_call()


def _seal(message: Message, key: SigningKey) -> Frame:
    return seal(message, NETWORK, key)


def said(kind: type[Any], who: SigningKey, sequence: int = 0, **fields: Any) -> Frame:
    """An entry of a responder's log."""
    previous = NOTHING if sequence == 0 else seed("previous")
    head = {"call": CALL.id, "signer": who.public, "sequence": sequence, "previous": previous, "heads": ()}
    return _seal(kind(**head, **fields), who)


def claim(who: SigningKey, sequence: int = 0, slot: int = 0) -> Frame:
    """A CLAIM."""
    return said(Claim, who, sequence, slot=slot, slot_epoch=0, card=NOTHING, manner=r.Manner.AUTOMATIC)


def ordered(kind: type[Any], sequence: int, by: SigningKey = VICTIM, **fields: Any) -> Frame:
    """A message of the victim, or of somebody who would like to be it."""
    return _seal(kind(call=CALL.id, signer=by.public, sequence=sequence, **fields), by)


def attest(sequence: int, *who: SigningKey, by: SigningKey = VICTIM) -> Frame:
    """An ATTEST in the victim's form."""
    named = tuple(sorted(key.public for key in who))
    return ordered(Attest, sequence, by, previous=NOTHING, heads=(), responders=named)


def requisition(sequence: int, lead: SigningKey, *members: SigningKey) -> Frame:
    """A REQUISITION."""
    named = tuple(sorted(key.public for key in members))
    return ordered(Requisition, sequence, lead=lead.public, members=named)


def card(
    who: SigningKey, epoch: int = DAY, group: bytes = b"", effort: int = LABORATORY.stamp_effort_min
) -> Frame:
    """A CARD of a responder that vouches for itself."""
    message = Card(
        signer=who.public, epoch=epoch, skills=1 << r.Need.RESTORE_DATA, sectors=0, languages=(), cell=0,
        duty_hours=2**24 - 1, slots=4, group=group or who.public, accreditation=b"",
    )  # fmt: skip
    unstamped = _seal(message, who)
    return seal(message, NETWORK, who, stamps.solve(unstamped.id, effort, start=bytes(16)))


def letter(who: SigningKey, number: int) -> Frame:
    """A LETTER that opens for nobody."""
    sealed = bytes(r.LETTER_PART_BYTES_MAX)
    return _seal(Letter(CALL.id, who.public, number, 0, 1, sealed), who)


def renew(who: SigningKey, sequence: int) -> Frame:
    """A RENEW."""
    return _seal(Renew(CALL.id, who.public, sequence, seed("claim")), who)


def proofs() -> list[Frame]:
    """Two PROOFs against one key, the lower id first."""
    told = [claim(A, slot=slot) for slot in range(3)]
    halves = sorted((header_bytes(f.message), body_hash(body_bytes(f.message)), f.signature) for f in told)
    made = [seal(Proof(A.public, *halves[0], *halves[second]), NETWORK, None) for second in (1, 2)]
    return sorted(made, key=lambda frame: frame.id)


PROOFS = proofs()


# ------------------------------------------------------------------ admission


@frozen
class Step:
    """A message that comes `after_s` after the one before it. `finally_`: the verdict of one that waits."""

    frame: Frame
    verdict: str
    reason: str = ""
    after_s: int = 0
    finally_: str = ""

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        frame = open_cell_bytes(self.frame)
        told = {"after_s": self.after_s, "frame": frame.hex(), "verdict": self.verdict}
        if self.reason:
            told["reason"] = self.reason
        if self.finally_:
            told["finally"] = self.finally_
        return told


def _conversations() -> dict[str, list[Step]]:
    ok, ignore, reject = "accept", "ignore", "reject"
    heard, budget = Step(CALL, ok), r.VICTIM_MESSAGES_PER_EPOCH
    updates = [ordered(Update, sequence, **DESCRIPTION) for sequence in range(1, budget + 2)]
    letters = [letter(A, number) for number in range(r.LETTERS_PER_WINDOW + 1)]
    near, far = r.EPOCHS_EITHER_WAY, r.EPOCHS_EITHER_WAY + 1
    strong = a_call(effort=2 * LABORATORY.stamp_effort_min)
    return {
        "a call comes twice": [heard, Step(CALL, ignore, "known")],
        "more work replaces, less is known": [heard, Step(strong, ok), Step(CALL, ignore, "known")],
        "two epochs early": [Step(a_call(EPOCH + near), ok)],
        "three epochs early": [Step(a_call(EPOCH + far), ignore, "epoch")],
        "two epochs late": [Step(a_call(EPOCH - near), ok)],
        "three epochs late": [Step(a_call(EPOCH - far), ignore, "epoch")],
        "a claim before its call": [Step(claim(A), "waits", finally_=ok), heard],
        "another's CANCEL before its call": [Step(ordered(Cancel, 1, A), "waits", finally_=reject), heard],
        "a call that never comes": [Step(claim(A), "waits", finally_=ignore)],
        "only the victim cancels": [heard, Step(ordered(Cancel, 1, A), reject, "signer")],
        "the victim does not claim": [heard, Step(claim(VICTIM), reject, "signer")],
        "the victim's form of ATTEST is the victim's": [
            heard, Step(attest(1, B, by=A), reject, "signer"), Step(attest(1, B), ok),
        ],
        "nothing after a CANCEL but closings and last letters": [
            heard, Step(ordered(Cancel, 1), ok), Step(claim(A), ignore, "closed"),
            Step(ordered(Update, 2, **DESCRIPTION), ignore, "closed"), Step(ordered(AllClear, 2), ok),
            Step(letter(A, 0), ok),
            Step(letter(A, 1), ignore, "closed", after_s=r.LETTERS_AFTER_CLOSING_S + 1),
        ],
        "a victim's budget, and its CANCEL beyond it": [
            heard, *(Step(u, ok) for u in updates[:budget]), Step(updates[budget], ignore, "budget"),
            Step(ordered(Cancel, 50), ok),
        ],
        "no budget for a second CANCEL": [
            heard, *(Step(u, ok) for u in updates[:budget]), Step(ordered(Cancel, 50), ok),
            Step(ordered(AllClear, 51), ok), Step(ordered(Cancel, 52), ignore, "budget"),
        ],
        "ATTESTs have a budget of their own": [
            heard, *(Step(attest(sequence, A), ok) for sequence in range(1, budget + 1)),
            Step(attest(budget + 1, A), ignore, "budget"), Step(ordered(Update, 20, **DESCRIPTION), ok),
        ],
        "a signer's letters in one window": [
            heard, *(Step(one, ok) for one in letters[:-1]), Step(letters[-1], ignore, "budget"),
            Step(letter(B, 0), ok), Step(letter(A, 90), ok, after_s=r.LETTER_WINDOW_S),
        ],
    }  # fmt: skip


def _more_conversations() -> dict[str, list[Step]]:
    """Bounds, endings, cards and proofs."""
    ok, ignore, reject = "accept", "ignore", "reject"
    heard, strong = Step(CALL, ok), a_call(effort=2 * LABORATORY.stamp_effort_min)
    return {
        "an older word where the newer one is held": [
            heard, Step(ordered(Cancel, 2), ok), Step(ordered(Cancel, 1), ignore, "bound"),
        ],
        "an older RENEW where the newer one is held": [
            heard, Step(renew(A, 2), ok), Step(renew(A, 1), ignore, "bound"),
        ],
        "more work for a call that is closed": [heard, Step(ordered(Cancel, 1), ok), Step(strong, ok)],
        "a call whose life is over": [
            Step(CALL, ok), Step(claim(A), ignore, "closed", after_s=86_400 + r.CALL_EPOCH_S),
            Step(CALL, ignore, "closed"),
        ],
        "a card comes twice, and once more with more work": [
            Step(card(A), ok), Step(card(A), ignore, "known"), Step(card(A, effort=32), ok),
        ],
        "the cards of yesterday and of tomorrow": [Step(card(A, DAY - 1), ok), Step(card(B, DAY + 1), ok)],
        "cards two days away": [
            Step(card(A, DAY - 2), ignore, "epoch"), Step(card(B, DAY + 2), ignore, "epoch"),
        ],
        "a card of a group that nobody vouches for": [Step(card(A, group=B.public), reject, "rule")],
        "messages that come later are kept and forwarded": [
            heard, Step(renew(A, 0), ok), Step(said(StandDown, B), ok),
            Step(said(Attest, C, responders=(A.public,)), ok),
        ],
        "a proof against a key that nobody knows": [
            Step(PROOFS[0], ignore, "bound"), Step(PROOFS[0], ignore, "bound"), heard, Step(claim(A), ok),
            Step(PROOFS[0], ok), Step(PROOFS[0], ignore, "known"),
        ],
        "of two proofs against one key the lower id": [
            Step(card(A), ok), Step(PROOFS[1], ok), Step(PROOFS[0], ok), Step(PROOFS[1], ignore, "bound"),
        ],
    }  # fmt: skip


def admission() -> dict[str, Any]:
    """Conversations of strangers with one node whose clock shows `unix_s` at the start."""
    conversations = _conversations() | _more_conversations()
    return {
        "network": NETWORK.hex(),
        "unix_s": UNIX_S,
        "conversations": [
            {"why": why, "steps": [step.plain() for step in steps]} for why, steps in conversations.items()
        ],
    }

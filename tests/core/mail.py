"""Signed messages for tests of boards, gates and duty: one line each."""

from typing import Any

from p2p_sos.wire.frames import Frame, seal
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import (
    NOTHING,
    AllClear,
    Attest,
    Call,
    Cancel,
    Claim,
    Comply,
    Decline,
    Letter,
    Release,
    Renew,
    Requisition,
    Update,
)
from p2p_sos.wire.registry import (
    LETTER_PART_BYTES_MAX,
    Certainty,
    Detail,
    Manner,
    Nature,
    Need,
    Reason,
    Sector,
    Severity,
    Urgency,
)
from tests.core.world import PROFILE, seed_of

NETWORK = PROFILE.network
V = SigningKey(seed_of("victim call"))
EARLIER = bytes([7]) * 32  # some previous entry of a log


def key(name: str | int) -> SigningKey:
    """A responder's key by its name."""
    return SigningKey(seed_of(f"{name} key"))


def _log(call: Frame, who: SigningKey, sequence: int) -> dict[str, Any]:
    previous = EARLIER if sequence else NOTHING
    return {"call": call.id, "signer": who.public, "sequence": sequence, "previous": previous, "heads": ()}


def claim(call: Frame, who: SigningKey, sequence: int = 0, **fields: Any) -> Frame:
    """A CLAIM."""
    told = {"slot": 0, "slot_epoch": 0, "card": NOTHING, "manner": Manner.AUTOMATIC} | fields
    return seal(Claim(**_log(call, who, sequence), **told), NETWORK, who)


def decline(call: Frame, who: SigningKey, sequence: int = 0) -> Frame:
    """A DECLINE."""
    message = Decline(**_log(call, who, sequence), reason=Reason.UNABLE, detail=Detail.BUSY)
    return seal(message, NETWORK, who)


def release(call: Frame, who: SigningKey, sequence: int = 1) -> Frame:
    """A RELEASE."""
    message = Release(**_log(call, who, sequence), reason=Reason.UNABLE, detail=Detail.EQUIPMENT)
    return seal(message, NETWORK, who)


def comply(call: Frame, who: SigningKey, requisition: Frame, sequence: int = 1) -> Frame:
    """A COMPLY."""
    return seal(Comply(**_log(call, who, sequence), requisition=requisition.id), NETWORK, who)


def renew(call: Frame, who: SigningKey, sequence: int) -> Frame:
    """A RENEW."""
    return seal(Renew(call=call.id, signer=who.public, sequence=sequence, claim=NOTHING), NETWORK, who)


def attest(call: Frame, *responders: SigningKey, sequence: int = 1, by: SigningKey = V) -> Frame:
    """An ATTEST in the victim's form."""
    named = tuple(sorted(r.public for r in responders))
    message = Attest(
        call=call.id, signer=by.public, sequence=sequence, previous=NOTHING, heads=(), responders=named
    )
    return seal(message, NETWORK, by)


def requisition(call: Frame, lead: SigningKey, *members: SigningKey, sequence: int = 1) -> Frame:
    """A REQUISITION."""
    named = tuple(sorted(member.public for member in members))
    message = Requisition(call=call.id, signer=V.public, sequence=sequence, lead=lead.public, members=named)
    return seal(message, NETWORK, V)


def cancel(call: Frame, sequence: int = 1, by: SigningKey = V) -> Frame:
    """A CANCEL."""
    return seal(Cancel(call=call.id, signer=by.public, sequence=sequence), NETWORK, by)


def all_clear(call: Frame, sequence: int = 1) -> Frame:
    """An ALL_CLEAR."""
    return seal(AllClear(call=call.id, signer=V.public, sequence=sequence), NETWORK, V)


def update(call: Frame, sequence: int = 1, **fields: Any) -> Frame:
    """An UPDATE; `fields` change those of an ordinary one."""
    told: dict[str, Any] = {
        "severity": Severity.SEVERE,
        "urgency": Urgency.IMMEDIATE,
        "certainty": Certainty.OBSERVED,
        "nature": Nature.OTHER__UNDETERMINED,
        "needs": 1 << Need.RESTORE_DATA,
        "sector": Sector.HEALTH,
        "languages": (),
        "cell": 0,
    } | fields
    return seal(Update(call=call.id, signer=V.public, sequence=sequence, **told), NETWORK, V)


def letter(call: Frame, who: SigningKey, number: int) -> Frame:
    """A LETTER that nobody can open."""
    sealed = bytes(LETTER_PART_BYTES_MAX)
    message = Letter(call=call.id, signer=who.public, number=number, part=0, parts=1, sealed=sealed)
    return seal(message, NETWORK, who)


def the_call(**fields: Any) -> Frame:
    """A CALL without a stamp, as the boards see it."""
    told: dict[str, Any] = {
        "epoch": 2_983_333,
        "status": 0,
        "severity": Severity.SEVERE,
        "urgency": Urgency.IMMEDIATE,
        "certainty": Certainty.OBSERVED,
        "nature": Nature.OTHER__UNDETERMINED,
        "needs": 1 << Need.RESTORE_DATA,
        "sector": Sector.HEALTH,
        "languages": (),
        "cell": 0,
        "exchange_key": bytes(31) + b"\x09",
    } | fields
    return seal(Call(signer=V.public, **told), NETWORK, V)

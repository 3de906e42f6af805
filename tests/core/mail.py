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
    Card,
    Claim,
    Comply,
    Decline,
    Handover,
    Key,
    Letter,
    MessageId,
    Release,
    Renew,
    Requisition,
    Roster,
    Sitrep,
    StandDown,
    Update,
)
from p2p_sos.wire.registry import (
    CALL_EPOCH_S,
    CARD_EPOCH_S,
    LETTER_PART_BYTES_MAX,
    Cause,
    Certainty,
    Detail,
    Manner,
    Nature,
    Need,
    Phase,
    Reason,
    Sector,
    Severity,
    SitrepStatus,
    Urgency,
)
from tests.core.world import PROFILE, seed_of

NETWORK = PROFILE.network
EPOCH = 2_983_333  # of `the_call`
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


def card(who: SigningKey, **fields: Any) -> Frame:
    """A CARD, without a stamp, of somebody who can do everything that `the_call` asks for, of the day before it."""
    told: dict[str, Any] = {
        "epoch": EPOCH * CALL_EPOCH_S // CARD_EPOCH_S - 1,
        "skills": 1 << Need.RESTORE_DATA,
        "sectors": 0,
        "languages": (),
        "cell": 0,
        "duty_hours": 0,
        "slots": 4,
        "group": who.public,
        "accreditation": b"",
    } | fields
    return seal(Card(signer=who.public, **told), NETWORK, who)


def roster(call: Frame, who: SigningKey, *members: SigningKey, sequence: int = 1, **fields: Any) -> Frame:
    """A ROSTER; its writer is among the members."""
    named = tuple(sorted({member.public: None for member in (who, *members)}))
    told = _log(call, who, sequence) | {
        "epoch": 1, "cause": Cause.INITIAL, "replaces": NOTHING, "members": named,
    } | fields  # fmt: skip
    return seal(Roster(**told), NETWORK, who)


def sitrep(
    call: Frame, who: SigningKey, sequence: int = 0, roster: MessageId = NOTHING, **fields: Any
) -> Frame:
    """A SITREP."""
    told: dict[str, Any] = {
        "requisition": 0, "status": SitrepStatus.MITIGATING, "phase": Phase.DETRESFA, "alive": (),
    } | fields  # fmt: skip
    message = Sitrep(call=call.id, signer=who.public, sequence=sequence, roster=roster, **told)
    return seal(message, NETWORK, who)


def handover(
    call: Frame, who: SigningKey, roster: Frame, successor: Key = NOTHING, sequence: int = 2
) -> Frame:
    """A HANDOVER."""
    message = Handover(**_log(call, who, sequence), roster=roster.id, successor=successor)
    return seal(message, NETWORK, who)


def stand_down(call: Frame, who: SigningKey, sequence: int = 2) -> Frame:
    """A STAND_DOWN."""
    return seal(StandDown(**_log(call, who, sequence)), NETWORK, who)


def vouch(call: Frame, who: SigningKey, *responders: SigningKey, sequence: int = 1) -> Frame:
    """An ATTEST in the responder's form."""
    named = tuple(sorted(responder.public for responder in responders))
    return seal(Attest(**_log(call, who, sequence), responders=named), NETWORK, who)


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
        "epoch": EPOCH,
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

"""Every message of the protocol, as a frozen class.

Decides which fields a message has, in which order and where they stand. Comes in and goes out: values.
Knows nothing of bytes; `frames` walks the fields. The order of the fields here is the order on the wire.
"""

from typing import ClassVar

from attrs import frozen

from p2p_sos.wire import registry as r
from p2p_sos.wire.shapes import blob, fixed, globe_cell, hashes, mask, numbers, unsigned, word

CallId = bytes  # 32 bytes: the id of a CALL
Key = bytes  # 32 bytes: an Ed25519 or X25519 public key
MessageId = bytes  # 32 bytes

NOTHING = bytes(32)  # stands where no hash exists yet: the first entry of a log has no previous one
LANGUAGE_MAX = 26 * 26 - 1
HOURS_MASK_MAX = 2**24 - 1


@frozen
class _VictimWord:
    """The header of the victim form: the newest sequence counts."""

    call: CallId = fixed("header", 32)
    signer: Key = fixed("header", 32)
    sequence: int = unsigned("header", highest=r.SEQUENCE_MAX, lowest=1)


@frozen
class _LogEntry:
    """The header of the log form: one chain for each signer and call."""

    call: CallId = fixed("header", 32)
    signer: Key = fixed("header", 32)
    sequence: int = unsigned("header", highest=r.SEQUENCE_MAX)
    previous: MessageId = fixed("header", 32)
    heads: tuple[MessageId, ...] = hashes("header", most=r.HEADS_MAX)


@frozen
class _RegisterEntry:
    """The header of the register form: the newest sequence replaces the older ones."""

    call: CallId = fixed("header", 32)
    signer: Key = fixed("header", 32)
    sequence: int = unsigned("header", highest=r.SEQUENCE_MAX)


@frozen
class Call:
    """A victim asks for help (document 05)."""

    KIND: ClassVar = r.Kind.CALL
    signer: Key = fixed("header", 32)
    epoch: int = unsigned("header", highest=2**32 - 1)
    status: r.Status = word("body", r.Status)
    severity: r.Severity = word("body", r.Severity)
    urgency: r.Urgency = word("body", r.Urgency)
    certainty: r.Certainty = word("body", r.Certainty)
    nature: r.Nature = word("body", r.Nature)
    needs: int = mask("body", r.Need, empty=False)
    sector: r.Sector = word("body", r.Sector)
    languages: tuple[int, ...] = numbers("body", most=r.LANGUAGES_MAX, highest=LANGUAGE_MAX)
    cell: int = globe_cell("body")
    exchange_key: Key = fixed("body", 32)


@frozen
class Update(_VictimWord):
    """The victim refines its call; what a helper could rely on (status, keys) stays (document 05)."""

    KIND: ClassVar = r.Kind.UPDATE
    severity: r.Severity = word("body", r.Severity)
    urgency: r.Urgency = word("body", r.Urgency)
    certainty: r.Certainty = word("body", r.Certainty)
    nature: r.Nature = word("body", r.Nature)
    needs: int = mask("body", r.Need, empty=False)
    sector: r.Sector = word("body", r.Sector)
    languages: tuple[int, ...] = numbers("body", most=r.LANGUAGES_MAX, highest=LANGUAGE_MAX)
    cell: int = globe_cell("body")


@frozen
class Cancel(_VictimWord):
    """The victim withdraws its call, without blame (document 05)."""

    KIND: ClassVar = r.Kind.CANCEL


@frozen
class AllClear(_VictimWord):
    """The victim says that it is over (document 05)."""

    KIND: ClassVar = r.Kind.ALL_CLEAR


@frozen
class Card:
    """A responder tells, before any call, what it can do (document 05)."""

    KIND: ClassVar = r.Kind.CARD
    signer: Key = fixed("header", 32)
    epoch: int = unsigned("header", highest=2**32 - 1)
    skills: int = mask("body", r.Need, empty=False)
    sectors: int = mask("body", r.Sector, empty=True)
    languages: tuple[int, ...] = numbers("body", most=r.LANGUAGES_MAX, highest=LANGUAGE_MAX)
    cell: int = globe_cell("body")
    duty_hours: int = unsigned("body", highest=HOURS_MASK_MAX)
    slots: int = unsigned("body", highest=r.SLOTS_MAX, lowest=1)
    group: bytes = fixed("body", 32)
    accreditation: bytes = blob("body", longest=r.ACCREDITATION_BYTES_MAX)


@frozen
class Claim(_LogEntry):
    """A responder answers a call (document 06)."""

    KIND: ClassVar = r.Kind.CLAIM
    slot: int = unsigned("header", highest=r.SLOTS_MAX - 1)
    slot_epoch: int = unsigned("header", highest=2**32 - 1)
    card: MessageId = fixed("body", 32)
    manner: r.Manner = word("body", r.Manner)


@frozen
class Decline(_LogEntry):
    """A responder does not answer, and says why (document 06)."""

    KIND: ClassVar = r.Kind.DECLINE
    reason: r.Reason = word("body", r.Reason)
    detail: r.Detail = word("body", r.Detail)


@frozen
class Release(_LogEntry):
    """A responder that had claimed answers no longer, and says why (document 06)."""

    KIND: ClassVar = r.Kind.RELEASE
    reason: r.Reason = word("body", r.Reason)
    detail: r.Detail = word("body", r.Detail)


@frozen
class Renew(_RegisterEntry):
    """A register: the member's claim still lives (document 06)."""

    KIND: ClassVar = r.Kind.RENEW
    claim: MessageId = fixed("body", 32)


@frozen
class Roster(_LogEntry):
    """The lead names the members (document 06)."""

    KIND: ClassVar = r.Kind.ROSTER
    epoch: int = unsigned("body", highest=r.SEQUENCE_MAX)
    cause: r.Cause = word("body", r.Cause)
    replaces: MessageId = fixed("body", 32)
    members: tuple[Key, ...] = hashes("body", most=r.MEMBERS_MAX, least=1)


@frozen
class Sitrep(_RegisterEntry):
    """A register: the lead reports and so renews its lease (document 06)."""

    KIND: ClassVar = r.Kind.SITREP
    requisition: int = unsigned("body", highest=r.SEQUENCE_MAX)
    roster: MessageId = fixed("body", 32)
    status: r.SitrepStatus = word("body", r.SitrepStatus)
    phase: r.Phase = word("body", r.Phase)
    alive: tuple[Key, ...] = hashes("body", most=r.MEMBERS_MAX)


@frozen
class Handover(_LogEntry):
    """The lead hands over to a successor, or yields (document 06)."""

    KIND: ClassVar = r.Kind.HANDOVER
    roster: MessageId = fixed("body", 32)
    successor: Key = fixed("body", 32)


@frozen
class Requisition(_VictimWord):
    """The victim names its lead and members; it outranks everything (document 06)."""

    KIND: ClassVar = r.Kind.REQUISITION
    lead: Key = fixed("body", 32)
    members: tuple[Key, ...] = hashes("body", most=r.MEMBERS_MAX)


@frozen
class Comply(_LogEntry):
    """A responder accepts the requisition (document 06)."""

    KIND: ClassVar = r.Kind.COMPLY
    requisition: MessageId = fixed("body", 32)


@frozen
class Attest(_LogEntry):
    """Someone says which responders really made contact (document 06).

    The victim's stands outside any log: a sequence from 1, `previous` NOTHING and no heads.
    """

    KIND: ClassVar = r.Kind.ATTEST
    responders: tuple[Key, ...] = hashes("body", most=r.ATTESTED_MAX, least=1)


@frozen
class StandDown(_LogEntry):
    """A responder believes that it is over (document 06)."""

    KIND: ClassVar = r.Kind.STAND_DOWN


@frozen
class Proof:
    """Two signed headers that no honest key signs both of (document 06). Carries no signature."""

    KIND: ClassVar = r.Kind.PROOF
    signer: Key = fixed("header", 32)
    first_header: bytes = blob("body", longest=600, shortest=1)
    first_body_hash: bytes = fixed("body", 32)
    first_signature: bytes = fixed("body", 64)
    second_header: bytes = blob("body", longest=600, shortest=1)
    second_body_hash: bytes = fixed("body", 32)
    second_signature: bytes = fixed("body", 64)


@frozen
class Letter:
    """One numbered part of a sealed letter; who may read it is hidden among all (document 07).

    `number` is the letter's own number plus `part`; every part has the same length.
    """

    KIND: ClassVar = r.Kind.LETTER
    call: CallId = fixed("header", 32)
    signer: Key = fixed("header", 32)
    number: int = unsigned("header", highest=r.SEQUENCE_MAX)
    part: int = unsigned("body", highest=r.LETTER_PARTS_MAX - 1)
    parts: int = unsigned("body", highest=r.LETTER_PARTS_MAX, lowest=1)
    sealed: bytes = fixed("body", r.LETTER_PART_BYTES_MAX)


VictimMessage = Update | Cancel | AllClear | Requisition
LogMessage = Claim | Decline | Release | Roster | Handover | Comply | Attest | StandDown
Register = Renew | Sitrep
BoardMessage = VictimMessage | LogMessage | Register
Message = Call | Card | BoardMessage | Proof | Letter

MESSAGE_CLASSES: tuple[type[Message], ...] = (
    Call, Update, Cancel, AllClear, Card, Claim, Decline, Release, Renew, Roster, Sitrep, Handover,
    Requisition, Comply, Attest, StandDown, Proof, Letter,
)  # fmt: skip

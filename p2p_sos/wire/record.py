"""The after-action record: what was said publicly about one closed call, in one file that its exporter signs.

Decides which bytes are a record, and whether they hold together. Comes in: cells with the times at which they arrived,
lines of a watch log; or untrusted bytes. Goes out: bytes; or a `Record` and its frames, or a `Refusal`. Must not know
boards: what the messages mean together is not decided here (10-record).
"""

from collections.abc import Sequence
from itertools import pairwise

from attrs import frozen

from p2p_sos.wire.canonical import pack, unpack
from p2p_sos.wire.checks import check
from p2p_sos.wire.frames import Frame, decode
from p2p_sos.wire.hashing import NetworkId, blake2b
from p2p_sos.wire.keys import KEY_BYTES, SIGNATURE_BYTES, SigningKey, verifies
from p2p_sos.wire.messages import NOTHING, Attest, Claim, Key
from p2p_sos.wire.profiles import Profile
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import CELL_BYTES, KIND_SIGNERS, Kind, Tlp

VERSION = 1
TIME_BYTES = 8
ENTRY_BYTES = TIME_BYTES + CELL_BYTES
RECORD_BYTES_MAX = 16 * 2**20  # computed: a full board is 9.6 MB; the rest is room for the watch log
NETWORK_BYTES = 32
TIME_MAX = 2**40
LINE_END = b"\n"
FOREIGN = "no record, or not the whole of one"  # bytes that are no [content, signature]


@frozen
class Entry:
    """One message: its cell, and when it arrived at the exporter (seconds since 1970; 0: not known any more)."""

    cell: bytes
    arrived_unix_s: int


@frozen
class Record:
    """A record as it was read: signed by `signer`, and nothing in it verified yet but that signature.

    `entries`: the CALL, then by id. `lines`: of the exporter's watch log, about this call, in their order.
    """

    network: NetworkId
    signer: Key
    tlp: Tlp
    made_unix_s: int
    entries: tuple[Entry, ...]
    lines: tuple[bytes, ...]


def _digest(network: NetworkId, content: bytes) -> bytes:
    return blake2b("esos/1 record", network, content)


def seal_record(record: Record, key: SigningKey) -> bytes:
    """The file. The lines must hold no line end, and the entries stand in their order."""
    assert key.public == record.signer, "signed by another than its signer"
    assert not any(LINE_END in line for line in record.lines), "a line of a watch log is one line"
    entries = b"".join(e.arrived_unix_s.to_bytes(TIME_BYTES, "big") + e.cell for e in record.entries)
    lines = b"".join(line + LINE_END for line in record.lines)
    content = pack(
        [VERSION, record.network, record.signer, int(record.tlp), record.made_unix_s, entries, lines]
    )
    return pack([content, key.sign(_digest(record.network, content))])


def open_record(data: bytes) -> Record | Refusal:
    """Total: any bytes give a record whose signature holds, or a refusal."""
    outer = unpack(data, longest=RECORD_BYTES_MAX)
    if isinstance(outer, Refusal):
        return Refusal(outer.reason, FOREIGN) if outer.reason is Reason.MSGPACK else outer
    if type(outer) is not list or [type(part) for part in outer] != [bytes, bytes]:
        return Refusal(Reason.ELEMENTS, FOREIGN)
    content, signature = outer
    assert type(content) is bytes
    assert type(signature) is bytes
    record = _read(content)
    if isinstance(record, Refusal):
        return record
    # "The signature is Ed25519, by the key in `signer`, over the 32 bytes `esos/1 record` of the network and the content."
    # (10-record §2)
    if len(signature) != SIGNATURE_BYTES or not verifies(
        record.signer, _digest(record.network, content), signature
    ):
        return Refusal(Reason.SIGNATURE, "not its exporter's signature")
    return record


def _read(content: bytes) -> Record | Refusal:
    plain = unpack(content, longest=RECORD_BYTES_MAX)
    if isinstance(plain, Refusal):
        return plain
    kinds = [int, bytes, bytes, int, int, bytes, bytes]
    if type(plain) is not list or [type(value) for value in plain] != kinds:
        return Refusal(Reason.ELEMENTS, "not the seven fields of a record")
    version, network, signer, tlp, made, packed, log = plain
    if version != VERSION:
        return Refusal(Reason.FIELD, f"version {version!r}; this program reads version {VERSION}")
    if len(network) != NETWORK_BYTES or len(signer) != KEY_BYTES:  # type: ignore[arg-type]
        return Refusal(Reason.FIELD, "a network or a key that is not 32 bytes")
    if tlp not in list(Tlp) or not 0 <= made < TIME_MAX:  # type: ignore[operator]
        return Refusal(Reason.FIELD, "a label or a time that cannot be")
    entries, lines = _entries(packed), _lines(log)  # type: ignore[arg-type]
    if isinstance(entries, Refusal):
        return entries
    if isinstance(lines, Refusal):
        return lines
    return Record(network, signer, Tlp(tlp), made, entries, lines)  # type: ignore[arg-type]


def _entries(packed: bytes) -> tuple[Entry, ...] | Refusal:
    if not packed or len(packed) % ENTRY_BYTES:
        return Refusal(Reason.FIELD, f"messages of {len(packed)} bytes, no multiple of {ENTRY_BYTES}")
    pieces = [packed[at : at + ENTRY_BYTES] for at in range(0, len(packed), ENTRY_BYTES)]
    entries = [Entry(piece[TIME_BYTES:], int.from_bytes(piece[:TIME_BYTES], "big")) for piece in pieces]
    if any(entry.arrived_unix_s >= TIME_MAX for entry in entries):
        return Refusal(Reason.FIELD, "a message that arrived at no possible time")
    return tuple(entries)


def _lines(log: bytes) -> tuple[bytes, ...] | Refusal:
    if log and not log.endswith(LINE_END):
        return Refusal(Reason.FIELD, "a watch log whose last line does not end")
    return tuple(log.split(LINE_END)[:-1])


# ------------------------------------------------------------------------- what stands in it


def frames_of(record: Record, profile: Profile) -> tuple[Frame, ...] | Refusal:
    """Every message decoded, its signature and stamp checked; or why the record does not hold together."""
    if record.network != profile.network:
        return Refusal(Reason.FIELD, "a record of another network")
    frames: list[Frame] = []
    for number, entry in enumerate(record.entries, start=1):
        frame = decode(entry.cell, record.network)
        refusal = frame if isinstance(frame, Refusal) else check(frame, profile)
        if refusal is not None:
            return Refusal(refusal.reason, f"message {number}: {refusal.detail}")
        assert isinstance(frame, Frame)
        frames.append(frame)
    return _misplaced(frames) or tuple(frames)


def _signed_by_another(frames: Sequence[Frame]) -> Refusal | None:
    """Why one of these is no word of whoever may say it: an ALL_CLEAR, say, that some other key signed."""
    victim = frames[0].message.signer
    for number, frame in enumerate(frames[1:], start=2):
        message, signers = frame.message, KIND_SIGNERS[frame.message.KIND]
        by_victim = message.signer == victim
        wrong = by_victim if signers == "responder" else not by_victim if signers == "victim" else False
        if isinstance(message, Attest):
            wrong = by_victim != (message.previous == NOTHING and message.sequence > 0)
        if wrong:
            return Refusal(Reason.SIGNER, f"message {number}: a {message.KIND.name} in another's name")
    return None


def _misplaced(frames: Sequence[Frame]) -> Refusal | None:
    """Why these are not the messages of one call in their order, or None."""
    call, *said = frames
    # "The first is the CALL, the others follow in ascending order of their ids, each once." (10-record §3)
    if call.message.KIND is not Kind.CALL:
        return Refusal(Reason.RULE, "the first message is no CALL")
    if any(one.id >= other.id for one, other in pairwise(said)):
        return Refusal(Reason.RULE, "messages that do not stand in the order of their ids")
    if (refusal := _signed_by_another(frames)) is not None:
        return refusal
    cards = {frame.message.card: None for frame in said if isinstance(frame.message, Claim)}
    signers = {frame.message.signer: None for frame in said if hasattr(frame.message, "call")}
    for number, frame in enumerate(said, start=2):
        match frame.message.KIND:
            case Kind.CARD:
                belongs = frame.id in cards
            case Kind.PROOF:
                belongs = frame.message.signer in signers
            case Kind.LETTER | Kind.CALL:
                belongs = False
            case _:
                belongs = getattr(frame.message, "call", None) == call.id
        if not belongs:
            kind = frame.message.KIND.name
            return Refusal(Reason.RULE, f"message {number}: a {kind} that has no place in it")
    return None

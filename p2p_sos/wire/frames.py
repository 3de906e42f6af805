"""Cells to messages and back.

Decides whether 2,048 bytes are a message, and which. Comes in: a cell or a message. Goes out: a `Frame`
or a `Refusal`, and a cell. Must not know whether the message is welcome: signer, stamp and epoch are
judged elsewhere (`checks`, and the core).

A frame is the array [header, body, stamp, signature] (02-encoding §3); a header opens with the kind.
"""

from typing import Any, NamedTuple

from attrs import fields, frozen

from p2p_sos.wire.canonical import pack, unpack
from p2p_sos.wire.hashing import NetworkId, body_hash, message_id, signing_digest
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import MESSAGE_CLASSES, NOTHING, Letter, Message, MessageId, Proof
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import CELL_BYTES, FRAME_BYTES_MAX, STAMP_NONCE_BYTES, Kind
from p2p_sos.wire.shapes import Plain, shape_of

LENGTH_BYTES = 2
STAMPED_KINDS = (Kind.CALL, Kind.CARD)


@frozen
class Stamp:
    """Proof of work on a CALL or CARD: a nonce of 16 bytes and the effort it claims."""

    nonce: bytes
    effort: int


@frozen
class Frame:
    """A decoded cell. Equal frames have equal cells; nothing in it has been verified yet."""

    message: Message
    id: MessageId
    digest: bytes
    stamp: Stamp | None
    signature: bytes
    cell: bytes


class _Layout(NamedTuple):
    message_class: type[Any]
    header: tuple[Any, ...]
    body: tuple[Any, ...]


def _layout(message_class: type[Any]) -> _Layout:
    attributes = fields(message_class)
    header = tuple(a for a in attributes if shape_of(a).place == "header")
    body = tuple(a for a in attributes if shape_of(a).place == "body")
    return _Layout(message_class, header, body)


_LAYOUTS = {int(c.KIND): _layout(c) for c in MESSAGE_CLASSES}


def header_bytes(message: Message) -> bytes:
    """The header as it stands in the frame."""
    layout = _LAYOUTS[message.KIND]
    lowered = [shape_of(a).lower(getattr(message, a.name)) for a in layout.header]
    return pack([int(message.KIND), *lowered])


def body_bytes(message: Message) -> bytes:
    """The body as it stands in the frame."""
    layout = _LAYOUTS[message.KIND]
    return pack([shape_of(a).lower(getattr(message, a.name)) for a in layout.body])


def _stamp_plain(stamp: Stamp | None) -> list[Plain]:
    return [] if stamp is None else [stamp.nonce, stamp.effort]


def id_of(message: Message, network: NetworkId) -> MessageId:
    """The id of a message; stamp and signature take no part in it."""
    return message_id(network, header_bytes(message), body_hash(body_bytes(message)))


def pad(frame: bytes) -> bytes:
    """The cell around an encoded frame."""
    assert len(frame) <= FRAME_BYTES_MAX, f"a frame of {len(frame)} bytes does not fit a cell"
    return (len(frame).to_bytes(LENGTH_BYTES, "big") + frame).ljust(CELL_BYTES, b"\x00")


def seal(message: Message, network: NetworkId, key: SigningKey | None, stamp: Stamp | None = None) -> Frame:
    """Sign a message and lay it into a cell. `key` is None for a PROOF alone."""
    assert (key is None) == (message.KIND is Kind.PROOF), "every kind but PROOF is signed"
    assert key is None or key.public == message.signer, "signed by another than its signer"
    assert stamp is None or message.KIND in STAMPED_KINDS, "this kind carries no stamp"
    header, body, stamped = header_bytes(message), body_bytes(message), _stamp_plain(stamp)
    digest = signing_digest(network, header, body_hash(body), pack(stamped))
    signature = b"" if key is None else key.sign(digest)
    # Header and body are packed already: an array of four is one byte and its four encodings.
    frame = b"\x94" + header + body + pack(stamped) + pack(signature)
    identity = message_id(network, header, body_hash(body))
    return Frame(message, identity, digest, stamp, signature, pad(frame))


def open_cell(cell: bytes) -> bytes | Refusal:
    """The frame's bytes inside a cell."""
    if len(cell) != CELL_BYTES:
        return Refusal(Reason.CELL_SIZE, f"{len(cell)} bytes where {CELL_BYTES} must stand")
    length = int.from_bytes(cell[:LENGTH_BYTES], "big")
    if not 0 < length <= FRAME_BYTES_MAX:
        return Refusal(Reason.FRAME_LENGTH, f"{length} bytes where 1 to {FRAME_BYTES_MAX} may stand")
    # "Every byte after the frame MUST be zero." (02-encoding §4)
    if cell[LENGTH_BYTES + length :].strip(b"\x00"):
        return Refusal(Reason.PADDING, "a byte that is not zero after the frame")
    return cell[LENGTH_BYTES : LENGTH_BYTES + length]


def _lift(attributes: tuple[Any, ...], plain: list[Any], into: dict[str, Any]) -> Refusal | None:
    for attribute, value in zip(attributes, plain, strict=True):
        shape = shape_of(attribute)
        if (wrong := shape.fault(value)) is not None:
            return Refusal(Reason.FIELD, f"{attribute.name}: {wrong}")
        into[attribute.alias] = shape.lift(value)
    return None


def _read_stamp(kind: int, plain: Any) -> Stamp | None | Refusal:
    if type(plain) is not list:
        return Refusal(Reason.ELEMENTS, "the stamp is not an array")
    if not plain:
        return None
    if kind not in STAMPED_KINDS:
        return Refusal(Reason.RULE, "a stamp on a kind that carries none")
    good = (
        len(plain) == 2
        and type(plain[0]) is bytes
        and len(plain[0]) == STAMP_NONCE_BYTES
        and type(plain[1]) is int
        and 1 <= plain[1] < 2**32
    )
    return Stamp(plain[0], plain[1]) if good else Refusal(Reason.ELEMENTS, "a stamp is [nonce, effort]")


def _message(header: Any, body: Any) -> Message | Refusal:
    if type(header) is not list or type(body) is not list:
        return Refusal(Reason.ELEMENTS, "header and body are arrays")
    layout = _LAYOUTS.get(header[0]) if header and type(header[0]) is int else None
    if layout is None:
        return Refusal(Reason.KIND, f"{header[0] if header else 'nothing'} is no kind")
    if len(header) != 1 + len(layout.header) or len(body) != len(layout.body):
        return Refusal(Reason.ELEMENTS, f"{len(header)} and {len(body)} elements")
    values: dict[str, Any] = {}
    wrong = _lift(layout.header, header[1:], values) or _lift(layout.body, body, values)
    if wrong is not None:
        return wrong
    message: Message = layout.message_class(**values)
    return rule_broken(message) or message


def rule_broken(message: Message) -> Refusal | None:
    """The rules between fields of one message (each in the message's own document)."""
    if isinstance(message, Letter) and (message.part >= message.parts or message.number < message.part):
        return Refusal(Reason.RULE, "a part beyond its letter")
    if isinstance(message, Proof):
        first, second = message.first_header, message.second_header
        return None if first < second else Refusal(Reason.RULE, "the two headers are not in order")
    sequence, previous = getattr(message, "sequence", 0), getattr(message, "previous", None)
    if previous not in (None, NOTHING) and sequence == 0:
        return Refusal(Reason.RULE, "the first entry of a log has no previous one")
    return None


def decode(cell: bytes, network: NetworkId) -> Frame | Refusal:
    """Total: any bytes give a frame or a refusal, never an exception."""
    frame = open_cell(cell)
    if isinstance(frame, Refusal):
        return frame
    plain = unpack(frame)
    if isinstance(plain, Refusal):
        return plain
    if type(plain) is not list or len(plain) != 4:
        return Refusal(Reason.ELEMENTS, "a frame is [header, body, stamp, signature]")
    header, body, stamped, signature = plain
    message = _message(header, body)
    if isinstance(message, Refusal):
        return message
    stamp = _read_stamp(message.KIND, stamped)
    if isinstance(stamp, Refusal):
        return stamp
    length = 0 if message.KIND is Kind.PROOF else 64
    if type(signature) is not bytes or len(signature) != length:
        return Refusal(Reason.ELEMENTS, f"a signature of {length} bytes must stand last")
    headed, body_digest = pack(header), body_hash(pack(body))
    digest = signing_digest(network, headed, body_digest, pack(stamped))
    return Frame(message, message_id(network, headed, body_digest), digest, stamp, signature, cell)

"""Cells to messages and back.

Decides whether 2,048 bytes are a message, and which. Comes in: a cell or a message. Goes out: a `Frame`
or a `Refusal`, and a cell. Must not know whether the message is welcome: signer, stamp and epoch are
judged elsewhere (`checks`, and the core).

A frame is the array [header, body, stamp, signature] (02-encoding §3); a header opens with the kind.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from attrs import field, fields, frozen

from p2p_sos.wire.canonical import pack, unpack
from p2p_sos.wire.hashing import NetworkId, body_hash, message_id, signing_digest
from p2p_sos.wire.keys import SIGNATURE_BYTES, SigningKey
from p2p_sos.wire.messages import MESSAGE_CLASSES, Message, MessageId
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import CELL_BYTES, FRAME_BYTES_MAX, STAMP_NONCE_BYTES, Kind
from p2p_sos.wire.rules import rule_broken
from p2p_sos.wire.shapes import Plain, shape_of

LENGTH_BYTES = 2
STAMPED_KINDS = (Kind.CALL, Kind.CARD)
EFFORT_MAX = 2**32 - 1
_ARRAY_OF_FOUR = b"\x94"
_ZEROS = bytes(CELL_BYTES)


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
    digest: bytes = field(repr=False)
    stamp: Stamp | None
    signature: bytes = field(repr=False)
    cell: bytes = field(repr=False)


@frozen
class Header:
    """The header of a message, alone: what a PROOF carries."""

    kind: Kind
    values: Mapping[str, Any]


class _Slot(NamedTuple):
    """One field of a message: its name and its shape, unfolded for speed."""

    name: str
    fault: Callable[[Plain], str | None]
    lift: Callable[[Any], Any] | None  # None where the plain value is the value
    lower: Callable[[Any], Plain] | None


class _Layout(NamedTuple):
    """Which fields of a message class stand in the header, and which in the body, in order."""

    kind: Kind
    message_class: Callable[..., Message]
    header: tuple[_Slot, ...]
    body: tuple[_Slot, ...]


def _layout(message_class: type[Message]) -> _Layout:
    slots: dict[str, list[_Slot]] = {"header": [], "body": []}
    for attribute in fields(message_class):
        shape = shape_of(attribute)
        assert not (shape.place == "header" and slots["body"]), "a class names its header's fields first"
        slots[shape.place].append(_Slot(attribute.name, shape.fault, shape.lift, shape.lower))
    return _Layout(message_class.KIND, message_class, tuple(slots["header"]), tuple(slots["body"]))


_LAYOUTS = {int(c.KIND): _layout(c) for c in MESSAGE_CLASSES}


# ------------------------------------------------------------------------- writing


def _lowered(slots: tuple[_Slot, ...], message: Message) -> list[Plain]:
    values = [(slot.lower, getattr(message, slot.name)) for slot in slots]
    return [value if lower is None else lower(value) for lower, value in values]


def header_bytes(message: Message) -> bytes:
    """The header as it stands in the frame."""
    return pack([int(message.KIND), *_lowered(_LAYOUTS[message.KIND].header, message)])


def body_bytes(message: Message) -> bytes:
    """The body as it stands in the frame."""
    return pack(_lowered(_LAYOUTS[message.KIND].body, message))


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
    header, body, stamped = header_bytes(message), body_bytes(message), pack(_stamp_plain(stamp))
    body_digest = body_hash(body)
    digest = signing_digest(network, header, body_digest, stamped)
    signature = b"" if key is None else key.sign(digest)
    # Header and body are packed already: an array of four is one byte and its four encodings.
    frame = _ARRAY_OF_FOUR + header + body + stamped + pack(signature)
    identity = message_id(network, header, body_digest)
    return Frame(message, identity, digest, stamp, signature, pad(frame))


# ------------------------------------------------------------------------- reading


def open_cell(cell: bytes) -> bytes | Refusal:
    """The frame's bytes inside a cell."""
    if len(cell) != CELL_BYTES:
        return Refusal(Reason.CELL_SIZE, f"{len(cell)} bytes where {CELL_BYTES} must stand")
    end = LENGTH_BYTES + int.from_bytes(cell[:LENGTH_BYTES], "big")
    if not LENGTH_BYTES < end <= CELL_BYTES:
        length = end - LENGTH_BYTES
        return Refusal(Reason.FRAME_LENGTH, f"{length} bytes where 1 to {FRAME_BYTES_MAX} may stand")
    # "Every byte after the frame MUST be zero." (02-encoding §4)
    if cell[end:] != _ZEROS[end:]:
        return Refusal(Reason.PADDING, "a byte that is not zero after the frame")
    return cell[LENGTH_BYTES:end]


def _lift(slots: tuple[_Slot, ...], plain: list[Plain], into: list[Any]) -> Refusal | None:
    for (name, fault, lift, _), value in zip(slots, plain, strict=True):
        if (wrong := fault(value)) is not None:
            return Refusal(Reason.FIELD, f"{name}: {wrong}")
        into.append(value if lift is None else lift(value))
    return None


def _layout_of(header: Plain) -> _Layout | Refusal:
    if type(header) is not list or not header:
        return Refusal(Reason.ELEMENTS, "a header is an array that opens with the kind")
    kind = header[0]
    layout = _LAYOUTS.get(kind) if type(kind) is int else None
    if layout is None:
        shown = kind if type(kind) is int else "that value"
        return Refusal(Reason.KIND, f"{shown} is no kind")
    if len(header) != 1 + len(layout.header):
        return Refusal(Reason.ELEMENTS, f"{len(header)} elements in the header of a {layout.kind.name}")
    return layout


def _message(header: Plain, body: Plain) -> Message | Refusal:
    layout = _layout_of(header)
    if isinstance(layout, Refusal):
        return layout
    assert type(header) is list
    if type(body) is not list or len(body) != len(layout.body):
        return Refusal(Reason.ELEMENTS, f"a {layout.kind.name}'s body has {len(layout.body)} elements")
    values: list[Any] = []
    wrong = _lift(layout.header, header[1:], values) or _lift(layout.body, body, values)
    if wrong is not None:
        return wrong
    message = layout.message_class(*values)
    return rule_broken(message) or message


def _read_stamp(kind: Kind, plain: Plain) -> Stamp | None | Refusal:
    if type(plain) is not list:
        return Refusal(Reason.ELEMENTS, "the stamp is not an array")
    if not plain:
        return None
    if kind not in STAMPED_KINDS:
        return Refusal(Reason.RULE, "a stamp on a kind that carries none")
    if len(plain) != 2:
        return Refusal(Reason.ELEMENTS, "a stamp is [nonce, effort]")
    nonce, effort = plain
    if type(nonce) is not bytes or len(nonce) != STAMP_NONCE_BYTES:
        return Refusal(Reason.FIELD, f"the stamp's nonce: not {STAMP_NONCE_BYTES} bytes")
    if type(effort) is not int or not 1 <= effort <= EFFORT_MAX:
        return Refusal(Reason.FIELD, f"the stamp's effort: not from 1 to {EFFORT_MAX}")
    return Stamp(nonce, effort)


def read_header(data: bytes) -> Header | Refusal:
    """A header that stands alone, as it does inside a PROOF. Total, as `decode` is."""
    plain = unpack(data)
    if isinstance(plain, Refusal):
        return plain
    layout = _layout_of(plain)
    if isinstance(layout, Refusal):
        return layout
    assert type(plain) is list
    values: list[Any] = []
    if (wrong := _lift(layout.header, plain[1:], values)) is not None:
        return wrong
    names = [slot.name for slot in layout.header]
    return Header(layout.kind, dict(zip(names, values, strict=True)))


def decode(cell: bytes, network: NetworkId) -> Frame | Refusal:
    """Total: any bytes give a frame or a refusal, never an exception, in bounded time and memory."""
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
    length = 0 if message.KIND is Kind.PROOF else SIGNATURE_BYTES
    if type(signature) is not bytes or len(signature) != length:
        return Refusal(Reason.FIELD, f"the signature: not {length} bytes")
    headed, body_digest = pack(header), body_hash(pack(body))
    digest = signing_digest(network, headed, body_digest, pack(stamped))
    return Frame(message, message_id(network, headed, body_digest), digest, stamp, signature, cell)

"""GossipSub RPCs: the protobuf of a frame to and from an `Rpc`.

Decides whether the bytes of a frame are an RPC, and which of its messages are canonical. In come the bytes of
one frame, out goes an `Rpc`, or None; and the other way round. It must not know who sent them, nor judge what
they mean.

The published messages are read by hand, since their raw bytes decide about them; the rest by the classes of
`libp2p.pubsub.pb`.
"""

from collections.abc import Iterator

from google.protobuf.message import DecodeError
from libp2p.pubsub.pb import rpc_pb2

from p2p_sos.core.gossip.rpc import Carried, Prune, Rpc, Subscription
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.registry import CELL_BYTES, TOPIC

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SUBSCRIPTIONS, _PUBLISH, _CONTROL = 1, 2, 3  # fields of RPC
_DATA_TAG, _TOPIC_TAG = b"\x12", b"\x22"  # fields 2 and 4 of Message
_PUBLISH_TAG, _CONTROL_TAG = b"\x12", b"\x1a"  # fields 2 and 3 of RPC


_SMALL = [bytes((number,)) for number in range(0x80)]


def varint(number: int) -> bytes:
    """An unsigned LEB128 number."""
    if number < 0x80:
        return _SMALL[number]
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def frame(payload: bytes) -> bytes:
    """The payload behind its length, as it travels."""
    return varint(len(payload)) + payload


# ------------------------------------------------------------------------- writing


def encode(rpc: Rpc) -> bytes:
    """The protobuf of an RPC. Every message it publishes is canonical."""
    pieces = [_subscriptions(rpc)] if rpc.subscriptions else []
    for carried in rpc.messages:
        message = fresh_message(carried.data, carried.topic)
        pieces += (_PUBLISH_TAG, varint(len(message)), message)
    if rpc.ihave or rpc.iwant or rpc.graft or rpc.prune or rpc.idontwant:
        control = _control(rpc)
        pieces += (_CONTROL_TAG, varint(len(control)), control)
    return b"".join(pieces)


def fresh_message(data: bytes, topic: str) -> bytes:
    """The one canonical serialisation of a message with this data and topic."""
    # "A message holds `data` and `topic`, in this order, and nothing else." (08-binding §4)
    name = topic.encode()
    return b"".join((_DATA_TAG, varint(len(data)), data, _TOPIC_TAG, varint(len(name)), name))


_CELL_HEAD = _DATA_TAG + varint(CELL_BYTES)
_CELL_TAIL = _TOPIC_TAG + varint(len(TOPIC)) + TOPIC.encode()
_CELL_MESSAGE_BYTES = len(_CELL_HEAD) + CELL_BYTES + len(_CELL_TAIL)


def join(rpcs: list[Rpc]) -> Rpc:
    """Several RPCs to one peer as one."""
    if len(rpcs) == 1:
        return rpcs[0]
    return Rpc(
        subscriptions=tuple(s for rpc in rpcs for s in rpc.subscriptions),
        messages=tuple(m for rpc in rpcs for m in rpc.messages),
        ihave=tuple(pair for rpc in rpcs for pair in rpc.ihave),
        iwant=tuple(i for rpc in rpcs for i in rpc.iwant),
        graft=tuple(topic for rpc in rpcs for topic in rpc.graft),
        prune=tuple(prune for rpc in rpcs for prune in rpc.prune),
        idontwant=tuple(i for rpc in rpcs for i in rpc.idontwant),
    )


def _subscriptions(rpc: Rpc) -> bytes:
    made = rpc_pb2.RPC()
    for subscription in rpc.subscriptions:
        made.subscriptions.add(subscribe=subscription.subscribe, topicid=subscription.topic)
    return bytes(made.SerializeToString())


def _control(rpc: Rpc) -> bytes:
    control = rpc_pb2.ControlMessage()
    for topic, ids in rpc.ihave:
        # py-libp2p declares the ids as bytes, as the wire has them
        control.ihave.add(topicID=topic, messageIDs=ids)
    if rpc.iwant:
        control.iwant.add(messageIDs=rpc.iwant)
    for topic in rpc.graft:
        control.graft.add(topicID=topic)
    for prune in rpc.prune:
        control.prune.add(topicID=prune.topic, backoff=prune.backoff_s)
    if rpc.idontwant:
        control.idontwant.add(messageIDs=rpc.idontwant)
    return bytes(control.SerializeToString())


# ------------------------------------------------------------------------- reading


def decode(payload: bytes) -> Rpc | None:
    """The RPC in a frame; None if there is none. Unknown fields are skipped."""
    messages: list[Carried] = []
    rest: list[bytes] = []
    try:
        for number, kind, start, inside, end in _walk(payload):
            if number == _PUBLISH and kind == _BYTES:
                messages.append(_carried(payload[inside:end]))
            elif number in {_SUBSCRIPTIONS, _CONTROL}:
                rest.append(payload[start:end])
        if not rest:
            return Rpc(messages=tuple(messages))
        return _with_rest(tuple(messages), rpc_pb2.RPC.FromString(b"".join(rest)))
    except (DecodeError, ValueError, IndexError):
        return None


def _carried(raw: bytes) -> Carried:
    if raw.startswith(_CELL_HEAD) and raw.endswith(_CELL_TAIL) and len(raw) == _CELL_MESSAGE_BYTES:
        # nearly all: a cell on the topic, whose fresh message has just these bytes around it
        data = raw[len(_CELL_HEAD) : len(_CELL_HEAD) + CELL_BYTES]
        return Carried(gossip_id(data, canonical=True), data, TOPIC)
    data, topic, repeated = b"", "", False
    seen_data = seen_topic = False
    for number, kind, _, inside, end in _walk(raw):
        if number == 2 and kind == _BYTES:
            repeated |= seen_data
            data, seen_data = raw[inside:end], True
        elif number == 4 and kind == _BYTES:
            repeated |= seen_topic
            topic, seen_topic = raw[inside:end].decode(), True
    # "A message is canonical when its bytes equal the serialisation of a fresh message with the same data and
    # topic." (08-binding §4)
    canonical = seen_data and seen_topic and not repeated and raw == fresh_message(data, topic)
    return Carried(gossip_id(data if canonical else raw, canonical=canonical), data, topic, canonical)


def _with_rest(messages: tuple[Carried, ...], parsed: rpc_pb2.RPC) -> Rpc:
    control = parsed.control
    return Rpc(
        subscriptions=tuple(Subscription(s.topicid, s.subscribe) for s in parsed.subscriptions),
        messages=messages,
        ihave=tuple((ihave.topicID, tuple(ihave.messageIDs)) for ihave in control.ihave),
        iwant=tuple(i for iwant in control.iwant for i in iwant.messageIDs),
        graft=tuple(graft.topicID for graft in control.graft),
        prune=tuple(Prune(prune.topicID, prune.backoff) for prune in control.prune),
        idontwant=tuple(i for dont in control.idontwant for i in dont.messageIDs),
    )


def _walk(raw: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """Each field: number, wire type, where it starts, where its value starts and ends. Raises ValueError, IndexError."""
    at, end = 0, len(raw)
    while at < end:
        start = at
        tag, at = _read_varint(raw, at)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise ValueError("field number zero")
        inside = at
        if kind == _BYTES:
            length, inside = _read_varint(raw, at)
            at = inside + length
        elif kind == _VARINT:
            _, at = _read_varint(raw, at)
        elif kind == _FIXED64:
            at += 8
        elif kind == _FIXED32:
            at += 4
        else:
            raise ValueError("a group, or no wire type at all")
        if at > end:
            raise ValueError("cut short")
        yield number, kind, start, inside, at


def _read_varint(raw: bytes | bytearray, at: int) -> tuple[int, int]:
    byte = raw[at]
    if byte < 0x80:
        return byte, at + 1
    number, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = raw[at]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at + 1
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


# ------------------------------------------------------------------------- framing


class FrameTooLongError(ValueError):
    """A peer announced a frame above the limit; its stream cannot be followed any further."""


class FrameReader:
    """Cuts a stream of bytes into frames, however they arrive."""

    def __init__(self, frame_bytes_max: int) -> None:
        self._frame_bytes_max = frame_bytes_max
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take bytes and yield every frame that is complete. Raises `FrameTooLongError`; the reader is of no use then."""
        buffer = self._buffer
        buffer += data
        at = 0
        try:
            while True:
                try:
                    length, inside = _read_varint(buffer, at)
                except IndexError:
                    return
                except ValueError as error:
                    raise FrameTooLongError("a length of more than 64 bits") from error
                # "A frame longer than `rpc_bytes_max` ends the stream." (08-binding §4)
                if length > self._frame_bytes_max:
                    raise FrameTooLongError(f"a frame of {length} bytes")
                if inside + length > len(buffer):
                    return
                at = inside + length
                yield bytes(buffer[inside:at])
        finally:
            del buffer[:at]

    @property
    def waiting_bytes(self) -> int:
        """How much of an unfinished frame is held."""
        return len(self._buffer)

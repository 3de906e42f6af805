"""GossipSub frames: the same bytes as py-libp2p's classes, canonical or not, however they are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libp2p.pubsub.pb import rpc_pb2

from p2p_sos.core.gossip.rpc import Carried, Prune, Rpc, Subscription
from p2p_sos.drivers.p2p.protobuf import (
    FrameReader,
    FrameTooLongError,
    decode,
    encode,
    frame,
    fresh_message,
    join,
)
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.registry import CELL_BYTES, TOPIC

topics = st.sampled_from([TOPIC, "", "x" * 200, "ä"])
ids = st.lists(st.binary(min_size=0, max_size=24), max_size=4).map(tuple)
bodies = st.one_of(st.binary(max_size=300), st.binary(min_size=CELL_BYTES, max_size=CELL_BYTES))


def carried(data: bytes, topic: str = TOPIC) -> Carried:
    """A canonical message."""
    return Carried(gossip_id(data, canonical=True), data, topic)


rpcs = st.builds(
    Rpc,
    subscriptions=st.lists(st.builds(Subscription, topics, st.booleans()), max_size=3).map(tuple),
    messages=st.lists(st.builds(carried, bodies, topics), max_size=3).map(tuple),
    ihave=st.lists(st.tuples(topics, ids), max_size=3).map(tuple),
    iwant=ids,
    graft=st.lists(topics, max_size=2).map(tuple),
    prune=st.lists(st.builds(Prune, topics, st.integers(0, 2**40)), max_size=2).map(tuple),
    idontwant=ids,
)


@given(rpcs)
def test_an_rpc_survives_the_wire(rpc: Rpc) -> None:
    """What was encoded is decoded to an equal value, every message canonical."""
    assert decode(encode(rpc)) == rpc


@given(rpcs)
def test_py_libp2p_reads_the_same(rpc: Rpc) -> None:
    """py-libp2p's own classes read our frames, and find no origin in any message."""
    read = rpc_pb2.RPC.FromString(encode(rpc))
    assert [(m.data, list(m.topicIDs)) for m in read.publish] == [(m.data, [m.topic]) for m in rpc.messages]
    assert [g.topicID for g in read.control.graft] == list(rpc.graft)
    for message in read.publish:
        assert [f.name for f, _ in message.ListFields() if f.name not in {"data", "topicIDs"}] == []


@given(bodies, topics)
def test_fresh_bytes_are_those_of_the_protobuf_classes(data: bytes, topic: str) -> None:
    """Our canonical serialisation is the one that any protobuf writer gives a message with data and topic alone."""
    assert fresh_message(data, topic) == rpc_pb2.Message(data=data, topicIDs=[topic]).SerializeToString()


@given(st.binary(max_size=400))
def test_any_bytes_are_an_rpc_or_none(payload: bytes) -> None:
    """The decoder is total."""
    assert decode(payload) is None or isinstance(decode(payload), Rpc)


@given(rpcs, st.data())
def test_a_damaged_frame_is_an_rpc_or_none(rpc: Rpc, draw: st.DataObject) -> None:
    """One changed byte, or a cut, raises nothing."""
    whole = bytearray(encode(rpc))
    if whole:
        whole[draw.draw(st.integers(0, len(whole) - 1))] ^= draw.draw(st.integers(1, 255))
    decode(bytes(whole))
    decode(bytes(whole[: draw.draw(st.integers(0, len(whole)))]))


def published(raw: bytes) -> Carried:
    """A message as a reader finds it."""
    rpc = decode(b"\x12" + frame(raw))
    assert rpc is not None
    return rpc.messages[0]


CELL = b"e" * CELL_BYTES
CLEAN = fresh_message(CELL, TOPIC)
NAME = b"\x22" + frame(TOPIC.encode())
DATA = b"\x12" + frame(CELL)
FORGED = {
    "from": b"\x0a" + frame(b"origin") + CLEAN,
    "empty from": b"\x0a\x00" + CLEAN,
    "seqno": CLEAN + b"\x1a" + frame(bytes(8)),
    "signature": CLEAN + b"\x2a" + frame(bytes(64)),
    "key": CLEAN + b"\x32" + frame(bytes(36)),
    "an unknown field": CLEAN + b"\x78\x01",
    "an unknown field first": b"\x78\x01" + CLEAN,
    "topic before data": NAME + DATA,
    "data twice": DATA + DATA + NAME,
    "topic twice": DATA + NAME + NAME,
    "a long length": b"\x12\x80\x90\x00" + CELL + NAME,
    "a long tag": b"\x92\x00" + frame(CELL) + NAME,
    "no topic": DATA,
    "no data": NAME,
}


def test_a_clean_message_is_canonical() -> None:
    """Control: the clean message is canonical, and its id is that of its data."""
    assert published(CLEAN) == carried(CELL)


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_copy_has_another_id(what: str) -> None:
    """A copy with anything added, repeated or spelled otherwise is not canonical; its id covers its raw bytes."""
    copy = published(FORGED[what])
    assert not copy.canonical
    assert copy.id == gossip_id(FORGED[what], canonical=False)
    assert copy.id != carried(CELL).id


@given(st.lists(st.binary(max_size=200), max_size=6), st.integers(1, 50))
def test_frames_survive_any_cut(payloads: list[bytes], step: int) -> None:
    """However the bytes of a stream arrive, the same frames come out."""
    stream, reader = b"".join(frame(p) for p in payloads), FrameReader(4096)
    found = [p for at in range(0, len(stream), step) for p in reader.feed(stream[at : at + step])]
    assert found == payloads
    assert reader.waiting_bytes == 0


@pytest.mark.parametrize("head", [b"\x81\x20", b"\xff\xff\xff\x7f", b"\xff" * 12])
def test_a_long_frame_is_refused_before_it_comes(head: bytes) -> None:
    """The length alone is enough to refuse a frame above the limit."""
    with pytest.raises(FrameTooLongError):
        list(FrameReader(4096).feed(head))


def test_the_longest_frame_is_taken() -> None:
    """Control: a frame of exactly the limit is read."""
    assert list(FrameReader(4096).feed(frame(bytes(4096)))) == [bytes(4096)]


@given(st.lists(rpcs, min_size=1, max_size=4))
def test_joined_rpcs_say_the_same(several: list[Rpc]) -> None:
    """One joined RPC holds what the several held, in order, with a single control part."""
    joined = join(several)
    assert joined.messages == tuple(m for rpc in several for m in rpc.messages)
    assert joined.graft == tuple(g for rpc in several for g in rpc.graft)
    assert decode(encode(joined)) == joined

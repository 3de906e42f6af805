"""Cells and messages: what is written is read back, and nothing else is a message."""

import tracemalloc

import attrs
import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p2p_sos.wire.canonical import pack
from p2p_sos.wire.frames import STAMPED_KINDS, Frame, Stamp, decode, id_of, open_cell, pad, read_header, seal
from p2p_sos.wire.messages import MESSAGE_CLASSES, Cancel, Claim, Letter, Message, Proof
from p2p_sos.wire.profiles import PROFILES, Profile
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import CELL_BYTES, FRAME_BYTES_MAX, Kind
from tests.wire.samples import (
    LARGEST_STAMP,
    NETWORK,
    RESPONDER,
    VICTIM,
    largest,
    messages,
    messages_of,
    signed,
    smallest,
    stamps,
)

PUBLIC = PROFILES["public"].network
every_class = pytest.mark.parametrize("message_class", MESSAGE_CLASSES, ids=lambda c: c.__name__)


def reason_of(cell: bytes) -> Reason:
    """Why a cell is refused."""
    answer = decode(cell, NETWORK)
    assert isinstance(answer, Refusal), answer
    return answer.reason


def plain_of(message: Message, stamp: Stamp | None = None) -> list:
    """The frame of a message as nested lists, to be damaged."""
    return msgpack.unpackb(open_cell(signed(message, stamp).cell), raw=False)


def celled(plain: object) -> bytes:
    """The cell around any msgpack value; what is too long for its cell is cut out of the LETTER's sealed bytes."""
    frame = msgpack.packb(plain, use_bin_type=True)
    if len(frame) > FRAME_BYTES_MAX:
        plain[1][2] = plain[1][2][:-64]
        frame = msgpack.packb(plain, use_bin_type=True)
    return pad(frame)


def test_every_kind_has_one_class() -> None:
    """The registry's kinds and the message classes are the same."""
    assert sorted(c.KIND for c in MESSAGE_CLASSES) == sorted(Kind)


@every_class
def test_the_largest_message_fits_its_cell(message_class: type[Message]) -> None:
    """Every class at its largest legal values, and the largest stamp, fits 2,046 bytes and is read back."""
    frame = signed(largest(message_class), LARGEST_STAMP)
    assert len(open_cell(frame.cell)) <= FRAME_BYTES_MAX
    assert decode(frame.cell, NETWORK) == frame


@every_class
@settings(max_examples=25)
@given(data=st.data())
def test_no_message_is_longer_than_the_largest(message_class: type[Message], data: st.DataObject) -> None:
    """What the size proof calls largest and smallest really bounds what can be drawn."""
    frame = signed(data.draw(messages_of(message_class)), LARGEST_STAMP)
    shortest, longest = (signed(make(message_class), LARGEST_STAMP) for make in (smallest, largest))
    assert len(open_cell(shortest.cell)) <= len(open_cell(frame.cell)) <= len(open_cell(longest.cell))


@given(message=messages, stamp=st.none() | stamps)
def test_what_is_sealed_is_read_back(message: Message, stamp: Stamp | None) -> None:
    """Decoding a sealed message gives the very same frame, in 2,048 bytes."""
    frame = signed(message, stamp)
    assert len(frame.cell) == CELL_BYTES
    assert decode(frame.cell, NETWORK) == frame
    assert frame.id == id_of(frame.message, NETWORK)


@given(first=messages, second=messages)
def test_distinct_messages_never_share_an_id(first: Message, second: Message) -> None:
    """Two messages have one id if and only if they are equal."""
    assert (id_of(first, NETWORK) == id_of(second, NETWORK)) == (first == second)


@given(message=messages, data=st.data())
def test_every_field_takes_part_in_the_id(message: Message, data: st.DataObject) -> None:
    """Changing one field alone changes the id."""
    other = data.draw(messages_of(type(message)))
    for attribute in attrs.fields(type(message)):
        changed = attrs.evolve(message, **{attribute.name: getattr(other, attribute.name)})
        assert (id_of(changed, NETWORK) == id_of(message, NETWORK)) == (changed == message)


@given(message=messages, first=stamps, second=stamps)
def test_a_stamp_changes_the_signature_but_not_the_id(message: Message, first: Stamp, second: Stamp) -> None:
    """The id leaves stamp and signature out; the signature covers the stamp."""
    one, two = signed(message, first), signed(message, second)
    assert one.id == two.id
    same_stamp = first == second or message.KIND not in STAMPED_KINDS
    assert (one.digest == two.digest) == same_stamp
    assert (one.signature == two.signature) == same_stamp or isinstance(message, Proof)


@given(message=messages)
def test_another_network_gives_another_id_and_digest(message: Message) -> None:
    """No id and no signature of one network is valid in another."""
    here = signed(message)
    there = decode(here.cell, PUBLIC)
    assert isinstance(there, Frame)
    assert there.message == here.message
    assert there.id != here.id
    assert there.digest != here.digest


def test_a_network_is_the_hash_of_all_its_choices() -> None:
    """Changing any number, the name or a root of a profile changes the network."""
    profile = PROFILES["laboratory"]
    networks = {profile.network}
    for name in ("stamp_effort_min", "open_calls_max", "calls_per_s", "calls_burst"):
        networks.add(attrs.evolve(profile, **{name: getattr(profile, name) + 1}).network)
    networks.add(attrs.evolve(profile, name="elsewhere").network)
    networks.add(Profile("laboratory", 16, 1024, 10, 100, roots=(bytes(32),)).network)
    assert len(networks) == 7


@settings(suppress_health_check=[HealthCheck.large_base_example])
@given(cell=st.binary(max_size=3000) | st.binary(min_size=CELL_BYTES, max_size=CELL_BYTES))
def test_any_bytes_give_an_answer(cell: bytes) -> None:
    """Whatever bytes come, decode returns a frame or a refusal."""
    assert isinstance(decode(cell, NETWORK), Frame | Refusal)


@given(frame=st.binary(min_size=1, max_size=400))
def test_any_frame_gives_an_answer(frame: bytes) -> None:
    """Whatever stands in a well-formed cell, decode returns a frame or a refusal, and so does a lone header."""
    assert isinstance(decode(pad(frame), NETWORK), Frame | Refusal)
    read_header(frame)


@given(message=messages, stamp=st.none() | stamps, data=st.data())
def test_a_damaged_cell_is_another_message_or_none(
    message: Message, stamp: Stamp | None, data: st.DataObject
) -> None:
    """Changing bytes of a cell never gives the same message with the same signature."""
    frame = signed(message, stamp)
    end = 2 + len(open_cell(frame.cell))
    damaged = bytearray(frame.cell)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, end))] ^= data.draw(st.integers(1, 255))
    answer = decode(bytes(damaged), NETWORK)
    if isinstance(answer, Frame) and bytes(damaged) != frame.cell:
        assert (answer.digest, answer.signature) != (frame.digest, frame.signature)


nested = st.recursive(
    st.integers(-5, 2**64 - 1) | st.binary(max_size=70) | st.text(max_size=5) | st.floats() | st.none(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
)


@given(message=messages, wrong=nested, data=st.data())
def test_a_foreign_value_in_any_place_gives_an_answer(
    message: Message, wrong: object, data: st.DataObject
) -> None:
    """Any msgpack value in any place of a frame gives a frame or a refusal."""
    plain = plain_of(message)
    place = data.draw(st.integers(0, 3))
    if place < 2 and plain[place] and data.draw(st.booleans()):
        plain[place][data.draw(st.integers(0, len(plain[place]) - 1))] = wrong
    else:
        plain[place] = wrong
    frame = msgpack.packb(plain, use_bin_type=True)
    if len(frame) <= FRAME_BYTES_MAX:
        assert isinstance(decode(pad(frame), NETWORK), Frame | Refusal)


CLAIM = smallest(Claim)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"\xc1", Reason.MSGPACK),
        (b"\x94\x90\x90\x90", Reason.MSGPACK),
        (b"\x90\x90", Reason.MSGPACK),
        (b"\xdd\xff\xff\xff\xff", Reason.MSGPACK),
        (b"\xc6\xff\xff\xff\xff", Reason.MSGPACK),
        (b"\xdc\x07\xfe" * 680, Reason.MSGPACK),
        (b"\xdf\xff\xff\xff\xff", Reason.MSGPACK),
        (b"\x91" * 2000, Reason.DEPTH),
        (b"\x91" * 700 + b"\x90", Reason.DEPTH),
        (b"\x91" * 5 + b"\x00", Reason.DEPTH),
        (b"\x94\xca\x7f\xc0\x00\x00\x90\x90\xc4\x00", Reason.TYPE),
        (b"\xc0", Reason.TYPE),
        (b"\xc3", Reason.TYPE),
        (b"\xa2\xff\xfe", Reason.TYPE),
        (b"\xff", Reason.TYPE),
        (b"\x80", Reason.TYPE),
        (b"\x81\x80\x00", Reason.TYPE),
        (b"\x82\x90\x00\x90\x00", Reason.TYPE),
        (b"\xc7\x00\x05", Reason.TYPE),
        (b"\xd6\xff\x00\x00\x00\x00", Reason.TYPE),
        (b"\x94\xdc\x00\x00\x90\x90\xc4\x00", Reason.NOT_CANONICAL),
        (b"\xcc\x05", Reason.NOT_CANONICAL),
        (b"\x05", Reason.ELEMENTS),
        (b"\x93\x90\x90\x90", Reason.ELEMENTS),
        (b"\x95\x90\x90\x90\xc4\x00\x00", Reason.ELEMENTS),
        (b"\x94\x05\x90\x90\xc4\x00", Reason.ELEMENTS),
        (b"\x94\x90\x90\x90\xc4\x00", Reason.ELEMENTS),
        (b"\x94\x91\x63\x90\x90\xc4\x00", Reason.KIND),
        (b"\x94\x91\xc4\x01\x03\x90\x90\xc4\x00", Reason.KIND),
        (b"\x94\x91\x03\x90\x90\xc4\x00", Reason.ELEMENTS),
    ],
)
def test_each_malformed_frame_is_refused_with_its_reason(frame: bytes, reason: Reason) -> None:
    """Bombs, floats, text, maps, extensions, over-long integers and wrong counts are each named."""
    assert reason_of(pad(frame)) is reason


@pytest.mark.parametrize(
    "bomb", [b"\xdc\x07\xfe", b"\xdc\x00\x40", b"\xde\x00\x40", b"\x91", b"\x9f", b"\x81"]
)
def test_no_cell_makes_the_decoder_take_much_memory(bomb: bytes) -> None:
    """A cell full of headers that each declare many elements takes less than half a mebibyte to refuse."""
    cell = pad((bomb * FRAME_BYTES_MAX)[:FRAME_BYTES_MAX])
    tracemalloc.start()
    try:
        assert isinstance(decode(cell, NETWORK), Refusal)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 2**19


def test_the_cell_around_the_frame_is_exact() -> None:
    """A cell of another size, a wrong length and a byte in the padding are refused."""
    cell = signed(CLAIM).cell
    assert reason_of(cell + b"\x00") is Reason.CELL_SIZE
    assert reason_of(cell[:-1]) is Reason.CELL_SIZE
    assert reason_of(b"") is Reason.CELL_SIZE
    assert reason_of(bytes(CELL_BYTES)) is Reason.FRAME_LENGTH
    assert reason_of(b"\xff\xff" + cell[2:]) is Reason.FRAME_LENGTH
    assert reason_of(cell[:-1] + b"\x01") is Reason.PADDING
    assert reason_of(pad(cell[: 2 + 300])) is not Reason.CELL_SIZE


def test_a_doubly_encoded_message_is_refused() -> None:
    """A frame wrapped as a byte string, or a header packed twice, is no message."""
    frame = open_cell(signed(CLAIM).cell)
    assert reason_of(celled(frame)) is Reason.ELEMENTS
    plain = plain_of(CLAIM)
    plain[0] = msgpack.packb(plain[0], use_bin_type=True)
    assert reason_of(celled(plain)) is Reason.ELEMENTS


@pytest.mark.parametrize("place", [0, 1])
@every_class
def test_one_element_more_or_less_is_refused(message_class: type[Message], place: int) -> None:
    """No kind takes an element more, or one less, in header or body."""
    plain = plain_of(smallest(message_class))
    plain[place].append(0)
    assert reason_of(celled(plain)) is Reason.ELEMENTS
    plain = plain_of(smallest(message_class))
    if plain[place]:
        plain[place].pop()
        assert reason_of(celled(plain)) is Reason.ELEMENTS


@pytest.mark.parametrize("wrong", ["text", 1.5, None, True, float("nan"), {}, -1])
@every_class
def test_no_field_takes_another_type(message_class: type[Message], wrong: object) -> None:
    """Text, floats, NaN, nil, booleans, maps and negative integers are refused in every field."""
    whole = plain_of(smallest(message_class))
    for place in (0, 1):
        for index in range(len(whole[place])):
            plain = plain_of(smallest(message_class))
            plain[place][index] = wrong
            assert reason_of(celled(plain)) is Reason.TYPE


@every_class
def test_no_field_takes_a_value_beyond_its_bounds(message_class: type[Message]) -> None:
    """An integer, byte string or array just beyond the largest is refused, field by field."""
    layout = list(attrs.fields(message_class))
    heads = [a for a in layout if a.metadata["shape"].place == "header"]
    for attribute in layout:
        shape = attribute.metadata["shape"]
        index = heads.index(attribute) + 1 if attribute in heads else layout.index(attribute) - len(heads)
        plain = plain_of(largest(message_class))
        most = shape.largest
        if isinstance(most, int):
            beyond: object = most + 1 if most < 2**64 - 1 else b""
        else:
            beyond = most + (b"\x00" if isinstance(most, bytes) else [most[-1]])
        plain[0 if attribute in heads else 1][index] = beyond
        frame = msgpack.packb(plain, use_bin_type=True)
        if len(frame) <= FRAME_BYTES_MAX:
            assert reason_of(pad(frame)) is Reason.FIELD, attribute.name


def test_a_set_has_one_encoding() -> None:
    """Heads that are not strictly ascending are refused."""
    claim = attrs.evolve(CLAIM, heads=(b"\x02" * 32, b"\x01" * 32))
    assert reason_of(signed(claim).cell) is Reason.FIELD
    assert reason_of(signed(attrs.evolve(CLAIM, heads=(b"\x02" * 32,) * 2)).cell) is Reason.FIELD


def test_the_signature_has_its_length() -> None:
    """A signature of 63 bytes, none at all, or one on a PROOF is refused."""
    for signature in (b"", bytes(63), bytes(65), 5, []):
        plain = plain_of(CLAIM)
        plain[3] = signature
        assert reason_of(celled(plain)) is Reason.FIELD
    plain = plain_of(smallest(Proof))
    plain[3] = bytes(64)
    assert reason_of(celled(plain)) is Reason.FIELD


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [
        (5, Reason.ELEMENTS),
        ([bytes(16)], Reason.ELEMENTS),
        ([bytes(16), 5, 5], Reason.ELEMENTS),
        ([bytes(15), 5], Reason.FIELD),
        ([bytes(16), 0], Reason.FIELD),
        ([bytes(16), 2**32], Reason.FIELD),
        ([5, bytes(16)], Reason.FIELD),
    ],
)
def test_a_stamp_has_its_form(stamp: object, reason: Reason) -> None:
    """A stamp that is not [nonce of 16 bytes, effort] is refused."""
    message_class = next(c for c in MESSAGE_CLASSES if c.KIND is Kind.CALL)
    plain = plain_of(smallest(message_class))
    plain[2] = stamp
    assert reason_of(celled(plain)) is reason


@every_class
def test_only_calls_and_cards_carry_a_stamp(message_class: type[Message]) -> None:
    """A stamp on any other kind is refused."""
    plain = plain_of(smallest(message_class))
    plain[2] = [b"", 5] if message_class is Letter else [bytes(16), 5]
    if message_class.KIND in STAMPED_KINDS:
        assert isinstance(decode(celled(plain), NETWORK), Frame)
    else:
        assert reason_of(celled(plain)) is Reason.RULE


def test_seal_signs_for_its_signer_alone() -> None:
    """Sealing with another's key is a programmer's fault."""
    cancel = Cancel(bytes(32), VICTIM.public, 1)
    with pytest.raises(AssertionError):
        seal(cancel, NETWORK, RESPONDER)
    with pytest.raises(AssertionError):
        seal(cancel, NETWORK, VICTIM, LARGEST_STAMP)


def test_a_header_alone_is_read_as_in_its_frame() -> None:
    """`read_header` gives the kind and the header's fields, and refuses what is no header."""
    message = largest(Claim)
    header = read_header(pack(plain_of(message)[0]))
    assert not isinstance(header, Refusal)
    assert header.kind is Kind.CLAIM
    assert header.values["call"] == message.call
    assert header.values["heads"] == message.heads
    for wrong in (b"", b"\x05", b"\x90", b"\x91\x63", b"\x91\x06", pack([6, *[0] * 7]), b"\x91" * 3000):
        assert isinstance(read_header(wrong), Refusal)

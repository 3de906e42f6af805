"""The after-action record: what holds is read back, and no byte of it can be another."""

import random

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from p2p_sos.wire.canonical import pack, unpack
from p2p_sos.wire.frames import Frame, id_of, seal
from p2p_sos.wire.hashing import blake2b
from p2p_sos.wire.keys import ExchangeKey, SigningKey
from p2p_sos.wire.profiles import PROFILES
from p2p_sos.wire.record import (
    ENTRY_BYTES,
    TIME_MAX,
    VERSION,
    Entry,
    Record,
    frames_of,
    open_record,
    seal_record,
)
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import STAMP_NONCE_BYTES, Tlp
from p2p_sos.wire.stamps import solve
from tests.core import mail
from tests.core.world import PROFILE

EXPORTER = mail.key("exporter")
ANNA, BERT = mail.key("anna"), mail.key("bert")


def stamped(frame: Frame, key: SigningKey) -> Frame:
    """The same message with a stamp that holds."""
    identity = id_of(frame.message, PROFILE.network)
    stamp = solve(identity, PROFILE.stamp_effort_min, start=bytes(STAMP_NONCE_BYTES))
    return seal(frame.message, PROFILE.network, key, stamp)


CALL = stamped(mail.the_call(exchange_key=ExchangeKey(bytes(31) + b"\x07").public), mail.V)
CARD = stamped(mail.card(ANNA), ANNA)
CLAIM = mail.claim(CALL, ANNA, card=CARD.id)
SAID = (CARD, CLAIM, mail.claim(CALL, BERT), mail.attest(CALL, ANNA), mail.all_clear(CALL, 2))


def record(*said: Frame, lines: tuple[bytes, ...] = (b'{"a":1}',), call: Frame = CALL) -> Record:
    """A record of these messages in their order."""
    ordered = (call, *sorted(said, key=lambda frame: frame.id))
    entries = tuple(Entry(frame.cell, 1_000_000 + at) for at, frame in enumerate(ordered))
    return Record(PROFILE.network, EXPORTER.public, Tlp.AMBER, 1_000_100, entries, lines)


WHOLE = record(*SAID)
FILE = seal_record(WHOLE, EXPORTER)


def reason(told: object) -> Reason | None:
    return told.reason if isinstance(told, Refusal) else None


def test_what_is_sealed_is_read_back() -> None:
    """The same record, and every message of it in its order."""
    opened = open_record(FILE)
    assert opened == WHOLE
    assert isinstance(opened, Record)
    frames = frames_of(opened, PROFILE)
    assert isinstance(frames, tuple)
    assert {frame.id for frame in frames} == {frame.id for frame in (CALL, *SAID)}
    assert frames[0] == CALL


def test_the_layout_is_that_of_the_document() -> None:
    """Rebuilt by hand from 10-record §2 to §4, the bytes are the same."""
    entries = b"".join(entry.arrived_unix_s.to_bytes(8, "big") + entry.cell for entry in WHOLE.entries)
    content = pack([VERSION, PROFILE.network, EXPORTER.public, 2, 1_000_100, entries, b'{"a":1}\n'])
    digest = blake2b("esos/1 record", PROFILE.network, content)
    assert pack([content, EXPORTER.sign(digest)]) == FILE
    assert len(entries) == ENTRY_BYTES * 6 == 2056 * 6


def test_a_changed_byte_anywhere_is_refused() -> None:
    """A bit of each of a thousand places, the ends among them: none gives a record."""
    drawn = random.Random(7)
    places = [0, 1, 5, 6, 40, len(FILE) - 1, *(drawn.randrange(len(FILE)) for _ in range(1000))]
    for place in places:
        changed = bytearray(FILE)
        changed[place] ^= 1 << drawn.randrange(8)
        assert isinstance(open_record(bytes(changed)), Refusal)
    assert isinstance(open_record(FILE[:-1]), Refusal)
    assert isinstance(open_record(FILE + b"\x00"), Refusal)


@given(st.binary(max_size=300))
def test_any_bytes_give_a_record_or_a_refusal(data: bytes) -> None:
    """The reader is total."""
    assert isinstance(open_record(data), Refusal)


@pytest.mark.parametrize(
    "fields",
    [
        {"network": bytes(31)},
        {"made_unix_s": TIME_MAX},
        {"entries": ()},
        {"entries": (Entry(CALL.cell, TIME_MAX),)},
        {"entries": (Entry(CALL.cell[:-1], 1),)},
    ],
)
def test_fields_that_cannot_be_are_refused_though_they_are_signed(fields: dict[str, object]) -> None:
    """A signature makes nothing right."""
    assert reason(open_record(seal_record(evolve(WHOLE, **fields), EXPORTER))) is Reason.FIELD


def test_another_version_label_or_log_is_refused() -> None:
    """What `seal_record` never writes, signed all the same."""
    outer = unpack(FILE, longest=len(FILE))
    assert isinstance(outer, list)
    plain = unpack(outer[0], longest=len(FILE))
    assert isinstance(plain, list)
    for at, value in ((0, 2), (3, 5), (6, b"no end of the line")):
        content = pack([*plain[:at], value, *plain[at + 1 :]])
        digest = blake2b("esos/1 record", PROFILE.network, content)
        assert reason(open_record(pack([content, EXPORTER.sign(digest)]))) is Reason.FIELD


def test_a_signature_of_another_or_under_another_domain_is_none() -> None:
    """Neither another key's, nor the exporter's under what is signed."""
    outer = unpack(FILE, longest=len(FILE))
    assert isinstance(outer, list)
    content = outer[0]
    for forged in (
        ANNA.sign(blake2b("esos/1 record", PROFILE.network, content)),
        EXPORTER.sign(blake2b("esos/1 sign", PROFILE.network, content)),
        EXPORTER.sign(blake2b("esos/1 record", content)),
    ):
        assert reason(open_record(pack([content, forged]))) is Reason.SIGNATURE


def other(**fields: object) -> Frame:
    return stamped(mail.the_call(exchange_key=ExchangeKey(bytes(31) + b"\x05").public, **fields), mail.V)


STRANGE = (mail.claim(CALL, BERT, 3).cell[:-1] + b"\x01", Reason.PADDING)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (record(*SAID, mail.letter(CALL, ANNA, 1)), Reason.RULE),
        (record(*SAID, mail.claim(other(), ANNA)), Reason.RULE),
        (record(*SAID, stamped(mail.card(BERT), BERT)), Reason.RULE),  # no CLAIM names it
        (record(*SAID, other()), Reason.RULE),
        (record(*SAID, call=CLAIM), Reason.RULE),
        (record(*SAID, SAID[1]), Reason.RULE),  # twice
        (record(*SAID, call=mail.the_call(exchange_key=ExchangeKey(bytes(31) + b"\x07").public)), Reason.STAMP),
        (evolve(WHOLE, entries=(WHOLE.entries[0], *WHOLE.entries[:0:-1])), Reason.RULE),
        (evolve(WHOLE, entries=(*WHOLE.entries, Entry(STRANGE[0], 1))), STRANGE[1]),
        (evolve(WHOLE, network=PROFILES["public"].network), Reason.FIELD),
    ],
)  # fmt: skip
def test_what_does_not_hold_together_is_refused(wrong: Record, why: Reason) -> None:
    """Letters, other calls, loose cards, doubles, another order, no stamp, a cell that is none: though the exporter signed."""
    opened = open_record(seal_record(wrong, EXPORTER))
    assert isinstance(opened, Record)
    assert reason(frames_of(opened, PROFILE)) is why


def test_a_forged_message_is_refused_though_the_exporter_signed_it() -> None:
    """A claim of Anna's that Bert signed: the exporter cannot put words into anybody's mouth."""
    true = mail.claim(CALL, ANNA, 5)
    cell = bytearray(true.cell)
    at = bytes(cell).index(true.signature)
    cell[at : at + 64] = BERT.sign(true.digest)
    entries = (*WHOLE.entries, Entry(bytes(cell), 1))
    opened = open_record(seal_record(evolve(WHOLE, entries=entries), EXPORTER))
    assert isinstance(opened, Record)
    assert reason(frames_of(opened, PROFILE)) is Reason.SIGNATURE

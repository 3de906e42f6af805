"""Sealed letters: only the right reader opens them, and their size tells their number of parts alone."""

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt
from nacl.public import PrivateKey, PublicKey, SealedBox

from p2p_sos.wire.canonical import pack, unpack
from p2p_sos.wire.frames import decode, seal
from p2p_sos.wire.keys import ExchangeKey, SigningKey
from p2p_sos.wire.letters import (
    SEALED_BYTES_MAX,
    Binding,
    Content,
    FirstLetter,
    SessionKeys,
    _bound,
    messages_of,
    open_first,
    open_later,
    parts_needed,
    seal_first,
    seal_later,
    session_of_responder,
    session_of_victim,
    split,
)
from p2p_sos.wire.messages import Letter
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import LETTER_PART_BYTES_MAX, LETTER_PARTS_MAX, SEQUENCE_MAX, LetterKind
from tests.wire.samples import NETWORK, RESPONDER, RESPONDER_EXCHANGE, VICTIM, VICTIM_EXCHANGE

EPHEMERAL = ExchangeKey(b"\x55" * 32)
BINDING = Binding(NETWORK, b"\x66" * 32, RESPONDER.public, 40)
CONTENT = Content(1, 0, LetterKind.INTRODUCTION, "Wir kommen. Rückruf: 112", b"\x01\x02")
LOW_ORDER = b"\x01" + bytes(31)

contents = st.builds(
    Content,
    st.integers(1, SEQUENCE_MAX),
    st.integers(0, SEQUENCE_MAX),
    st.sampled_from(LetterKind),
    st.text(max_size=3000),
    st.binary(max_size=3000),
).map(lambda c: attrs.evolve(c, number=0) if c.kind is LetterKind.ACKNOWLEDGEMENT else c)


def first(content: Content = CONTENT, binding: Binding = BINDING) -> bytes:
    """A first letter of the responder."""
    sealed = seal_first(
        content,
        binding,
        victim_exchange=VICTIM_EXCHANGE.public,
        exchange=RESPONDER_EXCHANGE,
        signing=RESPONDER,
        ephemeral=EPHEMERAL,
    )
    assert isinstance(sealed, bytes)
    return sealed


def sessions() -> tuple[SessionKeys, SessionKeys]:
    """The keys of the responder's and of the victim's side."""
    responder = session_of_responder(RESPONDER_EXCHANGE, VICTIM_EXCHANGE.public)
    victim = session_of_victim(VICTIM_EXCHANGE, RESPONDER_EXCHANGE.public)
    assert isinstance(responder, SessionKeys)
    assert isinstance(victim, SessionKeys)
    return responder, victim


def reason_of(answer: object) -> Reason:
    """Why a letter does not open."""
    assert isinstance(answer, Refusal), answer
    return answer.reason


@given(content=contents)
def test_a_first_letter_opens_for_the_victim(content: Content) -> None:
    """What the responder seals, the call's exchange key opens, with the responder's own exchange key."""
    opened = open_first(first(content), BINDING, exchange=VICTIM_EXCHANGE)
    assert opened == FirstLetter(RESPONDER_EXCHANGE.public, content)


def test_a_first_letter_is_a_sealed_box_of_libsodium() -> None:
    """PyNaCl's SealedBox opens it, to the array of the specification."""
    message = SealedBox(PrivateKey(VICTIM_EXCHANGE.secret)).decrypt(first())
    plain = unpack(message, longest=SEALED_BYTES_MAX)
    assert isinstance(plain, list)
    assert plain[:3] == [BINDING.call, VICTIM_EXCHANGE.public, RESPONDER_EXCHANGE.public]
    assert len(plain) == 5


@given(content=contents)
def test_a_later_letter_opens_in_both_directions(content: Content) -> None:
    """Each side opens what the other sealed, and not what it sealed itself."""
    responder, victim = sessions()
    for writer, reader in ((responder, victim), (victim, responder)):
        sealed = seal_later(content, BINDING, keys=writer, nonce=b"\x07" * 24)
        assert open_later(sealed, BINDING, keys=reader) == content
        assert reason_of(open_later(sealed, BINDING, keys=writer)) is Reason.SEAL


@pytest.mark.parametrize(
    "changed", [{"network": bytes(32)}, {"call": bytes(32)}, {"signer": VICTIM.public}, {"number": 41}]
)
def test_a_letter_opens_in_its_own_place_alone(changed: dict) -> None:
    """Another network, call, signer or number does not open a later letter, nor, number aside, a first one."""
    responder, victim = sessions()
    other = attrs.evolve(BINDING, **changed)
    sealed = seal_later(CONTENT, BINDING, keys=responder, nonce=bytes(24))
    assert reason_of(open_later(sealed, other, keys=victim)) is Reason.SEAL
    answer = open_first(first(), other, exchange=VICTIM_EXCHANGE)
    assert isinstance(answer, FirstLetter if "number" in changed else Refusal)


def test_a_stolen_first_letter_does_not_open_for_its_thief() -> None:
    """Whoever publishes another's sealed bytes under a key of its own is refused by the signature inside."""
    thief = attrs.evolve(BINDING, signer=SigningKey(b"\x77" * 32).public)
    assert reason_of(open_first(first(), thief, exchange=VICTIM_EXCHANGE)) is Reason.SIGNATURE


@given(sealed=st.binary(max_size=300) | st.binary(max_size=SEALED_BYTES_MAX + 5))
def test_opening_any_bytes_gives_a_refusal(sealed: bytes) -> None:
    """Whatever is opened, the answer is a refusal and never an exception."""
    _, victim = sessions()
    assert isinstance(open_first(sealed, BINDING, exchange=VICTIM_EXCHANGE), Refusal)
    assert isinstance(open_later(sealed, BINDING, keys=victim), Refusal)


@settings(max_examples=40)
@given(plain=st.binary(max_size=200) | st.lists(st.binary(max_size=40) | st.integers(0, 9)).map(pack))
def test_any_bytes_inside_the_seal_give_an_answer(plain: bytes) -> None:
    """A correspondent that seals junk gets a refusal, never an exception."""
    box = SealedBox(PublicKey(VICTIM_EXCHANGE.public)).encrypt(plain)
    assert isinstance(open_first(bytes(box), BINDING, exchange=VICTIM_EXCHANGE), Refusal)
    responder, victim = sessions()
    framed = len(plain).to_bytes(2, "big") + plain
    for inner in (plain, framed, framed + bytes(5), framed + b"\x01"):
        sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(inner, _bound(BINDING), bytes(24), responder.send)
        assert isinstance(open_later(bytes(24) + bytes(sealed), BINDING, keys=victim), Refusal)


@pytest.mark.parametrize(
    ("plain", "reason"),
    [
        ([1, 0, 3, b"", b"", b""], Reason.ELEMENTS),
        ([0, 0, 3, b"", b""], Reason.RULE),
        ([1, 0, 0, b"", b""], Reason.RULE),
        ([1, 2**32, 3, b"", b""], Reason.FIELD),
        ([1, 0, 99, b"", b""], Reason.FIELD),
        ([1, 0, 3, b"\xff", b""], Reason.FIELD),
        ([1, 0, 3, b"", 5], Reason.FIELD),
        (5, Reason.ELEMENTS),
    ],
)
def test_each_malformed_content_is_refused_with_its_reason(plain: list, reason: Reason) -> None:
    """Contents out of form are named, under a seal that is right."""
    responder, victim = sessions()
    packed = pack(plain)
    inner = len(packed).to_bytes(2, "big") + packed
    box = crypto_aead_xchacha20poly1305_ietf_encrypt(inner, _bound(BINDING), bytes(24), responder.send)
    assert reason_of(open_later(bytes(24) + bytes(box), BINDING, keys=victim)) is reason


def test_nothing_hides_behind_a_content() -> None:
    """A byte that is not zero after the content, or a length beyond the letter, is refused."""
    responder, victim = sessions()
    packed = pack([1, 0, int(LetterKind.TEXT), b"", b""])
    framed = len(packed).to_bytes(2, "big") + packed
    for inner, reason in (
        (framed + b"\x00\x01", Reason.PADDING),
        (b"\xff\xff" + packed, Reason.FRAME_LENGTH),
        (b"\x00\x00" + packed, Reason.FRAME_LENGTH),
        (b"\x00", Reason.FRAME_LENGTH),
    ):
        box = crypto_aead_xchacha20poly1305_ietf_encrypt(inner, _bound(BINDING), bytes(24), responder.send)
        assert reason_of(open_later(bytes(24) + bytes(box), BINDING, keys=victim)) is reason


@given(content=contents)
def test_the_size_tells_the_number_of_parts_alone(content: Content) -> None:
    """A sealed letter fills whole parts, of which `parts_needed` knows the number beforehand."""
    responder, _ = sessions()
    later = seal_later(content, BINDING, keys=responder, nonce=bytes(24))
    for sealed, is_first in ((first(content), True), (later, False)):
        parts = split(sealed)
        assert len(parts) == parts_needed(content, first=is_first)
        assert all(len(part) == LETTER_PART_BYTES_MAX for part in parts)
        assert b"".join(parts) == sealed


def test_text_without_an_encoding_is_sent_with_a_mark() -> None:
    """A lone surrogate becomes a question mark, and breaks nothing."""
    responder, victim = sessions()
    sealed = seal_later(attrs.evolve(CONTENT, text="a\ud800b"), BINDING, keys=responder, nonce=bytes(24))
    assert open_later(sealed, BINDING, keys=victim) == attrs.evolve(CONTENT, text="a?b")


@pytest.mark.parametrize("is_first", [True, False])
def test_the_longest_letter_is_just_that(is_first: bool) -> None:
    """One byte more than what fills all the parts needs a part too many, which sealing asserts against."""
    empty = attrs.evolve(CONTENT, text="", enclosure=bytes(256))
    low, high = 0, SEALED_BYTES_MAX
    while low < high:
        middle = (low + high + 1) // 2
        longer = attrs.evolve(empty, text="x" * middle)
        low, high = (
            (middle, high) if parts_needed(longer, first=is_first) <= LETTER_PARTS_MAX else (low, middle - 1)
        )
    longest = attrs.evolve(empty, text="x" * low)
    responder, victim = sessions()

    def sealed(content: Content) -> bytes:
        return first(content) if is_first else seal_later(content, BINDING, keys=responder, nonce=bytes(24))

    assert len(sealed(longest)) == SEALED_BYTES_MAX
    opened = (
        open_first(sealed(longest), BINDING, exchange=VICTIM_EXCHANGE)
        if is_first
        else open_later(sealed(longest), BINDING, keys=victim)
    )
    assert opened == (FirstLetter(RESPONDER_EXCHANGE.public, longest) if is_first else longest)
    with pytest.raises(AssertionError):
        sealed(attrs.evolve(longest, text="x" * (low + 1)))


def test_each_part_travels_as_a_letter() -> None:
    """The LETTER messages of a long letter are legal, numbered from the binding's number on."""
    sealed = first(attrs.evolve(CONTENT, text="y" * 5000))
    letters = messages_of(sealed, BINDING)
    assert len(letters) == 3
    for part, letter in enumerate(letters):
        assert (letter.number, letter.part, letter.parts) == (BINDING.number + part, part, 3)
        frame = seal(letter, NETWORK, RESPONDER)
        assert decode(frame.cell, NETWORK) == frame
    assert b"".join(letter.sealed for letter in letters) == sealed


@pytest.mark.parametrize(("number", "part", "parts"), [(5, 2, 2), (1, 2, 3), (SEQUENCE_MAX, 0, 2)])
def test_a_part_beyond_its_letter_is_refused(number: int, part: int, parts: int) -> None:
    """Parts that cannot belong to a letter are refused when decoded."""
    letter = Letter(BINDING.call, RESPONDER.public, number, part, parts, bytes(LETTER_PART_BYTES_MAX))
    assert reason_of(decode(seal(letter, NETWORK, RESPONDER).cell, NETWORK)) is Reason.RULE


def test_nothing_is_sealed_to_a_key_of_low_order() -> None:
    """A key with which everyone agrees on zeros is refused on every way to a letter."""
    sealed = seal_first(
        CONTENT,
        BINDING,
        victim_exchange=LOW_ORDER,
        exchange=RESPONDER_EXCHANGE,
        signing=RESPONDER,
        ephemeral=EPHEMERAL,
    )
    assert reason_of(sealed) is Reason.KEY
    assert reason_of(session_of_responder(RESPONDER_EXCHANGE, LOW_ORDER)) is Reason.KEY
    assert reason_of(session_of_victim(VICTIM_EXCHANGE, LOW_ORDER)) is Reason.KEY
    assert reason_of(open_first(LOW_ORDER + bytes(100), BINDING, exchange=VICTIM_EXCHANGE)) is Reason.SEAL

"""Signatures, stamps and proofs: what a worker thread says of a decoded frame."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_sos.wire.checks import check
from p2p_sos.wire.frames import Frame, Stamp, body_bytes, decode, header_bytes, seal
from p2p_sos.wire.hashing import body_hash
from p2p_sos.wire.keys import ExchangeKey, SigningKey, can_be_exchanged_with, verifies
from p2p_sos.wire.messages import (
    AllClear,
    Attest,
    Call,
    Cancel,
    Card,
    Claim,
    Decline,
    LogMessage,
    Message,
    Proof,
    Renew,
)
from p2p_sos.wire.profiles import PROFILES
from p2p_sos.wire.refusals import Reason
from p2p_sos.wire.registry import Detail
from p2p_sos.wire.registry import Reason as Ground
from p2p_sos.wire.stamps import solve
from tests.wire.samples import (
    LABORATORY,
    NETWORK,
    RESPONDER,
    VICTIM,
    VICTIM_EXCHANGE,
    messages,
    signed,
    smallest,
)

GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493
LOW_ORDER_SIGNING = [
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
]
LOW_ORDER_EXCHANGE = [
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
]
CLAIM = attrs.evolve(smallest(Claim), signer=RESPONDER.public)
CALL = attrs.evolve(smallest(Call), signer=VICTIM.public, exchange_key=VICTIM_EXCHANGE.public)


def reason_of(frame: Frame) -> Reason | None:
    """What the check says, as a reason alone."""
    refusal = check(frame, LABORATORY)
    return None if refusal is None else refusal.reason


def stamped(message: Message, key: SigningKey, effort: int = LABORATORY.stamp_effort_min) -> Frame:
    """The message with a solved stamp."""
    bare = seal(message, NETWORK, key)
    return seal(message, NETWORK, key, solve(bare.id, effort, start=bytes(16)))


@given(message=messages.filter(lambda m: not isinstance(m, Call | Card | Proof)))
def test_what_its_signer_sealed_passes(message: Message) -> None:
    """A message without a stamp passes if its signer sealed it."""
    assert reason_of(signed(message)) is None


@given(place=st.integers(0, 63), flip=st.integers(1, 255))
def test_a_changed_signature_is_refused(place: int, flip: int) -> None:
    """No signature but the signer's own passes."""
    frame = signed(CLAIM)
    signature = bytearray(frame.signature)
    signature[place] ^= flip
    assert reason_of(attrs.evolve(frame, signature=bytes(signature))) is Reason.SIGNATURE


def test_another_networks_signature_is_refused() -> None:
    """A cell of the public network is not signed in the laboratory's."""
    foreign = seal(CLAIM, PROFILES["public"].network, RESPONDER)
    frame = decode(foreign.cell, NETWORK)
    assert isinstance(frame, Frame)
    assert reason_of(frame) is Reason.SIGNATURE


def test_anothers_signature_is_refused() -> None:
    """A message that names one signer and is signed by another is refused."""
    frame = signed(CLAIM)
    assert reason_of(attrs.evolve(frame, signature=VICTIM.sign(frame.digest))) is Reason.SIGNATURE


def test_a_signature_cannot_be_bent() -> None:
    """Adding the group's order to the scalar, which many verifiers overlook, is refused."""
    frame = signed(CLAIM)
    scalar = int.from_bytes(frame.signature[32:], "little") + GROUP_ORDER
    bent = frame.signature[:32] + scalar.to_bytes(32, "little")
    assert reason_of(attrs.evolve(frame, signature=bent)) is Reason.SIGNATURE


def test_a_signature_ends_where_it_ends() -> None:
    """Moving a byte from the digest to the signature, or back, verifies nothing."""
    digest = b"\x08" * 32
    signature = RESPONDER.sign(digest)
    assert verifies(RESPONDER.public, digest, signature)
    assert not verifies(RESPONDER.public, digest[1:], signature + digest[:1])
    assert not verifies(RESPONDER.public, signature[-1:] + digest, signature[:-1])


@pytest.mark.parametrize("public", LOW_ORDER_SIGNING)
def test_a_public_key_of_low_order_signs_nothing(public: bytes) -> None:
    """A key for which anybody can write signatures is refused."""
    digest = bytes(32)
    for nonce_point in LOW_ORDER_SIGNING:
        assert not verifies(public, digest, nonce_point + bytes(32))
    assert not verifies(public, digest, RESPONDER.sign(digest))


@given(public=st.binary(max_size=64), signature=st.binary(max_size=128))
def test_verifying_any_bytes_gives_no(public: bytes, signature: bytes) -> None:
    """Keys and signatures of any length and content give no, never an exception."""
    assert verifies(public, bytes(32), signature) is False


@pytest.mark.parametrize("public", [*LOW_ORDER_EXCHANGE, b"", bytes(31), bytes(33)])
def test_an_exchange_key_of_low_order_is_refused(public: bytes) -> None:
    """A key with which everyone agrees on zeros is no key; a true one is."""
    assert not can_be_exchanged_with(public)
    assert can_be_exchanged_with(VICTIM_EXCHANGE.public)
    if len(public) == 32:
        frame = stamped(attrs.evolve(CALL, exchange_key=public), VICTIM)
        assert reason_of(frame) is Reason.KEY


def test_a_call_and_a_card_need_their_stamp() -> None:
    """With the work done they pass; without a stamp, with too little effort or none of the work, they do not."""
    for message, key in ((CALL, VICTIM), (attrs.evolve(smallest(Card), signer=RESPONDER.public), RESPONDER)):
        good = stamped(message, key)
        assert reason_of(good) is None
        assert reason_of(seal(message, NETWORK, key)) is Reason.STAMP
        assert reason_of(stamped(message, key, LABORATORY.stamp_effort_min - 1)) is Reason.STAMP
        claimed = seal(message, NETWORK, key, Stamp(bytes(16), 2**32 - 1))
        assert reason_of(claimed) is Reason.STAMP


def test_a_stamp_serves_one_message_alone() -> None:
    """The work done for one call does not hold for another."""
    stamp = stamped(CALL, VICTIM, effort=64).stamp
    others = (attrs.evolve(CALL, epoch=epoch) for epoch in range(1, 9))
    assert any(reason_of(seal(other, NETWORK, VICTIM, stamp)) is Reason.STAMP for other in others)


def proof_of(first: Frame, second: Frame, signer: bytes = RESPONDER.public) -> Frame:
    """The PROOF of two frames, in order."""
    pieces = sorted(
        (header_bytes(f.message), body_hash(body_bytes(f.message)), f.signature) for f in (first, second)
    )
    return seal(Proof(signer, *pieces[0], *pieces[1]), NETWORK, None)


DECLINE = Decline(bytes(32), RESPONDER.public, 0, bytes(32), (), Ground.UNABLE, Detail.BUSY)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (DECLINE, attrs.evolve(DECLINE, detail=Detail.QUEUE)),
        (DECLINE, CLAIM),
        (CLAIM, attrs.evolve(CLAIM, heads=(b"\x05" * 32,))),
        (CLAIM, attrs.evolve(CLAIM, call=b"\x09" * 32)),
    ],
)
def test_two_messages_for_one_place_convict(first: LogMessage, second: LogMessage) -> None:
    """One entry of a log, or one slot at one slot epoch, in two messages, is a proof."""
    frame = proof_of(signed(first), signed(second))
    assert decode(frame.cell, NETWORK) == frame
    assert reason_of(frame) is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (DECLINE, attrs.evolve(DECLINE, call=b"\x09" * 32)),
        (DECLINE, attrs.evolve(DECLINE, sequence=1, previous=b"\x01" * 32)),
        (CLAIM, attrs.evolve(CLAIM, call=b"\x09" * 32, slot=1)),
        (CLAIM, attrs.evolve(CLAIM, call=b"\x09" * 32, slot_epoch=1)),
        (Cancel(bytes(32), RESPONDER.public, 1), AllClear(bytes(32), RESPONDER.public, 1)),
        (
            Renew(bytes(32), RESPONDER.public, 1, bytes(32)),
            Renew(bytes(32), RESPONDER.public, 1, b"\x01" * 32),
        ),
    ],
)
def test_honest_messages_convict_nobody(first: Message, second: Message) -> None:
    """Entries at different places, and messages outside the log, are no proof."""
    assert reason_of(proof_of(signed(first), signed(second))) is Reason.RULE


def test_a_victim_s_attests_convict_nobody() -> None:
    """Two ATTESTs in the victim's form share a sequence and are no proof; in a responder's form they are."""
    one = Attest(bytes(32), RESPONDER.public, 1, bytes(32), (), (b"\x01" * 32,))
    other = attrs.evolve(one, responders=(b"\x02" * 32,))
    assert reason_of(proof_of(signed(one), signed(other))) is Reason.RULE
    first, second = (attrs.evolve(m, sequence=0) for m in (one, other))
    assert reason_of(proof_of(signed(first), signed(second))) is None


def test_one_message_twice_convicts_nobody() -> None:
    """The same header and body hash twice, even under two signatures, is refused when decoded."""
    answer = decode(proof_of(signed(CLAIM), signed(CLAIM)).cell, NETWORK)
    assert not isinstance(answer, Frame)
    assert answer.reason is Reason.RULE


def test_a_proof_needs_both_signatures_of_the_one_it_names() -> None:
    """A forged half, or another's name on the proof, convicts nobody."""
    good = proof_of(signed(DECLINE), signed(CLAIM))
    proof = good.message
    assert isinstance(proof, Proof)
    for name in ("first_signature", "second_signature"):
        forged = seal(attrs.evolve(proof, **{name: bytes(64)}), NETWORK, None)
        assert reason_of(forged) is Reason.SIGNATURE
    assert reason_of(seal(attrs.evolve(proof, signer=VICTIM.public), NETWORK, None)) is Reason.RULE
    for junk in (b"\x90", b"\xc1", b"\x91\x06"):
        assert reason_of(seal(attrs.evolve(proof, first_header=junk), NETWORK, None)) is not None


def test_secrets_stay_out_of_what_is_printed() -> None:
    """The representation of a key shows its public half alone."""
    for key in (SigningKey(b"\x5a" * 32), ExchangeKey(b"\x5a" * 32)):
        assert "Z" * 8 not in repr(key)

"""Sealed letters: what a victim and a responder say to one another, and nobody else can read.

Decides how a letter is written, padded, sealed, cut into parts, and opened. Comes in: contents, keys, and the
randomness of each letter (an ephemeral secret, or a nonce). Goes out: sealed bytes, the parts of a LETTER, contents, or
a `Refusal`. Draws no randomness, keeps no number, and must not know when a letter is repeated: the dialogue does.
"""

from attrs import frozen
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_box,
    crypto_box_open,
    crypto_kx_client_session_keys,
    crypto_kx_server_session_keys,
)
from nacl.exceptions import CryptoError

from p2p_sos.wire.canonical import pack, unpack
from p2p_sos.wire.hashing import NetworkId, blake2b, sealed_box_nonce
from p2p_sos.wire.keys import KEY_BYTES, SIGNATURE_BYTES, ExchangeKey, SigningKey, verifies
from p2p_sos.wire.messages import CallId, Key, Letter
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import LETTER_PART_BYTES_MAX, LETTER_PARTS_MAX, SEQUENCE_MAX, LetterKind

SEALED_BYTES_MAX = LETTER_PARTS_MAX * LETTER_PART_BYTES_MAX
NONCE_BYTES = 24
TAG_BYTES = 16
LENGTH_BYTES = 2
_KINDS = {int(kind): kind for kind in LetterKind}


@frozen
class Content:
    """What stands inside the seal. `acknowledged`: every letter of the other side up to it has arrived.

    `number` counts from 1; an acknowledgement alone has 0, since nobody acknowledges it.
    """

    number: int
    acknowledged: int
    kind: LetterKind
    text: str
    enclosure: bytes = b""


@frozen
class Binding:
    """What a letter is sealed for; a letter opened under another binding does not open.

    `signer` signs the LETTER, and `number` is the number of its first part.
    """

    network: NetworkId
    call: CallId
    signer: Key
    number: int


@frozen
class SessionKeys:
    """The two keys of one dialogue as one side holds them."""

    receive: bytes
    send: bytes


@frozen
class FirstLetter:
    """A first letter, opened: the responder's exchange key, which the later ones need, and the content."""

    exchange_key: Key
    content: Content


# Around the padded content: the array's head, three keys or ids, the content's own head, the signature,
# and the sealed box's ephemeral key and tag. A later letter has its nonce and its tag.
_FIRST_AROUND_BYTES = 1 + 3 * (2 + KEY_BYTES) + 3 + (2 + SIGNATURE_BYTES) + KEY_BYTES + TAG_BYTES
_LATER_AROUND_BYTES = NONCE_BYTES + TAG_BYTES


# ------------------------------------------------------------------------- the content


def _packed(content: Content) -> bytes:
    numbers = [content.number, content.acknowledged, int(content.kind)]
    # A lone surrogate, which a terminal or JSON can hand us, has no UTF-8.
    return pack([*numbers, content.text.encode("utf-8", "replace"), content.enclosure])


def parts_needed(content: Content, *, first: bool) -> int:
    """How many parts the content takes, as a first letter or as a later one; it may not exceed LETTER_PARTS_MAX."""
    around = _FIRST_AROUND_BYTES if first else _LATER_AROUND_BYTES
    return -(-(around + LENGTH_BYTES + len(_packed(content))) // LETTER_PART_BYTES_MAX)


def _padded(content: Content, *, first: bool) -> bytes:
    """The content behind its length, filled with zeros so that the sealed letter fills whole parts."""
    around = _FIRST_AROUND_BYTES if first else _LATER_AROUND_BYTES
    packed, parts = _packed(content), parts_needed(content, first=first)
    assert parts <= LETTER_PARTS_MAX, f"a letter of {parts} parts: ask parts_needed first"
    size = parts * LETTER_PART_BYTES_MAX - around
    return (len(packed).to_bytes(LENGTH_BYTES, "big") + packed).ljust(size, b"\x00")


def _content(padded: bytes) -> Content | Refusal:
    end = LENGTH_BYTES + int.from_bytes(padded[:LENGTH_BYTES], "big")
    if not LENGTH_BYTES < end <= len(padded):
        return Refusal(Reason.FRAME_LENGTH, "a content longer than its letter")
    # "Every byte after the content MUST be zero." (03-keys §8)
    if padded[end:].strip(b"\x00"):
        return Refusal(Reason.PADDING, "a byte that is not zero after the content")
    plain = unpack(padded[LENGTH_BYTES:end], longest=SEALED_BYTES_MAX)
    if isinstance(plain, Refusal):
        return plain
    if type(plain) is not list or len(plain) != 5:
        return Refusal(Reason.ELEMENTS, "a content is [number, acknowledged, kind, text, enclosure]")
    number, acknowledged, kind, text, enclosure = plain
    if type(number) is not int or number > SEQUENCE_MAX:
        return Refusal(Reason.FIELD, f"number: not from 0 to {SEQUENCE_MAX}")
    if type(acknowledged) is not int or acknowledged > SEQUENCE_MAX:
        return Refusal(Reason.FIELD, f"acknowledged: not from 0 to {SEQUENCE_MAX}")
    if type(kind) is not int or kind not in _KINDS:
        return Refusal(Reason.FIELD, "kind: not a kind of letter")
    # "An ACKNOWLEDGEMENT has the number 0, and no other letter has it." (07-dialogue §6)
    if (number == 0) != (kind == LetterKind.ACKNOWLEDGEMENT):
        return Refusal(Reason.RULE, "the number 0 is an acknowledgement's")
    if type(text) is not bytes or type(enclosure) is not bytes:
        return Refusal(Reason.FIELD, "text and enclosure are byte strings")
    try:
        written = text.decode("utf-8")
    except UnicodeDecodeError:
        return Refusal(Reason.FIELD, "text: not UTF-8")
    return Content(number, acknowledged, _KINDS[kind], written, enclosure)


# ------------------------------------------------------------------------- the first letter


def _first_digest(network: NetworkId, signed: list[bytes]) -> bytes:
    return blake2b("esos/1 letter", network, pack([*signed]))


def seal_first(  # noqa: PLR0913 - each is a different secret or public key, and all are needed
    content: Content,
    binding: Binding,
    *,
    victim_exchange: Key,
    exchange: ExchangeKey,
    signing: SigningKey,
    ephemeral: ExchangeKey,
) -> bytes | Refusal:
    """The responder's first letter: a sealed box (libsodium) to the call's exchange key, signed inside.

    `ephemeral` must be made of fresh random bytes for every letter; refused if nothing can be sealed to the key.
    """
    assert signing.public == binding.signer, "signed by another than its signer"
    signed = [binding.call, victim_exchange, exchange.public, _padded(content, first=True)]
    message = pack([*signed, signing.sign(_first_digest(binding.network, signed))])
    nonce = sealed_box_nonce(ephemeral.public, victim_exchange)
    try:
        box = crypto_box(message, nonce, victim_exchange, ephemeral.secret)
    except CryptoError:
        return Refusal(Reason.KEY, "nothing can be sealed to the exchange key")
    return ephemeral.public + bytes(box)


def open_first(sealed: bytes, binding: Binding, *, exchange: ExchangeKey) -> FirstLetter | Refusal:
    """Open a first letter with the call's exchange key. Total: any bytes give a letter or a refusal."""
    if not KEY_BYTES + TAG_BYTES <= len(sealed) <= SEALED_BYTES_MAX:
        return Refusal(Reason.FRAME_LENGTH, f"{len(sealed)} sealed bytes")
    ephemeral, box = sealed[:KEY_BYTES], sealed[KEY_BYTES:]
    nonce = sealed_box_nonce(ephemeral, exchange.public)
    try:
        message = crypto_box_open(box, nonce, ephemeral, exchange.secret)
    except CryptoError:
        return Refusal(Reason.SEAL, "not sealed to this key")
    plain = unpack(message, longest=SEALED_BYTES_MAX)
    if isinstance(plain, Refusal):
        return plain
    if type(plain) is not list or len(plain) != 5:
        return Refusal(Reason.ELEMENTS, "a first letter is [call, key, key, content, signature]")
    signed = [entry for entry in plain if type(entry) is bytes]
    if len(signed) != 5 or len(signed[2]) != KEY_BYTES:
        return Refusal(Reason.FIELD, "a field of the first letter is no byte string of its length")
    call, victim_exchange, responder_exchange, padded, signature = signed
    if call != binding.call or victim_exchange != exchange.public:
        return Refusal(Reason.RULE, "sealed for another call")
    if not verifies(binding.signer, _first_digest(binding.network, signed[:4]), signature):
        return Refusal(Reason.SIGNATURE, "not its signer's letter")
    content = _content(padded)
    return content if isinstance(content, Refusal) else FirstLetter(responder_exchange, content)


# ------------------------------------------------------------------------- later letters


def session_of_responder(exchange: ExchangeKey, victim_exchange: Key) -> SessionKeys | Refusal:
    """The responder's keys for one dialogue (it is crypto_kx's client)."""
    try:
        receive, send = crypto_kx_client_session_keys(exchange.public, exchange.secret, victim_exchange)
    except CryptoError:
        return Refusal(Reason.KEY, "no secret can be agreed with the exchange key")
    return SessionKeys(receive, send)


def session_of_victim(exchange: ExchangeKey, responder_exchange: Key) -> SessionKeys | Refusal:
    """The victim's keys for one dialogue (it is crypto_kx's server)."""
    try:
        receive, send = crypto_kx_server_session_keys(exchange.public, exchange.secret, responder_exchange)
    except CryptoError:
        return Refusal(Reason.KEY, "no secret can be agreed with the exchange key")
    return SessionKeys(receive, send)


def _bound(binding: Binding) -> bytes:
    name = b"esos/1 later letter"
    return name + binding.network + pack([binding.call, binding.signer, binding.number])


def seal_later(content: Content, binding: Binding, *, keys: SessionKeys, nonce: bytes) -> bytes:
    """Any letter but a first one. `nonce` is 24 random bytes, fresh for every letter."""
    assert len(nonce) == NONCE_BYTES, f"a nonce has {NONCE_BYTES} bytes"
    padded = _padded(content, first=False)
    box = crypto_aead_xchacha20poly1305_ietf_encrypt(padded, _bound(binding), nonce, keys.send)
    return nonce + bytes(box)


def open_later(sealed: bytes, binding: Binding, *, keys: SessionKeys) -> Content | Refusal:
    """Open a later letter. Total: any bytes give a content or a refusal."""
    if not _LATER_AROUND_BYTES <= len(sealed) <= SEALED_BYTES_MAX:
        return Refusal(Reason.FRAME_LENGTH, f"{len(sealed)} sealed bytes")
    nonce, box = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        padded = crypto_aead_xchacha20poly1305_ietf_decrypt(box, _bound(binding), nonce, keys.receive)
    except CryptoError:
        return Refusal(Reason.SEAL, "not sealed with this key, or for another place")
    return _content(padded)


# ------------------------------------------------------------------------- parts


def split(sealed: bytes) -> tuple[bytes, ...]:
    """The parts of a sealed letter, all of the same length."""
    assert sealed, "a sealed letter is never empty"
    assert len(sealed) % LETTER_PART_BYTES_MAX == 0, "a sealed letter fills whole parts"
    size = LETTER_PART_BYTES_MAX
    return tuple(sealed[start : start + size] for start in range(0, len(sealed), size))


def messages_of(sealed: bytes, binding: Binding) -> tuple[Letter, ...]:
    """The LETTER messages, still to be signed, that carry a sealed letter."""
    parts = split(sealed)
    return tuple(
        Letter(binding.call, binding.signer, binding.number + part, part, len(parts), piece)
        for part, piece in enumerate(parts)
    )

"""Keys: signing keys (Ed25519) and exchange keys (X25519), each made from 32 secret bytes.

Comes in: secret bytes, digests, signatures, public keys. Goes out: public keys, signatures, yes or no.
Draws no randomness.
"""

from attrs import field, frozen
from nacl.bindings import (
    crypto_scalarmult,
    crypto_scalarmult_base,
    crypto_sign,
    crypto_sign_BYTES,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import BadSignatureError, CryptoError

SEED_BYTES = 32
KEY_BYTES = 32
SIGNATURE_BYTES = crypto_sign_BYTES
_ANY_SECRET = bytes(31) + b"\x01"


@frozen
class SigningKey:
    """An Ed25519 key pair; `seed` is 32 secret bytes."""

    seed: bytes = field(repr=False)
    public: bytes = field(init=False)
    _secret: bytes = field(init=False, repr=False)

    @public.default
    def _derive_public(self) -> bytes:
        return bytes(crypto_sign_seed_keypair(self.seed)[0])

    @_secret.default
    def _derive_secret(self) -> bytes:
        return bytes(crypto_sign_seed_keypair(self.seed)[1])

    def sign(self, digest: bytes) -> bytes:
        """The 64-byte signature over `digest`."""
        return bytes(crypto_sign(digest, self._secret)[:SIGNATURE_BYTES])


@frozen
class ExchangeKey:
    """An X25519 key pair; `secret` is 32 secret bytes, used as they are (RFC 7748 clamps them)."""

    secret: bytes = field(repr=False)
    public: bytes = field(init=False)

    @public.default
    def _derive_public(self) -> bytes:
        return bytes(crypto_scalarmult_base(self.secret))


def verifies(public: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether `signature` is `public`'s over `digest`.

    libsodium also refuses a public key or a nonce point of low order, a public key that is not in canonical form,
    and a scalar that is not reduced, so that nobody but the signer can write a second signature.
    """
    # The binding hands the bytes to C unmeasured.
    if len(public) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        crypto_sign_open(signature + digest, public)
    except BadSignatureError:
        return False
    return True


def can_be_exchanged_with(public: bytes) -> bool:
    """Whether an X25519 public key gives a secret at all; a point of low order gives zeros to everyone."""
    if len(public) != KEY_BYTES:
        return False
    try:
        crypto_scalarmult(_ANY_SECRET, public)
    except (CryptoError, RuntimeError):
        return False
    return True

"""Signing keys: made from a seed, sign a digest, verify one.

Comes in: seeds, digests, signatures. Goes out: public keys, signatures, yes or no. Draws no randomness.
"""

from attrs import field, frozen
from nacl.bindings import (
    crypto_sign,
    crypto_sign_BYTES,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import BadSignatureError

SEED_BYTES = 32


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
        return bytes(crypto_sign(digest, self._secret)[:crypto_sign_BYTES])


def verifies(public: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether `signature` is `public`'s over `digest`."""
    try:
        crypto_sign_open(signature + digest, public)
    except (BadSignatureError, ValueError):
        return False
    return True

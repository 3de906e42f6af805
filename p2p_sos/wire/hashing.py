"""Every hash of the protocol, each under its own domain.

Comes in: bytes. Goes out: bytes. A domain string starts every hash, so that no value made for one
purpose is ever valid for another; every hash of a message also holds the network id.
"""

import functools
import hashlib

NetworkId = bytes  # 32 bytes: the hash of a network profile


@functools.cache
def _opening(domain: str) -> bytes:
    name = domain.encode("ascii")
    return bytes([len(name)]) + name


def blake2b(domain: str, *pieces: bytes, size: int = 32) -> bytes:
    """BLAKE2b of the domain's length, the domain and the pieces, `size` bytes long."""
    return hashlib.blake2b(_opening(domain) + b"".join(pieces), digest_size=size).digest()


def body_hash(body: bytes) -> bytes:
    """The hash by which a PROOF knows a body."""
    return blake2b("esos/1 body", body)


def message_id(network: NetworkId, header: bytes, body_digest: bytes) -> bytes:
    """The id of a message: everything but stamp, voucher and signature."""
    return blake2b("esos/1 id", network, header, body_digest)


def signing_digest(network: NetworkId, header: bytes, body_digest: bytes, stamp: bytes) -> bytes:
    """What the signature covers: everything."""
    return blake2b("esos/1 sign", network, header, body_digest, stamp)


def gossip_id(data: bytes, *, canonical: bool) -> bytes:
    """The GossipSub id of a carried message, 20 bytes (document 04 §3).

    `data` is the cell when the carrying message is canonical, else the whole serialised message.
    """
    return hashlib.sha256((b"\x01" if canonical else b"\x00") + data).digest()[:20]


def sealed_box_nonce(ephemeral: bytes, recipient: bytes) -> bytes:
    """The nonce of libsodium's sealed box, 24 bytes; its format, not ours, so it has no domain."""
    return hashlib.blake2b(ephemeral + recipient, digest_size=24).digest()


def responder_key_hash(call: bytes, responder: bytes) -> bytes:
    """H(call, R): the second half of a responder's key on a board (document 06 §3)."""
    return blake2b("esos/1 rank", call, responder)

"""Ids, keys and signatures, good ones and those that only look like some.

Comes in: fixed seeds. Goes out: what becomes JSON.
"""

import hashlib
from typing import Any

import attrs
from nacl.bindings import crypto_core_ed25519_add, crypto_scalarmult_ed25519_base_noclamp

from p2p_sos.wire import hashing
from p2p_sos.wire.canonical import pack
from p2p_sos.wire.frames import Stamp, body_bytes, header_bytes
from p2p_sos.wire.keys import can_be_exchanged_with, verifies
from p2p_sos.wire.messages import MESSAGE_CLASSES, Call, Claim
from p2p_sos.wire.profiles import PROFILES
from vectors.samples import (
    GROUP_ORDER,
    HIGH,
    LABORATORY,
    LOW_ORDER,
    NETWORK,
    RESPONDER,
    RESPONDER_EXCHANGE,
    VICTIM,
    VICTIM_EXCHANGE,
    extreme,
    sealed,
    seed,
    shown,
)


def ids() -> dict[str, Any]:
    """Network ids, message ids, gossip ids and the hash that ranks responders."""
    networks = [
        {**attrs.asdict(p, filter=lambda a, _: a.name not in ("roots", "network")),
         "roots": shown(p.roots), "network": p.network.hex()}
        for p in (*PROFILES.values(), attrs.evolve(LABORATORY, name="rooted", roots=(seed("root"), seed("root 2"))))
    ]  # fmt: skip
    messages = []
    for message_class in MESSAGE_CLASSES:
        message = extreme(message_class, "smallest")
        header, body = header_bytes(message), hashing.body_hash(body_bytes(message))
        for network in (NETWORK, PROFILES["public"].network):
            messages.append(
                {
                    "network": network.hex(),
                    "header": header.hex(),
                    "body": body_bytes(message).hex(),
                    "body_hash": body.hex(),
                    "id": hashing.message_id(network, header, body).hex(),
                }
            )
    gossip = [
        {"data": data.hex(), "canonical": canonical, "id": hashing.gossip_id(data, canonical=canonical).hex()}
        for data in (b"", b"a cell")
        for canonical in (True, False)
    ]
    call, key = seed("a call"), RESPONDER.public
    rank = {"call": call.hex(), "responder": key.hex(), "hash": hashing.responder_key_hash(call, key).hex()}
    return {"networks": networks, "messages": messages, "gossip": gossip, "ranks": [rank]}


# Points of X25519 with which every secret agrees on 32 zero bytes (RFC 7748; u = 0 and 1 stand in `LOW_ORDER`).
LOW_ORDER_X25519 = {
    "order 8": "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "order 8, the other": "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "p - 1": "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "p": "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "p + 1": "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "zero with its top bit set": "0000000000000000000000000000000000000000000000000000000000000080",
}


def tilted(digest: bytes, *, divisible: bool) -> tuple[bytes, bytes]:
    """A key with a part of order 8, and its signature, which holds when multiplied by eight.

    It holds by the equation of 03-keys §4 only when h is divisible by eight.
    """
    secret, torsion = b"\x02" + bytes(31), LOW_ORDER["order 8"]
    public = crypto_core_ed25519_add(crypto_scalarmult_ed25519_base_noclamp(secret), torsion)
    for nonce in range(1, 1000):
        half = crypto_scalarmult_ed25519_base_noclamp(nonce.to_bytes(32, "little"))
        h = int.from_bytes(hashlib.sha512(half + public + digest).digest(), "little") % GROUP_ORDER
        if (h % 8 == 0) == divisible:
            return public, half + ((nonce + 2 * h) % GROUP_ORDER).to_bytes(32, "little")
    raise AssertionError("one in eight hashes is divisible by eight")


def verification() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Signatures and exchange keys, good and bad."""
    digest = seed("digest")
    good = RESPONDER.sign(digest)
    scalar = int.from_bytes(good[32:], "little") + GROUP_ORDER
    cases = {
        "the signer's own": (RESPONDER.public, good),
        "another's": (VICTIM.public, good),
        "its scalar not reduced": (RESPONDER.public, good[:32] + scalar.to_bytes(32, "little")),
        "its first half another": (RESPONDER.public, seed("half") + good[32:]),
        "a nonce point of low order": (RESPONDER.public, LOW_ORDER["one"] + good[32:]),
        "a key with a part of order 8, and an equation that holds": tilted(digest, divisible=True),
        "the same key, and an equation that holds only when multiplied by eight": tilted(
            digest, divisible=False
        ),
    }
    for name, point in LOW_ORDER.items():
        cases[f"a public key of low order: {name}"] = (point, LOW_ORDER["one"] + bytes(32))
    verified = [
        {
            "why": why,
            "public": p.hex(),
            "digest": digest.hex(),
            "signature": s.hex(),
            "good": verifies(p, digest, s),
        }
        for why, (p, s) in cases.items()
    ]
    usable = [
        {"why": why, "public": point.hex(), "usable": can_be_exchanged_with(point)}
        for why, point in {
            "a key": VICTIM_EXCHANGE.public,
            "zero": bytes(32),
            "one": LOW_ORDER["one"],
            "the key with its top bit set": HIGH,
            **{name: bytes.fromhex(point) for name, point in LOW_ORDER_X25519.items()},
        }.items()
    ]
    return verified, usable


def signatures() -> dict[str, Any]:
    """Keys from seeds, digests, signatures, and signatures that only look like some."""
    keys = [{"seed": key.seed.hex(), "public": key.public.hex()} for key in (VICTIM, RESPONDER)]
    exchange = [
        {"secret": key.secret.hex(), "public": key.public.hex()}
        for key in (VICTIM_EXCHANGE, RESPONDER_EXCHANGE)
    ]
    signed = []
    for message, stamp in (
        (extreme(Claim, "smallest"), None),
        (extreme(Call, "smallest"), None),
        (extreme(Call, "smallest"), Stamp(bytes(16), 16)),
        (extreme(Call, "smallest"), Stamp(bytes(16), 17)),
    ):
        frame = sealed(message, stamp)
        signed.append(
            {
                "network": NETWORK.hex(),
                "header": header_bytes(message).hex(),
                "body_hash": hashing.body_hash(body_bytes(message)).hex(),
                "stamp": pack([] if stamp is None else [stamp.nonce, stamp.effort]).hex(),
                "digest": frame.digest.hex(),
                "signer": message.signer.hex(),
                "signature": frame.signature.hex(),
            }
        )
    verified, usable = verification()
    return {
        "keys": keys,
        "exchange_keys": exchange,
        "signed": signed,
        "verified": verified,
        "exchange": usable,
    }

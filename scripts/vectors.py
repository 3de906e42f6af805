"""The JSON vectors under protocol/vectors: what every implementation must agree on, byte for byte.

Comes in: nothing but fixed seeds. Goes out: the text of each file. `generate.py vectors` writes them and
`tests/spec/test_vectors.py` reads them; protocol/vectors/README.md tells others how to read them.
"""

import hashlib
import json
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import attrs
import msgpack

from p2p_sos.wire import hashing, letters, stamps
from p2p_sos.wire import registry as r
from p2p_sos.wire.canonical import pack, unpack
from p2p_sos.wire.checks import check
from p2p_sos.wire.frames import Frame, Stamp, body_bytes, decode, header_bytes, open_cell, pad, seal
from p2p_sos.wire.globe import is_coarse_cell
from p2p_sos.wire.keys import ExchangeKey, SigningKey, can_be_exchanged_with, verifies
from p2p_sos.wire.messages import MESSAGE_CLASSES, NOTHING, Call, Card, Claim, Decline, Message, Proof
from p2p_sos.wire.profiles import PROFILES
from p2p_sos.wire.refusals import Refusal
from p2p_sos.wire.shapes import shape_of
from p2p_sos.wire.vocabulary import word_of

LABORATORY = PROFILES["laboratory"]
NETWORK = LABORATORY.network
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493


def seed(name: str, size: int = 32) -> bytes:
    """Fixed bytes that look random, one string of them for each name."""
    return hashlib.sha256(b"e-SOS vector " + name.encode()).digest()[:size]


VICTIM = SigningKey(seed("victim"))
RESPONDER = SigningKey(seed("responder"))
VICTIM_EXCHANGE = ExchangeKey(seed("victim exchange"))
RESPONDER_EXCHANGE = ExchangeKey(seed("responder exchange"))
FINE_CELL = 0x0831F18FFFFFFFFF  # resolution 3
LOW_ORDER = {
    "zero": bytes(32),
    "one": b"\x01" + bytes(31),
    "order 8": bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
}


def shown(value: Any) -> Any:
    """A value as JSON: bytes as hexadecimal digits, words as words, tuples as arrays."""
    if isinstance(value, IntEnum):
        return word_of(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple | list):
        return [shown(entry) for entry in value]
    return value


def fields_of(message: Message) -> dict[str, Any]:
    """The fields of a message as JSON, in the order of the wire."""
    return {a.name: shown(getattr(message, a.name)) for a in attrs.fields(type(message))}


def extreme(message_class: type[Message], which: str) -> Message:
    """The message with the shortest or longest encoding; `which` is smallest or largest."""
    values = {}
    for attribute in attrs.fields(message_class):
        shape = shape_of(attribute)
        plain = getattr(shape, which)
        values[attribute.name] = plain if shape.lift is None else shape.lift(plain)
    if message_class is Proof:
        values["second_header" if which == "smallest" else "first_body_hash"] = seed("order")
    elif message_class is Call:
        values |= {"signer": VICTIM.public, "exchange_key": VICTIM_EXCHANGE.public}
    else:
        values["signer"] = RESPONDER.public
    return message_class(**values)


def sealed(message: Message, stamp: Stamp | None = None) -> Frame:
    """The message in its cell, signed by whichever of our two keys it names."""
    key = {VICTIM.public: VICTIM, RESPONDER.public: RESPONDER}.get(message.signer)
    return seal(message, NETWORK, None if isinstance(message, Proof) else key, stamp)


def stamped(message: Message, effort: int = LABORATORY.stamp_effort_min) -> Frame:
    """The message with the work done."""
    return sealed(message, stamps.solve(sealed(message).id, effort, start=bytes(16)))


def judged(cell: bytes) -> dict[str, str]:
    """The verdict on a cell as far as the cell alone can tell."""
    frame = decode(cell, NETWORK)
    refusal = frame if isinstance(frame, Refusal) else check(frame, LABORATORY)
    if refusal is None:
        return {"verdict": "accept"}
    return {"verdict": "reject", "reason": refusal.reason.value}


# ------------------------------------------------------------------------- encoding


def encoding() -> dict[str, Any]:
    """Plain values, and every kind of message at its shortest and its longest."""
    values: list[Any] = [0, 1, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**64 - 1]
    values += [b"", b"\x05", bytes(255), bytes(256), [], [0] * 15, [0] * 16, [[[[]]]], [1, b"\x02", [3]]]
    refused = {
        "an integer in more bytes than it needs": "cc05",
        "a byte string with a longer length than it needs": "c5000105",
        "an array with a longer count than it needs": "dc000105",
        "a negative integer": "ff",
        "a float": "ca3f800000",
        "not a number": "cb7ff8000000000000",
        "nil": "c0",
        "a boolean": "c3",
        "text": "a16d",
        "text that is not UTF-8": "a1ff",
        "a map": "80",
        "a map with an array as its key": "819000",
        "an extension": "d40505",
        "a timestamp": "d6ff00000000",
        "a code without a meaning": "c1",
        "a byte after the value": "0500",
        "a value cut short": "c40305",
        "an array that declares what does not come": "ddffffffff",
        "an array of more elements than any may declare": "dc0041" + "00" * 65,
        "arrays five deep": "9191919190",
        "a thousand arrays": "91" * 1000 + "90",
        "nothing": "",
    }
    for digits in refused.values():
        assert isinstance(unpack(bytes.fromhex(digits)), Refusal), digits
    messages = []
    for message_class in MESSAGE_CLASSES:
        for which in ("smallest", "largest"):
            frame = sealed(extreme(message_class, which))
            messages.append(
                {
                    "kind": word_of(message_class.KIND),
                    "fields": fields_of(frame.message),
                    "header": header_bytes(frame.message).hex(),
                    "body": body_bytes(frame.message).hex(),
                    "frame": open_cell_bytes(frame).hex(),
                    "cell_sha256": hashlib.sha256(frame.cell).hexdigest(),
                }
            )
    cells = {
        "undisclosed, which is no cell": 0,
        "resolution 0": 0x0801FFFFFFFFFFFF,
        "resolution 2": 0x0821F17FFFFFFFFF,
        "resolution 3, too fine": FINE_CELL,
        "a digit 7 where a digit counts": 0x0821FFFFFFFFFFFF,
        "a child that a pentagon lacks": 0x0820000000000000 | 4 << 45 | 1 << 42 | (1 << 39) - 1,
        "a base cell that does not exist": 0x080F5FFFFFFFFFFF,
        "an edge": 0x1201FFFFFFFFFFFF,
    }
    return {
        "values": [{"value": shown(value), "bytes": pack(value).hex()} for value in values],
        "refused": [{"why": why, "bytes": digits} for why, digits in refused.items()],
        "messages": messages,
        "globe": [
            {"why": why, "index": f"{n:016x}", "coarse_cell": is_coarse_cell(n)} for why, n in cells.items()
        ],
    }


def open_cell_bytes(frame: Frame) -> bytes:
    """The frame's bytes alone."""
    opened = open_cell(frame.cell)
    assert isinstance(opened, bytes)
    return opened


# ------------------------------------------------------------------------- ids and signatures


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
    digest = seed("digest")
    good = RESPONDER.sign(digest)
    scalar = int.from_bytes(good[32:], "little") + GROUP_ORDER
    cases = {
        "the signer's own": (RESPONDER.public, good),
        "another's": (VICTIM.public, good),
        "its scalar not reduced": (RESPONDER.public, good[:32] + scalar.to_bytes(32, "little")),
        "its first half another": (RESPONDER.public, seed("half") + good[32:]),
        "a nonce point of low order": (RESPONDER.public, LOW_ORDER["one"] + good[32:]),
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
        }.items()
    ]
    return {
        "keys": keys,
        "exchange_keys": exchange,
        "signed": signed,
        "verified": verified,
        "exchange": usable,
    }


# ------------------------------------------------------------------------- verdicts


def damaged(message: Message, damage: Callable[[list[Any]], None]) -> bytes:
    """The cell of a message whose frame was changed as nested arrays, and left unsigned."""
    plain = msgpack.unpackb(open_cell_bytes(sealed(message)), raw=False)
    damage(plain)
    return pad(msgpack.packb(plain, use_bin_type=True))


def proof_of(first: Message, second: Message) -> Frame:
    """The PROOF of two messages, in order."""
    frames = (sealed(first), sealed(second))
    halves = sorted(
        (header_bytes(f.message), hashing.body_hash(body_bytes(f.message)), f.signature) for f in frames
    )
    return sealed(Proof(RESPONDER.public, *halves[0], *halves[1]))


def cases_of_verdicts() -> dict[str, bytes]:
    """Cells by what is the matter with them."""
    claim, call, card = (extreme(kind, "smallest") for kind in (Claim, Call, Card))
    assert isinstance(claim, Claim)
    assert isinstance(call, Call)
    decline = Decline(bytes(32), RESPONDER.public, 0, NOTHING, (), r.Reason.UNABLE, r.Detail.BUSY)
    good = sealed(claim).cell
    frame = open_cell_bytes(sealed(claim))

    def put(part: int, place: int, value: Any) -> Callable[[list[Any]], None]:
        return lambda plain: plain[part].__setitem__(place, value)

    weak = attrs.evolve(call, exchange_key=LOW_ORDER["one"])
    flipped = bytearray(good)
    flipped[1 + len(frame)] ^= 1
    return {
        "a claim": good,
        "a call with its stamp": stamped(call).cell,
        "a card with its stamp": stamped(card).cell,
        "the longest letter part": sealed(extreme(MESSAGE_CLASSES[-1], "largest")).cell,
        "a proof of one entry written twice": proof_of(decline, attrs.evolve(decline, detail=r.Detail.QUEUE)).cell,
        "a proof of one slot given twice": proof_of(claim, attrs.evolve(claim, call=seed("else"))).cell,
        "a byte too many": good + b"\x00",
        "a byte too few": good[:-1],
        "no frame": bytes(r.CELL_BYTES),
        "a frame longer than the cell": b"\xff\xff" + good[2:],
        "a byte after the frame": good[:-1] + b"\x01",
        "a frame cut short": pad(frame[:-1]),
        "two values": pad(frame + b"\x00"),
        "encoded twice": pad(pack(frame)),
        "five parts": pad(b"\x95" + frame[1:] + b"\x00"),
        "an extra element in the header": damaged(claim, lambda plain: plain[0].append(0)),
        "an extra element in the body": damaged(claim, lambda plain: plain[1].append(0)),
        "an unknown kind": damaged(claim, put(0, 0, 99)),
        "text in an enumeration": damaged(claim, put(1, 1, "person")),
        "not a number in an integer": damaged(claim, put(0, 3, float("nan"))),
        "a negative integer": damaged(claim, put(0, 3, -1)),
        "an over-long integer": pad(frame.replace(RESPONDER.public + b"\x00", RESPONDER.public + b"\xcc\x00")),
        "a depth bomb": pad(b"\x91" * 2000),
        "an array that declares too much": pad(b"\xdc\xff\xff"),
        "an enumeration without that member": damaged(claim, put(1, 1, 2)),
        "a bit without a meaning": damaged(call, put(1, 5, 1 << 40)),
        "no need at all": damaged(call, put(1, 5, 0)),
        "a cell too fine": damaged(call, put(1, 8, FINE_CELL)),
        "heads out of order": damaged(claim, put(0, 5, [b"\x02" * 32, b"\x01" * 32])),
        "nine heads": damaged(claim, put(0, 5, [bytes([n]) * 32 for n in range(9)])),
        "a sequence of 33 bits": damaged(claim, put(0, 3, 2**32)),
        "a previous entry before the first": damaged(claim, put(0, 4, seed("before"))),
        "a later entry without a previous one": damaged(claim, put(0, 3, 1)),
        "a stamp on a claim": damaged(claim, lambda plain: plain[2].extend([bytes(16), 16])),
        "a signature of 63 bytes": damaged(claim, lambda plain: plain.__setitem__(3, bytes(63))),
        "a signature with a bit turned": bytes(flipped),
        "a signature for another network": seal(claim, PROFILES["public"].network, RESPONDER).cell,
        "a call without a stamp": sealed(call).cell,
        "a call with too little effort": stamped(call, LABORATORY.stamp_effort_min - 1).cell,
        "a call whose work was not done": sealed(call, Stamp(bytes(16), 2**32 - 1)).cell,
        "a call with an exchange key of low order": stamped(weak).cell,
        "a proof of two entries": proof_of(decline, attrs.evolve(decline, call=seed("else"))).cell,
        "a proof out of order": damaged(
            proof_of(decline, claim).message, lambda p: p.__setitem__(1, p[1][3:] + p[1][:3])
        ),
    }  # fmt: skip


def verdicts() -> dict[str, Any]:
    """Cells with the verdict on each; trailing zeros are counted, not written."""
    cases = []
    for why, cell in cases_of_verdicts().items():
        bare = cell.rstrip(b"\x00")
        cases.append({"why": why, "cell": bare.hex(), "zeros": len(cell) - len(bare), **judged(cell)})
    return {"network": NETWORK.hex(), "stamp_effort_min": LABORATORY.stamp_effort_min, "cases": cases}


# ------------------------------------------------------------------------- stamps


def stamp_cases() -> dict[str, Any]:
    """Single tries, and the first stamps found from a nonce."""
    tries, found = [], []
    for number in range(8):
        identity, stamp = seed(f"stamped {number}"), Stamp(seed(f"nonce {number}", 16), 1 + number % 4)
        value = stamps.stamp_value(identity, stamp)
        holds = stamps.holds(identity, stamp)
        tries.append(
            {
                "id": identity.hex(),
                "nonce": stamp.nonce.hex(),
                "effort": stamp.effort,
                "r": value,
                "holds": holds,
            }
        )
    for effort in (1, 16, 64):
        identity = seed(f"solved {effort}")
        start = b"\xff" * 16
        stamp = stamps.solve(identity, effort, start=start)
        found.append(
            {"id": identity.hex(), "effort": effort, "start": start.hex(), "nonce": stamp.nonce.hex()}
        )
    return {"tries": tries, "found": found}


# ------------------------------------------------------------------------- letters


def letter_cases() -> dict[str, Any]:
    """A first letter and one each way after it, with every secret; and the same ones in the wrong place."""
    binding = letters.Binding(NETWORK, seed("a call"), RESPONDER.public, 0)
    ephemeral, nonce = ExchangeKey(seed("ephemeral")), seed("nonce", 24)
    hello = letters.Content(1, 0, r.LetterKind.INTRODUCTION, "Leitstelle Bremen, Rückruf 112", b"\x01\x02")
    long = letters.Content(2, 1, r.LetterKind.TEXT, "0123456789" * 400)
    first = letters.seal_first(
        hello, binding, victim_exchange=VICTIM_EXCHANGE.public, exchange=RESPONDER_EXCHANGE,
        signing=RESPONDER, ephemeral=ephemeral,
    )  # fmt: skip
    responder = letters.session_of_responder(RESPONDER_EXCHANGE, VICTIM_EXCHANGE.public)
    victim = letters.session_of_victim(VICTIM_EXCHANGE, RESPONDER_EXCHANGE.public)
    assert isinstance(first, bytes)
    assert isinstance(responder, letters.SessionKeys)
    assert isinstance(victim, letters.SessionKeys)
    answer = attrs.evolve(binding, signer=VICTIM.public, number=3)
    later = [
        ("responder", attrs.evolve(binding, number=1), responder, long),
        ("victim", answer, victim, letters.Content(1, 2, r.LetterKind.ACCEPT, "Bitte kommen")),
    ]

    def written(content: letters.Content) -> dict[str, Any]:
        return {name: shown(value) for name, value in attrs.asdict(content, recurse=False).items()}

    return {
        "network": NETWORK.hex(),
        "call": binding.call.hex(),
        "victim": {"signer": VICTIM.public.hex(), "exchange_secret": VICTIM_EXCHANGE.secret.hex()},
        "responder": {"seed": RESPONDER.seed.hex(), "exchange_secret": RESPONDER_EXCHANGE.secret.hex()},
        "sessions": {"responder_to_victim": responder.send.hex(), "victim_to_responder": victim.send.hex()},
        "first": [
            {"content": written(hello), "ephemeral_secret": ephemeral.secret.hex(), "sealed": first.hex()}
        ],
        "later": [
            {
                "writer": writer,
                "number": place.number,
                "nonce": nonce.hex(),
                "content": written(content),
                "sealed": letters.seal_later(content, place, keys=keys, nonce=nonce).hex(),
            }
            for writer, place, keys, content in later
        ],
        "does_not_open": [
            {"why": "a byte changed", "change": {"byte": 100}, "reason": "seal"},
            {"why": "another call", "change": {"call": seed("else").hex()}, "reason": "seal"},
            {"why": "another number", "change": {"number": 7}, "reason": "seal"},
            {
                "why": "another network",
                "change": {"network": PROFILES["public"].network.hex()},
                "reason": "seal",
            },
            {"why": "another signer", "change": {"signer": VICTIM.public.hex()}, "reason": "seal"},
        ],
    }


FILES: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "encoding.json": ("02-encoding", encoding),
    "ids.json": ("03-keys", ids),
    "signatures.json": ("03-keys", signatures),
    "verdicts.json": ("02-encoding and 03-keys", verdicts),
    "stamps.json": ("03-keys", stamp_cases),
    "letters.json": ("03-keys", letter_cases),
}


def render() -> dict[str, str]:
    """The text of every vector file by its name."""
    texts = {}
    for name, (document, make) in FILES.items():
        whole = {"document": document, "generated_by": "scripts/generate.py vectors", **make()}
        texts[name] = json.dumps(whole, indent=1, ensure_ascii=False) + "\n"
    return texts

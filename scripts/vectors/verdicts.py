"""Cells, and the verdict on each as far as the cell alone can tell.

Comes in: fixed seeds. Goes out: what becomes JSON.
"""

from collections.abc import Callable
from typing import Any

import attrs
import msgpack

from p2p_sos.wire import hashing
from p2p_sos.wire import registry as r
from p2p_sos.wire.canonical import pack
from p2p_sos.wire.checks import check
from p2p_sos.wire.frames import Frame, Stamp, body_bytes, decode, header_bytes, pad, seal
from p2p_sos.wire.messages import (
    MESSAGE_CLASSES,
    NOTHING,
    Attest,
    Call,
    Card,
    Claim,
    Decline,
    Message,
    Proof,
)
from p2p_sos.wire.profiles import PROFILES
from p2p_sos.wire.refusals import Refusal
from vectors.samples import (
    FINE_CELL,
    HIGH,
    LABORATORY,
    LOW_ORDER,
    NETWORK,
    RESPONDER,
    extreme,
    open_cell_bytes,
    sealed,
    seed,
    stamped,
)


def varied(message: Any, **changes: Any) -> Any:
    """A message with other values; of a kind that the types cannot follow."""
    return attrs.evolve(message, **changes)


def judged(cell: bytes) -> dict[str, str]:
    """The verdict on a cell as far as the cell alone can tell."""
    frame = decode(cell, NETWORK)
    refusal = frame if isinstance(frame, Refusal) else check(frame, LABORATORY)
    if refusal is None:
        return {"verdict": "accept"}
    return {"verdict": "reject", "reason": refusal.reason.value}


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


CLAIM = extreme(Claim, "smallest")
CALL = extreme(Call, "smallest")
CARD = varied(extreme(Card, "smallest"), group=RESPONDER.public)
LETTER = extreme(MESSAGE_CLASSES[-1], "smallest")
ATTEST = Attest(bytes(32), RESPONDER.public, 1, NOTHING, (), (seed("helper"),))
DECLINE = Decline(bytes(32), RESPONDER.public, 0, NOTHING, (), r.Reason.UNABLE, r.Detail.BUSY)


def put(part: int, place: int, value: Any) -> Callable[[list[Any]], None]:
    """The damage that puts a value into one place of the header (0) or the body (1)."""
    return lambda plain: plain[part].__setitem__(place, value)


def later_part(plain: list[Any]) -> None:
    """The second of two parts, with the number 0."""
    plain[1][0:2] = [1, 2]


def overrun(plain: list[Any]) -> None:
    """The first of two parts, with the last number."""
    plain[0][3], plain[1][1] = 2**32 - 1, 2


def whole() -> dict[str, bytes]:
    """Cells that are accepted."""
    assert isinstance(CLAIM, Claim)
    return {
        "a claim": sealed(CLAIM).cell,
        "a call with its stamp": stamped(CALL).cell,
        "a card with its stamp": stamped(CARD).cell,
        "the longest letter part": sealed(extreme(MESSAGE_CLASSES[-1], "largest")).cell,
        "a proof of one entry written twice": proof_of(
            DECLINE, attrs.evolve(DECLINE, detail=r.Detail.QUEUE)
        ).cell,
        "a proof of one slot given twice": proof_of(CLAIM, attrs.evolve(CLAIM, call=seed("else"))).cell,
        "a proof of two kinds at one place": proof_of(DECLINE, CLAIM).cell,
        "a proof of entries that break a rule between fields": proof_of(
            attrs.evolve(DECLINE, sequence=1), attrs.evolve(DECLINE, sequence=1, detail=r.Detail.QUEUE)
        ).cell,
        "the victim's form of ATTEST": sealed(ATTEST).cell,
        "the last number that a letter may have": sealed(varied(LETTER, number=2**32 - 1)).cell,
        "a call whose exchange key has its top bit set": stamped(varied(CALL, exchange_key=HIGH)).cell,
    }


def broken() -> dict[str, bytes]:
    """Cells that hold no frame, or a frame that is no value."""
    good = sealed(CLAIM).cell
    frame = open_cell_bytes(sealed(CLAIM))
    return {
        "a byte too many": good + b"\x00",
        "a byte too few": good[:-1],
        "no frame": bytes(r.CELL_BYTES),
        "a frame longer than the cell": b"\xff\xff" + good[2:],
        "a byte after the frame": good[:-1] + b"\x01",
        "a frame cut short": pad(frame[:-1]),
        "two values": pad(frame + b"\x00"),
        "encoded twice": pad(pack(frame)),
        "five parts": pad(b"\x95" + frame[1:] + b"\x00"),
        "an over-long integer": pad(
            frame.replace(RESPONDER.public + b"\x00", RESPONDER.public + b"\xcc\x00")
        ),
        "a depth bomb": pad(b"\x91" * 2000),
        "an array that declares too much": pad(b"\xdc\xff\xff"),
    }


def malformed() -> dict[str, bytes]:
    """Frames that are a value, and no message."""
    return {
        "an extra element in the header": damaged(CLAIM, lambda plain: plain[0].append(0)),
        "an extra element in the body": damaged(CLAIM, lambda plain: plain[1].append(0)),
        "an unknown kind": damaged(CLAIM, put(0, 0, 99)),
        "text in an enumeration": damaged(CLAIM, put(1, 1, "person")),
        "not a number in an integer": damaged(CLAIM, put(0, 3, float("nan"))),
        "a negative integer": damaged(CLAIM, put(0, 3, -1)),
        "an enumeration without that member": damaged(CLAIM, put(1, 1, 2)),
        "a bit without a meaning": damaged(CALL, put(1, 5, 1 << 40)),
        "no need at all": damaged(CALL, put(1, 5, 0)),
        "a cell too fine": damaged(CALL, put(1, 8, FINE_CELL)),
        "heads out of order": damaged(CLAIM, put(0, 5, [b"\x02" * 32, b"\x01" * 32])),
        "nine heads": damaged(CLAIM, put(0, 5, [bytes([n]) * 32 for n in range(9)])),
        "a sequence of 33 bits": damaged(CLAIM, put(0, 3, 2**32)),
        "a previous entry before the first": damaged(CLAIM, put(0, 4, seed("before"))),
        "a later entry without a previous one": damaged(CLAIM, put(0, 3, 1)),
        "a stamp on a claim": damaged(CLAIM, lambda plain: plain[2].extend([bytes(16), 16])),
        "an ATTEST with heads, and none before": damaged(ATTEST, put(0, 5, [seed("head")])),
        "a later CLAIM in the form of a victim's word": damaged(CLAIM, put(0, 3, 7)),
        "languages out of order": damaged(CALL, put(1, 7, [82, 3])),
        "a language twice": damaged(CALL, put(1, 7, [82, 82])),
        "a language that is none": damaged(CALL, put(1, 7, [676])),
        "five languages": damaged(CALL, put(1, 7, [1, 2, 3, 4, 5])),
        "a key of 31 bytes": damaged(CALL, put(0, 1, bytes(31))),
        "nobody attested": damaged(ATTEST, put(1, 0, [])),
        "seventeen attested": damaged(ATTEST, put(1, 0, [bytes([n]) * 32 for n in range(17)])),
        "slot 255": damaged(CLAIM, put(0, 6, 255)),
        "a card without a slot": damaged(CARD, put(1, 5, 0)),
        "hour 24": damaged(CARD, put(1, 4, 1 << 24)),
        "a part beyond its letter": damaged(LETTER, put(1, 0, 1)),
        "a part whose letter would begin below zero": damaged(LETTER, later_part),
        "a letter that runs beyond the last number": damaged(LETTER, overrun),
        "a letter of nine parts": damaged(LETTER, put(1, 1, 9)),
        "a letter part a byte short": damaged(LETTER, put(1, 2, bytes(r.LETTER_PART_BYTES_MAX - 1))),
        "a stamp of three elements": damaged(CALL, lambda plain: plain[2].extend([bytes(16), 16, 0])),
        "a stamp with a nonce of 15 bytes": damaged(CALL, lambda plain: plain[2].extend([bytes(15), 16])),
        "a stamp with no effort": damaged(CALL, lambda plain: plain[2].extend([bytes(16), 0])),
        "a header that is no array": damaged(CLAIM, lambda plain: plain.__setitem__(0, 6)),
        "an empty header": damaged(CLAIM, lambda plain: plain.__setitem__(0, [])),
        "a signature on a proof": damaged(
            proof_of(DECLINE, CLAIM).message, lambda plain: plain.__setitem__(3, bytes(64))
        ),
        "a signature of 63 bytes": damaged(CLAIM, lambda plain: plain.__setitem__(3, bytes(63))),
    }


def forged() -> dict[str, bytes]:
    """Messages whose signature, stamp or proof does not hold."""
    assert isinstance(CALL, Call)
    weak = attrs.evolve(CALL, exchange_key=LOW_ORDER["one"])
    flipped = bytearray(sealed(CLAIM).cell)
    flipped[1 + len(open_cell_bytes(sealed(CLAIM)))] ^= 1
    return {
        "a signature with a bit turned": bytes(flipped),
        "a signature for another network": seal(CLAIM, PROFILES["public"].network, RESPONDER).cell,
        "a call without a stamp": sealed(CALL).cell,
        "a call with too little effort": stamped(CALL, LABORATORY.stamp_effort_min - 1).cell,
        "a call whose work was not done": sealed(CALL, Stamp(bytes(16), 2**32 - 1)).cell,
        "a call with an exchange key of low order": stamped(weak).cell,
        "a proof of two entries": proof_of(DECLINE, attrs.evolve(DECLINE, call=seed("else"))).cell,
        "a proof of two ATTESTs of a victim": proof_of(
            ATTEST, attrs.evolve(ATTEST, responders=(seed("another"),))
        ).cell,
        "a proof against another key": sealed(
            attrs.evolve(proof_of(DECLINE, CLAIM).message, signer=seed("another"))
        ).cell,
        "a proof with a forged half": sealed(
            varied(proof_of(DECLINE, CLAIM).message, second_signature=bytes(64))
        ).cell,
        "a proof whose header is no header": sealed(
            varied(proof_of(DECLINE, CLAIM).message, first_header=b"\x90")
        ).cell,
        "a card whose stamp is a call's": sealed(CARD, stamped(CALL).stamp).cell,
        "a proof out of order": damaged(
            proof_of(DECLINE, CLAIM).message, lambda p: p.__setitem__(1, p[1][3:] + p[1][:3])
        ),
    }


def verdicts() -> dict[str, Any]:
    """Cells with the verdict on each; trailing zeros are counted, not written."""
    cells = whole() | broken() | malformed() | forged()
    cases = []
    for why, cell in cells.items():
        bare = cell.rstrip(b"\x00")
        cases.append({"why": why, "cell": bare.hex(), "zeros": len(cell) - len(bare), **judged(cell)})
    return {"network": NETWORK.hex(), "stamp_effort_min": LABORATORY.stamp_effort_min, "cases": cases}

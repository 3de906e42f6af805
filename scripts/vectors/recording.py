"""Lines of a watch log, and records with what a reader says of them.

Comes in: fixed seeds. Goes out: what becomes JSON. Lines, and whether a record holds, are written here by hand.
"""

import hashlib
from typing import Any

from attrs import define, evolve, field

from p2p_sos.core.duty.watchlog import line_hash, write_line
from p2p_sos.drivers.record import Account, read_record
from p2p_sos.wire import registry as r
from p2p_sos.wire.canonical import pack
from p2p_sos.wire.frames import Frame, pad
from p2p_sos.wire.hashing import blake2b
from p2p_sos.wire.messages import AllClear, Claim, Release
from vectors.boards import (
    CALL,
    EPOCH,
    GROUNDS,
    PROOFS,
    UNIX_S,
    A,
    B,
    C,
    D,
    a_call,
    card,
    letter,
    ordered,
    renew,
    said,
)
from vectors.samples import NETWORK, open_cell_bytes, seed

NO_LINE = "0" * 64


# ------------------------------------------------------------------ lines


def _fields(number: int, previous: str, **fields: Any) -> dict[str, Any]:
    told = {"call": CALL.id.hex(), "decision": "claim", "unix_s": UNIX_S + number, "why": "able"} | fields
    return {"number": number, "previous": previous, **told}


def _line(fields: dict[str, Any]) -> bytes:
    rest = {name: value for name, value in fields.items() if name not in ("number", "previous")}
    return write_line(fields["number"], bytes.fromhex(fields["previous"]), rest)


def _chain() -> list[dict[str, Any]]:
    """A log of four lines: fields in any order, the line, its hash."""
    told: list[dict[str, Any]] = [
        {},
        {"decision": "decline", "reason": "unable", "detail": "no-operator", "why": "nobody answered in time"},
        {"decision": "silence", "call": seed("another call").hex(), "why": 'a "quoted" \\ word, a tab\tand a line\nend'},
        {"decision": "release", "reason": "unnecessary", "detail": "unspecified", "why": "Größe, \x7f, / and \U0001f198"},
    ]  # fmt: skip
    chain, previous = [], NO_LINE
    for number, fields in enumerate(told, start=1):
        whole = _fields(number, previous, **fields)
        line = _line(whole)
        previous = line_hash(line).hex()
        chain.append({"fields": whole, "line": line.decode("ascii"), "hash": previous})
    return chain


CHAIN = _chain()
ABOUT_IT = [CHAIN[at]["line"] for at in (0, 1, 3)]


# ------------------------------------------------------------------ records


@define
class Parts:
    """What a record is made of, before it is signed."""

    entries: list[tuple[int, bytes]]  # when it arrived, and the frame of the cell
    lines: list[str] = field(factory=lambda: list(ABOUT_IT))
    version: int = 1
    network: bytes = NETWORK
    tlp: int = r.Tlp.AMBER
    made_unix_s: int = UNIX_S + 1000
    spoilt: bool = False

    def plain(self, why: str, holds: bool) -> dict[str, Any]:
        """As JSON, with the hash of the whole file."""
        entries = b"".join(at.to_bytes(8, "big") + pad(frame) for at, frame in self.entries)
        lines = b"".join(line.encode("ascii") + b"\n" for line in self.lines)
        content = pack(
            [self.version, self.network, D.public, int(self.tlp), self.made_unix_s, entries, lines]
        )
        signature = D.sign(blake2b("esos/1 record", self.network, content))
        if self.spoilt:
            signature = signature[:-1] + bytes([signature[-1] ^ 1])
        file = pack([content, signature])
        account = read_record(file)
        assert isinstance(account, Account) == holds, why
        return {
            "why": why, "version": self.version, "network": self.network.hex(), "signer": D.public.hex(),
            "tlp": int(self.tlp), "made_unix_s": self.made_unix_s,
            "entries": [{"arrived_unix_s": at, "frame": frame.hex()} for at, frame in self.entries],
            "lines": self.lines, "signature": signature.hex(), "file_sha256": hashlib.sha256(file).hexdigest(),
            "holds": holds, "links": account.links if isinstance(account, Account) else None,
        }  # fmt: skip


def _entries(*frames: Frame) -> list[tuple[int, bytes]]:
    """The CALL, then the others by their ids; of one the time of arrival is not known any more."""
    rest = sorted(frames, key=lambda frame: frame.id)
    return [(0 if at == 1 else UNIX_S + at, open_cell_bytes(f)) for at, f in enumerate([CALL, *rest])]


CARD = card(A)
CLAIM = said(Claim, A, slot=0, slot_epoch=0, card=CARD.id, manner=r.Manner.AUTOMATIC)
ALL = (CLAIM, CARD, renew(A, 3), said(Release, B, 1, **GROUNDS), ordered(AllClear, 9), PROOFS[0])


def _good() -> list[dict[str, Any]]:
    nobody = ordered(AllClear, 1)
    return [
        Parts(_entries(*ALL)).plain("a claim and its card, a RENEW, a RELEASE, an ALL_CLEAR, a proof", True),
        Parts(_entries(), lines=[]).plain("the CALL alone, and no line", True),
        Parts(_entries(nobody), lines=ABOUT_IT[:1], tlp=r.Tlp.RED).plain("one line, for one reader", True),
    ]


def _bad() -> list[dict[str, Any]]:
    whole, far = Parts(_entries(*ALL)), 2**40
    first, second, third = ABOUT_IT
    alien = _line(_fields(5, CHAIN[3]["hash"], call=seed("another call").hex())).decode("ascii")
    loose = _line(_fields(2, NO_LINE)).decode("ascii")
    released = open_cell_bytes(ALL[3])
    forged = released[:-1] + bytes([released[-1] ^ 1])
    foreign = a_call(EPOCH - 1)
    cases: dict[str, Parts] = {
        "another version": evolve(whole, version=2),
        "a network that nobody knows": evolve(whole, network=seed("network")),
        "a label that is none": evolve(whole, tlp=5),
        "made at no possible time": evolve(whole, made_unix_s=far),
        "not its exporter's signature": evolve(whole, spoilt=True),
        "no message at all": evolve(whole, entries=[]),
        "the first is no CALL": evolve(whole, entries=[(UNIX_S, open_cell_bytes(CARD))], lines=[]),
        "another order": evolve(whole, entries=[whole.entries[0], *whole.entries[:0:-1]]),
        "a message twice": evolve(whole, entries=[*whole.entries, whole.entries[-1]]),
        "arrived at no possible time": evolve(whole, entries=[(far, open_cell_bytes(CALL))]),
        "a signature in it that does not hold": evolve(whole, entries=[*_entries(), (UNIX_S, forged)]),
        "a second CALL": evolve(whole, entries=_entries(foreign)),
        "a LETTER": evolve(whole, entries=_entries(letter(A, 0))),
        "a CARD that no CLAIM in it names": evolve(whole, entries=_entries(CLAIM, card(B))),
        "a PROOF against nobody in it": evolve(whole, entries=_entries(ALL[3], PROOFS[0])),
        "an ALL_CLEAR that the victim did not sign": evolve(whole, entries=_entries(ordered(AllClear, 1, C))),
        "a line about another call": evolve(whole, lines=[first, second, alien]),
        "lines in another order": evolve(whole, lines=[second, first]),
        "a line twice": evolve(whole, lines=[first, first]),
        "a line that does not follow from the one before": evolve(whole, lines=[first, loose, third]),
        "a line that is no object": evolve(whole, lines=["[]"]),
    }  # fmt: skip
    return [parts.plain(why, False) for why, parts in cases.items()]


def recording() -> dict[str, Any]:
    """A watch log; records that hold, and records that a reader refuses."""
    return {"lines": CHAIN, "records": [*_good(), *_bad()]}

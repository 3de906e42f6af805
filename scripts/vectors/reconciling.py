"""Fingerprints and frames of sync.

Comes in: fixed seeds. Goes out: what becomes JSON.
"""

from typing import Any

import attrs

from p2p_sos.core.sync.tree import Tree
from p2p_sos.wire import registry as r
from p2p_sos.wire import sync
from p2p_sos.wire.canonical import pack
from p2p_sos.wire.refusals import Refusal
from p2p_sos.wire.vocabulary import word_of
from vectors.samples import seed

IDS = tuple(sorted(seed(f"held {number}") for number in range(40)))
CALL, DAY, PROOFS = seed("a call"), (20_833).to_bytes(4, "big"), b""
CELL = seed("a cell").ljust(r.CELL_BYTES, b"\x00")


def _fingerprints() -> list[dict[str, Any]]:
    tree = Tree(IDS)
    cases = []
    for prefix in (b"", b"\x00", sync.nibbles(IDS[0], 1), sync.nibbles(IDS[5], 3), b"\x0f\x0f\x0f"):
        cases.append(
            {
                "prefix": prefix.hex(),
                "ids": [one.hex() for one in tree.under(prefix)],
                "fingerprint": tree.fingerprint(prefix).hex(),
                "children": [child.hex() for child in tree.children(prefix)],
            }
        )
    return cases


def _roots() -> list[dict[str, Any]]:
    named = ((PROOFS, IDS[:1]), (DAY, IDS), (CALL, IDS[3:9]))
    cases = []
    for trees in ((), named[1:2], tuple(sorted(named))):
        prints = tuple((name, sync.fingerprint(ids)) for name, ids in trees)
        cases.append(
            {
                "trees": [[name.hex(), print_.hex()] for name, print_ in prints],
                "root": sync.root_fingerprint(prints).hex(),
            }
        )
    return cases


def _samples() -> list[sync.SyncMessage]:
    print_ = sync.fingerprint(IDS)
    trees = tuple(sorted((seed(f"call {number}"), print_) for number in range(65)))
    under = Tree(IDS).under(sync.nibbles(IDS[0], 1))
    return [
        sync.Open(7, print_),
        sync.Equal(2**32 - 1),
        sync.Trees(7, ()),
        sync.Trees(7, ((PROOFS, print_), (DAY, sync.EMPTY))),
        sync.Trees(7, trees),
        sync.Ask(7, (sync.Wish(CALL, b"", 2048), sync.Wish(DAY, bytes(range(16)), 0))),
        sync.Branches(
            7,
            (
                sync.Branch(CALL, b"", IDS),
                sync.Branch(DAY, sync.nibbles(IDS[0], 1), under),
                sync.Branch(DAY, b"\x01", ()),
                sync.Branch(DAY, b"", None, Tree(IDS).children(b"")),
            ),
        ),
        sync.Fetch(7, IDS[:3]),
        sync.Cells(7, (CELL,)),
        sync.Cells(7, ()),
        sync.Give(0, (CELL, CELL)),
        sync.Taken(7),
        sync.Registers(7, (sync.Roll(CALL, (sync.cell_fingerprint(CELL),)), sync.Roll(IDS[0], ()))),
        sync.Newest(7, (CELL,), (print_,)),
    ]


def shown(value: Any) -> Any:
    """A part of a frame as JSON."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [shown(entry) for entry in value]
    if isinstance(value, sync.Wish):
        return [shown(value.name), shown(value.prefix), value.listed_max]
    if isinstance(value, sync.Branch):
        return [shown(value.name), shown(value.prefix), shown(value.ids), shown(value.children)]
    if isinstance(value, sync.Roll):
        return [shown(value.call), shown(value.held)]
    return value


def _frames() -> list[dict[str, Any]]:
    cases = []
    for message in _samples():
        data = sync.encode(message)
        parts = {a.name: shown(getattr(message, a.name)) for a in attrs.fields(type(message))}
        cases.append({"frame": word_of(r.SyncFrame(data[1])), "parts": parts, "bytes": data.hex()})
    return cases


def _refused() -> list[dict[str, Any]]:
    print_, one, other = sync.EMPTY, IDS[0], IDS[1]
    plain: list[tuple[str, Any]] = [
        ("a code that does not exist", [11, 7]),
        ("a session of 33 bits", [1, 2**32]),
        ("one element too many", [1, 7, 0]),
        ("a root of 15 bytes", [0, 7, print_[:15]]),
        ("the same tree twice", [2, 7, [[[CALL, print_], [CALL, print_]]]]),
        ("names that descend", [2, 7, [[[CALL, print_], [PROOFS, print_]]]]),
        ("a name of 5 bytes", [2, 7, [[[bytes(5), print_]]]]),
        ("an empty row", [2, 7, [[]]]),
        ("a row that is not full before another", [2, 7, [[[PROOFS, print_]], [[CALL, print_]]]]),
        ("a nibble above 15", [3, 7, [[[CALL, b"\x10", 64]]]]),
        ("more ids than may be listed", [3, 7, [[[CALL, b"", r.SYNC_LISTED_MAX + 1]]]]),
        ("more branches than may be asked for", [3, 7, [[[CALL, b"", 1]] * 64] * 4 + [[[CALL, b"", 1]]]]),
        ("ids that descend", [4, 7, [[[CALL, b"", 1, other + one]]]]),
        ("an id of another branch", [4, 7, [[[CALL, bytes([15 - (one[0] >> 4)]), 1, one]]]]),
        ("15 children", [4, 7, [[[CALL, b"", 0, print_ * 15]]]]),
        ("a form that does not exist", [4, 7, [[[CALL, b"", 2, b""]]]]),
        ("more ids than cells fit into a frame", [5, 7, bytes(32 * (r.SYNC_CELLS_MAX + 1))]),
        ("an id and a half", [5, 7, bytes(48)]),
        ("a cell that is too short", [6, 7, CELL[:-1]]),
        ("registers of no call", [9, 7, [[[b"", b""]]]]),
    ]
    cases = [{"bytes": pack(value).hex(), "why": why} for why, value in plain]
    cases.append({"bytes": "930007c410" + "00" * 15, "why": "cut off"})
    cases.append({"bytes": "92cc0107", "why": "a code that is not written in the shortest way"})
    assert all(isinstance(sync.decode(bytes.fromhex(case["bytes"])), Refusal) for case in cases)
    return cases


def reconciling() -> dict[str, Any]:
    """Fingerprints of branches, trees and registers; frames, and what is none."""
    return {
        "held": [one.hex() for one in IDS],
        "branches": _fingerprints(),
        "roots": _roots(),
        "registers": [{"cell": CELL.hex(), "fingerprint": sync.cell_fingerprint(CELL).hex()}],
        "frames": _frames(),
        "refused": _refused(),
    }

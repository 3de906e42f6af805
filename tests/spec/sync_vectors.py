"""The vectors of sync: fingerprints by the document's own words, and frames both ways."""

from typing import Any

from p2p_sos.core.sync.tree import Tree
from p2p_sos.wire import sync
from p2p_sos.wire.hashing import blake2b
from p2p_sos.wire.refusals import Refusal
from p2p_sos.wire.registry import SyncFrame
from p2p_sos.wire.vocabulary import lookup

unhex = bytes.fromhex


def _many(values: list[str]) -> tuple[bytes, ...]:
    return tuple(unhex(value) for value in values)


def _branch(name: str, prefix: str, ids: list[str] | None, children: list[str]) -> sync.Branch:
    return sync.Branch(unhex(name), unhex(prefix), None if ids is None else _many(ids), _many(children))


PARTS: dict[str, Any] = {
    "session": lambda value: value,
    "root": unhex,
    "trees": lambda value: tuple((unhex(name), unhex(print_)) for name, print_ in value),
    "wishes": lambda value: tuple(
        sync.Wish(unhex(name), unhex(prefix), most) for name, prefix, most in value
    ),
    "branches": lambda value: tuple(_branch(*one) for one in value),
    "ids": _many,
    "cells": _many,
    "rolls": lambda value: tuple(sync.Roll(unhex(call), _many(held)) for call, held in value),
    "lacked": _many,
}
FRAMES: dict[str, Any] = {
    "open": sync.Open, "equal": sync.Equal, "trees": sync.Trees, "ask": sync.Ask, "branches": sync.Branches,
    "fetch": sync.Fetch, "cells": sync.Cells, "give": sync.Give, "taken": sync.Taken,
    "registers": sync.Registers, "newest": sync.Newest,
}  # fmt: skip


def check_sync(vectors: dict[str, Any]) -> None:
    """Fingerprints of branches, trees and registers; frames, and what is none."""
    tree = Tree(_many(vectors["held"]))
    for case in vectors["branches"]:
        prefix, ids = unhex(case["prefix"]), _many(case["ids"])
        assert tree.under(prefix) == ids
        assert tree.fingerprint(prefix) == unhex(case["fingerprint"]) == blake2b("esos/1 sync", *ids, size=16)
        assert tree.children(prefix) == _many(case["children"])
    for case in vectors["roots"]:
        trees = PARTS["trees"](case["trees"])
        assert sync.root_fingerprint(trees) == unhex(case["root"])
    for case in vectors["registers"]:
        assert sync.cell_fingerprint(unhex(case["cell"])) == unhex(case["fingerprint"])
    for case in vectors["frames"]:
        message = FRAMES[case["frame"]](**{name: PARTS[name](value) for name, value in case["parts"].items()})
        assert sync.encode(message) == unhex(case["bytes"])
        assert sync.decode(unhex(case["bytes"])) == message
        assert unhex(case["bytes"])[1] == lookup(SyncFrame, case["frame"])
    assert sorted({case["frame"] for case in vectors["frames"]}) == sorted(FRAMES)
    for case in vectors["refused"]:
        assert isinstance(sync.decode(unhex(case["bytes"])), Refusal), case["why"]

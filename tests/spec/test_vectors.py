"""The vectors under protocol/vectors: each file is opened, and every case in it holds."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Any

import attrs
import pytest

from p2p_sos.wire import hashing
from p2p_sos.wire.canonical import pack, unpack
from p2p_sos.wire.checks import check
from p2p_sos.wire.frames import Frame, Stamp, body_bytes, decode, header_bytes, open_cell, pad, seal
from p2p_sos.wire.globe import is_coarse_cell
from p2p_sos.wire.keys import ExchangeKey, SigningKey, can_be_exchanged_with, verifies
from p2p_sos.wire.letters import (
    Binding,
    Content,
    SessionKeys,
    open_first,
    open_later,
    seal_first,
    seal_later,
    session_of_responder,
    session_of_victim,
)
from p2p_sos.wire.messages import MESSAGE_CLASSES, Message
from p2p_sos.wire.profiles import PROFILES, Profile
from p2p_sos.wire.refusals import Refusal
from p2p_sos.wire.registry import LetterKind
from p2p_sos.wire.stamps import holds, solve, stamp_value
from p2p_sos.wire.vocabulary import lookup, word_of
from tests.spec.board_vectors import check_admission, check_boards, check_fitness, check_leases
from tests.spec.by_hand_vectors import check_by_hand
from tests.spec.record_vectors import check_record
from tests.spec.sync_vectors import check_sync

ROOT = Path(__file__).resolve().parent.parent.parent
VECTORS = ROOT / "protocol" / "vectors"
LABORATORY = PROFILES["laboratory"]
CLASSES = {word_of(message_class.KIND): message_class for message_class in MESSAGE_CLASSES}
unhex = bytes.fromhex


def plain(value: Any) -> Any:
    """A plain value out of JSON."""
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return unhex(value) if isinstance(value, str) else value


def message_of(kind: str, fields: dict[str, Any]) -> Message:
    """A message out of JSON."""
    message_class, values = CLASSES[kind], {}
    for attribute in attrs.fields(message_class):
        value = fields[attribute.name]
        if isinstance(attribute.type, type) and issubclass(attribute.type, IntEnum):
            values[attribute.name] = lookup(attribute.type, value)
        else:
            read = plain(value)
            values[attribute.name] = tuple(read) if isinstance(read, list) else read
    return message_class(**values)


def check_encoding(vectors: dict[str, Any]) -> None:
    """Values, messages and cells on the globe."""
    for case in vectors["values"]:
        assert pack(plain(case["value"])) == unhex(case["bytes"])
        assert unpack(unhex(case["bytes"])) == plain(case["value"])
    for case in vectors["refused"]:
        assert isinstance(unpack(unhex(case["bytes"])), Refusal), case["why"]
    secrets = json.loads((VECTORS / "signatures.json").read_text(encoding="utf-8"))["keys"]
    keys = {unhex(entry["public"]): SigningKey(unhex(entry["seed"])) for entry in secrets}
    for case in vectors["messages"]:
        message = message_of(case["kind"], case["fields"])
        assert header_bytes(message) == unhex(case["header"])
        assert body_bytes(message) == unhex(case["body"])
        assert list(case["fields"]) == [attribute.name for attribute in attrs.fields(type(message))]
        frame = unhex(case["frame"])
        sealed = seal(message, LABORATORY.network, keys.get(message.signer))
        assert open_cell(sealed.cell) == frame, case["kind"]
        assert hashlib.sha256(pad(frame)).hexdigest() == case["cell_sha256"]
        assert decode(pad(frame), LABORATORY.network) == sealed
    kinds = [case["kind"] for case in vectors["messages"]]
    assert sorted(kinds) == sorted([*CLASSES] * 2)
    for case in vectors["globe"]:
        assert is_coarse_cell(int(case["index"], 16)) == case["coarse_cell"], case["why"]


def check_ids(vectors: dict[str, Any]) -> None:
    """Networks, messages, carried bytes and ranks."""
    for case in vectors["networks"]:
        values = {name: value for name, value in case.items() if name not in ("roots", "network")}
        profile = Profile(roots=tuple(map(unhex, case["roots"])), **values)
        assert profile.network == unhex(case["network"])
    for case in vectors["messages"]:
        body = hashing.body_hash(unhex(case["body"]))
        assert body == unhex(case["body_hash"])
        assert hashing.message_id(unhex(case["network"]), unhex(case["header"]), body) == unhex(case["id"])
    for case in vectors["gossip"]:
        assert hashing.gossip_id(unhex(case["data"]), canonical=case["canonical"]) == unhex(case["id"])
    for case in vectors["ranks"]:
        ranked = hashing.responder_key_hash(unhex(case["call"]), unhex(case["responder"]))
        assert ranked == unhex(case["hash"])


def check_signatures(vectors: dict[str, Any]) -> None:
    """Keys, digests, signatures, and those that only look like some."""
    keys = {case["public"]: SigningKey(unhex(case["seed"])) for case in vectors["keys"]}
    for public, key in keys.items():
        assert key.public.hex() == public
    for case in vectors["exchange_keys"]:
        assert ExchangeKey(unhex(case["secret"])).public.hex() == case["public"]
    for case in vectors["signed"]:
        pieces = [unhex(case[name]) for name in ("network", "header", "body_hash", "stamp")]
        assert hashing.signing_digest(*pieces).hex() == case["digest"]
        assert keys[case["signer"]].sign(unhex(case["digest"])).hex() == case["signature"]
    for case in vectors["verified"]:
        pieces = [unhex(case[name]) for name in ("public", "digest", "signature")]
        assert verifies(*pieces) == case["good"], case["why"]
    for case in vectors["exchange"]:
        assert can_be_exchanged_with(unhex(case["public"])) == case["usable"], case["why"]
    assert {case["good"] for case in vectors["verified"]} == {True, False}


def check_verdicts(vectors: dict[str, Any]) -> None:
    """What a cell alone tells: accepted, or rejected with its reason."""
    assert unhex(vectors["network"]) == LABORATORY.network
    assert vectors["stamp_effort_min"] == LABORATORY.stamp_effort_min
    for case in vectors["cases"]:
        frame = decode(unhex(case["cell"]) + bytes(case["zeros"]), LABORATORY.network)
        refusal = check(frame, LABORATORY) if isinstance(frame, Frame) else frame
        told = {"verdict": "accept"}
        if refusal is not None:
            told = {"verdict": "reject", "reason": refusal.reason.value}
        assert told == {name: case[name] for name in told}, case["why"]
        assert ("reason" in case) == (case["verdict"] != "accept")


def check_stamps(vectors: dict[str, Any]) -> None:
    """Single tries, and searches."""
    for case in vectors["tries"]:
        stamp = Stamp(unhex(case["nonce"]), case["effort"])
        assert stamp_value(unhex(case["id"]), stamp) == case["r"]
        assert holds(unhex(case["id"]), stamp) == case["holds"]
    assert {case["holds"] for case in vectors["tries"]} == {True, False}
    for case in vectors["found"]:
        stamp = solve(unhex(case["id"]), case["effort"], start=unhex(case["start"]))
        assert stamp == Stamp(unhex(case["nonce"]), case["effort"])


def content_of(case: dict[str, Any]) -> Content:
    """The content of a letter out of JSON."""
    kind = lookup(LetterKind, case["kind"])
    assert isinstance(kind, LetterKind)
    return attrs.evolve(Content(**{**case, "kind": kind}), enclosure=unhex(case["enclosure"]))


def check_letters(vectors: dict[str, Any]) -> None:
    """A dialogue: every letter is sealed to the same bytes, opens for its reader, and nowhere else."""
    victim = ExchangeKey(unhex(vectors["victim"]["exchange_secret"]))
    responder = ExchangeKey(unhex(vectors["responder"]["exchange_secret"]))
    signing = SigningKey(unhex(vectors["responder"]["seed"]))
    place = Binding(unhex(vectors["network"]), unhex(vectors["call"]), signing.public, 0)
    for case in vectors["first"]:
        content, ephemeral = content_of(case["content"]), ExchangeKey(unhex(case["ephemeral_secret"]))
        sealed = seal_first(
            content,
            place,
            victim_exchange=victim.public,
            exchange=responder,
            signing=signing,
            ephemeral=ephemeral,
        )
        assert sealed == unhex(case["sealed"])
        opened = open_first(sealed, place, exchange=victim)
        assert not isinstance(opened, Refusal)
        assert (opened.content, opened.exchange_key) == (content, responder.public)
    responders = session_of_responder(responder, victim.public)
    victims = session_of_victim(victim, responder.public)
    assert isinstance(responders, SessionKeys)
    assert isinstance(victims, SessionKeys)
    assert responders.send == victims.receive == unhex(vectors["sessions"]["responder_to_victim"])
    assert victims.send == responders.receive == unhex(vectors["sessions"]["victim_to_responder"])
    signers = {"responder": signing.public, "victim": unhex(vectors["victim"]["signer"])}
    ways = {"responder": (responders, victims), "victim": (victims, responders)}
    for case in vectors["later"]:
        writer, reader = ways[case["writer"]]
        here = attrs.evolve(place, signer=signers[case["writer"]], number=case["number"])
        content = content_of(case["content"])
        sealed = seal_later(content, here, keys=writer, nonce=unhex(case["nonce"]))
        assert sealed == unhex(case["sealed"])
        assert open_later(sealed, here, keys=reader) == content
    first = vectors["later"][0]
    here = attrs.evolve(place, number=first["number"])
    for case in vectors["does_not_open"]:
        sealed, changes = bytearray(unhex(first["sealed"])), dict(case["change"])
        if "byte" in changes:
            sealed[changes.pop("byte")] ^= 1
        there = attrs.evolve(here, **{n: unhex(v) if isinstance(v, str) else v for n, v in changes.items()})
        answer = open_later(bytes(sealed), there, keys=victims)
        assert isinstance(answer, Refusal), case["why"]
        assert answer.reason.value == case["reason"]


CONSUMERS: dict[str, Callable[[dict[str, Any]], None]] = {
    "encoding.json": check_encoding,
    "ids.json": check_ids,
    "signatures.json": check_signatures,
    "verdicts.json": check_verdicts,
    "stamps.json": check_stamps,
    "letters.json": check_letters,
    "admission.json": check_admission,
    "boards.json": check_boards,
    "fitness.json": check_fitness,
    "leases.json": check_leases,
    "sync.json": check_sync,
    "record.json": check_record,
    "by-hand.json": check_by_hand,
}


@pytest.mark.parametrize("name", CONSUMERS)
def test_every_case_of_a_file_holds(name: str) -> None:
    """The implementation agrees with every case of the file, byte for byte; and no list in it is empty."""
    vectors = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    CONSUMERS[name](vectors)
    assert all(value for value in vectors.values())


def test_every_file_has_its_consumer() -> None:
    """No vector file lies there unopened, and none that is opened is missing."""
    assert sorted(path.name for path in VECTORS.glob("**/*.json")) == sorted(CONSUMERS)


def test_every_list_of_a_file_is_read() -> None:
    """A list that no consumer reads would prove nothing: take each away, and its consumer fails."""
    for name, consume in CONSUMERS.items():
        vectors = json.loads((VECTORS / name).read_text(encoding="utf-8"))
        for missing in [key for key in vectors if key not in ("document", "generated_by")]:
            with pytest.raises(KeyError):
                consume({key: value for key, value in vectors.items() if key != missing})


def test_the_derived_files_are_up_to_date() -> None:
    """What `generate.py` would write is what is there."""
    command = [sys.executable, str(ROOT / "scripts" / "generate.py"), "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")

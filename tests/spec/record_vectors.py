"""Consumer of record.json: lines to write, files to build and to read."""

import hashlib
import json
from typing import Any

from p2p_sos.core.duty.watchlog import line_hash, verify_chain, write_line
from p2p_sos.drivers.record import Account, read_record
from p2p_sos.wire.canonical import pack
from p2p_sos.wire.frames import pad

unhex = bytes.fromhex


def _file(case: dict[str, Any]) -> bytes:
    entries = b"".join(
        e["arrived_unix_s"].to_bytes(8, "big") + pad(unhex(e["frame"])) for e in case["entries"]
    )
    lines = b"".join(line.encode("ascii") + b"\n" for line in case["lines"])
    head = [case["version"], unhex(case["network"]), unhex(case["signer"]), case["tlp"], case["made_unix_s"]]
    return pack([pack([*head, entries, lines]), unhex(case["signature"])])


def check_record(vectors: dict[str, Any]) -> None:
    """Equal fields give equal lines, in one chain; equal parts give equal files, and each holds or is refused."""
    for case in vectors["lines"]:
        fields = dict(case["fields"])
        number, previous = fields.pop("number"), unhex(fields.pop("previous"))
        line = write_line(number, previous, fields)
        assert line == case["line"].encode("ascii")
        assert json.loads(line) == case["fields"]
        assert line_hash(line).hex() == case["hash"]
    assert verify_chain([case["line"].encode("ascii") for case in vectors["lines"]]) is None
    for case in vectors["records"]:
        file = _file(case)
        assert hashlib.sha256(file).hexdigest() == case["file_sha256"], case["why"]
        account = read_record(file)
        assert isinstance(account, Account) == case["holds"], case["why"]
        assert (account.links if isinstance(account, Account) else None) == case["links"], case["why"]

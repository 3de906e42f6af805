"""Consumer of by-hand.json: texts to write, to find in what people hand over, to refuse, and to bring in."""

from typing import Any

from p2p_sos.drivers.brought import judge_call
from p2p_sos.drivers.calltext import NETWORK_BYTES, Brought, Unlike, code_of, read_call
from p2p_sos.wire.frames import Frame, pad
from p2p_sos.wire.profiles import PROFILES

LABORATORY = PROFILES["laboratory"]
unhex = bytes.fromhex


def check_by_hand(vectors: dict[str, Any]) -> None:
    """Equal cells give equal texts; each text is found, or refused as short or as wrong; each call is taken, or not."""
    for case in vectors["written"]:
        cell, network = pad(unhex(case["frame"])), unhex(case["network"])
        assert code_of(cell, network) == case["text"], case["why"]
        assert read_call(case["text"].encode()) == Brought(cell, network[:NETWORK_BYTES]), case["why"]
    for case in vectors["read"]:
        wanted = Brought(pad(unhex(case["frame"])), LABORATORY.network[:NETWORK_BYTES])
        assert read_call(case["given"].encode()) == wanted, case["why"]
    for case in vectors["refused"]:
        wanted_fault = Unlike.SHORT if case["short"] else Unlike.WRONG
        assert read_call(case["given"].encode()) is wanted_fault, case["why"]
    assert {case["short"] for case in vectors["refused"]} == {True, False}
    for case in vectors["brought"]:
        found = judge_call(case["text"].encode(), LABORATORY, case["unix_s"])
        assert isinstance(found, Frame) == case["taken"], case["why"]
    assert {case["taken"] for case in vectors["brought"]} == {True, False}

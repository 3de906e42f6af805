"""The watch log: a chain that shows what was changed."""

import json

import pytest

from p2p_sos.core.duty.watchlog import WatchLog, verify_chain

LINES = 5


def _log() -> WatchLog:
    log = WatchLog()
    for number in range(LINES):
        log.write(1000.0 + number, {"call": f"{number:02x}", "decision": "claim", "why": "able"})
    return log


def test_a_chain_is_whole() -> None:
    """What the log writes verifies, and each line is JSON with its number."""
    lines = _log().lines()
    assert verify_chain(lines) is None
    assert [json.loads(line)["number"] for line in lines] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("index", range(LINES - 1))
def test_a_changed_line_breaks_the_chain(index: int) -> None:
    """Control: a word changed in any line but the last breaks the line after it."""
    lines = list(_log().lines())
    lines[index] = lines[index].replace(b"able", b"idle")
    assert verify_chain(lines) == f"line {index + 2} does not follow from the line before it"


def test_missing_added_and_swapped_lines_break_the_chain() -> None:
    """Control: a line taken out, put in twice, swapped, or no JSON is named."""
    lines = list(_log().lines())
    assert verify_chain(lines[:1] + lines[2:]) is not None
    assert verify_chain(lines[:2] + lines[1:]) is not None
    assert verify_chain([lines[1], lines[0], *lines[2:]]) is not None
    assert verify_chain([*lines[:2], b"{", *lines[3:]]) == "line 3 is no JSON"


def test_the_log_goes_on_after_a_restart() -> None:
    """Rows of the last run and new lines make one chain; the last decision on each call is recalled once."""
    first = WatchLog()
    rows = [first.write(1.0, {"call": "aa", "decision": word, "why": ""}) for word in ("ask", "decline")]
    again = WatchLog()
    again.restore([(row.key, row.value) for row in rows[::-1]])
    again.write(2.0, {"call": "bb", "decision": "claim", "why": ""})
    assert verify_chain(again.lines()) is None
    assert again.fault is None
    assert again.last_decisions() == {b"\xaa": ("decline", "")}
    assert again.last_decisions() == {}
    assert [json.loads(line)["number"] for line in again.lines(after=2)] == [3]


def test_a_tampered_log_is_named_and_goes_on() -> None:
    """A broken chain on disk is reported, never rewritten."""
    first = WatchLog()
    rows = [first.write(1.0, {"call": "aa", "decision": "claim", "why": str(n)}) for n in range(3)]
    again = WatchLog()
    again.restore([(row.key, row.value.replace(b'"why":"0"', b'"why":"9"')) for row in rows])
    assert again.fault == "line 2 does not follow from the line before it"
    assert again.write(2.0, {"decision": "claim"}).key == (4).to_bytes(8, "big")


def test_memory_is_bounded() -> None:
    """Only the end of a long log stays in memory; numbers stay right."""
    log = WatchLog()
    for _ in range(1500):
        log.write(1.0, {"decision": "silence"})
    assert len(log.lines()) == 1024
    assert json.loads(log.lines(after=1499)[0])["number"] == 1500

"""Of what somebody brings only a whole, true call of this network that is not over is taken; each other thing gets its word."""

import time

import pytest

from p2p_sos.drivers.brought import Misfit, is_slow, judge_call, judge_cell
from p2p_sos.drivers.calltext import code_of
from p2p_sos.wire.frames import Frame, open_cell, pad, seal
from p2p_sos.wire.profiles import Profile
from p2p_sos.wire.registry import Severity
from tests.drivers.handmade import KEY, LABORATORY, call, cancel

ELSEWHERE = Profile("elsewhere", 1, 64, 1, 30)
EPOCHS_A_DAY = 144


def misfit(data: bytes, profile: Profile = LABORATORY) -> Misfit:
    found = judge_call(data, profile, time.time())
    assert isinstance(found, Misfit), found
    return found


def test_a_call_is_taken_as_text_and_as_a_cell() -> None:
    """Both give the frame with the id that its caller knows."""
    made = call()
    for data in (made.cell, code_of(made.cell, LABORATORY.network).encode()):
        found = judge_call(data, LABORATORY, time.time())
        assert isinstance(found, Frame)
        assert found.id == made.id


@pytest.mark.parametrize("severity", [Severity.HIGH, Severity.LOW])
def test_a_call_is_taken_until_its_life_ends(severity: Severity) -> None:
    """Hours late is early enough; a minute after its end nobody takes it: a day for grave calls, a week for others."""
    days = 1 if severity is Severity.HIGH else 7
    late = call(ago=days * EPOCHS_A_DAY - 2, severity=severity)
    assert isinstance(judge_cell(late.cell, LABORATORY, time.time()), Frame)
    assert misfit(call(ago=days * EPOCHS_A_DAY + 1, severity=severity).cell).code == "call-over"


def test_only_old_calls_are_slow() -> None:
    """Two epochs are gossip's own bound."""
    assert not is_slow(call(ago=1), time.time())
    assert is_slow(call(ago=4), time.time())


def test_a_call_from_the_future_names_the_clock() -> None:
    """Which of the two clocks is wrong cannot be known; ours is the one that its reader can set."""
    assert misfit(call(ago=-5).cell).code == "clock"
    assert isinstance(judge_cell(call(ago=-1).cell, LABORATORY, time.time()), Frame)


def test_another_network_is_told_from_a_broken_call() -> None:
    """The text names its network; a bare cell does not, and merely fails to hold."""
    foreign = call(profile=ELSEWHERE)
    said = misfit(code_of(foreign.cell, ELSEWHERE.network).encode())
    assert said.code == "foreign-network"
    assert misfit(foreign.cell).code == "call-broken"
    public = misfit(code_of(call().cell, LABORATORY.network).encode(), ELSEWHERE)
    assert "--profile laboratory" in public.sentence


def test_only_calls_are_taken() -> None:
    """What follows a call is signed by a case that is alive somewhere."""
    assert misfit(cancel(call()).cell).code == "not-a-call"


def test_nothing_forged_is_taken() -> None:
    """No stamp, too cheap a stamp, one changed bit: each is refused before anybody is asked."""
    made = call()
    bare = seal(made.message, LABORATORY.network, KEY)
    assert "stamp" in misfit(bare.cell).sentence
    frame = open_cell(made.cell)
    assert isinstance(frame, bytes)
    changed = frame[:-1] + bytes([frame[-1] ^ 1])
    assert "signature" in misfit(pad(changed)).sentence


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", bytes(2048), b"\x89PNG\r\n\x1a\n" + bytes(500), b"ESOS1-AAAA", b"SQLite format 3\x00"],
)
def test_what_is_no_call_gets_one_sentence(data: bytes) -> None:
    """One word for programs, one sentence for people that names what to do."""
    said = misfit(data)
    assert said.code == "call-broken"
    assert "\n" not in said.sentence

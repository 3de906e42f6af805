"""Whether what somebody brought by hand is a call that this network still takes.

In come bytes (a file, pasted text, a picture with the text in it), a profile and the time. Out goes the call's frame, every
check of it done, or a `Misfit`: a slug and one sentence that names the next step. Sends nothing.
"""

import time
from typing import Final

from attrs import frozen

from p2p_sos.core.calls.calls import call_of, ends_unix_s
from p2p_sos.drivers.calltext import NETWORK_BYTES, Unlike, read_call
from p2p_sos.wire.checks import check
from p2p_sos.wire.frames import Frame, decode
from p2p_sos.wire.messages import Call
from p2p_sos.wire.profiles import PROFILES, Profile
from p2p_sos.wire.refusals import Refusal
from p2p_sos.wire.registry import CALL_EPOCH_S, EPOCHS_EITHER_WAY

BROKEN: Final = "call-broken"
ANOTHER: Final = "ask whoever gave it to you for another copy"
PICTURE: Final = b"\x89PNG"
SQLITE: Final = b"SQLite format 3"


@frozen
class Misfit:
    """Why something is not taken: a word for programs, a sentence for people."""

    code: str
    sentence: str


def judge_call(data: bytes, profile: Profile, unix_s: float) -> Frame | Misfit:
    """The call in what somebody brought, if it is whole, true, of this network, and not over."""
    brought = read_call(data)
    if isinstance(brought, Unlike):
        return _unlike(data, brought)
    if brought.network not in (b"", profile.network[:NETWORK_BYTES]):
        return _foreign(brought.network, profile)
    return judge_cell(brought.cell, profile, unix_s)


def judge_cell(cell: bytes, profile: Profile, unix_s: float) -> Frame | Misfit:
    """The same for a bare cell."""
    frame = decode(cell, profile.network)
    if isinstance(frame, Refusal):
        return Misfit(BROKEN, f"That is no message of this protocol ({frame}): {ANOTHER}.")
    if not isinstance(frame.message, Call):
        kind = frame.message.KIND.name.replace("_", " ")
        only = "only calls are relayed by hand; what follows a call travels through the case that made it"
        return Misfit("not-a-call", f"That is a {kind}, and no call: {only}.")
    if (wrong := check(frame, profile)) is not None:
        return Misfit(
            BROKEN, f"That call does not hold ({wrong}): it was changed, or is of another network; {ANOTHER}."
        )
    return _too_late(frame, unix_s) or frame


def _unlike(data: bytes, how: Unlike) -> Misfit:
    if how is Unlike.SHORT:
        return Misfit(
            BROKEN,
            f"A call begins here, and letters of it are missing: copy it from ESOS1- to its last letter, or {ANOTHER}.",
        )
    if how is Unlike.WRONG:
        return Misfit(
            BROKEN,
            f"A call begins here, and is not whole: a letter is another, or a line is missing; copy it once more, or {ANOTHER}.",
        )
    if data.startswith(SQLITE):
        return Misfit(
            BROKEN,
            "That is a case, encrypted, and no call: it is for its owner alone, who takes it in with `sos case import`. "
            "Bring the file call-... or the code, ESOS1-...",
        )
    if data.startswith(PICTURE):
        read = "scan it with any QR reader and paste what it reads into: sos relay -"
        return Misfit(
            BROKEN, f"That picture carries no text of a call (programs that resize pictures drop it): {read}"
        )
    return Misfit(
        BROKEN,
        "There is no call in it: give the file that `sos call --offline` wrote, or its code, ESOS1-...",
    )


def _foreign(network: bytes, profile: Profile) -> Misfit:
    known = [name for name, one in PROFILES.items() if one.network[:NETWORK_BYTES] == network]
    where = (
        f"the network {known[0]!r}: add --profile {known[0]}" if known else "a network that is not known here"
    )
    return Misfit(
        "foreign-network", f"That call belongs to {where}; this is {profile.name!r}, and nothing was sent."
    )


def _too_late(frame: Frame, unix_s: float) -> Misfit | None:
    call = call_of(frame)
    if (ends := ends_unix_s(call)) <= unix_s:
        at = time.strftime("%Y-%m-%d %H:%M", time.localtime(ends))
        return Misfit(
            "call-over",
            f"That call ended at {at}, and no node takes it any more: ask the caller to call again.",
        )
    ahead_s = (call.epoch - EPOCHS_EITHER_WAY) * CALL_EPOCH_S - unix_s
    if ahead_s <= 0:
        return None
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(unix_s))
    return Misfit(
        "clock",
        f"That call is from the future: this machine believes it is {at}; set its clock right and try again.",
    )


def is_slow(frame: Frame, unix_s: float) -> bool:
    """Whether a call is so old that nodes pass it on by sync alone: it still arrives, within minutes."""
    return int(unix_s) // CALL_EPOCH_S - call_of(frame).epoch > EPOCHS_EITHER_WAY

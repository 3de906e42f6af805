"""The call of a case, fixed so that others can carry it: from then on it keeps its cell, however long it is under way.

In comes an open case file. Out goes the call's frame, durable as the case's own. A call that was kept and not yet handed
to anybody is made anew for this epoch first, as a case that meets its first relay late does; one that was handed out is not.
"""

import os
import time

from attrs import evolve

from p2p_sos.core.calls.calls import call_of
from p2p_sos.core.case.case_rows import CALL, closed_case, keep_call, secrets_of
from p2p_sos.core.tables import Table
from p2p_sos.drivers.case_service import CALL_NOTE, PROFILE_NOTE
from p2p_sos.drivers.casefile import CaseFile
from p2p_sos.drivers.store import StoreUnusable
from p2p_sos.wire.frames import Frame, decode, id_of, seal
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import Call
from p2p_sos.wire.profiles import LABORATORY, PROFILES, Profile
from p2p_sos.wire.registry import CALL_EPOCH_S, STAMP_NONCE_BYTES
from p2p_sos.wire.stamps import solve

RELAYS_NOTE = "relays"  # what a case knows of relays when it travels without its directory


class CaseOver(Exception):
    """The case is closed and its keys are gone."""


def network_of_case(file: CaseFile) -> Profile:
    """The network that a case belongs to. Raises `StoreUnusable` for one that this program does not know."""
    name = (file.note(PROFILE_NOTE) or LABORATORY.encode()).decode("utf-8", "replace")
    if name not in PROFILES:
        raise StoreUnusable(f"The case belongs to the network {name!r}, which this version does not know.")
    return PROFILES[name]


def call_of_case(file: CaseFile) -> Frame:
    """The call as the case holds it now. Raises `CaseOver`, `StoreUnusable`."""
    rows, network = file.load(Table.CASE), network_of_case(file)
    if secrets_of(rows) is None:
        if closed_case(rows) is not None:
            raise CaseOver
        raise StoreUnusable("The case was never finished, and nothing was sent: call again.")
    frame = decode(dict(rows).get(CALL) or file.note(CALL_NOTE) or b"", network.network)
    if not isinstance(frame, Frame) or not isinstance(frame.message, Call):
        raise StoreUnusable("The case file holds no call of its network: call again.")
    return frame


def fix_call(file: CaseFile) -> Frame:
    """The call that others may carry from now on; the case never makes another in its place. Raises as `call_of_case`."""
    frame, rows = call_of_case(file), file.load(Table.CASE)
    if CALL in dict(rows):
        return frame
    victim, epoch = secrets_of(rows), int(time.time()) // CALL_EPOCH_S
    assert victim is not None, "looked at before"
    if call_of(frame).epoch not in {epoch, epoch - 1}:
        frame = _stamped(evolve(call_of(frame), epoch=epoch), network_of_case(file), victim.call_key)
        file.write_note(CALL_NOTE, frame.cell)
    file.commit_now([keep_call(frame)])
    return frame


def _stamped(call: Call, profile: Profile, key: SigningKey) -> Frame:
    start = os.urandom(STAMP_NONCE_BYTES)
    stamp = solve(id_of(call, profile.network), profile.stamp_effort_min, start=start)
    return seal(call, profile.network, key, stamp)

"""Calls of any age and network, signed and stamped, without a case around them."""

import time
from typing import Any

from p2p_sos.core.case.case import VictimSecrets, compose_call
from p2p_sos.wire.frames import Frame, id_of, seal
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import Cancel
from p2p_sos.wire.profiles import PROFILES, Profile
from p2p_sos.wire.registry import (
    CALL_EPOCH_S,
    STAMP_NONCE_BYTES,
    Certainty,
    Nature,
    Need,
    Sector,
    Severity,
    Status,
    Urgency,
)
from p2p_sos.wire.stamps import solve

LABORATORY = PROFILES["laboratory"]
KEY = SigningKey(bytes(range(32)))
SECRETS = VictimSecrets(KEY, bytes(reversed(range(32))), "")


def epoch_now() -> int:
    return int(time.time()) // CALL_EPOCH_S


def call(*, ago: int = 0, profile: Profile = LABORATORY, **said: Any) -> Frame:
    """A call that was made `ago` epochs of ten minutes before now."""
    words: dict[str, Any] = {
        "status": Status.ACTUAL, "severity": Severity.HIGH, "urgency": Urgency.IMMEDIATE,
        "certainty": Certainty.OBSERVED, "nature": Nature.OTHER__UNDETERMINED, "needs": 1 << Need.EXPERTISE,
        "sector": Sector.OTHER,
    }  # fmt: skip
    composed = compose_call(SECRETS, epoch=epoch_now() - ago, **(words | said))
    stamp = solve(id_of(composed, profile.network), profile.stamp_effort_min, start=bytes(STAMP_NONCE_BYTES))
    return seal(composed, profile.network, KEY, stamp)


def cancel(of: Frame) -> Frame:
    """A message that is no call."""
    said = Cancel(signer=KEY.public, call=of.id, sequence=1)
    return seal(said, LABORATORY.network, KEY)

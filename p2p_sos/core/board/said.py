"""What one responder said about a call, in so far as its newest words count.

Decides which word of one log takes back which. Comes in: the log of one responder, the newest entry first. Goes out: a
`Said`. Must not know other responders, cards, or time.
"""

from collections.abc import Sequence

from attrs import frozen

from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import (
    Attest,
    Claim,
    Comply,
    Decline,
    Handover,
    Key,
    MessageId,
    Release,
    Roster,
    StandDown,
)
from p2p_sos.wire.registry import Cause


@frozen
class Said:
    """The newest word of each sort. `stance` is a CLAIM, DECLINE, RELEASE or STAND_DOWN, or None.

    `complied`: the requisitions whose COMPLY still counts. `handed`: the rosters that its HANDOVERs name. `attests`:
    whom its ATTESTs name. `rosters`: all its ROSTERs, the newest first. `takeovers`: how many of them name an expiry.
    """

    stance: Frame | None
    claim: Frame | None
    complied: tuple[MessageId, ...]
    rosters: tuple[Frame, ...]
    handed: tuple[MessageId, ...]
    attests: tuple[Key, ...]
    takeovers: int

    @property
    def claims(self) -> bool:
        """Whether it claims and did not take that back."""
        return self.stance is not None and self.stance is self.claim

    @property
    def stands_by_it(self) -> bool:
        """Whether what it attested still counts: it claims, or believes that its work is done."""
        return self.stance is not None and isinstance(self.stance.message, Claim | StandDown)

    @property
    def roster(self) -> Frame | None:
        """The newest ROSTER, unless it was handed over."""
        # "Of the ROSTERs of one signer the newest alone counts." (06-board §11)
        newest = self.rosters[0] if self.rosters else None
        return None if newest is None or newest.id in self.handed else newest


def heed(log: Sequence[Frame]) -> Said:
    """What a log says; `log` has its newest entry first."""
    stance: Frame | None = None
    claim: Frame | None = None
    complied: list[MessageId] = []
    rosters: list[Frame] = []
    handed: list[MessageId] = []
    attests: dict[Key, None] = {}
    taken_back = False
    for frame in log:
        match frame.message:
            case Claim():
                stance, claim = stance or frame, claim or frame
            case Decline() | Release() | StandDown():
                # "A COMPLY counts until a DECLINE, RELEASE or STAND_DOWN of its signer with a higher sequence."
                # (06-board §9)
                stance, taken_back = stance or frame, True
            case Comply(requisition=requisition) if not taken_back:
                complied.append(requisition)
            case Roster():
                rosters.append(frame)
            case Handover(roster=roster):
                handed.append(roster)
            case Attest(responders=responders):
                attests.update(dict.fromkeys(responders))
    takeovers = sum(_cause(roster) is Cause.EXPIRED for roster in rosters)
    return Said(
        stance, claim, tuple(complied), tuple(rosters), tuple(handed), tuple(attests), takeovers
    )  # fmt: skip


def _cause(frame: Frame) -> Cause:
    assert isinstance(frame.message, Roster), "a ROSTER"
    return frame.message.cause


SILENT = heed(())

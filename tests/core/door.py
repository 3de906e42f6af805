"""A gate with an archive behind it, and everything that a node would do between the two."""

from typing import Any

from attrs import define, field

from p2p_sos.core.actions import SetTimer, Verify
from p2p_sos.core.calls.admission import Admission, verdict_of
from p2p_sos.core.calls.archive import Archive
from p2p_sos.core.calls.calls import Calls
from p2p_sos.core.calls.gate import Gate, Welcomed
from p2p_sos.core.clock import Clock
from p2p_sos.core.events import TimerFired, Verified
from p2p_sos.core.gossip.rpc import Carried
from p2p_sos.core.internal import Examine, Judged, Publish
from p2p_sos.wire.checks import check
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.profiles import Profile
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import TOPIC
from tests.core.world import PROFILE, START_UNIX_S


@define
class Door:
    """A gate with an archive behind it; `verify_at_once` False leaves every verification to the test."""

    profile: Profile = PROFILE
    now: float = 0.0
    verify_at_once: bool = True
    start_unix_s: float = START_UNIX_S
    archive: Archive = field(init=False)
    gate: Gate = field(init=False)
    verdicts: dict[bytes, Judged] = field(init=False, factory=dict)
    timers: list[SetTimer] = field(init=False, factory=list)
    verifying: list[Verify] = field(init=False, factory=list)
    published: list[Frame] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        clock = Clock()
        clock.read(self.start_unix_s, 0.0)
        self.archive = Archive(Calls(self.profile.open_calls_max))
        self.gate = Gate(Admission(self.profile, clock, self.archive))

    def perform(self, steps: list[Any]) -> None:
        """What a node would do."""
        for step in steps:
            match step:
                case Verify() if self.verify_at_once:
                    self.answer(step)
                case Verify():
                    self.verifying.append(step)
                case Judged(gossip_id=identity):
                    assert identity not in self.verdicts, "judged twice"
                    self.verdicts[identity] = step
                case SetTimer():
                    self.timers.append(step)
                case Publish(frame=frame):
                    self.published.append(frame)
                case Welcomed(frame=frame, gossip_id=identity):
                    taken = self.archive.take(frame, identity, self.start_unix_s + self.now)
                    refusal = None if taken.passed else Refusal(Reason.BOUND)
                    self.verdicts[identity] = Judged(identity, verdict_of(refusal), refusal)
                    self.perform(self.gate.adopt(frame.id, self.now))

    def answer(self, verify: Verify) -> None:
        """A verification is done."""
        refusal = check(verify.frame, self.profile)
        self.perform(self.gate.verified(Verified(verify.gossip_id, verify.frame, refusal), self.now))

    def bring(self, cell: bytes, *, canonical: bool = True) -> None:
        """A peer brings a cell."""
        identity = gossip_id(cell, canonical=canonical)
        carried = Carried(identity, cell, TOPIC, canonical)
        self.verdicts.pop(identity, None)
        self.perform(self.gate.examine(Examine(carried, "peer"), self.now))

    def said(self, cell: bytes) -> str:
        """The verdict on a cell: accept, waits, or the reason with its verdict."""
        judged = self.verdicts.get(gossip_id(cell, canonical=True))
        if judged is None:
            return "waits"
        reason = "" if judged.refusal is None else f" {judged.refusal.reason.value}"
        return judged.verdict.value + reason

    def ask(self, frame: Frame) -> str:
        """Bring a frame and say what became of it."""
        self.bring(frame.cell)
        return self.said(frame.cell)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while due := sorted((t.at, i) for i, t in enumerate(self.timers) if t.at <= until):
            at, index = due[0]
            self.now = max(self.now, at)
            timer = self.timers.pop(index)
            self.perform(self.gate.fire(TimerFired(timer.key), self.now))
        self.now = until

"""The lookout: what is looked at when, and what is told of it."""

from typing import Any

from attrs import define, evolve, field

from p2p_sos.core.actions import SetTimer, Tell
from p2p_sos.core.board.judge import Judge
from p2p_sos.core.calls.accuser import proof_of
from p2p_sos.core.calls.calls import Calls
from p2p_sos.core.calls.lookout import LeasesDue, Lookout, StoodDown
from p2p_sos.core.events import Started, TimerFired
from p2p_sos.core.internal import Admitted, CallEnded, ViewChanged
from p2p_sos.core.notices import Convicted, LeadChanged, SitrepRefused, SitrepSeen, StandDownSeen
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.registry import S1, Severity
from tests.core import mail
from tests.core.world import PROFILE

A, B, C, D = sorted((mail.key(name) for name in "ABCD"), key=lambda key: key.public)
CALL = mail.the_call(severity=Severity.SEVERE)
ROOTED = Judge(evolve(PROFILE, roots=(b"r" * 32,)), accredits=lambda card: card.message.signer)


@define
class Mast:
    """A lookout, its calls, and the newest timer that it set."""

    judge: Judge = field(factory=Judge)
    now: float = 0.0
    calls: Calls = field(init=False)
    lookout: Lookout = field(init=False)
    timers: list[SetTimer] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        self.calls = Calls(8, self.judge)
        self.lookout = Lookout(self.calls)
        self.calls.open(CALL, 0.0, 0.0)
        self.hear(Admitted(CALL, bytes(20)))

    def hear(self, event: object) -> list[Any]:
        """The steps that an event causes, timers apart."""
        steps = self.lookout.handle(event, self.now)
        self.timers += [step for step in steps if isinstance(step, SetTimer)]
        return [step for step in steps if not isinstance(step, SetTimer)]

    def admit(self, frame: Frame, card: Frame | None = None) -> list[Any]:
        """A message is admitted."""
        assert self.calls.offer(frame, self.now, card).kept
        return self.hear(Admitted(frame, bytes(20)))

    def claim(self, who: SigningKey) -> list[Any]:
        """One claims, with a card."""
        return self.admit(mail.claim(CALL, who, card=mail.card(who).id), mail.card(who))

    def wait(self, until: float) -> list[Any]:
        """Every timer fires that is due until then."""
        steps: list[Any] = []
        while due := sorted((t.at, index) for index, t in enumerate(self.timers) if t.at <= until):
            timer = self.timers.pop(due[0][1])
            self.now = max(self.now, timer.at)
            steps += self.hear(TimerFired(timer.key))
        self.now = until
        return steps


def test_a_change_is_told_once() -> None:
    """A claim changes the view, the same view again does not; a RENEW never does."""
    mast = Mast()
    assert mast.claim(A) == [ViewChanged(CALL.id)]
    assert mast.admit(mail.renew(CALL, A, 1)) == []
    assert mast.lookout.look_around(mast.now) == []


def test_time_alone_changes_a_view() -> None:
    """A claimer that falls silent is seen without any message, at its instant."""
    mast = Mast()
    mast.admit(mail.claim(CALL, A))
    assert mast.wait(S1.lease_s - 0.01) == []
    assert mast.wait(S1.lease_s) == [ViewChanged(CALL.id)]
    assert not mast.calls[CALL.id].view.claims[0].live


def test_one_timer_is_under_way_for_each_call() -> None:
    """However much comes, and whatever stale timers fire; nobody looks at a call that is over."""
    mast = Mast()
    mast.admit(mail.claim(CALL, A))
    for sequence in range(1, 40):
        mast.now += 0.2
        mast.admit(mail.renew(CALL, A, sequence))
    assert len(mast.timers) <= 2, "an earlier instant took the place of the first one"
    stale = SetTimer(LeasesDue(CALL.id, 3.125), 3.125)
    assert mast.hear(TimerFired(stale.key)) == []
    mast.hear(CallEnded(CALL.id, "cleared"))
    assert mast.wait(500.0) == []


def test_the_lead_is_told_and_whose_reports_count() -> None:
    """A SITREP of the lead under the token that is followed is seen; any other is refused."""
    mast = Mast()
    mast.claim(A)
    mast.claim(B)
    roster = mail.roster(CALL, A, A, B)
    assert mast.admit(roster) == [
        Tell(LeadChanged(CALL.id, A.public, 0, roster.id)),
        ViewChanged(CALL.id),
    ]
    seen = mast.admit(mail.sitrep(CALL, A, 1, roster.id))
    assert [type(step.notice) for step in seen] == [SitrepSeen]
    for refused in (mail.sitrep(CALL, B, 1, roster.id), mail.sitrep(CALL, A, 2)):
        assert [type(step.notice) for step in mast.admit(refused)] == [SitrepRefused]
    steps = mast.wait(2.0 * S1.lease_s)
    assert Tell(LeadChanged(CALL.id, None, 0, bytes(32))) in steps
    assert ViewChanged(CALL.id, roll_call=True) in steps


def test_helpers_stand_a_call_down_only_while_its_victim_is_silent() -> None:
    """F + 1 attested groups say that it is over: nothing happens while V speaks; once V is silent it is closed."""
    mast = Mast(ROOTED)
    helpers = (A, B, C, D)
    for helper in helpers:
        mast.claim(helper)
    mast.admit(mail.attest(CALL, *helpers))
    told = [mast.admit(mail.stand_down(CALL, helper)) for helper in helpers[: S1.stand_down_f + 1]]
    assert all(
        Tell(StandDownSeen(CALL.id, who.public)) in steps for who, steps in zip(helpers, told, strict=False)
    )
    assert StoodDown(CALL.id) not in mast.wait(S1.progress_silent_s - 0.01)
    assert StoodDown(CALL.id) in mast.wait(S1.progress_silent_s + 1.0)


def test_nobody_stands_down_a_victim_at_its_own_node() -> None:
    """Whoever sits at the victim's node knows better: the same board closes nothing there."""
    mast = Mast(ROOTED)
    mast.calls.mark(CALL.id, "own")
    for helper in (A, B, C, D):
        mast.claim(helper)
    mast.admit(mail.attest(CALL, A, B, C, D))
    for helper in (A, B, C):
        mast.admit(mail.stand_down(CALL, helper))
    assert StoodDown(CALL.id) not in mast.wait(S1.progress_silent_s + 1.0)
    assert mast.calls.is_stood_down(CALL.id, mast.now), "control: the board says so"


def test_a_start_looks_at_every_open_call() -> None:
    """What was restored is looked at when all of it is there."""
    mast = Mast()
    claim = mail.claim(CALL, A)
    mast.calls.offer(claim, 0.0)
    assert mast.hear(Admitted(claim, bytes(20), restored=True)) == []
    assert mast.hear(Started()) == [ViewChanged(CALL.id)]


def test_a_conviction_is_told() -> None:
    """Of each PROOF the people learn whom it convicts."""
    mast = Mast()
    mast.claim(A)
    mast.calls.convict((A.public,))
    proof = proof_of(*(mail.claim(CALL, A, 7, slot=slot) for slot in (0, 1)), mail.NETWORK)
    assert mast.hear(Admitted(proof, bytes(20))) == [ViewChanged(CALL.id), Tell(Convicted(A.public))]

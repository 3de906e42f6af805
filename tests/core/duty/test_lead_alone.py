"""One lead by itself: what it says when its timers are late, when nobody is heard, and when another one leads."""

from itertools import permutations
from random import Random
from typing import Any

from attrs import define, field

from p2p_sos.core.actions import SetTimer
from p2p_sos.core.calls.calls import Calls
from p2p_sos.core.duty.author import Author
from p2p_sos.core.duty.lead import Lead
from p2p_sos.core.duty.post import HoldEnds, SitrepDue
from p2p_sos.core.events import Started, TimerFired
from p2p_sos.core.internal import Admitted, Probe, Publish, ViewChanged
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import Claim, Handover, Roster, Sitrep
from p2p_sos.wire.registry import ORPHAN_WAIT_S, S1, Cause
from tests.core import mail

ME, OTHER, THIRD = mail.key("me"), mail.key("other"), mail.key("tail")
FITTER = 2**24 - 1  # on duty at every hour
CALL = mail.the_call()
LEASE_S, HOLD_S = S1.lease_s, S1.hold_s


@define(eq=False)
class Bridge:
    """A call that this node claimed, and its lead; `heard_at` is when a peer was heard last."""

    fitter: SigningKey = ME
    now: float = 100.0
    heard_at: float = 100.0
    calls: Calls = field(init=False)
    lead: Lead = field(init=False)
    timers: dict[type[Any], SetTimer] = field(init=False, factory=dict)
    said: list[Frame] = field(init=False, factory=list)
    probes: int = 0

    def __attrs_post_init__(self) -> None:
        self.calls = Calls(8)
        self.calls.open(CALL, 0.0, self.now)
        self.lead = Lead(Author(ME, mail.NETWORK), self.calls, Random(1), self.last_heard)
        for who in (ME, OTHER):
            card = mail.card(who, duty_hours=FITTER if who is self.fitter else 0)
            claim = mail.claim(CALL, who, card=card.id)
            self.calls.offer(claim, self.now, card)
            self.lead.author.observe(claim)
            self.perform(self.lead.handle(Admitted(claim, bytes(20), own=who is ME), self.now))
        self.look()

    def perform(self, steps: Any) -> None:
        """What it says comes to its own board; of timers the newest of each class is kept."""
        for step in list(steps):
            match step:
                case Publish(frame=frame):
                    self.said.append(frame)
                    self.hear(frame, own=True)
                case SetTimer():
                    self.timers[type(step.key)] = step
                case Probe():
                    self.probes += 1

    def hear(self, *frames: Frame, own: bool = False) -> None:
        """Messages come."""
        for frame in frames:
            assert self.calls.offer(frame, self.now).kept
            self.perform(self.lead.handle(Admitted(frame, bytes(20), own=own), self.now))
        self.look()

    def look(self) -> None:
        """Time counts, and the lead is told."""
        change = self.calls.look(CALL.id, self.now)
        if change.view != change.before:
            self.perform(self.lead.handle(ViewChanged(CALL.id), self.now))

    def fire(self, kind: type[Any], late_s: float = 0.0) -> list[type[Any]]:
        """A timer fires, so much too late, before anything else does; the kinds of what is said then."""
        timer = self.timers.pop(kind)
        self.now, before = timer.at + late_s, len(self.said)
        self.perform(self.lead.handle(TimerFired(timer.key), self.now))
        return [type(frame.message) for frame in self.said[before:]]

    def renew(self, *helpers: SigningKey) -> None:
        """These are still there."""
        self.hear(*(mail.renew(CALL, who, int(self.now)) for who in helpers))

    def last_heard(self) -> float:
        """When a peer was heard."""
        return self.heard_at

    @property
    def leads(self) -> bool:
        """Whether it leads, as its own view says."""
        return self.calls[CALL.id].view.lead == ME.public

    def roster(self) -> bytes:
        """The roster that is followed."""
        return self.calls[CALL.id].view.token[1]


def leading() -> Bridge:
    """It named a roster and reported once."""
    bridge = Bridge()
    assert bridge.fire(HoldEnds) == [Roster, Sitrep]
    assert bridge.leads
    return bridge


def test_a_late_report_is_not_given() -> None:
    """A timer more than a third of a lease late: this process stood still, and others may lead; a little late, it reports."""
    for late_s in (LEASE_S / 3 + 0.1, 60.0, 6 * LEASE_S):
        bridge = leading()
        bridge.heard_at = bridge.timers[SitrepDue].at + late_s
        assert bridge.fire(SitrepDue, late_s) == [], late_s
        bridge.look()
        assert not bridge.leads, "it left its own roster, whoever else did"
        assert bridge.probes == 1
    bridge = leading()
    bridge.heard_at = bridge.timers[SitrepDue].at
    assert bridge.fire(SitrepDue, LEASE_S / 3 - 0.1) == [Sitrep], "the control"
    assert bridge.leads


def test_who_hears_nobody_stops_and_leaves_its_roster() -> None:
    """After a third of a lease it asks a peer, after two thirds it fences itself; heard again it starts as a claimer."""
    bridge = leading()
    old = bridge.roster()
    bridge.heard_at = bridge.timers[SitrepDue].at - LEASE_S / 3 + 0.1
    assert (bridge.fire(SitrepDue), bridge.probes) == ([Sitrep], 0), "the control"
    bridge.heard_at = bridge.timers[SitrepDue].at - LEASE_S / 3 - 0.1
    assert (bridge.fire(SitrepDue), bridge.probes) == ([Sitrep], 1)
    bridge.heard_at = bridge.timers[SitrepDue].at - 2 * LEASE_S / 3 - 0.1
    assert bridge.fire(SitrepDue) == []
    bridge.look()
    assert not bridge.leads
    for _ in range(3):
        bridge.renew(ME, OTHER)
        assert bridge.fire(HoldEnds) == [], "nobody is heard yet"
    bridge.heard_at = bridge.timers[HoldEnds].at - 0.1
    assert bridge.fire(HoldEnds) == []
    assert bridge.fire(HoldEnds) == [Roster, Sitrep], "as a claimer, after HOLD"
    assert bridge.roster() not in (old, bytes(32))


def test_who_starts_again_hears_a_peer_before_it_leads_on() -> None:
    """A lead of the last run asks first; nobody took over: it leads on; somebody did, knowing of it: it follows."""
    for overtaken in (False, True):
        before = leading()
        old = before.roster()
        again = Lead(Author(ME, mail.NETWORK), before.calls, Random(2), before.last_heard)
        rows = [
            (b"log:" + CALL.id, (7).to_bytes(8, "big") + old),
            (b"sitrep:" + CALL.id, (16).to_bytes(8, "big")),
        ]
        again.author.restore(rows)
        before.lead, before.said = again, []
        before.timers.clear()
        before.now += 5.0
        before.perform(again.handle(Started(), before.now))
        assert (before.said, before.probes) == ([], 1)
        if overtaken:
            before.hear(mail.roster(CALL, OTHER, OTHER, epoch=2, replaces=old))
        before.heard_at = before.timers[HoldEnds].at - 0.1
        assert before.fire(HoldEnds) == ([] if overtaken else [Sitrep])
        before.look()
        assert before.leads is not overtaken


def test_a_wait_that_ended_late_names_no_roster() -> None:
    """Whoever slept through its turn waits anew: what it knows is old."""
    bridge = Bridge()
    assert bridge.fire(HoldEnds, LEASE_S / 3 + 0.1) == []
    assert Bridge().fire(HoldEnds, LEASE_S / 3 - 0.1) == [Roster, Sitrep], "the control"


def test_who_took_over_yields_to_whom_it_replaced() -> None:
    """The fitter lead whose lease was over is heard again: it gets the roster handed, and nothing is reported any more."""
    bridge = Bridge(fitter=OTHER)
    theirs = mail.roster(CALL, OTHER, OTHER, ME)
    bridge.hear(theirs)
    bridge.now += LEASE_S + 1.0
    bridge.renew(ME, OTHER)
    assert bridge.fire(HoldEnds) == [Roster, Sitrep]
    mine = bridge.roster()
    assert bridge.leads
    before = len(bridge.said)
    bridge.hear(mail.sitrep(CALL, OTHER, 9, theirs.id))
    if len(bridge.said) == before:
        bridge.heard_at = bridge.timers[SitrepDue].at
        bridge.fire(SitrepDue)
    (given,) = [frame.message for frame in bridge.said[before:]]
    assert isinstance(given, Handover)
    assert (given.roster, given.successor) == (mine, OTHER.public)


def test_it_yields_to_one_roster_once() -> None:
    """A lead of before that reports, is given the lead and does not take it up, is not given it again under that roster."""
    bridge = Bridge(fitter=OTHER)
    theirs = mail.roster(CALL, OTHER, OTHER, ME)
    bridge.hear(theirs)
    bridge.now += LEASE_S + 1.0
    for number in (9, 10, 11):
        bridge.renew(ME, OTHER)
        if HoldEnds in bridge.timers:
            bridge.fire(HoldEnds)
        assert bridge.leads, "the fitter one does nothing: a place further back in the line comes after W"
        bridge.hear(mail.sitrep(CALL, OTHER, number, theirs.id))
        if bridge.leads:
            bridge.heard_at = bridge.timers[SitrepDue].at
            bridge.fire(SitrepDue)
        bridge.now += S1.hold_s
    handed = [frame.message for frame in bridge.said if isinstance(frame.message, Handover)]
    assert [message.successor for message in handed] == [OTHER.public], "once, which is the control as well"


def test_nobody_hands_over_what_is_not_its_own() -> None:
    """A HANDOVER of a third one's roster makes nobody lead; of its writer's own it does, at once (control)."""
    third = THIRD
    for giver, says in ((third, []), (OTHER, [Roster])):
        bridge = Bridge(fitter=OTHER)
        card = mail.card(third)
        assert bridge.calls.offer(mail.claim(CALL, third, card=card.id), bridge.now, card).kept
        theirs = mail.roster(CALL, OTHER, OTHER, ME)
        bridge.hear(theirs)
        bridge.calls.supersede(CALL.id, theirs.id)
        bridge.look()
        assert bridge.calls[CALL.id].view.lead is None
        bridge.hear(mail.handover(CALL, giver, theirs, ME.public))
        named = [frame.message for frame in bridge.said if isinstance(frame.message, Roster)]
        assert [type(message) for message in named] == says
        assert all(message.cause is Cause.HANDOVER for message in named)


def raced() -> tuple[Bridge, Frame]:
    """A node named a roster, and then hears of a fitter one's that was written at the same time."""
    bridge = Bridge(fitter=OTHER)
    assert bridge.fire(HoldEnds) == [Roster, Sitrep], "it waited W longer than the other one, in vain"
    theirs = mail.roster(CALL, OTHER, OTHER, replaces=bytes(32))
    bridge.hear(theirs)
    return bridge, theirs


def handed_by(bridge: Bridge) -> list[Handover]:
    """The HANDOVERs that it wrote."""
    return [frame.message for frame in bridge.said if isinstance(frame.message, Handover)]


def test_who_loses_a_race_hands_its_roster_over() -> None:
    """Two write at once: the less fit hands its own over at once, and once, for good; the other leads on undisturbed."""
    bridge, theirs = raced()
    mine = next(frame for frame in bridge.said if isinstance(frame.message, Roster))
    assert [(h.roster, h.successor) for h in handed_by(bridge)] == [(mine.id, OTHER.public)]
    for _ in range(3):
        bridge.now += HOLD_S
        bridge.hear(mail.sitrep(CALL, OTHER, int(bridge.now), theirs.id))
    assert len(handed_by(bridge)) == 1
    late = Calls(8)
    late.open(CALL, 0.0, 0.0)
    cards = {who.public: mail.card(who, duty_hours=FITTER if who is OTHER else 0) for who in (ME, OTHER)}
    for frame in bridge.calls.board(CALL.id).frames():
        if frame.id != theirs.id:
            late.offer(frame, 0.0, cards[frame.message.signer] if isinstance(frame.message, Claim) else None)
    view = late.look(CALL.id, 0.0).view
    assert (len(view.claims), view.roster) == (2, None), (
        "who hears of one alone does not follow it for a lease"
    )


def test_who_was_replaced_knowingly_hands_over_as_well() -> None:
    """Else a late reader that hears of the old roster first takes the new one for usurpation."""
    bridge = leading()
    mine = bridge.roster()
    bridge.calls.supersede(CALL.id, mine)
    bridge.hear(mail.roster(CALL, OTHER, OTHER, epoch=2, replaces=mine))
    assert [(h.roster, h.successor) for h in handed_by(bridge)] == [(mine, OTHER.public)]


def test_a_lead_that_is_handed_a_roster_writes_its_own_anew() -> None:
    """Whoever left its roster for the one handed over can follow it then; the new one keeps its place in the row."""
    bridge = leading()
    mine, theirs = bridge.roster(), mail.roster(CALL, OTHER, OTHER)
    bridge.hear(theirs)
    assert bridge.roster() == mine, "the control: it leads on"
    bridge.hear(mail.handover(CALL, OTHER, theirs, ME.public))
    anew = [frame for frame in bridge.said if isinstance(frame.message, Roster)][-1]
    assert (anew.message.replaces, anew.message.cause) == (mine, Cause.HANDOVER)


def test_a_handover_may_come_before_what_it_rests_on() -> None:
    """Its giver's claim, its roster, or the giver's RELEASE may come in any order: this node leads at once, and once."""
    third = THIRD
    card = mail.card(third)
    claim = mail.claim(CALL, third, card=card.id)
    roster = mail.roster(CALL, third, third)
    handover = mail.handover(CALL, third, roster, ME.public)
    gone = mail.release(CALL, third, 3)
    for order in permutations((claim, roster, handover, gone)):
        bridge = Bridge(fitter=OTHER)
        bridge.timers.clear()
        for frame in order:
            bridge.calls.adopt(card)
            assert bridge.calls.offer(frame, bridge.now, card if frame is claim else None).kept
            bridge.perform(bridge.lead.handle(Admitted(frame, bytes(20)), bridge.now))
            bridge.look()
        named = [frame.message for frame in bridge.said if isinstance(frame.message, Roster)]
        assert [message.replaces for message in named] == [roster.id], order


def test_a_handover_does_not_wait_for_ever() -> None:
    """After `orphan_wait_s` what shows that the giver may give comes too late; a moment before, in time (control)."""
    third = THIRD
    roster = mail.roster(CALL, third, third)
    for late_s, leads in ((ORPHAN_WAIT_S - 1.0, True), (ORPHAN_WAIT_S, False)):
        bridge = Bridge(fitter=OTHER)
        bridge.timers.clear()
        bridge.hear(mail.handover(CALL, third, roster, ME.public))
        bridge.now += late_s
        bridge.renew(ME, OTHER)
        bridge.hear(roster)
        assert bridge.leads is leads


def test_a_takeover_is_given_back_at_once_the_first_time_alone() -> None:
    """A lead came back within four leases: whoever takes over keeps it until they are over; else (control) it yields."""
    for came_and_went in (False, True):
        bridge = Bridge(fitter=OTHER)
        theirs = mail.roster(CALL, OTHER, OTHER, ME)
        bridge.hear(theirs)
        bridge.now += LEASE_S + 1.0
        bridge.renew(ME, OTHER)
        assert bridge.fire(HoldEnds) == [Roster, Sitrep]
        for who in (OTHER, ME) if came_and_went else ():
            bridge.lead.unrest_of(CALL.id).note(who.public, bridge.now)
        taken_at, reports = bridge.now, 9
        while not handed_by(bridge) and bridge.now < taken_at + 6 * LEASE_S:
            reports += 1
            bridge.hear(mail.sitrep(CALL, OTHER, reports, theirs.id))
            bridge.now = bridge.heard_at = bridge.timers[SitrepDue].at
            bridge.fire(SitrepDue)
            bridge.hear(*(mail.renew(CALL, who, reports + 1000) for who in (ME, OTHER)))
        waited_s = bridge.now - taken_at
        assert waited_s >= 4 * LEASE_S - S1.sitrep_s if came_and_went else waited_s < 2 * S1.sitrep_s
        assert len(handed_by(bridge)) == 1


def late_turn(newcomer: bool) -> Bridge:
    """The other one led and fell silent; this node's own claim is overdue in a few seconds, the newcomer's is not."""
    bridge = Bridge(fitter=OTHER)
    bridge.now += 1.0
    bridge.hear(mail.attest(CALL, OTHER), mail.roster(CALL, OTHER, ME, OTHER))
    assert not bridge.leads
    bridge.now = bridge.heard_at = 100.0 + LEASE_S - 1.0
    bridge.renew(ME)
    if newcomer:
        card = mail.card(THIRD, duty_hours=0, skills=0)
        claim = mail.claim(CALL, THIRD, card=card.id)
        bridge.calls.offer(claim, bridge.now, card)
        bridge.perform(bridge.lead.handle(Admitted(claim, bytes(20), own=False), bridge.now))
    bridge.now = bridge.heard_at = 101.0 + LEASE_S + 0.1
    bridge.look()
    return bridge


def test_who_is_overdue_soon_lets_its_turn_pass() -> None:
    """It would lead for a moment and be replaced; where nobody would last longer it leads (the control)."""
    view = late_turn(newcomer=True).calls[CALL.id].view
    assert view.claims[-1].responder == THIRD.public, "it stands behind"
    passing, alone = late_turn(newcomer=True), late_turn(newcomer=False)
    for bridge in (passing, alone):
        overdue_at = bridge.calls.leases(CALL.id).overdue_at(ME.public)
        assert overdue_at is not None
        assert bridge.timers[HoldEnds].at < overdue_at < bridge.timers[HoldEnds].at + LEASE_S
        bridge.heard_at = bridge.timers[HoldEnds].at
    assert passing.fire(HoldEnds) == []
    assert alone.fire(HoldEnds) == [Roster, Sitrep]

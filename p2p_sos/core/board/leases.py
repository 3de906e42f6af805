"""What the local clock adds to one board: who was heard when, and whose time is over.

Decides the `Expired` of one call at one node. Comes in: admitted messages with the local time, what the board says of
them. Goes out: `Expired`, and when it changes next if nothing comes. Must not know wall clocks, peers, cards or what
this node does about it.

Everything is an instant: the moment at which somebody's time is over unless it is heard before. So `expired(now)`
changes at `due_at(now)` and at no moment between.
"""

from collections.abc import Container, Iterator

from attrs import define, field

from p2p_sos.core.board.board import newness
from p2p_sos.core.board.heard import Heard, Newness
from p2p_sos.core.board.standing import NOBODY, NOTHING_EXPIRED, Expired, Token, View
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import (
    NOTHING,
    Claim,
    Comply,
    Decline,
    Key,
    Letter,
    MessageId,
    Release,
    Renew,
    Requisition,
    Roster,
    Sitrep,
    StandDown,
)
from p2p_sos.wire.registry import BOARD_RESPONDERS_MAX, LEASE_SLOW_FACTOR, Timing

HEARD_MAX = 2 * BOARD_RESPONDERS_MAX  # a board seats half as many; the rest are those that had to leave it
SUPERSEDED_MAX = 4096  # guess: changes of the lead that one call may live through
ROLLS_MAX = 8  # guess: roll calls under way at once
TAKEOVERS_MAX = 4  # as the wait before a roster doubles
ROLLED_MAX = 256  # guess: leads that were lost
OVER = float("-inf")  # the lease of what was never heard in time


@define(eq=False)
class _Named:
    """The requisition in force, as it was heard. `since`: who led under it, and since when."""

    newness: Newness
    sequence: int
    lead: Key
    members: tuple[Key, ...]
    at: float
    since: dict[Key, float] = field(factory=dict)


@define(eq=False)
class Leases:
    """Who was heard when about one call. `victim`: the key of the call; `heard_at`: when it was heard."""

    victim: Key
    timing: Timing
    heard_at: float
    seated: Container[Key] = ()  # whose words the board holds
    _heard: dict[Key, Heard] = field(factory=dict)
    _attested: dict[Key, None] = field(factory=dict)
    victim_at: float = field(init=False)  # when V was heard last
    _victim_sequence: int = 0
    _victim_letter: int = -1
    _spoke_at: float = 0.0  # when V said its first word beside the CALL
    _victim_now: float = OVER  # when a word or a letter of V came last, in this run
    _vouched: dict[Key, None] = field(factory=dict)  # whom others had attested until then
    _named: _Named | None = None
    _superseded: dict[MessageId, None] = field(factory=dict)
    _lead: Key | None = None
    _token: Token = NOBODY
    _followed: tuple[MessageId, Key] | None = None  # the last roster that was followed, and who leads by it
    _rolls: list[tuple[float, float]] = field(factory=list)  # (who was not heard since, is silent from)
    _rolled: dict[bytes, float] = field(factory=dict)
    lapsed_at: float | None = None
    _leaderless_at: float | None = None  # when the roll is called because nobody came to lead

    def __attrs_post_init__(self) -> None:
        self.victim_at = self.heard_at

    # ------------------------------------------------------------------ hearing

    def note(self, frame: Frame, now: float, came: float | None = None, epoch: int = 0) -> None:
        """A message of this call was admitted; `came`: when an earlier run heard it. `epoch`: the board's highest.

        Helpers are heard anew when a node starts, since nobody renews to who sleeps; how long V was silent is no lease.
        """
        message = frame.message
        if message.signer == self.victim:
            self._note_victim(frame, now, now if came is None else came)
            return
        if isinstance(message, Letter):
            return
        heard = self._heard.get(message.signer)
        if heard is None:
            met_at = now if self._victim_now == now else None  # what a start restores comes at one moment
            heard = self._heard[message.signer] = Heard(now, now, met_at)
            self._forget_some()
        match message:
            case Renew(sequence=sequence):
                if sequence > heard.renew:
                    heard.renew, heard.newest = sequence, now
            case Sitrep():
                self._note_sitrep(message, heard, now)
            case _:
                self._note_log(frame, heard, now, epoch)

    def _note_victim(self, frame: Frame, now: float, came: float) -> None:
        message = frame.message
        if isinstance(message, Letter):
            if message.number > self._victim_letter:
                self._victim_letter, self.victim_at = message.number, max(self.victim_at, came)
                self._meet(now)
            return
        sequence: int = getattr(message, "sequence", 0)
        if sequence > self._victim_sequence:
            if not self._victim_sequence:
                self._spoke_at, self._vouched = now, dict(self._attested)
            self._victim_sequence, self.victim_at = sequence, max(self.victim_at, came)
            self._meet(now)
        if not isinstance(message, Requisition):
            return
        if self._named is None or newness(frame) < self._named.newness:
            self._named = _Named(newness(frame), sequence, message.lead, message.members, now)

    def _meet(self, now: float) -> None:
        """V is heard: whoever was there before could have been attested from now on."""
        self._victim_now = now
        for heard in self._heard.values():
            if heard.met_at is None:
                heard.met_at = now

    def _note_sitrep(self, sitrep: Sitrep, heard: Heard, now: float) -> None:
        if sitrep.sequence <= heard.sitrep:
            return
        heard.reports_from = now if heard.sitrep < 0 else heard.reports_from
        heard.sitrep, heard.sitrep_at, heard.newest = sitrep.sequence, now, now
        if sitrep.requisition:
            heard.acted = (sitrep.requisition, now)
        if sitrep.roster != NOTHING:
            heard.report(sitrep.roster, now)

    def _note_log(self, frame: Frame, heard: Heard, now: float, highest: int) -> None:
        message, age = frame.message, newness(frame)
        sequence = -age[0]
        if sequence > heard.log:
            heard.log, heard.newest = sequence, now
        match message:
            case Claim() | Decline() | Release() | StandDown():
                if heard.stance is None or age < heard.stance:
                    heard.stance, heard.claims = age, isinstance(message, Claim)
                if not isinstance(message, Claim) and sequence > heard.left:
                    heard.left, heard.left_at = sequence, now
            case Roster(epoch=epoch):
                if heard.roster is None or age < heard.roster:
                    # "one that comes after one of a higher epoch is old news, and lives once a SITREP names it"
                    # (06-board §13)
                    goes_on = heard.roster is not None and message.replaces == heard.roster[1]
                    old_at = heard.renewed_at if goes_on else OVER
                    heard.roster, heard.roster_at = age, now if epoch >= highest else old_at
            case Comply(requisition=requisition):
                if sequence > heard.comply:
                    heard.comply, heard.complied, heard.complied_at = sequence, requisition, now

    def _forget_some(self) -> None:
        # Never somebody with a seat: whoever is forgotten while its claim stands would never be silent again.
        gone = [key for key in self._heard if key not in self.seated] if len(self._heard) > HEARD_MAX else []
        if gone:
            del self._heard[min(gone, key=lambda key: self._heard[key].newest)]

    # ------------------------------------------------------------------ what the board says of it

    def learn(self, view: View) -> bool:
        """Take the class of the call and who is attested; True if one of them changed."""
        attested = {claim.responder: None for claim in view.claims if claim.attested}
        timing = view.description.timing
        if attested == self._attested and timing is self.timing:
            return False
        self._attested, self.timing = attested, timing
        return True

    def follow(self, view: View, now: float) -> bool:
        """Follow what a view says from now on; True if a roster was left for another."""
        left = False
        if view.roster is not None:
            was, self._followed = self._followed, (view.roster.roster, view.roster.lead)
            # Who writes its roster anew leads on; whoever takes up another's has that one left for good.
            left = was is not None and was[1] != view.roster.lead
            if was is not None and left:
                self.supersede(was[0])
        named, changed = self._named, (self._lead, self._token) != (view.lead, view.token)
        effective = named is not None and view.token == (named.sequence, NOTHING)
        if changed and effective and named is not None and view.lead is not None:
            named.since[view.lead] = now
        self._lead, self._token = view.lead, view.token
        self._await_lead(view, now)
        return left

    def _await_lead(self, view: View, now: float) -> None:
        """Where somebody could lead and nobody does, the roll is due after what a roster and a roll take."""
        if view.lead is not None or not any(claim.live and claim.fit for claim in view.claims):
            self._leaderless_at = None
        elif self._leaderless_at is None:
            timing = view.description.timing
            hold_s = min(timing.hold_s << min(view.takeovers, TAKEOVERS_MAX), timing.lease_s)
            self._leaderless_at = now + hold_s + timing.hold_s + 2 * timing.band_wait_s

    def _is_led_unseen(self, now: float) -> bool:
        """Whether somebody reported within its lease under a roster, be it one that this board does not hold."""
        return any(
            roster not in self._superseded and now < at + heard.lead_lease_s(self.timing)
            for heard in self._heard.values()
            if heard.claims
            for roster, at in heard.reported.items()
        )

    def supersede(self, roster: MessageId) -> None:
        """Never follow that roster again."""
        self._superseded[roster] = None
        if len(self._superseded) > SUPERSEDED_MAX:
            del self._superseded[next(iter(self._superseded))]

    # ------------------------------------------------------------------ instants

    def _silent_at(self, key: Key, heard: Heard) -> float:
        lease_s = self.timing.lease_s * (LEASE_SLOW_FACTOR if key in self._attested else 1)
        at = heard.newest + lease_s
        if key in self._vouched:
            at = max(at, min(heard.newest + self.timing.lease_s * LEASE_SLOW_FACTOR, self._vouched_until))
        for threshold, silent_from in self._rolls:
            if heard.newest < threshold and silent_from < at:
                at = silent_from
        return at

    @property
    def _vouched_until(self) -> float:
        return self._spoke_at + self.timing.progress_online_s

    def _overdue_at(self, key: Key, heard: Heard) -> float:
        online_at = heard.first + self.timing.progress_online_s
        silent_at = heard.first + self.timing.progress_silent_s
        if not self._victim_sequence:
            return silent_at
        if key in self._vouched:
            return max(online_at, self._vouched_until)
        # "Who was not heard by V cannot have been attested" (06-board §13)
        if heard.met_at is None:
            return silent_at
        met_until = heard.met_at + self.timing.progress_online_s
        return online_at if heard.met_at <= online_at else min(silent_at, met_until)

    def _lapse_at(self, heard: Heard) -> float:
        """When the lease of a responder's newest ROSTER is over."""
        return heard.renewed_at + heard.lead_lease_s(self.timing)

    def _unanswered_at(self, named: _Named, key: Key) -> float | None:
        """When a named responder's time to comply, or to renew as the lead, is over; None: it is not asked to."""
        heard = self._heard.get(key)
        complied = heard is not None and heard.complied == named.newness[1] and heard.comply > heard.left
        if heard is None or not complied:
            if key != named.lead:
                return None
            if heard is not None and heard.left_at >= named.at and heard.left >= 0:
                return heard.left_at
            return named.at + self.timing.band_wait_s
        if key != named.lead and key not in named.since:
            return None
        at = max(heard.complied_at, named.since.get(key, 0.0))
        if heard.acted[0] == named.sequence:
            at = max(at, heard.acted[1])
        return at + heard.lead_lease_s(self.timing)

    def _instants(self) -> Iterator[tuple[str, object, float]]:
        """Whose time ends when, and which part of `Expired` it then stands in."""
        for key, heard in self._heard.items():
            if heard.claims:
                yield "silent", key, self._silent_at(key, heard)
                if key not in self._attested:
                    yield "overdue", key, self._overdue_at(key, heard)
            if heard.roster is not None:
                yield "lapsed", heard.roster[1], self._lapse_at(heard)
        named = self._named
        if named is not None:
            for key in dict.fromkeys((named.lead, *named.members)):
                if (at := self._unanswered_at(named, key)) is not None:
                    yield "unanswered", (named.newness[1], key), at
        if self._leaderless_at is not None:
            yield "leaderless", None, self._leaderless_at
        yield "victim_silent", None, self.victim_at + self.timing.progress_silent_s

    # ------------------------------------------------------------------ reading

    def overdue_at(self, key: Key) -> float | None:
        """When the claim of a responder becomes overdue, or did, if nobody attests it; None: it is attested, or none was heard."""
        heard = self._heard.get(key)
        if heard is None or not heard.claims or key in self._attested:
            return None
        return self._overdue_at(key, heard)

    def expired(self, now: float) -> Expired:
        """Whose time is over now."""
        return self.survey(now)[0]

    def due_at(self, now: float) -> float | None:
        """When `expired` changes next if nothing is heard; None: never."""
        return self.survey(now)[1]

    def survey(self, now: float) -> tuple[Expired, float | None]:
        """Both: whose time is over now, and when that changes next."""
        over: dict[str, list[object]] = {}
        due_at: float | None = None
        for part, what, at in self._instants():
            if at <= now:
                over.setdefault(part, []).append(what)
            elif due_at is None or at < due_at:
                due_at = at
        if not over and not self._superseded:
            return NOTHING_EXPIRED, due_at
        expired = Expired(
            silent=frozenset(over.get("silent", ())),  # type: ignore[arg-type]
            overdue=frozenset(over.get("overdue", ())),  # type: ignore[arg-type]
            lapsed=frozenset(over.get("lapsed", ())),  # type: ignore[arg-type]
            superseded=frozenset(self._superseded),
            unanswered=frozenset(over.get("unanswered", ())),  # type: ignore[arg-type]
            victim_silent="victim_silent" in over,
        )
        return expired, due_at

    # ------------------------------------------------------------------ roll calls

    def call_roll(self, now: float) -> bool:
        """Whether the lead that this node followed was lost since it was asked last: then the roll is called.

        Who claims and is not heard from shortly before that moment until shortly after it is silent.
        """
        lost = [
            (name, at) for name, at in self._lead_instants() if at <= now and self._rolled.get(name) != at
        ]
        wait_s = self.timing.band_wait_s
        for name, at in lost:
            self._rolled[name] = at
            self._rolls.append((at - 2 * wait_s, at + wait_s))
            self.lapsed_at = at
        # "It does the same when somebody could lead and nobody has come to" (06-board §13)
        hung = self._is_hung(now)
        if lost or hung:
            self._merge_rolls(now)
        return bool(lost) or hung

    def _is_hung(self, now: float) -> bool:
        """Whether nobody came to lead in time: who is not heard around now is silent."""
        due_at = self._leaderless_at
        if due_at is None or due_at > now:
            return False
        self._leaderless_at = due_at + self.timing.lease_s
        if self._is_led_unseen(now):
            return False
        wait_s = self.timing.band_wait_s
        self._rolls.append((due_at - 2 * wait_s, due_at + wait_s))
        return True

    def _merge_rolls(self, now: float) -> None:
        """Of the rolls that are over the last one says all that the others say."""
        over = [roll for roll in self._rolls if roll[1] <= now]
        self._rolls = [*over[-1:], *(roll for roll in self._rolls if roll[1] > now)][-ROLLS_MAX:]
        while len(self._rolled) > ROLLED_MAX:
            del self._rolled[next(iter(self._rolled))]

    def _lead_instants(self) -> Iterator[tuple[bytes, float]]:
        roster = self._token[1]
        if roster != NOTHING and self._lead is not None:
            heard = self._heard.get(self._lead)
            if heard is not None and heard.roster is not None and heard.roster[1] == roster:
                yield roster, self._lapse_at(heard)
        named = self._named
        if named is None:
            return
        asked = {named.lead: None}
        if self._lead is not None and self._token == (named.sequence, NOTHING):
            asked[self._lead] = None
        for key in asked:
            if (at := self._unanswered_at(named, key)) is not None:
                yield named.newness[1] + key, at

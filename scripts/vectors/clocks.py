"""What the local clock adds to a board: messages with the seconds at which they are heard, and whose time is over when.

Comes in: fixed seeds. Goes out: what becomes JSON. Every expectation comes from the leases of the core and was read by us
once; the sentence in `why` says what to look for.
"""

from typing import Any

from attrs import asdict, define, field

from p2p_sos.core.board.standing import Expired
from p2p_sos.core.calls.calls import Calls
from p2p_sos.wire import registry as r
from p2p_sos.wire.frames import Frame, seal
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import (
    NOTHING,
    Attest,
    Call,
    Claim,
    Comply,
    Decline,
    Key,
    Renew,
    Requisition,
    Roster,
    Sitrep,
    Update,
)
from vectors.boards import DESCRIPTION, EPOCH, GROUNDS, A, B, C
from vectors.samples import LABORATORY, NETWORK, VICTIM, VICTIM_EXCHANGE, open_cell_bytes, shown, stamped
from vectors.staging import card_of

SHORTLY = 0.5
CLASSES = {
    "S1": r.Severity.EMERGENCY, "S2": r.Severity.HIGH, "S3": r.Severity.MEDIUM, "S4": r.Severity.LOW,
}  # fmt: skip


@define(eq=False)
class Story:
    """One call of one class, heard at 0 s, and what is heard about it later; `timing`: the timers of the class."""

    why: str
    severity: r.Severity
    steps: list[tuple[float, list[Frame]]] = field(factory=list)
    call: Frame = field(init=False)
    _logs: dict[Key, list[Frame]] = field(init=False, factory=dict)
    _cards: dict[bytes, Frame] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        told = DESCRIPTION | {"severity": self.severity}
        message = Call(VICTIM.public, EPOCH, r.Status.ACTUAL, exchange_key=VICTIM_EXCHANGE.public, **told)
        self.call = stamped(message, LABORATORY.stamp_effort_min)

    @property
    def timing(self) -> r.Timing:
        """The timers of the class."""
        return r.TIMINGS[self.severity]

    def hear(self, at_s: float, *frames: Frame) -> "Story":
        """These come at once; nothing: somebody looks."""
        self.steps.append((at_s, list(frames)))
        return self

    def around(self, at_s: float) -> "Story":
        """Somebody looks shortly before and shortly after."""
        return self.hear(at_s - SHORTLY).hear(at_s + SHORTLY)

    def says(self, at_s: float, kind: type[Any], who: SigningKey, *seen: Frame, **fields: Any) -> Frame:
        """The next entry of a log is heard."""
        log = self._logs.setdefault(who.public, [])
        head = {
            "call": self.call.id, "signer": who.public, "sequence": len(log),
            "previous": log[-1].id if log else NOTHING, "heads": tuple(sorted(frame.id for frame in seen)),
        }  # fmt: skip
        log.append(seal(kind(**head, **fields), NETWORK, who))
        self.hear(at_s, log[-1])
        return log[-1]

    def claims(self, at_s: float, *helpers: SigningKey, known: bool = True) -> None:
        """A claim of each, with its card if that is known: nobody else could lead, and who could is called by a roll."""
        for who in helpers:
            card = card_of(who)
            self._cards |= {card.id: card} if known else {}
            self.says(at_s, Claim, who, slot=0, slot_epoch=0, card=card.id, manner=r.Manner.AUTOMATIC)

    def renews(self, at_s: float, who: SigningKey, sequence: int) -> "Story":
        """A RENEW is heard."""
        claim = self._logs[who.public][0].id
        return self.hear(at_s, seal(Renew(self.call.id, who.public, sequence, claim), NETWORK, who))

    def roster(self, at_s: float, who: SigningKey, *seen: Frame, **fields: Any) -> Frame:
        """A ROSTER that names its writer alone is heard."""
        told = {"epoch": 1, "cause": r.Cause.INITIAL, "replaces": NOTHING, "members": (who.public,)} | fields
        return self.says(at_s, Roster, who, *seen, **told)

    def reports(
        self, at_s: float, who: SigningKey, sequence: int, roster: bytes = NOTHING, requisition: int = 0
    ) -> "Story":
        """A SITREP is heard."""
        told = (requisition, roster, r.SitrepStatus.MITIGATING, r.Phase.ALERFA, ())
        return self.hear(at_s, seal(Sitrep(self.call.id, who.public, sequence, *told), NETWORK, who))

    def victim(self, at_s: float, kind: type[Any], sequence: int, **fields: Any) -> Frame:
        """A word of V is heard."""
        frame = seal(
            kind(call=self.call.id, signer=VICTIM.public, sequence=sequence, **fields), NETWORK, VICTIM
        )
        self.hear(at_s, frame)
        return frame

    def attests(self, at_s: float, sequence: int, *who: SigningKey) -> None:
        """V attests."""
        named = tuple(sorted(key.public for key in who))
        self.victim(at_s, Attest, sequence, previous=NOTHING, heads=(), responders=named)

    def speaks(self, at_s: float, sequence: int) -> None:
        """V sends an UPDATE that changes nothing."""
        self.victim(at_s, Update, sequence, **DESCRIPTION | {"severity": self.severity})

    def asks(self, at_s: float, sequence: int, lead: SigningKey, *members: SigningKey) -> Frame:
        """V sends a REQUISITION."""
        named = tuple(sorted(key.public for key in members))
        return self.victim(at_s, Requisition, sequence, lead=lead.public, members=named)

    def plain(self) -> dict[str, Any]:
        """As JSON, with what was over at each step."""
        calls, due_at, steps = Calls(1), None, []
        calls.open(self.call, 0.0)
        for at_s, frames in self.steps:
            while due_at is not None and due_at < at_s:
                due_at = calls.look(self.call.id, due_at).due_at
            for frame in frames:
                claim = frame.message
                calls.offer(frame, at_s, self._cards.get(claim.card) if isinstance(claim, Claim) else None)
            due_at = calls.look(self.call.id, at_s).due_at
            steps.append({
                "at_s": at_s, "frames": [open_cell_bytes(frame).hex() for frame in frames],
                "expired": expired_as_json(calls.expired_of(self.call.id)),
            })  # fmt: skip
        cards = [open_cell_bytes(card).hex() for card in self._cards.values()]
        call = open_cell_bytes(self.call).hex()
        return {"why": self.why, "call": call, "cards": cards, "steps": steps}


def expired_as_json(expired: Expired) -> dict[str, Any]:
    """What is over, in hexadecimal digits; what is over for nobody is left out."""
    parts = asdict(expired).items()
    return {name: part if isinstance(part, bool) else shown(sorted(part)) for name, part in parts if part}


# ------------------------------------------------------------------ one class after the other


def _claims(name: str, severity: r.Severity) -> list[Story]:
    cases, timing = [], r.TIMINGS[severity]

    def begin(why: str) -> Story:
        cases.append(Story(f"{name}: {why}", severity))
        cases[-1].claims(1, A, known=False)
        return cases[-1]

    begin("a claim that is not renewed is silent after its lease").around(1 + timing.lease_s)
    story = begin("a RENEW is hearing, and an old one again is none")
    story.renews(3, A, 5).renews(4, A, 4).around(3 + timing.lease_s)
    story = begin("who is not attested is overdue, later while V is silent, and V is silent then")
    story.renews(timing.progress_silent_s - 1, A, 0)
    story.around(timing.progress_silent_s).hear(timing.progress_silent_s + 2)
    story = begin("who is not attested is overdue, sooner where V speaks")
    story.speaks(2, 1)
    story.renews(timing.progress_online_s, A, 0).around(1 + timing.progress_online_s)
    story = begin("whom V attests is never overdue, and has the slow lease")
    story.attests(2, 1, A)
    story.around(1 + timing.lease_s).around(1 + r.LEASE_SLOW_FACTOR * timing.lease_s)
    return cases


def _leads(name: str, severity: r.Severity) -> list[Story]:
    cases, timing = [], r.TIMINGS[severity]

    def begin(why: str) -> Story:
        cases.append(Story(f"{name}: {why}", severity))
        cases[-1].claims(0, A, B)
        cases[-1].attests(1, 1, A, B)
        return cases[-1]

    story = begin("a roster lapses after its lease, also where its writer is attested")
    story.roster(2, A)
    story.around(2 + timing.lease_s)
    story = begin("a SITREP renews the roster that it names")
    roster = story.roster(2, A)
    story.reports(4, A, 0, roster.id).reports(6, A, 1).around(4 + timing.lease_s)
    story = begin(
        "a lead that counts from `sitreps_fast` on has no slow lease, and one that lasts for a slow report"
    )
    roster = story.roster(2, A)
    story.reports(4, A, r.SITREPS_FAST, roster.id).around(4 + timing.lease_s)
    story.around(4 + r.LEASE_UNPROVEN_FACTOR * timing.lease_s)
    for short_s, factor in ((1, r.LEASE_UNPROVEN_FACTOR), (0, r.LEASE_SLOW_FACTOR)):
        story = begin(
            f"from `sitreps_fast` reports on, heard {'not ' if short_s else ''}long enough, its lease is slow"
        )
        roster = story.roster(2, A)
        late_s = 4 + r.SITREPS_FAST * timing.sitrep_s * 9 // 10 - short_s
        story.reports(4, A, 0, roster.id).reports(late_s, A, r.SITREPS_FAST, roster.id)
        story.around(late_s + factor * timing.lease_s)
    story = begin("a named lead that does not comply is unanswered after W, and back with its COMPLY")
    asked = story.asks(3, 2, A, B)
    story.around(3 + timing.band_wait_s)
    story.says(4 + timing.band_wait_s, Comply, A, requisition=asked.id)
    story = begin("a named lead that declines is unanswered at once")
    story.asks(3, 2, A, B)
    story.says(3 + SHORTLY, Decline, A, **GROUNDS)
    story = begin("a lead by requisition has the lease of a lead, from its COMPLY and each SITREP under it")
    asked = story.asks(3, 2, A, B)
    story.says(4, Comply, A, requisition=asked.id)
    story.reports(6, A, 0, requisition=2).reports(8, A, 1).around(6 + timing.lease_s)
    story = begin("who leads in the place of the named lead has its lease from when it came to lead")
    asked = story.asks(3, 2, A, B)
    story.says(4, Comply, B, requisition=asked.id)
    story.around(3 + timing.band_wait_s).around(3 + timing.band_wait_s + timing.lease_s)
    return cases


# ------------------------------------------------------------------ the finer rules, where the pace is fastest


def _first_words() -> list[Story]:
    """A V that speaks up late, in a class whose two PROGs are farthest apart."""
    timing = r.S3
    late = Story(
        "a V that speaks late: PROG online from its first word, PROG silent at the latest", CLASSES["S3"]
    )
    late.claims(0, A, known=False)
    late.speaks(timing.progress_online_s + 10, 1)
    late.around(2 * timing.progress_online_s + 10)
    met = Story(
        "whom others attested until V spoke keeps its slow lease for PROG, and is not overdue before",
        CLASSES["S3"],
    )
    met.claims(0, A, B, C)
    roster = met.roster(1, B)
    met.reports(2, B, r.SITREPS_FAST, roster.id)
    for who in (B, C):
        met.says(50, Attest, who, responders=(A.public,))
    met.around(timing.lease_s)
    for number, at_s in enumerate((200, timing.progress_silent_s), r.SITREPS_FAST + 1):
        met.reports(at_s, B, number, roster.id)  # or the roll is called
    met.speaks(timing.progress_silent_s + 10, 1)
    return [late, met.around(timing.progress_silent_s + 10 + timing.progress_online_s)]


def _old_news() -> list[Story]:
    """Rosters that come late, that were left, and the roll that is called for a lost lead."""
    timing, cases = r.S1, []

    def begin(why: str, *helpers: SigningKey) -> Story:
        cases.append(Story(why, r.Severity.EMERGENCY))
        cases[-1].claims(0, *helpers)
        return cases[-1]

    story = begin(
        "a ROSTER that comes after one of a higher epoch is old news, until a SITREP names it", A, B
    )
    story.roster(1, A, epoch=7)
    roster = story.roster(2, B, epoch=3)
    story.hear(2 + SHORTLY).reports(3, B, 0, roster.id).around(3 + timing.lease_s)
    story = begin(
        "an old ROSTER that goes on from one of its own signer lives as long as that would have", A, B
    )
    roster = story.roster(1, B, epoch=3)
    story.roster(2, A, epoch=7)
    story.roster(3, B, epoch=4, replaces=roster.id)
    story.around(1 + timing.lease_s)
    story = begin("a roster that was left for another is superseded, for good", A, B, C)
    old = story.roster(1, A)
    story.roster(2, B, old, replaces=old.id, cause=r.Cause.EXPIRED, epoch=2)
    story.hear(1 + timing.lease_s + SHORTLY).reports(3 + timing.lease_s, A, 0, old.id)
    story = begin("when a lead is lost the roll is called: who is not heard is silent after W", A, B, C)
    story.attests(1, 1, A, B, C)
    story.roster(2, A)
    story.renews(1 + timing.lease_s, B, 0)
    return [*cases[:-1], story.around(2 + timing.lease_s + timing.band_wait_s)]


def leases() -> dict[str, Any]:
    """What is heard of calls at a node that hears each at 0 s, and whose time is over after each step."""
    stories = [story for name, severity in CLASSES.items() for story in _claims(name, severity)]
    stories += [story for name, severity in CLASSES.items() for story in _leads(name, severity)]
    stories += [*_first_words(), *_old_news()]
    return {"network": NETWORK.hex(), "cases": [story.plain() for story in stories]}

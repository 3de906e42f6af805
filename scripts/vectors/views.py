"""Boards with their views, and cards with their tiers.

Comes in: fixed seeds. Goes out: what becomes JSON. Every expectation comes from `resolve` and was read by us once; the
sentence in `why` says what to look for.
"""

from collections.abc import Mapping
from typing import Any

from attrs import asdict, define, evolve, field

from p2p_sos.core.board.board import Board
from p2p_sos.core.board.judge import Judge
from p2p_sos.core.board.resolve import resolve
from p2p_sos.core.board.standing import Expired, View
from p2p_sos.wire import registry as r
from p2p_sos.wire import stamps
from p2p_sos.wire.frames import Frame, seal
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import (
    NOTHING,
    AllClear,
    Attest,
    Cancel,
    Card,
    Claim,
    Comply,
    Decline,
    Handover,
    Key,
    Release,
    Roster,
    Sitrep,
    StandDown,
    Update,
)
from p2p_sos.wire.vocabulary import word_of
from vectors.boards import (
    CALL,
    DAY,
    DESCRIPTION,
    GROUNDS,
    A,
    B,
    C,
    D,
    attest,
    claim,
    letter,
    ordered,
    renew,
    requisition,
    said,
)
from vectors.samples import LABORATORY, NETWORK, open_cell_bytes, seed, shown

ALL = (A, B, C, D)
MILD = {**DESCRIPTION, "severity": r.Severity.LOW}
ROOTED = evolve(LABORATORY, roots=(seed("root"),))


def card_of(who: SigningKey, **fields: Any) -> Frame:
    """A CARD of the day before the call, that does all that is asked for; `fields` change it."""
    told: dict[str, Any] = {
        "epoch": DAY - 1, "skills": 1 << r.Need.RESTORE_DATA, "sectors": 0, "languages": (), "cell": 0,
        "duty_hours": 0, "slots": 4, "group": who.public, "accreditation": b"",
    } | fields  # fmt: skip
    message = Card(signer=who.public, **told)
    stamp = stamps.solve(
        seal(message, NETWORK, who).id, LABORATORY.stamp_effort_min, start=bytes(r.STAMP_NONCE_BYTES)
    )
    return seal(message, NETWORK, who, stamp)


@define(eq=False)
class Case:
    """One board. `vouched`: the groups under which a root vouches for whose cards, None where there are no roots."""

    why: str
    frames: list[Frame] = field(factory=list)
    cards: list[Frame] = field(factory=list)
    convicted: list[Key] = field(factory=list)
    vouched: dict[Key, bytes] | None = None
    expired: Expired = field(factory=Expired)
    _logs: dict[Key, list[Frame]] = field(init=False, factory=dict)

    def say(self, kind: type[Any], who: SigningKey, *seen: Frame, **fields: Any) -> Frame:
        """The next entry of a log."""
        log = self._logs.setdefault(who.public, [])
        head = {
            "call": CALL.id, "signer": who.public, "sequence": len(log),
            "previous": log[-1].id if log else NOTHING, "heads": tuple(sorted(frame.id for frame in seen)),
        }  # fmt: skip
        frame = seal(kind(**head, **fields), NETWORK, who)
        log.append(frame)
        self.frames.append(frame)
        return frame

    def hear(self, *frames: Frame) -> "Case":
        """Messages of others than responders' logs."""
        self.frames += frames
        return self

    def claims(self, *helpers: SigningKey, slot: int = 0, **fields: Any) -> "Case":
        """A claim of each, and its card."""
        for who in helpers:
            card = card_of(who, **fields)
            self.cards.append(card)
            self.say(Claim, who, slot=slot, slot_epoch=0, card=card.id, manner=r.Manner.AUTOMATIC)
        return self

    def roster(self, who: SigningKey, *seen: Frame, **fields: Any) -> Frame:
        """A ROSTER that names its writer alone."""
        told = {"epoch": 1, "cause": r.Cause.INITIAL, "replaces": NOTHING, "members": (who.public,)} | fields
        return self.say(Roster, who, *seen, **told)

    def later(self, **over: Any) -> "Case":
        """Whose time is over."""
        parts: dict[str, Any] = {
            n: part if isinstance(part, bool) else frozenset(part) for n, part in over.items()
        }
        self.expired = Expired(**parts)
        return self

    def judge(self) -> Judge:
        """What makes cards into standings here."""
        vouched: Mapping[Key, bytes] | None = self.vouched
        if vouched is None:
            return Judge(LABORATORY)
        return Judge(ROOTED, accredits=lambda card: vouched.get(card.message.signer))

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        board = Board(CALL, self.judge())
        for frame in self.frames:
            board.offer(frame)
        for card in self.cards:
            board.adopt(card)
        for key in self.convicted:
            board.convict(key)
        over = {name: _sorted(part) for name, part in asdict(self.expired).items() if part}
        vouched = None
        if self.vouched is not None:
            vouched = {key.hex(): group.hex() for key, group in sorted(self.vouched.items())}
        return {
            "why": self.why,
            "frames": [open_cell_bytes(frame).hex() for frame in self.frames],
            "cards": [open_cell_bytes(card).hex() for card in self.cards],
            "convicted": shown(sorted(self.convicted)),
            "vouched": vouched,
            "expired": over,
            "view": view_as_json(resolve(board, self.expired)),
        }


def _sorted(part: Any) -> Any:
    return part if isinstance(part, bool) else shown(sorted(part))


def view_as_json(view: View) -> dict[str, Any]:
    """What a view says, in words and hexadecimal digits."""
    standing, roster = view.requisition, view.roster
    return {
        "severity": word_of(view.description.severity),
        "update": view.description.sequence,
        "claims": [
            {
                "responder": claim.responder.hex(), "claim": claim.claim.hex(),
                "manner": word_of(claim.manner), "tier": -claim.fitness[0], "group": claim.group.hex(),
                "attested": claim.attested, "complied": claim.complied, "dismissed": claim.dismissed,
                "silent": claim.silent, "overdue": claim.overdue, "void": claim.void, "counts": claim.counts,
            }
            for claim in view.claims
        ],
        "declines": [d.responder.hex() for d in view.declines],
        "releases": [d.responder.hex() for d in view.releases],
        "requisition": None if standing is None else {
            "id": standing.requisition.hex(), "lead": standing.lead.hex(),
            "members": shown(standing.members), "complied": shown(standing.complied),
            "effective": standing.effective,
        },
        "lead": None if view.lead is None else view.lead.hex(),
        "roster": None if roster is None else roster.roster.hex(),
        "token": [view.token[0], view.token[1].hex()],
        "attested": view.attested,
        "takeovers": view.takeovers,
        "newest_roster": view.newest_roster.hex(),
        "highest_epoch": view.highest_epoch,
        "closed": view.closed,
    }  # fmt: skip


# ------------------------------------------------------------------ boards


def _strangers() -> list[Case]:
    """Boards that hold no card: who stands how, and what V says."""
    first, second, rival = requisition(2, A, B), requisition(3, B, C), requisition(3, C, A)
    claims = [claim(who) for who in ALL]
    released, again = said(Release, B, 1, **GROUNDS), claim(B, 2)
    declined = said(Decline, D, 1, **GROUNDS)
    complied = said(Comply, A, 1, requisition=first.id)
    boards: dict[str, list[Frame]] = {
        "nothing but the call": [],
        "four claims, one released, one claimed again": [*claims, released],
        "the newest word counts": [*claims, released, again, declined],
        "attested": [*claims, attest(1, A, C)],
        "requisitioned, and the lead complied": [*claims, first, complied],
        "a newer requisition": [*claims, first, second, complied],
        "two requisitions of one sequence": [*claims, second, rival],
        "complied, then released": [claims[0], first, complied, said(Release, A, 2, **GROUNDS)],
        "complied with an older requisition alone": [claims[0], claims[2], first, rival, complied],
        "complied without being named": [claims[3], first, said(Comply, D, 1, requisition=first.id)],
        "complied without a claim": [first, said(Comply, A, 0, requisition=first.id)],
        "declined after it complied": [claims[0], first, complied, said(Decline, A, 2, **GROUNDS)],
        "stood down after it complied": [claims[0], first, complied, said(StandDown, A, 2)],
        "released, then complied with a higher sequence": [
            claims[0], first, said(Release, A, 1, **GROUNDS), said(Comply, A, 2, requisition=first.id),
        ],
        "attested before it claims, and after a release": [attest(1, A), said(Release, A, 1, **GROUNDS), claim(A, 2)],
        "registers and letters change no view": [
            claims[0], renew(A, 0), letter(D, 0),
            seal(Sitrep(CALL.id, A.public, 0, 0, NOTHING, r.SitrepStatus.MITIGATING, r.Phase.ALERFA, ()), NETWORK, A),
        ],
        "a STAND_DOWN is a release, and one that comes before a CLAIM is over": [
            claims[0], said(StandDown, A, 1), said(StandDown, B, 0), claim(B, 1),
        ],
        "a roster of somebody without a known card leads nobody": [
            claims[0],
            said(Roster, A, 1, epoch=7, cause=r.Cause.EXPIRED, replaces=NOTHING, members=(A.public,)),
        ],
        "two claims of one sequence": [claim(A, slot=0), claim(A, slot=1)],
        "refined twice": [ordered(Update, 5, **MILD), ordered(Update, 4, **DESCRIPTION)],
        "cleared": [*claims, ordered(AllClear, 1)],
        "cancelled after it was cleared": [ordered(AllClear, 1), ordered(Cancel, 2)],
    }  # fmt: skip
    return [Case(why, frames) for why, frames in boards.items()]


def _by_fitness(*helpers: SigningKey) -> list[SigningKey]:
    """The order of helpers whose cards are alike."""
    view = resolve(_board(Case("").claims(*helpers)))
    keys = {who.public: who for who in helpers}
    return [keys[standing.responder] for standing in view.claims]


def _board(case: Case) -> Board:
    board = Board(CALL, case.judge())
    for frame in case.frames:
        board.offer(frame)
    for card in case.cards:
        board.adopt(card)
    return board


def _rosters() -> list[Case]:
    first, second, third, _ = _by_fitness(*ALL)
    cases = []

    def begin(why: str) -> Case:
        cases.append(Case(why).claims(first, second, third))
        return cases[-1]

    begin("a roster leads").roster(second, epoch=4)
    case = begin("two concurrent rosters: the fitter lead is followed, whatever the epochs")
    case.roster(second, epoch=9)
    case.roster(first)
    case = begin("a fitter one that had seen the roster of another is a usurper")
    case.roster(first, case.roster(second), epoch=9)
    case = begin("a usurper by way of another's message")
    case.roster(first, case.say(Attest, third, case.roster(second), responders=(second.public,)))
    case = begin("a usurper by `replaces`")
    case.roster(first, replaces=case.roster(second).id)
    case = begin("a successor after the lease: the old roster lapsed")
    old = case.roster(first)
    case.roster(second, old, replaces=old.id, cause=r.Cause.EXPIRED, epoch=2)
    case.later(lapsed=[old.id])
    case = begin("the old lead is back, where nothing is over: it leads, and the other one had seen it")
    old = case.roster(first)
    case.roster(second, old, replaces=old.id, cause=r.Cause.EXPIRED, epoch=2)
    case = begin("a roster that was left is not followed again")
    old = case.roster(first)
    case.roster(second, old, replaces=old.id, cause=r.Cause.EXPIRED, epoch=2)
    case.later(superseded=[old.id])
    return cases


def _successions() -> list[Case]:
    """A lead that goes: by its own word, by silence, by a proof."""
    first, second, third, _ = _by_fitness(*ALL)
    cases = []

    def begin(why: str) -> Case:
        cases.append(Case(why).claims(first, second, third))
        return cases[-1]

    case = begin("handed over")
    old = case.roster(first)
    handed = case.say(Handover, first, roster=old.id, successor=third.public)
    case.roster(third, handed, replaces=old.id, cause=r.Cause.HANDOVER, epoch=2)
    case = begin("handed over, and nobody leads yet")
    case.say(Handover, first, roster=case.roster(first).id, successor=third.public)
    case = begin("a roster of its own that is newer")
    case.roster(first)
    case.roster(first, epoch=2)
    case = begin("a lead that is silent")
    case.roster(first)
    case.later(silent=[first.public])
    case = begin("a lead that released")
    case.roster(first)
    case.say(Release, first, **GROUNDS)
    case = begin("an overdue lead yields to who is not overdue")
    case.roster(first)
    case.later(overdue=[first.public])
    case = begin("an overdue lead where all are overdue")
    case.roster(first)
    case.later(overdue=[first.public, second.public, third.public])
    case = begin("an overdue lead that V attested after all")
    case.roster(first)
    case.hear(attest(1, first)).later(overdue=[first.public])
    case = begin("a convicted lead")
    case.roster(first)
    case.convicted = [first.public]
    case = Case("a card of a later day than the call leads nobody").claims(A, epoch=DAY + 1)
    case.roster(A)
    cases.append(case)
    case = Case("a card of the day of the call leads").claims(A, epoch=DAY)
    case.roster(A)
    cases.append(case)
    cases += [
        Case("a slot that its card does not have").claims(A, slots=2, slot=2).claims(B, slots=2, slot=1)
    ]
    return cases


def _requisitions() -> list[Case]:
    asked, cases = requisition(2, A, B, C), []

    def begin(why: str, *complied: SigningKey) -> Case:
        case = Case(why).claims(*ALL)
        case.roster(D)
        case.hear(asked)
        for who in complied:
            case.say(Comply, who, requisition=asked.id)
        cases.append(case)
        return case

    begin("a requisition that nobody answers dismisses nobody, and the roster leads under it")
    begin("the named lead answers", A)
    begin("a member answers, the named lead not yet: nobody leads", B)
    begin("a member answers, the named lead's time is over", B).later(unanswered=[(asked.id, A.public)])
    begin("the named lead fell silent", A, B).later(silent=[A.public])
    begin("the named lead reports no longer", A, C).later(unanswered=[(asked.id, A.public)])
    begin("all who answered are gone", A).later(silent=[A.public])
    begin("the named lead complied and was convicted", A, B).convicted = [A.public]
    case = begin("the named lead declined, and its time is over", A, B)
    case.say(Decline, A, **GROUNDS)
    case.later(unanswered=[(asked.id, A.public)])
    return cases


def _contact() -> list[Case]:
    helpers = [SigningKey(seed(f"helper {index}")) for index in range(5)]
    groups = {who.public: seed(f"group {index}") for index, who in enumerate(helpers)}
    cases = []

    def met(why: str, *by: SigningKey, vouched: dict[Key, bytes] | None = None) -> Case:
        case = Case(why, vouched=vouched).claims(*helpers)
        for who in by:
            case.say(Attest, who, responders=(A.public,))
        cases.append(case)
        return case

    met("two groups attest while V says nothing: not enough", *helpers[1:3])
    met("three groups attest while V says nothing", *helpers[1:4])
    met("R's own group does not count", *helpers[:3])
    met("once V spoke, V alone attests", *helpers[1:4]).hear(ordered(Update, 1, **DESCRIPTION))
    met("under roots, all whom none vouches for are one group", *helpers[1:], vouched={})
    met("under roots, each in a group of its own", *helpers[1:], vouched=groups)
    met("under roots, all in one group", *helpers[1:], vouched=dict.fromkeys(groups, seed("group")))
    met("who released takes its word along", *helpers[1:4]).say(Release, helpers[1], **GROUNDS)
    met("who stood down does not", *helpers[1:4]).say(StandDown, helpers[1])
    met("who was convicted takes its word along", *helpers[1:4]).convicted = [helpers[1].public]

    def over(why: str, many: int, vouched: dict[Key, bytes] | None, *, silent: bool = True) -> Case:
        case = Case(why, vouched=vouched).claims(*helpers).hear(attest(1, *helpers))
        for who in helpers[:many]:
            case.say(StandDown, who)
        cases.append(case.later(victim_silent=True) if silent else case)
        return case

    pairs = {who.public: seed(f"group {index // 2}") for index, who in enumerate(helpers)}
    over("three groups under roots stand down, V is silent", 3, groups)
    over("two groups do not close", 2, groups)
    over("V is heard: nobody else closes", 5, groups, silent=False)
    over("without roots nobody but V closes", 5, None)
    over("whom no root vouches for does not close", 5, {})
    over("four of two groups do not close", 4, pairs)
    over("one of them is convicted", 3, groups).convicted = [A.public]
    over("of a mild call, two groups close", 2, groups).hear(ordered(Update, 2, **MILD))
    over("V cleared it before", 3, groups).hear(ordered(AllClear, 2))
    unmet = Case("who was never attested does not close", vouched=groups).claims(*helpers)
    for who in helpers:
        unmet.say(StandDown, who)
    return [*cases, unmet.later(victim_silent=True)]


def boards() -> dict[str, Any]:
    """Boards about one call, what is over, and the view; the order of messages, cards and keys means nothing."""
    cases = [*_strangers(), *_rosters(), *_successions(), *_requisitions(), *_contact()]
    return {
        "network": NETWORK.hex(),
        "call": open_cell_bytes(CALL).hex(),
        "cases": [case.plain() for case in cases],
    }

"""Boards with their views.

Comes in: fixed seeds. Goes out: what becomes JSON. Every expectation comes from `resolve` and was read by us once; the
sentence in `why` says what to look for.
"""

from typing import Any

from p2p_sos.core.board.resolve import resolve
from p2p_sos.wire import registry as r
from p2p_sos.wire.frames import Frame, seal
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import (
    NOTHING,
    AllClear,
    Attest,
    Cancel,
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
from vectors.samples import NETWORK, open_cell_bytes, seed
from vectors.staging import Case

ALL = (A, B, C, D)
MILD = {**DESCRIPTION, "severity": r.Severity.LOW}
MANY = {**DESCRIPTION, "needs": 1 << r.Need.RESTORE_DATA | 1 << r.Need.INVESTIGATE, "sector": r.Sector.FOOD}
STRANGERS = r.BOARD_STRANGERS_MAX + 1


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
        "complied with the requisition in force, then with another": [
            claims[0], first, complied, said(Comply, A, 2, requisition=seed("another requisition")),
        ],
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
    view = resolve(Case("").claims(*helpers).board())
    keys = {who.public: who for who in helpers}
    return [keys[standing.responder] for standing in view.claims]


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


def _rows() -> list[Case]:
    """What a lead that writes its roster anew had seen, and what others had seen of it."""
    first, second, third, _ = _by_fitness(*ALL)
    cases = []

    def begin(why: str) -> Case:
        cases.append(Case(why).claims(first, second, third))
        return cases[-1]

    case = begin("a usurper by `previous`: it attested knowing of the roster, and names that ATTEST alone")
    case.say(Attest, first, case.roster(second), responders=(second.public,))
    case.roster(first)
    case = begin("a lead that met a worse one and writes its roster anew usurps nobody")
    mine, other = case.roster(first), case.roster(second)
    case.roster(first, other, replaces=mine.id, epoch=2)
    case = begin(
        "a new roster that replaces none of its own stands in no row: it is judged by what it had seen"
    )
    case.roster(first)
    case.roster(first, case.roster(second), epoch=2)
    case = begin("who had seen the first of a row comes after the newest of it")
    mine = case.roster(second)
    case.roster(second, replaces=mine.id, epoch=2)
    case.roster(first, mine, epoch=3)
    case = begin("a row that begins as a usurper stays one, however often it is written anew")
    mine = case.roster(first, case.roster(second))
    case.roster(first, replaces=mine.id, epoch=2)
    return cases


def _handed() -> list[Case]:
    """Three that all could lead: the second leads, the third did and hands over, the first had seen both."""
    first, second, third, _ = _by_fitness(*ALL)
    cases = []

    def begin(why: str, giver: SigningKey, successor: SigningKey, *, names: str = "theirs") -> Case:
        case = Case(why).claims(first, second, third)
        rosters = {"theirs": case.roster(third), "other": case.roster(second), "unknown": CALL}
        handed = case.say(Handover, giver, roster=rosters[names].id, successor=successor.public)
        taken = {"replaces": rosters["theirs"].id, "cause": r.Cause.HANDOVER, "epoch": 2}
        case.roster(first, handed, rosters["other"], **taken)
        cases.append(case)
        return case

    begin("who was handed a roster is no usurper of another that it had seen", third, first)
    begin("who was not named as the successor is one", third, second)
    begin("a roster that its own lead did not hand over was not handed over", second, first)
    begin("nor was one that its lead's HANDOVER does not name", third, first, names="unknown")
    case = begin("who was handed a roster, and writes it anew", third, first)
    case.roster(first, replaces=case.frames[-1].id, cause=r.Cause.HANDOVER, epoch=3)
    return cases


def _described_anew() -> list[Case]:
    """An UPDATE that makes others the fittest."""
    skilled = {"skills": 1 << r.Need.INVESTIGATE | 1 << r.Need.RESTORE_DATA}
    cases = []

    def begin(why: str, *updates: Frame) -> Case:
        # A restores data for a hospital; B does more, and neither knows nor needs that sector.
        case = Case(why).claims(A, sectors=1 << r.Sector.HEALTH).claims(B, **skilled)
        case.roster(A)
        case.roster(B)
        cases.append(case.hear(*updates))
        return case

    begin("of two concurrent rosters the fitter lead's, as the CALL was made")
    begin("after an UPDATE that asks for more the other one is fitter, and leads", ordered(Update, 1, **MANY))
    begin("the newest UPDATE decides", ordered(Update, 1, **MANY), ordered(Update, 2, **DESCRIPTION))
    language = {**DESCRIPTION, "languages": (82,)}
    begin(
        "an UPDATE that names a language takes its points from who does not speak it",
        ordered(Update, 1, **language),
    )
    return cases


def _crowded() -> list[Case]:
    """One stranger more than a board keeps; whoever has a card stays."""
    case = Case("of strangers those stay that rank first, whoever came first; who has a card is none")
    helpers = [SigningKey(seed(f"stranger {index}")) for index in range(STRANGERS)]
    for who in helpers:
        case.say(Claim, who, slot=0, slot_epoch=0, card=NOTHING, manner=r.Manner.AUTOMATIC)
    return [case.claims(A, skills=1 << r.Need.BANDWIDTH)]


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
    for severity, class_of_it in (
        (r.Severity.HIGH, "S2"),
        (r.Severity.MEDIUM, "S3"),
        (r.Severity.BASELINE, "S4"),
    ):
        described = {**DESCRIPTION, "severity": severity}
        for many in (1, 2, 3):
            why = f"of a call of {class_of_it}, {many} of the attested groups stand down"
            over(why, many, groups).hear(ordered(Update, 2, **described))
    over("V cleared it before", 3, groups).hear(ordered(AllClear, 2))
    unmet = Case("who was never attested does not close", vouched=groups).claims(*helpers)
    for who in helpers:
        unmet.say(StandDown, who)
    return [*cases, unmet.later(victim_silent=True)]


def boards() -> dict[str, Any]:
    """Boards about one call, what is over, and the view; the order of messages, cards and keys means nothing."""
    cases = [*_strangers(), *_rosters(), *_successions(), *_requisitions(), *_contact()]
    cases += [*_rows(), *_handed(), *_described_anew(), *_crowded()]
    return {
        "network": NETWORK.hex(),
        "call": open_cell_bytes(CALL).hex(),
        "cases": [case.plain() for case in cases],
    }

"""Whether what the victim wants makes sense: one sentence for each thing that does not.

Decides what is refused before it is said. Comes in: the victim's decision and how the case stands. Goes out: a
sentence that names the next step, or None. Must not change anything.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import field, fields_dict, frozen

from p2p_sos.core.case.case_view import CasePhase, Helper
from p2p_sos.core.case.rescuers import ACCEPTED, REFUSED, Rescuers
from p2p_sos.core.events import (
    Event,
    VictimCancels,
    VictimClears,
    VictimDecides,
    VictimRequisitions,
    VictimUpdates,
    VictimWrites,
)
from p2p_sos.core.letters.conversation import LETTERS_MAX, Conversation
from p2p_sos.core.letters.length import letter_fault, text_fault
from p2p_sos.wire.messages import Call, Key, Update
from p2p_sos.wire.registry import MEMBERS_MAX, LetterKind
from p2p_sos.wire.shapes import shape_of

ORDERS = (
    VictimDecides, VictimWrites, VictimRequisitions, VictimUpdates, VictimCancels, VictimClears,
)  # fmt: skip
REFINABLE = tuple(name for name, a in fields_dict(Update).items() if shape_of(a).place == "body")


def short(key: bytes) -> str:
    """How people name a key."""
    return key.hex()[:8]


def closed_fault(phase: CasePhase, how: str) -> str | None:
    """Nothing is said in a closed case."""
    if phase is not CasePhase.CLOSED:
        return None
    return f"This case is closed ({how}): if you need help again, make a new call."


def accept_text(text: str, situation: str) -> str:
    """What an accepted helper reads: a word to it, then the situation."""
    return "\n\n".join(part for part in (text.strip(), situation.strip()) if part)


def decision_text(event: VictimDecides, situation: str) -> str:
    """What the letter that carries a decision says."""
    # "The victim's details MUST travel only to responders that it accepted." (07-dialogue §10)
    return accept_text(event.text, situation if event.kind is LetterKind.ACCEPT else "")


def decision_fault(
    helper: Helper | None, conversation: Conversation | None, kind: LetterKind, responder: Key, text: str
) -> str | None:
    """Why a responder cannot be accepted or refused."""
    if kind not in (LetterKind.ACCEPT, LetterKind.REFUSE):
        return "A decision is to accept or to refuse."
    if helper is None or conversation is None:
        return (
            f"{short(responder)} has not written to you yet: choose one of the helpers that the case shows."
        )
    if helper.decision == {LetterKind.ACCEPT: ACCEPTED, LetterKind.REFUSE: REFUSED}[kind]:
        return f"You have {helper.decision} {short(responder)} already: write a letter to say more."
    if kind is LetterKind.ACCEPT and not helper.claimed:
        return f"{short(responder)} does not answer your call any more: choose one that claims it."
    if conversation.next_number > LETTERS_MAX:
        return f"{LETTERS_MAX} letters went to {short(responder)}, and no more are kept: use another channel."
    return letter_fault(text) if text.strip() else None


def letter_refusal(
    helper: Helper | None, conversation: Conversation | None, responder: Key, text: str
) -> str | None:
    """Why nothing can be written to a responder."""
    if helper is None or conversation is None or helper.decision != ACCEPTED:
        return f"Only helpers that you accepted read your letters: accept {short(responder)} first."
    if conversation.next_number > LETTERS_MAX:
        return f"{LETTERS_MAX} letters went to {short(responder)}, and no more are kept: use another channel."
    return text_fault(text) or letter_fault(text)


def requisition_fault(helpers: Sequence[Helper], lead: Key, members: Sequence[Key]) -> str | None:
    """Why these helpers cannot be named."""
    claimers = [helper.responder for helper in helpers if helper.claimed]
    if lead not in claimers:
        return f"The lead must be one that claims your call, and {short(lead)} does not: name another."
    strangers = [key for key in members if key not in claimers]
    if strangers:
        return f"Members must claim your call, and {short(strangers[0])} does not: leave it out."
    if len(members) > MEMBERS_MAX:
        return f"A requisition names {MEMBERS_MAX} members at most, not {len(members)}: leave some out."
    return None


def _lowered(value: Any) -> Any:
    plain = list(value) if isinstance(value, tuple) else value
    return int(plain) if isinstance(plain, int) else plain


def _lifted(lift: Callable[[Any], Any] | None, plain: Any) -> Any:
    return plain if lift is None else lift(plain)


def refined(told: Call | Update, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The body of an UPDATE: what was told last, with the changes."""
    before = {name: getattr(told, name) for name in REFINABLE}
    shapes = {name: shape_of(attribute) for name, attribute in fields_dict(Update).items()}
    news = {name: _lifted(shapes[name].lift, _lowered(value)) for name, value in changes.items()}
    return before | news


def update_fault(told: Call | Update, changes: Mapping[str, Any]) -> str | None:
    """Why the call cannot be refined so."""
    for name, value in changes.items():
        if name not in REFINABLE:
            return f"A call has no {name!r} that could change: it has {', '.join(REFINABLE)}."
        wrong = shape_of(fields_dict(Update)[name]).fault(_lowered(value))
        if wrong is not None:
            return f"The new {name} will not do: {wrong}."
    if refined(told, changes) == {name: getattr(told, name) for name in REFINABLE}:
        return "That is what the call says already: change something."
    return None


@frozen
class Standing:
    """How the case stands, as far as an order may depend on it."""

    told: Call | Update
    rescuers: Rescuers
    conversation: Callable[[Key], Conversation | None]
    situation: str = field(repr=False)

    def fault(self, event: Event) -> str | None:
        """Why an order would do nothing, in one sentence that names the next step."""
        match event:
            case VictimDecides(responder=who, kind=kind):
                text = decision_text(event, self.situation)
                return decision_fault(self.rescuers.helper(who), self.conversation(who), kind, who, text)
            case VictimWrites(responder=None, text=text):
                faults = [self._letter_fault(who, text) for who in self.rescuers.accepted()]
                nobody = "You have accepted nobody yet: accept a helper first."
                return next((fault for fault in faults if fault), None) if faults else nobody
            case VictimWrites(responder=bytes(who), text=text):
                return self._letter_fault(who, text)
            case VictimRequisitions(lead=lead, members=members):
                return requisition_fault(self.rescuers.helpers(), lead, members)
            case VictimUpdates(changes=changes):
                return update_fault(self.told, changes)
        return None

    def _letter_fault(self, who: Key, text: str) -> str | None:
        return letter_refusal(self.rescuers.helper(who), self.conversation(who), who, text)

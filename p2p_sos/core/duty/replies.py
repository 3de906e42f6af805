"""What becomes of a decision: a signed message, a line of the watch log, a slot, a word to the people.

Decides nothing about whom to help. Comes in: decisions, rows of the last run, own messages that turn up. Goes
out: rows, messages to publish, notices. Must not know the operator's policy.
"""

from collections.abc import Callable
from typing import Any

from attrs import define, field

from p2p_sos.core.actions import Action, Keep, Tell
from p2p_sos.core.board.fitness import day_of
from p2p_sos.core.calls.calls import Calls, CallState, call_of
from p2p_sos.core.clock import Clock
from p2p_sos.core.duty.author import Author
from p2p_sos.core.duty.slots import Slots
from p2p_sos.core.duty.watchlog import WatchLog
from p2p_sos.core.internal import Admitted, Probe, Publish
from p2p_sos.core.notices import Decided
from p2p_sos.core.tables import Table
from p2p_sos.wire.messages import (
    CallId,
    Claim,
    Comply,
    Decline,
    LogMessage,
    Message,
    MessageId,
    Register,
    Release,
    StandDown,
)
from p2p_sos.wire.registry import Detail, Manner, Reason

Step = Action | Publish | Probe
MINE = {
    "claim": "claimed",
    "decline": "declined",
    "release": "released",
    "stand-down": "released",
    "silence": "silent",
}


def _word(member: Reason | Detail) -> str:
    return member.name.lower().replace("_", "-")


@define(eq=False)
class Replies:
    """One responder's replies. `card` gives the id of its card for a slot and a day of calls."""

    author: Author
    slots: Slots
    calls: Calls
    clock: Clock
    log: WatchLog
    card: Callable[[int, int], MessageId] = field(repr=False)

    # ------------------------------------------------------------------ the last run

    def restore(self, table: Table, rows: tuple[tuple[bytes, bytes], ...]) -> None:
        """Take the rows that belong here."""
        if table is Table.COUNTER:
            self.author.restore(rows)
            self.slots.restore(rows)

    def recall(self) -> tuple[CallId, ...]:
        """Mark the open calls as the log of the last run says; those that were declined as busy."""
        decided = self.log.last_decisions()
        busy = []
        for call in self.calls.in_state(CallState.OPEN):
            decision, detail = decided.get(call, ("", ""))
            # A claim or release in the log counts only if the message itself was kept with it.
            if self.calls[call].mine == "" and decision in ("decline", "silence"):
                self.calls.mark(call, MINE[decision])
            elif self.calls[call].mine == "" and decision == "guard":
                self.calls.mark(call, "guarding")
            if self.calls[call].mine == "declined" and detail == _word(Detail.BUSY):
                busy.append(call)
        return tuple(busy)

    def observe(self, event: Admitted, now: float) -> list[Step]:
        """An own message: just written, restored, or (after a loss) back from the mesh."""
        message = event.frame.message
        assert isinstance(message, LogMessage | Register), "no word of a responder"
        lost = self.author.observe(event.frame)
        if isinstance(message, Claim):
            self.slots.observe(message)
        if isinstance(message, Claim | Release | Decline | StandDown):
            self._stand(message, event.frame.id)
        if lost and not event.restored:
            why = "an own message came back that the store had lost"
            return [self._write(message.call, "log-lost", why, now)]
        return []

    def _stand(self, message: Claim | Release | Decline | StandDown, identity: MessageId) -> None:
        call, own = message.call, self.author.key.public
        standing = {claim.responder: claim.claim for claim in self.calls[call].view.claims}
        if isinstance(message, Claim) and standing.get(own) == identity:
            self.slots.leave(call)
            if self.calls.is_open(call):
                self.slots.occupy(message.slot, call)
            self.calls.mark(call, "claimed")
        elif own not in standing and not isinstance(message, Claim):
            self.slots.leave(call)
            self.calls.mark(call, "declined" if isinstance(message, Decline) else "released")

    def resume(self, call: CallId) -> bool:
        """A call is open again: its slot is taken, or it is to be decided anew; False if the slot was given away."""
        stance, mine = self.calls.board(call).said(self.author.key.public).stance, self.calls[call].mine
        message = None if stance is None else stance.message
        if mine == "claimed" and isinstance(message, Claim):
            if not self.slots.is_free(message.slot):
                return False
            self.slots.occupy(message.slot, call)
        elif mine == "asked" or isinstance(message, StandDown):
            self.calls.mark(call, "")
        return True

    # ------------------------------------------------------------------ answering

    def claim(self, call: CallId, manner: Manner, why: str, now: float) -> list[Step]:
        """Answer the call, and comply if the victim named this node."""
        slot, slot_epoch, slot_row = self.slots.take(call)
        steps: list[Step] = [slot_row, *self._settle(call, "claim", None, why, now)]
        card = self.card(day_of(call_of(self.calls[call].frame)), slot)
        steps += self._say(Claim, call, slot=slot, slot_epoch=slot_epoch, card=card, manner=manner)
        standing = self.calls[call].view.requisition
        if standing is not None and standing.names(self.author.key.public):
            steps += self.comply(call, standing.requisition, now)
        return steps

    def comply(self, call: CallId, requisition: MessageId, now: float) -> list[Step]:
        """Accept the requisition."""
        line = self._write(call, "comply", "the victim named this node", now)
        return [line, *self._say(Comply, call, requisition=requisition)]

    def decline(  # noqa: PLR0913 (a decision and its grounds)
        self,
        call: CallId,
        reason: Reason,
        detail: Detail,
        why: str,
        now: float,
        *,
        offered: bool = False,
    ) -> list[Step]:
        """Do not answer, and say why: in the log always, on the board when a place was `offered` or V named us."""
        steps = self._settle(call, "decline", (reason, detail), why, now)
        standing = self.calls[call].view.requisition
        # "A DECLINE is published only by a responder whose band opened (§10) or that a requisition names; others log
        # it." (06-board §6)
        if offered or (standing is not None and standing.names(self.author.key.public)):
            steps += self._say(Decline, call, reason=reason, detail=detail)
        return steps

    def release(self, call: CallId, reason: Reason, detail: Detail, why: str, now: float) -> list[Step]:
        """Give a claim back."""
        self.slots.leave(call)
        steps = self._settle(call, "release", (reason, detail), why, now)
        return [*steps, *self._say(Release, call, reason=reason, detail=detail)]

    def stand_down(self, call: CallId, why: str, now: float) -> list[Step]:
        """It is over, as far as this node can see: its claim ends."""
        self.slots.leave(call)
        return [*self._settle(call, "stand-down", None, why, now), *self._say(StandDown, call)]

    def keep_silent(self, call: CallId, why: str, now: float) -> list[Step]:
        """The call is not meant for this node."""
        # "Silence MUST be written to the log, like every other decision." (05-calls §9)
        return self._settle(call, "silence", None, why, now)

    def stand_by(self, call: CallId, why: str, now: float) -> Keep:
        """Others suffice for now; this node looks again."""
        self.calls.mark(call, "guarding")
        return self._write(call, "guard", why, now)

    def note_question(self, call: CallId, now: float) -> Keep:
        """The person on duty was asked."""
        self.calls.mark(call, "asked")
        return self._write(call, "ask", "the person on duty decides", now)

    def withdraw_question(self, call: CallId, why: str, now: float) -> list[Step]:
        """The person on duty need not answer any more; this node stands by."""
        return [self.stand_by(call, why, now), Tell(Decided(call, "guard", None, None, why))]

    # ------------------------------------------------------------------ saying so

    def _say(self, kind: type[Message], call: CallId, **fields: Any) -> list[Step]:
        row, frame = self.author.sign(kind, call, self.calls.board(call).heads(), **fields)
        return [row, Publish(frame)]

    def _settle(
        self, call: CallId, decision: str, grounds: tuple[Reason, Detail] | None, why: str, now: float
    ) -> list[Step]:
        self.calls.mark(call, MINE[decision])
        reason, detail = grounds if grounds is not None else (None, None)
        extra = {} if grounds is None else {"reason": _word(grounds[0]), "detail": _word(grounds[1])}
        line = self._write(call, decision, why, now, **extra)
        return [line, Tell(Decided(call, decision, reason, detail, why))]

    def _write(self, call: CallId, decision: str, why: str, now: float, **extra: str) -> Keep:
        fields: dict[str, int | str] = {"call": call.hex(), "decision": decision, "why": why, **extra}
        return self.log.write(self.clock.unix_s(now), fields)

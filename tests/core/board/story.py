"""A call as it goes: who says what, in logs that are chained as real ones are, onto one board."""

from typing import Any

from attrs import define, field

from p2p_sos.core.board.board import Board
from p2p_sos.core.board.judge import Judge
from p2p_sos.core.board.resolve import resolve
from p2p_sos.core.board.standing import Expired, View
from p2p_sos.wire.frames import Frame, seal
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import (
    NOTHING,
    Attest,
    Claim,
    Comply,
    Decline,
    Handover,
    Key,
    Release,
    Roster,
    StandDown,
)
from p2p_sos.wire.profiles import Profile
from p2p_sos.wire.registry import Cause, Detail, Manner, Reason
from tests.core import mail

CALL = mail.the_call()
A, B, C, D, E, F = (mail.key(name) for name in ("anna", "bert", "cleo", "dora", "emil", "finn"))
ROOTED = Profile(
    name="rooted", stamp_effort_min=16, open_calls_max=8, calls_per_s=1, calls_burst=1, roots=(b"r" * 32,)
)


@define(eq=False)
class Story:
    """One board and the logs that led to it. `seen`: messages that the writer refers to."""

    judge: Judge = field(factory=Judge)
    call: Frame = CALL
    board: Board = field(init=False)
    offered: list[tuple[Frame, Frame | None]] = field(init=False, factory=list)
    _log: dict[Key, list[Frame]] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self.board = Board(self.call, self.judge)

    def hear(self, frame: Frame, card: Frame | None = None) -> Frame:
        """A message reaches the board."""
        self.offered.append((frame, card))
        self.board.offer(frame, card)
        return frame

    def say(
        self, kind: type[Any], who: SigningKey, *seen: Frame, named: Frame | None = None, **told: Any
    ) -> Frame:
        """The next entry of a log."""
        log = self._log.setdefault(who.public, [])
        message = kind(
            call=self.call.id,
            signer=who.public,
            sequence=len(log),
            previous=log[-1].id if log else NOTHING,
            heads=tuple(sorted(frame.id for frame in seen)),
            **told,
        )
        frame = seal(message, mail.NETWORK, who)
        log.append(frame)
        return self.hear(frame, named)

    def claim(self, who: SigningKey, *seen: Frame, slot: int = 0, known: bool = True, **told: Any) -> Frame:
        """A CLAIM, and the card that it names, unless it is not `known`; `told` are fields of that card."""
        card = mail.card(who, **told)
        claimed = {"slot": slot, "slot_epoch": 0, "card": card.id, "manner": Manner.AUTOMATIC}
        return self.say(Claim, who, *seen, named=card if known else None, **claimed)

    def roster(
        self,
        who: SigningKey,
        *seen: Frame,
        replaces: Frame | None = None,
        cause: Cause = Cause.INITIAL,
        epoch: int = 1,
    ) -> Frame:
        """A ROSTER that names its writer alone."""
        replaced = NOTHING if replaces is None else replaces.id
        return self.say(
            Roster, who, *seen, epoch=epoch, cause=cause, replaces=replaced, members=(who.public,)
        )

    def hand_over(self, who: SigningKey, roster: Frame, successor: Key = NOTHING) -> Frame:
        """A HANDOVER."""
        return self.say(Handover, who, roster=roster.id, successor=successor)

    def release(self, who: SigningKey) -> Frame:
        """A RELEASE."""
        return self.say(Release, who, reason=Reason.UNABLE, detail=Detail.EQUIPMENT)

    def decline(self, who: SigningKey) -> Frame:
        """A DECLINE."""
        return self.say(Decline, who, reason=Reason.UNABLE, detail=Detail.BUSY)

    def comply(self, who: SigningKey, requisition: Frame) -> Frame:
        """A COMPLY."""
        return self.say(Comply, who, requisition=requisition.id)

    def stand_down(self, who: SigningKey) -> Frame:
        """A STAND_DOWN."""
        return self.say(StandDown, who)

    def vouch(self, who: SigningKey, *responders: SigningKey) -> Frame:
        """An ATTEST in the responder's form."""
        return self.say(Attest, who, responders=tuple(sorted(r.public for r in responders)))

    def view(self, expired: Expired | None = None) -> View:
        """What the board says."""
        return resolve(self.board, Expired() if expired is None else expired)

    def fittest(self, *helpers: SigningKey) -> list[SigningKey]:
        """The helpers in the order of their fitness, as the board sees it."""
        return sorted(helpers, key=lambda who: self.board.speaker(who.public).fitness)


def over(**parts: Any) -> Expired:
    """An `Expired` of the parts that are given, each as any collection."""
    return Expired(
        **{name: part if isinstance(part, bool) else frozenset(part) for name, part in parts.items()}
    )

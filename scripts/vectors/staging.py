"""One board and all that belongs to it, told as a story and shown as JSON.

Comes in: who says what, in logs that are chained as real ones are. Goes out: what becomes JSON, with the view that `resolve`
gives.
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
    Card,
    Claim,
    Key,
    Roster,
)
from p2p_sos.wire.vocabulary import word_of
from vectors.boards import (
    CALL,
    DAY,
)
from vectors.samples import LABORATORY, NETWORK, open_cell_bytes, seed, shown

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

    def board(self) -> Board:
        """The board itself. A card comes with the claim that names it: on a full board it decides who stays."""
        board, named = Board(CALL, self.judge()), {card.id: card for card in self.cards}
        for frame in self.frames:
            board.offer(frame, named.get(frame.message.card) if isinstance(frame.message, Claim) else None)
        for key in self.convicted:
            board.convict(key)
        return board

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        board = self.board()
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

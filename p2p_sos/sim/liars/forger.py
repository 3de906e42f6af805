"""Forger: speaks in the names of others: the victim's, the lead's, any helper's; for other networks; in broken cells.

What it sends is refused by whoever checks it, at its own cost: neighbours drop it, and it comes back.
"""

from typing import Any

from attrs import evolve

from p2p_sos.core.actions import Action
from p2p_sos.sim.behaviour import Make
from p2p_sos.sim.liars.claimer import Claimer, LiesDue
from p2p_sos.wire.canonical import pack
from p2p_sos.wire.frames import Frame, body_bytes, header_bytes, pad, seal
from p2p_sos.wire.keys import SIGNATURE_BYTES
from p2p_sos.wire.messages import (
    NOTHING,
    AllClear,
    Attest,
    CallId,
    Cancel,
    Claim,
    Message,
    Release,
    Requisition,
    Roster,
    StandDown,
)
from p2p_sos.wire.registry import Cause, Detail, Reason

AGAIN_S = 5.0  # how long it rests between two bouts
HIGH = 1_000_000  # a sequence that would outrank every honest word
ARRAY_OF_FOUR = b"\x94"


def forged(message: Message, signature: bytes = bytes(SIGNATURE_BYTES)) -> bytes:
    """A cell that names a signer who did not sign."""
    frame = ARRAY_OF_FOUR + header_bytes(message) + body_bytes(message) + pack([]) + pack(signature)
    return pad(frame)


class Forger(Claimer):
    """Claims under its own key like anybody, and forges all the rest."""

    def _on_heard(self, call: CallId, now: float) -> list[Action]:
        return [*self.claim(call, now), self.due(call, "forge", 0, now, 1.0)]

    def _on_word(self, frame: Frame, now: float) -> list[Action]:  # noqa: ARG002 (a hook: others use it)
        message = frame.message
        if not isinstance(message, Claim) or message.signer == self.mask.me:
            return []
        # A word against a helper in its own name, with the signature of what it did say.
        gone = Release(
            call=message.call, signer=message.signer, sequence=message.sequence + 1, previous=frame.id,
            heads=(), reason=Reason.UNNECESSARY, detail=Detail.UNSPECIFIED,
        )  # fmt: skip
        return self.mask.slip([forged(gone, frame.signature)])

    def _on_due(self, due: LiesDue, now: float) -> list[Action]:
        if due.what != "forge":
            return super()._on_due(due, now)
        again = self.due(due.call, "forge", due.count + 1, now, AGAIN_S)
        return [*self.mask.slip(self.forgeries(due.call, HIGH + due.count)), again]

    def forgeries(self, call: CallId, sequence: int) -> list[bytes]:
        """One of each kind of forgery, about one call."""
        victim, me = self.mask.calls[call].signer, self.mask.me
        word: dict[str, Any] = {"call": call, "signer": victim, "sequence": sequence}
        victims: list[Message] = [
            Cancel(**word),
            AllClear(**word),
            Requisition(**word, lead=me, members=(me,)),
            Attest(**word, previous=NOTHING, heads=(), responders=(me,)),
        ]
        cells = [forged(message) for message in victims]
        # Truly signed, by the wrong key: a responder may not say what only the victim may.
        cells += [self.mask.seat.sign(evolve(m, signer=me)).cell for m in victims[:3]]
        # Truly signed, for another network.
        stranger = StandDown(call=call, signer=me, sequence=0, previous=NOTHING, heads=())
        cells.append(seal(stranger, bytes(32), self.mask.key).cell)
        view = self.mask.view(call)
        if view is not None and view.lead is not None:
            coup = Roster(
                call=call, signer=view.lead, sequence=sequence, previous=call, heads=(), epoch=sequence,
                cause=Cause.HANDOVER, replaces=NOTHING, members=(me,),
            )  # fmt: skip
            cells.append(forged(coup))
        broken = bytearray(cells[0])
        broken[self.mask.seat.random.randrange(len(broken))] ^= 1
        return [*cells, bytes(broken), bytes(len(broken))]


def forger() -> Make:
    """A seat for one."""
    return Forger

"""Flooder: makes keys, and under each of them one claim; letters that nobody can read; calls that nobody made.

Its keys have no cards, its signatures hold. So nothing that it sends is a fault by itself: bounds alone keep it out.
"""

from attrs import frozen

from p2p_sos.core.actions import Action
from p2p_sos.sim.behaviour import Make, Seat
from p2p_sos.sim.liars.claimer import Claimer, LiesDue
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.hashing import blake2b
from p2p_sos.wire.keys import ExchangeKey, SigningKey
from p2p_sos.wire.messages import NOTHING, Call, CallId, Claim, Letter
from p2p_sos.wire.registry import (
    LETTER_PART_BYTES_MAX,
    Certainty,
    Manner,
    Nature,
    Sector,
    Severity,
    Status,
    Urgency,
)


@frozen
class Flood:
    """How much: junk claims and letters about the first call it hears, and junk calls, a second, up to a total."""

    claims: int = 10_000
    claims_per_s: int = 1_000
    letters: int = 0
    letters_per_s: int = 20
    calls: int = 0
    calls_per_s: int = 1


EVERY_S = 0.25


class Flooder(Claimer):
    """One call, many keys."""

    def __init__(self, seat: Seat, flood: Flood = Flood()) -> None:
        super().__init__(seat)
        self.flood = flood
        self.sent = {"claims": 0, "letters": 0, "calls": 0}

    def _on_heard(self, call: CallId, now: float) -> list[Action]:
        if self.claims:
            return []  # one call is flooded; the others are its own junk, or in peace
        self.claims[call] = NOTHING
        return [self.due(call, "flood", 0, now, EVERY_S)]

    def _on_due(self, due: LiesDue, now: float) -> list[Action]:
        if due.what != "flood":
            return []
        flood, cells = self.flood, []
        for name, make, most, per_s in (
            ("claims", self._claim, flood.claims, flood.claims_per_s),
            ("letters", self._letter, flood.letters, flood.letters_per_s),
            ("calls", self._call, flood.calls, flood.calls_per_s),
        ):
            wanted = min(most, int((due.count + 1) * EVERY_S * per_s))
            for number in range(self.sent[name], wanted):
                cells.append(make(due.call, number).cell)
            self.sent[name] = max(self.sent[name], wanted)
        lies = self.mask.slip(cells) if cells else []
        return [*lies, self.due(due.call, "flood", due.count + 1, now, EVERY_S)]

    def _fresh(self, what: str, number: int) -> SigningKey:
        return SigningKey(blake2b("esos/1 simulated", f"{self.mask.seat.name} {what} {number}".encode()))

    def _claim(self, call: CallId, number: int) -> Frame:
        key = self._fresh("claims", number)
        claim = Claim(
            call=call, signer=key.public, sequence=0, previous=NOTHING, heads=(), slot=0, slot_epoch=0,
            card=key.public, manner=Manner.PERSON,
        )  # fmt: skip
        return self.mask.seat.shared.seal(claim, key)

    def _letter(self, call: CallId, number: int) -> Frame:
        key = self._fresh("letters", number)
        sealed = self.mask.seat.random.randbytes(LETTER_PART_BYTES_MAX)
        letter = Letter(call=call, signer=key.public, number=1, part=0, parts=1, sealed=sealed)
        return self.mask.seat.shared.seal(letter, key)

    def _call(self, call: CallId, number: int) -> Frame:
        key = self._fresh("calls", number)
        junk = Call(
            signer=key.public, epoch=self.mask.calls[call].epoch, status=Status.ACTUAL,
            severity=Severity.EMERGENCY, urgency=Urgency.IMMEDIATE, certainty=Certainty.OBSERVED,
            nature=Nature.OTHER__UNDETERMINED, needs=1, sector=Sector.OTHER, languages=(), cell=0,
            exchange_key=ExchangeKey(key.public).public,
        )  # fmt: skip
        return self.mask.seat.shared.seal(junk, key, self.mask.seat.profile.stamp_effort_min)


def flooder(flood: Flood = Flood()) -> Make:
    """A seat for one."""
    return lambda seat: Flooder(seat, flood)

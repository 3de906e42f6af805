"""Who answers the victim's call, and how each of them stands with the victim.

Decides which responders are claimers, who is to be attested, and which claims an opened letter proves. Comes in:
admitted messages, opened letters, the victim's decisions. Goes out: `Helper`s. Must not know keys or timers.
"""

from attrs import define, evolve, field

from p2p_sos.core.board.board import newness
from p2p_sos.core.case.arrivals import Arrivals
from p2p_sos.core.case.case_view import Helper
from p2p_sos.core.letters.letterbook import Incoming
from p2p_sos.wire.frames import Frame, decode
from p2p_sos.wire.hashing import NetworkId, responder_key_hash
from p2p_sos.wire.keys import verifies
from p2p_sos.wire.messages import (
    Attest,
    CallId,
    Claim,
    Comply,
    Decline,
    Key,
    MessageId,
    Release,
    Requisition,
)
from p2p_sos.wire.registry import BOARD_RESPONDERS_MAX, CELL_BYTES, LetterKind

ACCEPTED, REFUSED = "accepted", "refused"
COMPLIES_MAX = 8  # guess: requisitions to which one responder's COMPLY is remembered


def enclosed_claim(enclosure: bytes, call: CallId, responder: Key, network: NetworkId) -> Frame | None:
    """The CLAIM that an introduction encloses, if it is its writer's own, about this call, and truly signed."""
    if len(enclosure) > CELL_BYTES:
        return None
    frame = decode(enclosure.ljust(CELL_BYTES, b"\x00"), network)
    if not isinstance(frame, Frame) or not isinstance(frame.message, Claim):
        return None
    # "A victim MUST verify an enclosed CLAIM like any other, and take it only from its own signer." (07-dialogue §4)
    if frame.message.call != call or frame.message.signer != responder:
        return None
    return frame if verifies(responder, frame.digest, frame.signature) else None


@define(eq=False)
class _Standing:
    helper: Helper
    newest: Frame | None = None  # its newest CLAIM, DECLINE or RELEASE
    complied: dict[MessageId, None] = field(factory=dict)

    @property
    def came(self) -> bool:
        """Whether the victim's people see it."""
        return self.helper.claimed or self.helper.released or self.helper.introduction is not None


@define(eq=False)
class Rescuers:
    """Everybody who said anything about the call, within a bound that keeps the decided and the best ranked."""

    call: CallId
    victim: Key
    network: NetworkId
    arrivals: Arrivals = field(factory=Arrivals)
    _standings: dict[Key, _Standing] = field(factory=dict)
    _requisition: Frame | None = None

    def helpers(self) -> tuple[Helper, ...]:
        """Everybody who claimed or wrote, in the order in which they came."""
        came = [self._seen(standing) for standing in self._standings.values() if standing.came]
        return tuple(sorted(came, key=lambda helper: helper.number))

    def helper(self, responder: Key) -> Helper | None:
        """One responder."""
        standing = self._standings.get(responder)
        return None if standing is None else self._seen(standing)

    def _seen(self, standing: _Standing) -> Helper:
        in_force = self._requisition
        return evolve(standing.helper, complied=in_force is not None and in_force.id in standing.complied)

    def _standing(self, responder: Key) -> _Standing | None:
        if responder not in self._standings:
            if len(self._standings) >= BOARD_RESPONDERS_MAX and not self._make_room(responder):
                return None
            self._standings[responder] = _Standing(Helper(responder))
        return self._standings[responder]

    def _make_room(self, newcomer: Key) -> bool:
        undecided = [key for key, standing in self._standings.items() if not standing.helper.decision]
        worst = max(undecided, key=lambda key: responder_key_hash(self.call, key), default=None)
        if worst is None or responder_key_hash(self.call, worst) < responder_key_hash(self.call, newcomer):
            return False
        del self._standings[worst]
        return True

    def admit(self, frame: Frame) -> None:
        """A verified message about the call."""
        match frame.message:
            case Attest(responders=responders, signer=signer) if signer == self.victim:
                for responder in responders:
                    if (standing := self._standing(responder)) is not None:
                        standing.helper = evolve(standing.helper, attested=True)
            case Requisition(signer=signer) if signer == self.victim:
                if self._requisition is None or newness(frame) < newness(self._requisition):
                    self._requisition = frame
            case Comply(signer=signer, requisition=requisition):
                if (standing := self._standing(signer)) is not None:
                    standing.complied[requisition] = None
                    if len(standing.complied) > COMPLIES_MAX:
                        del standing.complied[next(iter(standing.complied))]
            case Claim() | Decline() | Release():
                self._on_stance(frame)

    def _on_stance(self, frame: Frame) -> None:
        standing = self._standing(frame.message.signer)
        if standing is None or (standing.newest is not None and newness(standing.newest) <= newness(frame)):
            return
        standing.newest, message = frame, frame.message
        if isinstance(message, Claim):
            standing.helper = evolve(standing.helper, claimed=True, manner=message.manner, released=False)
        else:
            standing.complied.clear()
            released = isinstance(message, Release)
            standing.helper = evolve(standing.helper, claimed=False, released=released)
        self._welcome(standing)

    def _welcome(self, standing: _Standing) -> None:
        if standing.came and not standing.helper.number:
            number = self.arrivals.number(standing.helper.responder, self._standings)
            standing.helper = evolve(standing.helper, number=number)

    def opened(self, responder: Key, letter: Incoming) -> None:
        """A letter of a responder was opened; an introduction may bring the CLAIM that the mesh lost."""
        standing = self._standing(responder)
        if standing is None or letter.kind is not LetterKind.INTRODUCTION:
            return
        standing.helper = evolve(standing.helper, introduction=letter.text)
        self._welcome(standing)
        claim = enclosed_claim(letter.enclosure, self.call, responder, self.network)
        if claim is not None:
            self._on_stance(claim)

    def decide(self, responder: Key, decision: str) -> None:
        """The victim accepted or refused a responder."""
        if (standing := self._standing(responder)) is not None:
            standing.helper = evolve(standing.helper, decision=decision)

    def made_contact(self) -> list[Key]:
        """Who claims, wrote, and was not attested yet; ascending."""
        helpers = [standing.helper for standing in self._standings.values()]
        ready = [h for h in helpers if h.claimed and h.introduction is not None and not h.attested]
        return sorted(helper.responder for helper in ready)

    def accepted(self) -> list[Key]:
        """Whom the victim accepted, ascending."""
        standings = self._standings.values()
        return sorted(s.helper.responder for s in standings if s.helper.decision == ACCEPTED)

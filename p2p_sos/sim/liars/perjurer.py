"""Perjurer: accuses honest responders with proofs that prove nothing, and attests its friends, whom it never met."""

from collections.abc import Sequence

from attrs import evolve

from p2p_sos.core.actions import Action
from p2p_sos.sim.behaviour import Make, Seat
from p2p_sos.sim.liars.claimer import Claimer
from p2p_sos.wire.frames import Frame, body_bytes, header_bytes
from p2p_sos.wire.hashing import body_hash
from p2p_sos.wire.messages import Attest, CallId, Claim, Key, Proof
from p2p_sos.wire.rules import rule_broken


def proof_of(first: Frame, second: Frame) -> Proof:
    """The PROOF that two messages would make, whether they conflict or not."""
    pairs = sorted(
        (header_bytes(f.message), body_hash(body_bytes(f.message)), f.signature) for f in (first, second)
    )
    return Proof(first.message.signer, *pairs[0], *pairs[1])


class Perjurer(Claimer):
    """`friends`: keys that it attests."""

    def __init__(self, seat: Seat, friends: Sequence[Key] = ()) -> None:
        super().__init__(seat)
        self.friends = tuple(sorted(friends))
        self._heard: dict[Key, Frame] = {}

    def _on_heard(self, call: CallId, now: float) -> list[Action]:
        claimed = self.claim(call, now)
        others = tuple(friend for friend in self.friends if friend != self.mask.me)
        if not others:
            return claimed
        return [*claimed, *self.mask.say(self.mask.write(Attest, call, responders=others), now)]

    def _on_word(self, frame: Frame, now: float) -> list[Action]:  # noqa: ARG002 (a hook: others use it)
        message = frame.message
        if getattr(message, "previous", None) is None or message.signer == self.mask.me:
            return []
        earlier = self._heard.setdefault(message.signer, frame)
        accusations = []
        if earlier is not frame:
            accusations.append(proof_of(earlier, frame))  # two messages of one log that do not conflict
        if isinstance(message, Claim):
            # Another word of the same sequence, which nobody signed: the signature is that of the first.
            false = proof_of(frame, self._bent(frame, message))
            accusations.append(false)
        cells = [self.mask.seat.shared.seal(p, None).cell for p in accusations if rule_broken(p) is None]
        return self.mask.slip(cells) if cells else []

    def _bent(self, frame: Frame, claim: Claim) -> Frame:
        return evolve(frame, message=evolve(claim, slot=(claim.slot + 1) % 255))


def perjurer(friends: Sequence[Key] = ()) -> Make:
    """A seat for one."""
    return lambda seat: Perjurer(seat, friends)

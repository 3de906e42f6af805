"""The accuser: finds two messages that no honest key signs both of, and makes a PROOF of them.

Decides which messages conflict. Comes in: verified messages, before the bounds look at them; those that are kept; those
that go. Goes out: PROOFs. Must not know boards, calls, or what a conviction means.

It remembers what is held, and nothing else: so its bound is that of the boards, and it finds the same everywhere.
"""

from attrs import define, field

from p2p_sos.wire.frames import Frame, body_bytes, header_bytes, seal
from p2p_sos.wire.hashing import NetworkId, body_hash
from p2p_sos.wire.messages import NOTHING, Attest, Claim, Key, LogMessage, Proof

Place = tuple[Key, object, int]  # the signer; a call and a sequence, or a slot and its epoch


def places(frame: Frame) -> tuple[Place, ...]:
    """What a message occupies, and no other message of its signer may."""
    message = frame.message
    if not isinstance(message, LogMessage):
        return ()
    # "A header in the victim's form of ATTEST convicts nobody." (03-keys §5)
    if isinstance(message, Attest) and message.previous == NOTHING and message.sequence > 0:
        return ()
    entry: Place = (message.signer, message.call, message.sequence)
    if isinstance(message, Claim):
        return entry, (message.signer, message.slot, message.slot_epoch)
    return (entry,)


def proof_of(first: Frame, second: Frame, network: NetworkId) -> Frame:
    """The PROOF of two conflicting messages: the same whoever makes it."""
    pairs = sorted(
        (header_bytes(f.message), body_hash(body_bytes(f.message)), f.signature) for f in (first, second)
    )
    return seal(Proof(first.message.signer, *pairs[0], *pairs[1]), network, None)


@define(eq=False)
class Accuser:
    """The places that the messages in memory occupy."""

    _network: NetworkId = NOTHING
    _held: dict[Place, Frame] = field(factory=dict)
    _signers: dict[Key, int] = field(factory=dict)

    def accuse(self, frame: Frame) -> Frame | None:
        """A PROOF, if this message conflicts with one that is held."""
        for place in places(frame):
            held = self._held.get(place)
            if held is not None and held.id != frame.id:
                return proof_of(held, frame, self._network)
        return None

    def remember(self, frame: Frame) -> None:
        """A message is held from now on; of two for one place the lower id stands for both."""
        for place in places(frame):
            held = self._held.get(place)
            if held is None:
                self._signers[frame.message.signer] = self._signers.get(frame.message.signer, 0) + 1
            if held is None or frame.id < held.id:
                self._held[place] = frame

    def forget(self, frame: Frame) -> None:
        """A message is held no longer."""
        for place in places(frame):
            held = self._held.get(place)
            if held is None or held.id != frame.id:
                continue
            del self._held[place]
            signer = frame.message.signer
            self._signers[signer] -= 1
            if not self._signers[signer]:
                del self._signers[signer]

    def knows(self, key: Key) -> bool:
        """Whether a log message of this key is held: it sits on some board."""
        return key in self._signers

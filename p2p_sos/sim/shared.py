"""What all nodes of a world would compute alike, computed once: pure functions of bytes, so sharing is honest.

Decides what is shared: decoded cells, verdicts on signatures, ids of cells, orders of fitness. Comes in: bytes. Goes out: values. Each
distinct frame's signature is really checked, once. A stamp is not worked for and not recomputed: its effort is believed,
since its price is time, which a virtual clock does not have. Signing is real.
"""

from attrs import define, field

from p2p_sos.core.calls.cards import Cards
from p2p_sos.core.duty.bands import Ranking
from p2p_sos.core.sync.sync import SyncSettings
from p2p_sos.wire.checks import check_proof
from p2p_sos.wire.frames import STAMPED_KINDS, Frame, Stamp, decode, seal
from p2p_sos.wire.hashing import NetworkId, gossip_id
from p2p_sos.wire.keys import SigningKey, can_be_exchanged_with, verifies
from p2p_sos.wire.messages import Call, Key, Message, Proof
from p2p_sos.wire.profiles import Profile
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import STAMP_NONCE_BYTES

NONCE = bytes(STAMP_NONCE_BYTES)


@define(eq=False)
class Shared:
    """The tables of one world."""

    profile: Profile
    accredited: dict[Key, bytes] = field(
        factory=dict
    )  # signer of a CARD -> its group under a root of the profile
    cards: Cards | None = (
        None  # the one table of all nodes, where a scenario lets them share it; None: each its own
    )
    sync: SyncSettings | None = None  # of every node; None: those of production
    ranking: Ranking = field(factory=Ranking)
    _frames: dict[bytes, Frame | Refusal] = field(factory=dict)
    _verdicts: dict[bytes, Refusal | None] = field(factory=dict)
    _ids: dict[bytes, bytes] = field(factory=dict)

    def decode(self, cell: bytes) -> Frame | Refusal:
        """The frame in a cell, or why there is none."""
        found = self._frames.get(cell)
        if found is None:
            found = self._frames[cell] = decode(cell, self.profile.network)
        return found

    def decode_for(self, cell: bytes, network: NetworkId) -> Frame | Refusal:
        """As `wire.frames.decode`: all nodes of a world are of one network."""
        assert network == self.profile.network, "another network"
        return self.decode(cell)

    def check(self, frame: Frame) -> Refusal | None:
        """As `wire.checks.check`, but that a stamp's effort is believed."""
        cell = frame.cell
        if cell not in self._verdicts:
            self._verdicts[cell] = self._check(frame)
        return self._verdicts[cell]

    def _check(self, frame: Frame) -> Refusal | None:
        message = frame.message
        if isinstance(message, Proof):
            return check_proof(message, self.profile.network)
        if not verifies(message.signer, frame.digest, frame.signature):
            return Refusal(Reason.SIGNATURE, "not its signer's signature")
        if isinstance(message, Call) and not can_be_exchanged_with(message.exchange_key):
            return Refusal(Reason.KEY, "nothing can be sealed to the exchange key")
        if message.KIND in STAMPED_KINDS:
            if frame.stamp is None:
                return Refusal(Reason.STAMP, "no stamp")
            if frame.stamp.effort < self.profile.stamp_effort_min:
                return Refusal(Reason.STAMP, f"effort {frame.stamp.effort}")
        return None

    def gossip_id(self, cell: bytes) -> bytes:
        """How the mesh names a cell."""
        found = self._ids.get(cell)
        if found is None:
            found = self._ids[cell] = gossip_id(cell, canonical=True)
        return found

    def seal(self, message: Message, key: SigningKey | None, effort: int = 0) -> Frame:
        """A sealed frame; `effort` adds a stamp that nobody worked for."""
        frame = seal(message, self.profile.network, key, Stamp(NONCE, effort) if effort else None)
        self._frames.setdefault(frame.cell, frame)
        return frame

    def accredits(self, card: Frame) -> bytes | None:
        """The group that a root of the profile vouches for; None if no root does."""
        return self.accredited.get(card.message.signer)


def rings(one: int, other: int) -> int | None:
    """How far apart two cells are: here, how far their base cells' numbers are (the grid itself is not modelled)."""
    if not one or not other:
        return None
    return abs((one >> 45 & 127) - (other >> 45 & 127))

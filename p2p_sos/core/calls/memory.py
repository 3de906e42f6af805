"""Which cells a node holds, where they lie on disk, and how the mesh names them.

Decides the rows of `Table.CELL`. Comes in: frames kept and dropped. Goes out: rows, and cells by their gossip
id. Must not know why a message is kept.
"""

from collections.abc import Callable, Iterator, Sequence

from attrs import define, field, frozen

from p2p_sos.core.actions import Forget, Keep
from p2p_sos.core.gossip.rpc import GossipId
from p2p_sos.core.tables import Table
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.frames import decode as decode_cell
from p2p_sos.wire.hashing import NetworkId, gossip_id
from p2p_sos.wire.messages import MessageId
from p2p_sos.wire.refusals import Refusal
from p2p_sos.wire.registry import Kind

ARRIVAL_BYTES = 8


@frozen
class Arrival:
    """A frame as the store gave it back."""

    frame: Frame
    gossip_id: GossipId
    unix_s: int


@define(eq=False)
class Memory:
    """The cells in memory, in the order of arrival."""

    _by_id: dict[MessageId, tuple[Frame, GossipId]] = field(factory=dict)
    _by_gossip_id: dict[GossipId, Frame] = field(factory=dict)

    def keep(self, frame: Frame, gossip_id: GossipId, unix_s: float) -> Keep:
        """Take a frame; the row must be durable before anybody learns of it."""
        self.take(frame, gossip_id)
        arrival = max(0, int(unix_s)).to_bytes(ARRIVAL_BYTES, "big")
        return Keep(Table.CELL, frame.id, arrival + frame.cell)

    def take(self, frame: Frame, gossip_id: GossipId) -> None:
        """Take a frame that is on disk."""
        self._leave(frame.id)
        self._by_id[frame.id] = (frame, gossip_id)
        self._by_gossip_id[gossip_id] = frame

    def drop(self, frame: Frame) -> Forget:
        """Let go of a frame."""
        self._leave(frame.id)
        return Forget(Table.CELL, frame.id)

    def _leave(self, message: MessageId) -> None:
        held = self._by_id.pop(message, None)
        if held is not None:
            self._by_gossip_id.pop(held[1], None)

    def cell(self, gossip_id: GossipId) -> bytes | None:
        """The cell that the mesh knows by this id."""
        frame = self._by_gossip_id.get(gossip_id)
        return None if frame is None else frame.cell

    def named(self, gossip_id: GossipId) -> Frame | None:
        """The frame that the mesh knows by this id."""
        return self._by_gossip_id.get(gossip_id)

    def frame(self, message: MessageId) -> Frame | None:
        """A message that is held."""
        held = self._by_id.get(message)
        return None if held is None else held[0]

    def gossip_id(self, message: MessageId) -> GossipId | None:
        """How the mesh names a message that is held."""
        held = self._by_id.get(message)
        return None if held is None else held[1]

    def newest_first(self) -> Iterator[tuple[Frame, GossipId]]:
        """Everything held."""
        return iter(reversed(self._by_id.values()))

    def __contains__(self, message: MessageId) -> bool:
        return message in self._by_id


def read_rows(
    rows: Sequence[tuple[bytes, bytes]],
    network: NetworkId,
    decode: Callable[[bytes, NetworkId], Frame | Refusal] = decode_cell,
) -> tuple[list[Arrival], list[bytes]]:
    """The rows of `Table.CELL`: what they hold, CALLs first, then by arrival; and the keys of unreadable ones."""
    arrivals: list[Arrival] = []
    unreadable: list[bytes] = []
    for key, value in rows:
        cell = value[ARRIVAL_BYTES:]
        frame = decode(cell, network)
        if isinstance(frame, Refusal) or frame.id != key:
            unreadable.append(key)
            continue
        unix_s = int.from_bytes(value[:ARRIVAL_BYTES], "big")
        arrivals.append(Arrival(frame, gossip_id(cell, canonical=True), unix_s))
    arrivals.sort(key=lambda a: (a.frame.message.KIND is not Kind.CALL, a.unix_s, a.frame.id))
    return arrivals, unreadable

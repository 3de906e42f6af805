"""The messages that are still in motion: those that wait for a verdict, and those that peers may still ask for.

Comes in: messages and heartbeats. Goes out: their bytes, and who holds them. Bounded in heartbeats and bytes;
must not know links or scores.
"""

from collections import deque

from attrs import Factory, define, field

from p2p_sos.core.gossip.rpc import Carried, GossipId, PeerId, Rpc
from p2p_sos.core.gossip.settings import GossipSettings


@define(eq=False)
class Entry:
    """One message in motion."""

    carried: Carried
    came_at: float
    own: bool = False
    accepted: bool = False
    accepted_at: float = 0.0
    rpc: Rpc = Rpc()  # the frame that carries it; one object for all peers, so that it is encoded once
    forwarders: dict[PeerId, None] = Factory(dict)  # who brought it in full, the first one first
    holders: dict[PeerId, None] = Factory(dict)  # who is known to hold it: forwarders and announcers
    sent: dict[PeerId, None] = Factory(dict)  # to whom we sent it in full


@define
class History:
    """Pending and accepted messages."""

    _settings: GossipSettings
    entries: dict[GossipId, Entry] = field(
        factory=dict
    )  # changed here alone; read wherever every message asks
    _windows: deque[list[GossipId]] = field(factory=lambda: deque([[]]))  # by heartbeat, newest first
    _order: dict[GossipId, None] = field(factory=dict)  # accepted, oldest first
    _bytes: int = 0
    _pending: dict[GossipId, None] = field(factory=dict)  # oldest first

    @property
    def size_bytes(self) -> int:
        """What the accepted messages weigh."""
        return self._bytes

    @property
    def pending(self) -> int:
        """How many wait for a verdict."""
        return len(self._pending)

    @property
    def accepted(self) -> tuple[GossipId, ...]:
        """Every id that peers may ask for, oldest first."""
        return tuple(self._order)

    def get(self, gossip_id: GossipId) -> Entry | None:
        """The message, while it is in motion."""
        return self.entries.get(gossip_id)

    def await_verdict(self, entry: Entry) -> None:
        """Take in a message that is not judged yet."""
        self.entries[entry.carried.id] = entry
        self._pending[entry.carried.id] = None

    def accept(self, entry: Entry, now: float) -> None:
        """Let peers ask for a message from now on."""
        gossip_id = entry.carried.id
        self._pending.pop(gossip_id, None)
        entry.accepted, entry.accepted_at = True, now
        entry.rpc = Rpc(messages=(entry.carried,))
        self.entries[gossip_id] = entry
        if gossip_id not in self._order:
            self._order[gossip_id] = None
            self._bytes += len(entry.carried.data)
            self._windows[0].append(gossip_id)
        # "The message cache MUST be bounded in bytes as well as in heartbeats." (04-gossip §5)
        while self._bytes > self._settings.history_bytes_max and len(self._order) > 1:
            self.drop(next(iter(self._order)))

    def drop(self, gossip_id: GossipId) -> None:
        """Let a message go."""
        entry = self.entries.pop(gossip_id, None)
        self._pending.pop(gossip_id, None)
        if entry is not None and gossip_id in self._order:
            del self._order[gossip_id]
            self._bytes -= len(entry.carried.data)

    def forget_peer(self, peer: PeerId) -> None:
        """A peer left: what its connection told of it no longer holds, and strangers must not fill our memory."""
        for entry in self.entries.values():
            entry.holders.pop(peer, None)
            entry.sent.pop(peer, None)

    def shift(self) -> None:
        """A heartbeat: open a new window, and let go what fell out of the last."""
        self._windows.appendleft([])
        while len(self._windows) > self._settings.history_beats:
            for gossip_id in self._windows.pop():
                self.drop(gossip_id)

    def of_age(self, beats: int) -> list[Entry]:
        """What was accepted so many heartbeats ago."""
        if beats >= len(self._windows):
            return []
        return [entry for i in self._windows[beats] if (entry := self.entries.get(i)) is not None]

    def overdue(self, now: float) -> list[GossipId]:
        """What waited for its verdict too long."""
        waited = []
        for gossip_id in self._pending:
            if now - self.entries[gossip_id].came_at < self._settings.pending_s:
                break
            waited.append(gossip_id)
        return waited

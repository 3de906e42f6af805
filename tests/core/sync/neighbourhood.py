"""Sync machines with made-up holdings, joined by links that carry frames at once and count them.

A made-up cell holds its id in its first 32 bytes; a made-up gate admits every cell that it has not got.
"""

import hashlib
import random
from collections.abc import Callable, Iterable

from attrs import define, field, frozen

from p2p_sos.core.actions import SendSync, SetTimer
from p2p_sos.core.events import PeerJoined, PeerLeft, Started, SyncReceived, TimerFired
from p2p_sos.core.internal import Offered
from p2p_sos.core.sync.sync import Sync, SyncDue, SyncSettings
from p2p_sos.core.sync.tree import Tree, TreeName
from p2p_sos.wire.messages import CallId, MessageId
from p2p_sos.wire.registry import CELL_BYTES

DAY = (20_000).to_bytes(4, "big")


def name_id(text: str) -> MessageId:
    """An id that belongs to a name."""
    return hashlib.blake2b(text.encode(), digest_size=32).digest()


def made_up_cell(message: MessageId) -> bytes:
    """The cell of an id."""
    return message.ljust(CELL_BYTES, b"\xee")


@define(eq=False)
class Shelf:
    """Made-up holdings: ids in trees, and registers of boards by signer."""

    sets: dict[TreeName, dict[MessageId, None]] = field(factory=dict)
    tree_of: Callable[[MessageId], TreeName] = field(default=lambda _: DAY)
    newest: dict[CallId, dict[bytes, bytes]] = field(factory=dict)
    _told: dict[TreeName, Tree] = field(factory=dict)

    def add(self, name: TreeName, ids: Iterable[MessageId]) -> None:
        """Hold these."""
        self.sets.setdefault(name, {}).update(dict.fromkeys(ids))
        if self.sets[name]:
            self._told[name] = Tree(tuple(sorted(self.sets[name])))

    def trees(self) -> dict[TreeName, Tree]:
        """As in the protocol `Holdings`."""
        return dict(self._told)

    def ids(self) -> dict[TreeName, tuple[MessageId, ...]]:
        """What is held, to be compared."""
        return {name: tree.ids for name, tree in self._told.items()}

    def cell(self, message: MessageId) -> bytes | None:
        """As in the protocol `Holdings`."""
        return made_up_cell(message) if any(message in ids for ids in self.sets.values()) else None

    def registers(self, call: CallId) -> tuple[bytes, ...]:
        """As in the protocol `Holdings`."""
        return tuple(self.newest.get(call, {}).values())

    def admit(self, cell: bytes, names: dict[MessageId, TreeName]) -> None:
        """What the gate does with an offered cell: a register by its signer, the rest by its tree."""
        if cell[:8] == b"register":
            call, signer = cell[8:40], cell[40:72]
            held = self.newest.setdefault(call, {}).get(signer, b"")
            self.newest[call][signer] = max(held, cell)
        elif cell[:32] in names and cell == made_up_cell(cell[:32]):
            self.add(names[cell[:32]], [cell[:32]])


def register(call: CallId, signer: bytes, sequence: int) -> bytes:
    """A made-up register; a higher sequence makes a newer one."""
    return (b"register" + call + signer + sequence.to_bytes(4, "big")).ljust(CELL_BYTES, b"\xee")


Behaviour = Callable[[str, bytes], list[bytes]]  # who asked, the frame; what is sent back


@frozen
class Posted:
    """A frame on its way."""

    sender: str
    frame: bytes


@define(eq=False)
class Neighbourhood:
    """Some machines, some liars, links between them and one clock."""

    seed: int = 0
    settings: SyncSettings = field(factory=SyncSettings)
    now: float = 0.0
    machines: dict[str, Sync] = field(factory=dict)
    shelves: dict[str, Shelf] = field(factory=dict)
    liars: dict[str, Behaviour] = field(factory=dict)
    names: dict[MessageId, TreeName] = field(
        factory=dict
    )  # where the gate puts an id; an unknown one is refused
    frames: list[tuple[str, str, bytes]] = field(factory=list)
    offered: list[tuple[str, str, bytes]] = field(factory=list)
    _timers: list[tuple[float, str, object]] = field(factory=list)

    def add(self, name: str, settings: SyncSettings | None = None) -> Shelf:
        """A machine with nothing."""
        shelf = self.shelves[name] = Shelf()
        draws = random.Random(f"{self.seed} {name}")
        self.machines[name] = Sync(shelf, draws, settings or self.settings)
        self.perform(name, self.machines[name].handle(Started(), self.now))
        return shelf

    def hold(self, name: str, tree: TreeName, ids: Iterable[MessageId]) -> None:
        """Let a machine hold ids, which every gate will know."""
        ids = tuple(ids)
        self.names.update(dict.fromkeys(ids, tree))
        self.shelves[name].add(tree, ids)

    def link(self, dialler: str, other: str) -> None:
        """Connect two."""
        for name, peer, outbound in ((other, dialler, False), (dialler, other, True)):
            if name in self.machines:
                joined = PeerJoined(peer, outbound, "/meshsub/1.2.0")
                self.perform(name, self.machines[name].handle(joined, self.now))

    def cut(self, one: str, other: str) -> None:
        """Take a link away."""
        for name, peer in ((one, other), (other, one)):
            if name in self.machines:
                self.perform(name, self.machines[name].handle(PeerLeft(peer), self.now))

    def post(self, at: float, sender: str, receiver: str, frame: bytes) -> None:
        """A frame arrives later."""
        self._timers.append((at, receiver, Posted(sender, frame)))

    def deliver(self, sender: str, receiver: str, frame: bytes) -> None:
        """A frame arrives."""
        if receiver in self.liars:
            for back in self.liars[receiver](sender, frame):
                self.deliver(receiver, sender, back)
            return
        self.perform(receiver, self.machines[receiver].handle(SyncReceived(sender, frame), self.now))

    def perform(self, name: str, steps: list[SendSync | SetTimer | Offered]) -> None:
        """Do what a machine wants."""
        for step in steps:
            match step:
                case SetTimer(key=key, at=at):
                    self._timers.append((at, name, key))
                case Offered(cell=cell, peer=peer):
                    self.offered.append((name, peer, cell))
                    self.shelves[name].admit(cell, self.names)
                case SendSync(peer=peer, frame=frame):
                    self.frames.append((name, peer, frame))
                    self.deliver(name, peer, frame)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while due := [timer for timer in self._timers if timer[0] <= until]:
            first = min(due, key=lambda timer: timer[0])
            self._timers.remove(first)
            self.now = max(self.now, first[0])
            match first:
                case _, name, SyncDue() as key:
                    self.perform(name, self.machines[name].handle(TimerFired(key), self.now))
                case _, name, Posted(sender=sender, frame=frame):
                    self.deliver(sender, name, frame)
        self.now = until

    def bytes_passed(self) -> int:
        """All bytes of all frames."""
        return sum(len(frame) for _, _, frame in self.frames)

    def is_agreed(self) -> bool:
        """Whether all machines hold the same."""
        return all(
            shelf.ids() == first.ids() for first in self.shelves.values() for shelf in self.shelves.values()
        )

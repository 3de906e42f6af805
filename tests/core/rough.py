"""A rough world: links that lose and break, and processes that stand still or die at the worst moment.

Links have latencies of their own, and what arrives on one arrives in order; what is lost is what a driver may shed
(messages and announcements, never GRAFT, PRUNE or subscriptions). A process dies between two events, before a commit, or
between a commit and what follows from it. Deterministic like the world it is made of.
"""

import heapq
import random
from enum import Enum

from attrs import define, evolve, frozen

from p2p_sos.core.actions import Action, Disconnect, Forget, Keep
from p2p_sos.core.board.board import REGISTERS
from p2p_sos.core.events import Event, PeerJoined, PeerLeft, RpcReceived, TimerFired, Verified
from p2p_sos.core.gossip.rpc import GossipId, Rpc
from p2p_sos.wire.frames import Frame, decode
from p2p_sos.wire.messages import Card
from p2p_sos.wire.registry import Kind
from tests.core.world import World

REFUSED_S = 600.0  # what the driver does to a peer that was dropped
A_MOMENT_S = 1e-6


class Death(Enum):
    """When a process dies, seen from an event that writes something."""

    AT_ONCE = "between two events"
    UNWRITTEN = "before the commit"
    UNSAID = "after the commit, before anything is sent, told or timed"


@define(eq=False)
class Link:
    """One pair of places; `made` counts its connections, and a connection that ended delivers nothing any more."""

    dialler: str
    other: str
    latency_s: float
    made: int = 0
    up: bool = False
    wanted: bool = True
    refused_until: float = 0.0


@frozen
class OverLink:
    """An event that one connection brings."""

    link: Link
    made: int
    event: Event


def pair(a: str, b: str) -> tuple[str, str]:
    """The name of a link."""
    return (a, b) if a < b else (b, a)


class RoughWorld(World):
    """A world in which things break; `loss` is the share of RPCs that lose what may be lost.

    One cell of a letter in `letters_lost` arrives nowhere, whoever sends it and however often; 0 is none.
    """

    def __init__(self, seed: int, *, loss: float = 0.0) -> None:
        super().__init__(seed)
        self.loss = loss
        self.letters_lost = 0
        self.links: dict[tuple[str, str], Link] = {}
        self.dropped: list[tuple[float, str, str, str]] = []
        self.said: dict[GossipId, Frame] = {}
        self._draws = random.Random(f"rough {seed}")
        self._doomed: dict[str, Death] = {}
        self._last: dict[tuple[str, str], float] = {}
        self._still_until: dict[str, float] = {}

    # ------------------------------------------------------------------ links

    def link(self, dialler: str, other: str, latency_s: float = 0.02) -> None:
        """A link that comes up whenever both ends are up, and is wanted."""
        self.links[pair(dialler, other)] = Link(dialler, other, latency_s)
        self.places[dialler].links[other] = True
        self.places[other].links[dialler] = False
        self._connect(self.links[pair(dialler, other)])

    def _connect(self, link: Link) -> None:
        ends = (link.dialler, link.other)
        if link.up or not link.wanted or link.refused_until > self.now:
            return
        if any(self.places[end].node is None for end in ends):
            return
        link.up, link.made = True, link.made + 1
        self._last.pop(ends, None)
        self._last.pop(ends[::-1], None)
        for me, peer in (ends, ends[::-1]):
            joined = PeerJoined(peer, me == link.dialler, "/meshsub/1.2.0", peer)
            self._push_over(link, me, peer, joined)

    def _push_over(self, link: Link, name: str, peer: str, event: Event) -> None:
        at = self.now + link.latency_s * self._draws.uniform(1.0, 1.5)
        at = self._last[peer, name] = max(at, self._last.get((peer, name), 0.0))
        self._push(name, at - self.now, OverLink(link, link.made, event))  # type: ignore[arg-type]

    def _join(self, name: str, other: str, outbound: bool) -> None:
        self._connect(self.links[pair(name, other)])

    def cut(self, a: str, b: str) -> None:
        """A connection ends, and what was on its way is lost; it stays away until `mend`."""
        link = self.links[pair(a, b)]
        link.wanted = False
        self._end(link)

    def mend(self, a: str, b: str) -> None:
        """The connection may come back."""
        link = self.links[pair(a, b)]
        link.wanted = True
        self._connect(link)

    def _end(self, link: Link) -> None:
        if not link.up:
            return
        link.up = False
        for me, peer in ((link.dialler, link.other), (link.other, link.dialler)):
            if self.places[me].node is not None:
                self._push(me, 0.0, PeerLeft(peer))

    def _send(self, name: str, peer: str, rpc: Rpc) -> None:
        link = self.links.get(pair(name, peer))
        for carried in rpc.messages:
            if carried.id not in self.said:
                frame = decode(carried.data, self.profile.network)
                assert isinstance(frame, Frame), "an honest node says nothing that cannot be read"
                self.said[carried.id] = frame
        if link is None or not link.up:
            return
        rpc = evolve(
            rpc,
            messages=tuple(carried for carried in rpc.messages if not self._is_doomed(carried.id)),
            ihave=tuple((t, tuple(i for i in ids if not self._is_doomed(i))) for t, ids in rpc.ihave),
        )
        if self._draws.random() < self.loss:
            rpc = evolve(rpc, messages=(), ihave=(), iwant=(), idontwant=())
        self._push_over(link, peer, name, RpcReceived(name, rpc, 16 + 2048 * len(rpc.messages)))

    def _is_doomed(self, cell: GossipId) -> bool:
        letter = cell in self.said and self.said[cell].message.KIND is Kind.LETTER
        return bool(self.letters_lost) and letter and cell[0] % self.letters_lost == 0

    # ------------------------------------------------------------------ life and death

    def tell(self, name: str, event: Event) -> None:
        """Let an event happen to a node now, unless it came over a connection that ended."""
        if isinstance(event, OverLink):
            if not event.link.up or event.made != event.link.made:
                return
            event = event.event
        super().tell(name, event)

    def _push(self, name: str, after_s: float, event: Event) -> None:
        if isinstance(event, Verified):
            after_s += self._draws.choice((0.0, 0.01, 0.5))
        super()._push(name, max(after_s, self._still_until.get(name, 0.0) - self.now), event)

    def stall(self, name: str, seconds: float) -> None:
        """A process gets no processor for a while: what happens to it happens later, and timers first, as in a driver."""
        self._still_until[name] = self.now + seconds
        for index, (at, count, who, life, event) in enumerate(self._heap):
            if who == name:
                until = self.now + seconds - isinstance(event, TimerFired) * A_MOMENT_S
                self._heap[index] = (max(at, until), count, who, life, event)
        heapq.heapify(self._heap)

    def is_still(self, name: str) -> bool:
        """Whether a process gets no processor."""
        return self.now < self._still_until.get(name, 0.0)

    def kill(self, name: str, how: Death = Death.AT_ONCE) -> None:
        """A process dies: now, or at the next event that writes something."""
        if how is not Death.AT_ONCE:
            self._doomed[name] = how
            return
        self._doomed.pop(name, None)
        self._still_until.pop(name, None)
        place = self.places[name]
        place.node = None
        place.life += 1
        for other in place.links:
            self._end(self.links[pair(name, other)])

    def _perform(self, name: str, actions: list[Action]) -> None:
        how = self._doomed.get(name)
        if how is not None and any(isinstance(action, Keep | Forget) for action in actions):
            kept = [a for a in actions if isinstance(a, Keep | Forget)] if how is Death.UNSAID else []
            super()._perform(name, kept)
            self.kill(name)
            return
        super()._perform(name, [a for a in actions if not isinstance(a, Disconnect)])
        for action in actions:
            if isinstance(action, Disconnect):
                self.dropped.append((self.now, name, action.peer, action.why))
                link = self.links[pair(name, action.peer)]
                link.refused_until = self.now + REFUSED_S
                self._end(link)

    def doom_of(self, name: str) -> Death | None:
        """How a living process is about to die."""
        return self._doomed.get(name)

    def spare_all(self) -> None:
        """Nobody is about to die any more, and whoever stood still moves."""
        self._doomed.clear()
        self.run(max(self._still_until.values(), default=self.now) - self.now)

    def reconnect(self) -> None:
        """Every wanted link between living places comes up, unless it is refused."""
        for key in sorted(self.links):
            self._connect(self.links[key])

    # ------------------------------------------------------------------ what must hold whatever happens

    def reused(self) -> list[tuple[str, ...]]:
        """Sequences, numbers and slots that stand in two messages that left a node."""
        first: dict[tuple[object, ...], bytes] = {}
        twice: list[tuple[str, ...]] = []
        for frame in self.said.values():
            message = frame.message
            if isinstance(message, Card):
                continue
            keys: list[tuple[object, ...]] = []
            signer, call = message.signer, getattr(message, "call", frame.id)
            for name in ("sequence", "number"):
                if hasattr(message, name):
                    # "registers count by themselves" (06-board §4)
                    row = message.KIND if message.KIND in REGISTERS else None
                    keys.append((name, row, signer, call, getattr(message, name)))
            if hasattr(message, "slot"):
                keys.append(("slot", signer, message.slot, message.slot_epoch))
            for key in keys:
                if first.setdefault(key, frame.id) != frame.id:
                    twice.append(tuple(str(part) for part in key))
        return twice

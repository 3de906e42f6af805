"""A tiny world for the sealed dialogue alone: one victim's case, some responders' dialogues, a bad network, crashes.

A party is a machine, its store and the cells it holds; everything else is a heap of events with one seed.
"""

import heapq
from collections.abc import Callable
from random import Random
from typing import Any

from p2p_sos.core.actions import Forget, Keep, SetTimer, Tell
from p2p_sos.core.case.case import Case, VictimSecrets, compose_call
from p2p_sos.core.events import ClockRead, PeerJoined, Restored, Started, TimerFired, VictimCalls
from p2p_sos.core.internal import Admitted, Publish
from p2p_sos.core.letters.dialogue import Dialogue
from p2p_sos.core.notices import LetterArrived
from p2p_sos.core.tables import Table
from p2p_sos.wire import registry as r
from p2p_sos.wire.frames import Frame, decode, seal
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import NOTHING, Claim, Letter
from p2p_sos.wire.profiles import PROFILES

NETWORK = PROFILES["laboratory"].network
EPOCH = 2_980_000
BASE_UNIX_S = float(EPOCH * r.CALL_EPOCH_S)
SITUATION = "the file server is encrypted; ring 555-0100"


def key(number: int) -> SigningKey:
    return SigningKey(bytes([number]) * 32)


class Party:
    """One process and what outlives it. `build` makes its machine anew."""

    def __init__(self, name: str, world: "World", build: Callable[[Random], Any]) -> None:
        self.name, self.world, self.build = name, world, build
        self.rows: dict[Table, dict[bytes, bytes]] = {table: {} for table in Table}
        self.cells: dict[bytes, Frame] = {}
        self.told: list[Any] = []
        self.published: list[tuple[float, Publish]] = []
        self.run = 0
        self.machine: Any = None
        self.start()

    def start(self) -> None:
        """A process begins, from whatever the last one kept."""
        self.run += 1
        self.machine = self.build(Random(f"{self.world.seed} {self.name} {self.run}"))
        for table in Table:
            self.give(Restored(table, tuple(sorted(self.rows[table].items()))))
        self.give(ClockRead(BASE_UNIX_S + self.world.now))
        # A hostile order: the newest first, so that nothing may rely on the order of arrival.
        for frame in reversed(list(self.cells.values())):
            self.give(Admitted(frame, gossip_id(frame.cell, canonical=True), restored=True))
        self.give(Started())

    def give(self, event: Any, crash_after: int | None = None) -> None:
        """Handle one event and perform its actions in order; crash before action `crash_after`."""
        actions = self.machine.handle(event, self.world.now)
        assert isinstance(actions, list)
        for index, action in enumerate(actions):
            if index == crash_after:
                self.start()
                return
            self._perform(action)

    def _perform(self, action: Any) -> None:
        match action:
            case Keep(table=table, key=row, value=value):
                self.rows[table][row] = value
            case Forget(table=table, key=row):
                self.rows[table].pop(row, None)
            case Tell(notice=notice):
                self.told.append(notice)
            case SetTimer(key=timer, at=at):
                assert at >= self.world.now
                self.world.at(at, lambda run=self.run: run == self.run and self.hit(TimerFired(timer)))
            case Publish(frame=frame):
                self.published.append((self.world.now, action))
                again = frame.id in self.cells
                self.cells[frame.id] = frame
                if not again:
                    self.give(Admitted(frame, gossip_id(frame.cell, canonical=True), own=True))
                self.world.carry(self, frame)
            case _:
                raise AssertionError(action)

    def hit(self, event: Any) -> None:
        """An event of the world, at which this party may crash."""
        crash = self.world.random.randrange(4) if self.world.random.random() < self.world.crash else None
        self.give(event, crash)

    def receive(self, frame: Frame) -> None:
        """A cell arrives: known ones are dropped, as the node does."""
        if frame.id in self.cells:
            return
        self.cells[frame.id] = frame
        self.hit(Admitted(frame, gossip_id(frame.cell, canonical=True)))

    def arrivals(self) -> list[LetterArrived]:
        return [notice for notice in self.told if isinstance(notice, LetterArrived)]

    def letter_cells(self) -> list[float]:
        """When this party sent its LETTER cells."""
        return [at for at, publish in self.published if isinstance(publish.frame.message, Letter)]


class World:
    """Virtual time, one seed, a network that loses, doubles and reorders."""

    def __init__(
        self, seed: int = 0, *, responders: int = 1, loss: float = 0.0, double: float = 0.0,
        crash: float = 0.0, introduction: str = "we are a CERT; ring 555-0199",
    ) -> None:  # fmt: skip
        self.seed, self.random, self.now = seed, Random(seed), 0.0
        self.loss, self.double, self.crash = loss, double, crash
        self._heap: list[tuple[float, int, Callable[[], Any]]] = []
        self._count = 0
        self.parties: list[Party] = []
        self.secrets = VictimSecrets(key(1), b"\x21" * 32, SITUATION)
        call = compose_call(
            self.secrets, epoch=EPOCH, status=r.Status.ACTUAL, severity=r.Severity.SEVERE,
            urgency=r.Urgency.IMMEDIATE, certainty=r.Certainty.LIKELY, nature=r.Nature.OTHER__UNDETERMINED,
            needs=1 << r.Need.EXPERTISE, sector=r.Sector.HEALTH,
        )  # fmt: skip
        self.call = seal(call, NETWORK, self.secrets.call_key)
        self.victim = Party("victim", self, self._case)
        self.parties.append(self.victim)
        self.responders: list[Party] = []
        for number in range(responders):
            signer = key(100 + number)

            def build(random: Random, signer: SigningKey = signer) -> Dialogue:
                return Dialogue(NETWORK, signer, introduction, random.randbytes, random)

            self.responders.append(Party(f"responder {number}", self, build))
        self.parties += self.responders

    def _case(self, random: Random) -> Case:
        return Case(self.secrets, NETWORK, random.randbytes, random)

    def at(self, when: float, do: Callable[[], Any]) -> None:
        self._count += 1
        heapq.heappush(self._heap, (when, self._count, do))

    def carry(self, sender: Party, frame: Frame) -> None:
        """Everyone receives every cell, or not."""
        assert decode(frame.cell, NETWORK) == frame
        for party in self.parties:
            if party is sender:
                continue
            copies = 0 if self.random.random() < self.loss else 1 + (self.random.random() < self.double)
            for _ in range(copies):
                delay = self.random.uniform(0.01, 0.5) if self.random.random() < 0.9 else 20.0
                self.at(self.now + delay, lambda party=party: party.receive(frame))

    def run(self, until: float) -> None:
        while self._heap and self._heap[0][0] <= until:
            self.now, _, do = heapq.heappop(self._heap)
            do()
        self.now = until

    # ------------------------------------------------------------------ the story

    def begin(self) -> None:
        """The victim calls, and everyone heard the CALL."""
        self.victim.give(VictimCalls(self.call))
        for party in self.responders:
            party.receive(self.call)

    def claim(self, number: int, sequence: int = 0, previous: bytes = NOTHING) -> Frame:
        """A responder's node publishes its CLAIM; what a node keeps, it keeps in one go."""
        party, signer = self.responders[number], key(100 + number)
        claim = Claim(self.call.id, signer.public, sequence, previous, (), 0, 0, NOTHING, r.Manner.PERSON)
        frame = seal(claim, NETWORK, signer)
        party._perform(Publish(frame))
        return frame


def joined(party: Party, name: str) -> None:
    """A peer that the party dialled."""
    party.give(PeerJoined(name, True, "/meshsub/1.2.0"))


def met(world: World) -> World:
    """Everybody claimed and wrote."""
    world.begin()
    for number in range(len(world.responders)):
        world.claim(number)
    world.run(world.now + 30)
    return world

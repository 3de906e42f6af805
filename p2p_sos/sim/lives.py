"""Births, joins and deaths: how a node of production is started from its rows, and connected.

Decides the order of events at a start. Comes in: places. Goes out: events to them, and to the record of who could reach
whom. Must not know what a scenario plans.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from random import Random

from p2p_sos.core.board.fitness import fitness
from p2p_sos.core.board.judge import Judge
from p2p_sos.core.board.resolve import View
from p2p_sos.core.board.standing import Description, Fitness
from p2p_sos.core.duty.policy import Responder
from p2p_sos.core.events import PeerJoined, PeerLeft, Restored, RoundTripMeasured, Started
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.tables import Table
from p2p_sos.sim.behaviour import Seat
from p2p_sos.sim.engine import BOOTED_S, START_UNIX_S, Engine
from p2p_sos.sim.facts import CallFacts, Epoch
from p2p_sos.sim.observer import Observer
from p2p_sos.sim.places import Place
from p2p_sos.sim.shared import Shared, rings
from p2p_sos.sim.trace import WORLD, Trace
from p2p_sos.sim.truth import Truth
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.hashing import blake2b
from p2p_sos.wire.messages import Call, CallId, Card, Key
from p2p_sos.wire.profiles import Profile
from p2p_sos.wire.registry import CALL_EPOCH_S, CARD_EPOCH_S, TIMINGS

START_S = -15.0  # when the nodes start: the mesh has settled at 0
PROTOCOL = "/meshsub/1.2.0"
JOIN_SPREAD_S = 0.5  # the links of a world are made one after the other within this time
REDIAL_S = 5.0  # guess: how often a driver tries a peer that it cannot reach
REFUSED_S = 120.0  # guess: how long a driver refuses a peer that it dropped
ARRIVAL_BYTES = 8
LOOK_EVERY_S = 10.0  # how often views are compared with their boards: 1 % of a run
EARLIER_S = 60  # so long before their start nodes came to know what they know then


def seed_of(text: str) -> bytes:
    """32 bytes that belong to a name."""
    return blake2b("esos/1 simulated", text.encode())


class Lives(Engine):
    """The part of a world that starts, joins and stops nodes."""

    def __init__(
        self, seed: int, trace: Trace, profile: Profile, gossip: GossipSettings, verdict_s: float
    ) -> None:
        shared = Shared(profile)
        super().__init__(shared, Observer(trace, shared), Random(f"{seed} links"), verdict_s=verdict_s)
        self.seed, self.profile, self.gossip, self.trace = seed, profile, gossip, trace
        self.now = START_S
        self.begun = False
        self.preloaded = True  # whether nodes know cards at their first start
        self.known_share = 1.0  # of the others' cards, what a node holds at its first start
        self.mode = "liveness"
        self.delta_s = 1.0  # a bound on the gossip delay without faults; a slow world sets a higher one
        self.quiet_from_s: float | None = None  # from here on nothing is done to the world
        self.known_share_at_call = 1.0
        self.leapt_s = 0.0  # by how much all wall clocks leapt together
        self.clock_error_s = 0.0  # by how much one was set wrong
        self.known: dict[str, float] = {}  # figures that a scenario adds to the facts
        self.call_facts: dict[CallId, CallFacts] = {}
        self._truth = Truth(START_S)
        self._down: list[str] = []  # not to be started by `begin`

    # ------------------------------------------------------------------ finding

    def __getitem__(self, name: str) -> Place:
        return self.places[self._by_name[name]]

    def named(self, name: str) -> Iterator[Place]:
        """One place, or with * all."""
        return iter(self.places if name == "*" else [self[name]])

    def view_at(self, name: str, victim: str) -> View | None:
        """What an honest node sees of a victim's call now; None while it is down or has not heard."""
        node, place = self[name].node, self[victim]
        calls = [c for c, facts in self.call_facts.items() if facts.victim == place.name]
        return node.calls[calls[-1]].view if node is not None and calls and calls[-1] in node.calls else None

    def _place(self, place: Place, *, up: bool) -> Place:
        assert place.name not in self._by_name, f"two places named {place.name}"
        self.places.append(place)
        self._by_name[place.name] = place.index
        if not up:
            self._down.append(place.name)
        elif self.begun:
            self.start(place)
        return place

    def hold_back(self, names: Sequence[str]) -> None:
        """These are not started at the beginning, but when a scenario restarts them."""
        self._down += names

    # ------------------------------------------------------------------ records

    def fault(self, verb: str, *arguments: object) -> None:
        """Something is done to the world."""
        self.trace.add(self.now, WORLD, "fault", verb, *arguments)

    def change(self) -> None:
        """Links or lives are about to change."""
        self._truth.before_change(self.now, self.places)

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """Who could reach whom, until now."""
        self.change()
        return tuple(self._truth.epochs)

    def called(self, place: Place, frame: Frame) -> None:
        """A victim is about to call."""
        call = frame.message
        assert isinstance(call, Call)
        capable = tuple(p.name for p in self.places if p.is_honest and _answers(p, call))
        timing = TIMINGS[call.severity]
        if not self.call_facts:
            self.known_share_at_call = self._known()
        ends_s = call.epoch * CALL_EPOCH_S + timing.life_s - START_UNIX_S
        self.call_facts[frame.id] = CallFacts(
            frame.id,
            place.name,
            call.signer,
            self.now,
            timing,
            capable,
            ends_s,
            self._fittest(frame.id, call),
        )

    def _fittest(self, call_id: CallId, call: Call) -> tuple[str, ...]:
        """All responders, liars too, in the order in which every node ranks them."""
        judge, asked = Judge(self.profile, rings, self.shared.accredits), Description.of(call)
        ranks: list[tuple[Fitness, str]] = []
        for place, card in self._cards():
            worth = judge.standing(card, asked, call).tier
            ranks.append((fitness(call_id, card.message.signer, worth), place.name))
        return tuple(name for _, name in sorted(ranks))

    def _known(self) -> float:
        """The share of the honest responders' cards that honest nodes know now, on average."""
        nodes = [p.node for p in self.places if p.is_honest and p.responder is not None and p.runs]
        keys = [p.responder.key.public for p in self.places if p.is_honest and p.responder is not None]
        if self.shared.cards is not None:
            nodes = nodes[:1]  # all read one table
        known = [len([key for key in keys if key in node.cards]) for node in nodes if node is not None]
        return sum(known) / (len(known) * len(keys)) if known else 0.0

    # ------------------------------------------------------------------ lives

    def begin(self) -> None:
        """Start everybody who is to be up, and make the links."""
        self.begun = True
        if self.preloaded and self.shared.cards is not None:
            for _, card in self._cards():
                self.shared.cards.offer(card, BOOTED_S + self.now - EARLIER_S)
        elif self.preloaded:
            cards, draws = self._cards(), Random(f"{self.seed} cards")
            for place in self.places:
                self._preload(place, cards, draws)
        for place in self.places:
            if place.name not in self._down:
                self.start(place, joined=False)
        self.at(self.now + LOOK_EVERY_S, self._look_again)
        pairs = [(p, self.places[i]) for p in self.places for i in p.dialled]
        for number, (one, other) in enumerate(pairs):
            self.at(self.now + JOIN_SPREAD_S * number / len(pairs), partial(self.join, one, other))

    def _look_again(self) -> None:
        """Whether what each node sees is what its board says."""
        for place in self.places:
            self.observer.compare(self.now, place)
        self.at(self.now + LOOK_EVERY_S, self._look_again)

    def _cards(self) -> list[tuple[Place, Frame]]:
        return [(p, self.card_of(p.responder)) for p in self.places if p.responder is not None]

    def card_of(self, responder: Responder, *, epoch: int | None = None) -> Frame:
        """The card of the day of a responder, as its node would make it; nobody worked for its stamp."""
        policy, key = responder.policy, responder.key
        day = int(START_UNIX_S + self.now) // CARD_EPOCH_S
        card = Card(
            signer=key.public, epoch=day if epoch is None else epoch, skills=policy.skills,
            sectors=policy.sectors, languages=policy.languages, cell=policy.cell,
            duty_hours=policy.duty_hours, slots=policy.slots, group=key.public, accreditation=b"",
        )  # fmt: skip
        return self.shared.seal(card, key, self.profile.stamp_effort_min)

    def _preload(self, place: Place, cards: list[tuple[Place, Frame]], draws: Random) -> None:
        rows = place.store.rows.setdefault(Table.CELL, {})
        arrived = int(START_UNIX_S + self.now - EARLIER_S).to_bytes(ARRIVAL_BYTES, "big")
        for owner, card in cards:
            if owner is place or self.known_share >= 1.0 or draws.random() < self.known_share:
                rows[card.id] = arrived + card.cell

    def start(self, place: Place, *, joined: bool = True) -> None:
        """Start whoever sits at a place from its rows, and connect it."""
        assert place.sitter is None, f"{place.name} is up"
        self.change()
        place.life += 1
        draws = Random(f"{self.seed} {place.name} {place.life}")
        seat = Seat(
            place.name,
            place.life,
            self.profile,
            self.gossip,
            draws,
            self.shared,
            place.responder,
            place.victim,
            place.way,
        )
        self._own(place, None if place.responder is None else place.responder.key.public)
        self._own(place, None if place.victim is None else place.victim.call_key.public)
        place.sitter = place.make(seat)
        self.trace.add(self.now, place.name, "up", place.life)
        for table in Table:
            self.tell(place, Restored(table, place.store.sorted_rows(table)))
        self.tell(place, self.reading(place))
        self.tell(place, Started())
        if joined:
            for index in place.links:
                other = self.places[index]
                dialler, dialled = (place, other) if index in place.dialled else (other, place)
                self.join(dialler, dialled)

    def _own(self, place: Place, key: Key | None) -> None:
        if key is not None and key not in place.keys:
            place.keys.append(key)
            self.observer.owners[key] = place

    def stop(self, place: Place, *, told: bool) -> None:
        """Whoever sits at a place dies at once."""
        if place.sitter is None:
            return
        self.change()
        self.trace.add(self.now, place.name, "down", place.life)
        place.sitter, place.backlog, place.unsent = None, None, []
        place.life += 1
        self.observer.forget(place)
        for index in place.links:
            self.part(place, self.places[index], told=told)

    def part(self, place: Place, other: Place, *, told: bool) -> None:
        """A connection is gone; the other end is told, now or when somebody connects again."""
        there, back = place.links[other.index], other.links[place.index]
        if there.joined and told:
            self.left(other, place)
        back.stale = back.stale or (there.joined and not told)
        there.joined = back.joined = False

    # ------------------------------------------------------------------ joins

    def join(self, dialler: Place, other: Place) -> None:
        """Connect two that are up and linked; each learns of it after half a round trip."""
        if dialler.sitter is None or other.sitter is None:
            return
        there, back = dialler.links[other.index], other.links[dialler.index]
        if there.joined:
            return
        if not (there.open and back.open):
            self.at(self.now + REDIAL_S, partial(self.join, dialler, other))
            return
        there.joined = back.joined = True
        for one, two, direction in ((dialler, other, there), (other, dialler, back)):
            if direction.stale:
                self.left(one, two)
                direction.stale = False
        latency_s = there.quality.latency_s
        for one, two, outbound in ((dialler, other, True), (other, dialler, False)):
            self.later(one, latency_s, PeerJoined(two.name, outbound, PROTOCOL, two.name))
            self.later(one, latency_s + 0.2, RoundTripMeasured(two.name, 2 * latency_s))

    def tear(self, place: Place, other: Place) -> None:
        """A cut breaks a connection, and both ends notice."""
        there, back = place.links[other.index], other.links[place.index]
        if not there.joined:
            return
        there.joined = back.joined = False
        there.torn = back.torn = True
        self.left(place, other)
        self.left(other, place)

    def reconnect(self, place: Place, other: Place) -> None:
        """A link is open again: the connection that its cut broke is made anew, by who made it first."""
        there, back = place.links[other.index], other.links[place.index]
        if there.torn and there.open and back.open:
            there.torn = back.torn = False
            dialled = other.index in place.dialled
            self.join(*((place, other) if dialled else (other, place)))

    def disconnect(self, place: Place, peer: str, why: str) -> None:
        """A node closes a link; its driver refuses the peer for a while, then the dialler tries again."""
        index = self._by_name.get(peer)
        if index is None or index not in place.links:
            return
        other = self.places[index]
        self.trace.add(self.now, place.name, "dropped", peer, why)
        self.later(place, 0.0, PeerLeft(peer))
        self.part(place, other, told=True)
        dialler, dialled = (place, other) if index in place.dialled else (other, place)
        self.at(self.now + REFUSED_S, lambda: self.join(dialler, dialled))


def _answers(place: Place, call: Call) -> bool:
    if place.responder is None:
        return False
    policy = place.responder.policy
    speaks = not call.languages or any(language in policy.languages for language in call.languages)
    return bool(policy.skills & call.needs) and speaks

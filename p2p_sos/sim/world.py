"""A world: places, links, clocks, calls, and everything that can be done to them.

Decides what each fault means. Comes in: what a scenario builds and plans. Goes out: the trace and the facts of a run.
Must not know which property anybody checks.

Scenario times are true time in seconds from 0; the nodes start at `START_S`, before, so that the mesh has settled when
the scenario begins. Faults are planned as data (`plan(at_s, verb, *arguments)`), every verb being a method here; what
needs a decision of the moment is a function (`schedule`).
"""

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Any

from attrs import evolve

from p2p_sos.core.actions import Keep
from p2p_sos.core.case.case import VictimSecrets, case_rows, compose_call
from p2p_sos.core.duty.policy import Policy, Responder
from p2p_sos.core.events import Event, PeerJoined, PeerLeft, Pushed, PushFailed, RpcReceived, VictimCalls
from p2p_sos.core.gossip.rpc import Carried, Rpc
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.origin.way import Way
from p2p_sos.core.tables import Table
from p2p_sos.sim.behaviour import Make, honest
from p2p_sos.sim.engine import BOOTED_S, START_UNIX_S
from p2p_sos.sim.faults import Fault
from p2p_sos.sim.links import Quality
from p2p_sos.sim.lives import PROTOCOL, Lives, seed_of
from p2p_sos.sim.places import Clocks, Place, Store
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import CallId
from p2p_sos.wire.profiles import PROFILES, Profile
from p2p_sos.wire.registry import (
    CALL_EPOCH_S,
    PUSH_RELAYS,
    TOPIC,
    Certainty,
    Nature,
    Need,
    Sector,
    Severity,
    Status,
    Urgency,
)

PROFILE = evolve(PROFILES["laboratory"], name="simulated")
EVERYBODY = "*"
CIRCUIT_S = 3.0  # guess: to build a circuit and to push through it


class World(Lives):
    """Places and what is done to them; every method that a scenario plans takes names and numbers only."""

    def __init__(
        self,
        seed: int,
        *,
        trace: Trace | None = None,
        profile: Profile = PROFILE,
        gossip: GossipSettings | None = None,
        verdict_s: float = 0.002,
        without: tuple[int, ...] = (),
        way: Way = Way.DIRECT,
    ) -> None:
        super().__init__(seed, trace or Trace(), profile, gossip or GossipSettings(), verdict_s)
        self.draws = Random(f"{seed} build")  # for whoever builds: latencies, choices
        self.faults: list[Fault] = []
        self.calls: dict[str, Frame] = {}
        self._without = without
        self._pushes = 0
        self.way = way  # of every victim that is not told another

    # ------------------------------------------------------------------ building

    def live_under(self, profile: Profile) -> None:
        """Another profile, for a world that is still empty: where a seed draws it."""
        assert not self.places, "nobody is there yet"
        self.profile = self.shared.profile = profile

    def add_node(
        self,
        name: str,
        *,
        policy: Policy | None = None,
        make: Make = honest,
        group: bytes | None = None,
        up: bool = True,
        clock_offset_s: float = 0.0,
        clock_rate: float = 1.0,
    ) -> Place:
        """A responder. `make` seats somebody else there; `group`: a root vouches for it; not `up`: it starts later."""
        key = SigningKey(seed_of(f"{self.seed} {name} key"))
        responder = Responder(key, policy or Policy(), f"we are {name}")
        place = self._place(Place(len(self.places), name, responder, None, make), up=up)
        if group is not None:
            self.shared.accredited[key.public] = group
        place.clocks = Clocks(BOOTED_S + self.now, self.now, clock_rate, clock_offset_s)
        return place

    def add_victim(self, name: str, *, up: bool = True, way: Way | None = None, **fields: Any) -> Place:
        """Somebody who will call; `fields` change those of an ordinary CALL. `way` None: as all victims of this world."""
        key = SigningKey(seed_of(f"{self.seed} {name} call"))
        secrets = VictimSecrets(key, seed_of(f"{self.seed} {name} exchange"), "all files are encrypted")
        told = Place(len(self.places), name, None, secrets, way=way or self.way)
        place = self._place(told, up=up)
        place.clocks = Clocks(BOOTED_S + self.now, self.now)
        place.call_fields = fields
        for row, value in case_rows(secrets):
            place.store.write(Keep(Table.CASE, row, value))
        return place

    def link(self, dialler: str, other: str, quality: Quality | None = None) -> None:
        """A link for good; who runs at both ends is joined, now and after every restart."""
        one, two = self[dialler], self[other]
        assert one is not two, "a link to oneself"
        assert two.index not in one.links, f"{dialler} and {other} are linked"
        told = quality or Quality()
        one.link(two, told)
        two.link(one, told)
        one.dialled[two.index] = None
        if self.begun:
            self.change()
            self.join(one, two)

    def set_quality(self, one: str, other: str, **changes: Any) -> None:
        """Change how a link behaves, both ways; `other` * means all links of `one`, both * all links."""
        for place in self.named(one):
            for index, direction in place.links.items():
                if other in (EVERYBODY, self.places[index].name):
                    direction.quality = direction.quality.worse(**changes)
                    back = self.places[index].links[place.index]
                    back.quality = back.quality.worse(**changes)

    def plan(self, at_s: float, verb: str, *arguments: object, **named: Any) -> None:
        """A fault, as data: `verb` is a method of this class, called at a time with these arguments."""
        fault = Fault(len(self.faults), at_s, verb, arguments, tuple(named.items()))
        self.faults.append(fault)
        if fault.number not in self._without:
            self.at(at_s, lambda: self._happen(fault))

    def schedule(self, at_s: float, function: Callable[[], None]) -> None:
        """A function of the scenario, called at a time; the shrinker cannot take it away."""
        self.at(at_s, function)

    def _happen(self, fault: Fault) -> None:
        arguments = [self.who(a) if isinstance(a, str) and a.startswith("@") else a for a in fault.arguments]
        if None in arguments:
            return  # nobody is there whom the fault could hit
        self.fault(fault.verb, *arguments, *fault.named)
        getattr(self, fault.verb)(*arguments, **dict(fault.named))

    def who(self, word: str) -> str | None:
        """Whom `@lead`, `@lead:victim`, `@helper:2:victim` (the third helper) or `@other` mean at this moment."""
        what, *rest = word.removeprefix("@").split(":")
        victim = rest[-1] if rest and not rest[-1].isdigit() else next(iter(self.calls), None)
        view = None if victim is None else self.view_at(victim, victim)
        if view is None:
            return None
        keys = [] if view.lead is None else [view.lead]
        if what == "helper":
            place_number = int(rest[0]) if rest else 0
            keys = [claim.responder for claim in view.claims if claim.responder != view.lead]
            keys = keys[place_number : place_number + 1]
        return self.observer.owners[keys[0]].name if keys and keys[0] in self.observer.owners else None

    # ------------------------------------------------------------------ what is done to nodes

    def kill(self, name: str, silently: bool = False) -> None:
        """The process dies; its rows stay. `silently`: its peers do not learn of it."""
        self.stop(self[name], told=not silently)

    def restart(self, name: str, disk: bool = True) -> None:
        """It starts again; without disk it has lost everything and has a new key, as the protocol demands."""
        place = self[name]
        if place.sitter is not None:
            self.stop(place, told=True)
        if not disk:
            place.store = Store()
            place.disks_lost += 1
            self._new_key(place)
        self.start(place)

    def _new_key(self, place: Place) -> None:
        # "A writer that knows that it lost its log MUST sign under a new key." (06-board §4)
        if place.responder is not None:
            seed = f"{self.seed} {place.name} disk {place.disks_lost}"
            place.responder = evolve(place.responder, key=SigningKey(seed_of(f"{seed} key")))

    def pause(self, name: str) -> None:
        """It does nothing; what happens to it waits."""
        self.change()
        self[name].pause()

    def resume(self, name: str) -> None:
        """It goes on: what it was about to send leaves, and it learns in order what happened meanwhile."""
        place = self[name]
        self.change()
        unsent, place.unsent = place.unsent, []
        for action in unsent:
            self._send(place, action)
        for event in place.resume():
            self.push(self.now, place.index, place.life, event)

    def set_clock(self, name: str, offset_s: float | None = None, rate: float | None = None) -> None:
        """Another wall clock, told at the next reading, or another rate of both clocks."""
        for place in self.named(name):
            if offset_s is not None:
                self.clock_error_s = max(self.clock_error_s, abs(offset_s))
                place.clocks.wall_offset_s = offset_s
            if rate is not None:
                place.clocks.set_rate(rate, self.now)

    def leap(self, name: str, by_s: float) -> None:
        """The wall clock leaps, and the driver notices at once. Where all leap together, time itself does."""
        if name == EVERYBODY:
            self.leapt_s += by_s
        for place in self.named(name):
            place.clocks.wall_offset_s += by_s
            if place.sitter is not None:
                self.later(place, 0.0, self.reading(place))

    def operate(self, name: str, event: Event) -> None:
        """The people at a node decide something."""
        place = self[name]
        if place.sitter is not None:
            self.later(place, 0.0, event)

    def speak(self, victim: str, event: Event) -> None:
        """A victim that has called says something; before that there is nothing to say."""
        if victim in self.calls:
            self.operate(victim, event)

    # ------------------------------------------------------------------ what is done to links

    def cut(self, one: str, other: str, both: bool = True, noticed: bool = False) -> None:
        """Nothing arrives from `one` at `other` any more; `both`: nor back. `noticed`: the connection breaks with it."""
        self._set_open(one, other, False, both, noticed)

    def mend(self, one: str, other: str, both: bool = True) -> None:
        """Undo a cut; a connection that broke is made again."""
        self._set_open(one, other, True, both)

    def _set_open(self, one: str, other: str, is_open: bool, both: bool, noticed: bool = False) -> None:
        self.change()
        first, second = self[one], self[other]
        if second.index not in first.links:
            return
        first.links[second.index].open = is_open
        if both:
            second.links[first.index].open = is_open
        if noticed:
            self.tear(first, second)
        elif is_open:
            self.reconnect(first, second)

    def partition(self, *sides: Sequence[str], noticed: bool = False) -> None:
        """Nothing passes between the sides; whoever stands in none of them stays with the first. `noticed` as in `cut`."""
        self.change()
        side = {name: number for number, names in enumerate(sides) for name in names}
        for place in self.places:
            for index, direction in place.links.items():
                other = self.places[index]
                if side.get(place.name, 0) != side.get(other.name, 0):
                    direction.open = False
                    if noticed:
                        self.tear(place, other)

    def heal(self) -> None:
        """Every link is open again, and every connection that a cut broke is made again."""
        self.change()
        for place in self.places:
            for direction in place.links.values():
                direction.open = True
        for place in self.places:
            for index in place.links:
                self.reconnect(place, self.places[index])

    # ------------------------------------------------------------------ calls and cells

    def call(self, victim: str) -> None:
        """The victim calls."""
        place = self[victim]
        assert place.victim is not None, f"{victim} is no victim"
        unix_s = self.reading(place).unix_s
        told: dict[str, Any] = {
            "epoch": int(unix_s) // CALL_EPOCH_S,
            "status": Status.ACTUAL,
            "severity": Severity.SEVERE,
            "urgency": Urgency.IMMEDIATE,
            "certainty": Certainty.OBSERVED,
            "nature": Nature.OTHER__UNDETERMINED,
            "needs": 1 << Need.RESTORE_DATA,
            "sector": Sector.HEALTH,
        }
        fields = dict(place.call_fields)
        effort = int(fields.pop("effort", self.profile.stamp_effort_min))
        call = compose_call(place.victim, **(told | fields))
        frame = self.shared.seal(call, place.victim.call_key, effort)
        self.calls[victim] = frame
        self.called(place, frame)
        self.tell(place, VictimCalls(frame))

    def call_of(self, victim: str) -> CallId:
        """The id of the call that a victim made."""
        return self.calls[victim].id

    def push_cell(self, place: Place, cell: bytes) -> None:
        """Some seconds later it comes to relays that the victim has no link with, from somebody that nobody knows."""
        there = [
            p for p in self.places if p.sitter is not None and p is not place and p.index not in place.links
        ]
        relays = self.link_draws.sample(there, min(PUSH_RELAYS, len(there)))
        for relay in relays:
            self._pushes += 1
            stranger = f"circuit {self._pushes}"
            self.at(self.now + CIRCUIT_S, partial(self.inject, relay.name, cell, stranger=stranger))
        pushed = Pushed(cell, len(relays)) if relays else PushFailed(cell, "No relay is there.")
        self.later(place, CIRCUIT_S, pushed)

    def inject(self, name: str, *cells: bytes, stranger: str = "stranger") -> None:
        """A stranger joins a node for a moment, sends it cells and leaves."""
        place = self[name]
        if place.sitter is None:
            return
        carried = tuple(Carried(self.shared.gossip_id(cell), cell, TOPIC) for cell in cells)
        self.later(place, 0.0, PeerJoined(stranger, False, PROTOCOL, stranger))
        for one in carried:
            self.later(place, 0.0, RpcReceived(stranger, Rpc(messages=(one,)), len(one.data)))
        self.later(place, 1.0, PeerLeft(stranger))


__all__ = ["EVERYBODY", "PROFILE", "START_UNIX_S", "World"]

"""The main job, played in a rough world: a call, claims, contact, a helper accepted, letters, a requisition, all clear.

One seed draws the graph, the links, who joins late and what breaks when. `play` goes through the job as a victim would,
each step when the one before it shows; then everything is mended, and `faults` says what did not come to pass.
"""

import random
from collections import Counter
from collections.abc import Callable
from functools import partial

from attrs import define, field

from p2p_sos.core.case.case_view import CasePhase, CaseView
from p2p_sos.core.events import (
    Event,
    OperatorWrites,
    VictimClears,
    VictimDecides,
    VictimRequisitions,
    VictimUpdates,
    VictimWrites,
)
from p2p_sos.core.notices import LetterArrived
from p2p_sos.core.tables import Table
from p2p_sos.wire.messages import CallId, Key
from p2p_sos.wire.registry import S1, LetterKind, Severity
from tests.core.rough import Death, RoughWorld, pair
from tests.core.world import responder, victim

VICTIM = "victim"
SITUATION = "all files are encrypted"
LETTERS = 3  # each way
TICK_S = 1.0
SETTLE_S = 1500.0  # two windows of the letters' budget, and the slowest repeat


@define
class Terms:
    """What one seed draws."""

    nodes: int
    shape: str
    relays: int
    loss: float
    faults: float  # a second
    late: int
    rough_s: float

    @classmethod
    def draw(cls, rng: random.Random) -> "Terms":
        """Everything between calm and very rough."""
        nodes = rng.randint(1, 8)
        return cls(
            nodes=nodes,
            shape=rng.choice(("line", "star", "ring", "random")),
            relays=min(nodes, rng.choice((1, 1, 2, 2, 3))),
            loss=rng.choice((0.0, 0.0, 0.05, 0.2)),
            faults=rng.choice((0.0, 0.03, 0.1, 0.3)),
            late=rng.choice((0, 0, 1, 2)),
            rough_s=rng.choice((20.0, 60.0, 120.0)),
        )


def edges(names: list[str], shape: str, rng: random.Random) -> list[tuple[str, str]]:
    """A connected graph."""
    if shape == "star":
        return [(name, names[0]) for name in names[1:]]
    found = list(zip(names[1:], names, strict=False))
    if shape == "ring" and len(names) > 2:
        found.append((names[0], names[-1]))
    if shape == "random":
        found = [(name, rng.choice(names[: names.index(name)])) for name in names[1:]]
        for _ in range(rng.randint(0, 2 * len(names))):
            a, b = rng.choice(names), rng.choice(names)
            if a != b and (a, b) not in found and (b, a) not in found:
                found.append((a, b))
    return found


@define(eq=False)
class Job:
    """One play of one seed."""

    seed: int
    terms: Terms | None = None
    settle_s: float = SETTLE_S
    world: RoughWorld = field(init=False)
    names: list[str] = field(init=False, factory=list)
    call: CallId | None = field(init=False, default=None)
    accepted: dict[str, None] = field(init=False, factory=dict)
    written: dict[tuple[str, str], list[str]] = field(init=False, factory=dict)
    trouble: list[str] = field(init=False, factory=list)
    _rng: random.Random = field(init=False)
    _back: list[tuple[float, Callable[[], None]]] = field(init=False, factory=list)
    _late: list[float] = field(init=False, factory=list)
    _down: dict[str, None] = field(init=False, factory=dict)
    _named: bool = field(init=False, default=False)
    _refined: bool = field(init=False, default=False)

    # ------------------------------------------------------------------ building

    def __attrs_post_init__(self) -> None:
        self._rng = rng = random.Random(f"job {self.seed}")
        drawn = Terms.draw(rng)
        self.terms = terms = self.terms or drawn
        self.world = world = RoughWorld(self.seed, loss=terms.loss)
        self.names = [f"node{index}" for index in range(terms.nodes)]
        for name in self.names:
            world.add(name, responder=responder(name))
        for a, b in edges(self.names, terms.shape, rng):
            world.link(a, b, self._latency_s())
        world.run(rng.choice((0.1, 3.0)))
        world.add(VICTIM, victim=victim(situation=SITUATION))
        for name in rng.sample(self.names, terms.relays):
            world.link(VICTIM, name, self._latency_s())
            world.run(rng.choice((0.0, 0.01, 0.5)))
        self._late = sorted(rng.uniform(0.0, terms.rough_s) for _ in range(terms.late))

    def _latency_s(self) -> float:
        return self._rng.choice((0.002, 0.02, 0.2))

    def _key(self, name: str) -> Key:
        return responder(name).key.public

    # ------------------------------------------------------------------ what is to be seen

    @property
    def case(self) -> CaseView | None:
        """The case, while the victim's process lives."""
        node = self.world[VICTIM].node
        return None if node is None else node.case

    def _is_up(self, name: str) -> bool:
        return self.world[name].node is not None

    # ------------------------------------------------------------------ the play

    def play(self) -> list[str]:
        """All of it; what did not come to pass."""
        world, rng = self.world, self._rng
        assert self.terms is not None
        world.run(rng.choice((0.0, 0.1, 2.0)))
        self.call = world.call(VICTIM)
        until = world.now + self.terms.rough_s
        while world.now < until:
            if rng.random() < self.terms.faults:
                self._break_something()
            self._tick()
        self._mend()
        self._settle(self._lacking)
        if not self.trouble:
            self._clear()
        self.trouble += [f"said twice: {key}" for key in world.reused()]
        if not self.terms.loss:
            self.trouble += [f"dropped: {drop}" for drop in world.dropped]
        return self.trouble

    def _tick(self) -> None:
        world = self.world
        while self._back and self._back[0][0] <= world.now:
            self._back.pop(0)[1]()
        while self._late and self._late[0] <= world.now:
            self._late.pop(0)
            self._add_late()
        for name in [*self.names, VICTIM]:
            if not self._is_up(name) and name not in self._down:
                self._down[name] = None
                self._later(self._rng.choice((0.1, 1.0, 5.0, 20.0)), partial(self._start, name))
        world.reconnect()
        self._act()
        world.run(TICK_S * self._rng.uniform(0.5, 1.5))

    def _start(self, name: str) -> None:
        self._down.pop(name, None)
        if not self._is_up(name):
            self.world.start(name)

    def _later(self, after_s: float, what: Callable[[], None]) -> None:
        self._back.append((self.world.now + after_s, what))
        self._back.sort(key=lambda entry: entry[0])

    def _add_late(self) -> None:
        name = f"node{len(self.names)}"
        self.world.add(name, responder=responder(name))
        for other in self._rng.sample(self.names, min(len(self.names), self._rng.randint(1, 2))):
            self.world.link(name, other, self._latency_s())
        self.names.append(name)

    # ------------------------------------------------------------------ what people do

    def _act(self) -> None:
        case, rng = self.case, self._rng
        if case is None:
            return
        ready = [h.responder for h in case.helpers if h.claimed and h.introduction is not None]
        if not self.accepted and ready:
            who = rng.choice(ready)
            if self._give(VICTIM, VictimDecides(who, LetterKind.ACCEPT)):
                self.accepted[next(name for name in self.names if self._key(name) == who)] = None
        for name in self.accepted:
            self._write(name)
        if self.accepted and not self._refined and rng.random() < 0.2:
            self._refined = self._give(VICTIM, VictimUpdates({"severity": Severity.EMERGENCY}))
        for name in self.accepted:
            if not self._named and rng.random() < 0.1:
                self._named = self._give(VICTIM, VictimRequisitions(self._key(name), ()))

    def _write(self, name: str) -> None:
        assert self.call is not None
        out = self.written.setdefault((VICTIM, name), [])
        if len(out) < LETTERS and self._rng.random() < 0.3:
            text = f"v{len(out)} to {name}"
            if self._give(VICTIM, VictimWrites(self._key(name), text)):
                out.append(text)
        back = self.written.setdefault((name, VICTIM), [])
        if len(back) < LETTERS and self._rng.random() < 0.3:
            text = f"r{len(back)} of {name}"
            if self._give(name, OperatorWrites(self.call, text)):
                back.append(text)

    def _give(self, name: str, order: Event) -> bool:
        """Whether an order was taken; one that died before its commit was not."""
        node = self.world[name].node
        if node is None or self.world.is_still(name) or node.refusal(order) is not None:
            return False
        how = self.world.doom_of(name)
        self.world.tell(name, order)
        return self._is_up(name) or how is Death.UNSAID

    # ------------------------------------------------------------------ what breaks, and what is mended

    def _break_something(self) -> None:
        world, rng = self.world, self._rng
        match rng.choice(("kill", "kill", "kill victim", "flap", "flap", "relay", "stall", "stall")):
            case "kill":
                self._kill(rng.choice(self.names))
            case "kill victim":
                self._kill(VICTIM)
            case "flap":
                a, b = rng.choice(sorted(world.links))
                world.cut(a, b)
                self._later(rng.choice((0.05, 1.0, 10.0, 40.0)), partial(world.mend, a, b))
            case "stall":
                world.stall(rng.choice([*self.names, VICTIM]), rng.choice((0.5, 3.0, 15.0)))
            case "relay":
                self._change_relay()

    def _kill(self, name: str) -> None:
        if self._is_up(name):
            self.world.kill(name, self._rng.choice(list(Death)))

    def _change_relay(self) -> None:
        """A relay of the victim goes for good; another takes its place."""
        world = self.world
        relays = [name for name in self.names if pair(VICTIM, name) in world.links]
        others = [name for name in self.names if name not in relays]
        if others:
            world.cut(VICTIM, self._rng.choice(relays))
            world.link(VICTIM, self._rng.choice(others), self._latency_s())

    def _mend(self) -> None:
        """Nothing breaks any more, everything is up, and all links but those that left for good are there."""
        world = self.world
        world.loss = 0.0
        world.spare_all()
        while self._back or self._late:
            if self._back:
                self._back.pop(0)[1]()
            else:
                self._late.pop(0)
                self._add_late()
        for name in [*self.names, VICTIM]:
            self._start(name)
        # Nobody asks yet for what was lost for good on a link that stands: a link that loses breaks in the end.
        assert self.terms is not None
        for a, b in sorted(world.links) if self.terms.loss else ():
            if world.links[pair(a, b)].wanted:
                world.cut(a, b)
                world.mend(a, b)

    def _settle(self, lacking: Callable[[], list[str]]) -> None:
        until = self.world.now + self.settle_s
        while self.world.now < until:
            self._tick()
            if not lacking():
                return
        self.trouble += lacking()

    # ------------------------------------------------------------------ what must have come to pass

    def _lacking(self) -> list[str]:
        case = self.case
        assert case is not None
        assert self.call is not None
        said = [] if case.heard and case.phase is CasePhase.HEARD else ["the call was not heard"]
        helpers = {helper.responder: helper for helper in case.helpers}
        claiming = 0
        for name in self.names:
            helper, known = helpers.get(self._key(name)), self.world.node(name).calls.get(self.call)
            if known is None:
                said.append(f"{name} does not know the call")
            elif known.mine == "claimed":
                claiming += 1
                if helper is None or not (helper.introduction and helper.claimed and helper.attested):
                    said.append(f"{name} claims, and is not attested")
        if not self._named and claiming < min(S1.k, len(self.names)):
            said.append(f"{claiming} claim")
        said += [] if self.accepted else ["nobody was accepted"]
        for name in self.accepted:
            said += self._lacking_letters(name, case)
            if self._named and not helpers[self._key(name)].complied:
                said.append(f"{name} did not comply")
        if not (self._named and self._refined):
            said.append(f"not named or not refined: {self._named} {self._refined}")
        return said

    def _lacking_letters(self, name: str, case: CaseView) -> list[str]:
        assert self.call is not None
        said = []
        there = self.world.node(name).letters(self.call)
        sealed = [x.text for x in there if x.direction == "in" and x.kind is LetterKind.ACCEPT]
        if sealed != [SITUATION]:
            said.append(f"{name} read {sealed} where it was accepted")
        mine = [x for x in case.letters if x.correspondent == self._key(name)]
        for side, letters, wrote in (
            (name, there, self.written[VICTIM, name]),
            (VICTIM, mine, self.written[name, VICTIM]),
        ):
            texts = [x.text for x in letters if x.direction == "in" and x.kind is LetterKind.TEXT]
            if texts != wrote or len(wrote) < LETTERS:
                said.append(f"{side} read {texts} of {wrote}")
        waiting = [x.text for x in (*there, *mine) if not x.delivered]
        return said + ([f"nobody acknowledged {waiting}"] if waiting else [])

    def _clear(self) -> None:
        """It is over, everywhere, and the keys go."""
        if not self._give(VICTIM, VictimClears()):
            self.trouble.append("the case could not be cleared")
        self._settle(self._left_open)
        for name in [*self.names, VICTIM]:
            told = [(n.correspondent, n.kind, n.text) for n in self.world[name].told(LetterArrived)]
            for (_, _, text), often in Counter(told).items():
                if often > 1:
                    self.trouble.append(f"{name} was told a letter {often} times: {text}")

    def _left_open(self) -> list[str]:
        assert self.call is not None
        said = []
        for name in self.names:
            state = self.world.node(name).calls[self.call].state.value
            if state != "cleared" or self.world[name].store.rows[Table.SESSION]:
                said.append(
                    f"{name}: {state}, {len(self.world[name].store.rows[Table.SESSION])} rows of letters"
                )
        case = self.case
        if case is None or not case.keys_gone:
            said.append("the victim's keys are not gone")
        return said

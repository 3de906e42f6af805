"""One random graph with spies in it, in which every honest node calls once, or some do.

Decides the graph, who spies and when who calls. Comes in: a setting and a seed. Goes out: what the spies guessed and what
was true, as plain values that a worker can hand over. Must not judge.
"""

import gc
from functools import partial

from attrs import field, frozen

from p2p_sos.core.events import VictimUpdates
from p2p_sos.core.gossip.rpc import GossipId, PeerId
from p2p_sos.core.origin.way import Way
from p2p_sos.sim.behaviour import Make, honest
from p2p_sos.sim.engine import BOOTED_S
from p2p_sos.sim.links import Quality
from p2p_sos.sim.origin.estimators import ESTIMATORS, Guess, newcomer
from p2p_sos.sim.origin.notebook import Notebook
from p2p_sos.sim.origin.spies import Conduct, spy, supernode
from p2p_sos.sim.origin.variants import Careless, Diffusing, Plain
from p2p_sos.sim.origin.watch import Own, Watch
from p2p_sos.sim.places import Place
from p2p_sos.sim.run import Naming
from p2p_sos.sim.scenarios.city import LATENCY_S, mesh, names
from p2p_sos.sim.trace import Trace
from p2p_sos.sim.world import World
from p2p_sos.wire.registry import Certainty, Severity

EVERY_S = 0.15  # between two calls: below the rate at which a laboratory network admits them
TAIL_S = 30.0  # after the last call; what is not delivered by then counts as never
LONG_TAIL_S = 90.0  # where spies swallow what they get: a caller tries its second relay after 15 s, its third after 30 s
EPOCH_S = 720.0  # the longest that an epoch of the stem lasts: 600 s and up to 120 s (brief, section 5)
FRESH_EVERY_S = 14.0  # of fresh callers: each is the only newcomer when it calls
FRESH_BEFORE_S = 4.0  # so long before its call a fresh caller dials
FRESH_DIALS = 3  # relays of a fresh process, as `sos call` dials them
SUPERNODE = "supernode"

WAYS: dict[str, Make] = {
    "gossip": Plain,
    "diffusion": Diffusing,
    "careless": Careless,
    "direct": honest,
    "stem": honest,
}


@frozen
class Setting:
    """What is measured. `share`: of spies. `callers`: honest nodes that call, 0 for all; `fresh` ones start in order to call, and relay for nobody."""

    way: str
    nodes: int = 200
    share: float = 0.1
    callers: int = 0
    fresh: bool = False
    conduct: Conduct = Conduct.RELAYS
    listener: bool = False  # a supernode beside the spies
    talks: bool = False  # a caller whom nobody helps gives signs of life: two further messages before the end
    epochs: int = 1  # of the stem: from the second on each caller says one message more in each


@frozen
class Called:
    """What became of one call; times in seconds after it was made. `guesses` stand in the order of `ESTIMATORS`."""

    caller: PeerId
    guesses: tuple[Guess, ...]
    by_stem: bool  # a spy got a cell of it by stem
    clue: tuple[str, ...]  # what the spies know best: the first hop into a spy, else who let it out
    outing: PeerId | None
    hops: int  # of the CALL by stem
    newcomer: Guess
    first_relays: tuple[PeerId, ...]  # to whom the caller itself handed cells of its case
    exposed: bool  # one of these spies
    delays_s: tuple[float, ...] = field(repr=False)  # sorted, of honest others that heard it
    missing: int  # honest others that never did
    let_out: int = 0  # cells of its case that the caller showed the mesh before the mesh showed them to it


@frozen
class Trial:
    """One graph."""

    setting: Setting
    seed: int
    calls: tuple[Called, ...]
    events: int
    digest: str


def trial(setting: Setting, seed: int) -> Trial:
    """Build it, run it, ask the spies."""
    with Naming(f"{setting}, seed {seed}"):
        gc.collect()
        gc.disable()
        try:
            return Ground(setting, seed).run()
        finally:
            gc.enable()


class Ground:
    """One world of a trial."""

    def __init__(self, setting: Setting, seed: int) -> None:
        self.setting = setting
        self.world = world = World(seed, trace=Trace(keep=()))
        world.preloaded = False
        self.notebook, self.watch = Notebook(), Watch(world.shared)
        world.way = Way.STEM if setting.way == "stem" else Way.DIRECT
        self.make = WAYS[setting.way]
        there = names(setting.nodes)
        spying = dict.fromkeys(world.draws.sample(there, round(setting.share * setting.nodes)))
        self.honest = [name for name in there if name not in spying]
        for name in there:
            place = self._add(name)
            made = spy(self.make, self.notebook, setting.conduct) if name in spying else self.make
            place.make = self.watch.around(made)
        mesh(world, there)
        self.callers = self._callers(there)
        self.watch.own = {name: Own() for name in self.callers}
        if setting.listener:
            self._add(SUPERNODE).make = self.watch.around(supernode(self.notebook))
            for name in [*self.honest, *(self.callers if setting.fresh else ())]:
                world.link(SUPERNODE, name, self._quality())

    def _add(self, name: PeerId, *, up: bool = True) -> Place:
        # The graver a call, the sooner its caller shows that it is there (07-dialogue §7).
        severity = Severity.SEVERE if self.setting.talks else Severity.MEDIUM
        return self.world.add_victim(name, severity=severity, up=up)

    def _quality(self) -> Quality:
        return Quality(latency_s=self.world.draws.uniform(*LATENCY_S))

    def _callers(self, there: list[PeerId]) -> list[PeerId]:
        world, wanted = self.world, self.setting.callers or len(self.honest)
        if not self.setting.fresh:
            return world.draws.sample(self.honest, min(wanted, len(self.honest)))
        callers = [f"fresh{number}" for number in range(wanted)]
        for name in callers:
            self._add(name, up=False).make = self.watch.around(self.make)
            for relay in world.draws.sample(there, FRESH_DIALS):
                world.link(name, relay, self._quality())
        return callers

    def run(self) -> Trial:
        """Everybody calls in turn; then the books are read."""
        world = self.world
        world.begin()
        every_s = FRESH_EVERY_S if self.setting.fresh else EVERY_S
        for number, name in enumerate(self.callers):
            if self.setting.fresh:
                world.schedule(number * every_s - FRESH_BEFORE_S, partial(world.restart, name))
            world.schedule(number * every_s, partial(world.call, name))
            for epoch in range(1, self.setting.epochs):
                words = VictimUpdates({"certainty": (Certainty.LIKELY, Certainty.OBSERVED)[epoch % 2 == 0]})
                world.schedule(epoch * EPOCH_S + number * every_s, partial(world.operate, name, words))
        tail_s = TAIL_S if self.setting.conduct is Conduct.RELAYS else LONG_TAIL_S
        world.run((self.setting.epochs - 1) * EPOCH_S + len(self.callers) * every_s + tail_s)
        calls = tuple(self._told_of(name) for name in self.callers)
        return Trial(self.setting, world.seed, calls, world.events, world.trace.digest)

    def _told_of(self, caller: PeerId) -> Called:
        watch, call = self.watch, self.world.call_of(caller)
        cell = self.world.shared.gossip_id(self.world.calls[caller].cell)
        cells: list[GossipId] = list(watch.cases.get(call, {}))
        by_stem = sorted((s for c in cells for s in self.notebook.stem(c)), key=lambda s: s.at)
        outing = watch.outings.get(cell)
        out = "" if outing is None else outing.who
        since = self.world.call_facts[call].start_s + BOOTED_S
        heard = watch.heard.get(call, {})
        relays = dict.fromkeys(h.to for c in cells for h in watch.hops.get(c, ()) if h.sender == caller)
        others = [name for name in self.honest if name != caller]
        return Called(
            caller=caller,
            guesses=tuple(estimate(self.notebook, cells) for estimate in ESTIMATORS.values()),
            by_stem=bool(by_stem),
            clue=(by_stem[0].peer, by_stem[0].spy) if by_stem else (out,),
            outing=out or None,
            hops=len(watch.hops.get(cell, ())),
            newcomer=newcomer(self.notebook, cells),
            first_relays=tuple(relays),
            exposed=any(relay in self.notebook.spies for relay in relays),
            delays_s=tuple(sorted(heard[name] - since for name in others if name in heard)),
            missing=sum(name not in heard for name in others),
            let_out=len(watch.own[caller].let_out),
        )

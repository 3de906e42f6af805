"""A scenario: how a world is built and harmed, for how long, who judges it, and what passes.

Decides whether the runs of a scenario keep its limits. Comes in: what was measured in each run. Goes out: a sentence for
each limit that was missed. Must not know how a world works.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import field, frozen

from p2p_sos.sim.checkers.violation import Violation
from p2p_sos.sim.facts import Facts
from p2p_sos.sim.trace import Trace

if TYPE_CHECKING:
    from p2p_sos.sim.world import World

SAFETY = "safety"  # faults never stop; only what must never happen is judged
LIVENESS = "liveness"  # from `quiet_from_s` on no fault happens, and what must happen is judged too

Checker = Callable[[Trace, Facts], tuple[Violation, ...]]
Measures = Mapping[str, float | None]


@frozen
class Outcome:
    """What one run came to; plain values, so that a worker can hand it over.

    `measures`: `first_claim_s`, `lead_s`, `claims`, `helpers`, `recovery_s` and whatever the scenario adds; None where
    it did not happen.
    """

    seed: int
    violations: tuple[Violation, ...]
    measures: Measures
    digest: str
    events: int


@frozen
class Limits:
    """What the figures over all runs must not exceed; None where the scenario sets no limit.

    `more` are further rules: each reads all outcomes and says what is wrong, or None.
    """

    first_claim_p99_s: float | None = None
    lead_p99_s: float | None = None
    claims_max: float | None = None
    helpers: tuple[float, float] | None = None
    recovery_max_s: float | None = None
    more: tuple[Callable[[Sequence[Outcome]], str | None], ...] = ()


@frozen
class Scenario:
    """One named scenario.

    `build(world, seed, nodes)` adds nodes, links, calls and faults to an empty world, of `nodes_min` nodes or more. `measure(trace, facts)` adds to, or
    replaces, the ordinary measures. `mode` is SAFETY, LIVENESS or a function of the seed. `prepare` may change how
    the world itself is made (its profile, its clocks).
    """

    name: str
    build: "Callable[[World, int, int], None]"
    duration_s: float
    checkers: tuple[Checker, ...] = ()
    limits: Limits = Limits()
    mode: str | Callable[[int], str] = LIVENESS
    nodes: int = 60
    nodes_min: int = 1
    measure: Callable[[Trace, Facts], Measures] | None = None
    options: Mapping[str, object] = field(factory=dict)  # keyword arguments of World
    about: str = ""

    def mode_of(self, seed: int) -> str:
        """SAFETY or LIVENESS, for one seed."""
        return self.mode if isinstance(self.mode, str) else self.mode(seed)

"""Gossip alone: a thousand routers, 16 links each of 10 to 180 ms, messages of 2 KB.

Decides the worlds, and what is measured: copies for each node that a message reached, the p99 of the delay over
the p99 of the shortest paths (`stretch`), and the share delivered. Knows nothing of calls.

The p99 is judged over the deliveries of all runs together, each delay being taken in shortest p99s of its own run: at
most one delivery in a hundred may be later than the limit (`late` is a run's share of these). A run has ten
messages, and the deliveries of one are late together; so its own p99 says little.
"""

from collections.abc import Callable, Sequence
from statistics import fmean

from p2p_sos.core.events import TimerFired
from p2p_sos.sim.links import Quality
from p2p_sos.sim.relay import Ledger, Speak, running, shortest_s
from p2p_sos.sim.scenario import Limits, Outcome, Scenario
from p2p_sos.sim.scenarios.city import mesh, names
from p2p_sos.sim.world import World

NODES = 1000
DIALS = 8  # so that the mean degree is 16
MESSAGES = 10
EVERY_S = 0.2
COPIES_MAX = 4.5
HARMED = 10  # one in so many
LATE_MAX = 0.01  # so p99
CLEAR, LOSS, CRASH = 1.3, 1.7, 1.4  # how many times the shortest paths' p99 the p99 may be


def _build(world: World, nodes: int, *, loss: float = 0.0) -> tuple[Ledger, list[str]]:
    ledger, there = Ledger(world.trace, verdict_s=world.verdict_s), names(nodes)
    for name in there:
        world.add_node(name, make=ledger.seat)
    world.preloaded = False
    mesh(world, there, DIALS, Quality(latency_s=0.0, loss=loss))
    return ledger, there


def _speak(world: World, ledger: Ledger, there: Sequence[str], messages: int, from_s: float) -> None:
    """Living nodes that pass things on say `messages` messages; at the end they are counted."""

    def say(text: str) -> None:
        speaking = [name for name in running(world.places) if name not in ledger.turncoats]
        world.operate(world.draws.choice(speaking), TimerFired(Speak(text)))

    for number in range(messages):
        world.schedule(from_s + number * EVERY_S, lambda n=number: say(f"message {n}"))  # type: ignore[misc]
    assert there, "somebody is there"


def _count(world: World, ledger: Ledger, stretch_max: float = CLEAR) -> None:
    alive = running(world.places)
    passing = [name for name in alive if name not in ledger.turncoats]
    delays = ledger.delays_s()
    shortest = shortest_s(world, [origin for origin, _ in ledger.said.values()], passing, ledger.verdict_s)
    late, limit = delays[len(delays) * 99 // 100], shortest[len(shortest) * 99 // 100]
    world.known |= {
        "copies": ledger.copies_mean(),
        "p99_s": late,
        "stretch": late / limit,
        "late": sum(delay > stretch_max * limit for delay in delays) / len(delays),
        "delivered": ledger.delivered(alive),
    }


def _clear(world: World, _seed: int, nodes: int) -> None:
    ledger, there = _build(world, nodes)
    _speak(world, ledger, there, MESSAGES, 0.0)
    world.schedule(DURATION_S - 0.1, lambda: _count(world, ledger))


def _loss(world: World, _seed: int, nodes: int) -> None:
    ledger, there = _build(world, nodes, loss=0.2)
    _speak(world, ledger, there, MESSAGES, 0.0)
    world.schedule(LOSS_DURATION_S - 0.1, lambda: _count(world, ledger, LOSS))


def _crash(world: World, _seed: int, nodes: int) -> None:
    """A tenth dies and nobody is told; the first message after that is measured."""
    ledger, there = _build(world, nodes)
    for name in sorted(world.draws.sample(there, nodes // HARMED)):
        world.plan(0.0, "kill", name, silently=True)
    _speak(world, ledger, there, 1, 0.05)
    world.schedule(DURATION_S - 0.1, lambda: _count(world, ledger, CRASH))


def _turncoats(world: World, _seed: int, nodes: int) -> None:
    """The tenth with the shortest links keeps them and passes nothing on."""
    ledger, there = _build(world, nodes)

    def nearest_s(name: str) -> float:
        return min(direction.quality.latency_s for direction in world[name].links.values())

    turned = sorted(there, key=nearest_s)[: nodes // HARMED]
    world.schedule(0.0, lambda: ledger.turncoats.update(dict.fromkeys(turned)))
    _speak(world, ledger, there, MESSAGES, 0.05)
    world.schedule(DURATION_S - 0.1, lambda: _count(world, ledger))


def _rule(measure: str, worst: Callable[[Sequence[float]], float], limit: float) -> Callable[..., str | None]:
    def rule(runs: Sequence[Outcome]) -> str | None:
        value = worst([run.measures.get(measure) or 0.0 for run in runs])
        wrong = value < limit if worst is min else value > limit
        return f"{measure} is {value:.4f} where {limit:g} is the limit" if wrong else None

    return rule


def _limits(*, timely: bool = True) -> Limits:
    more = [_rule("copies", max, COPIES_MAX), _rule("delivered", min, 1.0)]
    if timely:
        more.append(_rule("late", fmean, LATE_MAX))
    return Limits(more=tuple(more))


DURATION_S, LOSS_DURATION_S = 15.0, 60.0
SCENARIOS = (
    Scenario("gossip-clear", _clear, DURATION_S, limits=_limits(), nodes=NODES, nodes_min=2, about="routers alone, no fault"),
    Scenario(
        "gossip-loss", _loss, LOSS_DURATION_S, limits=_limits(), nodes=NODES, nodes_min=2, about="a fifth of all frames is lost; p99 over all runs"
    ),
    Scenario(
        "gossip-crash", _crash, DURATION_S, limits=_limits(), nodes=NODES, nodes_min=2,
        about="the first message after a tenth crashed silently",
    ),
    Scenario(
        "gossip-turncoats", _turncoats, DURATION_S, limits=_limits(timely=False), nodes=NODES, nodes_min=2,
        about="the tenth with the nearest links passes nothing on",
    ),
)  # fmt: skip

"""The work that every contestant of the gossip measurement does, and what is measured of it.

Comes in: how many nodes and messages, and a seed. Goes out: the graph, and five numbers. Knows no contestant.
"""

import random
from collections.abc import Sequence

from attrs import frozen

MEAN_DEGREE = 7
CELL_BYTES = 2048
TOPIC = "/esos/1"


@frozen
class Load:
    """One run: nodes joined along `edges`; messages from the nodes in turn, one each `interval_s`."""

    nodes: int
    messages: int
    interval_s: float
    seed: int
    edges: tuple[tuple[int, int], ...]

    @property
    def deliveries(self) -> int:
        """How often a message should be delivered: to every node but its publisher."""
        return self.messages * (self.nodes - 1)


@frozen
class Measured:
    """What a contestant did with a load. CPU is that of its whole process, from the first message to the last copy."""

    deliveries: int
    copies: int
    cpu_s: float
    latencies_s: Sequence[float]

    def told(self, load: Load) -> dict[str, float | None]:
        """The five numbers."""
        ranked = sorted(self.latencies_s)
        per_delivery = max(1, self.deliveries)
        return {
            "delivered_share": round(self.deliveries / load.deliveries, 6),
            "cpu_us_per_delivery": round(self.cpu_s * 1e6 / per_delivery, 1),
            "copies_per_delivery": round(self.copies / per_delivery, 3),
            "p50_ms": _quantile_ms(ranked, 0.5),
            "p99_ms": _quantile_ms(ranked, 0.99),
        }


def _quantile_ms(ranked: Sequence[float], share: float) -> float | None:
    return round(ranked[min(len(ranked) - 1, int(len(ranked) * share))] * 1000, 2) if ranked else None


def load(nodes: int, messages: int, interval_s: float, seed: int) -> Load:
    """A connected random graph of mean degree 7 (or complete, where there are too few nodes)."""
    drawn = random.Random(seed)
    order = list(range(nodes))
    drawn.shuffle(order)
    edges = {_edge(order[at - 1], order[at]): None for at in range(1, nodes)}  # a path keeps it connected
    wanted = min(nodes * MEAN_DEGREE // 2, nodes * (nodes - 1) // 2)
    while len(edges) < wanted:
        edges[_edge(*drawn.sample(range(nodes), 2))] = None
    return Load(nodes, messages, interval_s, seed, tuple(edges))


def _edge(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)

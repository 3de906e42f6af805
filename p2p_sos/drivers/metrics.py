"""Numbers for Prometheus about one node, in a registry of its own.

In come notices, and the node's read-only values at each scrape. Out goes text. No label names a peer, a call or a key.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from p2p_sos.core.calls.calls import CallState
from p2p_sos.core.node import Node
from p2p_sos.core.notices import Notice
from p2p_sos.drivers.api.notices import name_of

Metric = CounterMetricFamily | GaugeMetricFamily
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Metrics(Collector):
    """The numbers of one node."""

    def __init__(
        self, node: Node, *, store_path: Path, uptime_s: Callable[[], float], faults: Callable[[], int]
    ) -> None:
        self._node = node
        self._store_path = store_path
        self._uptime_s = uptime_s
        self._faults = faults
        self._notices: Counter[str] = Counter()
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def count(self, notice: Notice) -> None:
        """Count one notice."""
        self._notices[name_of(notice)] += 1

    def text(self) -> str:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry).decode()

    def describe(self) -> Iterable[Metric]:
        """Nothing: the names are known at the scrape."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The numbers now."""
        node = self._node
        peers = GaugeMetricFamily("esos_peers", "Peers that speak our protocol.", labels=["direction"])
        outbound = sum(peer.outbound for peer in node.peers)
        peers.add_metric(["out"], outbound)
        peers.add_metric(["in"], len(node.peers) - outbound)
        yield peers
        yield _gauge("esos_mesh_peers", "Peers in the eager mesh.", sum(peer.in_mesh for peer in node.peers))
        calls = GaugeMetricFamily("esos_calls", "Calls in memory.", labels=["state"])
        states = Counter(record.state for record in node.calls.values())
        for state in CallState:
            calls.add_metric([state.value], states[state])
        yield calls
        mine = Counter(
            record.mine or "nothing" for record in node.calls.values() if record.state is CallState.OPEN
        )
        answers = GaugeMetricFamily(
            "esos_open_calls_mine", "Open calls by what this node said.", labels=["mine"]
        )
        for word in sorted(mine):
            answers.add_metric([word], mine[word])
        yield answers
        yield _gauge("esos_cards", "Cards of responders in memory.", len(node.cards))
        yield _gauge(
            "esos_accepting", "1 while new messages are kept, 0 while the store fails.", int(node.accepting)
        )
        notices = CounterMetricFamily("esos_notices", "Things told to the people.", labels=["notice"])
        for name in sorted(self._notices):
            notices.add_metric([name], self._notices[name])
        yield notices
        yield CounterMetricFamily(
            "esos_faults", "Events that the node failed to handle: bugs.", value=self._faults()
        )
        yield _gauge("esos_uptime_seconds", "Since the start.", self._uptime_s())
        yield _gauge("esos_store_bytes", "Size of the store's files.", _size_bytes(self._store_path))
        yield _gauge("esos_resident_bytes", "Memory of the whole process.", _resident_bytes())


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value=value)


def _size_bytes(path: Path) -> int:
    files = (path, path.with_name(path.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def _resident_bytes() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return 0

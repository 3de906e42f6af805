"""Who could reach whom, and for how long: the facts about links and lives, as checkers ask for them.

Decides nothing about promises. Comes in: the facts of a run. Goes out: spans of true time. Must not know messages.
"""

from collections.abc import Sequence

from attrs import frozen

from p2p_sos.sim.facts import Component, Facts


@frozen
class Span:
    """From `start_s` to `end_s` exactly these honest nodes reached one another."""

    start_s: float
    end_s: float
    component: Component

    @property
    def length_s(self) -> float:
        """How long it lasted."""
        return self.end_s - self.start_s


def spans(facts: Facts) -> list[Span]:
    """The longest spans in which a component stayed as it was, in the order of their starts."""
    found: list[Span] = []
    open_spans: dict[Component, float] = {}
    end_s = 0.0
    for epoch in facts.epochs:
        now = dict.fromkeys(epoch.components)
        for component in [c for c in open_spans if c not in now]:
            found.append(Span(open_spans.pop(component), epoch.start_s, component))
        for component in now:
            open_spans.setdefault(component, epoch.start_s)
        end_s = epoch.end_s
    found += [Span(start_s, end_s, component) for component, start_s in open_spans.items()]
    return sorted(found, key=lambda span: (span.start_s, span.component))


def together_since(facts: Facts, names: Sequence[str], at_s: float) -> float | None:
    """Since when these nodes have been in one component without a break, as of `at_s`; None if they are not."""
    since: float | None = None
    for epoch in facts.epochs:
        if epoch.start_s > at_s:
            break
        joined = any(all(name in component for name in names) for component in epoch.components)
        if not joined:
            since = None
        elif since is None:
            since = epoch.start_s
    return since


def in_company(facts: Facts, name: str, at_s: float) -> bool:
    """Whether a node reached anybody: what it said with all its lines cut nobody need know."""
    return len(facts.component_of(name, at_s)) > 1


def together(facts: Facts, names: Sequence[str], start_s: float, end_s: float) -> bool:
    """Whether these nodes ran and reached one another all the time from `start_s` to `end_s`."""
    since = together_since(facts, names, end_s)
    return since is not None and since <= start_s

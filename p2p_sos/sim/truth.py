"""Who could reach whom, when: kept while the world runs, since afterwards nobody could tell.

Decides the components of a moment. Comes in: the places, just before anything about links or lives changes. Goes out:
epochs. A link counts if it is open both ways; slowness, loss and one-way cuts aside, whoever runs takes part.
"""

from collections.abc import Sequence

from attrs import define, field

from p2p_sos.sim.facts import Component, Epoch
from p2p_sos.sim.places import Place


def components(places: Sequence[Place]) -> tuple[Component, ...]:
    """The honest nodes that run, grouped by who reaches whom over honest nodes."""
    taking = {place.index: None for place in places if place.runs and place.is_honest}
    found: list[Component] = []
    seen: dict[int, None] = {}
    for first in taking:
        if first in seen:
            continue
        seen[first] = None
        group, fresh = [first], [first]
        while fresh:
            index = fresh.pop()
            for other, direction in places[index].links.items():
                if other not in taking or other in seen or not direction.open:
                    continue
                if not places[other].links[index].open:
                    continue
                seen[other] = None
                group.append(other)
                fresh.append(other)
        found.append(tuple(places[index].name for index in sorted(group)))
    return tuple(found)


@define(eq=False)
class Truth:
    """The epochs so far."""

    since_s: float
    epochs: list[Epoch] = field(factory=list)

    def before_change(self, now: float, places: Sequence[Place]) -> None:
        """Something is about to change: what was until now is an epoch."""
        if now > self.since_s:
            self.epochs.append(Epoch(self.since_s, now, components(places)))
            self.since_s = now

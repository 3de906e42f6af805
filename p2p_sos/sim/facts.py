"""What the world knows about a run and no node does: who is honest, who could reach whom, when.

Decides nothing. Comes in: the world, when the run is over. Goes out: the frozen `Facts` that checkers read beside
the trace. Must not know what the trace says.
"""

from collections.abc import Mapping

from attrs import field, frozen

from p2p_sos.wire.messages import CallId, Key
from p2p_sos.wire.registry import Timing

Component = tuple[str, ...]  # names of nodes that reach one another both ways, in the order of their places


@frozen
class Epoch:
    """A span of true time in which neither links nor lives changed; `components` hold the honest nodes that run."""

    start_s: float
    end_s: float
    components: tuple[Component, ...]


@frozen
class CallFacts:
    """One call of the run. `capable`: the honest nodes whose card answers to it, whether they run or not."""

    call: CallId
    victim: str
    victim_key: Key
    start_s: float
    timing: Timing
    capable: tuple[str, ...]
    ends_s: float | None = None  # when its life is over, in true time
    fittest: tuple[
        str, ...
    ] = ()  # all responders, liars too, the fittest first; empty where nobody worked it out


@frozen
class Facts:
    """The truth of one run; times are true time in seconds.

    `keys` are all keys that a node ever had (a new one for each restart without disk); `owners` turns that around.
    `groups`: who answers for a key, where roots judge it. `delta_s`: a bound on the gossip delay without faults.
    """

    scenario: str
    seed: int
    duration_s: float
    mode: str
    honest: tuple[str, ...]
    liars: tuple[str, ...]
    victims: tuple[str, ...]
    keys: Mapping[str, tuple[Key, ...]]
    owners: Mapping[Key, str]
    groups: Mapping[Key, bytes]
    calls: Mapping[CallId, CallFacts]
    epochs: tuple[Epoch, ...]
    delta_s: float
    quiet_from_s: float | None = None  # liveness: from here on no fault happens and everything is up
    known_share: float = 1.0  # cards known per honest responder when the first call was made, measured
    rooted: tuple[Key, ...] = ()  # the keys that a root of the profile vouches for
    clock_error_s: float = 0.0  # by how much wall clocks of honest nodes may differ from true time
    clock_rate_error: float = 0.0  # by which share their monotonic clocks may run fast
    known: Mapping[str, float] = field(factory=dict)  # figures of the run that a scenario adds
    witnesses: tuple[str, ...] = field(
        init=False
    )  # whose eyes are believed: the honest responders, and the victims

    @witnesses.default
    def _believed(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.honest, *self.victims)))

    def is_honest(self, key: Key) -> bool:
        """Whether an honest node, or a victim, owns this key."""
        owner = self.owners.get(key)
        return owner is not None and owner not in self.liars

    def component_of(self, node: str, at_s: float) -> Component:
        """Whom a node can reach at a time, itself included; empty while it is down or no honest node."""
        for epoch in self.epochs:
            if epoch.start_s <= at_s < epoch.end_s:
                for component in epoch.components:
                    if node in component:
                        return component
        return ()

"""The people at the nodes: whoever is asked answers after a while, or never.

Decides what a person says, and when. Comes in: the questions of nodes, overheard. Goes out: the people's word to their
nodes, records of who was asked. Must not know bands, nor why a node asks.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import log
from random import Random

from attrs import define, evolve, field, frozen

from p2p_sos.core.actions import Action, Tell
from p2p_sos.core.events import OperatorClaims, OperatorDeclines
from p2p_sos.core.notices import Decided, DecisionWanted
from p2p_sos.sim.places import Place
from p2p_sos.sim.world import World
from p2p_sos.wire.messages import CallId
from p2p_sos.wire.registry import Detail, Manner, Reason

MEDIAN_S, SIGMA = 20.0, 0.8  # guess: a pager that rings, a look, a decision; one in ten needs a minute
NEVER, DECLINES = (
    0.3,
    0.2,
)  # guess: the share of those who never answer, and of the others of those who say no


@frozen
class Answer:
    """What a person says to a question: after so many seconds, None for never, a claim or a refusal."""

    after_s: float | None
    claims: bool = True


Person = Callable[[Random, int], Answer]  # by draws of its own, and how many were asked before it


def guessed(draws: Random, _asked_before: int) -> Answer:
    """As people may be: a share never looks, the others answer after a time whose logarithm is normal. A guess throughout."""
    sleeps, declines, after_s = draws.random(), draws.random(), draws.lognormvariate(log(MEDIAN_S), SIGMA)
    return Answer(None if sleeps < NEVER else after_s, declines >= DECLINES)


def asleep(first: int) -> Person:
    """As many as that never answer, whoever they are; everybody after them does, and comes."""

    def person(draws: Random, asked_before: int) -> Answer:
        after_s = draws.lognormvariate(log(MEDIAN_S), SIGMA)
        return Answer(None if asked_before < first else after_s)

    return person


@define(eq=False)
class People:
    """Everybody who is asked in one world. A person draws alike whenever it is asked, and whatever others do."""

    world: World
    person: Person = guessed
    _asked: dict[tuple[str, CallId], int] = field(init=False, factory=dict)
    _waiting: dict[tuple[str, CallId], int] = field(init=False, factory=dict)

    def sit(self, names: Sequence[str]) -> None:
        """From now on a person decides at these places, whose other policies stay."""
        for name in names:
            place = self.world[name]
            assert place.responder is not None, f"nobody answers at {name}"
            told = evolve(place.responder.policy, manner=Manner.PERSON)
            place.responder = evolve(place.responder, policy=told)
        self.world.overhear = self.overhear

    def overhear(self, place: Place, actions: Sequence[Action]) -> None:
        """A node asks, or says that it need not know any more."""
        for action in actions:
            if not isinstance(action, Tell):
                continue
            match action.notice:
                case DecisionWanted(call=call):
                    self._ask(place, call)
                case Decided(call=call, decision="guard") if self._waiting.pop((place.name, call), None):
                    self.world.trace.add(self.world.now, place.name, "withdrawn", call)

    def _ask(self, place: Place, call: CallId) -> None:
        key = place.name, call
        before = sum(asked[1] == call for asked in self._asked)
        number = self._asked[key] = self._asked.get(key, 0) + 1
        self.world.trace.add(self.world.now, place.name, "asked", call, number)
        draws = Random(f"{self.world.seed} person at {place.name}")
        answer = self.person(draws, before)
        self._waiting[key] = number
        if answer.after_s is not None:
            say = partial(self._say, place.name, call, number, answer.claims)
            self.world.at(self.world.now + answer.after_s, say)

    def _say(self, name: str, call: CallId, number: int, claims: bool) -> None:
        if self._waiting.get((name, call)) != number:
            return  # it was told meanwhile that it is not needed, or was asked again
        del self._waiting[name, call]
        declines = OperatorDeclines(call, Reason.UNABLE, Detail.BUSY)
        self.world.operate(name, OperatorClaims(call) if claims else declines)

"""A process that is stopped between a decision and its sending: what it had prepared leaves after the pause.

Decides which moment that is: the next SITREP of a node. Comes in: a world, a name. Goes out: a pause, and what is left unsent until
the place goes on. Must not know what others make of a late word.
"""

from collections.abc import Callable, Sequence

from p2p_sos.core.actions import Action, SendRpc
from p2p_sos.sim.places import Place
from p2p_sos.sim.world import World
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import Sitrep


def stop_in_the_act(world: World, name: str, then: Callable[[], None]) -> None:
    """When this node is about to send its next SITREP nothing leaves, and `then` is called, which is to pause it."""
    before = world.overhear

    def overhear(place: Place, actions: Sequence[Action]) -> None:
        if before is not None:
            before(place, actions)
        sent = [a for a in actions if isinstance(a, SendRpc) and _reports(world, place, a)]
        if place.name != name or not sent:
            return
        world.overhear = before
        place.unsent += sent
        was = [(road, road.open) for road in place.links.values()]
        for road, _ in was:
            road.open = False  # for the moment in which these actions happen; nobody's reach changes

        def done() -> None:
            for road, is_open in was:
                road.open = is_open
            then()

        world.at(world.now, done)

    world.overhear = overhear


def _reports(world: World, place: Place, action: SendRpc) -> bool:
    """Whether a SITREP of its own is in it."""
    frames = (world.shared.decode(carried.data) for carried in action.rpc.messages)
    return any(
        isinstance(f, Frame) and isinstance(f.message, Sitrep) and f.message.signer in place.keys
        for f in frames
    )

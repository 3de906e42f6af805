"""Withholder: takes everything and passes on nothing of some kinds; asked by sync, it has nothing."""

from collections.abc import Sequence

from p2p_sos.core.actions import Action, SendRpc, SendSync
from p2p_sos.core.events import Event
from p2p_sos.sim.behaviour import Make, Seat
from p2p_sos.sim.liars.mask import Mask, without
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.registry import Kind

EVERYTHING = tuple(Kind)


class Withholder:
    """An honest node that neither forwards, nor announces, nor syncs others' messages of these kinds."""

    def __init__(self, seat: Seat, kinds: Sequence[Kind] = EVERYTHING) -> None:
        self.mask = Mask(seat, answers=True)
        self.kinds = dict.fromkeys(kinds)
        self._withheld: dict[bytes, None] = {}

    def handle(self, event: Event, now: float) -> list[Action]:
        """One event."""
        actions = self.mask.handle(event, now)
        for frame in self.mask.kept(actions):
            if frame.message.KIND in self.kinds and frame.message.signer != self.mask.me:
                self._withheld[self.mask.seat.shared.gossip_id(frame.cell)] = None
        told = [without(a, self._named(a)) for a in actions if not isinstance(a, SendSync)]
        return [action for action in told if action is not None]

    def _named(self, action: Action) -> tuple[bytes, ...]:
        """What this action would give away; a message may be forwarded before it is kept (a LETTER, say)."""
        if not isinstance(action, SendRpc):
            return ()
        unkept = [
            carried.id
            for carried in action.rpc.messages
            if isinstance(frame := self.mask.seat.shared.decode(carried.data), Frame)
            and frame.message.KIND in self.kinds
            and frame.message.signer != self.mask.me
        ]
        announced = [i for _, ids in action.rpc.ihave for i in ids if i in self._withheld]
        return (*unkept, *announced)


def withholder(kinds: Sequence[Kind] = EVERYTHING) -> Make:
    """A seat for one."""
    return lambda seat: Withholder(seat, kinds)

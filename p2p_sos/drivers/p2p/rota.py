"""Keeps a few connections of many that could be: who fails is replaced, one after another, and never by all at once.

Decides whom of a list this machine shows itself to, and when it tries another. In come addresses; out go connections, through
the `dial` it was given, and whom it has dialled so far. Must not know what a connection is for.

The worst case: `places` relays learn at once where this machine stands, and in the end `shown_max` of one list, if so
many fail or only say that they do; the count goes on through a restart for whoever keeps what `noted` is told. When it is
reached, those that were dialled before are dialled again.
"""

import random
from collections.abc import Callable, Iterable, Mapping

import trio
from attrs import define, field, frozen

from p2p_sos.core.gossip.rpc import PeerId
from p2p_sos.drivers.addresses import Address, draw, network_of_peer
from p2p_sos.drivers.p2p.keeper import Attempts, Dial, KeeperLimits


@frozen
class RotaLimits:
    """How many are held at once, how many are shown this machine in all, and how fast one takes another's place."""

    places: int
    shown_max: int  # of one list
    next_s: float = 5.0  # guess: a list of dead relays is gone through in a minute or two
    # guess: dials that a relay may fail which was there before; who never was there may fail one
    tries: int = 3


def _nobody(_shown: tuple[Address, ...]) -> None:
    pass


@define
class Rota:
    """One task for each place. `shown`: whom this machine dialled before, the best first; `noted` gets the same, changed."""

    _dial: Dial  # returns when the peer is gone again; raises if it cannot be reached
    _ours: PeerId
    _patience: KeeperLimits
    _limits: RotaLimits
    _source: random.Random
    _shown: list[Address] = field(factory=list)
    _noted: Callable[[tuple[Address, ...]], None] = _nobody
    _loopback_apart: bool = False
    _known: dict[str, Address] = field(factory=dict, init=False)
    _held: list[Address] = field(factory=list, init=False)
    _left: list[Address] = field(factory=list, init=False)  # those that failed in this run, the newest last
    _spurned: dict[PeerId, None] = field(factory=dict, init=False)
    _faults: dict[str, str] = field(factory=dict, init=False)
    _turn: trio.Lock = field(factory=trio.Lock, init=False)
    _more: trio.Event = field(factory=trio.Event, init=False)

    @property
    def faults(self) -> Mapping[str, str]:
        """What is wrong with each address that could not be reached at its last attempt."""
        return self._faults

    def keep(self, addresses: Iterable[Address]) -> None:
        """These may be dialled too."""
        self._known.update({str(one): one for one in addresses if one.peer != self._ours})
        self._more.set()
        self._more = trio.Event()

    def spurn(self, peer: PeerId) -> bool:
        """Whether a peer that is there and of no use gives its place to one that was never dialled; its connection is to be cut."""
        if self._fresh():
            self._spurned[peer] = None
        return peer in self._spurned

    async def run(self) -> None:
        """Fill every place, for ever."""
        async with trio.open_nursery() as nursery:
            for _ in range(self._limits.places):
                nursery.start_soon(self._fill)

    async def _fill(self) -> None:
        while True:
            while (address := self._next()) is None:
                await self._more.wait()
            self._held.append(address)
            await self._stay(address)
            self._held.remove(address)
            self._left = [*(one for one in self._left if one != address), address]
            self._note([*(one for one in self._shown if one != address), address])
            # One after another: a moment without a network must not run through the list.
            async with self._turn:
                await trio.sleep(self._limits.next_s * self._source.uniform(0.5, 1.5))

    async def _stay(self, address: Address) -> None:
        """Dial it and dial it again; back when another is to have its place."""
        self._spurned.pop(address.peer, None)
        attempts = Attempts(address, self._patience, self._faults, self._source)
        failed, bearable = 0, 1
        while True:
            if await attempts.make(self._dial):
                failed, bearable = 0, self._limits.tries
            else:
                failed += 1
            if (failed >= bearable or address.peer in self._spurned) and self._free():
                return
            await attempts.wait()

    # ------------------------------------------------------------------ whom

    def _next(self) -> Address | None:
        """Whom to dial: one that was dialled before and did not fail since; a new one, as long as there may be; one that failed."""
        free = self._free()
        again = [one for one in self._shown if one in free and one not in self._left]
        if not again and (fresh := self._fresh()):
            networks = {self._network(one) for one in self._held}
            apart = [one for one in fresh if self._network(one) not in networks]
            again = list(draw(apart or fresh, 1, self._source))
            self._note([*again, *self._shown])
        return next(iter([*again, *(one for one in self._left if one in free)]), None)

    def _free(self) -> list[Address]:
        held = {one.peer for one in self._held}
        return [one for one in self._known.values() if one.peer not in held]

    def _fresh(self) -> list[Address]:
        """Those that were never dialled, as long as there is room for one more of them."""
        room = sum([str(one) in self._known for one in self._shown]) < self._limits.shown_max
        return [one for one in self._free() if one not in self._shown] if room else []

    def _network(self, address: Address) -> str:
        return network_of_peer(address.host, address.peer, loopback_apart=self._loopback_apart)

    def _note(self, shown: list[Address]) -> None:
        self._shown = shown
        self._noted(tuple(shown))

"""Keeps the connections that this node wants: dials, waits, dials again, and says what is wrong.

Decides when an address is dialled, and how a failure reads. In come addresses; out go connections, through the
`dial` it was given, and one sentence per address that fails. It must not know what a connection is for.
"""

import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from socket import gaierror

import trio
from attrs import define, field, frozen
from libp2p.security.noise.exceptions import PeerIDMismatchesPubkey

from p2p_sos.drivers.addresses import Address
from p2p_sos.drivers.socks import ENVIRONMENT, ProxyAway, ProxyRefused

Dial = Callable[[Address], Awaitable[None]]


class UnreachableError(Exception):
    """The transport answered, and no secure connection came of it; the reason is its cause."""


class HungUpError(Exception):
    """A peer closed the connection before the mesh's streams were open."""


class NotOurProtocolError(Exception):
    """A peer speaks libp2p, but not the mesh's protocol."""


# What a dial raises for a reason that lies outside.
FAULTS = (OSError, trio.TooSlowError, NotOurProtocolError, HungUpError, UnreachableError)


@frozen
class KeeperLimits:
    """How patiently an address is dialled."""

    dial_s: float = 10.0  # guess: a handshake over Tor takes about 3
    first_wait_s: float = 1.0  # guess
    last_wait_s: float = 60.0  # guess: a relay that returns is found within a minute


@define
class Attempts:
    """The dials of one address: what was wrong with the last one, among the `faults` of all addresses, and how long until the next."""

    _address: Address
    _limits: KeeperLimits
    _faults: dict[str, str]
    _random: random.Random
    _wait_s: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._wait_s = self._limits.first_wait_s

    async def make(self, dial: Dial) -> bool:
        """One more; back when the peer is gone again. Whether it was there."""
        try:
            await dial(self._address)
        except FAULTS as fault:
            self._faults[str(self._address)] = sentence(self._address, fault, self._limits.dial_s)
            self._wait_s = min(self._wait_s * 2, self._limits.last_wait_s)
            return False
        self._faults.pop(str(self._address), None)
        self._wait_s = self._limits.first_wait_s
        return True

    async def wait(self) -> None:
        """Until the next may be made."""
        await trio.sleep(self._wait_s * self._random.uniform(0.5, 1.5))


@define
class Keeper:
    """One task for each address: while its peer is away it is dialled, ever more rarely."""

    _dial: Dial  # returns when the peer is gone again; raises if it cannot be reached
    _ours: str
    _limits: KeeperLimits
    _random: random.Random
    _faults: dict[str, str] = field(factory=dict, init=False)
    _kept: dict[str, Address] = field(factory=dict, init=False)
    _nursery: trio.Nursery | None = field(default=None, init=False)

    @property
    def faults(self) -> Mapping[str, str]:
        """What is wrong with each address that could not be reached at its last attempt."""
        return self._faults

    def keep(self, addresses: Iterable[Address]) -> None:
        """Keep these too."""
        for address in addresses:
            if address.peer == self._ours or str(address) in self._kept:
                continue
            self._kept[str(address)] = address
            if self._nursery is not None:
                self._nursery.start_soon(self._keep_one, address)

    async def run(self) -> None:
        """Keep all, for ever. All are dialled at once."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for address in self._kept.values():
                nursery.start_soon(self._keep_one, address)
            await trio.sleep_forever()

    async def _keep_one(self, address: Address) -> None:
        attempts = Attempts(address, self._limits, self._faults, self._random)
        while True:
            await attempts.make(self._dial)
            await attempts.wait()


def sentence(address: Address, fault: BaseException, dial_s: float) -> str:
    """What is wrong with an address, for the person who wrote it."""
    chain = _causes(fault)
    for cause in chain:
        if isinstance(cause, ProxyAway):
            return f"{address}: {cause}; nothing was tried by any other way. Start Tor, or name its port with {ENVIRONMENT}."
        if isinstance(cause, ProxyRefused):
            return f"{address}: {cause}; the relay is down, or the proxy is not yet connected."
        if isinstance(cause, PeerIDMismatchesPubkey):
            return f"{address}: another peer answers there; the id after /p2p/ is wrong, or the relay has a new key."
        if isinstance(cause, gaierror):
            return f"{address}: the name {address.host} is not known ({cause.strerror})."
        if isinstance(cause, ConnectionRefusedError):
            return f"{address}: the connection is refused; no relay listens on port {address.port}."
        if isinstance(cause, HungUpError):
            return f"{address}: the relay hung up; it is full, or refuses this node for a while."
        if isinstance(cause, NotOurProtocolError):
            return f"{address}: the peer there speaks libp2p, but is no relay of this network."
    if any(isinstance(cause, trio.TooSlowError) for cause in chain):
        return f"{address}: no answer within {dial_s:g} s."
    if isinstance(fault, OSError):
        return f"{address}: it cannot be reached ({fault.strerror or fault})."
    return f"{address}: what answers there speaks no Noise and Yamux ({type(chain[-1]).__name__})."


def _causes(fault: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    waiting: list[BaseException | None] = [fault]
    while waiting and len(chain) < 32:
        one = waiting.pop(0)
        if one is None or one in chain:
            continue
        chain.append(one)
        waiting.append(one.__cause__)
        if isinstance(one, BaseExceptionGroup):
            waiting.extend(one.exceptions)
    return chain

"""How a peer is dialled: in the open, or through a proxy alone.

Decides which of the two, once, for whoever is given a dialler: a dialler that goes through a proxy has no other way.
In comes an address; out goes a TCP stream. Must not know what is said on it.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import trio
from attrs import frozen

from p2p_sos.drivers.addresses import Address
from p2p_sos.drivers.socks import SocksAddress, User, open_through


class Dialled(NamedTuple):
    """A TCP stream, and through a proxy host and port of the peer beyond it."""

    stream: trio.SocketStream
    beyond: tuple[str, int] | None


Dialler = Callable[[Address], Awaitable[Dialled]]


async def dial_in_the_open(address: Address) -> Dialled:
    """As any node: a name is looked up here, and the peer sees where we stand. Raises OSError."""
    return Dialled(await trio.open_tcp_stream(address.host, address.port), None)


@frozen
class Circuits:
    """A dialler through the proxy: each connection under a fresh user name, and so over a circuit of its own."""

    socks: SocksAddress

    async def __call__(self, address: Address) -> Dialled:
        """Names are handed to the proxy as names. Raises `SocksFault`."""
        stream = await open_through(self.socks, User.fresh(), address.host, address.port)
        return Dialled(stream, (address.host, address.port))

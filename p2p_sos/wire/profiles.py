"""Network profiles: what may differ between two networks, and the id that tells them apart.

Comes in: a name of the registry or the numbers themselves. Goes out: a `Profile` and its network id.
"""

from attrs import field, frozen

from p2p_sos.wire.canonical import pack
from p2p_sos.wire.hashing import NetworkId, blake2b
from p2p_sos.wire.registry import PROFILE_ROOTS, PROFILE_TABLES


@frozen
class Profile:
    """One network's choices (document 03 §7). `network` is their hash, 32 bytes."""

    name: str
    stamp_effort_min: int
    open_calls_max: int
    calls_per_s: int
    calls_burst: int
    roots: tuple[bytes, ...] = ()
    network: NetworkId = field(init=False)

    @network.default
    def _derive_network(self) -> NetworkId:
        numbers = [self.stamp_effort_min, self.open_calls_max, self.calls_per_s, self.calls_burst]
        return blake2b("esos/1 network", pack([self.name.encode(), *numbers, list(self.roots)]))


PROFILES = {
    name: Profile(name=name, roots=tuple(bytes.fromhex(root) for root in PROFILE_ROOTS[name]), **table)
    for name, table in PROFILE_TABLES.items()
}
LABORATORY = "laboratory"  # the one whose nodes may all stand on one machine

"""A profile that names a root, and whom that root vouches for.

Decides who answers for whom. Comes in: an empty world, names. Goes out: the same world under that profile.
"""

from collections.abc import Sequence

from attrs import evolve

from p2p_sos.sim.world import PROFILE, World
from p2p_sos.wire.hashing import blake2b

ROOTED = evolve(PROFILE, name="simulated, with a root", roots=(b"root".ljust(32),))


def vouch(world: World, there: Sequence[str], together: Sequence[Sequence[str]] = ()) -> None:
    """A root vouches for everybody: each is a group of its own, but for those that stand together."""
    group = {name: names[0] for names in together for name in names}
    for name in there:
        place = world[name]
        assert place.responder is not None
        world.shared.accredited[place.responder.key.public] = blake2b(
            "esos/1 simulated", group.get(name, name).encode()
        )

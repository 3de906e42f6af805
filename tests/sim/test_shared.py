"""What all nodes of a world share is what each would compute itself."""

from attrs import evolve

from p2p_sos.sim.shared import Shared, rings
from p2p_sos.sim.world import PROFILE, World
from p2p_sos.wire.checks import check
from p2p_sos.wire.frames import Frame, decode
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.refusals import Reason, Refusal


def card(world: World) -> Frame:
    place = world.add_node("a")
    assert place.responder is not None
    return world.card_of(place.responder)


def test_a_signature_is_really_checked_and_a_stamp_believed():
    """The sound frame passes here though nobody worked for its stamp; one with a changed signature never does."""
    world = World(0)
    sound = card(world)
    assert world.shared.check(sound) is None
    real = check(sound, PROFILE)
    assert isinstance(real, Refusal)
    assert real.reason is Reason.STAMP
    forged = evolve(sound, signature=bytes(64), cell=sound.cell[:-1] + b"\x01")
    refusal = world.shared.check(forged)
    assert refusal is not None
    assert refusal.reason is Reason.SIGNATURE


def test_a_stamp_of_too_little_effort_is_refused():
    """Its effort counts, though not its work."""
    world = World(0)
    place = world.add_node("a")
    assert place.responder is not None
    message = world.card_of(place.responder).message
    weak = world.shared.seal(message, place.responder.key, PROFILE.stamp_effort_min - 1)
    refusal = world.shared.check(weak)
    assert refusal is not None
    assert refusal.reason is Reason.STAMP


def test_decoding_and_naming_are_those_of_the_wire():
    """Once computed, the same object comes back."""
    world, shared = World(0), Shared(PROFILE)
    cell = card(world).cell
    assert shared.decode(cell) == decode(cell, PROFILE.network)
    assert shared.decode(cell) is shared.decode(cell)
    assert shared.gossip_id(cell) == gossip_id(cell, canonical=True)
    assert isinstance(shared.decode(b"x"), Refusal)


def test_rings_count_between_base_cells_and_nowhere_is_incomparable():
    """A picture of distance, not the grid."""
    first, second = 0x0800 << 48 | 3 << 45, 0x0800 << 48 | 5 << 45
    assert rings(first, second) == 2
    assert rings(first, 0) is None

"""Which relays a node has, for how long, and for whom."""

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from p2p_sos.core.origin.draws import Draws
from p2p_sos.core.origin.relays import Relays
from p2p_sos.wire.registry import STEM_EPOCH_JITTER_S, STEM_EPOCH_S

LONGEST_S = STEM_EPOCH_S + STEM_EPOCH_JITTER_S
PEERS = [f"p{number}" for number in range(6)]


def relays(seed: int = 0, networks: dict[str, str] | None = None, inbound: tuple[str, ...] = ()) -> Relays:
    """A node that dialled these peers, each of a network."""
    made = Relays(Draws(Random(seed).randbytes))
    for peer, network in (networks or {peer: peer for peer in PEERS}).items():
        made.joined(peer, network, outbound=True)
    for peer in inbound:
        made.joined(peer, peer, outbound=False)
    return made


def test_two_relays_of_different_networks_for_a_whole_epoch() -> None:
    """The same two until it ends, never of one network, whatever is drawn."""
    networks = {"a": "1", "b": "1", "c": "1", "d": "2"}
    for seed in range(50):
        made = relays(seed, networks)
        pair = made.pair(0.0)
        assert sorted(networks[peer] for peer in pair) == ["1", "2"]
        assert all(made.pair(at) == pair for at in (1.0, 300.0, float(STEM_EPOCH_S) - 0.1))


def test_an_epoch_ends_and_another_pair_may_come() -> None:
    """After the longest epoch everything is drawn anew; control for the test above."""
    changed = sum(set_of(made.pair(0.0)) != set_of(made.pair(LONGEST_S)) for made in map(relays, range(40)))
    assert changed > 20


def set_of(pair: tuple[str, ...]) -> tuple[str, ...]:
    """A pair without its order."""
    return tuple(sorted(pair))


def test_epochs_of_nodes_do_not_end_together() -> None:
    """Each lasts its own time, between the two bounds."""
    ends = [made._epoch.ends_at for made in map(relays, range(40)) if made.pair(0.0) and made._epoch]
    assert min(ends) >= STEM_EPOCH_S
    assert max(ends) < LONGEST_S
    assert len(dict.fromkeys(ends)) == 40


def test_who_dialled_us_is_no_relay() -> None:
    """However many there are."""
    for seed in range(30):
        made = relays(seed, {"a": "1", "b": "2"}, tuple(PEERS))
        assert set_of(made.pair(0.0)) == ("a", "b")


def test_many_peers_of_one_network_weigh_as_one() -> None:
    """Nineteen of one network are drawn as often as the one of each other; by peer they would be nine times in ten."""
    networks = {f"x{number}": "x" for number in range(19)} | {"a": "a", "b": "b"}
    firsts = Counter(networks[relays(seed, networks).pair(0.0)[0]] for seed in range(600))
    assert 150 < firsts["x"] < 250


def test_a_fifth_are_diffusers_and_stay_so_for_an_epoch() -> None:
    """One draw for each node and epoch, not for each cell."""
    made = [relays(seed) for seed in range(2000)]
    first = [one.is_diffuser(0.0) for one in made]
    assert 340 < sum(first) < 460
    assert [one.is_diffuser(500.0) for one in made] == first
    assert [one.is_diffuser(LONGEST_S) for one in made] != first


def test_all_of_one_predecessor_take_one_relay() -> None:
    """For the epoch; of many predecessors both relays have some (control)."""
    made = relays()
    routes = {peer: made.route(peer, 0.0) for peer in (f"in{number}" for number in range(20))}
    assert all(made.route(peer, 400.0) == relay for peer, relay in routes.items())
    assert set_of(tuple(dict.fromkeys(r for r in routes.values() if r))) == set_of(made.pair(0.0))


@given(st.integers(0, 10_000), st.lists(st.tuples(st.sampled_from(PEERS), st.floats(0, 5000)), min_size=1))
def test_never_back_to_the_predecessor(seed: int, cells: list[tuple[str, float]]) -> None:
    """Whoever sends, relay or not, whenever it does."""
    made, now = relays(seed), 0.0
    for predecessor, later in cells:
        now += later
        assert made.route(predecessor, now) != predecessor


def test_a_predecessor_that_is_a_relay_itself_makes_a_difference() -> None:
    """Control for the property: what comes from a relay takes the other one, always."""
    made = relays()
    one, other = made.pair(0.0)
    assert made.route(one, 0.0) == other
    assert made.route(other, 0.0) == one
    assert relays(networks={"a": "1"}).route("a", 0.0) is None


def test_a_relay_that_leaves_or_refuses_is_replaced_alone() -> None:
    """The other one stays; what took the lost one takes one of the two that there are now."""
    for lose in (Relays.left, Relays.refused):
        made = relays()
        gone, stays = made.pair(0.0)
        lose(made, gone)
        assert stays in made.pair(1.0)
        assert gone not in made.pair(1.0)
        assert len(made.pair(1.0)) == 2
        assert made.route("in", 1.0) in made.pair(1.0)


def test_a_victim_needs_two_networks() -> None:
    """One sentence that says what lacks; none where nothing does."""
    few, one_network = relays(networks={"a": "1"}), relays(networks={"a": "1", "b": "1"})
    assert few.fault is not None
    assert "it has one" in few.fault
    assert one_network.fault is not None
    assert "of one network" in one_network.fault
    assert relays(networks={"a": "1", "b": "2"}).fault is None
    lost = relays(networks={"a": "1", "b": "2"})
    lost.refused("b")
    assert lost.fault is not None

"""Whole nodes that were not there when it was said: sync brings them to the same boards, and gossip alone does not."""

import pytest

from p2p_sos.wire.messages import CallId
from p2p_sos.wire.registry import CALL_EPOCH_S, CELL_BYTES, EPOCHS_EITHER_WAY, SYNC_PERIOD_S
from p2p_sos.wire.sync import Equal, Open, decode
from tests.core.world import World, responder, victim

LONG_S = (
    EPOCHS_EITHER_WAY + 1.5
) * CALL_EPOCH_S  # gossip admits the CALL no more, and has forgotten all of it
SOON_S = SYNC_PERIOD_S + 2.0


class Island(World):
    """A world that counts the frames of sync, or loses them all."""

    def __init__(self, *, synced: bool) -> None:
        super().__init__(seed=5)
        self.synced = synced
        self.frames: list[bytes] = []

    def _send_sync(self, name: str, peer: str, frame: bytes) -> None:
        if self.synced:
            self.frames.append(frame)
            super()._send_sync(name, peer, frame)

    def trees(self, name: str) -> dict[bytes, tuple[bytes, ...]]:
        """What a node holds, as sync compares it."""
        return {name: tree.ids for name, tree in self.node(name)._sync._holdings.trees().items()}

    def is_agreed(self, *names: str) -> bool:
        """Whether these nodes hold the same."""
        return len({tuple(sorted(self.trees(name).items())) for name in names}) == 1

    def agrees_within(self, seconds: float, *names: str) -> bool:
        """Let time pass until these nodes hold the same, or that long: what is said meanwhile is under way at moments."""
        until = self.now + seconds
        while self.now < until and not self.is_agreed(*names):
            self.run(0.25)
        return self.is_agreed(*names)

    def part(self, left: list[str], right: list[str]) -> None:
        """Nothing passes between the two sides."""
        self.lost = [pair for a in left for b in right for pair in ((a, b), (b, a))]


def town(*names: str, synced: bool) -> Island:
    """Responders in a ring, and a victim that is linked to the first."""
    island = Island(synced=synced)
    for name in names:
        island.add(name, responder=responder(name))
    island.ring(list(names), chords=1)
    island.run(2.0)
    island.add("victim", victim=victim())
    island.link("victim", names[0])
    island.run(2.0)
    return island


def answered(island: Island) -> CallId:
    """A call that was made and answered."""
    call = island.call("victim")
    island.run(30.0)
    return call


@pytest.mark.parametrize("synced", [True, False])
def test_who_joins_late_holds_the_same_board(synced: bool) -> None:
    """35 minutes after the call, within a period and two seconds; without sync it never hears of the call."""
    island = town("a", "b", synced=synced)
    call = answered(island)
    island.run(LONG_S)
    island.frames.clear()
    island.add("late", responder=responder("late"))
    island.link("late", "b")
    assert island.agrees_within(SOON_S, "a", "b", "late") is synced
    assert (call in island.trees("late")) is synced
    if synced:
        held = sum(len(ids) for ids in island.trees("b").values())
        assert sum(map(len, island.frames)) < 2 * held * CELL_BYTES + 20_000


@pytest.mark.parametrize("synced", [True, False])
def test_what_a_partition_kept_apart_is_joined(synced: bool) -> None:
    """Five minutes apart, both sides wrote; once healed the same boards within a period; without sync they stay apart."""
    island = town("a", "b", "c", "d", synced=synced)
    island.part(["a", "b", "victim"], ["c", "d"])
    call = answered(island)
    island.run(300.0)
    assert call not in island.trees("c")
    island.lost = []
    assert island.agrees_within(SOON_S, "a", "b", "c", "d") is synced


@pytest.mark.parametrize("synced", [True, False])
def test_who_slept_holds_the_same_board(synced: bool) -> None:
    """Killed before the call and started from its rows 35 minutes after it."""
    island = town("a", "b", "sleeper", synced=synced)
    island.kill("sleeper")
    call = answered(island)
    island.run(LONG_S)
    island.start("sleeper")
    assert island.agrees_within(SOON_S, "a", "b", "sleeper") is synced
    assert (call in island.trees("sleeper")) is synced


def test_nodes_that_agree_exchange_nothing_but_two_tiny_frames() -> None:
    """When nothing happens, each period costs each node 32 bytes."""
    island = town("a", "b", "c", synced=True)
    island.run(3 * SYNC_PERIOD_S)
    assert island.is_agreed("a", "b", "c", "victim")
    island.frames.clear()
    island.run(10 * SYNC_PERIOD_S)
    assert {type(decode(frame)) for frame in island.frames} == {Open, Equal}
    assert 10 * 4 * 32 - 64 <= sum(map(len, island.frames)) <= 11 * 4 * 32


def test_a_victim_does_not_tell_by_sync_that_the_call_is_its_own() -> None:
    """Before the call came back to it, it is in none of the victim's trees, and asking by name gives nothing; then it is."""
    island = town("a", "b", synced=True)
    island.lost = [("victim", "a")]  # nothing gets out: the call never comes back
    call = island.call("victim")
    island.run(30.0)
    assert call in island.node("victim").calls
    assert call not in island.trees("victim")
    assert island.node("victim")._sync._holdings.cell(call) is None
    back = town("a", "b", synced=True)
    call = answered(back)
    assert call in back.trees("victim")
    assert back.node("victim")._sync._holdings.cell(call) is not None

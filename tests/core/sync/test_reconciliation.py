"""Two honest nodes: what one lacks it gets, at a price that follows the difference and not the size."""

from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_sos.core.sync.sync import SyncSettings
from p2p_sos.wire.messages import MessageId
from p2p_sos.wire.refusals import Refusal
from p2p_sos.wire.registry import CELL_BYTES, SYNC_FRAME_BYTES_MAX, SYNC_PERIOD_S, SYNC_ROUNDS_MAX
from p2p_sos.wire.sync import Ask, Equal, Fetch, Give, Open, decode
from tests.core.sync.neighbourhood import DAY, Neighbourhood, name_id, register

CALL = name_id("call")
OTHER_CALL = name_id("another call")
PROOFS = b""
TREES = (CALL, OTHER_CALL, DAY, PROOFS)


def ids(prefix: str, count: int) -> list[MessageId]:
    """So many ids."""
    return [name_id(f"{prefix} {index}") for index in range(count)]


def pair(setting: SyncSettings | None = None) -> Neighbourhood:
    """Two machines, `asker` and `other`, not linked yet."""
    both = Neighbourhood(settings=setting or SyncSettings())
    both.add("asker")
    both.add("other")
    return both


def kinds(both: Neighbourhood) -> list[type]:
    """The frames that went to and fro, by their classes."""
    return [type(decode(frame)) for _, _, frame in both.frames]


def test_equal_nodes_exchange_two_tiny_frames() -> None:
    """Whatever they hold, an equal session costs 32 bytes."""
    for count in (0, 10, 10_000):
        both = pair()
        for name in ("asker", "other"):
            both.hold(name, DAY, ids("card", count))
            both.hold(name, CALL, [CALL, *ids("word", count // 10)])
        both.link("asker", "other")
        assert kinds(both) == [Open, Equal]
        assert both.bytes_passed() == 32


def test_an_equal_session_hashes_nothing_again() -> None:
    """While holdings say that nothing changed, no tree is looked at."""
    both = pair()
    shelf = both.shelves["asker"]
    both.hold("asker", DAY, ids("card", 100))
    both.hold("other", DAY, ids("card", 100))
    both.link("asker", "other")
    told = shelf.trees()[DAY]
    known = dict(told._known)
    assert list(known) == [b""]
    told._known[b""] = known[b""][::-1]  # who looked at the ids again would find another one
    both.run(3 * SYNC_PERIOD_S)
    assert shelf.trees()[DAY] is told
    assert set(kinds(both)) == {Open, Equal}


@st.composite
def _split(draw: st.DrawFn) -> dict[bytes, tuple[int, int, int]]:
    """For each tree how many ids both hold, only the asker, only the other."""
    some = st.one_of(st.integers(0, 5), st.integers(0, 400))
    return {tree: (draw(some), draw(some), draw(some)) for tree in TREES}


@settings(max_examples=40, deadline=None)
@given(_split(), st.integers(0, 5))
def test_two_sets_become_their_union(split: dict[bytes, tuple[int, int, int]], seed: int) -> None:
    """In one session, whoever holds what; each cell that somebody lacks goes once; frames and rounds are bounded."""
    both = pair()
    lacked = 0
    for tree, (common, mine, theirs) in split.items():
        for name, own, count in (("asker", "mine", mine), ("other", "theirs", theirs)):
            both.hold(name, tree, ids(f"{seed} common {tree.hex()}", common))
            both.hold(name, tree, ids(f"{seed} {own} {tree.hex()}", count))
        lacked += mine + theirs
    held = sum(common + mine + theirs for common, mine, theirs in split.values())
    both.link("asker", "other")
    assert both.is_agreed()
    assert sum(len(shelf.sets[t]) for shelf in both.shelves.values() for t in shelf.sets) == 2 * held
    sent = [decode(frame) for _, _, frame in both.frames]
    assert sum(isinstance(frame, Ask) for frame in sent) <= SYNC_ROUNDS_MAX
    assert not any(isinstance(frame, Refusal) for frame in sent)
    assert len(both.offered) <= lacked + len(TREES)
    assert max(len(frame) for _, _, frame in both.frames) <= SYNC_FRAME_BYTES_MAX
    # The cells; of each lacked id its own 32 bytes and those of at most 64 beside it; a little for each tree.
    assert both.bytes_passed() <= lacked * (CELL_BYTES + 40) + 40 * min(held, 64 * (lacked + 4)) + 40_000


def test_one_difference_among_ten_thousand_costs_two_kilobytes_beside_its_cell() -> None:
    """The price follows the difference; the control is the whole list of ids, 320 KB."""
    both = pair()
    for name in ("asker", "other"):
        both.hold(name, DAY, ids("card", 10_000))
    both.hold("other", DAY, [name_id("the new one")])
    both.link("asker", "other")
    assert both.is_agreed()
    assert both.bytes_passed() < CELL_BYTES + 2_500
    assert sum(kind is Ask for kind in kinds(both)) == 3


def test_a_late_joiner_gets_calls_first_then_boards_then_cards() -> None:
    """The order of the document, and at most five per cent beside the cells."""
    both = pair()
    cards, words, other_words = ids("card", 500), ids("word", 70), ids("other word", 70)
    both.hold("other", DAY, cards)
    both.hold("other", CALL, [CALL, *words])
    both.hold("other", OTHER_CALL, [OTHER_CALL, *other_words])
    both.link("asker", "other")
    came = [cell[:32] for name, _, cell in both.offered if name == "asker"]
    assert set(came[:2]) == {CALL, OTHER_CALL}
    assert set(came[2:142]) == {*words, *other_words}
    assert set(came[142:]) == set(cards)
    assert both.bytes_passed() < 1.05 * 642 * CELL_BYTES


def test_a_session_ends_at_its_bound_and_the_next_goes_on() -> None:
    """Half a megabyte at a time, until nothing is lacked."""
    both = pair(SyncSettings(session_bytes_max=500_000))
    both.hold("other", DAY, ids("card", 600))
    both.link("asker", "other")
    assert not both.is_agreed()
    assert both.bytes_passed() < 500_000 + 2 * SYNC_FRAME_BYTES_MAX
    both.run(3 * SYNC_PERIOD_S)
    assert both.is_agreed()


def test_registers_of_boards_that_differed_travel_both_ways() -> None:
    """The newest of each signer is at both in the end; of equal boards nothing is asked."""
    both = pair()
    for name in ("asker", "other"):
        both.hold(name, CALL, [CALL])
        both.hold(name, OTHER_CALL, [OTHER_CALL])
    both.hold("other", CALL, [name_id("a word")])
    signers = ids("signer", 4)
    for name, sequences in (("asker", (3, 9, 1)), ("other", (3, 2, 5))):
        for call in (CALL, OTHER_CALL):
            newest = {s: register(call, s, q) for s, q in zip(signers, sequences, strict=False)}
            both.shelves[name].newest[call] = newest
    both.link("asker", "other")
    asker, other = (both.shelves[name].newest for name in ("asker", "other"))
    assert (
        asker[CALL]
        == other[CALL]
        == {s: register(CALL, s, q) for s, q in zip(signers, (3, 9, 5), strict=False)}
    )
    assert asker[OTHER_CALL] != other[OTHER_CALL]


def test_what_was_fetched_a_moment_ago_is_not_fetched_again() -> None:
    """Two peers that hold the same bring it once, though the gate has not looked at it yet."""
    three = Neighbourhood()
    for name in ("asker", "one", "two"):
        three.add(name)
    for name in ("one", "two"):
        three.hold(name, DAY, ids("card", 200))
    three.names.clear()  # nobody's gate lets anything in: it is all still waiting there
    three.link("asker", "one")
    three.link("asker", "two")
    assert len(three.offered) == 200
    three.run(SYNC_PERIOD_S + 1.0)  # longer than a verification takes: then it is lost, and fetched anew
    assert len(three.offered) >= 400


def test_whoever_only_answers_asks_nobody() -> None:
    """Switched off, a node fetches nothing; the control of everything above."""
    both = pair(SyncSettings(period_s=None))
    both.hold("other", DAY, ids("card", 3))
    both.link("asker", "other")
    both.run(10 * SYNC_PERIOD_S)
    assert both.frames == []
    assert not both.is_agreed()


def test_gifts_and_fetches_never_repeat_in_a_session() -> None:
    """No id is fetched twice and no cell given twice."""
    both = pair()
    both.hold("asker", DAY, ids("mine", 300))
    both.hold("other", DAY, ids("theirs", 300))
    both.link("asker", "other")
    fetched = [one for f in both.frames if isinstance(m := decode(f[2]), Fetch) for one in m.ids]
    given = [cell for f in both.frames if isinstance(m := decode(f[2]), Give) for cell in m.cells]
    assert len(fetched) == len(set(fetched)) == 300
    assert len(given) == len(set(given)) == 300

"""What waits for a slow peer: joined, bounded, the least useful dropped first, and never in the others' way."""

import pytest
import trio
import trio.testing
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from p2p_sos.core.events import BacklogChanged
from p2p_sos.core.gossip.rpc import Carried, Prune, Rpc, Subscription
from p2p_sos.drivers.p2p.protobuf import FrameReader, decode, encode
from p2p_sos.drivers.p2p.streams import Outbox, StreamLimits, pieces, size_of
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.registry import TOPIC
from tests.drivers.p2p.nodes import Ears, cell

LIMITS = StreamLimits(joined_bytes_max=8192, queue_bytes_max=32_768, backlog_bytes=8192)


def message(number: int) -> Carried:
    return Carried(gossip_id(cell(number), canonical=True), cell(number), TOPIC)


def announcement(number: int) -> Rpc:
    return Rpc(ihave=((TOPIC, tuple(number.to_bytes(20, "big") for _ in range(40))),))


CONTROL = Rpc(subscriptions=(Subscription(TOPIC, True),), graft=(TOPIC,), prune=(Prune(TOPIC, 60),))


def outbox() -> tuple[Outbox, Ears]:
    ears = Ears()
    return Outbox("peer", LIMITS, ears), ears


async def drain(box: Outbox) -> list[Rpc]:
    """Everything that would be written, frame by frame."""
    frames = []
    while box.waiting_bytes:
        (payload,) = FrameReader(1 << 20).feed(await box.take())
        rpc = decode(payload)
        assert rpc is not None
        frames.append(rpc)
        box.wrote()
    return frames


@pytest.mark.trio
async def test_what_waits_together_goes_together() -> None:
    """Several RPCs become one frame, in order, as long as they fit."""
    box, _ = outbox()
    box.put(CONTROL)
    box.put(Rpc(messages=(message(1),)))
    box.put(Rpc(messages=(message(2),), iwant=(bytes(20),)))
    (joined,) = await drain(box)
    assert joined == evolve(CONTROL, messages=(message(1), message(2)), iwant=(bytes(20),))


@pytest.mark.trio
async def test_frames_keep_within_the_limit() -> None:
    """More than fits becomes several frames, none above the limit, and nothing is lost."""
    box, _ = outbox()
    for number in range(10):
        box.put(Rpc(messages=(message(number),)))
    frames = await drain(box)
    assert [m for rpc in frames for m in rpc.messages] == [message(number) for number in range(10)]
    assert len(frames) > 1
    assert max(len(encode(rpc)) for rpc in frames) <= LIMITS.joined_bytes_max


@pytest.mark.trio
async def test_over_the_bound_announcements_go_first() -> None:
    """When too much waits, the oldest IHAVE goes, then the oldest messages; control stays."""
    box, _ = outbox()
    for number in range(20):
        box.put(announcement(number))
    box.put(CONTROL)
    for number in range(12):
        box.put(Rpc(messages=(message(number),)))
    assert box.waiting_bytes <= LIMITS.queue_bytes_max
    frames = await drain(box)
    assert [m for rpc in frames for m in rpc.messages] == [message(number) for number in range(12)]
    kept = [ids[0] for rpc in frames for _, ids in rpc.ihave]
    assert 0 < len(kept) < 20
    assert kept == [number.to_bytes(20, "big") for number in range(20 - len(kept), 20)], "the newest stay"
    assert sum(len(rpc.graft) for rpc in frames) == 1


@pytest.mark.trio
async def test_far_over_the_bound_the_oldest_messages_go() -> None:
    """A peer that reads nothing keeps the newest messages waiting, and every GRAFT, PRUNE and subscription."""
    box, _ = outbox()
    for number in range(100):
        box.put(CONTROL)
        box.put(Rpc(messages=(message(number),)))
        assert box.waiting_bytes <= LIMITS.queue_bytes_max
    frames = await drain(box)
    kept = [m for rpc in frames for m in rpc.messages]
    assert 0 < len(kept) < 100
    assert kept == [message(number) for number in range(100 - len(kept), 100)]
    assert sum(len(rpc.prune) for rpc in frames) == 100


@pytest.mark.trio
async def test_a_backlog_is_told_when_it_comes_and_when_it_goes() -> None:
    """The node hears once that much waits, and once that it no longer does."""
    box, ears = outbox()
    for number in range(8):
        box.put(Rpc(messages=(message(number),)))
    (grown,) = ears.of(BacklogChanged)
    assert grown.waiting_bytes >= LIMITS.backlog_bytes
    await drain(box)
    assert [event.waiting_bytes < LIMITS.backlog_bytes for event in ears.of(BacklogChanged)] == [False, True]


@pytest.mark.trio
async def test_flushed_waits_for_the_last_write() -> None:
    """Nothing queued and nothing being written: only then is it flushed."""
    box, _ = outbox()
    with trio.fail_after(120):
        await box.flushed()  # control: nothing waits
        box.put(CONTROL)
        async with trio.open_nursery() as nursery:
            done = trio.Event()

            async def wait() -> None:
                await box.flushed()
                done.set()

            nursery.start_soon(wait)
            await box.take()
            await trio.testing.wait_all_tasks_blocked()
            assert not done.is_set(), "taken is not yet written"
            box.wrote()
            await done.wait()


ids = st.lists(st.binary(min_size=20, max_size=20), max_size=60).map(tuple)


@given(
    st.builds(
        Rpc,
        messages=st.lists(st.integers(0, 50).map(message), max_size=8).map(tuple),
        ihave=st.lists(st.tuples(st.just(TOPIC), ids), max_size=3).map(tuple),
        iwant=ids,
        idontwant=ids,
        graft=st.just((TOPIC,)),
    )
)
def test_pieces_say_what_the_whole_says(rpc: Rpc) -> None:
    """An RPC in pieces holds every part once, in order, each piece within the limit."""
    parts = [part for part, _ in pieces(rpc, 4096)]
    assert tuple(m for part in parts for m in part.messages) == rpc.messages
    assert tuple(i for part in parts for i in part.iwant) == rpc.iwant
    assert tuple(i for part in parts for i in part.idontwant) == rpc.idontwant
    assert tuple(i for part in parts for _, some in part.ihave for i in some) == tuple(
        i for _, some in rpc.ihave for i in some
    )
    assert tuple(g for part in parts for g in part.graft) == rpc.graft
    assert all(len(encode(part)) <= 4096 for part in parts)


@given(st.integers(0, 5), ids, ids)
def test_the_size_is_never_underrated(count: int, wanted: tuple[bytes, ...], had: tuple[bytes, ...]) -> None:
    """What a queue counts is at least what is written, or the bounds would mean nothing."""
    rpc = Rpc(messages=tuple(message(n) for n in range(count)), iwant=wanted, ihave=((TOPIC, had),))
    assert size_of(rpc) >= len(encode(rpc))

"""The tap that captures connections, and one round of captures with nodes of production."""

from pathlib import Path
from random import Random

import anonymity_traffic as traffic
import pytest
import trio

PREFACE = b"\x13/multistream/1.0.0\n\x07/noise\n"


def noise(size: int) -> bytes:
    """A frame with its length before it."""
    return size.to_bytes(2, "big") + bytes(size)


def test_frames_are_read_wherever_the_line_cuts_them() -> None:
    """Byte by byte or at once: the two lines of the preface, then each frame with its length."""
    data = PREFACE + noise(32) + noise(2066) + noise(0)
    whole, piece = traffic.Reader(), traffic.Reader()
    wanted = [20, 8, 34, 2068, 2]
    assert whole.feed(data) == wanted
    assert [size for byte in data for size in piece.feed(bytes([byte]))] == wanted


def test_a_frame_that_did_not_end_is_not_counted() -> None:
    """Control: until its last byte came."""
    reader = traffic.Reader()
    assert reader.feed(PREFACE + noise(100)[:-1]) == [20, 8]
    assert reader.feed(b"\x00") == [102]


@pytest.mark.trio
async def test_a_tap_passes_every_byte_on_and_counts_both_directions() -> None:
    """An echo behind it answers with what it was sent."""

    async def echo(stream: trio.SocketStream) -> None:
        async for data in stream:
            await stream.send_all(data)

    sent = PREFACE + noise(500)
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, echo, listeners)
        tap = traffic.Tap(listeners[0].socket.getsockname()[1], "relay")
        await nursery.start(tap.run)
        async with await trio.open_tcp_stream("127.0.0.1", int(tap.address.split("/")[4])) as stream:
            await stream.send_all(sent)
            back = b""
            while len(back) < len(sent):
                back += await stream.receive_some()
        nursery.cancel_scope.cancel()
    assert back == sent
    for up in (True, False):
        assert [seen.size_bytes for seen in tap.frames if seen.up is up] == [20, 8, 502]


@pytest.mark.trio
async def test_a_round_captures_a_victim_beside_a_node(tmp_path: Path) -> None:
    """A pair comes of it, unless both nodes let the call of the caller behind them out themselves; then it counts for nobody."""
    rig = traffic.Rig(tmp_path)
    async with trio.open_nursery() as nursery:
        await rig.start(nursery)
        pair = await rig.round(Random(3), bare=False)
        nursery.cancel_scope.cancel()
    if pair is not None:
        lengths = [len(vector) for kind in (pair.stem, pair.listening) for vector in kind]
        assert len({*lengths}) == 1
        assert all(vector[0] > 0 for kind in (pair.stem, pair.listening) for vector in kind)

"""The runner with a scripted node, a store that writes down its order, and a mesh that only remembers."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import trio
from attrs import frozen
from trio.testing import MockClock

from p2p_sos.core.actions import (
    Action,
    Disconnect,
    Forget,
    Keep,
    Push,
    SendRpc,
    SendStem,
    SendSync,
    SetTimer,
    Solve,
    Tell,
    Verify,
)
from p2p_sos.core.events import (
    ClockRead,
    Event,
    OperatorClaims,
    PeerLeft,
    Restored,
    Solved,
    Started,
    StoreFailed,
    StoreRecovered,
    TimerFired,
    Verified,
)
from p2p_sos.core.gossip.rpc import Rpc
from p2p_sos.core.notices import Accepting
from p2p_sos.core.tables import Table
from p2p_sos.drivers.runner import CLOCK_EVERY_S, QUEUE_MAX, RETRY_S, Runner
from p2p_sos.drivers.store import StoreError
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.stamps import holds

PATIENCE_S = 120.0
Done = tuple[str, Any]


class World:
    """The store, the mesh and the people of one node: writes down, in order, what was done to them."""

    peer_id = "us"
    addresses: tuple[str, ...] = ()
    faults: dict[str, str] = {}  # noqa: RUF012 - never written

    def __init__(self, rows: dict[Table, tuple[tuple[bytes, bytes], ...]] | None = None) -> None:
        self.done: list[Done] = []
        self.failures = 0
        self._rows = rows or {}
        self.deliver: Callable[[Event], None] = lambda event: None

    def load(self, table: Table) -> tuple[tuple[bytes, bytes], ...]:
        return self._rows.get(table, ())

    async def commit(self, changes: Sequence[Keep | Forget]) -> None:
        kept = tuple(change.key for change in changes)
        self.done.append(("commit begins", kept))
        await trio.lowlevel.checkpoint()
        if self.failures:
            self.failures -= 1
            raise StoreError("The disk is full.")
        self.done.append(("commit ends", kept))

    async def run(
        self, deliver: Any, *, room: Any = None, task_status: Any = trio.TASK_STATUS_IGNORED
    ) -> None:
        self.deliver = deliver
        task_status.started()
        await trio.sleep_forever()

    def send(self, peer: str, rpc: Rpc) -> None:
        self.done.append(("send", peer))

    def send_sync(self, peer: str, frame: bytes) -> None:
        self.done.append(("send sync", peer))

    def send_stem(self, peer: str, cell: bytes) -> None:
        self.done.append(("send stem", peer))

    def push(self, cell: bytes) -> None:
        self.done.append(("push", cell.decode()))

    def disconnect(self, peer: str, why: str) -> None:
        self.done.append(("disconnect", peer))

    def connect(self, addresses: Sequence[str]) -> None: ...

    async def flush(self, within_s: float) -> None:
        self.done.append(("flush", within_s > 0))

    def tell(self, notice: Any) -> None:
        self.done.append(("tell", notice.why))


class Script:
    """A node that answers each event as a table says, and remembers what it heard and when."""

    def __init__(self, answers: dict[Any, list[Action]] | None = None) -> None:
        self.answers = answers or {}
        self.heard: list[Event] = []
        self.times: list[float] = []
        self._news = trio.Event()

    def handle(self, event: Event, now: float) -> list[Action]:
        self.heard.append(event)
        self.times.append(now)
        self._news.set()
        if event == PeerLeft("bug"):
            raise AssertionError("a bug")
        key = event if event in self.answers else type(event)
        return self.answers.get(key, [])

    async def hear(self, event: Event) -> None:
        while event not in self.heard:
            self._news = trio.Event()
            await self._news.wait()


def keep(key: bytes) -> Keep:
    return Keep(Table.CELL, key, b"value")


def tell(word: str) -> Tell:
    return Tell(Accepting(True, word))


def send(peer: str) -> SendRpc:
    return SendRpc(peer, Rpc())


def claims(number: int) -> OperatorClaims:
    return OperatorClaims(bytes([number]))


@frozen
class Bell:
    """A timer."""

    name: str


class Running:
    """A runner in the background."""

    def __init__(self, script: Script, world: World, check: Any = lambda _: None) -> None:
        self.runner = Runner(script, world, world, world.tell, check=check)
        self._nursery_manager: Any = None

    async def __aenter__(self) -> Runner:
        self._nursery_manager = trio.open_nursery()
        self._nursery = await self._nursery_manager.__aenter__()
        self._nursery.cancel_scope.deadline = trio.current_time() + PATIENCE_S
        await self._nursery.start(self.runner.run)
        return self.runner

    async def __aexit__(self, *fault: Any) -> bool:
        self._nursery.cancel_scope.cancel()
        return bool(await self._nursery_manager.__aexit__(*fault))


@pytest.mark.trio
async def test_a_start_restores_everything_first() -> None:
    """Every table is told, then the clock, then the start, before the mesh listens."""
    row = ((b"key", b"value"),)
    script, world = Script(), World({Table.LOG: row})
    async with Running(script, world):
        tables = len(Table)
        assert script.heard[:tables] == [Restored(t, row if t is Table.LOG else ()) for t in Table]
        assert isinstance(script.heard[tables], ClockRead)
        assert script.heard[tables + 1 :] == [Started()]


@pytest.mark.trio
async def test_nothing_is_visible_before_it_is_durable() -> None:
    """What an event keeps is on disk before anything that the same events say is sent, told or done."""
    script = Script(
        {claims(1): [keep(b"one"), send("a"), tell("x")], claims(2): [send("b"), keep(b"two"), send("c")]}
    )
    world = World()
    async with Running(script, world) as runner:
        runner.submit(claims(1))
        await runner.ask(claims(2))
        both = (b"one", b"two")
        assert world.done == [
            ("commit begins", both), ("commit ends", both),
            ("send", "a"), ("tell", "x"), ("send", "b"), ("send", "c"),
        ]  # fmt: skip


@pytest.mark.trio
@pytest.mark.parametrize(
    ("say", "word"),
    [
        (lambda to: SendSync(to, b"frame"), "send sync"),
        (lambda to: SendStem(to, b"cell"), "send stem"),
        (lambda to: Push(to.encode()), "push"),
    ],
)
async def test_sync_stem_and_push_wait_for_the_disk_too(say: Callable[[str], Action], word: str) -> None:
    """What they say leaves after the commit; behind a row that could not be written it does not leave."""
    said: list[Action] = [say("a"), keep(b"one"), say("b")]
    script, world = Script({claims(1): said}), World()
    async with Running(script, world) as runner:
        await runner.ask(claims(1))
        world.failures = 1
        await runner.ask(claims(1))
    sent = [entry for entry in world.done if entry[0] == word]
    assert sent == [(word, "a"), (word, "b"), (word, "a")]
    assert world.done.index((word, "a")) > world.done.index(("commit ends", (b"one",)))


@pytest.mark.trio
async def test_events_that_wait_share_one_commit() -> None:
    """A hundred events that wait together are written at once, in order."""
    script = Script({claims(n): [keep(bytes([n]))] for n in range(100)})
    world = World()
    async with Running(script, world) as runner:
        for number in range(99):
            runner.submit(claims(number))
        await runner.ask(claims(99))
        everything = tuple(bytes([n]) for n in range(100))
        assert world.done == [("commit begins", everything), ("commit ends", everything)]


@pytest.mark.trio
async def test_what_is_not_durable_is_not_said() -> None:
    """While the store fails, what stands behind a change stays unsaid; what depends on none is said all the same."""
    script = Script(
        {
            claims(1): [send("before"), keep(b"one"), send("after"), tell("after"), Disconnect("d", "why")],
            claims(2): [send("free")],
        }
    )
    world = World()
    world.failures = 1
    async with Running(script, world) as runner:
        runner.submit(claims(1))
        await runner.ask(claims(2))
        await script.hear(StoreFailed("The disk is full."))
        said = [done for done in world.done if done[0] != "commit begins"]
        assert said == [("send", "before"), ("disconnect", "d"), ("send", "free")]


@pytest.mark.trio
async def test_a_store_that_recovers_gets_what_it_is_owed(autojump_clock: MockClock) -> None:
    """What could not be kept is kept first once the store works again, and the node hears of both."""
    script = Script({claims(1): [keep(b"one")], claims(2): [keep(b"two")]})
    world = World()
    world.failures = 2
    async with Running(script, world) as runner:
        await runner.ask(claims(1))
        await runner.ask(claims(2))
        await script.hear(StoreRecovered())
        assert script.heard.count(StoreFailed("The disk is full.")) == 1
        assert world.done[-1] == ("commit ends", (b"one", b"two"))
        assert autojump_clock.current_time() >= RETRY_S


@pytest.mark.trio
async def test_timers_fire_in_time_and_order(autojump_clock: MockClock) -> None:
    """Timers fire by time, equal times in the order of setting; one key set twice fires twice."""
    start = trio.current_time()
    bells = [SetTimer(Bell("late"), start + 9), SetTimer(Bell("b"), start + 5), SetTimer(Bell("a"), start + 5),
             SetTimer(Bell("b"), start + 7)]  # fmt: skip
    script = Script({Started: bells})
    async with Running(script, World()):
        await script.hear(TimerFired(Bell("late")))
        fired = [(e.key.name, at - start) for e, at in zip(script.heard, script.times, strict=True)
                 if isinstance(e, TimerFired)]  # fmt: skip
        assert [name for name, _ in fired] == ["b", "a", "b", "late"]
        assert all(at >= due for (_, at), due in zip(fired, (5, 5, 7, 9), strict=True))


@pytest.mark.trio
async def test_the_clock_is_read_again(autojump_clock: MockClock) -> None:
    """The wall clock is told about once a minute."""
    script = Script({})
    async with Running(script, World()):
        await trio.sleep(3 * CLOCK_EVERY_S + 1)
        assert sum(isinstance(event, ClockRead) for event in script.heard) == 4


@pytest.mark.trio
async def test_a_bug_in_one_event_does_not_silence_the_node() -> None:
    """An event that the node fails to handle is counted; the next is handled."""
    script, world = Script({claims(1): [send("a")]}), World()
    async with Running(script, world) as runner:
        runner.submit(PeerLeft("bug"))
        await runner.ask(claims(1))
        assert runner.faults == 1
        assert world.done == [("send", "a")]


@pytest.mark.trio
async def test_a_stop_handles_flushes_and_ends() -> None:
    """What is queued at a stop is handled, what waits for peers is flushed, and `run` returns."""
    script, world = Script({claims(1): [keep(b"one"), send("a")]}), World()
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            runner = Runner(script, world, world, world.tell, check=lambda _: None)
            await nursery.start(runner.run)
            runner.submit(claims(1))
            await runner.stop()
    assert world.done[-2:] == [("send", "a"), ("flush", True)]


@pytest.mark.trio
async def test_readers_wait_while_too_much_waits() -> None:
    """Over the bound there is no room; once the queue was worked off there is again."""
    script, world = Script(), World()
    async with Running(script, world) as runner:
        with trio.fail_after(PATIENCE_S):
            await runner.room()  # control: there is room
            for _ in range(QUEUE_MAX):
                runner.submit(claims(1))
            before = len(script.heard)
            await runner.room()
            assert len(script.heard) > before


def frame_of(number: int) -> Frame:
    message: Any = number
    return Frame(message, bytes([number]) * 32, b"", None, b"", b"")


@pytest.mark.trio
async def test_frames_are_checked_and_answered_in_order() -> None:
    """Each `Verify` is answered once, with its refusal."""
    refusal = Refusal(Reason.SIGNATURE, "forged")
    asked = [Verify(bytes([n]) * 20, frame_of(n)) for n in range(200)]
    script = Script({claims(1): list(asked)})
    async with Running(script, World(), lambda frame: refusal if frame.id[0] % 3 == 0 else None) as runner:
        await runner.ask(claims(1))
        last = Verified(asked[-1].gossip_id, asked[-1].frame, None)
        await script.hear(last)
        answers = [event for event in script.heard if isinstance(event, Verified)]
        assert [answer.gossip_id for answer in answers] == [action.gossip_id for action in asked]
        assert [answer.refusal is None for answer in answers] == [n % 3 != 0 for n in range(200)]


@pytest.mark.trio
async def test_a_bug_in_a_check_ends_the_node() -> None:
    """A check that raises is a programmer's fault: it comes out of `run`, and no frame passes unchecked."""

    def check(_: Frame) -> None:
        raise ZeroDivisionError

    script = Script({claims(1): [Verify(bytes(20), frame_of(1))]})
    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        async with Running(script, World(), check) as runner:
            runner.submit(claims(1))
            await trio.sleep_forever()


@pytest.mark.trio
async def test_a_stamp_is_solved() -> None:
    """A `Solve` is answered with a stamp that holds."""
    script = Script({claims(1): [Solve(bytes(32), 2, bytes(16))]})
    async with Running(script, World()) as runner:
        await runner.ask(claims(1))
        while not isinstance(script.heard[-1], Solved):
            await trio.lowlevel.checkpoint()
        assert holds(bytes(32), script.heard[-1].stamp)


@pytest.mark.trio
async def test_a_stop_does_not_wait_for_a_stamp() -> None:
    """A stamp that would take for ever is given up when the node ends."""
    script = Script({claims(1): [Solve(bytes(32), 2**31, bytes(16))]})
    async with Running(script, World()) as runner:
        await runner.ask(claims(1))
        await runner.stop()

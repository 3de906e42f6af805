"""Worker threads for what costs time: signatures and stamps, where the C libraries let other threads run.

In come `Verify` and `Solve` actions; out go `Verified` and `Solved` events. It must not know what follows from
them. Frames that arrive while a batch is being checked make up the next batch, so that a thread is woken once
for many.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import TypeVar

import trio
from attrs import define, field

from p2p_sos.core.actions import Solve, Verify
from p2p_sos.core.events import Solved, Verified
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.refusals import Refusal
from p2p_sos.wire.stamps import search

Check = Callable[[Frame], Refusal | None]
_In = TypeVar("_In")
_Out = TypeVar("_Out")


@define
class Verifier:
    """One thread that checks, one that solves."""

    _check: Check
    _answer: Callable[[Verified | Solved], None]
    _batch_max: int = 64  # guess: 64 stamps take 30 ms, and then the node hears of them
    _frames: deque[Verify] = field(factory=deque, init=False)
    _riddles: deque[Solve] = field(factory=deque, init=False)
    _asked: trio.Event = field(factory=trio.Event, init=False)
    _puzzled: trio.Event = field(factory=trio.Event, init=False)
    _over: threading.Event = field(factory=threading.Event, init=False)

    def submit(self, action: Verify | Solve) -> None:
        """Queue it; the node's own bounds on what it examines bound the queue."""
        if isinstance(action, Verify):
            self._frames.append(action)
            self._asked.set()
        else:
            self._riddles.append(action)
            self._puzzled.set()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._check_all)
                nursery.start_soon(self._solve_all)
        finally:
            self._over.set()

    async def _check_all(self) -> None:
        limiter = trio.CapacityLimiter(1)
        while True:
            while not self._frames:
                self._asked = trio.Event()
                await self._asked.wait()
            batch = [self._frames.popleft() for _ in range(min(len(self._frames), self._batch_max))]
            refusals = await _in_thread(self._check_batch, batch, limiter)
            for action, refusal in zip(batch, refusals, strict=True):
                self._answer(Verified(action.gossip_id, action.frame, refusal))

    def _check_batch(self, batch: list[Verify]) -> list[Refusal | None]:
        return [self._check(action.frame) for action in batch]

    async def _solve_all(self) -> None:
        limiter = trio.CapacityLimiter(1)
        while True:
            while not self._riddles:
                self._puzzled = trio.Event()
                await self._puzzled.wait()
            solved = await _in_thread(self._solve, self._riddles.popleft(), limiter)
            if solved is not None:
                self._answer(solved)

    def _solve(self, riddle: Solve) -> Solved | None:
        for stamp in search(riddle.message, riddle.effort, start=riddle.start):
            if stamp is not None:
                return Solved(riddle.message, stamp)
            if self._over.is_set():
                return None
        return None


async def _in_thread(work: Callable[[_In], _Out], argument: _In, limiter: trio.CapacityLimiter) -> _Out:
    # the stubs that py-libp2p's requirements bring along know an older trio
    done = trio.to_thread.run_sync(work, argument, limiter=limiter, abandon_on_cancel=True)  # type: ignore[call-arg]
    return await done

"""Worker threads for what costs time: signatures and stamps, where the C libraries let other threads run.

In come `Verify` and `Solve` actions; out go `Verified` and `Solved` events. It must not know what follows from
them. Frames that arrive while a batch is being checked make up the next batch, so that the thread is woken once
for many. Each thread lives as long as the node: trio's own way into a thread and back costs 135 microseconds
beside the 65 of a signature, this one 70 (measured).
"""

import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue

import outcome
import trio
from attrs import define, field

from p2p_sos.core.actions import Solve, Verify
from p2p_sos.core.events import Solved, Verified
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.refusals import Refusal
from p2p_sos.wire.stamps import search

Check = Callable[[Frame], Refusal | None]
Answers = list[Verified] | list[Solved]

BATCH_MAX = 64  # guess: 64 stamps take 30 ms, and then the node hears of them


@define
class _Worker:
    """One thread that works off what it is given, a batch at a time; answers on the trio thread."""

    _name: str
    _answer: Callable[[Answers], None]
    _fail: Callable[[outcome.Error], None]
    _todo: SimpleQueue[Callable[[], Answers] | None] = field(factory=SimpleQueue, init=False)

    def start(self) -> None:
        """Start the thread."""
        token = trio.lowlevel.current_trio_token()
        threading.Thread(target=self._work, args=(token,), name=self._name, daemon=True).start()

    def give(self, work: Callable[[], Answers]) -> None:
        """Queue some work."""
        self._todo.put(work)

    def end(self) -> None:
        """Let the thread end after what it is at."""
        self._todo.put(None)

    def _work(self, token: trio.lowlevel.TrioToken) -> None:
        while (work := self._todo.get()) is not None:
            result = outcome.capture(work)
            try:
                if isinstance(result, outcome.Error):
                    token.run_sync_soon(self._fail, result)
                else:
                    token.run_sync_soon(self._answer, result.value)
            except trio.RunFinishedError:
                return  # nobody is left to tell


class Verifier:
    """One thread that checks, one that solves. `answer` is called on the trio thread."""

    def __init__(self, check: Check, answer: Callable[[Verified | Solved], None]) -> None:
        self._check = check
        self._answer = answer
        self._frames: deque[Verify] = deque()
        self._checking = 0
        self._over = threading.Event()
        self._failed = trio.Event()
        self._fault: outcome.Error | None = None
        self._checker = _Worker("verifier", self._checked, self._fail)
        self._solver = _Worker("solver", self._tell, self._fail)

    def submit(self, action: Verify | Solve) -> None:
        """Take an action; the node's own bounds on what it examines bound the queue. Frames wait for `dispatch`."""
        if isinstance(action, Verify):
            self._frames.append(action)
        else:
            self._solver.give(partial(self._solve, action))

    def dispatch(self) -> None:
        """Give the thread what waits, unless it has a batch already."""
        if self._frames and not self._checking:
            batch = [self._frames.popleft() for _ in range(min(len(self._frames), BATCH_MAX))]
            self._checking = len(batch)
            self._checker.give(partial(self._check_all, batch))

    async def run(self) -> None:
        """Work until cancelled. Raises whatever a check raises: a programmer's fault."""
        self._checker.start()
        self._solver.start()
        try:
            await self._failed.wait()
            assert self._fault is not None, "it failed of something"
            self._fault.unwrap()
        finally:
            self._over.set()
            self._checker.end()
            self._solver.end()

    def _fail(self, fault: outcome.Error) -> None:
        self._fault = fault
        self._failed.set()

    def _tell(self, answers: Answers) -> None:
        for answer in answers:
            self._answer(answer)

    def _checked(self, answers: Answers) -> None:
        self._checking = 0
        self.dispatch()
        self._tell(answers)

    def _check_all(self, batch: list[Verify]) -> Answers:
        return [Verified(action.gossip_id, action.frame, self._check(action.frame)) for action in batch]

    def _solve(self, riddle: Solve) -> Answers:
        for stamp in search(riddle.message, riddle.effort, start=riddle.start):
            if stamp is not None:
                return [Solved(riddle.message, stamp)]
            if self._over.is_set():
                break
        return []

"""Serving a node or a case in this process: signals heeded, failures as a `Stop`.

Comes in: what serves, as an async function, and how to stop it. Goes out: what it returned, or a `Stop` with the exit code
that fits. Must not know what is served.
"""

import signal
from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.drivers.case_way import WayRefused
from p2p_sos.drivers.home import DISK_ERRORS, Held, HomeError
from p2p_sos.drivers.store import StoreError, StoreUnusable

Result = TypeVar("Result")
KNOWN = (HomeError, StoreError, StoreUnusable, WayRefused)


def run(serve: Callable[[], Awaitable[Result]], stop: Callable[[], bool]) -> Result:
    """Run until `serve` returns. SIGINT and SIGTERM call `stop`; when that says False it is too early, and they end all."""
    results: list[Result] = []

    async def heed_signals(task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            task_status.started()
            async for _ in signals:
                if not stop():
                    raise KeyboardInterrupt

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(heed_signals)
            results.append(await serve())
            nursery.cancel_scope.cancel()

    try:
        trio.run(main)
    except* KeyboardInterrupt:
        raise Stop("Stopped before it was up.", exits.NOT_DONE, "stopped") from None
    except* KNOWN as failed:
        raise _stop_for(failed) from None
    except* OSError as failed:
        refused = _first(failed)
        if not isinstance(refused, OSError) or refused.errno not in DISK_ERRORS:
            raise
        where = f": {refused.filename}" if refused.filename else ""
        raise Stop(
            f"The disk refused: {refused.strerror}{where}. Make room and try again.", exits.DISK
        ) from None
    return results[0]


def _first(failed: BaseException) -> BaseException:
    while isinstance(failed, BaseExceptionGroup):
        failed = failed.exceptions[0]
    return failed


def _stop_for(failed: BaseExceptionGroup[BaseException]) -> Stop:
    first = _first(failed)
    if isinstance(first, Held):
        return Stop(str(first), exits.EXISTS, "held")
    if isinstance(first, WayRefused):
        return Stop(str(first), exits.REFUSED, "way-refused")
    if isinstance(first, HomeError):
        return Stop(str(first), exits.EXISTS, "home")
    return Stop(str(first), exits.DISK)

"""The process that serves one case, in the background or under `sos call --foreground`.

Comes in: a case directory; the secret, the relays and the profile as one JSON line on standard input. Goes out: one
JSON line when it serves (or why it cannot). It outlives the terminal, and ends by itself once a closed call's last
message is out.
"""

import json
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import trio

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.launch import report
from p2p_sos.drivers.case_service import CaseEnd, CaseService, serve_case
from p2p_sos.drivers.casefile import CaseFile, WrongSecret
from p2p_sos.drivers.home import CaseHome, Held, HomeError
from p2p_sos.drivers.store import StoreError, StoreUnusable


def open_file(directory: Path, secret: str) -> CaseFile:
    """The case file, opened. `Stop` 77 for a wrong secret, 74 for a file that cannot be used."""
    try:
        return CaseFile.open(directory / "case.db", secret)
    except WrongSecret as wrong:
        raise Stop(
            f"That is neither the passphrase nor the recovery code of case {directory.name}; try again.",
            exits.REFUSED,
            "wrong-secret",
        ) from wrong
    except StoreUnusable as damaged:
        raise Stop(str(damaged), exits.DISK) from damaged


def serve(
    directory: Path,
    file: CaseFile,
    bootstrap: Sequence[str],
    profile: str,
    *,
    no_relay_after_s: float | None,
    ready: Callable[[CaseService], None],
) -> CaseEnd:
    """Serve until the case is stopped or over; `Stop` when it cannot be served."""

    async def main() -> CaseEnd:
        services: list[CaseService] = []

        def started(service: CaseService) -> None:
            services.append(service)
            ready(service)

        async def heed_signals(task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
            with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
                task_status.started()
                async for _ in signals:
                    if not services:
                        raise KeyboardInterrupt
                    services[0].stop()

        async with trio.open_nursery() as nursery:
            await nursery.start(heed_signals)
            end = await serve_case(
                CaseHome(directory),
                file,
                bootstrap,
                profile=profile,
                no_relay_after_s=no_relay_after_s,
                ready=started,
            )
            nursery.cancel_scope.cancel()
        return end

    try:
        return trio.run(main, strict_exception_groups=False)
    except Held as held:
        raise Stop(str(held), exits.EXISTS, "held") from held
    except (HomeError, StoreError, StoreUnusable) as wrong:
        raise Stop(str(wrong), exits.DISK) from wrong


def main(arguments: Sequence[str]) -> int:
    """Serve the case in the directory given; the rest comes on standard input."""
    directory = Path(arguments[0])
    told: dict[str, Any] = json.loads(sys.stdin.readline())
    secret = str(told.pop("secret"))

    def ready(_service: CaseService) -> None:
        report({"ready": True, "case": directory.name})

    try:
        file = open_file(directory, secret)
        end = serve(
            directory,
            file,
            tuple(told["bootstrap"]),
            str(told["profile"]),
            no_relay_after_s=None,
            ready=ready,
        )
    except Stop as stop:
        report({"error": stop.sentence, "code": stop.code, "exit": stop.exit_code})
        return stop.exit_code
    if end is CaseEnd.OVER:
        report({"over": True, "case": directory.name})
    return exits.DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

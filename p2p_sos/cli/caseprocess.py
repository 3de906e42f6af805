"""The process that serves one case, in the background or under `sos call --foreground`.

Comes in: a case directory; the secret, the relays, the profile and perhaps a way as one JSON line on standard input. Goes out: one
JSON line when it serves (or why it cannot). It outlives the terminal, and ends by itself once a closed call's last
message is out.
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.launch import report
from p2p_sos.cli.reach import OVER
from p2p_sos.cli.secret import WRONG_SECRET
from p2p_sos.cli.serving import run
from p2p_sos.cli.way import kept_way, route_for
from p2p_sos.drivers.case_service import CaseEnd, CaseService, serve_case
from p2p_sos.drivers.casefile import CaseFile, WrongSecret
from p2p_sos.drivers.home import CaseHome
from p2p_sos.drivers.store import StoreUnusable


def open_file(directory: Path, secret: str) -> CaseFile:
    """The case file, opened. `Stop` 77 for a wrong secret, 74 for a file that cannot be used."""
    try:
        return CaseFile.open(directory / "case.db", secret)
    except WrongSecret as wrong:
        raise Stop(str(wrong), exits.REFUSED, WRONG_SECRET) from wrong
    except StoreUnusable as damaged:
        raise Stop(str(damaged), exits.DISK) from damaged


def serve(
    directory: Path,
    file: CaseFile,
    bootstrap: Sequence[str],
    profile: str,
    *,
    via: str | None,
    no_relay_after_s: float | None,
    ready: Callable[[CaseService], None],
) -> CaseEnd:
    """Serve until the case is stopped or over, by its own way or the one named; `Stop` when it cannot be served."""
    try:
        route = route_for(file, via, bootstrap, profile)
    except StoreUnusable as damaged:
        file.close()
        raise Stop(str(damaged), exits.DISK) from damaged
    except Stop:
        file.close()
        raise
    services: list[CaseService] = []

    def stop() -> bool:
        for service in services:
            service.stop()
        return bool(services)

    def started(service: CaseService) -> None:
        services.append(service)
        ready(service)

    async def serving() -> CaseEnd:
        return await serve_case(
            CaseHome(directory),
            file,
            bootstrap,
            profile=profile,
            no_relay_after_s=no_relay_after_s,
            ready=started,
            **route,
        )

    end = run(serving, stop)
    if end is CaseEnd.OVER:
        (directory / OVER).touch()
    return end


def main(arguments: Sequence[str]) -> int:
    """Serve the case in the directory given; the rest comes on standard input."""
    directory = Path(arguments[0])
    told: dict[str, Any] = json.loads(sys.stdin.readline())
    secret = str(told.pop("secret"))

    def ready(_service: CaseService) -> None:
        way = kept_way(file)
        report({"ready": True, "case": directory.name, "via": way.via, "hides": way.hides})

    try:
        file = open_file(directory, secret)
        end = serve(
            directory,
            file,
            tuple(told["bootstrap"]),
            str(told["profile"]),
            via=told["via"],
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

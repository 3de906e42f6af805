"""Keeping a case on disk and having it served: in the background, or in this very process.

Comes in: a wish and a secret, or a case directory and its secret. Goes out: a case directory; a process that serves
it. Loads the case service, and with it the whole protocol: only commands that need it come here.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.grammar import Session
from p2p_sos.cli.reach import about, too_old
from p2p_sos.cli.stops import kept_or_told
from p2p_sos.cli.way import Chosen
from p2p_sos.cli.wish import Wish


class Kept(NamedTuple):
    """A case that is on disk."""

    directory: Path
    call: bytes
    recovery_code: str | None
    secret: str


def keep_case(
    session: Session,
    wish: Wish,
    *,
    passphrase: str | None,
    recovery_code: bool,
    relays: Sequence[str],
    profile: str,
    chosen: Chosen,
) -> Kept:
    """Compose, stamp, sign and keep the call; nothing is sent yet."""
    import trio

    from p2p_sos.drivers.case_service import create_case
    from p2p_sos.drivers.case_way import WayRefused
    from p2p_sos.drivers.home import Home

    async def create() -> Any:
        return await create_case(
            Home(session.home),
            wish.plan(),
            passphrase=passphrase,
            recovery_code=recovery_code,
            bootstrap=relays,
            profile=profile,
            way=chosen.way,
            socks=chosen.socks,
        )

    try:
        with kept_or_told():
            new = trio.run(create)
    except WayRefused as refused:
        raise Stop(str(refused), exits.REFUSED, "way-refused") from refused
    new.file.close()
    secret = passphrase if passphrase is not None else new.recovery_code
    assert secret is not None
    return Kept(new.home.root, new.call, new.recovery_code, secret)


def serve_in_background(
    session: Session,
    directory: Path,
    secret: str,
    relays: Sequence[str],
    profile: str,
    *,
    via: str | None = None,
) -> dict[str, Any]:
    """Start the process that serves the case and outlives this one; the secret goes through a pipe.

    `via`: the way that a person names from now on; the case keeps its own without.
    """
    from p2p_sos.cli.launch import start

    said = {"secret": secret, "bootstrap": list(relays), "profile": profile, "via": via}
    session.screen.line(("Starting the background process that carries your case ...", "dim"))
    return start("p2p_sos.cli.caseprocess", [str(directory)], said, directory / "case.log")


def serve_here(
    session: Session,
    directory: Path,
    secret: str,
    relays: Sequence[str],
    profile: str,
    *,
    until: str,
    patience_s: float,
    via: str | None = None,
    says_way: bool = False,
) -> None:
    """Serve the case in this process and follow it; Ctrl-C ends both, the case can be resumed.

    `says_way`: what the way hides and from whom was not said yet.
    """
    from p2p_sos.cli.caseprocess import open_file, serve
    from p2p_sos.cli.follow import follow
    from p2p_sos.cli.way import kept_way
    from p2p_sos.drivers.case_service import CaseEnd, CaseService

    stops: list[Stop] = []
    watchers: list[threading.Thread] = []

    def watch(service: CaseService, token: Any) -> None:
        import trio

        try:
            follow(session, directory, until=until)
        except Stop as stop:
            stops.append(stop)
        finally:
            if until != "closed":
                trio.from_thread.run_sync(service.stop, trio_token=token)

    def ready(service: CaseService) -> None:
        import trio

        if says_way:
            session.screen.line(kept_way(file).hides)
        token = trio.lowlevel.current_trio_token()
        watcher = threading.Thread(target=watch, args=(service, token), daemon=True)
        watchers.append(watcher)
        watcher.start()

    file = open_file(directory, secret)
    end = serve(directory, file, relays, profile, via=via, no_relay_after_s=patience_s, ready=ready)
    for watcher in watchers:
        watcher.join(timeout=5.0)
    if end is CaseEnd.TOO_OLD:
        raise Stop(too_old(session, directory), exits.QUEUED, "too-old")
    if end is CaseEnd.NO_RELAY:
        raise Stop(
            f"No relay could be reached: call {directory.name} is kept and waits, nobody has it yet; send it with: "
            f"{about(session, directory, 'case resume')}, and --bootstrap ADDRESS names another relay",
            exits.QUEUED,
        )
    if end is CaseEnd.STOPPED:
        session.screen.line("The case is kept, and nothing carries it now.")
        session.screen.next(f"{about(session, directory, 'case resume')} goes on with it")

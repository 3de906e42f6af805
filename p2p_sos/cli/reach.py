"""How a command reaches the running node or the running case, and what it says when nobody answers.

Comes in: a session. Goes out: a `Line` whose every failure is a `Stop` with the right exit code and the next step.
Must not know what is asked over it. Nothing heavy is imported: `sos status` passes through here.
"""

from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.grammar import Session
from p2p_sos.drivers.api.client import ApiRefused, LocalApi, NotRunning

SOCKET_PATH_BYTES_MAX = 107  # longer ones lie elsewhere, and only `drivers.home` knows where
OVER = "over"  # a file in a case's directory: its keys are gone, nothing can be resumed
EXITS_OF_STATUS = {
    400: exits.USAGE,
    403: exits.REFUSED,
    404: exits.NO_SUCH,
    413: exits.USAGE,
    422: exits.USAGE,
    500: exits.OUR_FAULT,
    507: exits.DISK,
}


class Line:
    """One local API; `absent` makes the `Stop` for when nobody listens."""

    def __init__(self, socket_path: Path, absent: Callable[[NotRunning], Stop]) -> None:
        self._api = LocalApi(socket_path)
        self._absent = absent

    def get(self, path: str) -> dict[str, Any]:
        """What stands at `path`."""
        return self._asked(lambda: self._api.get(path))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Have something done."""
        return self._asked(lambda: self._api.post(path, body))

    def events(self, opened: Callable[[], None] | None = None) -> Iterator[dict[str, Any]]:
        """What happens from now on, until the other side ends; `opened` is called when that begins."""
        try:
            yield from self._api.events(opened=opened)
        except NotRunning as absent:
            raise self._absent(absent) from absent
        except ApiRefused as refused:
            raise _stop_for(refused) from refused
        except (OSError, HTTPException) as gone:  # it ended before it answered
            raise self._absent(NotRunning(str(gone))) from gone

    def _asked(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            return ask()
        except NotRunning as absent:
            raise self._absent(absent) from absent
        except ApiRefused as refused:
            raise _stop_for(refused) from refused


def _stop_for(refused: ApiRefused) -> Stop:
    return Stop(refused.sentence, EXITS_OF_STATUS.get(refused.status, exits.NOT_DONE), refused.code)


def socket_of(wanted: Path) -> Path:
    """Where the socket really lies: a path too long for the kernel has a stand-in."""
    if len(str(wanted).encode()) <= SOCKET_PATH_BYTES_MAX:
        return wanted
    import os

    from p2p_sos.drivers.home import HomeError, socket_path_for

    try:
        return socket_path_for(wanted, os.environ)
    except HomeError as wrong:
        raise Stop(str(wrong), exits.EXISTS) from wrong


def node_line(session: Session) -> Line:
    """The node of this home; `Stop` with exit 69 as soon as it is asked and does not run."""

    def absent(why: NotRunning) -> Stop:
        if "belongs to another user" in str(why) or "did not answer" in str(why):
            return Stop(str(why), exits.NO_NODE)
        made = (session.home / "settings.toml").exists()
        first = "" if made else f"{session.named('init')}, then "
        return Stop(
            f"No node is running in {session.home}; start it with: {first}{session.named('up')}",
            exits.NO_NODE,
        )

    return Line(socket_of(session.home / "api.sock"), absent)


def call_path(session: Session, typed: str) -> str:
    """The path of the call whose id begins so. `Stop` 2 for what can begin no id."""
    digits = typed.strip().lower()
    if not digits or digits.strip("0123456789abcdef"):
        raise Stop(
            f"{typed!r} is no call: give the first digits of its id; {session.named('calls')} lists them.",
            exits.USAGE,
            "no-id",
        )
    return f"/calls/{digits}"


def case_directory(session: Session, named: str | None) -> Path:
    """The directory of the one case that is meant: the only open one, or the one `--case` names. `Stop` 66 or 2."""
    root = session.home / "cases"
    found = sorted(p for p in root.iterdir() if (p / "case.db").exists()) if root.is_dir() else []
    if named is not None:
        wanted = named.lower()
        meant = [p for p in found if wanted and p.name.startswith(wanted[: len(p.name)])]
        if not meant:
            known = ", ".join(p.name for p in found) or "none"
            raise Stop(
                f"There is no case {named!r} in {session.home}; there are: {known}.", exits.NO_SUCH, "no-case"
            )
    else:
        meant = found if len(found) < 2 else [p for p in found if not _is_closed(p)] or found
    if not meant:
        raise Stop(
            f"There is no case in {session.home}; call for help with: {session.named('call')}",
            exits.NO_SUCH,
            "no-case",
        )
    if len(meant) > 1:
        names = ", ".join(p.name for p in meant)
        raise Stop(
            f"There are {len(meant)} cases: {names}; say which with --case ID.", exits.USAGE, "which-case"
        )
    return meant[0]


def about(session: Session, directory: Path, command: str) -> str:
    """A command as it must be typed for this case: with `--case` when the home holds several."""
    several = sum(1 for found in directory.parent.glob("*/case.db")) > 1
    return session.named(command) + (f" --case {directory.name}" if several else "")


def _is_closed(directory: Path) -> bool:
    """Whether a case is over, or being carried to its end: never the one that is meant when another is open."""
    if (directory / OVER).exists():
        return True
    try:
        return bool(LocalApi(socket_of(directory / "case.sock")).get("/case").get("closed"))
    except (NotRunning, ApiRefused):
        return False


def case_line(session: Session, directory: Path) -> Line:
    """The process that serves this case; exit 69 names `sos case resume`."""

    def absent(_why: NotRunning) -> Stop:
        if (directory / OVER).exists():
            return over(session, directory)
        return Stop(
            f"Case {directory.name} is kept but nothing runs it now; go on with: {about(session, directory, 'case resume')}",
            exits.NO_NODE,
        )

    return Line(socket_of(directory / "case.sock"), absent)


def over(session: Session, directory: Path) -> Stop:
    """When a case has ended for good."""
    return Stop(
        f"Case {directory.name} is over and its keys are gone; a new call is: {session.named('call')}",
        exits.NO_SUCH,
        "case-over",
    )


def too_old(session: Session, directory: Path) -> str:
    """That a call which did not come back goes out by hand alone."""
    name = directory.name
    return (
        f"Call {name} is older than twenty minutes and did not come back, so nobody takes it from here any more: have it brought "
        f"in with sos relay call-{name}.txt, which {about(session, directory, 'case offline')} writes"
    )


def is_served(directory: Path) -> bool:
    """Whether a process serves this case right now."""
    try:
        LocalApi(socket_of(directory / "case.sock")).get("/case")
    except NotRunning:
        return False
    except ApiRefused as refused:
        return (
            refused.status == 500
        )  # a fault of its own: it runs, and a second process would find the case held
    return True

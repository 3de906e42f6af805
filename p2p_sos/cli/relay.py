"""`sos relay`: bring a call into the network that somebody else made, and that came by hand.

Comes in: a file, a picture of ours, or pasted text. Goes out: the call, through the node that runs here or as a guest of known
relays; and whether it came back. Judges the call before it asks, shows its public words, and sends nothing without a yes.
"""

import base64
import os
import select
import shlex
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from p2p_sos.cli import exits
from p2p_sos.cli.consent import ask_consent
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.grammar import Order, Session, pass_session
from p2p_sos.cli.screen import Screen, count, harmless, short
from p2p_sos.cli.words import Relay

if TYPE_CHECKING:
    from p2p_sos.cli.reach import Line
    from p2p_sos.wire.frames import Frame
    from p2p_sos.wire.profiles import Profile

PATIENCE_S = 30.0
LOOK_EVERY_S = 0.5
PASTED_BYTES = 65_536
PASTE_PAUSE_S = (
    0.3  # guess: a terminal hands over the lines of one paste faster, a person types them more slowly
)
NOT_WHOLE = "Not whole yet: paste the rest, or all of it once more; Enter on an empty line gives up."
SEEN = "Whoever you reach now sees this machine bring the call, and may take you for the caller. The call names neither."
OPENLY = "SOS_SOCKS is not used here: a call of others is brought in the open. Your own goes through it with sos case resume."
CLOSED_BY_VICTIM = ("cancelled", "cleared")
SLOW = "The call is older than twenty minutes: nodes pass it on slowly by now, and it takes minutes to be everywhere."


@click.command(cls=Order)
@click.argument("file")
@click.option("--bootstrap", type=Relay(), multiple=True, help="A relay to bring it to; repeatable.")
@click.option("--profile", metavar="NAME", help="The network. [the home's, else laboratory]")
@click.option("--yes", is_flag=True, help="Without asking.")
@click.option("--patience", type=click.FloatRange(min=0.1), default=PATIENCE_S, show_default=True, metavar="SECONDS",
              help="How long to wait for a relay, and then for the call to come back.")  # fmt: skip
@pass_session
def relay(
    session: Session,
    *,
    file: str,
    bootstrap: tuple[str, ...],
    profile: str | None,
    yes: bool,
    patience: float,
) -> None:
    """Bring somebody's call into the network. FILE is what sos call --offline wrote; - takes the code as it is pasted.

    It goes through the node that runs here, if there is one and no --bootstrap names another way; else this machine
    joins known relays as a guest. The call keeps its id: bringing it twice does no harm. Only calls can be brought.
    """
    from p2p_sos.cli.relays import of_the_node, profile_of
    from p2p_sos.drivers.brought import Misfit, is_slow, judge_call
    from p2p_sos.wire.profiles import PROFILES

    network = PROFILES[profile_of(session, profile)]
    frame = judge_call(_read(session.screen, file), network, time.time())
    if isinstance(frame, Misfit):
        raise Stop(harmless(frame.sentence), exits.NOT_DONE, frame.code)
    public = _public(frame)
    _show(session.screen, frame, public, slow=is_slow(frame, time.time()))
    ask_consent(session.screen, "Bring it in?", yes=yes, otherwise="Nothing was sent")
    said = None if bootstrap else _through_node(session, frame, network, patience)
    if said is None:
        relays = tuple(dict.fromkeys(bootstrap)) or of_the_node(session)
        if not relays:
            raise Stop(
                f"No node runs here and no relay is known, so nothing was sent: {session.named('relay')} {shlex.quote(file)} --bootstrap ADDRESS",
                exits.QUEUED,
                "no-relay",
            )
        said = _as_guest(session.screen, frame, network, relays, patience)
    _report(session, {"call": frame.id.hex(), "public": public, **said}, file)


def _read(screen: Screen, file: str) -> bytes:
    from p2p_sos.drivers.calltext import BROUGHT_BYTES_MAX

    if file == "-":
        return _pasted(screen)
    path = Path(file).expanduser()
    try:
        with path.open("rb") as opened:
            return opened.read(BROUGHT_BYTES_MAX)
    except FileNotFoundError as missing:
        raise Stop(
            f"There is no file {path}: name the one that you were given, or - to paste.", exits.NO_SUCH
        ) from missing
    except OSError as error:
        raise Stop(
            f"{path} cannot be read: {error.strerror}. Name the file that you were given, or - to paste.",
            exits.DISK,
        ) from error


def _pasted(screen: Screen) -> bytes:
    """Standard input; from a keyboard no longer than until the code is whole, so that nobody must know of Ctrl-D."""
    from p2p_sos.drivers.calltext import BROUGHT_BYTES_MAX, Brought, Unlike, read_call

    if not sys.stdin.isatty():
        return sys.stdin.buffer.read(BROUGHT_BYTES_MAX)
    screen.line("Paste the code (it begins with ESOS1-), then press Enter:")
    pasted, told = b"", False
    while len(pasted) < BROUGHT_BYTES_MAX and (line := os.read(sys.stdin.fileno(), PASTED_BYTES)):
        pasted += line
        if _more_comes():
            continue  # a paste is read to its end: what is left of it would answer the question that follows
        found = read_call(pasted)
        if isinstance(found, Brought) or found is Unlike.WRONG or not line.strip():
            break
        if not told:
            told = True
            screen.line((NOT_WHOLE, "yellow"))
    termios.tcflush(sys.stdin, termios.TCIFLUSH)  # a last line without an end, too
    return pasted


def _more_comes() -> bool:
    """Whether another line is there already, or follows faster than anybody types."""
    return bool(select.select([sys.stdin], [], [], PASTE_PAUSE_S)[0])


def _public(frame: "Frame") -> dict[str, Any]:
    """The call's words, in the order in which a caller sees them."""
    from p2p_sos.core.board.resolve import Description
    from p2p_sos.core.calls.calls import call_of
    from p2p_sos.drivers.api.views import described

    told = described(Description.of(call_of(frame)))
    order = ("status", "severity", "nature", "needs", "urgency", "certainty", "sector", "languages", "cell")
    return {name: told[name] for name in order}


def _show(screen: Screen, frame: "Frame", public: dict[str, Any], *, slow: bool) -> None:
    from p2p_sos.cli.describe import listed

    screen.line(
        ("A CALL FOR HELP", "bold red"), f"   {short(frame.id.hex())}: signed by its caller, stamped, whole"
    )
    screen.rows([(k, listed(v) if isinstance(v, list) else str(v)) for k, v in public.items()], indent="  ")
    screen.line("")
    if public["status"] != "actual":
        screen.line(
            (
                f"It is a call of status {public['status']}: nobody who takes only real calls is woken.",
                "yellow",
            )
        )
    if slow:
        screen.line((SLOW, "yellow"))
    screen.line(SEEN)
    if os.environ.get("SOS_SOCKS", "").strip():
        screen.line((OPENLY, "yellow"))


# ------------------------------------------------------------------------- two ways in


def _through_node(
    session: Session, frame: "Frame", network: "Profile", patience_s: float
) -> dict[str, Any] | None:
    """By the node of this home; None when there is none."""
    from p2p_sos.cli.reach import node_line

    line = node_line(session)
    try:
        status = line.get("/status")
    except Stop as stop:
        if stop.exit_code == exits.NO_NODE:
            return None
        raise
    if status.get("network") != network.network.hex():
        raise Stop(
            f"The node that runs here is of the network {status.get('profile')!r}, the call of {network.name!r}: name a relay "
            "of that network with --bootstrap ADDRESS.",
            exits.NOT_DONE,
            "foreign-network",
        )
    told = line.post("/relay", {"cell": base64.b64encode(frame.cell).decode()})
    # That the node holds it already is no sign that anybody else does; that its victim closed it is one.
    heard = told["state"] in CLOSED_BY_VICTIM or _heard_of(
        session, frame, network, line, status=status, patience_s=patience_s
    )
    return {
        "by": "node",
        "known": told["known"],
        "heard": heard,
        "relays": told["peers"],
        "state": told["state"],
        "faults": {},
    }


def _heard_of(
    session: Session,
    frame: "Frame",
    network: "Profile",
    line: "Line",
    *,
    status: dict[str, Any],
    patience_s: float,
) -> bool:
    """Whether the call left the node: another node shows it, or somebody answers it."""
    from p2p_sos.cli.relays import of_the_node

    own = str(status.get("peer_id"))
    others = [address for address in of_the_node(session) if not address.endswith(f"/p2p/{own}")]
    if others and status.get("peers"):
        import trio

        from p2p_sos.drivers.relaying import listen_for

        session.screen.line(("The node holds it; waiting until another node shows it ...", "dim"))

        async def listen() -> bool:
            return await listen_for(frame, network, others, patience_s=patience_s)

        if trio.run(listen):
            return True
        patience_s = 0.0
    session.screen.line(("The node holds it; waiting until somebody answers ...", "dim"))
    deadline = time.monotonic() + patience_s
    while not (answered := _answered(line.get(f"/calls/{frame.id.hex()}"))) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S)
    return answered


def _answered(call: dict[str, Any]) -> bool:
    """Whether anybody but this node speaks about a call."""
    standing = call.get("standing") or {}
    own = int(call.get("mine") == "claimed")
    return len(standing.get("claims") or ()) > own or bool(
        standing.get("declines") or standing.get("releases")
    )


def _as_guest(
    screen: Screen, frame: "Frame", network: "Profile", relays: tuple[str, ...], patience_s: float
) -> dict[str, Any]:
    """By hosts of our own that join known relays for a moment."""
    import trio

    from p2p_sos.drivers.relaying import relay_call

    screen.line((f"Joining {count(len(relays), 'relay')} ...", "dim"))

    async def bring() -> Any:
        return await relay_call(frame, network, relays, patience_s=patience_s)

    outcome = trio.run(bring)
    if not outcome.joined:
        why = "; ".join(harmless(reason).rstrip(".") for reason in outcome.faults.values())
        raise Stop(
            f"No relay could be reached{': ' + why if why else ''}. Nobody has the call yet; try again, or name another relay with "
            "--bootstrap ADDRESS.",
            exits.QUEUED,
            "no-relay",
        )
    return {
        "by": "guest",
        "known": outcome.known,
        "heard": outcome.heard,
        "relays": outcome.taken,
        "faults": dict(outcome.faults),
    }


def _report(session: Session, said: dict[str, Any], file: str) -> None:
    """How far it came. `Stop` when it did not come back: 1, or 75 when nobody has it from here."""
    screen, call, relays = session.screen, short(str(said["call"])), int(said["relays"])
    screen.object({"relayed": not said["known"], **said})
    for why in said["faults"].values():
        screen.line((harmless(str(why)), "yellow"))
    if said["known"] and said["heard"]:
        over = "" if said.get("state", "open") == "open" else f", and is over there ({said['state']})"
        screen.line(
            (
                f"KNOWN: call {call} is in the network already{over}. Bringing it twice does no harm.",
                "bold green",
            )
        )
        screen.next("nothing more to do; whoever made the call sees who answers")
        return
    if said["heard"]:
        screen.line(
            (f"HEARD: call {call} is in the network; it came back from there, or was answered.", "bold green")
        )
        screen.next(
            "tell whoever made the call that it was heard; answers reach its own case, not this machine"
        )
        return
    again = f"{session.named('relay')} {shlex.quote(file)}"
    if said["by"] == "node":
        _held_by_node(session, call, relays)
        return
    who = f"{count(relays, 'relay')} took call {call}" if relays else f"No relay asked for call {call}"
    if said["known"]:
        who = f"One relay says that it has call {call} already"
    raise Stop(
        f"{who}, and it did not come back in time. It may still spread; bring it once more, best to others: {again} "
        "--bootstrap ADDRESS --bootstrap ANOTHER",
        exits.NOT_DONE,
        "not-heard",
    )


def _held_by_node(session: Session, call: str, peers: int) -> None:
    """The node of this home has it, and nobody else has shown it yet. `Stop` 75 when it has no peer at all."""
    if not peers:
        raise Stop(
            f"The node that runs here keeps call {call}, but has no peer to hand it to: it does so as soon as one joins. "
            f"{session.named('status')} shows when",
            exits.QUEUED,
        )
    session.screen.line(
        (f"HELD: the node here has call {call} and hands it to {count(peers, 'peer')}", "yellow"),
        "; no other node has shown or answered it yet.",
    )
    session.screen.next(f"{session.named('show')} {call} tells who answers it")

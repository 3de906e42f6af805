"""`sos relays fetch`: a list of relays that somebody publishes, taken in before the day on which a call needs it.

Comes in: a URL, a file, or standard input. Goes out: the list, kept in the home in the place of what the same source gave
before. A URL is asked through the SOCKS port alone, unless a person says otherwise. What fails leaves everything as it was.
"""

import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.grammar import Order, Session, pass_session
from p2p_sos.cli.relays_kept import STANDARD_INPUT, addresses, kept_lists, shown
from p2p_sos.cli.screen import harmless

if TYPE_CHECKING:
    from p2p_sos.drivers.fetching import WebAddress
    from p2p_sos.drivers.home import Home
    from p2p_sos.drivers.relay_lists import KeptList, Published

PATIENCE_S = 60.0  # guess: a circuit of Tor, a handshake, and three redirects
WRONG_SHOWN_MAX = 5
BY_SOCKS, OPENLY, BY_HAND = "socks", "open", "file"
UNCHANGED = "The relays that are kept stay as they were."


class Got(NamedTuple):
    """What a source gave: its bytes, by which way, and whether it may speak of private networks."""

    content: bytes
    via: str
    private: bool


@click.command(cls=Order)
@click.argument("source")
@click.option("--in-the-open", is_flag=True,
              help="Ask a URL without the SOCKS port: who publishes it then sees that this machine may call one day.")  # fmt: skip
@click.option("--patience", type=click.FloatRange(min=0.1), default=PATIENCE_S, show_default=True, metavar="SECONDS",
              help="How long the fetching of a URL may take.")  # fmt: skip
@pass_session
def fetch(session: Session, source: str, in_the_open: bool, patience: float) -> None:
    """Take in a published list of relays for calls of your own. SOURCE is a URL, a file, or - for standard input.

    The list is text, an address a line, # begins a comment. A URL is asked through the SOCKS port (SOS_SOCKS, else
    Tor's usual ones), its name looked up there. Relays that a node of this home uses are left out. What the same
    source gave before is replaced; what fails changes nothing.
    """
    from p2p_sos.drivers.relay_lists import KeptList, keep_lists, read_list, with_list

    where = source_of(source)
    got = _get(session, where, in_the_open=in_the_open, patience_s=patience)
    published = read_list(got.content, private=got.private)
    good, left_out = _apart(session, published)
    if not good:
        raise _nothing_good(where, published, left_out)
    new = KeptList(str(where), time.time(), good)
    with holding(session, make=True) as home:
        lists = _lists_or_anew(session, home)
        before = next((one for one in lists if one.source == new.source), None)
        _check_room(session, lists, before)
        keep_lists(home.relays_path, with_list(lists, new))
    warnings = _warnings(where, published, left_out)
    screen = session.screen
    screen.object(_told(got, published, new, before) | {"left_out": left_out, "warnings": warnings})
    _show_wrong(session, published)
    for warning in warnings:
        screen.line((warning, "yellow"))
    replaced = "" if before is None else f" in the place of {len(before.addresses)}"
    screen.line(f"Kept for calls of your own: {addresses(len(good))} from {shown(new.source)}{replaced}.")
    screen.next(f"{session.named('relays')} shows all that are kept, and what they lack")


def source_of(text: str) -> "WebAddress | Path | str":
    """What SOURCE names: a URL, a file, or `-`; its text is the name that a list is kept under. `Stop` 2."""
    if text == STANDARD_INPUT:
        return text
    if "://" not in text:
        return Path(text).expanduser().absolute()
    from p2p_sos.drivers.fetching import parse_url

    found = parse_url(text)
    if isinstance(found, str):
        raise Stop(f"{found.rstrip('.')}. Name a URL, a file, or - for standard input.", exits.USAGE)
    return found


@contextmanager
def holding(session: Session, *, make: bool) -> "Iterator[Home]":
    """The home, while nobody else changes its lists. `Stop` 73 when somebody does, 66 without a home that is not to be made."""
    from p2p_sos.drivers.home import Held, Home, HomeError, Lock, make_private

    home = Home(session.home)
    try:
        if make:
            make_private(home.root)
        elif not home.root.is_dir():
            raise Stop(f"There is no home {home.root}, and so no list to forget.", exits.NO_SUCH, "no-home")
        with Lock(home.relays_lock_path, f"The list of relays in {home.root}"):
            yield home
    except Held as held:
        raise Stop(str(held), exits.EXISTS, "held") from held
    except HomeError as wrong:
        raise Stop(str(wrong), exits.EXISTS, "home") from wrong


def _lists_or_anew(session: Session, home: "Home") -> "tuple[KeptList, ...]":
    """The lists that are kept; none, where their file is damaged: it is set aside."""
    from p2p_sos.drivers.home import set_aside

    try:
        return kept_lists(session)
    except Stop as damaged:
        if damaged.exit_code != exits.DISK:
            raise
        aside = set_aside(home.relays_path)
        session.screen.line((f"{home.relays_path} was damaged; it is set aside as {aside.name}.", "yellow"))
        return ()


def _check_room(session: Session, lists: "tuple[KeptList, ...]", before: "KeptList | None") -> None:
    from p2p_sos.drivers.relay_lists import SOURCES_MAX

    if before is None and len(lists) >= SOURCES_MAX:
        raise Stop(
            f"Lists of {SOURCES_MAX} sources are kept already, and no more fit: {session.named('relays forget')} SOURCE makes room.",
            exits.NOT_DONE,
            "too-many",
        )


# ------------------------------------------------------------------------- getting it


def _get(session: Session, where: "WebAddress | Path | str", *, in_the_open: bool, patience_s: float) -> Got:
    from p2p_sos.cli.relays import LABORATORY, settings_here

    settings = settings_here(session)
    laboratory = settings is None or settings.node.profile == LABORATORY
    if isinstance(where, str | Path):
        return Got(_read(where), BY_HAND, laboratory)
    from p2p_sos.drivers.addresses import is_private

    content, via = _ask(session, where, in_the_open=in_the_open, patience_s=patience_s)
    return Got(content, via, laboratory and is_private(where.host))


def _read(where: str | Path) -> bytes:
    from p2p_sos.drivers.relay_lists import LIST_BYTES_MAX

    try:
        if isinstance(where, str):
            content = sys.stdin.buffer.read(LIST_BYTES_MAX + 1)
        else:
            with where.open("rb") as file:
                content = file.read(LIST_BYTES_MAX + 1)
    except FileNotFoundError as missing:
        raise Stop(
            f"There is no file {where}: name a list, its https:// address, or - to paste one.", exits.NO_SUCH
        ) from missing
    except OSError as error:
        raise Stop(f"{where} cannot be read: {error.strerror}. {UNCHANGED}", exits.DISK) from error
    if len(content) > LIST_BYTES_MAX:
        raise Stop(
            f"{shown(str(where))} has more than {LIST_BYTES_MAX} bytes, and a list has not. {UNCHANGED}",
            exits.NOT_DONE,
            "not-fetched",
        )
    return content


def _ask(session: Session, where: "WebAddress", *, in_the_open: bool, patience_s: float) -> tuple[bytes, str]:
    """By the SOCKS port, or as the person said. `Stop` 77 where neither can be, 1 where nothing whole came."""
    import trio

    from p2p_sos.drivers import fetching
    from p2p_sos.drivers.relay_lists import LIST_BYTES_MAX

    way, said = _way(session, where, in_the_open=in_the_open)
    session.screen.line((f"Asking {where.authority} {said} ...", "dim"))

    async def ask() -> bytes:
        with trio.fail_after(patience_s):
            return await fetching.fetch(where, way, bytes_max=LIST_BYTES_MAX)

    try:
        return trio.run(ask), OPENLY if in_the_open else BY_SOCKS
    except fetching.FetchFault as fault:
        why = harmless(str(fault))
    except trio.TooSlowError:
        why = f"nothing whole came within {patience_s:g} s"
    other = "" if in_the_open else "Nothing was tried by any other way. "
    raise Stop(f"{where} was not fetched: {why}. {other}{UNCHANGED}", exits.NOT_DONE, "not-fetched")


def _way(session: Session, where: "WebAddress", *, in_the_open: bool) -> tuple[Any, str]:
    from p2p_sos.cli.way import BEYOND, answering, no_socks
    from p2p_sos.drivers import fetching

    if in_the_open:
        if where.is_onion:
            raise Stop(f"{where.host} can be found through Tor alone, and its name is not to be looked up elsewhere: "
                       "start Tor, and leave --in-the-open out.", exits.REFUSED, "no-socks")  # fmt: skip
        return fetching.in_the_open, "in the open"
    if (socks := answering()) is not None:
        if not socks.is_here:
            session.screen.line((BEYOND, "yellow"))
        return fetching.through(socks), f"through the SOCKS port {socks}"
    onward = f"{session.named('relays fetch')} {shlex.quote(str(where))} --in-the-open"
    less = "" if where.is_onion else f", or accept that with: {onward}"
    raise Stop(
        f"{no_socks()} Nothing was fetched: whoever asks for this list directly shows that it may call one day. Start Tor and "
        f"try again{less}",
        exits.REFUSED,
        "no-socks",
    )


# ------------------------------------------------------------------------- what of it counts


def _apart(session: Session, published: "Published") -> tuple[tuple[Any, ...], list[str]]:
    """The addresses that no node of this home uses, and the others."""
    from p2p_sos.cli.relays import of_the_node, own_peer, peers_of
    from p2p_sos.drivers.addresses import Address, parse_bootstrap

    used = of_the_node(session)
    peers = {*peers_of(used), *own_peer(session)}
    places = {one.dialled for one in map(parse_bootstrap, used) if isinstance(one, Address)}
    # "the list SHOULD NOT be that of a node which runs in the open" (11-origin §8)
    shared = [one for one in published.good if one.peer in peers or one.dialled in places]
    return tuple(one for one in published.good if one not in shared), [str(one) for one in shared]


def _nothing_good(where: Any, published: "Published", left_out: list[str]) -> Stop:
    source = shown(str(where))
    if left_out:
        why = f"{source} names no relay that this home's node does not use."
    elif published.wrong:
        first = published.wrong[0]
        why = f"{source} holds no address that can be used; line {first.number}: {harmless(first.sentence)}"
    else:
        why = f"{source} holds no address."
    return Stop(f"{why} {UNCHANGED}", exits.NOT_DONE, "no-relays")


def _told(got: Got, published: "Published", new: "KeptList", before: "KeptList | None") -> dict[str, Any]:
    old = () if before is None else before.addresses
    return {
        "fetched": new.source,
        "via": got.via,
        "fetched_unix_s": new.fetched_unix_s,
        "relays": [str(one) for one in new.addresses],
        "new": len([one for one in new.addresses if one not in old]),
        "gone": len([one for one in old if one not in new.addresses]),
        "beyond": published.beyond,
        "wrong": [{"line": one.number, "sentence": one.sentence} for one in published.wrong],
    }


def _show_wrong(session: Session, published: "Published") -> None:
    """The first lines that cannot be used, and how many there are."""
    for one in published.wrong[:WRONG_SHOWN_MAX]:
        session.screen.line((f"line {one.number}: {harmless(one.sentence)}", "yellow"))
    if len(published.wrong) > 1:
        session.screen.line((f"{len(published.wrong)} lines cannot be used; the others count.", "yellow"))


def _warnings(where: Any, published: "Published", left_out: list[str]) -> list[str]:
    from p2p_sos.drivers.fetching import WebAddress

    found = []
    if left_out:
        who = addresses(len(left_out))
        found.append(f"{who} left out, since this home's node uses them: {', '.join(left_out)}")
    if published.beyond:
        found.append(f"{addresses(published.beyond)} too many: a list has no more than its first 256.")
    if isinstance(where, WebAddress) and not (where.is_secure or where.is_onion):
        found.append(
            "It came by http: whoever stood on the line could have put in relays of its own. Ask for an https:// address."
        )
    return found

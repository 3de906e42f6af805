"""`sos export` and `sos verify`: the after-action record of a closed call, written once and checked by anybody.

Comes in: a call that this node closed; or a file. Goes out: the file; or what stands in it, told in the order of time, after
every signature in it was checked. `verify` needs no node, no home and no network.
"""

import base64
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.grammar import Order, Session, pass_session
from p2p_sos.cli.reach import call_path, node_line
from p2p_sos.cli.screen import Screen, count, harmless, short
from p2p_sos.cli.words import Word

if TYPE_CHECKING:
    from p2p_sos.drivers.record import Account

KIND_WIDTH = 13


@click.command(cls=Order)
@click.argument("call")
@click.argument("file")
@click.option("--tlp", type=Word("Tlp"), default="amber", show_default=True,
              help="Who may read it: red, amber-strict, amber, green, clear.")  # fmt: skip
@pass_session
def export(session: Session, call: str, file: str, tlp: str) -> None:
    """Write the record of a closed call: all that was said publicly, and this node's own log about it, signed.

    Nothing that was sealed is in it. It can be made as long as the node keeps the call: until the end of its life.
    """
    from p2p_sos.drivers.carrying import write_new

    target = Path(file)
    if target.exists():
        raise Stop(f"{target} exists already: name another file, nothing is overwritten.", exits.EXISTS)
    said = node_line(session).get(f"{call_path(session, call)}/record?tlp={tlp}")
    content = base64.b64decode(str(said.pop("record")))
    try:
        write_new(target, content)
    except FileExistsError as there:
        raise Stop(
            f"{target} exists already: name another file, nothing is overwritten.", exits.EXISTS
        ) from there
    except OSError as error:
        raise Stop(
            f"{target} cannot be written: {error.strerror}. Nothing was exported: name another place, or make room.",
            exits.DISK,
        ) from error
    screen = session.screen
    screen.object({"exported": str(target), "bytes": len(content), **said})
    messages = count(int(said.get("messages") or 0), "message")
    screen.line(
        f"The record of call {short(str(said.get('call')))} stands in {target}: {messages}, TLP:{tlp.upper()}."
    )
    screen.next(f"sos verify {target} checks it, on any machine")


@click.command(cls=Order)
@click.argument("file")
@pass_session
def verify(session: Session, file: str) -> None:
    """Check a record that was exported: its signature, each message's, the log; then tell what happened."""
    from p2p_sos.drivers.record import read_record
    from p2p_sos.wire.record import FOREIGN, RECORD_BYTES_MAX
    from p2p_sos.wire.refusals import Refusal

    path = Path(file)
    try:
        with path.open("rb") as opened:
            data = opened.read(RECORD_BYTES_MAX + 1)
    except FileNotFoundError as missing:
        raise Stop(
            f"There is no file {path}: name the one that `sos export` wrote.", exits.NO_SUCH
        ) from missing
    except OSError as error:
        raise Stop(
            f"{path} cannot be read: {error.strerror}. Name the file that `sos export` wrote.", exits.DISK
        ) from error
    account = read_record(data)
    if isinstance(account, Refusal):
        why = (
            "nothing that `sos export` wrote, or not the whole of it"
            if account.detail == FOREIGN
            else account
        )
        raise Stop(
            f"{path} is no record that holds ({why}): do not rely on it, and ask whoever gave it to you for another copy.",
            exits.NOT_DONE,
            "record-broken",
        )
    _tell(session.screen, account)


def _tell(screen: Screen, account: "Account") -> None:
    from p2p_sos.cli.recount import happened
    from p2p_sos.wire.vocabulary import word_of

    record = account.record
    told = happened(account)
    head = {
        "verified": True,
        "call": account.frames[0].id.hex(),
        "closed": account.closed,
        "tlp": word_of(record.tlp),
        "signer": record.signer.hex(),
        "network": record.network.hex(),
        "made_unix_s": record.made_unix_s,
        "messages": len(account.frames),
        "lines": len(account.lines),
        "links": account.links,
    }
    screen.object({**head, "timeline": [entry.told for entry in told]})
    screen.rows(
        [
            ("call", str(head["call"])),
            ("ended", account.closed),
            ("label", f"TLP:{str(head['tlp']).upper()}"),
            ("exported", f"{_at(record.made_unix_s)} by {short(str(head['signer']))}"),
        ]
    )
    screen.line("")
    for entry in told:
        style = {"log": "dim", "CALL": "bold red"}.get(entry.kind, "")
        screen.line(
            (f"{_at(entry.unix_s)}  ", "dim"),
            (f"{entry.kind:<{KIND_WIDTH}}", style),
            harmless(entry.sentence),
        )
    screen.line("")
    log = f"{count(len(account.lines), 'line')} of the exporter's log, {count(account.links, 'link')} between them"
    screen.line((f"Everything holds: {count(len(account.frames), 'signature')}, {log}.", "green"))
    screen.line(
        "The times are the exporter's: when each message reached it. What was sealed is not in the file."
    )


def _at(unix_s: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(unix_s)) if unix_s else "at no known time   "

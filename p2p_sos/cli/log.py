"""`sos log`: the watch log, every link of its chain verified here, not by the node that wrote it.

Comes in: the lines as they lie in the store. Goes out: the lines, and whether the chain is whole; exit 1 when not.
"""

import json
import time
from typing import Any

import click

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.grammar import Order, Session, pass_session
from p2p_sos.cli.reach import Line, node_line
from p2p_sos.cli.screen import Screen, count, harmless, short

ORDER = ("decision", "reason", "detail")
STYLES = {"claim": "bold green", "decline": "yellow", "release": "yellow", "silence": "dim"}


@click.command(cls=Order)
@click.option(
    "--last", type=click.IntRange(min=1), metavar="N", help="Show the last N lines alone; all are verified."
)
@pass_session
def log(session: Session, last: int | None) -> None:
    """Every decision of this node, silence included, in a chain that shows any later change."""
    from p2p_sos.core.duty.watchlog import verify_chain

    lines = _all_lines(node_line(session))
    broken = verify_chain([line.encode() for line in lines])
    shown = lines[-last:] if last else lines
    screen = session.screen
    for line in shown:
        _show(screen, line)
    end = {"verified": broken is None, "lines": len(lines)}
    screen.object(end if broken is None else {**end, "broken": broken})
    if broken is not None:
        raise Stop(
            f"The log is damaged: {broken}. What stands before it holds; keep a copy of {session.home / 'node.db'} and ask "
            "who touched it.",
            exits.NOT_DONE,
            "log-broken",
        )
    if not lines:
        screen.line("The log is empty: this node decided nothing yet.")
    else:
        screen.line((f"{count(len(lines), 'line')}; the chain is whole.", "green"))


def _all_lines(line: Line) -> list[str]:
    lines: list[str] = []
    last = 0
    while True:
        page = line.get(f"/log?after={last}")
        lines.extend(str(entry) for entry in page.get("lines") or [])
        last = int(page.get("last") or 0)
        if not page.get("more"):
            return lines


def _show(screen: Screen, line: str) -> None:
    try:
        told: dict[str, Any] = json.loads(line)
    except ValueError:
        told = {"damaged": line}
    screen.object(told)
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(float(told.get("unix_s") or 0)))
    decision = str(told.get("decision", "?"))
    why = ", ".join(str(told[name]) for name in ORDER[1:] if told.get(name) not in (None, "", "unspecified"))
    rest = str(told.get("why") or "")
    said = f"call {short(str(told.get('call', '')))}: {decision}" + (f" ({why})" if why else "")
    screen.line(
        (f"{told.get('number', '?'):>5}  {at}  ", "dim"),
        (harmless(said), STYLES.get(decision, "")),
        f"  {harmless(rest)}" if rest else "",
    )

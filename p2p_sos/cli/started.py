"""What is said when a node is up, or is up and alone.

Comes in: what the node's process told of itself. Goes out: lines, or a `Stop`. Must not know how it was started.
"""

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.grammar import Session
from p2p_sos.cli.screen import count

WAIT_S = 60.0


def announce(session: Session, said: dict[str, object], *, detached: bool) -> None:
    """Say that the node is up, and what to do next."""
    screen = session.screen
    screen.object(said)
    remarks = said.get("remarks")
    for remark in remarks if isinstance(remarks, list) else []:
        screen.line((str(remark), "yellow"))
    screen.line(
        ("The node is up", "bold green"),
        f", process {said['pid']}, {count(int(str(said['peers'])), 'peer')}.",
    )
    addresses = said.get("addresses")
    for address in addresses if isinstance(addresses, list) else []:
        screen.line(("address  ", "dim"), str(address))
    if any(anyone in str(addresses) for anyone in ("/ip4/0.0.0.0/", "/ip6/::/")):
        screen.line(("Others put this machine's own address where 0.0.0.0 or :: stands.", "dim"))
    duty = said.get("responder")
    screen.line(
        f"It answers calls as {str(duty)[:8]}."
        if duty
        else "It relays only: no skills are set, so it answers no calls."
    )
    if not detached:
        screen.line(("Ctrl-C stops it and keeps its claims.", "dim"))
    screen.next(
        f"{session.named('watch')} follows what happens, {session.named('down')} gives claims back and stops it"
    )


def not_joined(session: Session) -> Stop:
    """When nobody could be reached within the wait."""
    return Stop(
        f"The node listens, but it reached no peer within {WAIT_S:.0f} s; it goes on trying. Check the addresses under "
        f"[node] bootstrap, then see {session.named('status')}",
        exits.NOT_DONE,
        "no-peer",
    )

"""Whatever a responder says, the number that it says it under is in the store before it leaves."""

from typing import Any

from p2p_sos.core.events import OperatorReleases
from p2p_sos.core.gossip.rpc import Rpc
from p2p_sos.core.tables import Table
from p2p_sos.wire.frames import Frame, decode
from p2p_sos.wire.messages import Claim, LogMessage, Renew, Sitrep
from p2p_sos.wire.registry import S1, Detail, Reason
from tests.core import mail
from tests.core.world import World, responder, victim

NAMES = [f"node{index}" for index in range(8)]
REGISTERS = {Renew: b"renew:", Sitrep: b"sitrep:"}


class Watched(World):
    """A world that looks into the store of whoever sends its own word."""

    def __init__(self) -> None:
        super().__init__()
        self.early: list[str] = []
        self.kinds: dict[str, None] = {}

    def _send(self, name: str, peer: str, rpc: Rpc) -> None:
        own, rows = self[name].responder, self[name].store.rows[Table.COUNTER]
        for carried in rpc.messages:
            frame = decode(carried.data, mail.NETWORK)
            if own is not None and isinstance(frame, Frame) and frame.message.signer == own.key.public:
                self.kinds[type(frame.message).__name__] = None
                for row, number in numbers(frame.message):
                    if int.from_bytes(rows.get(row, b"")[:8], "big") <= number:
                        self.early.append(f"{name} {frame.message}")
        super()._send(name, peer, rpc)


def numbers(message: Any) -> list[tuple[bytes, int]]:
    """The rows that cover a message, and the numbers that they must exceed."""
    if type(message) in REGISTERS:
        return [(REGISTERS[type(message)] + message.call, message.sequence)]
    found = [(b"log:" + message.call, message.sequence)] if isinstance(message, LogMessage) else []
    if isinstance(message, Claim):
        found.append((b"slot:" + bytes([message.slot]), message.slot_epoch))
    return found


def test_every_number_is_kept_before_it_is_said() -> None:
    """Claims, rosters, reports, renewals, attests, handovers and releases alike, whichever machine says it."""
    world = Watched()
    for name in NAMES:
        world.add(name, responder=responder(name))
    world.ring(NAMES, chords=2)
    world.run(2.0)
    world.add("victim", victim=victim())
    world.link("victim", "node0")
    world.run(2.0)
    call = world.call("victim")
    world.run(0.1)
    world.kill("victim")
    world.run(S1.progress_silent_s)
    lead = world.node("node0").calls[call].view.lead
    name = next(name for name in NAMES if responder(name).key.public == lead)
    world.tell(name, OperatorReleases(call, Reason.UNABLE, Detail.EQUIPMENT))
    world.run(5.0)
    said = {"Claim", "Roster", "Sitrep", "Renew", "Attest", "Handover", "Release"}
    assert said <= set(world.kinds)
    assert world.early == []

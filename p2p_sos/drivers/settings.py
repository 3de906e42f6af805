"""What the operator may choose: the classes that `settings.toml` fills, with every default.

Decides which settings exist and what they are when nothing is said. Reads nothing (`settings_file` does); what a
setting does is decided elsewhere.
"""

from pathlib import Path
from typing import NewType

from attrs import field, frozen

from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.wire.registry import SLOTS_MAX, Manner, Need, Sector, Severity

Listen = NewType("Listen", str)  # an address to listen on
Relay = NewType("Relay", str)  # a full address of a peer
ProfileName = NewType("ProfileName", str)
Language = NewType("Language", int)  # the code of `wire.vocabulary`
Cell = NewType("Cell", int)  # an H3 index, 0 when undisclosed
Hours = NewType("Hours", int)  # bit h set: on duty from h:00 to h:59 UTC
Level = NewType("Level", str)
Introduction = NewType("Introduction", str)
Hook = NewType("Hook", tuple[str, ...])  # a program and its arguments; empty: none

EVERY_HOUR = Hours(2**24 - 1)
DEFAULT_LISTEN = Listen("/ip4/0.0.0.0/tcp/4767")  # 4-SOS on a telephone's keys; origin: taste


@frozen
class NodeSettings:
    """[node]: where it listens, whom it joins, on which network."""

    listen: tuple[Listen, ...] = (DEFAULT_LISTEN,)
    bootstrap: tuple[Relay, ...] = ()
    profile: ProfileName = ProfileName("laboratory")


@frozen
class DutySettings:
    """[duty]: what its people can do, and when. No skills: the node relays and answers nothing."""

    skills: tuple[Need, ...] = ()
    sectors: tuple[Sector, ...] = ()
    languages: tuple[Language, ...] = ()
    cell: Cell = Cell(0)
    duty_hours: Hours = EVERY_HOUR
    slots: int = field(default=3, metadata={"lowest": 1, "highest": SLOTS_MAX})
    from_severity: Severity = Severity.HIGH
    manner: Manner = Manner.PERSON
    answer_within_s: float = field(default=300.0, metadata={"lowest": 1, "highest": 86400})
    hook: Hook = Hook(())
    exercises: bool = False
    introduction: Introduction = Introduction("")


@frozen
class CallSettings:
    """[call]: through whom a call of this home enters; a list that its node does not use in the open."""

    relays: tuple[Relay, ...] = ()


@frozen
class StoreSettings:
    """[store]: how large the store may grow."""

    size_max_mib: int = field(default=1024, metadata={"lowest": 8, "highest": 2**20})


@frozen
class LogSettings:
    """[log]: where the log goes ("" is standard error) and how much of it."""

    file: str = ""
    level: Level = Level("info")


@frozen
class Settings:
    """One whole file."""

    node: NodeSettings = NodeSettings()
    duty: DutySettings = DutySettings()
    call: CallSettings = CallSettings()
    gossip: GossipSettings = GossipSettings()
    store: StoreSettings = StoreSettings()
    log: LogSettings = LogSettings()


@frozen
class Fault:
    """One thing that is wrong: where (`duty.skills[1]`), and a sentence."""

    path: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}: {self.sentence}" if self.path else self.sentence


class SettingsWrong(Exception):
    """The file cannot be used; `faults` names everything that is wrong with it."""

    def __init__(self, file: Path, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(f"{file}: {fault}" for fault in faults))
        self.file = file
        self.faults = faults

"""Traces written by hand: a few nodes, one call, and what they saw.

Comes in: what a test tells. Goes out: a `Trace` and `Facts` as the world would make them. Knows no world.
"""

from typing import Any

from attrs import define, evolve, field

from p2p_sos.sim.facts import CallFacts, Component, Epoch, Facts
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.frames import id_of
from p2p_sos.wire.messages import NOTHING, Card, Claim, Decline, Key, Message, MessageId, Release, Update
from p2p_sos.wire.registry import S1, Certainty, Detail, Manner, Nature, Reason, Sector, Severity, Urgency

NETWORK = bytes(32)
CALL = b"c" * 32
OTHER_CALL = b"d" * 32
VICTIM_KEY = b"v" * 32
NAMES = ("n0", "n1", "n2", "n3", "n4")
LIARS = ("l0", "l1", "l2", "l3", "l4", "l5")


def key(name: str) -> Key:
    """The key of a node."""
    return VICTIM_KEY if name == "victim" else name.encode().ljust(32, b"-")


def log(kind: type[Any], name: str, sequence: int, **fields: Any) -> Message:
    """A log message; two with the same arguments are one."""
    told: dict[str, Any] = {"call": CALL, "sequence": sequence, "previous": NOTHING, "heads": ()} | fields
    return kind(signer=key(name), **told)  # type: ignore[no-any-return]


def claim(name: str, sequence: int = 0, slot: int = 0, slot_epoch: int = 0, **fields: Any) -> Message:
    """A CLAIM."""
    told = {"slot": slot, "slot_epoch": slot_epoch, "card": NOTHING, "manner": Manner.AUTOMATIC} | fields
    return log(Claim, name, sequence, **told)


def release(name: str, sequence: int = 1, **fields: Any) -> Message:
    """A RELEASE."""
    return log(Release, name, sequence, reason=Reason.UNNECESSARY, detail=Detail.UNSPECIFIED, **fields)


def decline(name: str, sequence: int = 1, **fields: Any) -> Message:
    """A DECLINE."""
    return log(Decline, name, sequence, reason=Reason.UNABLE, detail=Detail.BUSY, **fields)


def update(sequence: int = 1, signer: Key = VICTIM_KEY) -> Message:
    """An UPDATE."""
    return Update(
        call=CALL, signer=signer, sequence=sequence, severity=Severity.SEVERE, urgency=Urgency.IMMEDIATE,
        certainty=Certainty.OBSERVED, nature=Nature.OTHER__UNDETERMINED, needs=1, sector=Sector.HEALTH, languages=(), cell=0,
    )  # fmt: skip


def card(name: str, slots: int = 1) -> Message:
    """A CARD."""
    return Card(
        signer=key(name), epoch=1, skills=1, sectors=0, languages=(), cell=0, duty_hours=0, slots=slots,
        group=key(name), accreditation=b"",
    )  # fmt: skip


@define
class Stage:
    """One run as a test tells it; every method adds what the world would have recorded."""

    duration_s: float = 100.0
    trace: Trace = field(factory=Trace)
    facts: Facts = field(init=False)

    def __attrs_post_init__(self) -> None:
        everybody = (*NAMES, "victim")
        keys = {name: (key(name),) for name in (*everybody, *LIARS)}
        calls = {call: CallFacts(call, "victim", VICTIM_KEY, 0.0, S1, NAMES) for call in (CALL, OTHER_CALL)}
        self.facts = Facts(
            scenario="by hand", seed=0, duration_s=self.duration_s, mode="liveness", honest=everybody,
            liars=(), victims=("victim",), keys=keys, owners={k: n for n, ks in keys.items() for k in ks},
            groups={}, calls={CALL: calls[CALL]}, epochs=(Epoch(-15.0, self.duration_s, (everybody,)),),
            delta_s=0.5,
        )  # fmt: skip

    def change(self, **fields: Any) -> None:
        """Tell other facts."""
        self.facts = evolve(self.facts, **fields)

    def with_liars(self, count: int) -> None:
        """So many of the nodes lie."""
        self.change(liars=LIARS[:count])

    def components(self, *spans: tuple[float, tuple[Component, ...]]) -> None:
        """From each time on, until the next, these reach one another."""
        ends = [start_s for start_s, _ in spans[1:]] + [self.duration_s]
        told = zip(spans, ends, strict=True)
        self.change(epochs=tuple(Epoch(start_s, end_s, parts) for (start_s, parts), end_s in told))

    def add(self, time_s: float, node: str, kind: str, *data: Any) -> None:
        """A record as it is."""
        self.trace.add(time_s, node, kind, *data)

    def signed(
        self, time_s: float, node: str, message: Message, *, honest: bool = True, salt: bytes = b""
    ) -> MessageId:
        """A message is seen for the first time."""
        identity = id_of(message, NETWORK) if not salt else salt.ljust(32)
        self.trace.messages[identity] = message
        call = getattr(message, "call", b"")
        self.add(time_s, node, "signed", message.KIND.name, call, message.signer, identity, honest)
        return identity

    def view(
        self,
        time_s: float,
        node: str,
        lead: str | None = None,
        *,
        requisition: int = 0,
        roster: MessageId = NOTHING,
        helpers: int = 1,
        closed: str | None = None,
        board: bytes = b"",
    ) -> None:
        """What a node sees from now on; equal `board` says that board and expiries are equal."""
        leader = None if lead is None else key(lead)
        digest = board or f"{node} {time_s}".encode()
        self.add(
            time_s, node, "view", CALL, leader, requisition, roster, helpers, closed, 0, digest, b"expired"
        )

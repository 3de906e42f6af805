"""A whole node: the gossip router, the gate, the archive, the duty machine, the dialogues and the case.

Decides which machine hears what, in which order: what is kept stands before what is sent, and what is
forwarded before what is thought about it. Comes in: every event of the driver. Goes out: actions. Must not
know sockets, disks, clocks or how randomness is drawn.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import Any, Protocol

from attrs import frozen

from p2p_sos.core.actions import Action, Forget, SetTimer, Tell
from p2p_sos.core.calls.admission import Admission
from p2p_sos.core.calls.archive import TIME_BYTES, Archive, Taken
from p2p_sos.core.calls.calls import CallRecord, Calls, call_of, ends_unix_s
from p2p_sos.core.calls.cards import Cards, OwnCard, Proofs
from p2p_sos.core.calls.gate import Gate, Welcomed, judged
from p2p_sos.core.calls.herald import tidings
from p2p_sos.core.calls.memory import read_rows
from p2p_sos.core.case.case import Case, VictimSecrets
from p2p_sos.core.case.case_view import CaseView
from p2p_sos.core.clock import Clock
from p2p_sos.core.duty.author import Author
from p2p_sos.core.duty.duty import Duty
from p2p_sos.core.duty.policy import Responder
from p2p_sos.core.duty.replies import Replies
from p2p_sos.core.duty.slots import Slots
from p2p_sos.core.duty.watchlog import WatchLog
from p2p_sos.core.events import (
    BacklogChanged,
    ClockRead,
    Event,
    OperatorClaims,
    OperatorDeclines,
    OperatorReleases,
    OperatorReports,
    OperatorStandsDown,
    OperatorWrites,
    PeerJoined,
    PeerLeft,
    Restored,
    RoundTripMeasured,
    RpcReceived,
    RpcUnreadable,
    Started,
    StoreFailed,
    StoreRecovered,
    TimerFired,
    Verified,
)
from p2p_sos.core.gossip.neighbour import PeerView
from p2p_sos.core.gossip.router import Router
from p2p_sos.core.gossip.rpc import GossipId
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.internal import (
    Admitted,
    Announce,
    Broadcast,
    CallEnded,
    Echoed,
    Examine,
    Judged,
    Publish,
    Sent,
)
from p2p_sos.core.letters.dialogue import Dialogue
from p2p_sos.core.letters.letterbook import LetterRecord
from p2p_sos.core.notices import Accepting, CallClosed
from p2p_sos.core.tables import Table
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.hashing import gossip_id as gossip_id_of
from p2p_sos.wire.messages import CallId, Key
from p2p_sos.wire.profiles import Profile
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import Kind

MeshEvent = PeerLeft | RpcReceived | RpcUnreadable | RoundTripMeasured | BacklogChanged
OperatorEvent = (
    OperatorClaims
    | OperatorDeclines
    | OperatorReleases
    | OperatorStandsDown
    | OperatorReports
    | OperatorWrites
)
NO_RESPONDER = "This node answers no calls: it has no responder key."


class Machine(Protocol):
    """What hears of every admitted message and of the people."""

    def handle(self, event: Any, now: float) -> Sequence[Any]:
        """One event."""
        ...


@frozen
class CallEnds:
    """The life of a call may be over."""

    call: CallId


class Node:
    """One node. `rings(a, b)` counts H3 rings between two cells, None when they cannot be compared.

    Events at a start, in this order: `Restored` for every table, `ClockRead`, `Started`, then the rest.
    """

    def __init__(  # noqa: PLR0913 (a node is made of that much)
        self,
        *,
        profile: Profile,
        gossip: GossipSettings,
        random: Random,
        entropy: Callable[[int], bytes],
        rings: Callable[[int, int], int | None],
        responder: Responder | None = None,
        victim: VictimSecrets | None = None,
    ) -> None:
        self._profile = profile
        self._rings = rings  # nearness: bands ask for it in the next step of the specification
        self._clock = Clock()
        self._log = WatchLog()
        self._archive = Archive(Calls(profile.open_calls_max), Cards(), Proofs())
        self._gate = Gate(
            Admission(profile, self._clock, self._archive.calls, self._archive.cards, self._archive.proofs)
        )
        self._router = Router(gossip, random, self._archive.memory.cell)
        self._victim_key = None if victim is None else victim.call_key.public
        self._responder_key = None if responder is None else responder.key.public
        self._duty: Duty | None = None
        self._dialogue: Dialogue | None = None
        self._case: Case | None = None
        self._machines: list[Machine] = []
        self._cells: tuple[tuple[bytes, bytes], ...] = ()
        if responder is not None:
            self._employ(responder, random, entropy)
        if victim is not None:
            self._case = Case(secrets=victim, network=profile.network, entropy=entropy, random=random)
            self._machines.append(self._case)

    def _employ(self, responder: Responder, random: Random, entropy: Callable[[int], bytes]) -> None:
        network, calls = self._profile.network, self._archive.calls
        card = OwnCard(responder, self._profile, self._clock, entropy, random)
        replies = Replies(
            Author(responder.key, network),
            Slots(responder.policy.slots),
            calls,
            self._clock,
            self._log,
            lambda: card.id,
        )
        self._duty = Duty(responder, calls, self._clock, replies)
        self._dialogue = Dialogue(
            network=network,
            key=responder.key,
            introduction=responder.introduction,
            entropy=entropy,
            random=random,
        )
        # The card first: a CLAIM made at the start names it.
        self._machines += [card, self._duty, self._dialogue]

    # ------------------------------------------------------------------ events

    def handle(self, event: Event, now: float) -> list[Action]:
        """One event; the actions are to be performed in order."""
        out: list[Action] = []
        match event:
            case RpcReceived() | RpcUnreadable() | PeerLeft() | RoundTripMeasured() | BacklogChanged():
                self._perform(self._router.handle(event, now), out, now)
                if isinstance(event, PeerLeft):
                    self._hear(event, out, now)
            case PeerJoined():
                self._on_peer_joined(event, out, now)
            case Verified():
                self._perform(self._gate.verified(event, now), out, now)
            case TimerFired():
                self._on_timer(event, out, now)
            case ClockRead(unix_s=unix_s):
                self._clock.read(unix_s, now)
                self._hear(event, out, now)
                self._expire(out, now)
            case Restored():
                self._on_restored(event, out, now)
            case Started():
                self._on_started(event, out, now)
            case StoreFailed(why=why):
                self._gate.closed = why or "the store fails"
                out.append(Tell(Accepting(False, self._gate.closed)))
            case StoreRecovered():
                self._gate.closed = ""
                out.append(Tell(Accepting(True, "")))
            case _:
                self._hear(event, out, now)
        return out

    def _hear(self, event: Any, out: list[Action], now: float) -> None:
        """Let every machine hear an event before anything that one of them wants is performed."""
        steps = [step for machine in self._machines for step in machine.handle(event, now)]
        self._perform(steps, out, now)

    def _perform(self, steps: Sequence[Any], out: list[Action], now: float) -> None:
        """Take out what the machines say to one another; the rest is the driver's."""
        for step in steps:
            match step:
                case Examine():
                    self._perform(self._gate.examine(step, now), out, now)
                case Judged():
                    self._perform(self._router.handle(step, now), out, now)
                case Welcomed(frame=frame, gossip_id=gossip_id):
                    self._admit(frame, gossip_id, out, now)
                case Publish():
                    self._publish(step, out, now)
                case Sent() | Echoed():
                    self._hear(step, out, now)
                case _:
                    out.append(step)

    def _on_timer(self, event: TimerFired, out: list[Action], now: float) -> None:
        if isinstance(event.key, CallEnds):
            self._expire(out, now)
            return
        self._perform(self._gate.fire(event, now), out, now)
        self._perform(self._router.handle(event, now), out, now)
        self._hear(event, out, now)

    def _on_peer_joined(self, event: PeerJoined, out: list[Action], now: float) -> None:
        self._perform(self._router.handle(event, now), out, now)
        ids = self._archive.newest_first(hidden=self._victim_key)
        if ids:
            self._perform(self._router.handle(Announce(event.peer, ids), now), out, now)
        self._hear(event, out, now)

    # ------------------------------------------------------------------ a start

    def _on_restored(self, event: Restored, out: list[Action], now: float) -> None:
        match event.table:
            case Table.CELL:
                self._cells = event.rows
            case Table.TOMBSTONE:
                for call, until in event.rows:
                    self._archive.calls.restore_tombstone(call, int.from_bytes(until[:TIME_BYTES], "big"))
            case Table.LOG:
                self._log.restore(event.rows)
            case _:
                self._hear(event, out, now)

    def _on_started(self, event: Started, out: list[Action], now: float) -> None:
        arrivals, unreadable = read_rows(self._cells, self._profile.network)
        self._cells = ()
        out += [Forget(Table.CELL, key) for key in unreadable]
        for arrival in arrivals:
            frame = arrival.frame
            taken = self._archive.restore(arrival, mine=self._mine_of(frame))
            out += taken.rows
            if taken.kept:
                self._hear(Admitted(frame, arrival.gossip_id, self._is_own(frame), restored=True), out, now)
                self._watch_end(frame, out)
        self._expire(out, now)
        self._perform(self._router.handle(event, now), out, now)
        self._hear(event, out, now)

    # ------------------------------------------------------------------ messages in and out

    def _is_own(self, frame: Frame) -> bool:
        return frame.message.signer in (self._victim_key, self._responder_key)

    def _mine_of(self, frame: Frame) -> str:
        return "own" if frame.message.signer == self._victim_key else ""

    def _watch_end(self, frame: Frame, out: list[Action]) -> None:
        if frame.message.KIND is Kind.CALL:
            out.append(SetTimer(CallEnds(frame.id), self._clock.local(ends_unix_s(call_of(frame)))))

    def _admit(self, frame: Frame, gossip_id: GossipId, out: list[Action], now: float) -> None:
        """Keep a message of others, forward it, then let it be thought about."""
        known = frame.id in self._archive.memory
        taken = self._archive.take(frame, gossip_id, self._clock.unix_s(now), mine=self._mine_of(frame))
        out += taken.rows
        refusal = None if taken.passed else Refusal(Reason.BOUND, "others stay longer")
        self._perform(self._router.handle(judged(gossip_id, refusal), now), out, now)
        if taken.passed and not known:
            self._spread(frame, gossip_id, taken, out, now)

    def _publish(self, publish: Publish, out: list[Action], now: float) -> None:
        """Keep a message of our own, send it, then let every machine see it; a known one is sent again."""
        frame = publish.frame
        gossip_id = gossip_id_of(frame.cell, canonical=True)
        taken = None
        if frame.id not in self._archive.memory:
            taken = self._archive.take(frame, gossip_id, self._clock.unix_s(now), mine=self._mine_of(frame))
            out += taken.rows
            if not taken.passed:
                return  # its call is gone, or nobody would keep it
        broadcast = Broadcast(gossip_id, frame.cell, publish.avoid)
        self._perform(self._router.handle(broadcast, now), out, now)
        if taken is not None:
            self._spread(frame, gossip_id, taken, out, now)

    def _spread(self, frame: Frame, gossip_id: GossipId, taken: Taken, out: list[Action], now: float) -> None:
        call = frame.id if frame.message.KIND is Kind.CALL else getattr(frame.message, "call", None)
        told: list[Action] = []
        if call is not None:
            calls = self._archive.calls
            notice = tidings(frame, lambda: calls[call].view, self._responder_key)
            # One's own call is not heard by making it.
            if notice is not None and not (call == frame.id and self._mine_of(frame)):
                told.append(Tell(notice))
        self._watch_end(frame, out)
        # A victim learns that it is heard before it learns by whom; a responder of a call before it decides.
        out += told if self._case is None else []
        self._hear(Admitted(frame, gossip_id, self._is_own(frame)), out, now)
        out += [] if self._case is None else told
        self._end_calls(taken, out, now)
        if frame.message.KIND is Kind.CALL:
            # "When a CALL is admitted, what waited for it is looked at." (05-calls §3)
            self._perform(self._gate.adopt(frame.id, now), out, now)

    def _expire(self, out: list[Action], now: float) -> None:
        # "What ends by the clock ends only when two readings agree." (05-calls §6)
        if self._clock.leapt:
            return
        taken = self._archive.expire(self._clock.unix_s(now))
        out += taken.rows
        self._end_calls(taken, out, now)

    def _end_calls(self, taken: Taken, out: list[Action], now: float) -> None:
        for call, how in taken.ended:
            out.append(Tell(CallClosed(call, how)))
            self._hear(CallEnded(call, how), out, now)

    # ------------------------------------------------------------------ for the people

    def refusal(self, event: Event) -> str | None:
        """Why an operator's or a victim's event would do nothing, in one sentence; None if it would."""
        if self._gate.closed:
            return f"The node can keep nothing at the moment ({self._gate.closed}); make room and try again."
        if not isinstance(event, OperatorEvent):
            return None if self._case is None else self._case.refusal(event)
        if self._duty is None or self._dialogue is None:
            return NO_RESPONDER
        return self._duty.refusal(event) or self._dialogue.refusal(event)

    @property
    def calls(self) -> Mapping[CallId, CallRecord]:
        """Every call that this node remembers, by id."""
        return self._archive.calls

    @property
    def case(self) -> CaseView | None:
        """The victim's case; None at a node that is nobody's."""
        return None if self._case is None else self._case.view

    @property
    def peers(self) -> tuple[PeerView, ...]:
        """The peers, as the router sees them."""
        return self._router.peers

    @property
    def accepting(self) -> bool:
        """Whether anything new is accepted; False while the store fails."""
        return not self._gate.closed

    @property
    def why_not_accepting(self) -> str:
        """What is wrong with the store; empty while nothing is."""
        return self._gate.closed

    @property
    def cards(self) -> Mapping[Key, Frame]:
        """The newest CARD of each responder known."""
        return MappingProxyType(self._archive.cards.newest)

    @property
    def archive(self) -> Archive:
        """Everything that is held, to be read and never changed from outside."""
        return self._archive

    @property
    def log_fault(self) -> str | None:
        """What is wrong with the watch log of the last run, if anything."""
        return self._log.fault

    def letters(self, call: CallId) -> tuple[LetterRecord, ...]:
        """The letters of one call that were opened or written here."""
        return () if self._dialogue is None else self._dialogue.letters(call)

    def log_lines(self, after: int = 0) -> tuple[bytes, ...]:
        """The lines of the watch log with numbers above `after`, as many as are kept in memory."""
        return self._log.lines(after)

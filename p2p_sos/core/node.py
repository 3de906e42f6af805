"""A whole node: the gossip router, the gate, the archive, the duty machine, the dialogues and the case.

Decides which machine hears what, in which order: what is kept stands before what is sent, and what is
forwarded before what is thought about it. Comes in: every event of the driver. Goes out: actions. Must not
know sockets, disks, clocks or how randomness is drawn.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Protocol, get_args

from attrs import frozen

from p2p_sos.core.actions import Action, Forget, SetTimer, Tell
from p2p_sos.core.board.judge import Accredits, Judge, nobody
from p2p_sos.core.calls.accuser import Accuser
from p2p_sos.core.calls.admission import Admission
from p2p_sos.core.calls.archive import Archive, Taken
from p2p_sos.core.calls.calls import Calls, CallState, call_of, ends_unix_s
from p2p_sos.core.calls.cards import Cards
from p2p_sos.core.calls.gate import CallDue, Decode, Gate, OrphansDue, Welcomed, judged
from p2p_sos.core.calls.herald import tidings
from p2p_sos.core.calls.holdings import ArchiveHoldings
from p2p_sos.core.calls.lookout import Lookout, StoodDown
from p2p_sos.core.calls.memory import read_rows
from p2p_sos.core.case.case import Case, VictimSecrets
from p2p_sos.core.clock import Clock
from p2p_sos.core.crew import Crew, Ship, employ
from p2p_sos.core.deck import Deck
from p2p_sos.core.duty.bands import Ranking
from p2p_sos.core.duty.policy import Responder
from p2p_sos.core.duty.watchlog import WatchLog
from p2p_sos.core.events import (
    BacklogChanged,
    CallBrought,
    ClockRead,
    Event,
    PeerJoined,
    PeerLeft,
    Restored,
    RoundTripMeasured,
    RpcReceived,
    RpcUnreadable,
    Started,
    StoreFailed,
    StoreRecovered,
    SyncReceived,
    TimerFired,
    Verified,
)
from p2p_sos.core.gossip.router import Router
from p2p_sos.core.gossip.rpc import GossipId
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.gossip.timers import AnnounceDue, HeartbeatDue, WantDue
from p2p_sos.core.internal import (
    Admitted,
    Announce,
    Broadcast,
    CallEnded,
    CallReopened,
    Echoed,
    Examine,
    Judged,
    Offered,
    Probe,
    Publish,
    Sent,
    ViewChanged,
)
from p2p_sos.core.notices import Accepting, CallClosed
from p2p_sos.core.origin.way import Way
from p2p_sos.core.sync.sync import Sync, SyncSettings
from p2p_sos.core.tables import Table
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.frames import decode as decode_cell
from p2p_sos.wire.hashing import gossip_id as gossip_id_of
from p2p_sos.wire.messages import CallId, Key
from p2p_sos.wire.profiles import Profile
from p2p_sos.wire.refusals import Reason, Refusal
from p2p_sos.wire.registry import Kind

OF_THE_DRIVER = dict.fromkeys(get_args(Action))


class Machine(Protocol):
    """What hears of every admitted message and of the people."""

    def handle(self, event: Any, now: float) -> Sequence[Any]:
        """One event."""
        ...


@frozen
class CallEnds:
    """The life of a call may be over."""

    call: CallId


class Node(Deck):
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
        accredits: Accredits = nobody,
        cards: Cards | None = None,
        decode: Decode = decode_cell,
        sync: SyncSettings | None = None,
        ranking: Ranking | None = None,
        way: Way = Way.DIRECT,
    ) -> None:
        self._profile = profile
        self._way = way
        self._clock = Clock()
        self._log = WatchLog()
        self._judge = Judge(profile, rings, accredits)
        calls, accuser = Calls(profile.open_calls_max, self._judge), Accuser(profile.network)
        self._archive = archive = Archive(calls, Cards() if cards is None else cards, accuser=accuser)
        self._gate = Gate(Admission(profile, self._clock, archive), decode)
        self._lookout = Lookout(archive.calls)
        self._sync = Sync(ArchiveHoldings(archive, self._unheard), random, sync or SyncSettings())
        self._last_heard_at = 0.0
        self._router = Router(gossip, random, self._archive.memory.cell)
        self._victim_key = None if victim is None else victim.call_key.public
        self._responder_key = None if responder is None else responder.key.public
        self._crew: Crew | None = None
        self._case: Case | None = None
        # The lookout first: a call is looked at before anybody thinks about what came.
        self._machines: list[Machine] = [self._lookout]
        self._cells: tuple[tuple[bytes, bytes], ...] = ()
        if responder is not None:
            ship = Ship(
                profile, self._clock, self._log, archive, self._judge, random, entropy, self._heard_at,
                Ranking() if ranking is None else ranking,
            )  # fmt: skip
            self._crew = crew = employ(responder, ship)
            self._machines += [crew.card, crew.duty, crew.dialogue]
        if victim is not None:
            self._case = Case(secrets=victim, network=profile.network, entropy=entropy, random=random)
            self._machines.append(self._case)

    # ------------------------------------------------------------------ events

    def handle(self, event: Event, now: float) -> list[Action]:
        """One event; the actions are to be performed in order."""
        out: list[Action] = []
        if type(event) is RpcReceived:  # nearly every event is one
            self._last_heard_at = now
            if steps := self._router.receive(event, now):
                self._perform(steps, out, now)
            return out
        match event:
            case TimerFired():
                self._on_timer(event, out, now)
            case Verified():
                self._perform(self._gate.verified(event, now), out, now)
            case RoundTripMeasured():
                self._last_heard_at = now
                self._perform(self._router.handle(event, now), out, now)
            case RpcUnreadable() | BacklogChanged():
                self._perform(self._router.handle(event, now), out, now)
            case SyncReceived():
                self._last_heard_at = now
                self._perform(self._sync.handle(event, now), out, now)
            case PeerLeft():
                self._perform(self._router.handle(event, now), out, now)
                self._perform(self._sync.handle(event, now), out, now)
                self._hear(event, out, now)
            case PeerJoined():
                self._on_peer_joined(event, out, now)
            case ClockRead(unix_s=unix_s):
                self._clock.read(unix_s, now)
                self._hear(event, out, now)
                self._expire(out, now)
            case Restored():
                self._on_restored(event, out, now)
            case Started():
                self._on_started(event, out, now)
            case CallBrought(cell=cell):
                self._perform(self._gate.offered(Offered(cell, ""), now), out, now)
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
        self._perform(self._told_of(event, now), out, now)
        # What they did to a call without a message: whoever leaves a roster for good, say.
        self._perform(self._lookout.look_around(now), out, now)

    def _told_of(self, event: Any, now: float) -> list[Any]:
        return [step for machine in self._machines for step in machine.handle(event, now)]

    def _perform(self, steps: Sequence[Any], out: list[Action], now: float) -> None:
        """Take out what the machines say to one another; the rest is the driver's."""
        for step in steps:
            if type(step) in OF_THE_DRIVER:  # nearly every step is one
                out.append(step)
                continue
            match step:
                case Examine():
                    self._perform(self._gate.examine(step, now), out, now)
                case Judged():
                    self._perform(self._router.handle(step, now), out, now)
                case Welcomed():
                    self._admit(step, out, now)
                case Publish():
                    self._publish(step, out, now)
                case Sent() | Echoed() | ViewChanged():
                    self._hear(step, out, now)
                case StoodDown(call=call):
                    self._settle(self._archive.stand_down(call, self._clock.unix_s(now)), out, now)
                case Offered():
                    self._perform(self._gate.offered(step, now), out, now)
                case Probe():
                    self._perform(self._sync.handle(step, now), out, now)
                case _:
                    out.append(step)

    def _on_timer(self, event: TimerFired, out: list[Action], now: float) -> None:
        match event.key:
            case HeartbeatDue() | AnnounceDue() | WantDue():
                self._perform(self._router.handle(event, now), out, now)
            case CallEnds():
                self._expire(out, now)
            case OrphansDue() | CallDue():
                self._perform(self._gate.fire(event, now), out, now)
            case _:
                self._perform(self._sync.handle(event, now), out, now)
                self._hear(event, out, now)

    def _on_peer_joined(self, event: PeerJoined, out: list[Action], now: float) -> None:
        self._last_heard_at = now
        self._perform(self._router.handle(event, now), out, now)
        ids = self._archive.newest_first(hidden=self._victim_key)
        if ids:
            self._perform(self._router.handle(Announce(event.peer, ids), now), out, now)
        self._perform(self._sync.handle(event, now), out, now)
        self._hear(event, out, now)

    # ------------------------------------------------------------------ a start

    def _on_restored(self, event: Restored, out: list[Action], now: float) -> None:
        match event.table:
            case Table.CELL:
                self._cells = event.rows
            case Table.TOMBSTONE:
                for call, row in event.rows:
                    self._archive.calls.restore_tombstone(call, row)
            case Table.LOG:
                self._log.restore(event.rows)
            case _:
                self._hear(event, out, now)

    def _on_started(self, event: Started, out: list[Action], now: float) -> None:
        arrivals, unreadable = read_rows(self._cells, self._profile.network, self._gate.decode)
        self._cells = ()
        out += [Forget(Table.CELL, key) for key in unreadable]
        came = [self._clock.local(arrival.unix_s) for arrival in arrivals]
        ahead_s = max(0.0, max(came, default=now) - now)  # by a clock that ran ahead in an earlier run
        proofs: list[Publish] = []
        for arrival, at in zip(arrivals, came, strict=True):
            frame = arrival.frame
            taken = self._archive.restore(arrival, now, at - ahead_s, mine=self._mine_of(frame))
            out += taken.rows
            if taken.proof is not None:
                proofs.append(Publish(taken.proof))
            if taken.kept:
                admitted = Admitted(frame, arrival.gossip_id, self._is_own(frame), restored=True)
                self._perform(self._told_of(admitted, now), out, now)
                self._watch_end(frame, out)
        self._expire(out, now)
        # Before anybody decides anything: what was stood down in an earlier run is so still, and was told then.
        for call in self._lookout.stood_down(now):
            out += self._archive.stand_down(call, self._clock.unix_s(now)).rows
            self._hear(CallEnded(call, CallState.STOOD_DOWN.value), out, now)
        self._perform(self._router.handle(event, now), out, now)
        self._perform(self._sync.handle(event, now), out, now)
        self._hear(event, out, now)
        self._perform(proofs, out, now)

    # ------------------------------------------------------------------ messages in and out

    def _heard_at(self) -> float:
        return self._last_heard_at

    def _unheard(self) -> Key | None:
        """The victim whose call is not in the mesh yet: nobody may learn of it by asking here."""
        view = None if self._case is None else self._case.view
        return self._victim_key if view is None or not view.heard else None

    def _is_own(self, frame: Frame) -> bool:
        return frame.message.signer in (self._victim_key, self._responder_key)

    def _mine_of(self, frame: Frame) -> str:
        return "own" if frame.message.signer == self._victim_key else ""

    def _watch_end(self, frame: Frame, out: list[Action]) -> None:
        if frame.message.KIND is Kind.CALL:
            out.append(SetTimer(CallEnds(frame.id), self._clock.local(ends_unix_s(call_of(frame)))))

    def _admit(self, welcomed: Welcomed, out: list[Action], now: float) -> None:
        """Keep a message of others, forward it, then let it be thought about."""
        frame, gossip_id = welcomed.frame, welcomed.gossip_id
        known = frame.id in self._archive.memory
        taken = self._take(frame, gossip_id, out, now)
        refusal = None if taken.passed else Refusal(Reason.BOUND, "others stay longer")
        self._perform(self._router.handle(judged(gossip_id, refusal), now), out, now)
        if taken.passed and welcomed.synced and self._gate.admission.gossips(frame, now):
            self._announce(gossip_id, out, now)
        if taken.passed and not known:
            self._spread(frame, gossip_id, taken, out, now)
        elif taken.proof is not None:
            self._publish(Publish(taken.proof), out, now)

    def _take(self, frame: Frame, gossip_id: GossipId, out: list[Action], now: float) -> Taken:
        taken = self._archive.take(frame, gossip_id, self._clock.unix_s(now), now, mine=self._mine_of(frame))
        out += taken.rows
        return taken

    def _announce(self, gossip_id: GossipId, out: list[Action], now: float) -> None:
        """What sync brought is offered to every peer by gossip: whoever holds it does not ask."""
        for peer in self._router.peers:
            self._perform(self._router.handle(Announce(peer.peer, (gossip_id,)), now), out, now)

    def _publish(self, publish: Publish, out: list[Action], now: float) -> None:
        """Keep a message of our own, send it, then let every machine see it; a known one is sent again."""
        frame = publish.frame
        gossip_id = gossip_id_of(frame.cell, canonical=True)
        taken = None
        if frame.id not in self._archive.memory:
            taken = self._take(frame, gossip_id, out, now)
            if not taken.passed:
                return  # its call is gone, or nobody would keep it
        broadcast = Broadcast(gossip_id, frame.cell, publish.avoid)
        self._perform(self._router.handle(broadcast, now), out, now)
        if taken is not None:
            self._spread(frame, gossip_id, taken, out, now)

    def _spread(self, frame: Frame, gossip_id: GossipId, taken: Taken, out: list[Action], now: float) -> None:
        call = frame.id if frame.message.KIND is Kind.CALL else getattr(frame.message, "call", None)
        if taken.reopened is not None:
            self._hear(CallReopened(taken.reopened), out, now)
        notice = None if call is None else tidings(frame, self._archive.calls, self._responder_key)
        # One's own call is not heard by making it.
        own_call = call == frame.id and self._mine_of(frame)
        told: list[Action] = [] if notice is None or own_call else [Tell(notice)]
        self._watch_end(frame, out)
        # A victim learns that it is heard before it learns by whom; a responder of a call before it decides.
        out += told if self._case is None else []
        self._hear(Admitted(frame, gossip_id, self._is_own(frame)), out, now)
        out += [] if self._case is None else told
        self._end_calls(taken, out, now)
        if taken.proof is not None:
            self._publish(Publish(taken.proof), out, now)
        if frame.message.KIND is Kind.CALL:
            # "When a CALL is admitted, what waited for it is looked at." (05-calls §3)
            self._perform(self._gate.adopt(frame.id, now), out, now)

    def _expire(self, out: list[Action], now: float) -> None:
        # "What ends by the clock ends only when two readings agree." (05-calls §6)
        if self._clock.leapt:
            return
        self._settle(self._archive.expire(self._clock.unix_s(now)), out, now)

    def _settle(self, taken: Taken, out: list[Action], now: float) -> None:
        out += taken.rows
        self._end_calls(taken, out, now)

    def _end_calls(self, taken: Taken, out: list[Action], now: float) -> None:
        for call, how in taken.ended:
            out.append(Tell(CallClosed(call, how)))
            self._hear(CallEnded(call, how), out, now)

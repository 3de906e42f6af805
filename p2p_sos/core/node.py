"""A whole node: the gossip router, the gate, the archive, the duty machine, the dialogues and the case.

Decides which machine hears what, in which order: what is kept stands before what is sent, and what is
forwarded before what is thought about it. Comes in: every event of the driver. Goes out: actions. Must not
know sockets, disks, clocks or how randomness is drawn.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Protocol, get_args

from p2p_sos.core.actions import Action, Forget, Tell
from p2p_sos.core.board.judge import Accredits, Judge, nobody
from p2p_sos.core.calls.accuser import Accuser
from p2p_sos.core.calls.admission import Admission
from p2p_sos.core.calls.archive import Archive
from p2p_sos.core.calls.calls import Calls, CallState
from p2p_sos.core.calls.cards import Cards
from p2p_sos.core.calls.gate import CallDue, Decode, Gate, OrphansDue, Welcomed
from p2p_sos.core.calls.holdings import ArchiveHoldings
from p2p_sos.core.calls.lookout import Lookout, StoodDown
from p2p_sos.core.calls.memory import read_rows
from p2p_sos.core.case.case import Case, VictimSecrets
from p2p_sos.core.case.listening import Listening
from p2p_sos.core.clock import Clock
from p2p_sos.core.crew import Crew, Ship, employ
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
    Pushed,
    PushFailed,
    Restored,
    RoundTripMeasured,
    RpcReceived,
    RpcUnreadable,
    Started,
    StemReceived,
    StemRefused,
    StoreFailed,
    StoreRecovered,
    SyncReceived,
    TimerFired,
    Verified,
)
from p2p_sos.core.gossip.router import Router
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.gossip.timers import AnnounceDue, HeartbeatDue, WantDue
from p2p_sos.core.internal import (
    Admitted,
    Announce,
    Blame,
    CallEnded,
    Echoed,
    Examine,
    Handed,
    Judged,
    Offered,
    Probe,
    Publish,
    Release,
    Returned,
    Sent,
    Vet,
    Vetted,
    ViewChanged,
)
from p2p_sos.core.notices import Accepting
from p2p_sos.core.origin.origin import ORIGIN_TIMERS, Origin
from p2p_sos.core.origin.veil import Veil
from p2p_sos.core.origin.way import Way
from p2p_sos.core.passage import CallEnds, Passage
from p2p_sos.core.sync.sync import Sync, SyncSettings
from p2p_sos.core.tables import Table
from p2p_sos.wire.frames import decode as decode_cell
from p2p_sos.wire.profiles import Profile

OF_THE_DRIVER = dict.fromkeys(get_args(Action))


class Machine(Protocol):
    """What hears of every admitted message and of the people."""

    def handle(self, event: Any, now: float) -> Sequence[Any]:
        """One event."""
        ...


class Node(Passage):
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
        self._clock = Clock()
        self._log = WatchLog()
        self._judge = Judge(profile, rings, accredits)
        calls, accuser = Calls(profile.open_calls_max, self._judge), Accuser(profile.network)
        veil = Veil()
        self._archive = archive = Archive(
            calls, Cards() if cards is None else cards, accuser=accuser, veil=veil
        )
        self._victim_key = None if victim is None else victim.call_key.public
        self._origin = Origin(way, entropy, self._effort_of, veil, self._victim_key)
        self._gate = Gate(Admission(profile, self._clock, archive, veil.veils), decode)
        self._lookout = Lookout(archive.calls)
        self._sync = Sync(ArchiveHoldings(archive, self._unheard, veil), random, sync or SyncSettings())
        self._last_heard_at = 0.0
        self._router = Router(gossip, random, self._shown)
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
            listening = Listening(everybody=self._origin.is_hidden)
            self._case = Case(
                secrets=victim, network=profile.network, entropy=entropy, random=random, listening=listening
            )
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
                self._perform(self._origin.handle(event, now), out, now)
                self._hear(event, out, now)
            case StemReceived() | StemRefused() | Pushed() | PushFailed():
                self._last_heard_at = now
                self._perform(self._origin.handle(event, now), out, now)
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
                # "A CALL that somebody brings by hand (12-by-hand §4) MUST be examined as what sync brings" (05-calls §3)
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
                    self._examine(step, out, now)
                case Judged():
                    self._perform(self._router.handle(step, now), out, now)
                case Welcomed():
                    self._admit(step, out, now)
                case Publish():
                    self._publish(step, out, now)
                case Sent() if self._origin.is_hidden:
                    pass  # what gossip sends of a hidden case is no more than what it sends of any
                case Handed(gossip_id=gossip_id, peers=peers):
                    self._hear(Sent(gossip_id, peers), out, now)
                case Vet():
                    self._perform(self._gate.vet(step, now), out, now)
                case Vetted():
                    self._perform(self._origin.handle(step, now), out, now)
                case Release() | Blame():
                    self._perform(self._router.handle(step, now), out, now)
                case Echoed(gossip_id=gossip_id) if self._origin.is_hidden:
                    self._perform(self._origin.handle(Returned(gossip_id), now), out, now)
                    self._hear(step, out, now)
                case Sent() | Echoed() | ViewChanged():
                    self._hear(step, out, now)
                case StoodDown(call=call):
                    self._settle(self._archive.stand_down(call, self._clock.unix_s(now)), out, now)
                case Offered():
                    self._offered(step, out, now)
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
            case key if isinstance(key, ORIGIN_TIMERS):
                self._perform(self._origin.handle(event, now), out, now)
            case _:
                self._perform(self._sync.handle(event, now), out, now)
                self._hear(event, out, now)

    def _on_peer_joined(self, event: PeerJoined, out: list[Action], now: float) -> None:
        self._last_heard_at = now
        self._perform(self._router.handle(event, now), out, now)
        ids = self._archive.newest_first(
            hidden=self._unheard() if self._origin.is_hidden else self._victim_key
        )
        if not self._origin.veil.is_empty:
            ids = tuple(one for one in ids if not self._origin.veil.hides(one))
        if ids:
            self._perform(self._router.handle(Announce(event.peer, ids), now), out, now)
        self._perform(self._sync.handle(event, now), out, now)
        self._perform(self._origin.handle(event, now), out, now)
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
                self._perform(self._origin.handle(event, now), out, now)
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
            if self._mine_of(frame):
                self._origin.recall(frame, arrival.gossip_id)
            taken = self._archive.restore(arrival, now, at - ahead_s, mine=self._mine_of(frame))
            out += taken.rows
            if taken.proof is not None:
                proofs.append(Publish(taken.proof))
            if taken.kept:
                self._hide_about_own(frame, arrival.gossip_id)
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
